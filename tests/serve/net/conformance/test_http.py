"""HTTP/1.1 as a server has to speak it, over a bare socket, against net_program."""

import json
import os
import subprocess
import tempfile
import unittest

from program import Net
from raw import TEXT, Peer, frame

KEY = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
HANDSHAKE = ("Upgrade: websocket", "Connection: Upgrade", KEY, "Sec-WebSocket-Version: 13")


def without(name, *instead):
    return [f for f in HANDSHAKE if not f.startswith(name + ":")] + list(instead)


class HttpCase(unittest.TestCase):
    """Tests against one server of the whole class."""

    settings = {}

    @classmethod
    def setUpClass(cls):
        cls.server = cls.enterClassContext(Net(**cls.settings))

    def peer(self, **options):
        return self.enterContext(Peer(self.server.port, **options))

    def ask(self, *arguments, **options):
        return self.peer().request(*arguments, **options).answer()

    def assert_refused(self, status, *arguments, **options):
        """An answer of that status as JSON, and the end of the connection."""
        peer = self.peer().request(*arguments, **options)
        got, fields, body = peer.answer()
        self.assertEqual(got, status, str(arguments)[:99])
        self.assertEqual(fields.get("connection"), "close", str(arguments)[:99])
        self.assertEqual(peer.rest(), b"")
        self.assertEqual(set(json.loads(body)["error"]), {"message", "type", "param", "code"})
        return fields


