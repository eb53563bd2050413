"""Those who chat and keep to the rules, for soak.py: they check every answer they get."""

import asyncio
import collections
import json

import websockets

from chat import Client
from program import WAIT

GOOD = ("stop", "length")
STRATEGIES = ("greedy", "sample", "beam", "diverse_beam")


class Canary:
    """Talks on one connection from the beginning to the end and must not notice the others: frames
    without a gap, each turn accepted and done once, the same replies to the same questions."""

    def __init__(self, soak):
        self.soak, self.draws = soak, soak.draws("canary")
        self.known = {}  # the first reply to each question of the round

    async def talk(self):
        async with Client(self.soak.address) as client:
            assert client.ready["type"] == "ready", client.ready
            self.client, self.seq, rounds = client, client.ready["seq"], 0
            while not self.soak.is_over or not rounds:
                rounds += 1
                await client.send({"type": "reset"})
                for place, text in enumerate(self.soak.texts):
                    done = await self.turn(f"c-{rounds}-{place}", text, seed=place)
                    assert done["turn"] == 2 * place + 1, done
                    known = self.known.setdefault(place, done["text"])
                    wanted = self.soak.reply_to(text)
                    assert done["text"] == known and wanted in (None, known), (done, known, wanted)
                    self.soak.counts["canary turns"] += 1
                    await asyncio.sleep(self.draws.uniform(0, 0.1))

    async def turn(self, id, text, seed):
        decode = {"seed": seed, "strategy": ("greedy", "sample")[seed % 2]}
        await self.client.send({"type": "message", "id": id, "text": text, "decode": decode})
        accepted, said = await self.next(), ""
        assert (accepted["type"], accepted["id"]) == ("accepted", id), accepted
        while (frame := await self.next())["type"] in ("delta", "progress", "attention"):
            said += frame.get("text", "")
        assert (frame["type"], frame["id"]) == ("done", id), frame
        assert frame["finish"] in GOOD and frame["text"].startswith(said), (frame, said)
        self.client.frames.clear()
        return frame

    async def next(self):
        frame = await self.client.receive()
        self.seq += 1
        assert frame["seq"] == self.seq, (frame, self.seq)
        return frame


