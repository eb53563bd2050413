#!/usr/bin/env python3
"""What each kernel is worth: hred_speed with it and without it (BANTER_PLAIN), in turns.

    kernel_table.py --build build/release --store stores/ubuntu [--threads 2] [--rounds 3]
    kernel_table.py ... --model '{type: transformer}' --kernels dot_attention,output,step
    kernel_table.py ... --device cuda --kernels device

Writes a table in Markdown to standard output: medians over the rounds, and what is left of the
speed where the kernel is off. All trainings start from the same numbers, so their losses must
agree before anything is told.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

ALL = "all on"
AGREE = 0.01  # of the loss after all steps: the same sums in another order


def parsed():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", required=True, help="a release build")
    parser.add_argument("--store", required=True)
    parser.add_argument("--model", help="as a recipe's `model`; else hred_speed's own, a hred")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--kernels", default="gru,decoder,attention,dropout,output,step,screen")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--tokens", type=int, default=1024)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--replies", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    return parser.parse_args()


def told(args, plain, command, *options):
    """The JSON that a run of hred_speed without these kernels writes."""
    model = ("--model", args.model) if args.model else ()
    words = [Path(args.build) / "tests/bench/hred_speed", command, args.store, "--threads",
             args.threads, "--device", args.device, "--tokens", args.tokens, *model, *options]
    done = subprocess.run([str(word) for word in words], check=True, stdout=subprocess.PIPE,
                          text=True, env={**os.environ, "BANTER_PLAIN": plain})
    return json.loads(done.stdout)


def main():
    args = parsed()
    kernels = args.kernels.split(",")
    rows = {ALL: "", **{f"without `{kernel}`": kernel for kernel in kernels},
            "without any of them": args.kernels}
    columns = {"labels a second": [], "greedy, 1 row": [], "greedy, 32 rows": []}
    rates = {(row, column): [] for row in rows for column in columns}
    losses = {}
    for _ in range(args.rounds):
        for row, plain in rows.items():
            run = told(args, plain, "train", "--steps", args.steps)
            losses[row] = run["last_loss"]
            rates[row, "labels a second"].append(run["reply_tokens_per_second"])
            for batch in (1, 32):
                run = told(args, plain, "decode", "--batch", batch, "--replies", args.replies)
                rates[row, f"greedy, {batch} row" + "s" * (batch > 1)].append(
                    run["tokens_per_second"])
    for row, loss in losses.items():
        if abs(loss - losses[ALL]) > AGREE * losses[ALL]:
            sys.exit(f"{row}: the loss is {loss}, with all kernels {losses[ALL]}")
    print("| | " + " | ".join(columns) + " |")
    print("|---|" + "---|" * len(columns))
    for row in rows:
        cells = []
        for column in columns:
            rate, whole = (statistics.median(rates[which, column]) for which in (row, ALL))
            cells.append(f"{rate:,.0f}" + ("" if row == ALL else f" ({rate / whole:.2f})"))
        print(f"| {row} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
