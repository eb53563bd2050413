"""The command line of `banter serve`."""

import os
import re
import subprocess
import unittest

from program import Echo
from raw import TEXT, frame, socket_to

SERVE = os.path.join(os.path.dirname(__file__), "../../../../serve")


def serve(*arguments):
    return subprocess.run([os.environ["SERVE_PROGRAM"], *arguments], capture_output=True, text=True)


class CommandTest(unittest.TestCase):
    def test_help_has_every_limit_of_the_readmes(self):
        text = serve("--help").stdout
        rows = []
        for readme in ("README.md", "net/README.md"):
            with open(os.path.join(SERVE, readme), encoding="utf-8") as file:
                rows += re.findall(r"^\| `([a-z-]+)` \| (\d+)", file.read(), re.MULTILINE)
        limits = text[text.index("\nLimits:"):text.index("\nExamples:")]
        self.assertEqual(sorted(name for name, _ in rows), sorted(re.findall(r"--([a-z-]+) ", limits)))
        for name, default in rows:
            self.assertRegex(text, rf"--{name} \w+:POSITIVE={default}\s")
        raised = {"max-message-bytes": "16777216", "max-outbox-bytes": "33554432",
                  "max-fragments": "65536"}
        text = serve("--echo", "--help").stdout
        for name, default in raised.items():
            self.assertRegex(text, rf"--{name} \w+:POSITIVE={default}\s")

    def test_wrong_usage_is_2_and_a_failure_1(self):
        self.assertEqual(serve().returncode, 2)
        self.assertEqual(serve("--echo", "--port", "70000").returncode, 2)
        self.assertEqual(serve("--echo", "--header-timeout", "0").returncode, 2)
        with Echo() as server:
            result = serve("--echo", "--port", str(server.port))
            self.assertEqual(result.returncode, 1)
            self.assertIn(f"cannot listen on 127.0.0.1 port {server.port}: Address already in use",
                          result.stderr)

    def test_a_limit_of_the_command_line_holds(self):
        with Echo("--max-message-bytes", "5") as server:
            with socket_to(server.port) as peer:
                peer.send(frame(TEXT, b"12345"))
                self.assertEqual(peer.message(), (TEXT, b"12345"))
                peer.send(frame(TEXT, b"123456"))
                self.assertEqual(peer.close_code(), 1009)

    def test_sigterm_is_a_good_end(self):
        with Echo("--drain-spread", "1") as server:
            self.assertEqual(server.stop(), 0)


if __name__ == "__main__":
    unittest.main()
