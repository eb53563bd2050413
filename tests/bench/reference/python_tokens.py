#!/usr/bin/env python3
"""JSON Lines to ids with Python: json.loads a line, SentencePiece's binding in batches.

    python_tokens.py MODEL THREADS FILE...      one process a file, THREADS threads of SentencePiece

The ids are counted and dropped. Writes a line of JSON.
"""

import json
import multiprocessing
import sys

import sentencepiece

BATCH = 4096  # texts


def count_tokens(work):
    model, threads, path = work
    processor = sentencepiece.SentencePieceProcessor(model_file=model)
    tokens, texts = 0, []

    def encode():
        return sum(map(len, processor.encode(texts, out_type=int, num_threads=threads)))

    with open(path, encoding="utf-8") as lines:
        for line in lines:
            texts.extend(turn["text"] for turn in json.loads(line)["turns"])
            if len(texts) >= BATCH:
                tokens += encode()
                texts.clear()
    return tokens + encode()


def main():
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    model, threads, *files = sys.argv[1:]
    work = [(model, int(threads), file) for file in files]
    if len(work) == 1:
        tokens = count_tokens(work[0])
    else:
        with multiprocessing.Pool(len(work)) as pool:
            tokens = sum(pool.map(count_tokens, work))
    print(json.dumps({"tokens": tokens}))


if __name__ == "__main__":
    main()
