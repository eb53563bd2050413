#!/usr/bin/env python3
"""Runs banter's data layer and what people use instead in turns, and prints the ratios.

    compare_data.py --build build/text-release [--python PYTHON] [--megabytes 50] [--rounds 5]
    compare_data.py --only tokens|readers [--parlai PYTHON]

Writes tables in Markdown: medians over the rounds of whole processes, and each one's range. The
corpora are made in a temporary folder (--folder) out of those of BANTER_CORPORA. `tokens` needs
spm_encode (Debian's package sentencepiece), and Python's sentencepiece and numpy in --python;
`readers` runs ParlAI's readers as well where --parlai names a Python that has it.
"""

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import data_corpora
from machine import machine_line
from reader_peers import peers_of
from runs import Run, in_turns, middle_ratio

HERE = Path(__file__).resolve().parent


class IdsToNull(Run):
    """spm_encode of halves of a text; the ids go to /dev/null."""

    def __init__(self, model, halves):
        super().__init__(*(["spm_encode", f"--model={model}", "--output_format=id",
                            "--output=/dev/null", half] for half in halves))


def print_rows(rows, text_bytes, ours):
    """rows: name -> (run, target of the ratio)."""
    print("| what | MB/s of text, median | range | processor seconds | banter is | range | target |")
    print("|---|---|---|---|---|---|---|")
    for name, (run, target) in rows.items():
        speeds = [text_bytes / 1e6 / seconds for seconds in run.seconds]
        ratio = " | " if run is ours else middle_ratio(ours.seconds, run.seconds)
        print(f"| {name} | {statistics.median(speeds):.1f} | {min(speeds):.1f} to {max(speeds):.1f} "
              f"| {statistics.median(run.processor_seconds):.1f} | {ratio} | {target} |")
    print(flush=True)


def write_recipe(path, store, corpus, tokenizer=None):
    given = f"{{path: {json.dumps(str(tokenizer))}}}" if tokenizer else "{vocab_size: 8000}"
    path.write_text(f"store: {json.dumps(str(store))}\n"
                    f"data:\n  sources: [{{path: {json.dumps(str(corpus))}}}]\n"
                    f"  tokenizer: {given}\n")
    return path


class Prepare(Run):
    """banter prepare, of which the last round's store goes first."""

    def __init__(self, program, recipe, store):
        super().__init__([program, "prepare", recipe, "--quiet", "--json"])
        self.store = store

    def __call__(self):
        shutil.rmtree(self.store, ignore_errors=True)
        super().__call__()


def halves_of_lines(path, folder):
    lines = path.read_bytes().splitlines(keepends=True)
    halves = [folder / f"{path.stem}.{half}{path.suffix}" for half in (1, 2)]
    middle = len(lines) // 2
    halves[0].write_bytes(b"".join(lines[:middle]))
    halves[1].write_bytes(b"".join(lines[middle:]))
    return halves


def bare_text(corpus, folder):
    """A file of the turns, a line each, and how many bytes of text they are."""
    path, count = folder / "turns.txt", 0
    with open(corpus, encoding="utf-8") as lines, open(path, "w", encoding="utf-8") as out:
        for line in lines:
            for turn in json.loads(line)["turns"]:
                text = " ".join(turn["text"].split("\n"))
                count += len(text.encode())
                out.write(text + "\n")
    return path, count


def write_dictionary(text, path):
    """The words as fairseq keeps them: the most frequent first."""
    counts = {}
    with open(text, encoding="utf-8") as lines:
        for line in lines:
            for word in line.split():
                counts[word] = counts.get(word, 0) + 1
    first = sorted(counts, key=counts.get, reverse=True)[:50_000]
    path.write_text("".join(f"{word} {counts[word]}\n" for word in first), encoding="utf-8")
    return path


