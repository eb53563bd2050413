"""A model that hangs or has no memory, and a clock that jumps: what a server does that lives on."""

import asyncio
import datetime
import email.utils
import os
import shutil
import subprocess
import tempfile
import time
import unittest
import urllib.error
import urllib.request

from program import WAIT, ChatServer

try:
    from chat import Client
except ImportError:
    Client = None


def status(server, path):
    """The status of a GET, and the code of its error."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{server.port}{path}", timeout=WAIT) as answer:
            return answer.status, ""
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def date_of(server):
    """What time the server thinks it is."""
    with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/healthz", timeout=WAIT) as answer:
        return email.utils.parsedate_to_datetime(answer.headers["Date"])


@unittest.skipUnless(Client, "no python3-websockets")
class TroubleTest(unittest.IsolatedAsyncioTestCase):
    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory())

    def start(self, *arguments, **environment):
        os.environ.update(environment)
        for name in environment:
            self.addCleanup(os.environ.pop, name)
        server = self.enterContext(ChatServer(self.folder, *arguments))
        server.wait_until_ready()
        return server

    async def until(self, server, path, wanted):
        """Asks until the status is the wanted one; the answer."""
        for _ in range(WAIT * 100):
            answer = await asyncio.to_thread(status, server, path)
            if answer[0] == wanted:
                return answer
            await asyncio.sleep(0.01)
        self.fail(f"{path} never answered {wanted}")

    async def test_fault_23_one_turn_without_memory_ends_and_nothing_else(self):
        server = self.start()
        async with Client(server.address) as client, Client(server.address) as other:
            for i in range(3):
                done = await client.say("no memory", f"m-{i}")
                self.assertEqual((done["type"], done["finish"]), ("done", "error"))
                self.assertEqual((await other.say("yes", f"m-{i}"))["finish"], "stop")
            self.assertEqual((await client.say("hello", "m-9"))["finish"], "stop")
        self.assertEqual(status(server, "/readyz")[0], 200)

    async def test_fault_24_a_step_that_hangs(self):
        fifo = os.path.join(self.folder, "fifo")
        os.mkfifo(fifo)
        server = self.start("--watchdog", "50", "--turn-deadline", "1000", BANTER_TEST_HANG=fifo)
        async with Client(server.address) as client, Client(server.address) as other:
            await client.send({"type": "message", "id": "m-1", "text": "hang"})
            await client.next("accepted")
            _, error = await self.until(server, "/readyz", 503)
            self.assertIn('"code":"engine"', error)
            self.assertEqual(status(server, "/healthz")[0], 200)
            hung_from = time.monotonic()
            await other.send({"type": "ping", "t": 7})  # sockets are served meanwhile
            self.assertEqual((await other.next("pong"))["t"], 7)
            while time.monotonic() < hung_from + 1:  # until its deadline is past for certain
                self.assertEqual((await asyncio.to_thread(status, server, "/readyz"))[0], 503)
            with open(fifo, "w", encoding="ascii") as go:
                go.write("x")
            self.assertEqual((await client.next("done"))["finish"], "timeout")
            await self.until(server, "/readyz", 200)
            self.assertEqual((await other.say("yes"))["type"], "done")

    @unittest.skipUnless(shutil.which("faketime"), "no faketime")
    @unittest.skipIf(os.environ.get("BANTER_SANITIZE"), "faketime is preloaded, as sanitizers are")
    async def test_fault_25_a_clock_that_jumps(self):
        clock = os.path.join(self.folder, "clock")
        library = subprocess.run(["faketime", "now", "printenv", "LD_PRELOAD"], check=True,
                                 capture_output=True, text=True).stdout.strip()

        def jump(by):
            with open(clock + ".new", "w", encoding="ascii") as file:
                file.write(by)
            os.replace(clock + ".new", clock)

        jump("+0")
        # By glibc's malloc: jemalloc asks for the time before libfaketime can tell it.
        server = self.start("--turn-deadline", "20000",
                            LD_PRELOAD=library + " libstdc++.so.6 libc.so.6",
                            FAKETIME_TIMESTAMP_FILE=clock, FAKETIME_NO_CACHE="1",
                            FAKETIME_DONT_FAKE_MONOTONIC="1")
        os.environ.pop("LD_PRELOAD")
        os.environ["LD_PRELOAD"] = ""  # what is started from here on has the true time
        async with Client(server.address) as client:
            for i, by in enumerate(["+1d", "-1d", "+400d", "+0"]):
                jump(by)
                days = (date_of(server) - datetime.datetime.now(datetime.timezone.utc)).days
                self.assertIn(int(by.rstrip("d")) - days, (0, 1), "the clock did not jump")
                self.assertEqual((await client.say("hello", f"m-{i}"))["finish"], "stop")
            where = client.where()
        jump("+1d")
        async with Client(server.address, resume=where) as back:
            self.assertTrue(back.ready["resumed"])
            self.assertEqual((await back.say("yes", "m-9"))["finish"], "stop")
            await back.send({"type": "history"})
            items = (await back.next("history"))["items"]
            self.assertEqual([item["turn"] for item in items], list(range(10)))
        self.assertEqual(status(server, "/readyz")[0], 200)


if __name__ == "__main__":
    unittest.main()
