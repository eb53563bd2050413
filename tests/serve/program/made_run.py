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


@functools.cache
def made_run():
    """The folder of a trained run."""
    folder = tempfile.TemporaryDirectory()
    atexit.register(folder.cleanup)
    write_talk(os.path.join(folder.name, "talk.jsonl"))
    config = os.path.join(folder.name, "config.yaml")
    with open(config, "w", encoding="utf-8") as out:
        out.write(CONFIG.format(folder=folder.name))
    banter("prepare", config, "--quiet")
    banter("train", config, "--quiet")
    return os.path.join(folder.name, "run")


class Server(Program):
    """`banter serve` of that run."""

    def __init__(self, folder, *arguments, port=0, run=None, waits=True):
        super().__init__([BANTER, "serve", run or made_run(), "--port", str(port), "--archive",
                          os.path.join(folder, "archive.sqlite"), "--drain-spread", "1", *arguments])
        self.port = int(self.next_line().rsplit(":", 1)[1])
        self.url = f"http://127.0.0.1:{self.port}"
        self.address = f"ws://127.0.0.1:{self.port}/v1/chat"
        if not waits:
            return
        subprocess.run(["curl", "-fsS", "--retry", "600", "--retry-delay", "0", "--retry-max-time",
                        str(WAIT), "--retry-all-errors", "-o", os.devnull, self.url + "/readyz"],
                       check=True, stderr=subprocess.DEVNULL)