def compare_tokens(program, args, folder):
    corpus = data_corpora.make("jsonl", folder, args.megabytes)
    text, text_bytes = bare_text(corpus, folder)
    model = folder / "pieces.model"
    subprocess.run([program, "prepare", write_recipe(folder / "train.yaml", folder / "none", corpus),
                    "--tokenizer-only", model, "--quiet"], check=True, stdout=subprocess.DEVNULL)
    store = folder / "store"
    ours = Prepare(program, write_recipe(folder / "prepare.yaml", store, corpus, model), store)
    in_python = [args.python, HERE / "python_tokens.py", model]
    runs = {
        "banter prepare, JSON Lines to a store": (ours, ""),
        "2 spm_encode, bare text to ids": (IdsToNull(model, halves_of_lines(text, folder)), "0.9"),
        "Python, 1 process": (Run([*in_python, 1, corpus]), "2"),
        "Python, 1 process, 2 threads": (Run([*in_python, 2, corpus]), "2"),
        "Python, 2 processes": (Run([*in_python, 1, *halves_of_lines(corpus, folder)]), "2"),
        "as fairseq's binarizer, 1 process": (
            Run([args.python, HERE / "binarizer.py", corpus,
                 write_dictionary(text, folder / "dict.txt"), folder / "binarized"]), ""),
    }
    in_turns([run for run, _ in runs.values()], args.rounds)
    print(f"Text to ids: {text_bytes / 1e6:.0f} MB of text in {corpus.stat().st_size / 1e6:.0f} MB "
          "of JSON Lines\n")
    print_rows(runs, text_bytes, ours)


def compare_readers(program, args, folder):
    print("Reading, nothing kept; wanted: 10 x\n")
    print("| format | MB of text | MB of files | against | its MB/s of text | banter's "
          "| banter is | range | by processor time | range |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for name in args.formats:
        corpus = data_corpora.make(name, folder, args.megabytes)
        peers = peers_of(name, corpus, folder, program, args.python, args.parlai)
        in_turns(dict.fromkeys(run for peer in peers for run in (peer.ours, peer.theirs)),
                 args.rounds)
        for peer in peers:
            print(f"| {name} | {peer_row(name, peer, corpus)} |", flush=True)
        corpus.unlink()
    print()


def peer_row(name, peer, corpus):
    ours, theirs = peer.ours, peer.theirs
    check_equal(f"{name}, {peer.name}", ours.answer, theirs.answer)
    size = ours.answer["text_bytes"] / 1e6
    return (f"{size:.0f} | {corpus.stat().st_size / 1e6:.0f} | {peer.name} "
            f"| {size / theirs.median():.1f} | {size / ours.median():.0f} "
            f"| {middle_ratio(ours.seconds, theirs.seconds)} "
            f"| {middle_ratio(ours.processor_seconds, theirs.processor_seconds)}")


def check_equal(what, ours, theirs):
    """Both must have read about the same (a few dialogues give no reply and are left out)."""
    for key in ("turns", "text_bytes"):
        if abs(ours[key] - theirs[key]) > 0.05 * theirs[key]:
            sys.exit(f"{what}: {key} {ours[key]} and {theirs[key]}: they do not read the same")


def missing(args):
    if args.only != "readers":
        if shutil.which("spm_encode") is None:
            return "spm_encode is missing: apt-get install sentencepiece"
        if not can_import(args.python, "numpy, sentencepiece"):
            return f"{args.python} lacks numpy or sentencepiece: pip install numpy sentencepiece"
    if args.parlai and not can_import(args.parlai, "parlai.core.teachers"):
        return f"{args.parlai} cannot import ParlAI: see README.md"
    if not data_corpora.CORPORA.is_dir():
        return f"{data_corpora.CORPORA} is not there (BANTER_CORPORA names the folder of corpora)"
    return ""


def can_import(python, names):
    command = [python, "-c", f"import {names}"]
    return subprocess.run(command, stderr=subprocess.DEVNULL).returncode == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default="build/text-release")
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--parlai", metavar="PYTHON", help="one with ParlAI: its readers run too")
    parser.add_argument("--megabytes", type=float, default=50, help="of text, at least")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", choices=("tokens", "readers"))
    parser.add_argument("--formats", nargs="+", choices=data_corpora.MAKERS,
                        default=list(data_corpora.MAKERS))
    parser.add_argument("--folder", help="where the temporary folder is made")
    args = parser.parse_args()
    if why := missing(args):
        sys.exit(f"compare_data.py: {why}")
    program = Path(args.build).resolve() / "tests/bench/data_program"
    print(machine_line() + "\n")
    with tempfile.TemporaryDirectory(dir=args.folder) as name:
        if args.only != "readers":
            compare_tokens(program, args, Path(name))
        if args.only != "tokens":
            compare_readers(program, args, Path(name))


if __name__ == "__main__":
    main()