class HttpTest(HttpCase):
    def test_a_get_and_a_head(self):
        status, fields, body = self.ask("GET", "/healthz")
        self.assertEqual((status, body), (200, b"ok\n"))
        self.assertEqual(fields["content-type"], "text/plain; charset=utf-8")
        self.assertRegex(fields["date"], r"^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$")
        peer = self.peer().request("HEAD", "/healthz")
        status, fields = peer.head()
        self.assertEqual((status, fields["content-length"]), (200, "3"))
        self.assertEqual(peer.request("GET", "/healthz").answer()[2], b"ok\n")

    def test_many_requests_on_one_connection(self):
        peer = self.peer()
        for size in (0, 1, 5000):
            status, _, body = peer.request("POST", "/body", f"Content-Length: {size}",
                                           body=b"x" * size).answer()
            self.assertEqual((status, body.split()[0]), (200, str(size).encode()))

    def test_requests_in_one_packet_are_answered_in_order(self):
        peer = self.peer()
        one = b"GET /items/%d HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n"
        peer.send(*(one % (i, self.server.port) for i in range(5)))
        self.assertEqual([peer.answer()[2] for _ in range(5)], [b"0", b"1", b"2", b"3", b"4"])

    def test_connection_close_and_http_1_0_end_it(self):
        for version, field in (("HTTP/1.1", "Connection: close"), ("HTTP/1.0", "Accept: */*")):
            peer = self.peer().request("GET", "/healthz", field, version=version)
            self.assertEqual(peer.answer()[0], 200)
            self.assertEqual(peer.rest(), b"")

    def test_a_request_byte_by_byte(self):
        peer = self.peer()
        peer.send_bytewise(b"GET /healthz HTTP/1.1\r\nHost: localhost:%d\r\n\r\n"
                           % self.server.port)
        self.assertEqual(peer.answer()[0], 200)

    def test_a_chunked_body(self):
        peer = self.peer().request("POST", "/body?q=1", "Transfer-Encoding: chunked")
        peer.send(b"3\r\nabc\r\n", b"A;name=value\r\n0123456789\r\n", b"0\r\nTrailer: x\r\n\r\n")
        self.assertEqual(peer.answer()[2].split()[:2], [b"13", b"q=1"])
        self.assertEqual(peer.request("GET", "/healthz").answer()[0], 200)

    def test_expect_100_continue(self):
        peer = self.peer().request("POST", "/body", "Expect: 100-continue", "Content-Length: 2")
        self.assertEqual(peer.take_line(), "HTTP/1.1 100 Continue")
        self.assertEqual(peer.take_line(), "")
        self.assertEqual(peer.send(b"ab").answer()[2].split()[0], b"2")
        self.assert_refused(417, "POST", "/body", "Expect: miracles", "Content-Length: 2")

    def test_a_path_of_the_table_and_none_besides(self):
        self.assertEqual(self.ask("GET", "/items/a%2Fb")[2], b"a%2Fb")
        for path in ("/", "/items/", "/items/a/b", "/../etc/passwd", "/%2e%2e/", "//healthz",
                     "/healthz/", "/HEALTHZ", "/echo/x"):
            status, fields, _ = self.ask("GET", path)
            self.assertEqual((status, "allow" in fields), (404, False), path)

    def test_another_method_is_405_with_allow(self):
        for method, path, allow in (("POST", "/healthz", "GET, HEAD"), ("POST", "/echo", "GET"),
                                    ("PUT", "/body", "POST, GET, HEAD"),
                                    ("BREW", "/healthz", "GET, HEAD")):
            status, fields, _ = self.ask(method, path)
            self.assertEqual((status, fields["allow"]), (405, allow))

    def test_what_a_handler_throws(self):
        peer = self.peer()
        status, _, body = peer.request("GET", "/fail").answer()
        self.assertEqual((status, json.loads(body)["error"]["type"]), (500, "server_error"))
        self.assertNotIn(b"nobody", body)
        status, fields, _ = peer.request("GET", "/busy").answer()
        self.assertEqual((status, fields["retry-after"]), (429, "2"))

    def test_fault_9_hosts(self):
        self.assert_refused(400, "GET", "/healthz", host="")
        self.assert_refused(400, "GET", "/healthz", "Host: localhost")
        port = self.server.port
        for host in (f"localhost:{port}", f"LOCALHOST:{port}", f"chat.example.org:{port}"):
            self.assertEqual(self.ask("GET", "/healthz", host=host)[0], 200)
        for host in ("localhost", f"evil.example.com:{port}", f"127.0.0.1.:{port}", "127.0.0.1:1"):
            self.assertEqual(self.ask("GET", "/healthz", host=host)[0], 403, host)

    def test_fault_10_too_many_fields(self):
        self.assertEqual(self.ask("GET", "/healthz", *["X: y"] * 63)[0], 200)
        self.assertEqual(self.ask("GET", "/healthz", *["X: y"] * 64)[0], 431)
        self.assert_refused(431, "GET", "/healthz", *["X: y"] * 2000)

    def test_fault_10_a_long_header_and_a_long_target(self):
        self.assert_refused(431, "GET", "/healthz", "X: " + "y" * 9000)
        self.assert_refused(414, "GET", "/" + "x" * 100_000)

    def test_fault_11_lengths_that_disagree(self):
        for fields in (["Transfer-Encoding: chunked", "Content-Length: 3"],
                       ["Transfer-Encoding: gzip"], ["Transfer-Encoding: chunked, gzip"],
                       ["Transfer-Encoding: gzip, chunked"], ["Transfer-Encoding: xchunked"],
                       ["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"],
                       ["Content-Length: 3", "Content-Length: 4"], ["Content-Length: -1"],
                       ["Content-Length: 3x"], ["Content-Length: 99999999999999999999"]):
            self.assert_refused(400, "POST", "/body", *fields, body=b"3\r\nabc\r\n0\r\n\r\n")

    def test_fault_11_chunks_that_are_none(self):
        for body in (b"zz\r\n", b"3\r\nabcX\r\n0\r\n\r\n", b"fffffffffffffffff\r\n",
                     b"3;" + b"x" * 9000, b"0\r\n" + b"T: y\r\n" * 3000 + b"\r\n"):
            peer = self.peer().request("POST", "/body", "Transfer-Encoding: chunked", body=body)
            self.assertIn(peer.answer()[0], (400, 431), body[:20])
            self.assertEqual(peer.rest(), b"")

    def test_a_body_that_is_too_long(self):
        limit = 262_144
        self.assertEqual(self.ask("POST", "/body", f"Content-Length: {limit}",
                                  body=b"x" * limit)[0], 200)
        self.assert_refused(413, "POST", "/body", f"Content-Length: {limit + 1}")
        peer = self.peer().request("POST", "/body", "Transfer-Encoding: chunked")
        peer.send(b"40001\r\n")
        self.assertEqual(peer.answer()[0], 413)

    def test_fault_14_bytes_that_are_no_request(self):
        for data in (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200),
                     b"SSH-2.0-OpenSSH_9.2p1\r\n", bytes(range(256)), b"GET /\r\n\r\n",
                     b"GET / HTTP/2.0\r\n\r\n", b"G\0T / HTTP/1.1\r\n\r\n",
                     b"GET / HTTP/1.1\r\nHost: a\r\n folded: b\r\nX : y\r\n\r\n"):
            peer = self.peer().send(data)
            self.assertEqual(peer.answer()[0], 400, data[:20])
            self.assertEqual(peer.rest(), b"")
        self.peer().socket.close()  # and a connection that says nothing
        self.assertEqual(self.ask("GET", "/healthz")[0], 200)

    def test_targets_that_are_no_path(self):
        for target in ("http://localhost/healthz", "*", "localhost:80"):
            self.assertEqual(self.ask("GET", target)[0], 400, target)


