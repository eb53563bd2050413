"""What replies looked at, word by word: over the socket, over HTTP and in the terminal."""

import json
import os
import subprocess
import tempfile
import unittest

from made_run import BANTER, Server, WAIT, made_words

try:
    from chat import Client
except ModuleNotFoundError:
    Client = None

FACTS = ["i have two dogs .", "i live in rome ."]
MOST = 32  # sources that are told


def sums(sources):
    """Weights of whole sources out of those of their tokens."""
    of = {}
    for source in sources:
        key = ("fact", source["fact"]) if "fact" in source else ("turn", source["turn"])
        of[key] = of.get(key, 0) + source["w"]
    return of


class AttentionTest(unittest.IsolatedAsyncioTestCase):
    @classmethod
    def setUpClass(cls):
        folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        cls.server = cls.enterClassContext(Server(folder, run=made_words()))

    def check(self, weights, turns, texts):
        """Weights of tokens whose sources have these texts, beside those of whole sources."""
        told = [source["w"] for source in weights]
        self.assertEqual(told, sorted(told, reverse=True))
        self.assertLessEqual(len(told), MOST)
        self.assertAlmostEqual(sum(source["w"] for source in turns), 1, delta=1e-4)
        whole = sums(turns)
        self.assertEqual(set(whole), set(texts))
        for key, weight in sums(weights).items():
            if len(told) < MOST:
                self.assertAlmostEqual(weight, whole[key], delta=1e-4)
            else:
                self.assertLessEqual(weight, whole[key] + 1e-4)
        for source in weights:
            key = ("fact", source["fact"]) if "fact" in source else ("turn", source["turn"])
            if word := source["token"].strip():  # marks have no text
                begin = source["at"] + (source["token"][0] == " " and source["at"] > 0)
                self.assertEqual(texts[key][begin:begin + len(word)], word)

    @unittest.skipIf(Client is None, "no python3-websockets")
    async def test_over_the_socket(self):
        async with Client(self.server.address) as client:
            self.assertEqual(client.ready["attention"], ["none", "turns", "tokens"])
            await client.send({"type": "session.update", "attention": "tokens", "attention_live": True,
                               "persona": {"facts": FACTS}})
            updated = await client.next("session.updated")
            self.assertEqual((updated["attention"], updated["attention_live"]), ("tokens", True))
            texts = {("fact", i): fact for i, fact in enumerate(FACTS)}
            for turn, said in ((0, "do you like dogs ?"), (2, "where do you live ?")):
                client.frames.clear()
                texts[("turn", turn)] = said
                done = await client.say(said, id=f"m-{turn}")
                told = next(f for f in client.frames if f["type"] == "attention")
                self.assertEqual((told["turn"], told["basis"]), (turn + 1, "tokens"))
                self.check(told["weights"], told["turns"], texts)
                self.assertNotIn("static", told, "hran has none")
                live = [t for f in client.frames if f["type"] == "delta" for t in f["tokens"]]
                said = "".join(token["text"] for token in live)
                self.assertEqual(said.removeprefix(" "), done["text"])
                for token in live:
                    self.check(token["weights"], token["turns"], texts)
                texts[("turn", turn + 1)] = done["text"]
            await client.send({"type": "history"})
            history = await client.next("history")
            kept = history["items"][-1]["attention"]
            self.assertEqual(kept, {name: told[name] for name in ("basis", "weights", "turns")})

            await client.send({"type": "session.update", "attention": "turns"})
            await client.next("session.updated")
            client.frames.clear()
            await client.say("do you work ?", id="m-4")
            told = next(f for f in client.frames if f["type"] == "attention")
            self.assertEqual(told["basis"], "turns")
            self.assertNotIn("turns", told)
            self.assertAlmostEqual(sum(source["w"] for source in told["weights"]), 1, delta=1e-4)
            token = next(t for f in client.frames if f["type"] == "delta" for t in f["tokens"])
            self.assertTrue(all("token" not in source for source in token["weights"]))

    def complete(self, level):
        ask = {"model": "run", "banter": {"attention": level},
               "messages": [{"role": "system", "content": "\n".join(FACTS)},
                            {"role": "user", "content": "do you like dogs ?"}]}
        answer = subprocess.run(
            ["curl", "-sS", "--max-time", str(WAIT), "-H", "Content-Type: application/json", "-d",
             json.dumps(ask), self.server.url + "/v1/chat/completions"],
            check=True, capture_output=True, text=True).stdout
        return json.loads(answer)["banter"]

    def test_over_http(self):
        told = self.complete("tokens")["attention"]
        self.assertEqual(told["basis"], "tokens")
        texts = {("fact", i): fact for i, fact in enumerate(FACTS)}
        self.check(told["weights"], told["turns"], {**texts, ("turn", 0): "do you like dogs ?"})
        self.assertEqual(self.complete("turns")["attention"]["basis"], "turns")
        self.assertNotIn("attention", self.complete("none"))

    def chat(self, said, *arguments):
        url = self.server.url.replace("http", "ws", 1)
        result = subprocess.run([BANTER, "chat", "--server", url, *arguments], input=said,
                                capture_output=True, text=True, timeout=WAIT)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout

    def test_in_the_terminal(self):
        said = "/attention tokens\n/attention on\ndo you like dogs ?\n"
        lines = self.chat(said).splitlines()
        self.assertIn("dynamic", lines)
        words = lines[lines.index("dynamic, tokens") + 1:]
        self.assertTrue(any(" you  in you: " in line for line in words), words)
        told = json.loads(self.chat(said, "--json").splitlines()[-1])["attention"]
        self.check(told["weights"], told["turns"], {("turn", 0): "do you like dogs ?"})


class OtherModelTest(unittest.IsolatedAsyncioTestCase):
    def setUp(self):
        folder = self.enterContext(tempfile.TemporaryDirectory())
        self.server = self.enterContext(Server(folder))

    @unittest.skipIf(Client is None, "no python3-websockets")
    async def test_a_model_that_looks_at_turns_refuses_tokens(self):
        async with Client(self.server.address) as client:
            self.assertEqual(client.ready["attention"], ["none", "turns"])
            await client.send({"type": "session.update", "attention": "tokens"})
            error = await client.next("error")
            self.assertEqual((error["code"], error["field"]), ("bad_request", "attention"))
            self.assertIn("none, turns", error["message"])
        ask = {"model": "run", "messages": [{"role": "user", "content": "hi"}],
               "banter": {"attention": "tokens"}}
        answer = subprocess.run(
            ["curl", "-sS", "--max-time", str(WAIT), "-w", "\n%{http_code}", "-H",
             "Content-Type: application/json", "-d", json.dumps(ask),
             self.server.url + "/v1/chat/completions"], check=True, capture_output=True, text=True).stdout
        body, status = answer.rsplit("\n", 1)
        self.assertEqual((status, json.loads(body)["error"]["param"]), ("400", "banter.attention"))


if __name__ == "__main__":
    unittest.main()
