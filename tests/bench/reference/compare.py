#!/usr/bin/env python3
"""Runs banter and the PyTorch program in turns on the same examples and prints the ratios.

    compare.py --build build/release --store stores/ubuntu [--python PYTHON] [--rounds 3]

Writes a table in Markdown to standard output: medians over the rounds, and each program's range.
The Python that runs hred_reference.py needs torch 2.15 and safetensors (--python).
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent


def last_json(command):
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.strip().splitlines()[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--store", required=True)
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=14)
    parser.add_argument("--tokens", type=int, default=1024, help="labels a batch")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--replies", type=int, default=64, help="decoded a measurement")
    args = parser.parse_args()
    bench = Path(args.build) / "tests/bench"
    skip = "3"

    def ours(mode, *options):
        return last_json([bench / "hred_speed", mode, args.store, "--threads", str(args.threads),
                          "--tokens", str(args.tokens), *options])

    def theirs(mode, batches, *options):
        return last_json([args.python, HERE / "hred_reference.py", mode, batches,
                          "--threads", str(args.threads), *options])

    with tempfile.TemporaryDirectory() as folder:
        files = {}
        for name in ("reply", "dialogue"):
            files[name] = Path(folder) / f"{name}.safetensors"
            subprocess.run([bench / "export_batches", args.store, files[name], "--shuffle", name,
                            "--count", str(args.steps), "--tokens", str(args.tokens)], check=True)
        files["valid"] = Path(folder) / "valid.safetensors"
        subprocess.run([bench / "export_batches", args.store, files["valid"], "--split", "valid",
                        "--shuffle", "none", "--count", "40", "--tokens", str(args.tokens)],
                       check=True)
        train = ("--steps", str(args.steps))
        decode = ("--replies", str(args.replies))
        runs = {
            "train, reply": lambda: ours("train", "--shuffle", "reply", "--skip", skip, *train),
            "train, dialogue": lambda: ours("train", "--shuffle", "dialogue", "--skip", skip, *train),
            "PyTorch train, same examples as reply":
                lambda: theirs("train", files["reply"], "--skip-steps", skip, *train),
            "PyTorch train, same examples as dialogue":
                lambda: theirs("train", files["dialogue"], "--skip-steps", skip, *train),
            "greedy, batch 1": lambda: ours("decode", "--batch", "1", *decode),
            "PyTorch greedy, batch 1": lambda: theirs("decode", files["valid"], "--batch", "1", *decode),
            "greedy, batch 32": lambda: ours("decode", "--batch", "32", *decode),
            "PyTorch greedy, batch 32":
                lambda: theirs("decode", files["valid"], "--batch", "32", *decode),
        }
        speeds = {name: [] for name in runs}
        replies = {name: [] for name in runs}
        for _ in range(args.rounds):
            for name, run in runs.items():
                answer = run()
                key = "reply_tokens_per_second" if "train" in name else "tokens_per_second"
                speeds[name].append(answer[key])
                if "train" in name:
                    replies[name].append(answer["replies_per_second"])

    median = {name: statistics.median(values) for name, values in speeds.items()}
    print("| what | tokens/s, median | range | replies/s | against PyTorch |")
    print("|---|---|---|---|---|")
    against = {
        "train, reply": "PyTorch train, same examples as reply",
        "train, dialogue": "PyTorch train, same examples as reply",
        "greedy, batch 1": "PyTorch greedy, batch 1",
        "greedy, batch 32": "PyTorch greedy, batch 32",
    }
    for name, values in speeds.items():
        ratio = f"{median[name] / median[against[name]]:.2f} x" if name in against else ""
        answered = f"{statistics.median(replies[name]):.0f}" if replies[name] else ""
        print(f"| {name} | {median[name]:.0f} | {min(values):.0f} to {max(values):.0f} "
              f"| {answered} | {ratio} |")


if __name__ == "__main__":
    main()
