"""What `banter train` shows: on a terminal rate, learning rate and the curve of the loss; elsewhere none of it."""

import os
import pty
import re
import subprocess
import sys
import tempfile
import unittest

sys.path.append(os.path.join(os.path.dirname(__file__), "../../support"))

from small_run import BANTER, prepared, write_dialogues  # noqa: E402  the folder is known only now


def shown_on_a_terminal(command, variables):
    """What a command writes while its standard error is a terminal."""
    screen, terminal = pty.openpty()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=terminal, env=variables)
    os.close(terminal)
    parts = []
    while True:
        try:
            part = os.read(screen, 4096)
        except OSError:  # its last writer has closed it
            break
        if not part:
            break
        parts.append(part)
    os.close(screen)
    assert process.wait() == 0
    return b"".join(parts).decode()


class TerminalTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        write_dialogues(os.path.join(cls.folder, "talk.jsonl"),
                        [[f"word {n} of {i % 4}" for n in range(4)] for i in range(30)])
        cls.config = prepared(cls.folder, threads=1, batch={"tokens_per_batch": 60},
                              model={"type": "hred", "embed_dim": 8, "hidden_dim": 8},
                              train={"steps": 12, "lr": 0.05, "warmup_steps": 0, "validate_every": 6,
                                     "log_every": 1, "samples": 2})

    def train(self, *options):
        run = tempfile.mkdtemp(dir=self.folder)
        return [BANTER, "train", self.config, "--set", f"run={run}", *options]

    def variables(self, locale):
        others = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG"))}
        return {**others, "LC_ALL": locale}

    def curves(self, text, bars):
        return re.findall(rf"nll \d+\.?\d* ([{bars}]+) \d+\.?\d*, lr \d\S*, \d+ labels/s", text)

    def test_a_terminal_has_curve_rate_and_answers(self):
        shown = shown_on_a_terminal(self.train(), self.variables("C.UTF-8"))
        curves = self.curves(shown, "▁▂▃▄▅▆▇█")
        self.assertEqual([len(curve) for curve in curves], [6, 12], shown)
        self.assertEqual((curves[-1][0], curves[-1][-1] in "▁▂▃"), ("█", True), "it learns")
        self.assertRegex(shown, r"train \[#+\.*\] \d+% \d+/12 steps")
        self.assertEqual(len(re.findall(r"  word .* -> .* \(corpus: word ", shown)), 4)

    def test_without_utf_8_the_curve_is_ascii(self):
        shown = shown_on_a_terminal(self.train(), self.variables("C"))
        self.assertEqual([len(curve) for curve in self.curves(shown, r".:\-=+*%#")], [6, 12], shown)
        self.assertTrue(shown.isascii())

    def test_nobody_looks_at_a_pipe_or_quietly(self):
        piped = subprocess.run(self.train(), env=self.variables("C.UTF-8"), check=True, capture_output=True,
                               text=True).stderr
        self.assertTrue(piped.isascii(), piped)
        self.assertNotIn("\r", piped)
        self.assertEqual(self.curves(piped, r".:\-=+*%#"), [])
        self.assertEqual(shown_on_a_terminal(self.train("--quiet"), self.variables("C.UTF-8")), "")


if __name__ == "__main__":
    unittest.main()
