#!/usr/bin/env python3
"""Runs banter and the PyTorch program in turns on the same examples and prints the ratios.

    compare.py --build build/release --store stores/ubuntu [--python PYTHON] [--rounds 3]
    compare.py --build build/release --store stores/ubuntu --target 300      minutes to a perplexity
    compare.py --build build/release --store stores/ubuntu --model transformer
    compare.py --build build/release --store stores/persona --model stack_propagation
    compare.py --build build/release --store stores/ubuntu --device cuda --tokens 8192

Writes tables in Markdown to standard output: medians over the rounds, and their range;
with --target the minutes of one training each.
The Python that runs hred_reference.py needs torch 2.15 and safetensors (--python). It gets the
allocator's settings that banter gives itself. Both start from the same weights (--weights: a
model.safetensors of these sizes; without it those of a short training, first). Their losses must
agree before anything is timed, and the numbers of decoded tokens should.
A stack learns from a batch of the store's sentence pairs beside each batch of replies.
On a GPU libbanter_cuda.so must stand beside hred_speed; PyTorch has its batches on the GPU before
the clock starts, banter makes and brings them.
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
    "stack_propagation": "{type: stack_propagation, encoder_layers: 4, decoder_layers: 4, "
                         "consistency_layers: 4, phase1_steps: 0, consistency_weight: 1, "
                         "pair_weight: 1}",
}

# Blocks of any size come from the heap and stay there, as in banter (base/allocator.cpp). This is for
# glibc's malloc; where banter has jemalloc, `--python` may be a script that preloads it, too.
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
        self.pairs = ("--pairs",) if args.model == "stack_propagation" else ()

    def exported(self, name, *options):
        file = self.folder / f"{name}.safetensors"
        subprocess.run([str(word) for word in (self.bench / "export_batches", self.args.store, file,
                                               "--turn-tokens", self.args.turn_tokens, *options)],
                       check=True)
        return file

    def ours(self, mode, *options, dropout=True):
        model = MODELS[self.args.model]
        if not dropout:
            model = model[:-1] + ", dropout: 0}"
        pairs = self.pairs if mode == "train" else ()
        return json_lines([self.bench / "hred_speed", mode, self.args.store, "--threads",
                           self.args.threads, "--device", self.args.device, "--model", model,
                           *self.size, *pairs, *options])

    def theirs(self, mode, batches, *options):
        return json_lines([self.args.python, HERE / "hred_reference.py", mode, batches, "--threads",
                           self.args.threads, "--device", self.args.device, "--model",
                           self.args.model, *options], ALLOCATOR)


def spread(values, digits=2):
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def check_losses(programs, reply, weights):
    """Both must say the same of the first examples, by the same weights and without dropout."""
    first = ("--steps", 1, "--weights", weights)
    ours = programs.ours("train", "--shuffle", "reply", "--skip", 0, *first, dropout=False)
    theirs = programs.theirs("train", reply, "--dropout", 0, *first)
    mine, other = ours[-1]["last_loss"], theirs[-1]["last_loss"]
    print(f"loss of the first examples: {mine:.6f}, PyTorch {other:.6f}\n")
    if abs(mine - other) > 1e-5 * abs(other):
        sys.exit("compare.py: these are not the same model: their losses differ")


def rounds_of(runs, rounds):
    """The last answers of each run, round by round."""
    answers = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            answers[name].append(run()[-1])
    return answers


def compare_training(programs, args, weights):
    skip = 3
    steps = ("--steps", args.steps, "--weights", weights)
    count = ("--count", args.steps, "--tokens", args.tokens, *programs.pairs)
    reply = programs.exported("reply", "--shuffle", "reply", *count)
    dialogue = programs.exported("dialogue", "--shuffle", "dialogue", *count)
    check_losses(programs, reply, weights)
    ours = lambda shuffle, *more: programs.ours(
        "train", "--shuffle", shuffle, "--skip", skip, *steps, *more)
    theirs = lambda batches, *more: programs.theirs(
        "train", batches, "--skip-steps", skip, *steps, *more)
    answers = rounds_of({
        "reply": lambda: ours("reply"),
        "PyTorch, same examples as reply": lambda: theirs(reply),
        "dialogue": lambda: ours("dialogue"),
        "PyTorch, same examples as dialogue": lambda: theirs(dialogue),
    }, args.rounds)

    def speeds(name, time="seconds"):
        return [a["reply_tokens_per_second"] * a["seconds"] / a[time] for a in answers[name]]

    def against(name, other, time):
        return spread([a / b for a, b in zip(speeds(name, time), speeds(other, time))])

    print("Ratios are those of neighbours in time: their median, and their range.\n")
    print("| training | tokens of replies/s | replies/s | MB at most | against PyTorch "
          "| by processor time |")
    print("|---|---|---|---|---|---|")
    for name in answers:
        replies = statistics.median(a["replies_per_second"] for a in answers[name])
        peak = max(a["peak_megabytes"] for a in answers[name])
        ratios = ""
        if not name.startswith("PyTorch"):
            other = "PyTorch, same examples as reply"
            ratios = " | ".join(against(name, other, time) for time in ("seconds", "processor_seconds"))
        print(f"| {name} | {spread(speeds(name), 0)} | {replies:.0f} | {peak:.0f} | {ratios or ' | '} |")
    if not args.profile:
        return
    print("\n| where the time of training goes | in matrix products | GFLOP/s | of the peak |")
    print("|---|---|---|---|")
    for name, answer in (
        ("banter, reply", ours("reply", "--profile")),
        ("banter, dialogue", ours("dialogue", "--profile")),
        ("PyTorch", theirs(reply, "--profile")),
    ):
        p = answer[-1]["profile"]
        print(f"| {name} | {100 * p['share_of_time_in_products']:.0f} % | {p['gflops']:.0f} "
              f"| {100 * p['share_of_peak']:.0f} % of {p['peak_gflops']:.0f} |")


def compare_decoding(programs, args, weights):
    valid = programs.exported("valid", "--split", "valid", "--shuffle", "none", "--tokens", 1000000)
    runs = {}
    for batch, replies in ((1, max(args.replies // 8, 1)), (32, args.replies)):
        size = ("--batch", batch, "--replies", replies, "--weights", weights)
        runs[f"batch {batch}"] = lambda size=size: programs.ours("decode", *size)
        runs[f"PyTorch, batch {batch}"] = lambda size=size: programs.theirs("decode", valid, *size)
    answers = rounds_of(runs, args.rounds)
    speeds = {name: [a["tokens_per_second"] for a in of] for name, of in answers.items()}
    print("\n| greedy decoding | tokens/s | tokens | against PyTorch |")
    print("|---|---|---|---|")
    for name in answers:
        ratio = ""
        if not name.startswith("PyTorch"):
            ratio = spread([a / b for a, b in zip(speeds[name], speeds[f"PyTorch, {name}"])])
        print(f"| {name} | {spread(speeds[name], 0)} | {answers[name][0]['tokens']} | {ratio} |")


def compare_speed(programs, args):
    weights = args.weights
    if not weights:
        weights = programs.folder / "weights.safetensors"
        programs.ours("train", "--steps", args.first_steps, "--save", weights)
    if args.only != "decoding":
        compare_training(programs, args, weights)
    if args.only != "training":
        compare_decoding(programs, args, weights)


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
    parser.add_argument("--device", default="cpu", help="cpu or cuda, of both")
    parser.add_argument("--only", choices=["training", "decoding"], help="leave the other out")
    parser.add_argument("--profile", action="store_true", help="where training's time goes")
    parser.add_argument("--first-steps", type=int, default=400, help="that --weights come from")
    parser.add_argument("--replies", type=int, default=1024,
                        help="decoded a measurement (an eighth of them one at a time)")
    parser.add_argument("--weights", help="model.safetensors to decode with")
    parser.add_argument("--target", type=float, help="train both to this validation perplexity")
    parser.add_argument("--every", type=int, default=50, help="steps between validations")
    parser.add_argument("--most-steps", type=int, default=1000)
    args = parser.parse_args()
    if args.target and args.model == "stack_propagation":
        parser.error("--target: the programs validate a stack by different decoders")
    with tempfile.TemporaryDirectory() as folder:
        programs = Programs(args, folder)
        (compare_minutes if args.target else compare_speed)(programs, args)


if __name__ == "__main__":
    main()