class HandshakeTest(HttpCase):
    def test_fault_9_handshakes_that_are_none(self):
        for status, fields in ((400, without("Sec-WebSocket-Key")),
                               (400, without("Sec-WebSocket-Key", "Sec-WebSocket-Key: c2hvcnQ=")),
                               (400, without("Sec-WebSocket-Key", KEY, KEY)),
                               (400, without("Connection", "Connection: keep-alive")),
                               (400, [*HANDSHAKE, "Content-Length: 3"]),
                               (426, without("Upgrade")),
                               (426, without("Upgrade", "Upgrade: h2c")),
                               (426, without("Sec-WebSocket-Version")),
                               (426, without("Sec-WebSocket-Version", "Sec-WebSocket-Version: 8"))):
            answer = self.assert_refused(status, "GET", "/echo", *fields)
            if status == 426:
                self.assertEqual(answer["sec-websocket-version"], "13")
        self.assertEqual(self.ask("POST", "/echo", *HANDSHAKE)[0], 405)
        self.assertEqual(self.ask("GET", "/nothing", *HANDSHAKE)[0], 404)
        self.assert_refused(400, "GET", "/echo", *HANDSHAKE, version="HTTP/1.0")

    def test_the_subprotocol(self):
        peer = self.peer()
        self.assertEqual(peer.upgrade("/chat", "Sec-WebSocket-Protocol: other, chat.v1")
                         ["sec-websocket-protocol"], "chat.v1")
        self.assertNotIn("sec-websocket-protocol", self.peer().upgrade("/chat"))
        self.assert_refused(400, "GET", "/chat", *HANDSHAKE, "Sec-WebSocket-Protocol: chat.v2")

    def test_fault_13_deflate_is_not_agreed_on(self):
        fields = self.peer().upgrade("/echo", "Sec-WebSocket-Extensions: permessage-deflate")
        self.assertNotIn("sec-websocket-extensions", fields)

    def test_frames_that_come_with_the_handshake(self):
        peer = self.peer()
        peer.upgrade("/echo", early=frame(TEXT, b"early"))
        self.assertEqual(peer.message(), (TEXT, b"early"))

    def test_fault_12_origins(self):
        port = self.server.port
        own = (f"http://127.0.0.1:{port}", f"http://localhost:{port}", "https://good.example.com")
        for origin in own:
            self.peer().upgrade("/chat", f"Origin: {origin}")
        for origin in ("null", "https://good.example.com.evil.com", "http://good.example.com",
                       "https://good.example.com:444", f"https://127.0.0.1:{port}",
                       "http://127.0.0.1", "https://evil.com/https://good.example.com", ""):
            status, _, _ = self.ask("GET", "/chat", *HANDSHAKE, f"Origin: {origin}")
            self.assertEqual(status, 403, origin)
            self.assertEqual(self.ask("GET", "/healthz", f"Origin: {origin}")[0], 403, origin)
        self.peer().upgrade("/echo", "Origin: https://anyone.example")  # the echo asks nobody

    def test_cors_for_listed_origins_only(self):
        good = "Origin: https://good.example.com"
        asked = "Access-Control-Request-Method: POST"
        status, fields, _ = self.ask("OPTIONS", "/body", good, asked)
        self.assertEqual((status, fields["access-control-allow-methods"]), (204, "POST, GET, HEAD"))
        self.assertEqual(fields["access-control-allow-origin"], "https://good.example.com")
        self.assertNotIn("access-control-allow-credentials", fields)
        status, fields, _ = self.ask("OPTIONS", "/body", "Origin: https://evil.com", asked)
        self.assertEqual(status, 403)
        self.assertNotIn("access-control-allow-origin", fields)
        self.assertNotIn("access-control-allow-origin", self.ask("GET", "/healthz")[1])


