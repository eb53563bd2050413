"""What a server can be started with: judges, a reverse model, an ensemble, TLS, a Unix socket, PostgreSQL."""

import glob
import json
import os
import pwd
import shutil
import ssl
import subprocess
import tempfile
import unittest

from made_run import BANTER, Server, WAIT, made_judge, made_reverse, made_run

try:
    from chat import Client
except ModuleNotFoundError:
    Client = None

FACTS = ["i have two dogs .", "i live in rome ."]
ASK = {"model": "run", "messages": [{"role": "system", "content": "\n".join(FACTS)},
                                    {"role": "user", "content": "do you like dogs ?"}]}


def curl(url, *arguments):
    return subprocess.run(["curl", "-sS", "--max-time", str(WAIT), *arguments, url], check=True,
                          capture_output=True, text=True).stdout


def ask(url, *arguments, **fields):
    return json.loads(curl(url + "/v1/chat/completions", "-H", "Content-Type: application/json", "-d",
                           json.dumps({**ASK, **fields}), *arguments))


def replay(*arguments):
    result = subprocess.run([BANTER, "replay", *arguments, "--json"], capture_output=True, text=True)
    return result.returncode, json.loads(result.stdout.rstrip("\n").split("\n")[-1])


class OptionsTest(unittest.IsolatedAsyncioTestCase):
    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory())

    def start(self, *arguments, **options):
        return self.enterContext(Server(self.folder, *arguments, **options))

    def test_replies_are_judged_by_the_persona(self):
        server = self.start("--nli", made_judge())
        reply = ask(server.url, banter={"strategy": "sample", "best_of": 4, "rerank": "consistency"},
                    seed=3)
        verdicts = reply["banter"]["consistency"]
        self.assertEqual([verdict["fact"] for verdict in verdicts], [0, 1])
        for verdict in verdicts:
            self.assertIn(verdict["label"], ("entails", "neutral", "contradicts"))
            self.assertGreaterEqual(verdict["p"], 1 / 3)
        refused = ask(server.url, banter={"strategy": "sample", "best_of": 4, "rerank": "mmi"})
        self.assertEqual(refused["error"]["param"], "banter.rerank", "no reverse model is here")

    def test_a_reverse_model_chooses(self):
        server = self.start("--reverse", made_reverse())
        wanted = {"strategy": "sample", "best_of": 8, "temperature": 3}
        chosen = {rerank: [ask(server.url, seed=seed, banter={**wanted, "rerank": rerank})["choices"]
                           for seed in range(5, 13)] for rerank in ("none", "mmi")}
        told = {rerank: [choices[0]["message"] for choices in answers] for rerank, answers in chosen.items()}
        self.assertNotEqual(told["none"], told["mmi"], "of eight times eight, not the same ones")
        again = ask(server.url, seed=5, banter={**wanted, "rerank": "mmi"})
        self.assertEqual(again["choices"], chosen["mmi"][0])

    @unittest.skipUnless(Client, "no python3-websockets")
    async def test_an_ensemble_is_named_by_all_its_members(self):
        other = made_run() + "@step-30"
        archive = os.path.join(self.folder, "archive.sqlite")
        with Server(self.folder, "--ensemble", other) as server:
            async with Client(server.address) as client:
                self.assertRegex(client.ready["model"]["revision"], r"^step-60-\w+\+step-30-\w+$")
                await client.say("do you like dogs ?")
            self.assertEqual(server.stop(), 0)
        self.assertEqual(replay(made_run(), "--archive", archive, "--ensemble", other),
                         (0, {"same": 1, "different": 0, "of_other_revisions": 0, "passed_over": 0}))

    @unittest.skipUnless(Client and shutil.which("openssl"), "no python3-websockets and openssl")
    async def test_tls(self):
        key, certificate = (os.path.join(self.folder, name) for name in ("key.pem", "cert.pem"))
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key,
                        "-out", certificate, "-days", "2", "-subj", "/CN=localhost", "-addext",
                        "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
        server = self.start("--tls-certificate", certificate, "--tls-key", key,
                            curl=["--cacert", certificate])
        self.assertTrue(server.url.startswith("https://"))
        reply = ask(server.url, "--cacert", certificate)
        self.assertEqual(reply["choices"][0]["message"]["role"], "assistant")
        trust = ssl.create_default_context(cafile=certificate)
        async with Client(server.address, ssl=trust) as client:
            self.assertEqual((await client.say("do you like dogs ?"))["type"], "done")

    def test_a_unix_socket(self):
        path = os.path.join(self.folder, "socket")
        server = self.start("--unix", path, curl=["--unix-socket", path])
        self.assertEqual(curl("http://localhost/healthz", "--unix-socket", path), "ok\n")
        self.assertEqual(os.stat(path).st_mode & 0o077, 0, "its owner's alone")
        self.assertEqual(server.stop(), 0)
        self.assertFalse(os.path.exists(path))


POSTGRES = max(glob.glob("/usr/lib/postgresql/*/bin"), default="")


@unittest.skipUnless(Client and POSTGRES and (os.getuid() or shutil.which("setpriv")),
                     "no python3-websockets, PostgreSQL and setpriv")
class SharedArchiveTest(unittest.IsolatedAsyncioTestCase):
    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory())
        self.database = self.enterContext(tempfile.TemporaryDirectory())
        if os.getuid() == 0:
            user = pwd.getpwnam("postgres")
            os.chown(self.database, user.pw_uid, user.pw_gid)
        data = os.path.join(self.database, "data")
        self.postgres("initdb", "-D", data, "-U", "banter", "-A", "trust", "-E", "UTF8", "--locale=C")
        self.postgres("pg_ctl", "-D", data, "-l", os.path.join(self.database, "log"), "-w", "-o",
                      f"-c listen_addresses= -c unix_socket_directories={self.database}", "start")
        self.addCleanup(self.postgres, "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")
        self.postgres("createdb", "-h", self.database, "-U", "banter", "talks")
        self.archive = f"postgres://banter@/talks?host={self.database}"

    def postgres(self, program, *arguments):
        command = [os.path.join(POSTGRES, program), *arguments]
        if os.getuid() == 0:
            command = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", *command]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                       cwd=self.database)

    async def test_a_session_is_held_by_one_server_and_goes_on_at_the_next(self):
        one, two = (self.enterContext(Server(self.folder, "--holder", name, archive=self.archive))
                    for name in ("one", "two"))
        async with Client(one.address) as client:
            await client.say("do you like dogs ?", "m-1")
            where = client.where()
            async with Client(two.address, resume=where) as stranger:
                self.assertEqual(stranger.ready["code"], "overloaded")
                self.assertEqual(await stranger.closed(), 1013)
            await client.say("where do you live ?", "m-2")
        self.assertEqual(one.stop(), 0)
        async with Client(two.address, resume=where) as client:
            self.assertTrue(client.ready["resumed"])
            self.assertEqual(client.ready["epoch"], where["epoch"] + 1)
            self.assertEqual((await client.say("why ?", "m-3"))["turn"], 5)
        self.assertEqual(two.stop(), 0)
        self.assertEqual(replay(made_run(), "--archive", self.archive)[1]["same"], 3)


if __name__ == "__main__":
    unittest.main()
