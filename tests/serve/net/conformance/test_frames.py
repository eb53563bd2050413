"""WebSocket frames against `banter serve --echo`. Each test names the section of the Autobahn test
suite that it mirrors; sections 9 (speed), 12 and 13 (compression) have nothing to mirror."""

import struct
import unittest

from program import Echo
from raw import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, close_frame, frame, socket_to

SIZES = (0, 125, 126, 127, 128, 65535, 65536)
HELLO = "Hello-µ@ßöäüàá-UTF-8!!".encode()

# Section 6: what is UTF-8 and what is not (the cases of Markus Kuhn's test file).
GOOD_UTF8 = (
    HELLO, "κόσμε".encode(), b"\x00", b"\xc2\x80", b"\xe0\xa0\x80", b"\xf0\x90\x80\x80", b"\x7f",
    b"\xdf\xbf", b"\xef\xbf\xbf", b"\xf4\x8f\xbf\xbf", b"\xed\x9f\xbf", b"\xee\x80\x80",
    b"\xef\xbf\xbd", b"\xef\xbf\xbe", b"\xef\xbf\xbf", b"\xf0\x9f\xbf\xbe", b"\xf3\xbf\xbf\xbf")
BAD_UTF8 = (
    b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited", b"\xf8\x88\x80\x80\x80",
    b"\xfc\x84\x80\x80\x80\x80", b"\xf7\xbf\xbf\xbf", b"\xfb\xbf\xbf\xbf\xbf",
    b"\xfd\xbf\xbf\xbf\xbf\xbf", b"\xf4\x90\x80\x80", b"\x80", b"\xbf", b"\x80\xbf",
    b"\x80\xbf\x80", b"\xc0 \xc1 ", b"\xe0 \xe1 \xef ", b"\xf0 \xf7 ", b"\xf8 \xfb ", b"\xfc \xfd ",
    b"\xc0", b"\xe0\x80", b"\xf0\x80\x80", b"\xf8\x80\x80\x80", b"\xdf", b"\xef\xbf",
    b"\xf7\xbf\xbf", b"\xfe", b"\xff", b"\xfe\xfe\xff\xff", b"\xc0\xaf", b"\xe0\x80\xaf",
    b"\xf0\x80\x80\xaf", b"\xf8\x80\x80\x80\xaf", b"\xc1\xbf", b"\xe0\x9f\xbf",
    b"\xf0\x8f\xbf\xbf", b"\xc0\x80", b"\xe0\x80\x80", b"\xf0\x80\x80\x80", b"\xed\xa0\x80",
    b"\xed\xad\xbf", b"\xed\xae\x80", b"\xed\xaf\xbf", b"\xed\xb0\x80", b"\xed\xbe\x80",
    b"\xed\xbf\xbf", b"\xed\xa0\x80\xed\xb0\x80", b"\xed\xaf\xbf\xed\xbf\xbf")


class FrameTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = cls.enterClassContext(Echo())

    def tearDown(self):
        with self.open() as canary:  # whatever was done, the next client is served
            canary.send(frame(TEXT, b"still there?"))
            self.assertEqual(canary.message(), (TEXT, b"still there?"))

    def open(self):
        return socket_to(self.server.port)

    def assert_echo(self, opcode, payload, *frames):
        with self.open() as peer:
            peer.send(*frames)
            self.assertEqual(peer.message(), (opcode, payload))
            peer.send(close_frame(1000))
            self.assertEqual(peer.close_code(), 1000)

    def assert_closed(self, code, *frames):
        with self.open() as peer:
            peer.send(*frames)
            self.assertEqual(peer.close_code(), code, frames)

    def test_1_1_text_and_1_2_binary_of_each_size(self):
        for opcode, byte in ((TEXT, b"*"), (BINARY, b"\xfe")):
            for size in SIZES:
                self.assert_echo(opcode, byte * size, frame(opcode, byte * size))

    def test_1_1_8_in_pieces_of_997_bytes(self):
        data = frame(TEXT, b"*" * 65536)
        with self.open() as peer:
            for at in range(0, len(data), 997):
                peer.send(data[at:at + 997])
            self.assertEqual(peer.message(), (TEXT, b"*" * 65536))

    def test_2_1_to_2_4_pings_are_answered(self):
        for payload in (b"", b"Hello, world!", b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff", b"\xfe" * 125):
            with self.open() as peer:
                peer.send(frame(PING, payload))
                self.assertEqual(peer.frame(), (True, PONG, payload))

    def test_2_5_a_ping_of_126_bytes_is_refused(self):
        self.assert_closed(1002, frame(PING, b"\xfe" * 126))

    def test_2_6_a_ping_byte_by_byte(self):
        with self.open() as peer:
            peer.send_bytewise(frame(PING, b"\xfe" * 125))
            self.assertEqual(peer.frame(), (True, PONG, b"\xfe" * 125))

    def test_2_7_to_2_9_pongs_nobody_asked_for(self):
        with self.open() as peer:
            peer.send(frame(PONG), frame(PONG, b"unsolicited"), frame(PING, b"payload"))
            self.assertEqual(peer.frame(), (True, PONG, b"payload"))

    def test_2_10_ten_pings(self):
        with self.open() as peer:
            peer.send(*(frame(PING, b"payload-%d" % i) for i in range(10)))
            for i in range(10):
                self.assertEqual(peer.frame(), (True, PONG, b"payload-%d" % i))

    def test_2_11_ten_pings_byte_by_byte(self):
        with self.open() as peer:
            peer.send_bytewise(b"".join(frame(PING, b"payload-%d" % i) for i in range(10)))
            for i in range(10):
                self.assertEqual(peer.frame(), (True, PONG, b"payload-%d" % i))

    def test_3_reserved_bits(self):
        for rsv in range(1, 8):
            self.assert_closed(1002, frame(TEXT, HELLO, rsv=rsv))
            self.assert_closed(1002, frame(PING, b"", rsv=rsv))
            self.assert_closed(1002, frame(CLOSE, b"", rsv=rsv))

    def test_4_reserved_opcodes(self):
        for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15):
            self.assert_closed(1002, frame(opcode))
            self.assert_closed(1002, frame(opcode, b"reserved opcode payload"))

    def test_5_1_and_5_2_fragmented_control_frames(self):
        self.assert_closed(1002, frame(PING, b"a", fin=False), frame(CONTINUATION, b"b"))
        self.assert_closed(1002, frame(PONG, b"a", fin=False), frame(CONTINUATION, b"b"))

    def test_5_3_to_5_5_a_message_in_two_frames(self):
        parts = frame(TEXT, b"one", fin=False), frame(CONTINUATION, b"two")
        self.assert_echo(TEXT, b"onetwo", *parts)
        with self.open() as peer:
            peer.send(parts[0])
            peer.send(parts[1])
            self.assertEqual(peer.message(), (TEXT, b"onetwo"))
        with self.open() as peer:
            peer.send_bytewise(b"".join(parts))
            self.assertEqual(peer.message(), (TEXT, b"onetwo"))

    def test_5_6_to_5_8_a_ping_between_two_frames(self):
        with self.open() as peer:
            peer.send(frame(TEXT, b"one", fin=False), frame(PING, b"ping"),
                      frame(CONTINUATION, b"two"))
            self.assertEqual(peer.frame(), (True, PONG, b"ping"))
            self.assertEqual(peer.message(), (TEXT, b"onetwo"))

    def test_5_9_to_5_14_a_continuation_of_nothing(self):
        for fin in (True, False):
            self.assert_closed(1002, frame(CONTINUATION, b"non-continuation", fin=fin),
                               frame(TEXT, b"Hello, world!"))

    def test_5_15_a_continuation_behind_a_whole_message(self):
        with self.open() as peer:
            peer.send(frame(TEXT, b"1", fin=False), frame(CONTINUATION, b"2"),
                      frame(CONTINUATION, b"3", fin=False), frame(TEXT, b"4"))
            self.assertEqual(peer.message(), (TEXT, b"12"))
            self.assertEqual(peer.close_code(), 1002)

    def test_5_16_and_5_17_continuations_before_a_message(self):
        for fin in (False, True):
            self.assert_closed(1002, frame(CONTINUATION, b"1", fin=fin),
                               frame(TEXT, b"2", fin=False), frame(CONTINUATION, b"3"))

    def test_5_18_a_new_message_inside_a_message(self):
        self.assert_closed(1002, frame(TEXT, b"1", fin=False), frame(TEXT, b"2"))

    def test_5_19_and_5_20_five_frames_and_two_pings(self):
        with self.open() as peer:
            peer.send(frame(TEXT, b"1", fin=False), frame(CONTINUATION, b"2", fin=False),
                      frame(PING, b"first"), frame(CONTINUATION, b"3", fin=False),
                      frame(CONTINUATION, b"4", fin=False), frame(PING, b"second"),
                      frame(CONTINUATION, b"5"))
            self.assertEqual(peer.frame(), (True, PONG, b"first"))
            self.assertEqual(peer.frame(), (True, PONG, b"second"))
            self.assertEqual(peer.message(), (TEXT, b"12345"))

    def test_6_1_empty_frames(self):
        self.assert_echo(TEXT, b"", frame(TEXT))
        empty = frame(TEXT, fin=False), frame(CONTINUATION, fin=False)
        self.assert_echo(TEXT, b"", *empty, frame(CONTINUATION))
        self.assert_echo(TEXT, b"middle", frame(TEXT, fin=False),
                         frame(CONTINUATION, b"middle", fin=False), frame(CONTINUATION))

    def test_6_2_and_6_5_to_6_23_good_utf8(self):
        for text in GOOD_UTF8:
            self.assert_echo(TEXT, text, frame(TEXT, text))

    def test_6_2_good_utf8_cut_anywhere(self):
        for at in range(len(HELLO)):
            self.assert_echo(TEXT, HELLO, frame(TEXT, HELLO[:at], fin=False),
                             frame(CONTINUATION, HELLO[at:]))
        frames = [frame(CONTINUATION, bytes([byte]), fin=False) for byte in HELLO]
        self.assert_echo(TEXT, HELLO, frame(TEXT, fin=False), *frames, frame(CONTINUATION))

    def test_6_3_to_6_21_bad_utf8(self):
        for text in BAD_UTF8:
            self.assert_closed(1007, frame(TEXT, text))

    def test_6_3_bad_utf8_a_byte_a_frame(self):
        for text in BAD_UTF8:
            frames = [frame(CONTINUATION, bytes([byte]), fin=False) for byte in text]
            self.assert_closed(1007, frame(TEXT, fin=False), *frames, frame(CONTINUATION))

    def test_6_4_bad_utf8_fails_before_the_message_ends(self):
        self.assert_closed(1007, frame(TEXT, "κόσμε".encode() + b"\xf4\x90", fin=False))
        with self.open() as peer:  # inside of one frame, whose end never comes
            peer.send(frame(TEXT, b"\xf4\x90" + b"x" * 2000)[:1000])
            self.assertEqual(peer.close_code(), 1007)

    def test_7_1_1_a_message_then_close(self):
        self.assert_echo(TEXT, b"Hello World!", frame(TEXT, b"Hello World!"))

    def test_7_1_2_to_7_1_5_what_comes_behind_a_close_is_dropped(self):
        for behind in (close_frame(1000), frame(PING, b"x"), frame(TEXT, b"x"),
                       frame(CONTINUATION, b"x"), b"\xff" * 40):
            self.assert_closed(1000, close_frame(1000), behind)
        self.assert_closed(1000, frame(TEXT, b"fragment", fin=False), close_frame(1000))

    def test_7_3_payloads_of_close(self):
        with self.open() as peer:
            peer.send(close_frame())
            self.assertIn(peer.close_code(), (None, 1000))
        self.assert_closed(1002, frame(CLOSE, b"\x03"))
        self.assert_closed(1000, close_frame(1000))
        self.assert_closed(1000, close_frame(1000, b"Hello World!"))
        self.assert_closed(1000, close_frame(1000, b"*" * 123))
        self.assert_closed(1002, close_frame(1000, b"*" * 124))

    def test_7_5_a_reason_that_is_not_utf8(self):
        with self.open() as peer:
            peer.send(close_frame(1000, "κόσμε".encode() + b"\xed\xa0\x80edited"))
            self.assertIn(peer.close_code(), (1002, 1007))

    def test_7_7_codes_that_may_be_sent(self):
        for code in (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 3000, 3999,
                     4000, 4999):
            self.assert_closed(code, close_frame(code))

    def test_7_9_codes_that_may_not(self):
        for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999):
            self.assert_closed(1002, close_frame(code))

    def test_10_1_a_message_in_frames_of_1300_bytes(self):
        text = b"*" * 65536
        parts = [text[at:at + 1300] for at in range(0, len(text), 1300)]
        frames = [frame(TEXT if i == 0 else CONTINUATION, part, fin=i == len(parts) - 1)
                  for i, part in enumerate(parts)]
        self.assert_echo(TEXT, text, *frames)

    def test_an_unmasked_frame(self):
        self.assert_closed(1002, frame(TEXT, b"bare", mask=None))

    def test_lengths_that_lie(self):
        self.assert_closed(1002, frame(TEXT, b"x", length=16))  # not the shortest form
        self.assert_closed(1002, frame(TEXT, b"x" * 126, length=64))
        for length in (2**63 - 1, 2**63, 2**64 - 1):
            with self.open() as peer:
                peer.send(frame(TEXT, b"", length=b"\x7f" + struct.pack("!Q", length)))
                self.assertIn(peer.close_code(), (1002, 1009))

    def test_a_message_of_16_mib_and_one_byte_more(self):
        data = b"\xfe" * (16 << 20)
        self.assert_echo(BINARY, data, frame(BINARY, data))
        self.assert_closed(1009, frame(BINARY, data + b"\xfe")[:4096])


if __name__ == "__main__":
    unittest.main()
