"""The server program under test, as a child process whose lines can be waited for."""

import os
import queue
import signal
import subprocess
import threading

WAIT = 120  # seconds until a test that waits for something gives up: no measure of anything


class Program:
    """`with Program([...]) as program:`; ends with SIGKILL what a test did not end itself."""

    def __init__(self, command, **options):
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)
        self.lines = queue.Queue()
        self.seen = []
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(line.rstrip("\n"))
        self.lines.put(None)

    def next_line(self):
        line = self.lines.get(timeout=WAIT)
        if line is None:
            raise AssertionError("the program ended: " + self.process.stderr.read())
        self.seen.append(line)
        return line

    def wait_for(self, wanted):
        """Reads lines until one of them is `wanted`."""
        while self.next_line() != wanted:
            pass

    def stop(self, number=signal.SIGTERM):
        """Sends a signal, waits for the end; its exit code."""
        self.process.send_signal(number)
        return self.process.wait(WAIT)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.reader.join()
        self.process.stdout.close()
        self.process.stderr.close()


class Net(Program):
    """net_program with settings: Net(hello_timeout=50)."""

    def __init__(self, prefix=(), **settings):
        arguments = [f"{name.replace('_', '-')}={value}" for name, value in settings.items()]
        super().__init__([*prefix, os.environ["NET_PROGRAM"], *arguments])
        self.port = int(self.next_line())


class Echo(Program):
    """`banter serve --echo` on a free port."""

    def __init__(self, *arguments):
        super().__init__([os.environ["SERVE_PROGRAM"], "--echo", "--port", "0", *arguments])
        self.port = int(self.next_line().rsplit(":", 1)[1])


class ChatServer(Program):
    """`banter serve RUN`, by the program without tensors: its replies repeat the last turn."""

    def __init__(self, folder, *arguments, port=0):
        self.folder = folder
        super().__init__([os.environ["SERVE_PROGRAM"], "null", "--port", str(port), "--archive",
                          os.path.join(folder, "archive.sqlite"), *arguments])
        self.port = int(self.next_line().rsplit(":", 1)[1])
        self.address = f"ws://127.0.0.1:{self.port}/v1/chat"

    def wait_until_ready(self):
        """The model is loaded behind the open port."""
        subprocess.run(["curl", "-fsS", "--retry", "600", "--retry-delay", "0", "--retry-max-time",
                        str(WAIT), "--retry-all-errors", "-o", os.devnull,
                        f"http://127.0.0.1:{self.port}/readyz"],
                       check=True, stderr=subprocess.DEVNULL)
