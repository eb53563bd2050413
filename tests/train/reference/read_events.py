#!/usr/bin/env python3
"""Reads TensorBoard event files without TensorBoard, or with it, and prints what it found as JSON.

read_events.py FILE        every record of a file: checksums checked bit by bit, fields by number
read_events.py --board DIR the scalars that TensorBoard itself sees in a folder; exit 77 without it
"""
import json
import struct
import sys


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def masked(data):
    crc = crc32c(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def fields(data):
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        kind = key & 7
        if kind == 0:
            value, at = varint(data, at)
        elif kind == 1:
            value, at = struct.unpack("<d", data[at:at + 8])[0], at + 8
        elif kind == 5:
            value, at = struct.unpack("<f", data[at:at + 4])[0], at + 4
        elif kind == 2:
            size, at = varint(data, at)
            value, at = data[at:at + size], at + size
            assert len(value) == size, "a field is cut"
        else:
            raise AssertionError(f"kind {kind} of field {key >> 3}")
        yield key >> 3, value


def records(path):
    data = open(path, "rb").read()
    at = 0
    while at < len(data):
        head = data[at:at + 8]
        size = struct.unpack("<Q", head)[0]
        assert struct.unpack("<I", data[at + 8:at + 12])[0] == masked(head), "checksum of a length"
        body = data[at + 12:at + 12 + size]
        assert len(body) == size, "a record is cut"
        check = struct.unpack("<I", data[at + 12 + size:at + 16 + size])[0]
        assert check == masked(body), "checksum of a record"
        at += 16 + size
        yield body


def event(body):
    found = {"values": {}}
    for number, value in fields(body):
        if number == 1:
            found["wall_time"] = value
        elif number == 2:
            found["step"] = value
        elif number == 3:
            found["file_version"] = value.decode()
        elif number == 5:
            for _, entry in fields(value):
                of_entry = dict(fields(entry))
                found["values"][of_entry[1].decode()] = of_entry[2]
        elif number == 7:
            found["status"] = dict(fields(value))[1]
        else:
            raise AssertionError(f"field {number}")
    return found


def seen_by_tensorboard(folder):
    try:
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    except ImportError as error:
        print(error)
        sys.exit(77)
    board = EventAccumulator(folder)
    board.Reload()
    return {tag: [[one.step, one.value] for one in board.Scalars(tag)]
            for tag in board.Tags()["scalars"]}


if sys.argv[1] == "--board":
    print(json.dumps(seen_by_tensorboard(sys.argv[2])))
else:
    print(json.dumps([event(body) for body in records(sys.argv[1])]))