class Talker:
    """Lives one session after another: says and does all that a client may, loses its connection in
    the middle of turns, and counts that each turn it asked for is done exactly once."""

    def __init__(self, soak, number):
        self.soak, self.number, self.draws = soak, number, soak.draws("talker", number)
        self.asked = 0

    async def live(self):
        self.asks = collections.Counter()  # of each id: how often it was sent
        self.accepted = collections.Counter()
        self.done = collections.defaultdict(list)
        self.said, self.last = [], None  # texts of this dialogue; the last whole reply
        where = None
        if self.soak.left and self.draws.random() < 0.3:
            where, self.said, self.last = self.soak.left.pop(0)
            self.soak.counts["returns"] += 1
        await self.connect(where)
        for _ in range(self.draws.randint(2, 12)):
            act = self.draws.choice((self.say, self.say, self.say, self.cancel, self.regenerate,
                                     self.rate, self.update, self.history, self.export, self.reset,
                                     self.ask_again, self.interrupt, self.lose, self.lose,
                                     self.be_taken_over))
            await act()
            await asyncio.sleep(self.draws.uniform(0, 0.1))
        await self.barrier()
        self.check()
        await self.leave()

    def check(self):
        for id, asks in self.asks.items():
            ends = [(done["turn"], done["text"], done["seed"]) for done in self.done[id]]
            assert 1 <= len(ends) <= asks and len(set(ends)) == 1, (id, asks, ends)
            assert self.accepted[id] <= asks, (id, asks, self.accepted[id])
        assert set(self.done) <= set(self.asks), "a turn that nobody asked for"

    async def leave(self):
        if self.draws.random() < 0.3:
            await self.client.send({"type": "delete"})
            assert await self.client.closed() == 1000, "after delete"
            other = {"X-Forwarded-For": f"10.1.{self.draws.randrange(256)}.{self.asked % 256}"}
            async with Client(self.soak.address, resume=self.where(), headers=other) as gone:
                assert await gone.closed() == 4410, "a session that was deleted"
        else:
            await self.hang_up()
            if len(self.soak.left) < 50:
                self.soak.left.append((self.where(), self.said, self.last))

    # the connection

    def where(self):
        return self.client.where(last_seq=self.seq)

    async def connect(self, where=None):
        """A new session, or one that goes on, with all that was missed read."""
        client = Client(self.soak.address, resume=where)
        await client.__aenter__()
        while client.ready["type"] != "ready":  # it is just being put away
            assert client.ready["code"] == "overloaded", client.ready
            await client.closed()
            client = Client(self.soak.address, resume=where)
            await client.__aenter__()
        assert client.ready["resumed"] == bool(where), client.ready
        self.client, self.seq = client, client.ready["seq"]
        if where:
            assert client.ready["epoch"] >= where["epoch"], (client.ready, where)
            await self.barrier()

    async def hang_up(self):
        """Ends the connection: in order, or as when a cable is pulled."""
        if self.draws.random() < 0.5:
            await self.client.socket.close()
        else:
            self.client.socket.transport.abort()
            await self.client.socket.wait_closed()

    async def receive(self):
        frame = await self.client.receive()
        self.client.frames.clear()
        assert frame["seq"] == self.seq + (frame["type"] != "pong"), (frame, self.seq)
        self.seq = frame["seq"]
        if frame["type"] == "accepted":
            self.accepted[frame["id"]] += 1
        elif frame["type"] == "done":
            self.done[frame["id"]].append(frame)
        return frame

    async def next(self, *types):
        while (frame := await self.receive())["type"] not in types:
            assert frame["type"] != "error", frame
        return frame

    async def barrier(self):
        """All that the server has told is read."""
        mark = self.draws.randrange(10**6)
        await self.client.send({"type": "ping", "t": mark})
        assert (await self.next("pong"))["t"] == mark

    # turns

    def new_id(self):
        self.asked += 1
        return f"t-{self.number}-{self.asked}"

    async def send(self, frame):
        self.asks[frame["id"]] += 1
        await self.client.send(frame)

    async def begin(self, **more):
        """Sends a message: the frame."""
        text = self.draws.choice(self.soak.texts)
        frame = {"type": "message", "id": self.new_id(), "text": text, **more}
        await self.send(frame)
        self.said.append(text)
        return frame

    async def end(self, frame, finishes=GOOD):
        """Reads to the end of the turn, with which nothing else may end."""
        count = len(self.done[frame["id"]])
        while len(self.done[frame["id"]]) == count:
            await self.next("done")
        done = self.done[frame["id"]][-1]
        assert done["finish"] in finishes, done
        self.soak.counts["turns"] += 1
        whole = frame["type"] == "message" and done["finish"] == "stop"
        wanted = self.soak.reply_to(frame["text"]) if whole else None
        assert wanted in (None, done["text"]), (done, wanted)
        if done["finish"] != "cancelled":
            self.last = done["turn"]
        return done

    async def say(self):
        tokens, strategy = self.draws.choice((None, 3)), self.draws.choice(STRATEGIES)
        frame = await self.begin(decode={"max_new_tokens": tokens, "strategy": strategy})
        done = await self.end(frame)
        if tokens and self.soak.reply_to(frame["text"]):
            wanted = self.soak.reply_to(frame["text"], tokens)
            assert (done["finish"], done["text"]) == ("length", wanted), (done, wanted)

    async def cancel(self):
        frame = await self.begin()
        if self.draws.random() < 0.5:
            await self.next("accepted")
        await self.client.send({"type": "cancel", **self.draws.choice(({}, {"id": frame["id"]}))})
        done = await self.end(frame, ("cancelled", *GOOD))
        self.soak.counts["cancelled"] += done["finish"] == "cancelled"

    async def regenerate(self):
        if self.last is None:
            return await self.say()
        frame = {"type": "regenerate", "id": self.new_id(), "turn": self.last}
        await self.send(frame)
        done = await self.end(frame)
        assert done["turn"] == frame["turn"], done
        self.soak.counts["regenerated"] += 1

    async def ask_again(self):
        """The same id once more: the same result, whatever the text."""
        frame = await self.begin()
        first = await self.end(frame)
        await self.send({**frame, "text": "something else"})
        again = await self.end(frame)
        assert (again["turn"], again["text"]) == (first["turn"], first["text"]), (first, again)

    async def interrupt(self):
        """A second message while a turn runs: refused, unless the turn has ended before it."""
        first = await self.begin()
        second = {**first, "id": self.new_id()}
        await self.send(second)
        ends = {}
        while len(ends) < 2:
            frame = await self.receive()
            if frame["type"] in ("done", "error"):
                ends[frame["id"]] = frame
        assert ends[first["id"]]["type"] == "done", ends
        if ends[second["id"]]["type"] == "error":
            assert ends[second["id"]]["code"] == "busy", ends
            del self.asks[second["id"]]
            self.soak.counts["busy"] += 1
        else:
            self.said.append(second["text"])
        self.last = ends[first["id"]]["turn"]

    # connections that are lost

    async def lose(self):
        """The connection ends somewhere in a turn; the turn's end comes over the next one."""
        frame = await self.begin()
        for _ in range(self.draws.randrange(3)):
            if (await self.receive())["type"] == "done":
                break
        await self.hang_up()
        await asyncio.sleep(self.draws.choice((0, 0, self.draws.uniform(0, 0.3))))
        await self.go_on(frame)
        self.soak.counts["resumes"] += 1

    async def be_taken_over(self):
        """A second connection resumes while the first one is open."""
        frame = await self.begin()
        if self.draws.random() < 0.5:
            await self.next("accepted")
        old = self.client
        await self.go_on(frame)
        assert await old.closed() == 4409, "a connection that was taken over"
        self.soak.counts["takeovers"] += 1

    async def go_on(self, frame):
        """Resumes; a message that may not have arrived is sent again."""
        epoch = self.client.ready["epoch"]
        await self.connect(self.where())
        id = frame["id"]
        if self.done[id]:
            return
        if not self.accepted[id] or self.client.ready["epoch"] != epoch:
            await self.send(frame)
        await self.end(frame)
        await self.barrier()

    # the rest of the protocol

    async def rate(self):
        if self.last is not None:
            await self.client.send({"type": "rate", "turn": self.last,
                                    "value": self.draws.choice((-1, 0, 1))})
            self.soak.counts["rated"] += 1

    async def update(self):
        facts = self.draws.choice(([], ["i have two dogs"], ["i live in rome", "i teach"]))
        top = self.draws.choice((None, 5))
        level = self.draws.choice(self.client.ready["attention"])
        await self.client.send({"type": "session.update", "persona": {"facts": facts},
                                "attention": level, "attention_live": self.draws.random() < 0.5,
                                "decode": {"top_k": top, "temperature": 0.7}})
        updated = await self.next("session.updated")
        assert (updated["persona"]["facts"], updated["attention"]) == (facts, level), updated
        assert updated["decode"]["temperature"] == 0.7, updated
        self.soak.counts["updates"] += 1

    async def history(self):
        await self.client.send({"type": "history", "limit": 100})
        items = (await self.next("history"))["items"]
        said = [item["text"] for item in items if item["role"] == "user"]
        assert said == self.said[-50:], (said, self.said)
        assert all(item["finish"] in ("cancelled", *GOOD) for item in items
                   if item["role"] == "reply"), items
        self.soak.counts["histories"] += 1

    async def export(self):
        await self.client.send({"type": "export"})
        turns = json.loads((await self.next("exported"))["dialogue"])["turns"]
        said = [turn["text"] for turn in turns if turn["speaker"] == "user"]
        assert said == self.said, (said, self.said)
        self.soak.counts["exports"] += 1

    async def reset(self):
        await self.client.send({"type": "reset"})
        self.said, self.last = [], None
        done = await self.end(await self.begin())
        assert done["turn"] == 1, done
        self.soak.counts["resets"] += 1


async def talk_parlai(soak, draws):
    address = f"ws://127.0.0.1:{soak.port}/websocket"
    async with websockets.connect(address, ping_interval=None) as client:
        async def say(text):
            await client.send(json.dumps({"text": text}))
            return json.loads(await asyncio.wait_for(client.recv(), WAIT))["text"]

        assert "talk" in await say("begin")
        for _ in range(draws.randint(1, 4)):
            text = draws.choice(soak.texts)
            reply = await say(text)
            assert soak.reply_to(text) in (None, reply), (text, reply)
            if draws.random() < 0.3:
                await client.send(json.dumps({"text": "[RESET]"}))
        if draws.random() < 0.5:
            await client.send(json.dumps({"text": "[DONE]"}))
            await client.wait_closed()
            assert client.close_code == 1000, client.close_code
