"""OpenAI's shape: the official client where it is installed, and curl."""

import concurrent.futures
import importlib.util
import json
import subprocess
import tempfile
import unittest

from made_run import Server, WAIT

QUESTION = [{"role": "user", "content": "do you like dogs ?"}]


class HttpTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        cls.server = cls.enterClassContext(Server(folder))

    def curl(self, path, body=None, *arguments):
        """Status and body."""
        if body is not None:
            arguments = ["-H", "Content-Type: application/json", "-d", json.dumps(body), *arguments]
        result = subprocess.run(
            ["curl", "-sS", "-N", "--max-time", str(WAIT), "-w", "\n%{http_code}", *arguments,
             self.server.url + path], check=True, capture_output=True, text=True).stdout
        text, status = result.rsplit("\n", 1)
        return int(status), text

    def complete(self, **fields):
        return self.curl("/v1/chat/completions", {"model": "run", "messages": QUESTION, **fields})

    def test_a_reply_is_the_same_as_that_of_the_chat(self):
        first, second = self.complete(), self.complete()
        self.assertEqual(first[0], 200)
        one, two = json.loads(first[1]), json.loads(second[1])
        self.assertEqual(one["choices"], two["choices"])
        choice = one["choices"][0]
        self.assertEqual((choice["message"]["role"], choice["finish_reason"]), ("assistant", "stop"))
        usage = one["usage"]
        self.assertEqual(usage["total_tokens"], usage["prompt_tokens"] + usage["completion_tokens"])

    def test_a_stream_says_the_same(self):
        whole = json.loads(self.complete()[1])["choices"][0]["message"]["content"]
        status, text = self.complete(stream=True, stream_options={"include_usage": True})
        self.assertEqual(status, 200)
        events = [line[len("data: "):] for line in text.split("\n") if line.startswith("data: ")]
        self.assertEqual(events[-1], "[DONE]")
        chunks = [json.loads(event) for event in events[:-1]]
        self.assertEqual(len({(c["id"], c["created"], c["model"]) for c in chunks}), 1)
        self.assertEqual(chunks[0]["choices"][0]["delta"]["role"], "assistant")
        said = "".join(c["choices"][0]["delta"].get("content", "") for c in chunks if c["choices"])
        self.assertEqual(said, whole)
        self.assertEqual(chunks[-2]["choices"][0]["finish_reason"], "stop")
        self.assertEqual(chunks[-1]["choices"], [])
        self.assertGreater(chunks[-1]["usage"]["completion_tokens"], 0)

    def test_fields_mean_what_they_say(self):
        same = [json.loads(self.complete(temperature=1.5, seed=7)[1])["choices"] for _ in range(2)]
        self.assertEqual(same[0], same[1])
        several = json.loads(self.complete(n=3, temperature=1.5, seed=7)[1])["choices"]
        self.assertEqual([choice["index"] for choice in several], [0, 1, 2])
        cut = json.loads(self.complete(max_tokens=2)[1])
        self.assertEqual(cut["choices"][0]["finish_reason"], "length")
        self.assertEqual(cut["usage"]["completion_tokens"], 2)
        begun = json.loads(self.complete(banter={"prefix": "yes"})[1])
        self.assertTrue(begun["choices"][0]["message"]["content"].startswith("yes"))
        seen = json.loads(self.complete(banter={"attention": "turns"})[1])["banter"]["attention"]
        self.assertAlmostEqual(sum(source["w"] for source in seen["weights"]), 1, places=4)
        told = json.loads(self.complete(logprobs=True)[1])["choices"][0]["logprobs"]["content"]
        self.assertTrue(all(token["logprob"] <= 0 for token in told))

    def test_the_most_probable_tokens_are_told(self):
        told = json.loads(self.complete(logprobs=True, top_logprobs=5)[1])["choices"][0]
        for token in told["logprobs"]["content"]:
            top = [other["logprob"] for other in token["top_logprobs"]]
            self.assertEqual((len(top), top), (5, sorted(top, reverse=True)))
            # the chosen one is the most probable: a greedy reply
            self.assertEqual(token["token"], token["top_logprobs"][0]["token"])
            self.assertAlmostEqual(token["logprob"], top[0], places=5)

    def test_a_bias_makes_tokens_likely_or_unlikely(self):
        ids = json.loads(self.curl("/tokenize", {"content": "dogs"})[1])["tokens"]
        forced = self.complete(logit_bias={str(ids[0]): 100}, max_tokens=3, logprobs=True)
        said = json.loads(forced[1])["choices"][0]["logprobs"]["content"]
        self.assertEqual(len({token["token"] for token in said}), 1)
        self.assertLess(sum(token["logprob"] for token in said), -1, "the model's, without bias")
        plain = json.loads(self.complete(logprobs=True, max_tokens=1)[1])["choices"][0]
        first = plain["logprobs"]["content"][0]["token"]
        id = json.loads(self.curl("/tokenize", {"content": first})[1])["tokens"][0]
        other = json.loads(self.complete(logprobs=True, max_tokens=1,
                                         logit_bias={str(id): -100})[1])["choices"][0]
        self.assertNotEqual(other["logprobs"]["content"][0]["token"], first)

    def test_bad_values_are_refused_by_name(self):
        for field, value in (("temperature", "hot"), ("top_p", 0), ("n", 9), ("max_tokens", -1),
                             ("messages", []), ("messages", [{"role": "cat", "content": "mew"}]),
                             ("top_logprobs", 3), ("top_logprobs", 21),
                             ("logit_bias", {"1": 101}), ("logit_bias", {"-1": 2}),
                             ("logit_bias", {"x": 2}), ("logit_bias", {"1": "2"}), ("stop", 5)):
            status, text = self.complete(**{field: value})
            self.assertEqual(status, 400, field)
            error = json.loads(text)["error"]
            self.assertEqual(error["type"], "invalid_request_error")
            self.assertTrue(error["param"].startswith(field), error)
        self.assertEqual(self.complete(model="other")[0], 404)
        self.assertEqual(self.curl("/v1/chat/completions", None, "-d", "{}")[0], 415)
        self.assertEqual(self.curl("/v1/chat/completions", {})[0], 400)
        self.assertEqual(self.curl("/v1/chat/completions")[0], 405)
        self.assertEqual(self.complete(nobody_knows_this=1)[0], 200)

    def test_models_tokens_and_health(self):
        models = json.loads(self.curl("/v1/models")[1])["data"]
        self.assertEqual([model["id"] for model in models], ["run"])
        self.assertEqual(json.loads(self.curl("/v1/models/run")[1])["id"], "run")
        self.assertEqual(self.curl("/v1/models/other")[0], 404)
        ids = json.loads(self.curl("/tokenize", {"content": "do you like dogs ?"})[1])["tokens"]
        text = json.loads(self.curl("/detokenize", {"tokens": ids})[1])["content"]
        self.assertEqual(text, "do you like dogs ?")
        self.assertEqual(self.curl("/detokenize", {"tokens": [10**9]})[0], 400)
        self.assertEqual(self.curl("/healthz"), (200, "ok\n"))
        self.assertEqual(self.curl("/readyz"), (200, "ready\n"))

    def test_the_curves_of_the_training(self):
        run = json.loads(self.curl("/v1/run")[1])
        self.assertIn("validation.ppl", run["curves"])
        self.assertIn("ended at step 60", run["state"])
        points = json.loads(self.curl("/v1/run/curves?names=validation.ppl&names=step.nll")[1])["curves"]
        self.assertEqual([step for step, *_ in points["validation.ppl"]], [30, 60])
        later = json.loads(self.curl("/v1/run/curves?names=validation.ppl&after=30")[1])["curves"]
        self.assertEqual([step for step, *_ in later["validation.ppl"]], [60])

    def test_replies_do_not_depend_on_company(self):
        def ask(seed):
            return json.loads(self.complete(temperature=1.2, seed=seed)[1])["choices"]
        alone = [ask(seed) for seed in range(12)]
        with concurrent.futures.ThreadPoolExecutor(12) as crowd:
            self.assertEqual(list(crowd.map(ask, range(12))), alone)

    @unittest.skipUnless(importlib.util.find_spec("openai"), "the openai package is not installed")
    def test_the_official_client(self):
        import openai
        client = openai.OpenAI(base_url=self.server.url + "/v1", api_key="none", max_retries=0)
        self.assertEqual([model.id for model in client.models.list()], ["run"])
        reply = client.chat.completions.create(model="run", messages=QUESTION)
        text = reply.choices[0].message.content
        self.assertTrue(text)
        stream = client.chat.completions.create(model="run", messages=QUESTION, stream=True,
                                                stream_options={"include_usage": True})
        chunks = list(stream)
        self.assertEqual("".join(c.choices[0].delta.content or "" for c in chunks if c.choices), text)
        self.assertEqual(chunks[-1].usage.total_tokens, reply.usage.total_tokens)
        with self.assertRaises(openai.BadRequestError) as refused:
            client.chat.completions.create(model="run", messages=QUESTION, temperature=-1)
        self.assertEqual(refused.exception.param, "temperature")
        with self.assertRaises(openai.NotFoundError):
            client.chat.completions.create(model="other", messages=QUESTION)
        self.assertTrue(client.completions.create(model="run", prompt="do you work ?").choices[0].text)


if __name__ == "__main__":
    unittest.main()
