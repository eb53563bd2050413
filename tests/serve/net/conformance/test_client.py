"""`banter chat --server` against the server without tensors."""

import hashlib
import json
import os
import signal
import subprocess
import tempfile
import unittest

from program import WAIT, ChatServer, Echo
from remote import UNBOUNDED, Chat, ServedTest, client, free_port, url_of


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


if __name__ == "__main__":
    unittest.main()