class TokenTest(HttpCase):
    @classmethod
    def setUpClass(cls):
        file = cls.enterClassContext(tempfile.NamedTemporaryFile("w"))
        # SHA-256 of "secret" and of "other"
        file.write("# tokens\n"
                   "ann 2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b\n"
                   "bo d9298a10d1b0735837dc4bd85dac641b0f3cef27a47e5d53a54f2f3f5b2fcffa\n")
        file.flush()
        cls.settings = {"tokens": file.name, "proxy": "127.0.0.1"}
        super().setUpClass()

    def test_a_route_that_wants_a_token(self):
        for fields in ([], ["Authorization: Basic c2VjcmV0"], ["Authorization: Bearer"],
                       ["Authorization: Bearer wrong"], ["Authorization: Bearer secre"]):
            status, answer, _ = self.ask("GET", "/secret", *fields)
            self.assertEqual((status, answer["www-authenticate"]), (401, "Bearer"), fields)
        for token, name in (("secret", b"ann"), ("other", b"bo")):
            status, _, body = self.ask("GET", "/secret", f"Authorization: bearer {token}")
            self.assertEqual((status, body.split()[-1]), (200, name))
        self.assertEqual(self.ask("GET", "/healthz")[0], 200)
        self.assertEqual(self.ask("GET", "/healthz", "Authorization: Bearer wrong")[0], 401)

    def test_a_websocket_needs_an_origin_or_a_token(self):
        self.assertEqual(self.ask("GET", "/chat", *HANDSHAKE)[0], 403)
        self.assertEqual(self.ask("GET", "/chat", *HANDSHAKE, "Authorization: Bearer x")[0], 401)
        peer = self.peer()
        peer.upgrade("/chat", "Authorization: Bearer secret")
        self.assertEqual(peer.send(frame(TEXT, b"hello")).message(), (TEXT, b"welcome ann"))
        self.peer().upgrade("/chat", f"Origin: http://localhost:{self.server.port}")

    def test_the_address_behind_a_listed_proxy(self):
        def address(*fields):
            return self.ask("GET", "/body", *fields)[2].split()[1].decode()

        self.assertEqual(address(), "127.0.0.1")
        self.assertEqual(address("X-Forwarded-For: 10.0.0.1, 192.0.2.7"), "192.0.2.7")
        self.assertEqual(address("X-Forwarded-For: 192.0.2.7, 127.0.0.1"), "192.0.2.7")
        self.assertEqual(address("X-Forwarded-For: 192.0.2.7", "X-Forwarded-For: 192.0.2.8"),
                         "192.0.2.8")


