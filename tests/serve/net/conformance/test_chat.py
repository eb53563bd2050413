"""chat.v1 over a real socket, by the whole server but the tensors: sessions, archive, engine."""

import asyncio
import hashlib
import importlib.util
import json
import os
import signal
import tempfile
import unittest

from program import WAIT, ChatServer

if importlib.util.find_spec("websockets"):
    from chat import Client


@unittest.skipUnless(importlib.util.find_spec("websockets"), "no python3-websockets")
class ChatTest(unittest.IsolatedAsyncioTestCase):
    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory())
        self.server = self.enterContext(ChatServer(self.folder, *self.arguments()))

    def arguments(self):
        return ["--drain-spread", "1"]

    async def asyncSetUp(self):
        # the model is loaded behind the open port
        for _ in range(WAIT * 20):
            async with Client(self.server.address) as client:
                if client.ready["type"] == "ready":
                    return
            await asyncio.sleep(0.05)

    async def test_a_turn_is_accepted_streamed_and_done(self):
        async with Client(self.server.address) as client:
            self.assertFalse(client.ready["resumed"])
            self.assertEqual(client.ready["model"]["type"], "null")
            done = await client.say("hello , how are you ?")
            self.assertEqual(done["finish"], "stop")
            self.assertEqual(done["turn"], 1)
            self.assertTrue(done["text"].startswith("hello , how are you ?"))
            types = [frame["type"] for frame in client.frames]
            self.assertEqual(types[:2], ["ready", "accepted"])
            deltas = [frame["text"] for frame in client.frames if frame["type"] == "delta"]
            self.assertGreater(len(deltas), 0)  # several of them may have become one
            self.assertTrue(done["text"].startswith("".join(deltas)))
            seqs = [frame["seq"] for frame in client.frames]
            self.assertEqual(seqs, list(range(1, len(seqs) + 1)))
            self.assertEqual((await client.say("do you like dogs ?", "m-2"))["turn"], 3)

    async def test_an_id_that_was_seen_never_generates_twice(self):
        async with Client(self.server.address) as client:
            first = await client.say("hello", "same")
            again = await client.say("something else", "same")
            self.assertEqual((again["turn"], again["text"], again["seed"]),
                             (first["turn"], first["text"], first["seed"]))
            self.assertEqual((await client.say("yes", "m-3"))["turn"], 3)

    async def test_a_lost_client_finds_what_it_missed(self):
        async with Client(self.server.address) as client:
            await client.send({"type": "message", "id": "m-1", "text": "hello"})
            await client.next("accepted")
            where = client.where()
        async with Client(self.server.address, resume=where) as back:
            self.assertTrue(back.ready["resumed"])
            self.assertEqual(back.ready["epoch"], where["epoch"])
            done = await back.next("done")
            self.assertEqual((done["id"], done["turn"]), ("m-1", 1))
            seqs = [frame["seq"] for frame in back.frames]
            self.assertEqual(seqs, list(range(seqs[0], seqs[0] + len(seqs))))
            self.assertNotIn("accepted", [frame["type"] for frame in back.frames])

    async def test_a_resume_token_is_used_once_it_is_proven(self):
        async with Client(self.server.address) as client:
            where = client.where()
        async with Client(self.server.address, resume=where) as lost:
            self.assertTrue(lost.ready["resumed"])  # and says nothing: its ready may be lost
        async with Client(self.server.address, resume=where) as back:
            self.assertTrue(back.ready["resumed"])
            await back.say("hello")  # proves the new token
        async with Client(self.server.address, resume=where) as thief:
            self.assertEqual(thief.ready["code"], "unauthorized")
            self.assertEqual(await thief.closed(), 4401)
        guessed = {**where, "resume_token": "0" * 48}
        async with Client(self.server.address, resume=guessed) as thief:
            self.assertEqual(await thief.closed(), 4401)
        async with Client(self.server.address, resume={**where, "session": "s-0"}) as nobody:
            self.assertEqual(nobody.ready["code"], "session_expired")
            self.assertEqual(await nobody.closed(), 4410)

    async def test_a_second_connection_takes_over(self):
        async with Client(self.server.address) as client:
            async with Client(self.server.address, resume=client.where()) as other:
                self.assertEqual(await client.closed(), 4409)
                self.assertEqual((await other.say("hello"))["finish"], "stop")

    async def test_a_killed_server_owes_the_reply_and_makes_it(self):
        async with Client(self.server.address) as client:
            await client.say("hello", "m-1")
            await client.send({"type": "message", "id": "m-2", "text": "do you like dogs ?"})
            await client.next("accepted")
            accepted = client.frames[-1]
            self.server.process.send_signal(signal.SIGKILL)
            self.server.process.wait(WAIT)
            await client.closed()
        with ChatServer(self.folder) as second:
            await self.wait_for(second)
            async with Client(second.address, resume=client.where()) as back:
                self.assertEqual(back.ready["epoch"], client.ready["epoch"] + 1)
                done = await back.say("do you like dogs ?", "m-2")  # made, or stored before
                self.assertEqual((done["turn"], done["seed"]), (3, accepted["seed"]))
                history = await self.history(back)
                self.assertEqual([item["turn"] for item in history], [0, 1, 2, 3])
                self.assertEqual([item.get("versions") for item in history], [1, 1, 1, 1])
                self.assertTrue(history[3]["text"].startswith("do you like dogs ?"))

    async def wait_for(self, server):
        for _ in range(WAIT * 20):
            async with Client(server.address) as client:
                if client.ready["type"] == "ready":
                    return
            await asyncio.sleep(0.05)

    async def history(self, client, **more):
        await client.send({"type": "history", **more})
        return (await client.next("history"))["items"]

    async def test_regenerate_makes_versions(self):
        async with Client(self.server.address) as client:
            first = await client.say("hello")
            await client.send({"type": "regenerate", "id": "r-1", "turn": 1})
            second = await client.next("done")
            self.assertEqual((second["turn"], second["seed"]), (1, first["seed"] + 1))
            await client.send({"type": "regenerate", "id": "r-2", "turn": 0})
            self.assertEqual((await client.next("error"))["code"], "not_found")
            items = await self.history(client)
            self.assertEqual((items[1]["version"], items[1]["versions"]), (1, 2))

    async def test_settings_hold_from_the_next_turn_on(self):
        async with Client(self.server.address) as client:
            await client.send({"type": "session.update", "persona": {"facts": ["i have two dogs"]},
                               "decode": {"max_new_tokens": 3}})
            updated = await client.next("session.updated")
            self.assertEqual(updated["persona"], {"facts": ["i have two dogs"]})
            self.assertEqual(updated["decode"]["max_new_tokens"], 3)
            done = await client.say("hello")
            self.assertEqual((done["finish"], done["usage"]["completion"]), ("length", 3))
            for field, value in (("top_p", 0), ("beam_size", 10**9), ("max_new_tokens", -1),
                                 ("strategy", "x"), ("temperature", "hot")):
                await client.send({"type": "session.update", "decode": {field: value}})
                error = await client.next("error")
                self.assertEqual((error["code"], error["field"]), ("bad_request", "decode." + field))
                if field == "max_new_tokens":
                    break  # five of them would end the connection
            await client.send({"type": "session.update", "persona": {"id": "nobody"}})
            self.assertEqual((await client.next("error"))["code"], "not_found")
            await client.send({"type": "session.update", "decode": {"max_new_tokens": None}})
            updated = await client.next("session.updated")
            self.assertEqual(updated["decode"]["max_new_tokens"], 60)

    async def test_one_turn_a_session(self):
        async with Client(self.server.address) as client:
            for id in ("m-1", "m-2"):
                await client.send({"type": "message", "id": id, "text": "hello"})
            ends = {}
            while len(ends) < 2:
                frame = await client.next("done", "error")
                ends[frame["id"]] = frame
            self.assertEqual(ends["m-1"]["type"], "done")
            self.assertEqual(ends["m-2"]["code"], "busy")

    async def test_cancel_is_harmless_whenever_it_comes(self):
        async with Client(self.server.address) as client:
            await client.send({"type": "cancel"})
            await client.send({"type": "message", "id": "m-1", "text": "hello"})
            await client.send({"type": "cancel", "id": "m-2"})
            await client.send({"type": "cancel", "id": "m-1"})
            await client.send({"type": "cancel"})
            done = await client.next("done")
            self.assertIn(done["finish"], ("cancelled", "stop"))
            await client.send({"type": "cancel", "id": "m-1"})
            self.assertEqual((await client.say("hello", "m-3"))["finish"], "stop")
            self.assertEqual(sum(f["type"] == "done" for f in client.frames), 2)

    async def test_reset_begins_a_dialogue_and_keeps_the_one_before(self):
        async with Client(self.server.address) as client:
            await client.say("hello", "m-1")
            await client.send({"type": "reset"})
            self.assertEqual((await client.say("hello", "m-2"))["turn"], 1)
            self.assertEqual(len(await self.history(client)), 2)

    async def test_history_comes_in_pages(self):
        async with Client(self.server.address) as client:
            for i in range(4):
                await client.say("hello", f"m-{i}")
            items = await self.history(client, limit=3)
            self.assertEqual([item["turn"] for item in items], [5, 6, 7])
            self.assertTrue(client.frames[-1]["more"])
            items = await self.history(client, before=5, limit=100)
            self.assertEqual([item["turn"] for item in items], [0, 1, 2, 3, 4])
            self.assertFalse(client.frames[-1]["more"])

    async def test_export_has_ratings_and_persona(self):
        async with Client(self.server.address) as client:
            await client.send({"type": "session.update", "persona": {"facts": ["i live in rome"]}})
            await client.say("hello")
            await client.send({"type": "rate", "turn": 1, "value": 1})
            await client.send({"type": "rate", "turn": 0, "value": 1})
            self.assertEqual((await client.next("error"))["code"], "not_found")
            await client.send({"type": "export"})
            line = json.loads((await client.next("exported"))["dialogue"])
            self.assertEqual([turn["speaker"] for turn in line["turns"]], ["user", "bot"])
            self.assertEqual(line["personas"], {"bot": ["i live in rome"]})
            self.assertEqual(line["meta"], {"rating.1": "1"})

    async def test_delete_leaves_nothing(self):
        async with Client(self.server.address) as client:
            await client.say("a word that is rare : xylophone")
            where = client.where()
            await client.send({"type": "delete"})
            self.assertEqual(await client.closed(), 1000)
        async with Client(self.server.address, resume=where) as back:
            self.assertEqual(await back.closed(), 4410)
        self.assertEqual(self.server.stop(), 0)
        with open(os.path.join(self.folder, "archive.sqlite"), "rb") as file:
            self.assertNotIn(b"xylophone", file.read())

    async def test_what_is_no_frame_is_refused_and_many_close(self):
        async with Client(self.server.address) as client:
            for text, code in (("{", "bad_json"), ("null", "bad_request"),
                               ('{"type":"nothing"}', "unknown_type"),
                               ('{"type":"message","id":"m","text":" "}', "bad_request")):
                await client.send(text)
                self.assertEqual((await client.next("error"))["code"], code)
            await client.send("[" * 3000)
            self.assertEqual(await client.closed(), 4400)

    async def test_a_long_text_is_refused(self):
        async with Client(self.server.address) as client:
            error = await client.say("w" * 60_000)
            self.assertEqual((error["code"], error["field"], error["id"]),
                             ("too_long", "text", "m-1"))

    async def test_texts_mean_nothing(self):
        texts = ["</s>", "<speaker> A", "[DONE]", "'; DROP TABLE turn; --", "$(rm -rf /)",
                 "<script>alert(1)</script>", "\u202etxet", "👩‍👩‍👧", "../../etc/passwd", "\x1b[31m"]
        async with Client(self.server.address) as client:
            for i, text in enumerate(texts):
                self.assertEqual((await client.say(text, f"m-{i}"))["finish"], "stop")
            said = [item["text"] for item in await self.history(client, limit=100)
                    if item["role"] == "user"]
            self.assertEqual(said, texts)

    async def test_a_drain_lets_turns_end(self):
        clients = []
        for i in range(100):
            client = await self.enterAsyncContext(Client(self.server.address))
            await client.send({"type": "message", "id": "m-1", "text": "hello"})
            clients.append(client)
        for client in clients:
            await client.next("accepted")
        self.server.process.send_signal(signal.SIGTERM)
        for client in clients:
            self.assertEqual(await client.closed(), 1001)
            self.assertEqual(sum(f["type"] == "done" for f in client.frames), 1)
            self.assertTrue(any(f["type"] == "draining" for f in client.frames))
        self.assertEqual(self.server.process.wait(WAIT), 0)

    async def test_parlai_clients_are_served(self):
        import websockets
        address = f"ws://127.0.0.1:{self.server.port}/websocket"
        async with websockets.connect(address, ping_interval=None) as client:
            async def say(text):
                await client.send(json.dumps({"id": "x", "text": text}))
                return json.loads(await client.recv())["text"]
            self.assertIn("talk", await say("begin"))
            self.assertTrue((await say("hello , how are you ?")).startswith("hello , how are you ?"))
            await client.send(json.dumps({"text": "[RESET]"}))
            self.assertTrue((await say("yes")).startswith("yes"))
            await client.send(json.dumps({"text": "[DONE]"}))
            with self.assertRaises(websockets.ConnectionClosed):
                await client.recv()
            self.assertEqual(client.close_code, 1000)


