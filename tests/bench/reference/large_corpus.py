#!/usr/bin/env python3
"""Prepares, opens and inspects a corpus and prints how long that takes and how much memory.

    make_large_corpus.py talks.jsonl --gigabytes 5
    large_corpus.py talks.jsonl --build build/text-release [--folder FOLDER]

Writes a table in Markdown. Memory is the kernel's: the peak of all resident pages (VmHWM), and that
of those which are no pages of files (RssAnon); a store is mapped, so that its pages, which
the kernel may take back at any time, count in the first. The processes are looked at every 20 ms.
Needs about as much disk in --folder as the corpus.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from compare_data import write_recipe
from machine import machine_line

SAMPLE_BYTES = 4_000_000      # data.tokenizer.sample_bytes
MEMORY_OF_A_SAMPLE_BYTE = 25  # data/README.md
PEAK_MB = 500 + SAMPLE_BYTES * MEMORY_OF_A_SAMPLE_BYTE / 1e6
OPEN_MS = 50


def memory_of(process):
    """Megabytes: the peak of all resident pages, and those now that belong to no file."""
    try:
        with open(f"/proc/{process.pid}/status", encoding="ascii", errors="replace") as lines:
            found = dict(line.split(":", 1) for line in lines)
        return [int(found[key].split()[0]) / 1024 for key in ("VmHWM", "RssAnon")]
    except (OSError, KeyError, ProcessLookupError):  # it has just ended
        return [0, 0]


def watch(command):
    """Runs it. Returns seconds and both peaks of memory."""
    peaks = [0, 0]
    begin = time.perf_counter()
    with tempfile.TemporaryFile() as told:
        process = subprocess.Popen([str(word) for word in command], stdout=told, stderr=told)
        while process.poll() is None:
            peaks = [max(pair) for pair in zip(peaks, memory_of(process))]
            time.sleep(0.02)
        if process.returncode != 0:
            told.seek(0)
            sys.exit(f"{command}: {told.read().decode(errors='replace')}")
    return time.perf_counter() - begin, *peaks


def forget_pages(folder):
    """Takes the files of a store out of the page cache."""
    for path in Path(folder).rglob("*"):
        if path.is_file():
            file = os.open(path, os.O_RDONLY)
            os.fsync(file)
            os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(file)


def opened(program, store, times):
    told = subprocess.run([program, "open", store, str(times)], check=True, stdout=subprocess.PIPE)
    return statistics.median(json.loads(told.stdout))


def size_of(folder):
    return sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())


def measure(program, corpus, folder):
    store = folder / "store"
    recipe = write_recipe(folder / "recipe.yaml", store, corpus)
    megabytes = os.path.getsize(corpus) / 1e6
    print(f"{megabytes / 1e3:.2f} GB of JSON Lines\n")
    print("| what | seconds | MB/s of the file | peak MB, all pages | peak MB, not of files | target |")
    print("|---|---|---|---|---|---|")

    def row(name, command, target=""):
        seconds, peak, anonymous = watch(command)
        print(f"| {name} | {seconds:.0f} | {megabytes / seconds:.0f} | {peak:.0f} "
              f"| {anonymous:.0f} | {target} |", flush=True)

    row("prepare, tokenizer trained", [program, "prepare", recipe, "--quiet"],
        f"peak below {PEAK_MB:.0f}")
    row("inspect the corpus", [program, "inspect", corpus, "--quiet", "--json"],
        f"peak below {PEAK_MB:.0f}")
    row("inspect the store", [program, "inspect", store, "--quiet", "--json"])
    warm = opened(program, store, 20)
    forget_pages(store)
    cold = opened(program, store, 1)
    print(f"\n| Store::open of {size_of(store) / 1e9:.2f} GB | ms | target |\n|---|---|---|")
    print(f"| median of 20 | {warm:.1f} | below {OPEN_MS} |")
    print(f"| once, after its pages left the page cache | {cold:.1f} | |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus")
    parser.add_argument("--build", default="build/text-release")
    parser.add_argument("--folder", help="where the temporary folder is made")
    args = parser.parse_args()
    program = Path(args.build).resolve() / "tests/bench/data_program"
    print(machine_line() + "\n")
    if args.folder:
        os.makedirs(args.folder, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=args.folder))
    try:
        measure(program, Path(args.corpus).resolve(), folder)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