class EventTest(HttpCase):
    settings = {"event_ping": 20}

    def test_events_are_framed_and_the_connection_goes_on(self):
        peer = self.peer().request("GET", "/events")
        status, fields = peer.head()
        self.assertEqual(status, 200)
        self.assertEqual(fields["content-type"], "text/event-stream; charset=utf-8")
        self.assertEqual((fields["cache-control"], fields["x-accel-buffering"]), ("no-store", "no"))
        self.assertEqual(b"".join(peer.chunks()), b"data: one\n\ndata: two\ndata: lines\n\n"
                                                  b"data: three\n\ndata: [DONE]\n\n")
        self.assertEqual(peer.request("GET", "/healthz").answer()[0], 200)

    def test_http_1_0_gets_them_until_the_end_of_the_connection(self):
        peer = self.peer().request("GET", "/events", version="HTTP/1.0")
        self.assertNotIn("transfer-encoding", peer.head()[1])
        self.assertTrue(peer.rest().endswith(b"data: three\n\ndata: [DONE]\n\n"))

    def test_a_silent_stream_is_kept_alive_and_its_end_is_seen(self):
        peer = self.peer().request("GET", "/endless")
        peer.head()
        chunks = peer.chunks()
        self.assertEqual(next(chunks), b"data: one\n\n")
        self.assertEqual(next(chunks), b": ping\n\n")
        self.assertEqual(next(chunks), b": ping\n\n")
        peer.socket.close()
        self.server.wait_for("gone /endless")

    def test_a_handler_learns_that_its_client_has_gone(self):
        peer = self.peer().request("GET", "/stuck")
        peer.request("GET", "/healthz")  # what comes behind the request changes nothing
        peer.socket.close()
        self.server.wait_for("gone /stuck")


class TlsTest(HttpCase):
    @classmethod
    def setUpClass(cls):
        folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        files = {"certificate": f"{folder}/chain.pem", "key": f"{folder}/key.pem"}
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-subj", "/CN=localhost", "-days", "2", "-keyout", files["key"], "-out",
             files["certificate"]], check=True, capture_output=True)
        cls.settings = files
        super().setUpClass()

    def test_http_and_websocket_inside_of_tls(self):
        peer = self.peer(tls=True)
        self.assertEqual(peer.request("GET", "/healthz").answer()[2], b"ok\n")
        peer.upgrade("/chat", f"Origin: https://localhost:{self.server.port}")
        peer.send(frame(TEXT, b"hello"), frame(TEXT, b"x" * 60_000))
        self.assertEqual(peer.message()[1], b"welcome ")
        self.assertEqual(peer.message()[1], b"x" * 60_000)
        peer.send(frame(TEXT, b"close"))
        self.assertEqual(peer.message()[1], b"last")
        self.assertEqual(peer.close_code(), 4409)

    def test_a_handler_learns_of_the_end_inside_of_tls_too(self):
        peer = self.peer(tls=True).request("GET", "/stuck")
        peer.socket.close()
        self.server.wait_for("gone /stuck")

    def test_fault_14_plain_http_on_a_tls_port(self):
        self.peer().request("GET", "/healthz").rest()
        self.assertEqual(self.peer(tls=True).request("GET", "/healthz").answer()[0], 200)


class UnixSocketTest(unittest.TestCase):
    def test_it_serves_and_is_its_owners_alone(self):
        with tempfile.TemporaryDirectory() as folder:
            path = f"{folder}/banter.sock"
            with Net(unix=path) as server:
                self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
                with Peer(path=path) as peer:
                    self.assertEqual(peer.request("GET", "/healthz", host="any").answer()[0], 200)
                    peer.upgrade("/echo")
                    self.assertEqual(peer.send(frame(TEXT, b"x")).message(), (TEXT, b"x"))
                self.assertEqual(server.stop(), 0)
            self.assertFalse(os.path.exists(path))


if __name__ == "__main__":
    unittest.main()
