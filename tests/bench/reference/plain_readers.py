#!/usr/bin/env python3
"""Readers of corpora as they are usually written in plain Python, one process, no checks.

    plain_readers.py FORMAT FILE                             reads
    plain_readers.py binarize FILE.jsonl DICTIONARY OUT      words to ids in an array on disk

FORMAT is jsonl, ubuntu_v1 (a tar), ubuntu_v2 (CSV), convai2, or opensubtitles (a zip of XML).
Writes a line of JSON: records, turns and bytes of text. Each reader gives a dialogue as a list of
(speaker, text).
"""

import csv
import io
import json
import sys
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


def opensubtitles(path, pause=2.0):
    def seconds(value):
        hours, minutes, rest = value.split(":")
        return int(hours) * 3600 + int(minutes) * 60 + float(rest.replace(",", "."))

    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if not name.endswith(".xml"):
                continue
            turns, end, apart = [], None, False
            for _, element in ElementTree.iterparse(io.BytesIO(archive.read(name))):
                if element.tag == "time":
                    at = seconds(element.get("value"))
                    if element.get("id").endswith("S"):
                        apart = apart or (end is not None and at - end > pause)
                    else:
                        end = at
                elif element.tag == "s":
                    if apart and turns:
                        yield turns
                        turns = []
                    apart = False
                    words = [word.text for word in element.iter("w")]
                    turns.append(("?", " ".join(words)))
                    element.clear()
            if turns:
                yield turns


READERS = {reader.__name__: reader for reader in (jsonl, ubuntu_v1, ubuntu_v2, convai2,
                                                  opensubtitles)}


def summed(dialogues):
    records = turns = text_bytes = 0
    for dialogue in dialogues:
        records += 1
        turns += len(dialogue)
        for _, text in dialogue:
            text_bytes += len(text.encode("utf-8"))
    return {"records": records, "turns": turns, "text_bytes": text_bytes}


def binarize(path, dictionary, out):
    """What fairseq-preprocess does to a line: split, look up, write int32 and where each begins."""
    import numpy
    with open(dictionary, encoding="utf-8") as lines:
        ids = {line.split(" ", 1)[0]: number for number, line in enumerate(lines, 4)}
    unknown, end = 3, 2
    begins = [0]
    with open(out, "wb") as file:
        for dialogue in jsonl(path):
            for _, text in dialogue:
                row = [ids.get(word, unknown) for word in text.split()]
                row.append(end)
                file.write(numpy.array(row, dtype=numpy.int32).tobytes())
                begins.append(begins[-1] + len(row))
    numpy.array(begins, dtype=numpy.int64).tofile(out + ".idx")
    return {"tokens": begins[-1], "turns": len(begins) - 1}


def main():
    if len(sys.argv) == 5 and sys.argv[1] == "binarize":
        print(json.dumps(binarize(*sys.argv[2:])))
    elif len(sys.argv) == 3 and sys.argv[1] in READERS:
        print(json.dumps(summed(READERS[sys.argv[1]](sys.argv[2]))))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
