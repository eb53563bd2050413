"""Readers in plain Python that promise what banter's readers promise.

A dialogue is there only when every text of it is UTF-8, holds no NUL and is not blank, when it has
two turns and two speakers, and when its id is new; its fault is told with its place otherwise. In
formats without ids a dialogue is compared with all earlier ones; copies are told and stay.
"""

import csv
import json
import tarfile
import zipfile
from collections import Counter
from itertools import chain
from typing import NamedTuple
from xml.etree import ElementTree

from plain_readers import talks_in_film

FAULTS_SHOWN = 10


class Dialogue(NamedTuple):
    place: object  # number of a line, or name of a member
    id: str | None
    turns: list  # of (speaker, text)
    fault: str = ""  # why it is lost


class Faults:
    """What was lost or is worth knowing: how often, and where first."""

    def __init__(self):
        self.counts, self.first = Counter(), []

    def add(self, place, rule):
        self.counts[rule] += 1
        if len(self.first) < FAULTS_SHOWN:
            self.first.append(f"{place}: {rule}")


def open_text(path, newline="\n"):
    """Bytes that are no UTF-8 become surrogates, which no text may hold."""
    return open(path, encoding="utf-8", errors="surrogateescape", newline=newline)


def unique_keys(pairs):
    record = dict(pairs)
    if len(record) != len(pairs):
        raise ValueError("a key stands twice in an object")
    return record


def jsonl(path):
    decode = json.JSONDecoder(object_pairs_hook=unique_keys).decode
    with open_text(path) as lines:
        for number, line in enumerate(lines, 1):
            try:
                record = decode(line)
                turns = [(turn["speaker"], turn["text"]) for turn in record["turns"]]
                facts = chain.from_iterable(record.get("personas", {}).values())
                dialogue = Dialogue(number, record["id"], turns, fault_in(facts))
            except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as fault:
                dialogue = Dialogue(number, None, [], f"is no dialogue: {type(fault).__name__}")
            yield dialogue


def ubuntu_v1(path):
    with tarfile.open(path) as archive:
        for member in archive:
            if not member.isfile() or not member.name.endswith(".tsv"):
                continue
            turns, fault = [], ""
            text = archive.extractfile(member).read().decode("utf-8", "surrogateescape")
            for line in text.split("\n"):
                columns = line.split("\t", 3)
                if len(columns) == 4 and columns[1].strip():
                    turns.append((columns[1], columns[3]))
                elif line:
                    fault = "a line has fewer than four columns, or no sender"
            yield Dialogue(member.name, member.name, turns, fault)


def ubuntu_v2(path):
    csv.field_size_limit(1 << 24)
    with open_text(path, newline="") as file:
        rows = csv.reader(file)
        next(rows)
        for row in rows:
            if len(row) != 3 or row[2] not in ("0", "1"):
                yield Dialogue(rows.line_num, None, [], "a row has not three columns, or no label")
            elif row[2] == "1":
                yield marked_dialogue(rows.line_num, *row[:2])


def marked_dialogue(place, context, reply):
    *texts, rest = context.split("__eot__")
    if rest.strip():
        texts.append(rest)
    turns, fault = [], ""
    for i, text in enumerate((*texts, reply)):
        *messages, rest = map(str.strip, text.split("__eou__"))
        if not all(messages):
            fault = "a message is empty"
        if rest:
            messages.append(rest)
        turns.append(("AB"[i % 2], " ".join(messages)))
    return Dialogue(place, None, turns, fault)


def convai2(path):
    turns, fault, begin, last = [], "", 1, 0
    with open_text(path) as lines:
        for place, line in enumerate(lines, 1):
            number, space, rest = line.rstrip("\r\n").partition(" ")
            if number == "1" and last:
                yield Dialogue(begin, None, turns, fault)
                turns, fault, begin, last = [], "", place, 0
            last += 1
            if number != str(last) or not space:
                fault = "the numbers of the lines do not follow one another"
            elif rest.startswith(("your persona:", "partner's persona:")):
                fault = fault or text_fault(rest)
            else:
                columns = rest.split("\t")
                if not 2 <= len(columns) <= 4 or len(columns) > 2 and columns[2]:
                    fault = "a line has not two columns, or four with an empty third"
                turns += zip("AB", columns)
    if last:
        yield Dialogue(begin, None, turns, fault)


def opensubtitles(path):
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if not name.endswith(".xml"):
                continue
            try:
                talks = list(talks_in_film(archive.read(name)))
            except (ElementTree.ParseError, ValueError, TypeError, AttributeError) as fault:
                yield Dialogue(name, None, [], f"is no film: {type(fault).__name__}")
                continue
            for number, turns in enumerate(talks):
                yield Dialogue(name, f"{name}:{number}", turns)


READERS = {reader.__name__: reader for reader in (jsonl, ubuntu_v1, ubuntu_v2, convai2,
                                                  opensubtitles)}


def text_fault(text):
    if "\0" in text:
        return "a text holds NUL"
    if not text or text.isspace():
        return "a text is blank"
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            return "a text is not valid UTF-8"
    return ""


def fault_of(dialogue):
    if dialogue.fault:
        return dialogue.fault
    try:
        return fault_in(text for _, text in dialogue.turns)
    except (TypeError, AttributeError):
        return "a text is none"


def fault_in(texts):
    return next(filter(None, map(text_fault, texts)), "")


def reply_fault(turns):
    if len(turns) < 2:
        return "a dialogue has too few turns: no reply in it"
    first = turns[0][0]
    if first != "?" and all(speaker == first for speaker, _ in turns):
        return "a dialogue has one speaker only: no reply in it"
    return ""


def checked(dialogues, faults, copies_matter=True):
    """Those that have no fault. Where they have no ids, `copies_matter`: they are compared."""
    ids, talks = set(), set()
    for dialogue in dialogues:
        rule = fault_of(dialogue) or reply_fault(dialogue.turns)
        if not rule and dialogue.id in ids:
            rule = "an id stands twice: the first one stays"
        if rule:
            faults.add(dialogue.place, rule)
            continue
        if dialogue.id is not None:
            ids.add(dialogue.id)
        elif copies_matter:
            talk = hash(tuple(text for _, text in dialogue.turns))
            if talk in talks:
                faults.add(dialogue.place, "a dialogue is a copy of an earlier one")
            talks.add(talk)
        yield dialogue
