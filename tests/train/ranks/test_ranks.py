"""Data-parallel training by the real program under the real mpirun."""

import glob
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../../serve/program"))

from made_run import BANTER, banter, write_talk  # noqa: E402  the folder is known only now

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
  tokens_per_batch: 300
model:
  type: hred
  attention: both
  embed_dim: 16
  hidden_dim: 24
  dropout: 0.1
train:
  steps: 8
  lr: 0.01
  warmup_steps: 5
  ema_decay: 0.9
  validate_every: 4
  save_every: 4
  keep_last: 3
  log_every: 1
"""

# Nobody spins, root may, and more processes than cores are no mistake here.
VARIABLES = {**os.environ, "OMP_NUM_THREADS": "1", "OMPI_ALLOW_RUN_AS_ROOT": "1",
             "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1", "OMPI_MCA_rmaps_base_oversubscribe": "1",
             "OMPI_MCA_mpi_yield_when_idle": "1"}


def read(path):
    with open(path, "rb") as file:
        return file.read()


def ranks_of(mpirun):
    """The processes that an mpirun has started, by their rank."""
    found = {}
    with open(f"/proc/{mpirun}/task/{mpirun}/children", encoding="ascii") as children:
        for child in children.read().split():
            variables = read(f"/proc/{child}/environ").split(b"\0")
            for variable in variables:
                if variable.startswith(b"OMPI_COMM_WORLD_RANK="):
                    found[int(variable.split(b"=")[1])] = int(child)
    return found


@unittest.skipUnless(shutil.which("mpirun"), "no mpirun (openmpi-bin)")
@unittest.skipUnless(os.path.exists(os.path.join(os.path.dirname(BANTER), "libbanter_mpi.so")),
                     "libbanter_mpi.so is not built (libopenmpi-dev)")
class RanksTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        write_talk(os.path.join(cls.folder, "talk.jsonl"))
        banter("prepare", cls.write("config"), "--quiet")

    @classmethod
    def write(cls, name, text=CONFIG):
        file = os.path.join(cls.folder, name + ".yaml")
        with open(file, "w", encoding="utf-8") as out:
            out.write(text.format(folder=cls.folder))
        return file

    def command(self, run, processes, *settings):
        """`banter train` into a run folder by so many processes; one of them without mpirun."""
        self.run_folder = os.path.join(self.folder, run)
        sets = [part for setting in (f"run={self.run_folder}", *settings)
                for part in ("--set", setting)]
        mpirun = ["mpirun", "-np", str(processes)] if processes > 1 else []
        return [*mpirun, BANTER, "train", os.path.join(self.folder, "config.yaml"), "--quiet", *sets]

    def train(self, run, processes, *settings):
        result = subprocess.run(self.command(run, processes, *settings), capture_output=True,
                                text=True, env=VARIABLES)
        self.assertEqual(result.returncode, 0, result.stderr)
        return self.run_folder

    def start(self, run, processes, *settings):
        process = subprocess.Popen(self.command(run, processes, *settings), env=VARIABLES,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def lines(self, run, event="step"):
        with open(os.path.join(run, "log.jsonl"), encoding="utf-8") as log:
            return [line for line in map(json.loads, log) if line["event"] == event]

    def wait_for_step(self, process, step):
        log = os.path.join(self.run_folder, "log.jsonl")
        while not os.path.exists(log) or f'"event":"step","step":{step},'.encode() not in read(log):
            self.assertIsNone(process.poll(), "it ended too early")

    def expect_same_files(self, first, second, step, names=("model", "ema", "optimizer")):
        for name in names:
            file = f"step-{step}/{name}.safetensors"
            self.assertTrue(read(os.path.join(first, file)) == read(os.path.join(second, file)), file)

    def test_two_processes_make_the_bytes_of_one_with_twice_the_batches(self):
        one, two = self.train("one-2", 1, "train.micro_batches=2"), self.train("two", 2)
        self.expect_same_files(one, two, 8)
        self.assertEqual(self.lines(two, "start")[0]["processes"], 2)
        sums = self.lines(two, "stop")[0]["sums"]
        parameters = self.lines(two, "start")[0]["parameters"]
        self.assertEqual(sums["count"], 8)
        self.assertGreaterEqual(sums["bytes"], 8 * 4 * parameters)

    def test_four_processes_make_the_steps_of_one(self):
        one, four = self.train("one-4", 1, "train.micro_batches=4"), self.train("four", 4)
        for whole, shared in zip(self.lines(one), self.lines(four), strict=True):
            self.assertEqual((whole["step"], whole["labels"]), (shared["step"], shared["labels"]))
            for name in ("nll", "grad_norm"):
                self.assertAlmostEqual(whole[name], shared[name], delta=1e-5 * abs(whole[name]))

    def test_a_rate_that_validations_lower_falls_everywhere(self):
        run = self.train("plateau", 2, "train.schedule=plateau", "train.plateau_patience=0",
                         "train.lr=5", "train.validate_every=1", "train.save_every=1")
        self.assertLess(self.lines(run)[-1]["lr"], 5)

    def test_a_run_goes_on_with_another_number_at_the_same_examples(self):
        run = self.train("other", 2, "train.steps=4")
        self.train("other", 1)
        with open(os.path.join(run, "step-8/state.json"), encoding="utf-8") as state:
            self.assertEqual(json.load(state)["position"]["batches"], 4 * 2 + 4)

    def test_a_process_that_dies_ends_them_all_and_the_run_goes_on(self):
        unbroken = self.train("unbroken", 2)
        process = self.start("killed", 2, "train.steps=100000")
        self.wait_for_step(process, 6)
        os.kill(ranks_of(process.pid)[1], signal.SIGKILL)
        _, error = process.communicate(timeout=30)
        self.assertNotEqual(process.returncode, 0)
        self.assertIn("signal 9", error)
        for checkpoint in glob.glob(os.path.join(self.run_folder, "step-*")):
            if int(checkpoint.rsplit("-", 1)[1]) > 4:  # as if it had died behind the fifth step
                shutil.rmtree(checkpoint)
        killed = self.train("killed", 2)
        self.expect_same_files(unbroken, killed, 8)

    def test_a_signal_to_any_of_them_saves_and_stops_all(self):
        process = self.start("stopped", 2, "train.steps=100000")
        self.wait_for_step(process, 2)
        os.kill(ranks_of(process.pid)[1], signal.SIGTERM)
        _, error = process.communicate()
        self.assertNotEqual(process.returncode, 0)
        self.assertIn("the same command goes on", error)
        (stop,) = self.lines(self.run_folder, "stop")
        self.assertEqual(stop["why"], "signal")
        self.assertTrue(os.path.exists(os.path.join(self.run_folder, f"step-{stop['step']}")))

    def both(self, first, second):
        """Two processes with recipes of their own. What they said, and the exit code."""
        result = subprocess.run(["mpirun", "-np", "1", BANTER, "train", first, "--quiet", ":", "-np",
                                 "1", BANTER, "train", second, "--quiet"], capture_output=True,
                                text=True, env=VARIABLES)
        return result.returncode, result.stderr

    def test_another_recipe_is_refused_by_name(self):
        first = self.write("first", CONFIG.replace("/run\n", "/refused\n"))
        second = self.write("second", CONFIG.replace("/run\n", "/refused\n")
                            .replace("lr: 0.01", "lr: 0.02"))
        code, error = self.both(first, second)
        self.assertEqual(code, 2, error)
        self.assertRegex(error, r"process 1 of 2 \(.*\): another recipe than process 0: train\.lr "
                         r".*0\.01.*0\.02")
        self.assertFalse(os.path.exists(os.path.join(self.folder, "refused")))

    def test_another_store_is_refused(self):
        file = self.write("third", CONFIG.replace("/store\n", "/store-3\n").replace("/run\n",
                                                                                 "/refused\n"))
        code, error = self.both(self.write("first", CONFIG.replace("/run\n", "/refused\n")), file)
        self.assertEqual(code, 2, error)
        self.assertRegex(error, r"process 1 of 2 .*store-3")
        banter("prepare", file, "--quiet", "--set", "data.valid_share=0.3")
        code, error = self.both(self.write("first", CONFIG.replace("/run\n", "/refused\n")), file)
        self.assertEqual(code, 2, error)
        self.assertRegex(error, r"process 1 of 2 .*another store than process 0")


if __name__ == "__main__":
    unittest.main()
