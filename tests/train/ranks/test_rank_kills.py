"""Two processes of a training of which one or the other is killed again and again end with the very
bytes of two that never were. BANTER_LONG=1 kills more often."""

import json
import os
import random
import re
import shutil
import signal
import subprocess
import unittest

from processes import BANTER, VARIABLES, ProcessesTest, ranks_of, read

IS_LONG = "BANTER_LONG" in os.environ
KILLS = 20 if IS_LONG else 2
SETTINGS = (f"train.steps={240 if IS_LONG else 24}", "train.save_every=3")


class RankKillsTest(ProcessesTest):
    def step(self, run):
        """The last step that the log tells of."""
        log = os.path.join(run, "log.jsonl")
        told = read(log) if os.path.exists(log) else b""
        return max(map(int, re.findall(rb'{"event":"step","step":(\d+),', told)), default=0)

    def wait(self, run, process, draw):
        """Until some steps later, or until a checkpoint is being written behind them."""
        target, in_a_save = self.step(run) + draw.randint(1, 5), draw.random() < 0.5
        while process.poll() is None:
            if self.step(run) >= target and (not in_a_save or any(
                    name.endswith(".tmp") for name in os.listdir(run))):
                return

    def contents(self, run):
        files = {}
        for place, _, names in os.walk(run):
            for name in names:
                file = os.path.relpath(os.path.join(place, name), run)
                if file not in (".lock", "config.yaml", "log.jsonl"):
                    files[file] = read(os.path.join(run, file))
        with open(os.path.join(run, "log.jsonl"), encoding="utf-8") as log:
            lines = [line for line in map(json.loads, log) if line["event"] in ("step", "validation")]
        for line in lines:
            for clock in ("seconds", "labels_per_second"):
                line.pop(clock, None)
        return files, lines

    def test_kills_of_either_process_change_no_byte(self):
        unbroken, killed = self.train("unbroken", 2, *SETTINGS), os.path.join(self.folder, "killed")
        victims = set()
        for number in range(KILLS):
            draw = random.Random(number)
            process = self.start("killed", 2, *SETTINGS)
            self.wait(killed, process, draw)
            self.assertIsNone(process.poll(), "it ended too early to be killed so often")
            rank = (number + draw.randint(0, 1)) % 2 if IS_LONG else number % 2
            os.kill(ranks_of(process.pid)[rank], signal.SIGKILL)
            victims.add(rank)
            _, error = process.communicate(timeout=30)
            self.assertNotEqual(process.returncode, 0, error)
        self.assertEqual(victims, {0, 1})
        self.train("killed", 2, *SETTINGS)
        expected, got = self.contents(unbroken), self.contents(killed)
        self.assertEqual(sorted(expected[0]), sorted(got[0]))
        for name, content in expected[0].items():
            self.assertTrue(got[0][name] == content, name + " differs")
        self.assertEqual(expected[1], got[1])

    def test_a_run_that_diverges_goes_back_everywhere(self):
        settings = ["train.steps=90", "train.save_every=4", "train.weight_decay=200", "train.lr=0.04",
                    "train.warmup_steps=20", "train.max_bad_steps=3", "train.max_fall_backs=3",
                    "train.fall_back_factor=0.1", "train.valid_split=''"]
        runs = [self.train("one", 1, *settings, "train.micro_batches=2"), self.train("two", 2, *settings)]
        self.assertTrue(self.lines(runs[1], "fall_back"))
        self.expect_same_files(*runs, 90)

    def test_another_program_is_refused(self):
        other = os.path.join(self.folder, "program")
        os.mkdir(other)
        for name in ("banter", "libbanter_mpi.so"):
            shutil.copy(os.path.join(os.path.dirname(BANTER), name), other)
        with open(os.path.join(other, "banter"), "ab") as program:
            program.write(b"\0")  # another build
        result = subprocess.run(
            ["mpirun", "-np", "1", BANTER, "train", self.config, "--quiet", ":", "-np", "1",
             os.path.join(other, "banter"), "train", self.config, "--quiet"],
            env=VARIABLES, capture_output=True, text=True)
        self.assertEqual(result.returncode, 2, result.stderr)
        self.assertRegex(result.stderr, r"process 1 of 2 \(.*\): another program than process 0 .*: "
                         "install the same build everywhere")
        self.assertFalse(os.path.exists(os.path.join(self.folder, "run")))


if __name__ == "__main__":
    unittest.main()
