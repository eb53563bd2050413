"""Programs that are run in turns and timed as whole processes."""

import json
import resource
import statistics
import subprocess
import sys
import time


class Run:
    """Processes that work side by side: seconds until the last one ends, and of all processors."""

    def __init__(self, *commands):
        self.commands = [[str(word) for word in command] for command in commands]
        self.seconds, self.processor_seconds = [], []
        self.answer = None

    def __call__(self):
        begin, used = time.perf_counter(), used_by_children()
        running = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
                   for command in self.commands]
        told = [process.communicate()[0] for process in running]
        self.seconds.append(time.perf_counter() - begin)
        self.processor_seconds.append(used_by_children() - used)
        for process in running:
            if process.returncode != 0:
                sys.exit(f"failed: {' '.join(process.args)}")
        self.answer = json.loads(told[0]) if told[0].startswith(b"{") else None

    def median(self):
        return statistics.median(self.seconds)


def used_by_children():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def middle_ratio(ours, theirs):
    """How many times as fast we are: of the rounds, each by itself, median, least, most."""
    ratios = [b / a for a, b in zip(ours, theirs)]
    return f"{statistics.median(ratios):.2f} x | {min(ratios):.2f} to {max(ratios):.2f}"


def in_turns(runs, rounds):
    for _ in range(rounds):
        for run in runs:
            run()
