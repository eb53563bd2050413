#!/usr/bin/env python3
"""Reads a corpus in plain Python, one process, and keeps nothing.

    python_reader.py plain|checked|cleaned FORMAT FILE

plain    as it is usually written: no checks (plain_readers.py)
checked  promises what banter's readers promise (checked_readers.py)
cleaned  and cleans as banter does (text_cleaning.py)

FORMAT is jsonl, ubuntu_v1 (a tar), ubuntu_v2 (CSV), convai2, or opensubtitles (a zip of XML).
Writes a line of JSON: records, turns and bytes of text, and what was lost or told.
"""

import json
import sys

import checked_readers
import plain_readers
from text_cleaning import cleaned

MODES = ("plain", "checked", "cleaned")


def turns_read(mode, name, path, faults):
    """The turns of each dialogue."""
    if mode == "plain":
        return plain_readers.READERS[name](path)
    dialogues = checked_readers.checked(checked_readers.READERS[name](path), faults,
                                        copies_matter=mode == "checked")
    if mode == "cleaned":
        dialogues = cleaned(dialogues, faults)
    return (dialogue.turns for dialogue in dialogues)


def summed(dialogues):
    records = turns = text_bytes = 0
    for dialogue in dialogues:
        records += 1
        turns += len(dialogue)
        for _, text in dialogue:
            text_bytes += len(text) if text.isascii() else len(text.encode())
    return {"records": records, "turns": turns, "text_bytes": text_bytes}


def main():
    if len(sys.argv) != 4 or sys.argv[1] not in MODES or sys.argv[2] not in plain_readers.READERS:
        sys.exit(__doc__)
    faults = checked_readers.Faults()
    answer = summed(turns_read(*sys.argv[1:], faults))
    print(json.dumps({**answer, "faults": faults.counts, "first": faults.first}))


if __name__ == "__main__":
    main()
