"""`banter chat --server` and `banter bench-serve` against the server without tensors."""

import hashlib
import json
import os
import signal
import socket
import subprocess
import tempfile
import threading
import unittest

from fake_server import READY, FakeServer, done
from program import WAIT, ChatServer, Echo, Program

UNBOUNDED = ["--drain-spread", "1", "--turns-per-minute", "1000000", "--owner-turns-per-minute",
             "1000000", "--sessions-per-owner", "10000"]
CLIENT = os.environ["CLIENT_PROGRAM"]


def url_of(server):
    return f"ws://127.0.0.1:{server.port}"


def client(*arguments, said="", token=None):
    """A client's run from beginning to end."""
    environment = {name: value for name, value in os.environ.items() if name != "BANTER_TOKEN"}
    if token:
        environment["BANTER_TOKEN"] = token
    return subprocess.run([CLIENT, *arguments], input=said, capture_output=True, text=True,
                          timeout=WAIT, env=environment)


def free_port():
    """Of the kernel's choice; nobody listens there."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


class Chat(Program):
    """`banter chat --server`, a line at a time."""

    def __init__(self, url, *arguments):
        super().__init__([CLIENT, "chat", "--server", url, *arguments], stdin=subprocess.PIPE)

    def type(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def say(self, line):
        self.type(line)
        return self.next_line()

    def end(self):
        """End of input; the exit code."""
        self.process.stdin.close()
        return self.process.wait(WAIT)

    def __exit__(self, *unused):
        self.process.stdin.close()
        super().__exit__()


class ServedTest(unittest.TestCase):
    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory())
        self.server = self.enterContext(ChatServer(self.folder, *UNBOUNDED))
        self.server.wait_until_ready()

    def chat(self, said, *arguments):
        result = client("chat", "--server", url_of(self.server), *arguments, said=said)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout.splitlines()

    def refusal(self, said, *arguments):
        result = client("chat", "--server", url_of(self.server), *arguments, said=said)
        self.assertEqual((result.returncode, result.stdout), (1, ""))
        return result.stderr.splitlines()[-1]

    def bench(self, *arguments, server=None):
        result = client("bench-serve", url_of(server or self.server), *arguments, "--json")
        self.assertEqual(result.returncode, 0, result.stderr)
        return json.loads(result.stdout)

    def restart(self):
        """Another server at the same port, with the same archive."""
        self.server = self.enterContext(
            ChatServer(self.folder, *UNBOUNDED, port=self.server.port))

    def kill(self):
        self.server.process.send_signal(signal.SIGKILL)
        self.server.process.wait(WAIT)


class ChatCommandTest(ServedTest):
    def test_a_pipe_is_a_filter(self):
        replies = self.chat("hello\n\ndo you like dogs ?\n//quit says quit\n/quit\nunsaid\n")
        self.assertEqual([reply.split(" ")[0] for reply in replies], ["hello", "do", "/quit"])

    def test_json_is_an_object_a_reply(self):
        replies = [json.loads(line) for line in self.chat("hello\nyes\n", "--json", "--set", "seed=7")]
        self.assertEqual([reply["turn"] for reply in replies], [1, 3])
        for reply in replies:
            self.assertEqual((reply["finish"], reply["seed"]), ("stop", 7))
            self.assertTrue(reply["text"] and reply["usage"]["completion"] > 0)
            self.assertFalse({"type", "seq", "id"} & reply.keys())

    def test_commands(self):
        lines = self.chat("hello\n/again\n/persona add i have two dogs .\n/persona add b\n"
                          "/persona 1 i have a cat .\n/persona drop 2\n/persona\n"
                          "/set max_new_tokens=3\nyes yes yes yes\n/set max_new_tokens=default\n"
                          "/export\n/history\n/reset\n/history\nhi\n/history\n")
        self.assertEqual(lines[0], lines[1])
        self.assertEqual(lines[2], "1  i have a cat .")
        dialogue = json.loads(lines[4])
        texts = [turn["text"] for turn in dialogue["turns"]]
        self.assertEqual((len(texts), texts[0], texts[2]), (4, "hello", "yes yes yes yes"))
        self.assertLess(len(texts[3]), len(texts[1]))  # three tokens of twenty
        self.assertEqual(dialogue["personas"], {"bot": ["i have a cat ."]})
        self.assertEqual(lines[5:9], [f"{who}: {text}" for who, text in
                                      zip(("you", "bot") * 2, texts)])
        self.assertEqual((len(lines), lines[10]), (12, "you: hi"))  # and the empty history before

    def test_a_persona_of_the_command_line(self):
        self.assertEqual(self.chat("/persona\n", "--fact", "a .", "--fact", "b ."),
                         ["1  a .", "2  b ."])

    def test_help_lists_every_command(self):
        text = "\n".join(self.chat("/help\n"))
        for word in ("again", "attention", "export", "help", "persona", "quit", "reset", "set"):
            self.assertIn(f"/{word}", text)

    def test_errors_are_one_sentence(self):
        for said, sentence in (
                ("hi\n/set x=1\n", None),
                ("/again\n", "banter: stdin:1: there is no reply yet; say something first"),
                ("/set temperature=hot\n",
                 "banter: stdin:1: temperature must be a number from 0 to 100"),
                ("/set strategy=beam\n/set n=5\n", "banter: stdin:2: the server refuses: "),
                ("/persona use nobody\n",
                 "banter: stdin:1: the server refuses: persona.id is none of the personas of ready"),
                ("/attention on\n",
                 "banter: stdin:1: /attention: the server's model has no attention to tell"),
                ("\xe9" * 40_000 + "\n", "banter: stdin:1: the line is longer than the server takes"),
                ("/export now\n", "banter: stdin:1: /export takes nothing")):
            result = client("chat", "--server", url_of(self.server), said=said)
            self.assertEqual(result.returncode, 1)
            last = result.stderr.splitlines()[-1]
            wanted = sentence or ("banter: stdin:2: x is no field of decode; the nearest one is ")
            self.assertTrue(last.startswith(wanted), last)

    def test_sigterm_ends_it(self):
        with Chat(url_of(self.server)) as chat:
            chat.say("hello")
            self.assertEqual(chat.stop(), 128 + signal.SIGTERM)

    def test_a_second_client_takes_nothing_over(self):
        with Chat(url_of(self.server)) as first, Chat(url_of(self.server)) as second:
            first.say("hello")
            second.say("yes")
            first.type("/history")
            self.assertEqual([first.next_line() for _ in range(2)][0], "you: hello")
            self.assertEqual((first.end(), second.end()), (0, 0))


class LostServerTest(ServedTest):
    def history(self, chat):
        return [(item["role"], item["text"], item["versions"])
                for item in json.loads(chat.say("/history"))["items"]]

    def said(self, chat):
        return [text for role, text, _ in self.history(chat) if role == "user"]

    def test_a_server_that_was_killed_between_turns(self):
        with Chat(url_of(self.server), "--json") as chat:
            chat.say("hello")
            self.kill()
            chat.type("do you like dogs ?")
            self.restart()
            self.assertEqual(json.loads(chat.next_line())["turn"], 3)
            self.assertEqual(self.said(chat), ["hello", "do you like dogs ?"])
            self.assertEqual(chat.end(), 0)
            self.assertIn("note: connected again", chat.process.stderr.read())

    def test_a_message_that_was_never_accepted_is_said_again(self):
        with Chat(url_of(self.server), "--json") as chat:
            chat.say("hello")
            self.server.process.send_signal(signal.SIGSTOP)  # it can accept nothing
            chat.type("do you like dogs ?")
            self.kill()
            self.restart()
            self.assertEqual(json.loads(chat.next_line())["turn"], 3)
            self.assertEqual(self.said(chat), ["hello", "do you like dogs ?"])

    def test_kills_in_the_midst_of_turns_lose_and_double_nothing(self):
        count = 120
        texts = [f"line {i}" for i in range(count)]
        with Chat(url_of(self.server), "--json") as chat:
            chat.type("\n".join(texts))
            turns = []
            for number in range(count):
                turns.append(json.loads(chat.next_line())["turn"])
                if number in (20, 50, 90):  # the next turn is under way
                    self.kill()
                    self.restart()
            self.assertEqual(turns, list(range(1, 2 * count, 2)))
            dialogue = json.loads(chat.say("/export"))
            self.assertEqual([turn["text"] for turn in dialogue["turns"][::2]], texts)
            self.assertEqual([turn["speaker"] for turn in dialogue["turns"]],
                             ["user", "bot"] * count)
            self.assertEqual({versions for _, _, versions in self.history(chat)}, {1})

    def test_settings_outlive_the_server(self):
        with Chat(url_of(self.server), "--json", "--set", "max_new_tokens=3") as chat:
            chat.say("hello")
            self.kill()
            chat.type("yes")
            self.restart()
            self.assertEqual(json.loads(chat.next_line())["usage"]["completion"], 3)

    def test_a_reset_is_not_forgotten(self):
        with Chat(url_of(self.server), "--json") as chat:
            chat.say("hello")
            self.kill()
            chat.type("/reset")
            self.restart()
            self.assertEqual(json.loads(chat.say("yes"))["turn"], 1)
            self.assertEqual(self.said(chat), ["yes"])

    def test_patience_ends(self):
        with Chat(url_of(self.server), "--patience", "0") as chat:
            chat.say("hello")
            self.kill()
            chat.type("yes")
            self.assertEqual(chat.end(), 1)
            self.assertIn("banter: stdin:2: ", chat.process.stderr.read())

    def test_a_server_that_stops_in_order(self):
        with Chat(url_of(self.server), "--json") as chat:
            chat.say("hello")
            self.assertEqual(self.server.stop(), 0)
            self.restart()
            self.assertEqual(json.loads(chat.say("yes"))["turn"], 3)


class OtherServerTest(unittest.TestCase):
    """What a server of `banter` does seldom or never."""

    def chat(self, server, said, *arguments):
        return client("chat", "--server", server.url, *arguments, said=said)

    def answers(self, texts, hello=None):
        """A connection that answers messages with these texts and sees the client leave."""
        def script(peer):
            first = peer.receive()
            if hello:
                hello(first)
            peer.send(READY)
            seq = 1
            for number, text in enumerate(texts):
                id = peer.receive()["id"]
                peer.send({"type": "accepted", "seq": seq + 1, "id": id, "turn": 2 * number + 1,
                           "seed": 1})
                seq += 2
                peer.send(done(seq, id, text, turn=2 * number + 1))
            self.assertIsNone(peer.receive())
        return script

    def test_control_characters_reach_no_terminal(self):
        with FakeServer(self.answers(["a\x1b[2Jb\nc"])) as server:
            self.assertEqual(self.chat(server, "hi\n").stdout, "a\\x1B[2Jb c\n")

    def test_a_frame_that_is_missing_is_asked_for(self):
        asked = []

        def skips(peer):
            peer.receive()
            peer.send(READY)
            asked.append(peer.receive())
            peer.send({"type": "accepted", "seq": 2, "id": asked[0]["id"], "turn": 1, "seed": 1})
            peer.send({"type": "delta", "seq": 4, "id": asked[0]["id"], "turn": 1, "text": "b"})
            self.assertIsNone(peer.receive())

        def goes_on(peer):
            self.assertEqual(peer.receive()["resume"],
                             {"session": "s-1", "resume_token": "t-1", "epoch": 1, "last_seq": 2})
            peer.send({**READY, "seq": 5, "resume_token": "t-2", "resumed": True})
            peer.send(done(6, asked[0]["id"], "ab"))
            self.assertIsNone(peer.receive())  # it was accepted: nothing is asked again

        with FakeServer(skips, goes_on) as server:
            result = self.chat(server, "hi\n")
        self.assertEqual((result.returncode, result.stdout), (0, "ab\n"))

    def test_what_is_not_accepted_is_asked_under_the_same_id(self):
        asked = []

        def cuts(peer):
            peer.receive()
            peer.send(READY)
            asked.append(peer.receive())
            peer.cut()

        def takes(peer):
            peer.receive()
            peer.send({**READY, "seq": 2, "resumed": True})
            asked.append(peer.receive())
            peer.send(done(3, asked[1]["id"], "yes"))
            peer.receive()

        with FakeServer(cuts, takes) as server:
            self.assertEqual(self.chat(server, "hi\n").stdout, "yes\n")
        self.assertEqual(asked[0], asked[1])

    def test_a_refusal_for_now_is_waited_out(self):
        def busy(peer):
            peer.receive()
            peer.send(READY)
            id = peer.receive()["id"]
            peer.send({"type": "error", "seq": 2, "code": "rate_limited", "message": "too many",
                       "id": id, "retry_after_ms": 1, "fatal": False})
            self.assertEqual(peer.receive()["id"], id)
            peer.send(done(3, id, "yes"))
            peer.receive()

        with FakeServer(busy) as server:
            self.assertEqual(self.chat(server, "hi\n").stdout, "yes\n")

    def test_attention_is_shown(self):
        def attends(peer):
            peer.receive()
            peer.send(READY)
            id = peer.receive()["id"]
            peer.send({"type": "attention", "seq": 2, "turn": 1, "basis": "turns",
                       "weights": [{"turn": 0, "w": 0.75}, {"fact": 0, "w": 0.25}],
                       "static": [{"turn": 0, "w": 1}]})
            peer.send(done(3, id, "yes"))
            peer.receive()

        with FakeServer(attends) as server:
            lines = self.chat(server, "/attention on\nhi\n").stdout.splitlines()
        self.assertEqual([lines[0], lines[1], lines[3]], ["yes", "static", "dynamic"])
        self.assertRegex(lines[2], "^█{12} 1.00  ")
        self.assertRegex(lines[4], "^█{9}    0.75  ")
        self.assertTrue(lines[5].endswith("0.25  fact: 0"))
        with FakeServer(attends) as server:
            reply = json.loads(self.chat(server, "/attention on\nhi\n", "--json").stdout)
        self.assertEqual(reply["attention"]["weights"][0], {"turn": 0, "w": 0.75})

    def test_frames_of_later_servers_are_passed_over(self):
        def script(peer):
            peer.receive()
            peer.send(READY)
            id = peer.receive()["id"]
            peer.send({"type": "weather", "seq": 2})
            peer.send({"type": "hint", "seq": 2})  # one that carries the last number
            peer.send(done(3, id, "yes", mood="good"))
            peer.receive()

        with FakeServer(script) as server:
            self.assertEqual(self.chat(server, "hi\n").stdout, "yes\n")

    def test_ends_that_no_other_connection_helps(self):
        def says_nonsense(peer):
            peer.receive()
            peer.send('{"type": "ready", "seq": 1}')
            peer.receive()

        def closes(code):
            def script(peer):
                peer.receive()
                peer.send(READY)
                peer.receive()
                peer.close(code)
            return script

        def refuses(peer):
            peer.receive()
            peer.send({"type": "error", "seq": 0, "code": "forbidden", "message": "not you",
                       "fatal": True})
            peer.close(4403)

        for script, sentence in (
                (says_nonsense, "the server's frame is none of chat.v1: "),
                (closes(4409), "stdin:1: another connection has taken over this conversation"),
                (closes(4410), "stdin:1: the server closed the connection with 4410"),
                (refuses, "the server refuses: not you")):
            with FakeServer(script) as server:
                result = self.chat(server, "hi\n")
            self.assertEqual((result.returncode, result.stdout), (1, ""))
            self.assertTrue(result.stderr.startswith("banter: " + sentence), result.stderr)

    def test_a_terminal_streams_and_outlives_errors(self):
        import pty

        def streams(peer):
            peer.receive()
            peer.send(READY)
            id = peer.receive()["id"]
            peer.send({"type": "accepted", "seq": 2, "id": id, "turn": 1, "seed": 1})
            peer.send({"type": "delta", "seq": 3, "id": id, "turn": 1, "text": "yes, "})
            seen.wait(WAIT)  # the client shows it before there is more
            peer.send(done(4, id, "yes, two"))
            self.assertIsNone(peer.receive())

        seen = threading.Event()
        shown = ""
        with FakeServer(streams) as server:
            own, theirs = pty.openpty()
            process = subprocess.Popen([CLIENT, "chat", "--server", server.url], stdin=theirs,
                                       stdout=theirs, stderr=theirs)
            os.close(theirs)

            def read_to(wanted):
                nonlocal shown
                while wanted not in shown:
                    shown += os.read(own, 1000).decode()

            read_to("you> ")
            os.write(own, b"/agin\n")
            read_to("/agin is no command; /help lists them")
            os.write(own, b"do you ?\n")
            read_to("bot> yes, ")
            seen.set()
            read_to("bot> yes, two\r\nyou> ")
            os.write(own, b"/quit\n")
            self.assertEqual(process.wait(WAIT), 0)
            os.close(own)


class AddressTest(unittest.TestCase):
    def test_bad_urls_are_wrong_usage(self):
        for url, sentence in (("localhost", "must begin with ws:// or wss://"),
                              ("ws://me:pass@localhost", "no name, password or token belongs in a URL"),
                              ("ws://localhost/v1/chat?token=x", "BANTER_TOKEN"),
                              ("ws://localhost:99999", "the port must be a number from 1 to 65535")):
            for command in (["chat", "--server", url], ["bench-serve", url]):
                result = client(*command)
                self.assertEqual(result.returncode, 2)
                self.assertIn(sentence, result.stderr)
                self.assertEqual(result.stderr.count("\n"), 1)
        self.assertEqual(client("chat", "--server").returncode, 2)
        self.assertEqual(client("bench-serve").returncode, 2)

    def test_nobody_listens(self):
        url = f"ws://127.0.0.1:{free_port()}"
        for command in (["chat", "--server", url], ["bench-serve", url, "--turns", "1"]):
            result = client(*command)
            self.assertEqual(result.returncode, 1)
            self.assertEqual(result.stderr, f"banter: {url}/v1/chat: Connection refused\n")

    def test_no_chat_is_there(self):
        with Echo() as server:
            result = client("chat", "--server", url_of(server))
            self.assertEqual(result.returncode, 1)
            self.assertIn("the server answered 404 Not Found", result.stderr)
            result = client("chat", "--server", url_of(server) + "/echo")
            self.assertIn("the server does not speak chat.v1", result.stderr)

    def test_help_has_examples(self):
        for command in (["chat"], ["bench-serve"]):
            text = client(*command, "--help").stdout
            self.assertIn("Examples:", text)
            self.assertIn("ws://localhost:8080", text)


class TokenTest(unittest.TestCase):
    TOKEN = "a-token-of-a-test"

    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory())
        self.tokens = self.file("tokens", f"ann {hashlib.sha256(self.TOKEN.encode()).hexdigest()}\n")
        self.server = self.enterContext(
            ChatServer(self.folder, *UNBOUNDED, "--tokens", self.tokens))

    def file(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as out:
            out.write(text)
        return path

    def test_a_token_of_the_environment_and_of_a_file(self):
        command = ["chat", "--server", url_of(self.server)]
        self.assertEqual(client(*command, said="hello\n", token=self.TOKEN).returncode, 0)
        file = self.file("token", self.TOKEN + "\n")
        result = client(*command, "--token-file", file, said="hello\n", token="wrong")
        self.assertEqual(result.returncode, 0, result.stderr)

    def test_refused_tokens(self):
        for token, status in (("wrong", "401 Unauthorized"), (None, "403 Forbidden")):
            result = client("chat", "--server", url_of(self.server), token=token)
            self.assertEqual(result.returncode, 1)
            self.assertEqual(result.stderr,
                             f"banter: {self.server.address}: the server answered {status}; name a "
                             "token that it knows in BANTER_TOKEN or with --token-file\n")
        result = client("chat", "--server", url_of(self.server), token="not a token")
        self.assertEqual(result.returncode, 2)
        self.assertNotIn("not a token", result.stderr)

    def test_bench_users_have_it_too(self):
        result = client("bench-serve", url_of(self.server), "--turns", "2", "--json",
                        token=self.TOKEN)
        self.assertEqual(json.loads(result.stdout)["turns"], 2, result.stderr)


class TlsTest(unittest.TestCase):
    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory())
        self.certificate = os.path.join(self.folder, "certificate.pem")
        key = os.path.join(self.folder, "key.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key, "-out",
                        self.certificate, "-days", "1", "-subj", "/CN=localhost", "-addext",
                        "subjectAltName=DNS:localhost"], check=True, capture_output=True)
        self.server = self.enterContext(ChatServer(
            self.folder, *UNBOUNDED, "--tls-certificate", self.certificate, "--tls-key", key))

    def chat(self, host, *arguments):
        return client("chat", "--server", f"wss://{host}:{self.server.port}", *arguments,
                      said="hello\n")

    def test_certificates_are_checked(self):
        result = self.chat("localhost", "--ca-file", self.certificate)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertTrue(result.stdout.startswith("hello"))
        for host, arguments in (("localhost", []), ("127.0.0.1", ["--ca-file", self.certificate])):
            result = self.chat(host, *arguments)
            self.assertEqual((result.returncode, result.stdout), (1, ""))
            self.assertIn("certificate verify failed", result.stderr)


class BenchTest(ServedTest):
    def check_times(self, report):
        for times in report["ms"].values():
            shares = [times[name] for name in ("p50", "p90", "p99", "max")]
            self.assertEqual(shares, sorted(shares))
            self.assertEqual(times["count"] == 0, shares[-1] == 0)

    def counts(self, report):
        return {name: times["count"] for name, times in report["ms"].items()}

    def test_users_one_turn_behind_the_other(self):
        report = self.bench("--users", "3", "--turns", "5", "--text", "hello", "--text", "yes",
                            "--set", "max_new_tokens=4", "--pid", str(self.server.process.pid))
        self.assertEqual(report["turns"], 15)
        self.assertEqual(report["tokens"], 60)
        self.assertEqual(self.counts(report), {"handshake": 3, "ready": 3, "accepted": 15,
                                               "first_delta": 15, "turn": 15})
        self.assertEqual((report["finishes"], report["errors"], report["failures"]),
                         ({"length": 15}, {}, []))
        self.assertEqual(report["closes"], {"1000": 3})
        self.assertAlmostEqual(report["per_second"] * report["seconds"], 15)
        self.assertAlmostEqual(report["tokens_per_second"] * report["seconds"], 60)
        self.assertGreater(report["server"]["resident_bytes"], 0)
        self.check_times(report)

    def test_a_time_ends_it(self):
        report = self.bench("--users", "2", "--seconds", "0.2")
        self.assertEqual(report["turns"], report["ms"]["turn"]["count"])
        self.assertEqual(report["finishes"].get("stop", 0), report["turns"])
        self.assertEqual(report["closes"], {"1000": 2})

    def test_a_rate(self):
        report = self.bench("--users", "5", "--rate", "100", "--seconds", "0.5")
        self.assertEqual(report["turns"] + report["unstarted"], 50)
        self.assertEqual(report["ms"]["turn"]["count"], report["turns"])
        self.check_times(report)
        report = self.bench("--users", "2", "--rate", "100", "--turns", "5")
        self.assertEqual((report["turns"], report["unstarted"]), (10, 0))

    def test_refusals_are_counted(self):
        report = self.bench("--turns", "2", "--text", "w" * 60_000)
        self.assertEqual((report["turns"], report["errors"]), (0, {"too_long": 2}))
        self.assertEqual(report["ms"]["accepted"]["count"], 0)

    def test_idle(self):
        report = self.bench("--idle", "30", "--seconds", "0.1")
        self.assertEqual(report["idle"], {"asked": 30, "open": 30, "lost": 0})
        self.assertEqual(report["closes"], {"1000": 30})
        report = self.bench("--idle", "10", "--users", "1", "--turns", "2")
        self.assertEqual((report["idle"]["open"], report["turns"]), (10, 2))

    def test_storm(self):
        report = self.bench("--storm", "100", "--seconds", "0.3")
        self.assertEqual(self.counts(report)["handshake"], 30)
        self.assertEqual(report["closes"], {"1000": 30})
        self.check_times(report)

    def test_echo(self):
        with Echo() as server:
            report = self.bench("--echo", "--users", "4", "--turns", "50", "--message-bytes", "300",
                                server=server)
            self.assertEqual((report["turns"], report["errors"]), (200, {}))
            self.assertEqual(self.counts(report)["turn"], 200)
            self.assertEqual(report["closes"], {"1000": 4})
            self.assertAlmostEqual(report["per_second"] * report["seconds"], 200)

    def test_a_table_for_people(self):
        result = client("bench-serve", url_of(self.server), "--turns", "3")
        self.assertEqual(result.returncode, 0, result.stderr)
        for word in ("handshake", "first delta", "whole turn", "turns         3,", "p99"):
            self.assertIn(word, result.stdout)

    def test_what_does_not_go_together(self):
        for arguments in (["--storm", "5", "--users", "2"], ["--echo", "--rate", "5"],
                          ["--message-bytes", "5"], ["--set", "x=1"], ["--text", " "],
                          ["--users", "0"]):
            result = client("bench-serve", url_of(self.server), *arguments)
            self.assertEqual(result.returncode, 2, arguments)
            self.assertEqual(result.stderr.count("\n"), 1)


if __name__ == "__main__":
    unittest.main()
