"""`banter chat --server` and `banter bench-serve` as programs, and a server for them."""

import json
import os
import signal
import socket
import subprocess
import tempfile
import unittest

from program import WAIT, ChatServer, Program


UNBOUNDED = ["--drain-spread", "1", "--turns-per-minute", "1000000", "--owner-turns-per-minute",
             "1000000", "--sessions-per-owner", "10000"]
CLIENT = os.environ["CLIENT_PROGRAM"]


def url_of(server):
    return f"ws://127.0.0.1:{server.port}"


def client(*arguments, said="", token=None):
    """A client's run from beginning to end."""
    environment = {name: value for name, value in os.environ.items() if name != "BANTER_TOKEN"}
    if token:
        environment["BANTER_TOKEN"] = token
    return subprocess.run([CLIENT, *arguments], input=said, capture_output=True, text=True,
                          timeout=WAIT, env=environment)


def free_port():
    """Of the kernel's choice; nobody listens there."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


class Chat(Program):
    """`banter chat --server`, a line at a time."""

    def __init__(self, url, *arguments):
        super().__init__([CLIENT, "chat", "--server", url, *arguments], stdin=subprocess.PIPE)

    def type(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def say(self, line):
        self.type(line)
        return self.next_line()

    def end(self):
        """End of input; the exit code."""
        self.process.stdin.close()
        return self.process.wait(WAIT)

    def __exit__(self, *unused):
        self.process.stdin.close()
        super().__exit__()


class ServedTest(unittest.TestCase):
    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory())
        self.server = self.enterContext(ChatServer(self.folder, *UNBOUNDED))
        self.server.wait_until_ready()

    def chat(self, said, *arguments):
        result = client("chat", "--server", url_of(self.server), *arguments, said=said)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout.splitlines()

    def refusal(self, said, *arguments):
        result = client("chat", "--server", url_of(self.server), *arguments, said=said)
        self.assertEqual((result.returncode, result.stdout), (1, ""))
        return result.stderr.splitlines()[-1]

    def bench(self, *arguments, server=None):
        result = client("bench-serve", url_of(server or self.server), *arguments, "--json")
        self.assertEqual(result.returncode, 0, result.stderr)
        return json.loads(result.stdout)

    def restart(self):
        """Another server at the same port, with the same archive."""
        self.server = self.enterContext(
            ChatServer(self.folder, *UNBOUNDED, port=self.server.port))

    def kill(self):
        self.server.process.send_signal(signal.SIGKILL)
        self.server.process.wait(WAIT)
