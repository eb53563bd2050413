#!/usr/bin/env python3
"""ParlAI's own readers over a file, without a model.

    parlai_reader.py FORMAT MODE FILE

FORMAT is convai2 (FbDeprecatedDialogTeacher, of which ParlAI's ConvAI2 teachers are made),
conversations (ConversationTeacher) or text (ParlAIDialogTeacher). MODE is

    parse     the examples that the teacher makes of the lines, and nothing of what follows
    stream    the messages that it gives an agent, with `datatype: train:stream:ordered`
    load      the same with `train:ordered`: all examples are in memory first

`text` has `load` alone: its teacher loads whatever the datatype says. Writes a line of JSON: turns
and bytes of text, and the seconds it took, without those of importing ParlAI and its torch.
"""

import json
import sys
import time

from parlai.core.opt import Opt
from parlai.core.teachers import (ConversationTeacher, FbDeprecatedDialogTeacher,
                                  ParlAIDialogTeacher)
from parlai.utils import logging

# format -> teacher, the key of its file, modes
TEACHERS = {
    "convai2": (FbDeprecatedDialogTeacher, "datafile", ("parse", "stream", "load")),
    "conversations": (ConversationTeacher, "conversationteacher_datafile",
                      ("parse", "stream", "load")),
    "text": (ParlAIDialogTeacher, "parlaidialogteacher_datafile", ("load",)),
}


def modes_of(name):
    return TEACHERS[name][2]


def teacher_of(name, mode, path):
    kind, key, _ = TEACHERS[name]
    datatype = "train:ordered" if mode == "load" else "train:stream:ordered"
    return kind(Opt({"task": name, "datatype": datatype, "label_turns": "secondspeaker",
                     key: path}))


def parsed(teacher, path):
    """Text and label of each example."""
    for example, _ in teacher.setup_data(path):
        if isinstance(example, dict):
            yield example["text"], example["labels"]
        elif example[1] is not None:
            yield example[0], example[1]


def acted(teacher):
    """The same, of each message."""
    while not teacher.epoch_done():
        message = teacher.act()
        if "labels" in message:
            yield message["text"], message["labels"]


def summed(examples, is_convai2):
    turns = text_bytes = 0
    for text, labels in examples:
        if is_convai2:  # the lines of the persona stand before the first turn
            text = text.rpartition("\n")[2]
        turns += 1 + len(labels)
        for said in (text, *labels):
            text_bytes += len(said) if said.isascii() else len(said.encode())
    return {"turns": turns, "text_bytes": text_bytes}


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    name, mode, path = sys.argv[1:]
    if name not in TEACHERS or mode not in modes_of(name):
        sys.exit(__doc__)
    logging.disable()
    begin, used = time.perf_counter(), time.process_time()
    teacher = teacher_of(name, mode, path)
    examples = parsed(teacher, path) if mode == "parse" else acted(teacher)
    answer = summed(examples, name == "convai2")
    answer["seconds"] = time.perf_counter() - begin
    answer["processor_seconds"] = time.process_time() - used
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
