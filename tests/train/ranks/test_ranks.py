"""Data-parallel training by the real program under the real mpirun."""

import glob
import json
import os
import shutil
import signal
import subprocess
import unittest

from processes import BANTER, VARIABLES, ProcessesTest, ranks_of
from small_run import banter


class RanksTest(ProcessesTest):
    def test_two_processes_make_the_bytes_of_one_with_twice_the_batches(self):
        one, two = self.train("one-2", 1, "train.micro_batches=2"), self.train("two", 2)
        self.expect_same_files(one, two, 8)
        self.assertEqual(self.lines(two, "start")[0]["processes"], 2)
        sums = self.lines(two, "stop")[0]["sums"]
        parameters = self.lines(two, "start")[0]["parameters"]
        self.assertEqual(sums["count"], 8)
        self.assertGreaterEqual(sums["bytes"], 8 * 4 * parameters)
        self.assertEqual(sums["by"], "MPI")
        for whole, shared in zip(self.lines(one, "validation"), self.lines(two, "validation"),
                                 strict=True):
            self.assertEqual({**whole, "seconds": 0}, {**shared, "seconds": 0})

    def test_four_processes_make_the_steps_of_one(self):
        one, four = self.train("one-4", 1, "train.micro_batches=4"), self.train("four", 4)
        for whole, shared in zip(self.lines(one), self.lines(four), strict=True):
            self.assertEqual((whole["step"], whole["labels"]), (shared["step"], shared["labels"]))
            for name in ("nll", "grad_norm"):
                self.assertAlmostEqual(whole[name], shared[name], delta=1e-5 * abs(whole[name]))

    def test_sums_are_made_in_the_order_of_a_ring(self):
        result = subprocess.run(["mpirun", "-np", "3", os.environ["SUMS_PROGRAM"]],
                                capture_output=True, text=True, env=VARIABLES)
        self.assertEqual(result.returncode, 0, result.stderr)

    def test_a_batch_size_by_memory_is_one_for_all_and_stays(self):
        run = self.train("auto", 2, "batch.tokens_per_batch=auto", "train.steps=2", "train.prefetch=1",
                         "train.save_every=1")
        (line,) = self.lines(run, "batch_size")
        self.train("auto", 1, "batch.tokens_per_batch=auto", "train.steps=3")
        self.assertEqual(self.lines(run, "batch_size"), [line], "measured once")
        with open(os.path.join(run, "config.yaml"), encoding="utf-8") as config:
            self.assertIn(f"tokens_per_batch: {line['tokens_per_batch']}\n", config.read())

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

    def both(self, first, second, *variables):
        """Two processes with recipes of their own, the second one with `variables`, too. What they
        said, and the exit code."""
        own = [word for variable in variables for word in ("-x", variable)]
        result = subprocess.run(["mpirun", "-np", "1", BANTER, "train", first, "--quiet", ":", "-np",
                                 "1", *own, BANTER, "train", second, "--quiet"],
                                capture_output=True, text=True, env=VARIABLES)
        return result.returncode, result.stderr

    def test_another_recipe_is_refused_by_name(self):
        first, second = self.write("first"), self.write("second", train={"lr": 0.02})
        code, error = self.both(first, second)
        self.assertEqual(code, 2, error)
        self.assertRegex(error, r"process 1 of 2 \(.*\): another recipe than process 0: train\.lr "
                         r".*0\.01.*0\.02")
        self.assertFalse(os.path.exists(os.path.join(self.folder, "refused")))

    def test_another_store_is_refused(self):
        first = self.write("first")
        other = self.write("other", store=os.path.join(self.folder, "store-3"))
        code, error = self.both(first, other)
        self.assertEqual(code, 2, error)
        self.assertRegex(error, r"process 1 of 2 .*store-3")
        banter("prepare", other, "--quiet", "--set", "data.valid_share=0.3")
        code, error = self.both(first, other)
        self.assertEqual(code, 2, error)
        self.assertRegex(error, r"process 1 of 2 .*another store than process 0")

    def test_other_pairs_are_refused(self):
        files = []
        for share in (0.2, 0.3):
            pairs = os.path.join(self.folder, f"pairs-{share}")
            tokenizer = {"path": os.path.join(self.folder, "store/tokenizer.model")}
            banter("prepare", self.write("pairs", store=pairs, data={"valid_share": share, "tokenizer": tokenizer}),
                   "--quiet")
            files.append(self.write(f"with-{share}", train={"pairs_per_dialogue_batch": 1}, pairs={"store": pairs}))
        code, error = self.both(*files)
        self.assertEqual(code, 2, error)
        self.assertRegex(error, r"process 1 of 2 .*another store of mix or pairs.store")

    def test_other_processors_and_threads_are_refused(self):
        first = self.write("first")
        for variable, what in (("ATEN_CPU_CAPABILITY=default", "kind of processor"),
                               ("OMP_NUM_THREADS=2", "number of threads")):
            code, error = self.both(first, first, variable)
            self.assertEqual(code, 2, error)
            self.assertRegex(error, "process 1 of 2 .*another " + what)

    def test_a_failure_of_libtorch_is_told_without_its_backtrace(self):
        result = subprocess.run(self.command("huge", 2, "model.hidden_dim=100000000000000000"),
                                capture_output=True, text=True, env=VARIABLES)
        self.assertNotEqual(result.returncode, 0)
        self.assertRegex(result.stderr, r"banter: process \d of 2 \(.*\): .*overflow")
        self.assertNotIn("Exception raised from", result.stderr)
        self.assertNotIn("libtorch", result.stderr)


if __name__ == "__main__":
    unittest.main()
