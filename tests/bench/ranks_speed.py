#!/usr/bin/env python3
"""How much faster two processes with one thread each train than one, and what their sums cost.

    ranks_speed.py --build build/release --store stores/ubuntu [--rounds 5] [--tokens 4096]

Makes what it needs in a temporary folder, trains in turns and prints a table in Markdown: medians over
the rounds and their range.

    one      one process with one thread
    apart    --processes of those side by side that know nothing of each other: what the machine gives
    together mpirun -np of as many: the gain is its speed by that of `processes` times one

Labels a second are those of the steps behind the first --skip, by the run's own log; processor
seconds are those of whole processes for a million labels. --mca NAME=VALUE goes to mpirun. On a busy
machine only the ratios are worth something, of many rounds.
"""

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "reference"))

from machine import machine_line  # noqa: E402  the folder is known only now

RECIPE = """
store: {store}
run: {folder}/run
device: cpu
threads: 1
batch: {{tokens_per_batch: {tokens}, shuffle: {shuffle}, max_turn_tokens: 60, max_reply_tokens: 60}}
model: {{type: hred, attention: both, embed_dim: {embed}, hidden_dim: {hidden}}}
train:
  micro_batches: 1
  valid_split: ""
  save_every: 1000000
  log_every: 1
"""

# As a program that shares its machine: no thread waits by spinning, root may use mpirun.
VARIABLES = {**os.environ, "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "passive",
             "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}


def used_by_children():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def spread(values, digits=2):
    return (f"{statistics.median(values):.{digits}f} "
            f"({min(values):.{digits}f} to {max(values):.{digits}f})")


class Trainings:
    """Trainings by one recipe, each in a run folder of its own."""

    def __init__(self, args, folder):
        self.args, self.folder = args, folder
        self.recipe = os.path.join(folder, "recipe.yaml")
        with open(self.recipe, "w", encoding="utf-8") as out:
            out.write(RECIPE.format(store=os.path.abspath(args.store), folder=folder,
                                    tokens=args.tokens, shuffle=args.shuffle, embed=args.embed,
                                    hidden=args.hidden))

    def start(self, run, mpirun=()):
        shutil.rmtree(run, ignore_errors=True)
        command = [*mpirun, os.path.join(self.args.build, "banter"), "train", self.recipe, "--quiet",
                   "--set", f"run={run}", "--set", f"train.steps={self.args.steps}"]
        return subprocess.Popen(command, env=VARIABLES, stdout=subprocess.DEVNULL)

    def finish(self, processes, runs):
        """What the logs say: labels a second of all, the line `stop` of the last, labels of all."""
        for process in processes:
            if process.wait() != 0:
                sys.exit("ranks_speed.py: a training failed")
        speed, labels = 0, 0
        for run in runs:
            with open(os.path.join(run, "log.jsonl"), encoding="utf-8") as log:
                lines = [json.loads(line) for line in log]
            steps = [line for line in lines if line["event"] == "step"]
            first, last = steps[self.args.skip - 1], steps[-1]
            speed += (last["labels"] - first["labels"]) / (last["seconds"] - first["seconds"])
            labels += last["labels"]
            shutil.rmtree(run)
        return {"speed": speed, "labels": labels, "stop": lines[-1]}

    def measured(self, count, together):
        used = used_by_children()
        mpirun = ["mpirun", "-np", str(count), "--bind-to", "none",
                  *(word for setting in self.args.mca for word in ("--mca", *setting.split("=", 1)))]
        if together:
            runs = [os.path.join(self.folder, "together")]
            answer = self.finish([self.start(runs[0], mpirun)], runs)
        else:
            runs = [os.path.join(self.folder, f"alone-{i}") for i in range(count)]
            answer = self.finish([self.start(run) for run in runs], runs)
        answer["processor"] = 1e6 * (used_by_children() - used) / answer["labels"]
        return answer


def table(args, answers):
    print("| | labels/s | of as many times one | processor s a million labels |")
    print("|---|---|---|---|")
    for name, of in answers.items():
        parts = 1 if name == "one" else args.processes
        gains = [a["speed"] / (parts * b["speed"]) for a, b in zip(of, answers["one"])]
        print(f"| {name} | {spread([a['speed'] for a in of], 0)} | {spread(gains, 3)} "
              f"| {spread([a['processor'] for a in of], 0)} |")
    sums = [a["stop"]["sums"] for a in answers["together"]]
    shares = [[s[what] / a["stop"]["seconds"] for s, a in zip(sums, answers["together"])]
              for what in ("seconds", "waited")]
    print("\n| sums of a step | MB of each process | ms | ms waited for the slower one "
          "| share of the time | share waited |")
    print("|---|---|---|---|---|---|")
    print(f"| by {sums[-1]['by']} | {sums[-1]['bytes'] / sums[-1]['count'] / 1e6:.1f} "
          f"| {spread([1000 * s['seconds'] / s['count'] for s in sums], 1)} "
          f"| {spread([1000 * s['waited'] / s['count'] for s in sums], 1)} "
          f"| {spread(shares[0], 3)} | {spread(shares[1], 3)} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--store", required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=24)
    parser.add_argument("--skip", type=int, default=4, help="steps at first that are not timed")
    parser.add_argument("--tokens", type=int, default=4096, help="labels a batch of each process")
    parser.add_argument("--shuffle", default="dialogue", choices=["dialogue", "reply"])
    parser.add_argument("--embed", type=int, default=256)
    parser.add_argument("--hidden", type=int, default=512)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--mca", action="append", default=[], metavar="NAME=VALUE")
    args = parser.parse_args()
    print(machine_line() + f"; {args.steps} steps of {args.tokens} labels a process\n")
    with tempfile.TemporaryDirectory() as folder:
        trainings = Trainings(args, folder)
        answers = {"one": [], "apart": [], "together": []}
        for _ in range(args.rounds):
            answers["one"].append(trainings.measured(1, together=False))
            answers["apart"].append(trainings.measured(args.processes, together=False))
            answers["together"].append(trainings.measured(args.processes, together=True))
        table(args, answers)


if __name__ == "__main__":
    main()
