"""`banter export --format tensors`, and models/hred_in_pytorch.py, which loads it: with a Python that
has torch (BANTER_REFERENCE_PYTHON names it) its log-probabilities are compared with `banter score`."""

import json
import os
import struct
import subprocess
import sys
import tempfile
import unittest

sys.path.append(os.path.join(os.path.dirname(__file__), "../../support"))

from small_run import BANTER, banter, prepared, sets, write_dialogues  # noqa: E402  the folder is known only now

MODELS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../models")
PYTHON = os.environ.get("BANTER_REFERENCE_PYTHON", sys.executable)

GIVEN = [["how are you ?"], ["do you like dogs ?", "yes , i have two .", "where do you live ?"],
         ["hello", "what do you eat ?"]]
REPLIES = ["i am well , thank you .", "i live in a small town .", "bread"]


class ExportTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        write_dialogues(os.path.join(cls.folder, "talk.jsonl"),
                        [[*GIVEN[i % 3], REPLIES[i % 3]] for i in range(40)])
        cls.config = prepared(cls.folder, threads=1, batch={"tokens_per_batch": 100, "max_context_turns": 8},
                              model={"type": "hred", "attention": "both", "embed_dim": 8, "hidden_dim": 12},
                              train={"steps": 3, "lr": 0.05, "warmup_steps": 0, "valid_split": ""})

    def exported(self, name, *settings):
        """A run with these settings, and its exported folder."""
        run = os.path.join(self.folder, name)
        banter("train", self.config, "--quiet", *sets(f"run={run}", *settings))
        banter("export", run, run + "-out", "--format", "tensors", "--quiet")
        return run, run + "-out"

    def test_the_readme_names_every_tensor(self):
        run, out = self.exported("named", "model.dropout=.25")
        self.assertEqual(sorted(os.listdir(out)), ["README.md", "config.json", "model.safetensors", "tokenizer.model"])
        with open(os.path.join(out, "config.json"), encoding="utf-8") as file:
            self.assertEqual(json.load(file)["model"]["dropout"], 0.25, "a number, as JSON writes it")
        with open(os.path.join(out, "model.safetensors"), "rb") as file:
            header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        del header["__metadata__"]
        with open(os.path.join(out, "README.md"), encoding="utf-8") as file:
            readme = file.read()
        for name, entry in header.items():
            self.assertIn(f"| `{name}` | {' x '.join(map(str, entry['shape']))} | float |\n", readme)
        self.assertIn("static_attention.v", header)
        again = subprocess.run([BANTER, "export", run, out, "--format", "tensors"], capture_output=True, text=True)
        self.assertEqual(again.returncode, 2, "what is there is not overwritten")

    def test_pytorch_gives_the_same_log_probabilities(self):
        if subprocess.run([PYTHON, "-c", "import torch"], capture_output=True).returncode != 0:
            self.skipTest(f"{PYTHON} has no torch (BANTER_REFERENCE_PYTHON names another one)")
        kinds = [("both",), ("none",), ("static", "model.static_query=first"), ("dynamic", "model.context_rnn=true"),
                 ("both", "model.combine=weighted", "model.gate=state"), ("both", "model.combine=weighted"),
                 ("both", "model.combine=max")]
        runs = [self.exported(f"run{number}", f"model.attention={attention}", *more)
                for number, (attention, *more) in enumerate(kinds)]
        lines = [{"turns": turns, "reply": reply} for turns, reply in zip(GIVEN, REPLIES)]
        turns = sum(GIVEN, [])
        alone = self.score(runs[0][0], [{"turns": ["hello"], "reply": turn} for turn in turns])
        ids = {turn: one["ids"][:-1] for turn, one in zip(turns, alone)}
        replies = [one["ids"] for one in self.score(runs[0][0], lines)]
        asked = [([ids[turn] for turn in turns], reply) for turns, reply in zip(GIVEN, replies)]
        code = ("import json, sys, hred_in_pytorch as h\n"
                "asked, answers = json.load(sys.stdin), []\n"
                "for folder in sys.argv[1:]:\n"
                "  model = h.load(folder)\n"
                "  for turns, reply in asked:\n"
                "    ids = model.reply(turns, 20)\n"
                "    own = ids + [model.special['eos']] * (len(ids) < 20)\n"
                "    answers.append([model.score(turns, reply), model.score(turns, own)])\n"
                "print(json.dumps(answers))")
        theirs = iter(json.loads(subprocess.run(
            [PYTHON, "-B", "-c", code, *(out for _, out in runs)], input=json.dumps(asked), check=True,
            capture_output=True, text=True, env={**os.environ, "PYTHONPATH": MODELS}).stdout))
        contexts = "".join(json.dumps({"turns": turns}) + "\n" for turns in GIVEN)
        for (run, _), kind in zip(runs, kinds):
            said = banter("generate", run, "--quiet", "--json", "--max-new-tokens", "20", "-", input=contexts).stdout
            for one, reply in zip(self.score(run, lines), map(json.loads, said.splitlines())):
                with self.subTest(kind=kind):
                    given, own = next(theirs)
                    self.assert_near(given, one["log_probs"])
                    self.assert_near(own, reply["log_probs"])

    def assert_near(self, ours, theirs):
        self.assertEqual(len(ours), len(theirs))
        for a, b in zip(ours, theirs):
            self.assertAlmostEqual(a, b, delta=1e-4)

    def score(self, run, lines):
        text = "".join(json.dumps(line) + "\n" for line in lines)
        return [json.loads(line) for line in banter("score", run, "-", "--quiet", input=text).stdout.splitlines()]


if __name__ == "__main__":
    unittest.main()
