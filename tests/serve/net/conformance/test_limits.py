"""Time, floods, slow readers, full tables and the end of the server, against net_program. Deadlines
are set so short that they pass while a test waits for what follows them."""

import json
import os
import select
import signal
import socket
import unittest

from program import Net
from raw import (BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Peer, close_frame, frame,
                 socket_to)

SOON = 200  # ms


class LimitTest(unittest.TestCase):
    def start(self, **settings):
        self.server = self.enterContext(Net(**settings))
        return self.server

    def chat(self, **options):
        return self.enterContext(socket_to(self.server.port, "/chat", **options))

    def peer(self, **options):
        return self.enterContext(Peer(self.server.port, **options))

    def tearDown(self):
        """A client that keeps to the rules is served after all that."""
        if self.server.process.poll() is not None:
            return
        with self.served_again() as canary:
            canary.upgrade("/echo")
            canary.send(frame(TEXT, b"still there?"))
            self.assertEqual(canary.message(), (TEXT, b"still there?"))

    def served_again(self):
        """A connection, as soon as the server has seen that others have gone."""
        while True:
            peer = Peer(self.server.port)
            status = peer.request("GET", "/healthz").answer()[0]
            if status == 200:
                return peer
            self.assertIn(status, (429, 503))
            peer.socket.close()

    # Time

    def test_fault_15_a_header_that_takes_too_long(self):
        self.start(header_timeout=SOON)
        peer = self.peer().send(b"GET / HTTP/1.1\r\nHost:")
        self.assertEqual(peer.answer()[0], 408)
        self.assertEqual(peer.rest(), b"")

    def test_fault_15_each_byte_in_time_is_not_enough(self):
        self.start(header_timeout=SOON)
        peer = self.peer()
        sent = 0
        while not select.select([peer.socket], [], [], SOON / 8000)[0]:
            peer.send(b"X")
            sent += 1
        self.assertGreater(sent, 1)
        self.assertEqual(peer.answer()[0], 408)

    def test_fault_14_a_connection_that_says_nothing(self):
        self.start(header_timeout=SOON)
        self.assertEqual(self.peer().rest(), b"")

    def test_a_body_that_takes_too_long(self):
        self.start(body_timeout=SOON)
        peer = self.peer().request("POST", "/body", "Content-Length: 3", body=b"x")
        self.assertEqual(peer.answer()[0], 408)

    def test_fault_16_no_hello(self):
        self.start(hello_timeout=SOON)
        self.assertEqual(self.chat().close_code(), 4408)
        self.server.wait_for("closed 4408")

    def test_a_hello_in_time(self):
        self.start(hello_timeout=3 * SOON, session_idle=5 * SOON)
        peer = self.peer()
        peer.upgrade("/chat", early=frame(TEXT, b"hello"))
        self.assertEqual(peer.message(), (TEXT, b"welcome "))
        self.assertEqual(peer.close_code(), 4410)  # nothing more came, which is another matter

    def test_fault_17_a_message_that_takes_too_long(self):
        self.start(message_timeout=SOON, closing=SOON)  # what is begun hides the answer to a close
        for beginning in (frame(TEXT, b"whole")[:3], frame(TEXT, b"a", fin=False),
                          frame(PING, b"ping")[:1]):
            self.assertEqual(self.chat().send(beginning).close_code(), 1008)

    def test_fault_17_pings_between_do_not_help(self):
        self.start(message_timeout=SOON)
        peer = self.chat().send(frame(TEXT, b"a", fin=False), frame(PING, b"x"))
        self.assertEqual(peer.frame(), (True, PONG, b"x"))
        self.assertEqual(peer.close_code(), 1008)

    def test_fault_19_a_peer_that_is_silent_is_pinged_and_then_dropped(self):
        self.start(peer_timeout=4 * SOON)
        peer = self.chat()
        self.assertEqual(peer.frame(), (True, PING, b""))
        peer.rest()
        self.server.wait_for("closed 1006")

    def test_a_peer_that_answers_pings_is_kept(self):
        self.start(peer_timeout=10 * SOON)
        peer = self.chat()
        for _ in range(3):  # longer than the time after which a silent one goes
            self.assertEqual(peer.frame()[1], PING)
            peer.send(frame(PONG))
        self.assertEqual(peer.send(frame(TEXT, b"hello")).message()[1], b"welcome ")

    def test_fault_18_a_peer_that_ends_its_side(self):
        self.start()
        peer = self.chat()
        peer.socket.shutdown(socket.SHUT_WR)
        self.assertEqual(peer.rest(), b"")
        self.server.wait_for("closed 1006")

    def test_a_peer_that_never_answers_our_close(self):
        self.start(closing=SOON)
        peer = self.chat().send(frame(TEXT, b"close"))
        self.assertEqual(peer.message(), (TEXT, b"last"))
        self.assertEqual(peer.frame()[1], CLOSE)
        self.assertEqual(peer.rest(), b"")  # the end comes, although our side stays open
        self.server.wait_for("closed 4409")

    def test_a_peer_that_breaks_a_rule_while_our_close_is_on_its_way(self):
        self.start(closing=SOON)
        cut = frame(TEXT, b"\xe2\x82", fin=False) + frame(CONTINUATION)
        peer = self.chat().send(cut + cut + frame(TEXT, b"\x80"))
        self.assertEqual(peer.frame(), (True, CLOSE, b"\x03\xeftext that is not UTF-8"))
        self.assertEqual(peer.rest(), b"")
        self.server.wait_for("closed 1007")

    # Counts

    def test_fault_4_too_much_in_one_message(self):
        self.start()
        self.assertEqual(self.chat().send(frame(TEXT, b"x" * 65537)).close_code(), 1009)
        parts = frame(TEXT, b"x" * 40_000, fin=False), frame(CONTINUATION, b"x" * 40_000)
        self.assertEqual(self.chat().send(*parts).close_code(), 1009)
        self.assertEqual(self.chat().send(frame(TEXT, b"x" * 65536)).message()[1], b"x" * 65536)

    def test_fault_4_too_many_frames_of_one_message(self):
        self.start()
        for payload in (b"x", b""):
            peer = self.chat()
            peer.send(frame(TEXT, payload, fin=False),
                      frame(CONTINUATION, payload, fin=False) * 1023)
            peer.send(frame(PING, b"all of them"))
            self.assertEqual(peer.frame(), (True, PONG, b"all of them"))
            peer.send(frame(CONTINUATION, payload))
            self.assertEqual(peer.close_code(), 1008)

    def test_fault_4_endless_empty_frames(self):
        self.start()
        peer = self.chat().send(frame(TEXT, fin=False), frame(CONTINUATION, fin=False) * 10_000)
        self.assertEqual(peer.close_code(), 1008)
        self.server.wait_for("closed 1008")

    def test_a_broken_limit_spares_what_came_before_it(self):
        self.start(max_fragments=2)
        peer = self.chat().send(frame(TEXT, b"good"), frame(TEXT, fin=False),
                                frame(CONTINUATION, fin=False), frame(CONTINUATION))
        self.assertEqual(peer.message(), (TEXT, b"good"))
        self.assertEqual(peer.close_code(), 1008)

    def test_fault_7_a_flood_of_pings(self):
        self.start(control_window=3_600_000)
        peer = self.chat().send(frame(PING, b"x") * 10_000)
        for _ in range(100):
            self.assertEqual(peer.frame(), (True, PONG, b"x"))
        self.assertEqual(peer.close_code(), 1008)

    def test_fault_7_five_megabytes_of_pongs(self):
        self.start(control_window=3_600_000)
        peer = self.chat()
        try:
            peer.send(frame(PONG, b"x" * 125) * 40_000)
        except (BrokenPipeError, ConnectionResetError):
            pass  # the server reads on for a while only
        peer.socket.close()
        self.server.wait_for("closed 1008")

    def test_fault_8_a_binary_frame_where_text_is_spoken(self):
        self.start()
        self.assertEqual(self.chat().send(frame(BINARY, b"{}")).close_code(), 1003)

    def test_a_handler_that_throws(self):
        self.start()
        self.assertEqual(self.chat().send(frame(TEXT, b"throw")).close_code(), 1011)
        self.server.wait_for("log handler_failed")
        self.server.wait_for("closed 1011")

    def test_fault_21_connections_of_one_address(self):
        self.start(max_connections_per_address=2)
        first, second = self.chat(), self.chat()
        refused = self.peer().request("GET", "/healthz")
        self.assertEqual(refused.answer()[0], 429)
        self.assertEqual(refused.rest(), b"")
        for peer in (first, second):
            self.assertEqual(peer.send(close_frame(1000)).close_code(), 1000)

    def test_connections_in_all(self):
        self.start(max_connections=1)
        with socket_to(self.server.port):
            status, fields, body = self.peer().request("GET", "/healthz").answer()
            self.assertEqual((status, fields["retry-after"]), (503, "1"))
            self.assertEqual(json.loads(body)["error"]["type"], "unavailable_error")

    # Readers that are slow

    def test_fault_20_a_reader_that_stops_is_told_1013_when_it_goes_on(self):
        self.start(slow_reader=SOON, closing=60_000, max_outbox_bytes=8_000_000)
        peer = self.chat(receive_buffer=4096)
        peer.send(frame(TEXT, b"flood 60 100000"))  # more than the kernel takes for us
        with socket_to(self.server.port, "/chat") as other:  # the rest of the server goes on
            self.assertEqual(other.send(frame(TEXT, b"hello")).message()[1], b"welcome ")
        self.wait_until_given_up()
        count = 0
        while True:
            _, opcode, payload = peer.frame()
            if opcode == CLOSE:
                break
            count += 1
        self.assertLess(count, 60)  # what waited was dropped
        self.assertEqual(int.from_bytes(payload[:2], "big"), 1013)
        self.assertEqual(peer.send(close_frame(1013)).rest(), b"")

    def wait_until_given_up(self):
        """Waits until the server counts a reader that was too slow."""
        with Peer(self.server.port) as watcher:
            while watcher.request("GET", "/slow").answer()[2] == b"0":
                pass

    def test_fault_20_a_reader_that_never_goes_on_is_cut(self):
        self.start(slow_reader=SOON, closing=SOON, max_outbox_bytes=8_000_000)
        self.chat(receive_buffer=4096).send(frame(TEXT, b"flood 60 100000"))
        self.server.wait_for("closed 1013")

    def test_fault_20_an_outbox_that_is_full(self):
        self.start(closing=SOON, max_outbox_bytes=300_000)  # slow_reader is as long as ever
        self.chat(receive_buffer=4096).send(frame(TEXT, b"flood 60 100000"))
        self.server.wait_for("closed 1013")

    # Descriptors

    @unittest.skipIf("undefined" in os.environ.get("BANTER_SANITIZE", ""),
                     "UBSan looks at objects through a pipe and needs descriptors for it")
    def test_fault_22_no_descriptors_left(self):
        server = self.enterContext(Net(prefix=["prlimit", "--nofile=32"]))
        self.server = server
        open_peers = [self.peer() for _ in range(200)]
        server.wait_for("log accept_failed")
        self.assertEqual(open_peers[-1].request("GET", "/healthz").answer()[0], 503)
        for peer in open_peers:
            peer.socket.close()

    # The end

    def test_sigterm_drains_and_closes_with_1001(self):
        self.start(drain_spread=SOON, closing=SOON)
        peers = [self.chat() for _ in range(3)]
        for peer in peers:
            peer.send(frame(TEXT, b"hello")).message()
        idle = self.peer()
        idle.request("GET", "/healthz").answer()
        self.server.process.send_signal(signal.SIGTERM)
        self.assertEqual(idle.rest(), b"")
        for peer in peers:
            self.assertEqual(peer.message(), (TEXT, b"draining"))
            self.assertEqual(peer.close_code(), 1001)
        self.server.wait_for("count 1001 3")
        self.server.wait_for("end")
        self.assertEqual(self.server.process.wait(), 0)

    def test_a_second_signal_does_not_wait(self):
        self.start(drain_spread=3_600_000, closing=3_600_000)
        peers = [self.chat(), self.chat()]
        for peer in peers:
            peer.send(frame(TEXT, b"hello")).message()
        self.server.process.send_signal(signal.SIGTERM)
        self.assertEqual(peers[0].message(), (TEXT, b"draining"))
        self.server.process.send_signal(signal.SIGINT)
        self.assertEqual(peers[1].message(), (TEXT, b"draining"))
        self.assertEqual([peer.close_code() for peer in peers], [1001, 1001])
        self.server.wait_for("end")
        self.assertEqual(self.server.process.wait(), 0)


if __name__ == "__main__":
    unittest.main()
