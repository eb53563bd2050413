#!/usr/bin/env python3
"""Words to ids in an array on disk, as fairseq's binarizer makes them.

    binarizer.py FILE.jsonl DICTIONARY OUT
"""

import json
import sys

import numpy

from plain_readers import jsonl


def binarize(path, dictionary, out):
    """What fairseq-preprocess does to a line: split, look up, write int32 and where each begins."""
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


if __name__ == "__main__":
    print(json.dumps(binarize(*sys.argv[1:])))
