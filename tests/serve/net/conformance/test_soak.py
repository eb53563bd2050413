"""A soak of `banter serve` with a model that costs nothing: see soak.py."""

import importlib.util
import json
import os
import tempfile
import unittest

from program import ChatServer

if importlib.util.find_spec("websockets"):
    import soak

TEXTS = ("hello , how are you ?", "do you like dogs ?", "yes , i have two of them .",
         "👩‍👩‍👧 ünd ?", "'; DROP TABLE turn; --")


def echoes(traffic):
    """What the model says: the first 20 tokens, or fewer, of the last turn said over and over."""
    known = {}
    for text in TEXTS:
        ids = json.loads(traffic.post("/tokenize", {"content": text})[2])["tokens"]
        for tokens in (20, 3):
            said = {"tokens": (ids * tokens)[:tokens]}
            known[text, tokens] = json.loads(traffic.post("/detokenize", said)[2])["content"]
    return lambda text, tokens=None: known[text, tokens or 20]


@unittest.skipUnless(importlib.util.find_spec("websockets"), "no python3-websockets")
class SoakTest(unittest.TestCase):
    def test_mixed_traffic_with_faults(self):
        folder = self.enterContext(tempfile.TemporaryDirectory())
        server = self.enterContext(ChatServer(folder, "--drain-spread", "1", *soak.LIMITS))
        traffic = soak.Soak(server, "null", TEXTS)
        log = self.enterContext(soak.Log(server.process))
        server.wait_until_ready()
        traffic.reply_to = echoes(traffic)
        traffic.run()
        soak.check_end(self, server, traffic, log, os.path.join(folder, "archive.sqlite"))


if __name__ == "__main__":
    unittest.main()
