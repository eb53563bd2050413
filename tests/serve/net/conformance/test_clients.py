"""Foreign clients against `banter serve --echo`: each is skipped where it is not installed."""

import asyncio
import importlib.util
import shutil
import subprocess
import unittest

from program import WAIT, Echo


class ClientTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = cls.enterClassContext(Echo())

    @unittest.skipUnless(importlib.util.find_spec("websockets"), "no python3-websockets")
    def test_python_websockets(self):
        import websockets

        async def talk():
            address = f"ws://127.0.0.1:{self.server.port}/echo"
            async with websockets.connect(address, max_size=None, ping_interval=None) as client:
                for message in ("", "grüße", "x" * 100_000, b"\x00\xff", bytes(70_000)):
                    await client.send(message)
                    self.assertEqual(await client.recv(), message)
                await client.send(iter(["in ", "three ", "frames"]))
                self.assertEqual(await client.recv(), "in three frames")
                await (await client.ping(b"there?"))
            self.assertEqual(client.close_code, 1000)

        asyncio.run(asyncio.wait_for(talk(), WAIT))

    @unittest.skipUnless(shutil.which("curl"), "no curl")
    def test_curl(self):
        def curl(*arguments):
            return subprocess.run(["curl", "-sS", "-i", "--max-time", str(WAIT), *arguments],
                                  check=True, capture_output=True, text=True).stdout

        address = f"http://127.0.0.1:{self.server.port}"
        self.assertTrue(curl(f"{address}/healthz").endswith("\n\nok\n"))
        self.assertIn("HTTP/1.1 405 ", curl("-d", "x=1", f"{address}/healthz"))
        self.assertIn("HTTP/1.1 404 ", curl("--path-as-is", f"{address}/../etc/passwd"))
        self.assertIn("HTTP/1.1 426 ", curl(f"{address}/echo"))
        both = curl(f"{address}/healthz", f"{address}/healthz", "-v")
        self.assertEqual(both.count("HTTP/1.1 200 OK"), 2)


if __name__ == "__main__":
    unittest.main()