@unittest.skipUnless(importlib.util.find_spec("websockets"), "no python3-websockets")
class LimitsTest(unittest.IsolatedAsyncioTestCase):
    async def test_turns_a_minute(self):
        with tempfile.TemporaryDirectory() as folder:
            with ChatServer(folder, "--turns-per-minute", "2") as server:
                await ChatTest.wait_for(self, server)
                async with Client(server.address) as client:
                    self.assertEqual(client.ready["limits"]["turns_per_min"], 2)
                    for id in ("m-1", "m-2"):
                        self.assertEqual((await client.say("hello", id))["type"], "done")
                    error = await client.say("hello", "m-3")
                    self.assertEqual(error["code"], "rate_limited")
                    self.assertGreater(error["retry_after_ms"], 1000)
                    await client.say("hello", "m-4")
                    await client.send({"type": "message", "id": "m-5", "text": "hello"})
                    self.assertEqual(await client.closed(), 4429)

    async def test_an_id_that_was_seen_meets_no_limit_of_new_turns(self):
        with tempfile.TemporaryDirectory() as folder:
            limits = "--turns-per-minute", "1", "--owner-turns-per-minute", "1"
            with ChatServer(folder, *limits) as server:
                await ChatTest.wait_for(self, server)
                async with Client(server.address) as client:
                    first = await client.say("hello", "m-1")
                    for _ in range(3):
                        again = await client.say("hello", "m-1")
                        self.assertEqual((again["type"], again["text"]), ("done", first["text"]))
                    self.assertEqual((await client.say("hello", "m-2"))["code"], "rate_limited")
                    where = client.where()
            with ChatServer(folder, *limits) as server:  # also of one that was killed
                await ChatTest.wait_for(self, server)
                async with Client(server.address, resume=where) as client:
                    for _ in range(3):
                        again = await client.say("hello", "m-1")
                        self.assertEqual((again["type"], again["text"]), ("done", first["text"]))

    async def test_guesses_of_resume_tokens_are_counted(self):
        with tempfile.TemporaryDirectory() as folder, ChatServer(folder) as server:
            await ChatTest.wait_for(self, server)
            async with Client(server.address) as client:
                guess = {**client.where(), "resume_token": "0" * 48}
                codes = []
                for _ in range(32):
                    async with Client(server.address, resume=guess) as thief:
                        codes.append(await thief.closed())
                self.assertEqual(codes, [4401] * 30 + [4429] * 2)
                self.assertEqual((await client.say("hello"))["finish"], "stop")
            async with Client(server.address) as other:  # who does not guess is let in
                self.assertEqual((await other.say("hello"))["finish"], "stop")
                where = other.where()
            async with Client(server.address, resume=where) as other:
                self.assertTrue(other.ready["resumed"])

    async def test_tokens(self):
        with tempfile.TemporaryDirectory() as folder:
            file = os.path.join(folder, "tokens")
            with open(file, "w", encoding="utf-8") as out:
                for name in ("ann", "bob"):
                    out.write(f"{name} {hashlib.sha256(name.encode() * 3).hexdigest()}\n")
            with ChatServer(folder, "--tokens", file) as server:
                origin = {"Origin": f"http://127.0.0.1:{server.port}"}
                while True:
                    async with Client(server.address, token="annannann", headers=origin) as ann:
                        if ann.ready["type"] == "ready":
                            await ann.say("hello")
                            where = ann.where()
                            break
                for token in (None, "ann"):
                    async with Client(server.address, token=token, headers=origin) as client:
                        self.assertEqual(client.ready["code"], "unauthorized")
                        self.assertEqual(await client.closed(), 4401)
                async with Client(server.address, token="bobbobbob", resume=where,
                                  headers=origin) as bob:
                    self.assertEqual(await bob.closed(), 4401)
                async with Client(server.address, token="annannann", resume=where,
                                  headers=origin) as ann:
                    self.assertTrue(ann.ready["resumed"])
                bearer = {"Authorization": "Bearer bobbobbob"}
                async with Client(server.address, headers=bearer) as bob:
                    self.assertEqual(bob.ready["type"], "ready")


if __name__ == "__main__":
    unittest.main()
