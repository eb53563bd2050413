"""The life of a server of a real model: reload, follow, clients that leave, metrics, admin."""

import asyncio
import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import unittest

from made_run import BANTER, Server, WAIT, made_run

try:
    from chat import Client
except ImportError:
    Client = None

REQUEST = {"model": "run", "messages": [{"role": "user", "content": "do you like dogs ?"}]}


def curl(url, *arguments):
    """Status and body."""
    result = subprocess.run(["curl", "-sS", "--max-time", str(WAIT), "-w", "\n%{http_code}", *arguments,
                             url], check=True, capture_output=True, text=True).stdout
    text, status = result.rsplit("\n", 1)
    return int(status), text


def until(condition):
    """Asks again and again, over a socket each time; no measure of anything."""
    for _ in range(WAIT * 50):
        if condition():
            return
    raise AssertionError("it never came to pass")


class LifeTest(unittest.TestCase):
    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory())
        self.run = os.path.join(self.folder, "run")
        shutil.copytree(made_run(), self.run)

    def serve(self, *arguments, waits=True):
        server = self.enterContext(
            Server(self.folder, "--metrics-port", "0", *arguments, run=self.run, waits=waits))
        self.metrics = server.next_line().split()[-1]
        self.admin = self.metrics.rsplit("/", 1)[0] + "/admin"
        return server

    def metric(self, name):
        for line in curl(self.metrics)[1].split("\n"):
            if line.startswith(name + " "):
                return float(line.split()[-1])
        raise AssertionError(name)

    def revision(self, server):
        model = json.loads(curl(server.url + "/v1/run")[1])["model"]
        return model and model["revision"]

    def point_to(self, step):
        manifest = os.path.join(self.run, f"step-{step}", "manifest.json")
        with open(manifest, "rb") as file:
            digest = hashlib.sha256(file.read()).hexdigest()
        pointer = os.path.join(self.run, "CURRENT")
        with open(pointer + ".new", "w", encoding="utf-8") as out:
            out.write(f"step-{step} {digest}\n")
        os.replace(pointer + ".new", pointer)

    def ask(self, server):
        status, text = curl(server.url + "/v1/chat/completions", "-H", "Content-Type: application/json",
                            "-d", json.dumps(REQUEST))
        self.assertEqual(status, 200, text)
        return json.loads(text)

    def test_a_checkpoint_that_cannot_be_loaded_changes_nothing(self):
        server = self.serve()
        before = self.ask(server)["choices"]
        for step in (30, 60):
            with open(os.path.join(self.run, f"step-{step}", "model.safetensors"), "r+b") as file:
                file.truncate(1000)
        server.process.send_signal(signal.SIGHUP)
        while "model_failed" not in (line := server.process.stderr.readline()):
            self.assertTrue(line)
        self.assertEqual(curl(server.url + "/readyz")[0], 200)
        self.assertEqual(self.ask(server)["choices"], before)
        self.assertEqual(self.metric('banter_reload_total{result="failed"}'), 1)

    def test_follow_waits_for_the_first_checkpoint_and_takes_the_next(self):
        os.remove(os.path.join(self.run, "CURRENT"))
        server = self.serve("--follow", waits=False)
        status, text = curl(server.url + "/readyz")
        self.assertEqual((status, json.loads(text)["error"]["code"]), (503, "loading"))
        self.assertEqual(curl(server.url + "/healthz")[0], 200)
        self.assertEqual(curl(server.url + "/")[0], 200)
        self.point_to(30)
        until(lambda: (self.revision(server) or "").startswith("step-30-"))
        self.point_to(60)
        until(lambda: self.revision(server).startswith("step-60-"))
        self.assertTrue(self.ask(server)["banter"]["revision"].startswith("step-60-"))

    def test_a_client_that_leaves_ends_its_turn(self):
        server = self.serve()
        long = {**REQUEST, "stream": True, "max_tokens": 512,
                "banter": {"strategy": "sample", "temperature": 50, "best_of": 16, "min_new_tokens": 512}}
        body = json.dumps(long)
        with socket.create_connection(("127.0.0.1", server.port)) as client:
            client.sendall((f"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n"
                            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
                            f"{body}").encode())
            self.assertIn(b"200 OK", client.recv(4096))
        until(lambda: self.metric('banter_turns_total{finish="cancelled"}') == 1)
        self.assertEqual(self.metric("banter_batch_rows"), 0)
        self.assertEqual(self.metric("banter_queue_depth"), 0)

    def test_metrics_are_prometheus_text(self):
        server = self.serve()
        self.ask(server)
        families = {}
        for line in curl(self.metrics)[1].rstrip("\n").split("\n"):
            if line.startswith("# TYPE "):
                _, _, name, kind = line.split()
                families[name] = kind
                self.assertTrue(name.startswith(("banter_", "process_")), name)
                self.assertEqual(name.endswith("_total"), kind == "counter", name)
            elif not line.startswith("#"):
                float(line.rsplit(" ", 1)[1])
        self.assertEqual(self.metric('banter_turns_total{finish="stop"}'), 1)
        self.assertGreater(self.metric('banter_tokens_total{kind="completion"}'), 0)
        self.assertEqual(self.metric("banter_turn_duration_seconds_count"), 1)
        self.assertGreater(self.metric("process_resident_memory_bytes"), 1e7)
        if not os.environ.get("BANTER_SANITIZE"):  # their malloc says nothing
            self.assertGreater(self.metric("process_heap_bytes"), 1e6)
            self.assertLess(self.metric("process_heap_bytes"),
                            self.metric("process_resident_memory_bytes"))
        self.assertEqual(curl(server.url + "/metrics")[0], 404, "on their own port alone")

    @unittest.skipUnless(Client, "no python3-websockets")
    def test_kept_encodings_are_counted(self):
        server = self.serve()

        async def talk():
            async with Client(f"ws://127.0.0.1:{server.port}/v1/chat") as client:
                texts = ["do you like dogs ?", "yes , i have two .", "what are they called ?"]
                return [(await client.say(text, text))["usage"]["cached"] for text in texts]

        cached = asyncio.run(talk())
        self.assertEqual(cached[0], 0)
        self.assertGreater(cached[2], cached[1])
        self.assertGreater(self.metric("banter_turn_cache_bytes"), 0)
        self.assertEqual(self.metric("banter_turn_cache_misses_total"), 1)
        self.assertEqual(self.metric("banter_turn_cache_hits_total"), 2)
        self.assertGreater(self.metric("banter_inter_token_seconds_count"), 0)

    @unittest.skipUnless(shutil.which("promtool"), "no promtool (Debian's package prometheus)")
    def test_promtool_finds_no_fault(self):
        server = self.serve()
        self.ask(server)
        checked = subprocess.run(["promtool", "check", "metrics"], input=curl(self.metrics)[1],
                                 text=True, capture_output=True)
        self.assertEqual((checked.returncode, checked.stdout + checked.stderr), (0, ""))

    def test_the_trial_at_the_start_tells_what_company_changes(self):
        server = self.serve()
        company = json.loads(curl(server.url + "/v1/run")[1])["model"]["company"]
        self.assertEqual(company["rows"], [2, 3, 5, 9, 16, 32])
        self.assertLess(company["difference"], 1e-4)
        server.stop()
        server = self.serve("--max-rows", "4")
        company = json.loads(curl(server.url + "/v1/run")[1])["model"]["company"]
        self.assertEqual(company["rows"], [2, 3])

    def test_admin_needs_a_token(self):
        self.serve()
        self.assertEqual(curl(self.admin + "/reload", "-X", "POST")[0], 403)
        tokens = os.path.join(self.folder, "tokens")
        with open(tokens, "w", encoding="utf-8") as out:
            out.write("ann " + hashlib.sha256(b"secret").hexdigest() + "\n")
        self.folder = self.enterContext(tempfile.TemporaryDirectory())
        server = self.serve("--tokens", tokens)
        bearer = ["-H", "Authorization: Bearer secret"]
        self.assertEqual(curl(self.admin + "/drain", "-X", "POST")[0], 401)
        self.assertEqual(curl(self.admin + "/drain")[0], 405)
        self.assertEqual(curl(self.admin + "/drain", "-X", "POST", *bearer)[0], 202)
        self.assertEqual(server.process.wait(WAIT), 0)

    def test_what_cannot_be_served_is_a_sentence(self):
        def fails(*arguments):
            result = subprocess.run([BANTER, "serve", *arguments], capture_output=True, text=True,
                                    timeout=WAIT)
            return result.returncode, result.stderr
        code, text = fails(os.path.join(self.folder, "nothing"), "--port", "0", "--archive",
                           os.path.join(self.folder, "a.sqlite"))
        self.assertEqual(code, 1)
        self.assertIn("nothing", text)
        code, text = fails(self.run, "--address", "0.0.0.0")
        self.assertEqual(code, 2)
        self.assertIn("--tokens", text)
        code, text = fails(self.run, "--set", "decoding.nothing=1", "--port", "0")
        self.assertEqual(code, 2)
        self.assertIn("decoding.nothing", text)
        with Server(self.folder, run=self.run):
            code, text = fails(self.run, "--port", "0", "--archive",
                               os.path.join(self.folder, "archive.sqlite"))
            self.assertEqual(code, 1)


if __name__ == "__main__":
    unittest.main()
