"""Who reads a corpus, for the comparison of readers: banter and each of its peers."""

import json
from pathlib import Path
from typing import NamedTuple

import data_corpora
from runs import Run
from text_cleaning import CLEANING

HERE = Path(__file__).resolve().parent


class Peer(NamedTuple):
    name: str
    ours: Run  # what of banter does the same
    theirs: Run


class ParlaiRun(Run):
    """ParlAI's reader tells its own seconds: those of importing ParlAI do not count."""

    def __init__(self, python, *arguments):
        super().__init__([python, HERE / "parlai_reader.py", *arguments])

    def __call__(self):
        super().__call__()
        self.seconds[-1] = self.answer["seconds"]
        self.processor_seconds[-1] = self.answer["processor_seconds"]


def peers_of(name, corpus, folder, program, python, parlai):
    """Of a format; `parlai` is a Python that has ParlAI, or None."""
    read = Run([program, "read", corpus])
    clean = Run([program, "read", "--config", cleaning_recipe(folder / "clean.yaml", corpus)])
    peers = [Peer(f"Python, {mode}", ours,
                  Run([python, HERE / "python_reader.py", mode, name, corpus]))
             for mode, ours in (("plain", read), ("checked", read), ("cleaned", clean))]
    for form, path, modes in parlai_forms(name, corpus, folder) if parlai else ():
        peers += [Peer(f"ParlAI, {form}, {mode}", read, ParlaiRun(parlai, form, mode, path))
                  for mode in modes]
    return peers


def cleaning_recipe(path, corpus):
    path.write_text(f"data:\n  sources: [{{path: {json.dumps(str(corpus))}}}]\n"
                    f"  cleaning: {json.dumps(CLEANING)}\n")
    return path


def parlai_forms(name, corpus, folder):
    """What ParlAI can read of a corpus: its name of the format, the file, and how it is read."""
    if name == "convai2":
        return [("convai2", corpus, ("parse", "stream", "load"))]
    if name != "jsonl":
        return []
    conversations, text = folder / "conversations.jsonl", folder / "parlai.txt"
    data_corpora.conversations_of(corpus, conversations)
    data_corpora.parlai_text_of(corpus, text)
    return [("conversations", conversations, ("parse", "stream", "load")),
            ("text", text, ("load",))]
