"""`banter replay`: what a server stored comes again, whoever talked at the same time."""

import asyncio
import json
import os
import sqlite3
import subprocess
import tempfile
import unittest

from made_run import BANTER, Server, made_run

try:
    from chat import Client
except ModuleNotFoundError:
    Client = None


def replay(*arguments):
    return subprocess.run([BANTER, "replay", *arguments], capture_output=True, text=True)


@unittest.skipUnless(Client, "no python3-websockets")
class ReplayTest(unittest.IsolatedAsyncioTestCase):
    async def test_stored_replies_come_again(self):
        folder = self.enterContext(tempfile.TemporaryDirectory())
        archive = os.path.join(folder, "archive.sqlite")

        async def talk(address, number):
            async with Client(address) as client:
                await client.send({"type": "session.update",
                                   "persona": {"facts": [f"i have {number} dogs ."]},
                                   "decode": {"strategy": ("greedy", "sample", "beam")[number % 3]}})
                for i, text in enumerate(("do you like dogs ?", "where do you live ?", "why ?")):
                    self.assertEqual((await client.say(text, f"m-{i}"))["type"], "done")
                await client.send({"type": "regenerate", "id": "r", "turn": 3,
                                   "decode": {"strategy": "sample"}})
                await client.next("done")
                await client.say("and then ?", "m-3")

        with Server(folder) as server:
            await asyncio.gather(*(talk(server.address, number) for number in range(6)))
            busy = replay(made_run(), "--archive", archive)
            self.assertEqual(busy.returncode, 1)
            self.assertIn(str(server.process.pid), busy.stderr)
            self.assertEqual(server.stop(), 0)
        again = replay(made_run(), "--archive", archive, "--json")
        self.assertEqual(again.returncode, 0, again.stdout + again.stderr)
        self.assertEqual(json.loads(again.stdout), {"same": 30, "different": 0,
                                                    "of_other_revisions": 0, "passed_over": 0})
        with sqlite3.connect(archive) as database:  # one reply becomes another
            database.execute("UPDATE turn SET text = 'no' WHERE rowid = "
                             "(SELECT MAX(rowid) FROM turn WHERE role = 'reply')")
        changed = replay(made_run(), "--archive", archive)
        self.assertEqual(changed.returncode, 1)
        self.assertIn("stored: no\n", changed.stdout)
        self.assertIn("29 replies are the same, 1 are not", changed.stdout)

    def test_bad_input_is_a_sentence(self):
        folder = self.enterContext(tempfile.TemporaryDirectory())
        self.assertIn("there is no such archive", replay(made_run(), "--archive", folder + "/no").stderr)


if __name__ == "__main__":
    unittest.main()
