"""`banter train --page`: a server beside a training, which does not notice what becomes of it."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import unittest
import urllib.error
import urllib.request

from made_run import BANTER, made_run


def get(url):
    with urllib.request.urlopen(url) as answer:
        return json.load(answer)


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return [int(child) for child in file.read().split()]


def kill(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


class TrainingPageTest(unittest.TestCase):
    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory())
        made_run()
        with open(os.path.join(os.path.dirname(made_run()), "config.yaml"), encoding="utf-8") as text:
            self.config = text.read()

    def train(self, *arguments, steps=100_000):
        """A training of its own with a page, and what it said of it."""
        file = os.path.join(self.folder, "config.yaml")
        self.run = os.path.join(self.folder, "run")
        shutil.rmtree(self.run, ignore_errors=True)
        with open(file, "w", encoding="utf-8") as out:
            out.write(self.config)
        process = subprocess.Popen(
            [BANTER, "train", file, "--quiet", "--set", f"run={self.run}", "--set",
             f"train.steps={steps}", "--set", "train.log_every=1", "--page", *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process, process.stderr.readline().rstrip("\n")

    def stop(self, process):
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(), 128 + signal.SIGTERM)

    def test_it_shows_the_run_and_ends_with_it(self):
        process, said = self.train("0")
        address = re.fullmatch(r"page: (http://127\.0\.0\.1:\d+)/?", said).group(1)
        points = []
        while not points:  # asks again and again, over a socket each time
            self.assertIsNone(process.poll())
            for name in get(address + "/v1/run").get("curves", ()):
                points += get(f"{address}/v1/run/curves?names={name}")["curves"][name]
        (page,) = children(process.pid)
        self.stop(process)
        with self.assertRaises(ProcessLookupError):
            os.kill(page, 0)
        with self.assertRaises(urllib.error.URLError):
            get(address + "/v1/run")

    def test_training_ends_without_a_page_that_does_not(self):
        process, said = self.train("0")
        self.assertTrue(said.startswith("page: http://"), said)
        (page,) = children(process.pid)
        os.kill(page, signal.SIGSTOP)  # SIGTERM waits, too
        self.addCleanup(kill, page)
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(timeout=60), 128 + signal.SIGTERM)
        with self.assertRaises(ProcessLookupError):
            os.kill(page, 0)

    def test_training_does_not_notice_that_it_dies(self):
        process, said = self.train("0", steps=30)
        self.assertTrue(said.startswith("page: http://"), said)
        for page in children(process.pid):
            os.kill(page, signal.SIGKILL)
        out, error = process.communicate()
        self.assertEqual(process.returncode, 0, error)
        self.assertIn("step 30, stopped by steps", out)

    def test_a_port_that_is_taken_costs_the_page_alone(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            process, said = self.train(str(taken.getsockname()[1]), steps=30)
            self.assertIn("there is none, training goes on: see ", said)
            out, error = process.communicate()
        self.assertEqual(process.returncode, 0, error)
        with open(os.path.join(self.run, "page.log"), encoding="utf-8") as log:
            self.assertIn("in use", log.read())


if __name__ == "__main__":
    unittest.main()
