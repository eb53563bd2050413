"""A soak of `banter serve` with a trained model, whose replies nobody knows: that the same question
gets the same one again is what the canary looks at. See ../net/conformance/soak.py."""

import importlib.util
import os
import tempfile
import unittest

from made_run import Server

if importlib.util.find_spec("websockets"):
    import soak

TEXTS = ("how are you ?", "do you like dogs ?", "where do you live ?", "grüße 👩‍👩‍👧")


@unittest.skipUnless(importlib.util.find_spec("websockets"), "no python3-websockets")
class SoakTest(unittest.TestCase):
    def test_mixed_traffic_with_faults(self):
        folder = self.enterContext(tempfile.TemporaryDirectory())
        server = self.enterContext(Server(folder, *soak.LIMITS))
        traffic = soak.Soak(server, "run", TEXTS)
        log = self.enterContext(soak.Log(server.process))
        traffic.run()
        soak.check_end(self, server, traffic, log, os.path.join(folder, "archive.sqlite"))


if __name__ == "__main__":
    unittest.main()
