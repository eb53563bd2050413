"""A small model of the real program, trained once for all tests of a process."""

import atexit
import functools
import json
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../net/conformance"))

from program import Program, WAIT  # noqa: E402  the folder is known only now

BANTER = os.environ["BANTER_PROGRAM"]

CONFIG = """
store: {folder}/store
run: {folder}/run
data:
  sources:
    - path: {folder}/talk.jsonl
  valid_share: 0.1
  tokenizer:
    vocab_size: 300
batch:
  tokens_per_batch: 500
  max_context_turns: 8
model:
  type: hred
  attention: both
  embed_dim: 32
  hidden_dim: 48
train:
  steps: 60
  lr: 0.01
  warmup_steps: 5
  validate_every: 30
  save_every: 30
decoding:
  max_new_tokens: 20
"""


JUDGE = """
store: {folder}/store
run: {folder}/run
data:
  sources:
    - path: {folder}/pairs.jsonl
  valid_share: 0.1
  tokenizer:
    vocab_size: 300
batch:
  tokens_per_batch: 300
model:
  type: nli
  dim: 16
  heads: 2
  ffn_dim: 32
  encoder_layers: 1
train:
  steps: 40
  lr: 0.005
  warmup_steps: 5
  validate_every: 20
  save_every: 20
"""


def banter(*arguments, **options):
    return subprocess.run([BANTER, *arguments], check=True, capture_output=True, text=True, **options)


def write_talk(file):
    """Questions with their answers, in every order of two."""
    pairs = [("how are you ?", "i am well , thank you ."), ("do you like dogs ?", "yes , i have two ."),
             ("where do you live ?", "i live in a small town ."), ("what is your name ?", "my name is ann ."),
             ("do you work ?", "i teach at a school ."), ("what do you eat ?", "i eat bread and apples .")]
    with open(file, "w", encoding="utf-8") as out:
        for i, first in enumerate(pairs * 5):
            for j, second in enumerate(pairs):
                turns = [{"speaker": speaker, "text": text}
                         for pair in (first, second) for speaker, text in zip("AB", pair)]
                out.write(json.dumps({"id": f"{i}-{j}", "turns": turns}) + "\n")


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


def trained(folder, config, *arguments):
    """The run of a configuration, in a folder of its own."""
    os.makedirs(folder, exist_ok=True)
    file = os.path.join(folder, "config.yaml")
    with open(file, "w", encoding="utf-8") as out:
        out.write(config.format(folder=folder))
    banter("prepare", file, "--quiet", *arguments)
    banter("train", file, "--quiet", *arguments)
    return os.path.join(folder, "run")


@functools.cache
def made_folder():
    folder = tempfile.TemporaryDirectory()
    atexit.register(folder.cleanup)
    return folder.name


@functools.cache
def made_run():
    """The folder of a trained run."""
    write_talk(os.path.join(made_folder(), "talk.jsonl"))
    return trained(made_folder(), CONFIG)


@functools.cache
def made_reverse():
    """A run of the same vocabulary that learned turned dialogues."""
    folder = os.path.join(made_folder(), "reverse")
    os.makedirs(folder)
    write_turned(os.path.join(folder, "talk.jsonl"),
                 os.path.join(os.path.dirname(made_run()), "talk.jsonl"))
    tokenizer = os.path.join(made_folder(), "store", "tokenizer.model")
    return trained(folder, CONFIG, "--set", "data.tokenizer.path=" + tokenizer)


@functools.cache
def made_words():
    """A run of a model that attends to words."""
    folder = os.path.join(made_folder(), "words")
    os.makedirs(folder)
    write_talk(os.path.join(folder, "talk.jsonl"))
    return trained(folder, CONFIG.replace("type: hred\n  attention: both", "type: hran"))


@functools.cache
def made_judge():
    """A classifier of sentence pairs."""
    folder = os.path.join(made_folder(), "judge")
    os.makedirs(folder)
    write_pairs(os.path.join(folder, "pairs.jsonl"))
    return trained(folder, JUDGE)


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
