#!/usr/bin/env python3
"""Makes a corpus of JSON Lines of any size out of those of BANTER_CORPORA.

    make_large_corpus.py OUT --gigabytes 5 [--seed 1]

The dialogues at hand come again and again, each time with new ids and with every eighth word
swapped for a made-up one that is drawn from a seeded table: no two lines are equal. The same seed
makes the same bytes.
"""

import argparse
import json
import random
import re
import sys
import time

import data_corpora

WORDS = 50_000  # made-up ones
EVERY = 8       # words, of which one is swapped
WORD_SLOT, ID_SLOT = "\ue000", "\ue001"


def with_slots(text):
    words = text.replace(WORD_SLOT, "").replace(ID_SLOT, "").split(" ")
    for i in range(EVERY // 2, len(words), EVERY):
        if words[i].isalpha():
            words[i] = WORD_SLOT
    return " ".join(words)


def template():
    """All dialogues at hand as pieces of bytes; every second one is a slot. And which are ids."""
    lines = []
    for record in data_corpora.json_records():
        turns = [{**turn, "text": with_slots(turn["text"])} for turn in record["turns"]]
        varied = {**record, "id": ID_SLOT, "turns": turns}
        lines.append(json.dumps(varied, ensure_ascii=False) + "\n")
    pieces = re.split(f"([{WORD_SLOT}{ID_SLOT}])", "".join(lines))
    ids = [i for i, slot in enumerate(pieces[1::2]) if slot == ID_SLOT]
    return [piece.encode() for piece in pieces], ids


def make_large(path, wanted, seed):
    """Writes at least `wanted` bytes. Returns how many bytes and dialogues they are."""
    draw = random.Random(seed)
    table = [data_corpora.word(number).encode() for number in range(75 * 75, 75 * 75 + WORDS)]
    pieces, ids = template()
    written = dialogues = 0
    with open(path, "wb") as file:
        while written < wanted:
            slots = draw.choices(table, k=len(pieces) // 2)
            for number, at in enumerate(ids, dialogues):
                slots[at] = b"made:%d" % number
            pieces[1::2] = slots
            written += file.write(b"".join(pieces))
            dialogues += len(ids)
    return written, dialogues


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out")
    parser.add_argument("--gigabytes", type=float, default=5)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    if not data_corpora.CORPORA.is_dir():
        sys.exit(f"{data_corpora.CORPORA} is not there (BANTER_CORPORA names the folder of corpora)")
    begin = time.perf_counter()
    written, dialogues = make_large(args.out, int(args.gigabytes * 1e9), args.seed)
    seconds = time.perf_counter() - begin
    print(f"{args.out}: {written / 1e9:.2f} GB, {dialogues:,} dialogues, "
          f"{written / 1e6 / seconds:.0f} MB/s")


if __name__ == "__main__":
    main()
