"""A small model of the real program, trained once for all tests of a process."""

import atexit
import functools
import json
import os
import subprocess
import sys
import tempfile

sys.path[:0] = [os.path.join(os.path.dirname(__file__), place) for place in ("../net/conformance", "../../support")]

from program import Program, WAIT  # noqa: E402  the folders are known only now
from small_run import BANTER, banter, prepared, write_talk  # noqa: E402

TALK = {"batch": {"tokens_per_batch": 500, "max_context_turns": 8},
        "model": {"type": "hred", "attention": "both", "embed_dim": 32, "hidden_dim": 48},
        "train": {"steps": 60, "validate_every": 30, "save_every": 30},
        "decoding": {"max_new_tokens": 20}}
JUDGE = {"model": {"type": "nli", "dim": 16, "heads": 2, "ffn_dim": 32, "encoder_layers": 1},
         "train": {"steps": 40, "lr": 0.005, "validate_every": 20, "save_every": 20}}


def write_turned(file, talk):
    """The same dialogues from their end to their beginning."""
    with open(talk, encoding="utf-8") as lines, open(file, "w", encoding="utf-8") as out:
        for line in lines:
            dialogue = json.loads(line)
            out.write(json.dumps({**dialogue, "turns": dialogue["turns"][::-1]}) + "\n")


def write_pairs(file):
    """A sentence entails itself; of the others half contradict it."""
    sentences = ["i have two dogs .", "i live in rome .", "i teach at a school ."]
    with open(file, "w", encoding="utf-8") as out:
        for i in range(300):
            premise, hypothesis = sentences[i % 3], sentences[i // 3 % 3]
            other = "contradiction" if i % 2 else "neutral"
            out.write(json.dumps({"premise": premise, "hypothesis": hypothesis,
                                  "label": "entailment" if premise == hypothesis else other}) + "\n")


def trained(folder, **sections):
    """The run of a recipe, in a folder of its own that has its corpus."""
    banter("train", prepared(folder, **sections), "--quiet")
    return os.path.join(folder, "run")


@functools.cache
def made_folder(name=""):
    if name:
        os.mkdir(os.path.join(made_folder(), name))
        return os.path.join(made_folder(), name)
    folder = tempfile.TemporaryDirectory()
    atexit.register(folder.cleanup)
    return folder.name


@functools.cache
def made_run():
    """The folder of a trained run."""
    write_talk(os.path.join(made_folder(), "talk.jsonl"))
    return trained(made_folder(), **TALK)


@functools.cache
def made_reverse():
    """A run of the same vocabulary that learned turned dialogues."""
    run, folder = made_run(), made_folder("reverse")
    write_turned(os.path.join(folder, "talk.jsonl"), os.path.join(made_folder(), "talk.jsonl"))
    tokenizer = os.path.join(os.path.dirname(run), "store", "tokenizer.model")
    return trained(folder, **TALK, data={"tokenizer": {"path": tokenizer}})


@functools.cache
def made_words():
    """A run of a model that attends to words."""
    folder = made_folder("words")
    write_talk(os.path.join(folder, "talk.jsonl"))
    return trained(folder, **{**TALK, "model": {"type": "hran", "embed_dim": 32, "hidden_dim": 48}})


@functools.cache
def made_judge():
    """A classifier of sentence pairs."""
    folder = made_folder("judge")
    write_pairs(os.path.join(folder, "pairs.jsonl"))
    return trained(folder, corpus="pairs.jsonl", **JUDGE)


class Server(Program):
    """`banter serve` of that run. `curl`: what curl needs to reach it."""

    def __init__(self, folder, *arguments, port=0, run=None, archive=None, waits=True, curl=()):
        archive = archive or os.path.join(folder, "archive.sqlite")
        super().__init__([BANTER, "serve", run or made_run(), "--port", str(port), "--archive", archive,
                          "--drain-spread", "1", *arguments])
        self.url = self.next_line()
        if self.url.startswith("unix:"):
            self.url = "http://localhost"
        else:
            self.port = int(self.url.rsplit(":", 1)[1])
            self.address = self.url.replace("http", "ws", 1) + "/v1/chat"
        if not waits:
            return
        subprocess.run(["curl", *curl, "-fsS", "--retry", "600", "--retry-delay", "0", "--retry-max-time",
                        str(WAIT), "--retry-all-errors", "-o", os.devnull, self.url + "/readyz"],
                       check=True, stderr=subprocess.DEVNULL)
