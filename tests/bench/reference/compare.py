#!/usr/bin/env python3
"""Runs banter and the PyTorch program in turns on the same examples and prints the ratios.

    compare.py --build build/release --store stores/ubuntu [--python PYTHON] [--rounds 3]
    compare.py --build build/release --store stores/ubuntu --target 300      minutes to a perplexity
    compare.py --build build/release --store stores/ubuntu --model transformer

Writes tables in Markdown to standard output: medians over the rounds, and each program's range;
with --target the minutes of one training each.
The Python that runs hred_reference.py needs torch 2.15 and safetensors (--python). It gets the
allocator's settings that banter gives itself. Both decode with the same weights (--weights: a
model.safetensors of E 256, H 512, or of a transformer's default sizes; without it those of a training of 400 steps, first) and the
numbers of tokens should agree.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent

# As a recipe's `model`; the names are those of hred_reference.py.
MODELS = {
    "hred": "{type: hred, attention: both, embed_dim: 256, hidden_dim: 512}",
    "transformer": "{type: transformer}",
}

# Blocks of any size come from the heap and stay there, as in banter (models/device.cpp).
ALLOCATOR = {"MALLOC_MMAP_THRESHOLD_": str(1 << 30), "MALLOC_TRIM_THRESHOLD_": str(1 << 30)}


def json_lines(command, variables=None):
    done = subprocess.run([str(word) for word in command], check=True, stdout=subprocess.PIPE,
                          text=True, env={**os.environ, **(variables or {})})
    return [json.loads(line) for line in done.stdout.strip().splitlines()]


class Programs:
    """Both programs on one store, with the same sizes."""

    def __init__(self, args, folder):
        self.args, self.folder = args, Path(folder)
        self.bench = Path(args.build) / "tests/bench"
        self.size = ("--tokens", args.tokens, "--turn-tokens", args.turn_tokens)

    def exported(self, name, *options):
        file = self.folder / f"{name}.safetensors"
        subprocess.run([str(word) for word in (self.bench / "export_batches", self.args.store, file,
                                               "--turn-tokens", self.args.turn_tokens, *options)],
                       check=True)
        return file

    def ours(self, mode, *options):
        return json_lines([self.bench / "hred_speed", mode, self.args.store, "--threads",
                           self.args.threads, "--model", MODELS[self.args.model], *self.size,
                           *options])

    def theirs(self, mode, batches, *options):
        return json_lines([self.args.python, HERE / "hred_reference.py", mode, batches, "--threads",
                           self.args.threads, "--model", self.args.model, *options], ALLOCATOR)


def compare_speed(programs, args):
    skip = 3
    count = ("--count", args.steps, "--tokens", args.tokens)
    reply = programs.exported("reply", "--shuffle", "reply", *count)
    dialogue = programs.exported("dialogue", "--shuffle", "dialogue", *count)
    valid = programs.exported("valid", "--split", "valid", "--shuffle", "none", "--tokens", 1000000)
    weights = args.weights
    if not weights:
        weights = programs.folder / "weights.safetensors"
        programs.ours("train", "--steps", 400, "--save", weights)
    steps = ("--steps", args.steps)
    decode = ("--replies", args.replies, "--weights", weights)
    few = ("--replies", max(args.replies // 8, 1), "--weights", weights)
    runs = {
        "train, reply": lambda: programs.ours("train", "--shuffle", "reply", "--skip", skip, *steps),
        "train, dialogue":
            lambda: programs.ours("train", "--shuffle", "dialogue", "--skip", skip, *steps),
        "PyTorch train, same examples as reply":
            lambda: programs.theirs("train", reply, "--skip-steps", skip, *steps),
        "PyTorch train, same examples as dialogue":
            lambda: programs.theirs("train", dialogue, "--skip-steps", skip, *steps),
        "greedy, batch 1": lambda: programs.ours("decode", "--batch", 1, *few),
        "PyTorch greedy, batch 1": lambda: programs.theirs("decode", valid, "--batch", 1, *few),
        "greedy, batch 32": lambda: programs.ours("decode", "--batch", 32, *decode),
        "PyTorch greedy, batch 32": lambda: programs.theirs("decode", valid, "--batch", 32, *decode),
    }
    answers = {name: [] for name in runs}
    for _ in range(args.rounds):
        for name, run in runs.items():
            answers[name].append(run()[-1])

    against = {
        "train, reply": "PyTorch train, same examples as reply",
        "train, dialogue": "PyTorch train, same examples as reply",
        "greedy, batch 1": "PyTorch greedy, batch 1",
        "greedy, batch 32": "PyTorch greedy, batch 32",
    }

    def speeds(name):
        key = "reply_tokens_per_second" if "train" in name else "tokens_per_second"
        return [answer[key] for answer in answers[name]]

    print("| what | tokens of replies/s, median | range | replies/s | against PyTorch |")
    print("|---|---|---|---|---|")
    for name in runs:
        mine, ratio, answered = speeds(name), "", ""
        if name in against:
            ratio = f"{statistics.median(mine) / statistics.median(speeds(against[name])):.2f} x"
        if "train" in name:
            answered = f"{statistics.median(a['replies_per_second'] for a in answers[name]):.0f}"
        print(f"| {name} | {statistics.median(mine):.0f} | {min(mine):.0f} to {max(mine):.0f} "
              f"| {answered} | {ratio} |")
    for batch in (1, 32):
        told = [answers[f"{who}greedy, batch {batch}"][0]["tokens"] for who in ("", "PyTorch ")]
        print(f"\nbatch {batch}: {told[0]} tokens, PyTorch {told[1]}")

    print("\n| where the time of training goes | in matrix products | GFLOP/s | of the peak |")
    print("|---|---|---|---|")
    for name, answer in (
        ("banter, reply", programs.ours("train", "--shuffle", "reply", "--skip", skip, "--profile", *steps)),
        ("banter, dialogue",
         programs.ours("train", "--shuffle", "dialogue", "--skip", skip, "--profile", *steps)),
        ("PyTorch", programs.theirs("train", reply, "--skip-steps", skip, "--profile", *steps)),
    ):
        p = answer[-1]["profile"]
        print(f"| {name} | {100 * p['share_of_time_in_products']:.0f} % | {p['gflops']:.0f} "
              f"| {100 * p['share_of_peak']:.0f} % of {p['peak_gflops']:.0f} |")


def compare_minutes(programs, args):
    steps = ("--steps", args.most_steps, "--every", args.every)
    train = programs.exported("train", "--shuffle", "reply", "--count", args.most_steps, "--tokens",
                              args.tokens)
    valid = programs.exported("valid", "--split", "valid", "--shuffle", "none", "--tokens", 2000)
    runs = {
        "banter, dialogue": lambda: programs.ours("train", "--shuffle", "dialogue", "--skip", 0,
                                                  "--valid-target", args.target, *steps),
        "banter, reply": lambda: programs.ours("train", "--shuffle", "reply", "--skip", 0,
                                               "--valid-target", args.target, *steps),
        "PyTorch": lambda: programs.theirs("train", train, "--valid", valid, "--target", args.target,
                                           *steps),
    }
    print(f"| minutes of training to a validation perplexity of {args.target:g} | minutes | steps "
          "| perplexity |")
    print("|---|---|---|---|")
    for name, run in runs.items():
        last = [line for line in run() if "valid_ppl" in line][-1]
        reached = "" if last["valid_ppl"] <= args.target else " (not reached)"
        print(f"| {name} | {last['minutes']:.1f}{reached} | {last['step']} "
              f"| {last['valid_ppl']:.0f} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--store", required=True)
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--model", choices=MODELS, default="hred")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=14)
    parser.add_argument("--tokens", type=int, default=1024, help="labels a batch")
    parser.add_argument("--turn-tokens", type=int, default=60, help="longest turn and reply")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--replies", type=int, default=1024,
                        help="decoded a measurement (an eighth of them one at a time)")
    parser.add_argument("--weights", help="model.safetensors to decode with")
    parser.add_argument("--target", type=float, help="train both to this validation perplexity")
    parser.add_argument("--every", type=int, default=50, help="steps between validations")
    parser.add_argument("--most-steps", type=int, default=1000)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        programs = Programs(args, folder)
        (compare_minutes if args.target else compare_speed)(programs, args)


if __name__ == "__main__":
    main()
