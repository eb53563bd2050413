"""kill -9 again and again while many talk: nothing that was accepted is lost, nothing is doubled.

BANTER_LONG=1 kills 200 times instead of 10."""

import asyncio
import importlib.util
import os
import random
import signal
import sqlite3
import tempfile
import unittest

from program import ChatServer

if importlib.util.find_spec("websockets"):
    import websockets

    from chat import Client

KILLS = 200 if os.environ.get("BANTER_LONG") == "1" else 10
PEOPLE = 8
TEXTS = ("hello , how are you ?", "do you like dogs ?", "yes , i have two of them .")


class Person:
    """Talks until told to stop; comes back after each kill, and asks again what was not answered."""

    def __init__(self, number, world):
        self.number, self.world = number, world
        self.where = None
        self.said = []  # [id, text, done or None]
        self.accepted = set()

    async def talk(self):
        while not self.world.is_over or (self.said and self.said[-1][2] is None):
            try:
                async with Client(self.world.address, resume=self.where) as client:
                    if client.ready["type"] != "ready":  # the model is being loaded
                        await asyncio.sleep(0.02)
                        continue
                    self.where = client.where()
                    await self.talk_to(client)
            except (OSError, websockets.WebSocketException, asyncio.TimeoutError):
                await asyncio.sleep(0.02)  # the server is not back yet

    async def talk_to(self, client):
        while not self.world.is_over or self.said[-1][2] is None:
            if not self.said or self.said[-1][2] is not None:
                self.said.append([f"{self.number}-{len(self.said)}", random.choice(TEXTS), None])
            last = self.said[-1]
            message = {"type": "message", "id": last[0], "text": last[1]}
            await client.send(message)
            while last[2] is None:
                frame = await client.receive()
                self.where["last_seq"] = frame["seq"]
                if frame["type"] == "accepted" and frame["id"] == last[0]:
                    self.accepted.add(last[0])
                elif frame["type"] == "done" and frame["id"] == last[0]:
                    last[2] = frame
                    self.world.note_done()
                elif frame["type"] == "error":  # the result of the one before is looked up once more
                    assert (frame["code"], frame["id"]) == ("busy", last[0]), frame
                    await client.send(message)


class World:
    def __init__(self):
        self.is_over = False
        self.address = ""
        self.done = 0
        self.changed = asyncio.Event()

    def note_done(self):
        self.done += 1
        self.changed.set()

    async def wait_for_done(self, count):
        while self.done < count:
            self.changed.clear()
            await self.changed.wait()


@unittest.skipUnless(importlib.util.find_spec("websockets"), "no python3-websockets")
class KillTest(unittest.IsolatedAsyncioTestCase):
    async def test_nothing_accepted_is_lost_or_doubled(self):
        random.seed(7)
        folder = self.enterContext(tempfile.TemporaryDirectory())
        world = World()
        limits = ("--turns-per-minute", "1000000", "--owner-turns-per-minute", "1000000",
                  "--drain-spread", "1")
        server = ChatServer(folder, *limits)
        world.address, port = server.address, server.port
        people = [Person(i, world) for i in range(PEOPLE)]
        talks = [asyncio.create_task(person.talk()) for person in people]
        for _ in range(KILLS):
            await world.wait_for_done(world.done + random.randrange(1, 40))
            server.process.send_signal(signal.SIGKILL)
            server.process.wait()
            server.__exit__()
            server = ChatServer(folder, *limits, port=port)
        await world.wait_for_done(world.done + PEOPLE)
        world.is_over = True
        await asyncio.gather(*talks)
        self.assertEqual(server.stop(), 0)
        server.__exit__()
        self.check(os.path.join(folder, "archive.sqlite"), people)

    def check(self, file, people):
        database = sqlite3.connect(file)
        self.assertEqual(database.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
        for person in people:
            rows = database.execute(
                "SELECT user.client_id, user.text, reply.version, reply.finish, reply.text "
                "FROM turn user JOIN turn reply ON reply.session = user.session AND "
                "reply.dialogue = user.dialogue AND reply.turn = user.turn + 1 "
                "WHERE user.session = ? AND user.role = 'user' ORDER BY user.turn",
                (person.where["session"],)).fetchall()
            self.assertEqual([row[0] for row in rows], [id for id, *_ in person.said])
            self.assertTrue(person.accepted <= {row[0] for row in rows})
            for (_, text, done), (_, stored, version, finish, reply) in zip(person.said, rows):
                self.assertEqual((stored, version, finish), (text, 0, "stop"))
                self.assertEqual(done["text"], reply)
                self.assertTrue(reply.startswith(text[:10]))


if __name__ == "__main__":
    unittest.main()
