"""`banter chat --server` against a server that says what it is told to."""

import json
import os
import subprocess
import threading
import unittest

from fake_server import READY, FakeServer, done
from program import WAIT
from remote import CLIENT, Chat, client, url_of


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

    def test_attention_by_token_is_shown(self):
        told = {"basis": "tokens", "weights": [{"turn": 0, "at": 3, "token": " dogs", "w": 0.5},
                                               {"fact": 0, "at": 0, "token": " i", "w": 0.25}],
                "turns": [{"turn": 0, "w": 0.75}, {"fact": 0, "w": 0.25}]}

        def attends(peer):
            peer.receive()
            peer.send(READY)
            id = peer.receive()["id"]
            peer.send({"type": "delta", "seq": 2, "id": id, "turn": 1, "text": "yes",
                       "tokens": [{"text": " yes", "weights": told["weights"], "turns": told["turns"]}]})
            peer.send({"type": "attention", "seq": 3, "turn": 1, **told})
            peer.send(done(4, id, "yes"))
            peer.receive()

        with FakeServer(attends) as server:
            lines = self.chat(server, "/attention on\nmy dogs\n").stdout.splitlines()
        self.assertEqual([lines[0], lines[1], lines[4]], ["yes", "dynamic", "dynamic, tokens"])
        self.assertTrue(lines[2].endswith("0.75  you: turn 0"))
        self.assertTrue(lines[5].endswith("0.50   dogs  in you: turn 0"))
        self.assertTrue(lines[6].endswith("0.25   i  in fact: 0"))
        with FakeServer(attends) as server:
            reply = json.loads(self.chat(server, "/attention on\nmy dogs\n", "--json").stdout)
        self.assertEqual({name: reply["attention"][name] for name in told}, told)

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


if __name__ == "__main__":
    unittest.main()
