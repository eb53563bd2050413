"""Readers of corpora as they are usually written in plain Python: no checks.

Each gives a dialogue as a list of (speaker, text).
"""

import csv
import json
import tarfile
import zipfile
from xml.etree import ElementTree


def jsonl(path):
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            dialogue = json.loads(line)
            yield [(turn["speaker"], turn["text"]) for turn in dialogue["turns"]]


def ubuntu_v1(path):
    with tarfile.open(path) as archive:
        for member in archive:
            if not member.name.endswith(".tsv"):
                continue
            turns = []
            for line in archive.extractfile(member).read().decode("utf-8").split("\n"):
                columns = line.split("\t", 3)
                if len(columns) == 4:
                    turns.append((columns[1], columns[3]))
            yield turns


def ubuntu_v2(path):
    csv.field_size_limit(1 << 24)
    with open(path, encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        next(rows)
        for context, reply, label in rows:
            if label != "1":
                continue
            texts = [text for text in context.split("__eot__") if text.strip()] + [reply]
            yield [("AB"[i % 2], text.replace("__eou__", "").strip())
                   for i, text in enumerate(texts)]


def convai2(path):
    """A loop over lines in the manner of ParlAI's teacher of this format."""
    turns, last = [], 0
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            line = line.strip()
            if not line:
                continue
            space = line.find(" ")
            number = int(line[:space])
            columns = [column.strip() for column in line[space + 1:].split("\t")]
            if number <= last and turns:
                yield turns
                turns = []
            last = number
            if len(columns) > 1:
                turns.append(("A", columns[0]))
                turns.append(("B", columns[1]))
    if turns:
        yield turns


def talks_in_film(xml, pause=2.0):
    def seconds(value):
        hours, minutes, rest = value.split(":")
        return int(hours) * 3600 + int(minutes) * 60 + float(rest.replace(",", "."))

    turns, end = [], None
    for sentence in ElementTree.fromstring(xml).iter("s"):
        words, apart = [], False
        for element in sentence:
            if element.tag == "w":
                words.append(element.text)
            elif element.tag == "time":
                at = seconds(element.get("value"))
                if element.get("id").endswith("E"):
                    end = at
                elif end is not None and at - end > pause:
                    apart = True
        if apart and turns:
            yield turns
            turns = []
        turns.append(("?", " ".join(words)))
    if turns:
        yield turns


def opensubtitles(path):
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if name.endswith(".xml"):
                yield from talks_in_film(archive.read(name))


READERS = {reader.__name__: reader for reader in (jsonl, ubuntu_v1, ubuntu_v2, convai2,
                                                  opensubtitles)}
