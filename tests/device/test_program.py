"""The real program on a GPU, by what it does on the CPU. Skipped, with the reason, where there is no GPU."""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import unittest
import urllib.request

sys.path.append(os.path.join(os.path.dirname(__file__), "../support"))

from small_run import BANTER, banter, prepared, sets, write_talk  # noqa: E402  the folder is known only now

NO_DROPOUT = "model.dropout=0"  # each device draws other numbers


def why_not():
    """Why there is no GPU to test, or ""."""
    (status,) = re.findall(r"^cuda +(.*)$", banter("info").stdout, re.MULTILINE)
    return "" if status == "usable" else status


def is_ready(url):
    try:
        with urllib.request.urlopen(url + "/readyz") as response:
            return response.status == 200
    except OSError:  # not yet: refused, or 503
        return False


@unittest.skipIf(why_not(), why_not())
class DeviceTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        write_talk(os.path.join(cls.folder, "talk.jsonl"))
        cls.config = prepared(cls.folder, train={"steps": 40, "lr": 0.01, "validate_every": 20, "save_every": 20,
                                                 "log_every": 1})
        cls.cpu = cls.train("cpu", "device=cpu", NO_DROPOUT)
        cls.gpu = cls.train("gpu", "device=cuda", NO_DROPOUT)
        cls.contexts = os.path.join(cls.folder, "contexts.txt")
        with open(cls.contexts, "w", encoding="utf-8") as out:
            out.write("how are you ?\nhow are you ?\ti am well , thank you .\tdo you like dogs ?\ndo you work ?\n" * 4)

    @classmethod
    def train(cls, run, *settings):
        run = os.path.join(cls.folder, run)
        banter("train", cls.config, "--quiet", *sets(f"run={run}", *settings))
        return run

    def lines(self, run, event="step"):
        with open(os.path.join(run, "log.jsonl"), encoding="utf-8") as log:
            return [line for line in map(json.loads, log) if line["event"] == event]

    def weights(self, run):
        with open(os.path.join(run, "step-40/model.safetensors"), "rb") as file:
            return file.read()

    def expect_near(self, run, share, other=None):
        steps, others = self.lines(run), self.lines(other or self.cpu)
        self.assertEqual(len(steps), len(others))
        for here, there in zip(steps, others, strict=True):
            self.assertEqual((here["step"], here["labels"]), (there["step"], there["labels"]))
            self.assertAlmostEqual(here["nll"], there["nll"], delta=share * there["nll"])
        for here, there in zip(self.lines(run, "validation"), self.lines(other or self.cpu, "validation"), strict=True):
            self.assertAlmostEqual(here["ppl"], there["ppl"], delta=20 * share * there["ppl"])

    def generated(self, run, device, *arguments, **variables):
        answer = banter("generate", run, self.contexts, "--device", device, "--json", "--quiet", *arguments,
                        env={**os.environ, **variables}).stdout
        return [json.loads(line) for line in answer.splitlines()]

    def test_it_learns_what_the_cpu_learns(self):
        self.expect_near(self.gpu, 1e-3)
        self.assertLess(self.lines(self.gpu)[-1]["nll"], 0.7 * self.lines(self.gpu)[0]["nll"])

    def test_batches_made_ahead_change_nothing(self):
        ahead = self.train("prefetch", "device=cuda", NO_DROPOUT, "train.prefetch=3")
        self.assertTrue(self.weights(ahead) == self.weights(self.gpu))

    def test_without_our_kernels_it_learns_the_same(self):
        run = os.path.join(self.folder, "plain")
        banter("train", self.config, "--quiet", *sets(f"run={run}", "device=cuda", NO_DROPOUT),
               env={**os.environ, "BANTER_PLAIN": "device"})
        self.expect_near(run, 1e-3)
        self.assertFalse(self.weights(run) == self.weights(self.gpu), "the kernels were not used")

    def test_narrow_products_learn_nearly_the_same(self):
        for setting in ("train.tf32=true", "train.precision=bf16"):
            with self.subTest(setting):
                run = self.train(setting, "device=cuda", NO_DROPOUT, setting)
                self.expect_near(run, 0.03)
                self.assertFalse(self.weights(run) == self.weights(self.gpu), "they were not narrow")

    def test_a_killed_run_ends_with_the_same_bytes(self):
        shown = banter("train", self.config, "--verify-resume", "--verify-kills", "2", "--device", "cuda").stdout
        self.assertIn("same", shown)

    def test_a_batch_size_by_memory_is_found(self):
        run = self.train("auto", "device=cuda", "batch.tokens_per_batch=auto", "train.steps=2")
        (line,) = self.lines(run, "batch_size")
        self.assertGreater(line["tokens_per_batch"], 300)

    def test_a_run_of_either_answers_on_both(self):
        for run in (self.cpu, self.gpu):
            for method in (("greedy",), ("beam", "--beam-size", "3"), ("sample",)):
                with self.subTest(run=run, method=method):
                    here, there = (self.generated(run, device, "--method", *method) for device in ("cpu", "cuda"))
                    self.assertEqual(len(here), 12)
                    self.assertEqual([line["reply"] for line in here], [line["reply"] for line in there])

    def test_recorded_steps_give_the_same_replies(self):
        plain, recorded = (self.generated(self.gpu, "cuda", BANTER_CUDA_GRAPHS=wanted) for wanted in "01")
        self.assertEqual(plain, recorded)

    def test_it_serves(self):
        for wanted in "01":
            with self.subTest(graphs=wanted):
                server = subprocess.Popen([BANTER, "serve", self.gpu, "--port", "0", "--device", "cuda", "--archive",
                                           os.path.join(self.folder, f"archive{wanted}.sqlite")], text=True,
                                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                          env={**os.environ, "BANTER_CUDA_GRAPHS": wanted})
                self.addCleanup(server.stdout.close)
                self.addCleanup(server.wait)
                self.addCleanup(server.kill)
                url = server.stdout.readline().strip()
                while not is_ready(url):
                    self.assertIsNone(server.poll(), "it ended before it was ready")
                ask = {"model": "gpu", "messages": [{"role": "user", "content": "how are you ?"}], "temperature": 0}
                answers = []
                for _ in range(3):
                    request = urllib.request.Request(url + "/v1/chat/completions", json.dumps(ask).encode(),
                                                     {"Content-Type": "application/json"})
                    with urllib.request.urlopen(request) as response:
                        answers.append(json.load(response)["choices"][0]["message"]["content"])
                self.assertEqual(len(set(answers)), 1)
                server.send_signal(signal.SIGTERM)
                server.wait()
                self.assertEqual(server.returncode, 0)


if __name__ == "__main__":
    unittest.main()
