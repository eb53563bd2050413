"""Small corpora, stores and runs of the real program, for tests in Python."""

import json
import os
import subprocess

BANTER = os.environ["BANTER_PROGRAM"]


def banter(*arguments, **options):
    done = subprocess.run([BANTER, *arguments], capture_output=True, text=True, **options)
    if done.returncode != 0:
        raise AssertionError(f"banter {' '.join(map(str, arguments))} ended with {done.returncode}:\n{done.stderr}")
    return done


def recipe(folder, corpus="talk.jsonl", **sections):
    """A recipe as a dictionary: of a run in a folder, on a corpus there. What `sections` name of a section
    stands in the place of what it has here; `train={"lr": 0.1}` leaves its other keys."""
    whole = {
        "store": f"{folder}/store", "run": f"{folder}/run",
        "data": {"sources": [{"path": f"{folder}/{corpus}"}], "valid_share": 0.1, "tokenizer": {"vocab_size": 300}},
        "batch": {"tokens_per_batch": 300},
        "model": {"type": "hred", "attention": "both", "embed_dim": 16, "hidden_dim": 24},
        "train": {"steps": 8, "lr": 0.01, "warmup_steps": 5, "validate_every": 4, "save_every": 4},
    }
    for name, section in sections.items():
        is_laid_over = isinstance(section, dict) and name != "model"
        whole[name] = {**whole.get(name, {}), **section} if is_laid_over else section
    return whole


def write_recipe(file, a_recipe):
    """JSON is YAML. Returns the file."""
    with open(file, "w", encoding="utf-8") as out:
        json.dump(a_recipe, out)
    return file


def prepared(folder, **sections):
    """FOLDER/config.yaml, a recipe whose store is there; the corpus has to be."""
    file = write_recipe(os.path.join(folder, "config.yaml"), recipe(folder, **sections))
    banter("prepare", file, "--quiet")
    return file


def sets(*settings):
    """`--set` of each."""
    return [word for setting in settings for word in ("--set", setting)]


def write_dialogues(file, dialogues):
    """Each a list of texts, which A and B say in turn."""
    with open(file, "w", encoding="utf-8") as out:
        for number, texts in enumerate(dialogues):
            turns = [{"speaker": "AB"[i % 2], "text": text} for i, text in enumerate(texts)]
            out.write(json.dumps({"id": str(number), "turns": turns}) + "\n")


def write_talk(file):
    """Questions with their answers, in every order of two."""
    pairs = [("how are you ?", "i am well , thank you ."), ("do you like dogs ?", "yes , i have two ."),
             ("where do you live ?", "i live in a small town ."), ("what is your name ?", "my name is ann ."),
             ("do you work ?", "i teach at a school ."), ("what do you eat ?", "i eat bread and apples .")]
    write_dialogues(file, [[*first, *second] for first in pairs * 5 for second in pairs])
