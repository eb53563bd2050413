"""What people, programs and networks do wrong, for soak.py. Each fault is a function of the soak
and its draws, on sockets of its own; it checks what the server says to it, where it is certain."""

import json
import socket
import struct
import threading
import time

from raw import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Peer, close_frame, frame

COMPLETIONS = "/v1/chat/completions"
JSON = "Content-Type: application/json"
CHUNKED = "Transfer-Encoding: chunked"
UPGRADE = ("Upgrade: websocket", "Connection: Upgrade")
KEY = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
VERSION = "Sec-WebSocket-Version: 13"

# Status, method, target, fields, body.
BAD_REQUESTS = (
    (404, "GET", "/../etc/passwd", (), b""),
    (404, "GET", "/%2e%2e/", (), b""),
    (404, "GET", "//healthz", (), b""),
    (405, "POST", "/healthz", (), b""),
    (405, "GET", COMPLETIONS, (), b""),
    (431, "GET", "/healthz", ("X: y",) * 2000, b""),
    (431, "GET", "/healthz", ("X: " + "y" * 9000,), b""),
    (414, "GET", "/" + "x" * 100_000, (), b""),
    (403, "GET", "/healthz", ("Origin: https://evil.example",), b""),
    (403, "GET", "/v1/chat", (*UPGRADE, KEY, VERSION, "Origin: null"), b""),
    (400, "GET", "/v1/chat", (*UPGRADE, VERSION), b""),
    (400, "GET", "/v1/chat", (*UPGRADE, KEY, VERSION, "Sec-WebSocket-Protocol: chat.v2"), b""),
    (426, "GET", "/v1/chat", (*UPGRADE, KEY, "Sec-WebSocket-Version: 8"), b""),
    (426, "GET", "/v1/chat", (), b""),
    (400, "POST", COMPLETIONS, (CHUNKED, "Content-Length: 3"), b"3\r\nabc\r\n0\r\n\r\n"),
    (400, "POST", COMPLETIONS, ("Transfer-Encoding: gzip",), b""),
    (400, "POST", COMPLETIONS, ("Content-Length: -1",), b""),
    (400, "POST", COMPLETIONS, (CHUNKED,), b"zz\r\n"),
    (400, "POST", COMPLETIONS, (CHUNKED,), b"fffffffffffffffff\r\n"),
    (413, "POST", COMPLETIONS, (JSON, "Content-Length: 262145"), b""),
    (415, "POST", COMPLETIONS, ("Content-Length: 2",), b"{}"),
    (400, "POST", COMPLETIONS, (JSON, "Content-Length: 1"), b"{"),
    (400, "POST", COMPLETIONS, (JSON, "Content-Length: 3000"), b"[" * 3000),
)

# Fields of a completion that are refused.
BAD_FIELDS = ({"temperature": -1}, {"top_p": 0}, {"n": 10**9}, {"max_tokens": -1}, {"stop": 5},
              {"messages": []}, {"banter": {"beam_size": 10**9}}, {"logit_bias": {"1": 101}})

# Bytes that are no HTTP.
NO_HTTP = (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200),  # a TLS greeting
           b"SSH-2.0-OpenSSH_9.2p1\r\n", bytes(range(256)), b"GET /\r\n\r\n",
           b"GET / HTTP/2.0\r\n\r\n", b"G\0T / HTTP/1.1\r\n\r\n")

# Frames, and the codes that they may be closed with.
BAD_FRAMES = {
    "unmasked": ((1002,), frame(TEXT, b"{}", mask=None)),
    "reserved bit": ((1002,), frame(TEXT, b"{}", rsv=4)),
    "reserved opcode": ((1002,), frame(3)),
    "ping in pieces": ((1002,), frame(PING, b"a", fin=False) + frame(CONTINUATION, b"b")),
    "long ping": ((1002,), frame(PING, b"x" * 126)),
    "continuation of nothing": ((1002,), frame(CONTINUATION, b"x")),
    "bad UTF-8": ((1007,), frame(TEXT, b"\xed\xa0\x80")),
    "UTF-8 cut in frames": ((1007,), frame(TEXT, b"\xc3", fin=False) + frame(CONTINUATION, b"x")),
    "oversize": ((1009,), frame(TEXT, b"x" * 65537)),
    "length of 2^64": ((1002, 1009), frame(BINARY, length=b"\x7f" + b"\xff" * 8)),
    "ping flood": ((1008,), frame(PING, b"x") * 2000),
    "pong flood": ((1008,), frame(PONG, b"x" * 125) * 2000),
    "endless fragments": ((1008,), frame(TEXT, fin=False) + frame(CONTINUATION, fin=False) * 5000),
    "binary": ((1003,), frame(BINARY, b"{}")),
    "close code 1005": ((1002,), close_frame(1005)),
    "close of one byte": ((1002,), frame(CLOSE, b"x")),
    "no JSON five times": ((4400,), frame(TEXT, b"{") * 5),
}

# Texts of frames, and the errors that answer them.
BAD_TEXTS = (
    ("bad_json", "{"), ("bad_json", "[" * 3000), ("bad_json", '{"type":"ping","t":1e999}'),
    ("bad_json", '{"type":"reset","type":"reset"}'), ("bad_request", "null"),
    ("unknown_type", '{"type":"nothing"}'), ("bad_request", '{"type":"message","id":"m"}'),
    ("bad_request", '{"type":"message","id":"m","text":" "}'),
    ("bad_request", '{"type":"message","id":"' + "m" * 65 + '","text":"x"}'),
    ("bad_request", '{"type":"message","id":7,"text":"x"}'),
    ("bad_request", '{"type":"hello"}'), ("not_found", '{"type":"regenerate","id":"m","turn":7}'),
    ("not_found", '{"type":"rate","turn":70,"value":1}'),
    ("bad_request", '{"type":"rate","turn":1,"value":2}'),
    ("not_found", '{"type":"session.update","persona":{"id":"nobody"}}'),
    ("too_long", json.dumps({"type": "message", "id": "m", "text": "w" * 60_000})),
    *(("bad_request", json.dumps({"type": "session.update", "decode": {field: value}}))
      for field, value in (("top_p", 0), ("temperature", -1), ("temperature", "hot"), ("n", 0),
                           ("beam_size", 10**9), ("max_new_tokens", -1), ("strategy", "x"))),
)


class Visitor:
    """A chat.v1 client on a bare socket."""

    def __init__(self, soak, resume=None, address="127.0.0.1", **options):
        self.peer = Peer(soak.port, **options)
        self.peer.upgrade("/v1/chat", "Sec-WebSocket-Protocol: chat.v1",
                          f"X-Forwarded-For: {address}")
        self.tell({"type": "hello", **({"resume": resume} if resume else {})})
        self.ready = self.next("ready", "error")

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.peer.socket.close()

    def tell(self, value):
        text = value if isinstance(value, str) else json.dumps(value)
        self.peer.send(frame(TEXT, text.encode()))

    def next(self, *types):
        while (got := json.loads(self.peer.message()[1]))["type"] not in types:
            pass
        return got

    def say(self, id, text):
        """A turn that has to be made."""
        self.tell({"type": "message", "id": id, "text": text})
        done = self.next("done", "error")
        assert (done["type"], done["id"]) == ("done", id), done
        return done

    def where(self):
        return {"session": self.ready["session"], "resume_token": self.ready["resume_token"],
                "epoch": self.ready["epoch"], "last_seq": self.ready["seq"]}


def assert_closed(peer, *codes):
    """One of these codes closes the connection, and nothing comes behind it."""
    code = peer.later_close_code()
    assert code in codes, (code, codes)


def vanish(peer, draws):
    """Leaves: in order, with a reset, or by ending only its own side."""
    way = draws.choice(("close", "reset", "half"))
    if way == "reset":
        peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    elif way == "half":
        peer.socket.shutdown(socket.SHUT_WR)
        peer.rest()
    peer.socket.close()


# ---- HTTP ---------------------------------------------------------------------------------------


def bad_request(soak, draws):
    status, method, target, fields, body = draws.choice(BAD_REQUESTS)
    got, _, answer = soak.ask(method, target, *fields, body=body)
    assert got == status, (got, status, method, target[:40], str(fields)[:80])
    assert set(json.loads(answer)["error"]) == {"message", "type", "param", "code"}, answer


def bad_field(soak, draws):
    field = draws.choice(BAD_FIELDS)
    question = {"model": soak.model, "messages": [{"role": "user", "content": "hello"}]}
    status, _, answer = soak.post(COMPLETIONS, {**question, **field})
    assert status == 400, (status, field, answer)
    status, _, answer = soak.post(COMPLETIONS, {**question, "model": "other"})
    assert status == 404, (status, answer)


def no_http(soak, draws):
    with Peer(soak.port) as peer:
        assert peer.send(draws.choice(NO_HTTP)).answer()[0] == 400
        assert peer.rest() == b""


def random_bytes(soak, draws):
    with Peer(soak.port) as peer:
        peer.send(draws.randbytes(draws.randrange(1, 4000)))
        peer.socket.shutdown(socket.SHUT_WR)
        said = peer.rest()
        assert said == b"" or said.startswith(b"HTTP/1.1 4"), said[:80]


def silence(soak, draws):
    """A connection that says nothing: until it is closed, or until it leaves."""
    with Peer(soak.port) as peer:
        if draws.random() < 0.3:
            assert peer.rest() == b""
        else:
            time.sleep(draws.uniform(0, 0.5))


def slow_header(soak, draws):
    with Peer(soak.port) as peer:
        for byte in b"GET / HTTP"[:draws.randint(1, 10)]:
            peer.send(bytes([byte]))
            time.sleep(0.05)
        if draws.random() < 0.3:
            assert peer.answer()[0] == 408
        vanish(peer, draws)


def half_body(soak, draws):
    with Peer(soak.port) as peer:
        peer.request("POST", COMPLETIONS, JSON, "Content-Length: 100", body=b'{"model":')
        vanish(peer, draws)


def unread_pages(soak, draws):
    """Many requests at once, of whose answers nothing is read."""
    with Peer(soak.port, receive_buffer=4096) as peer:
        one = f"GET /app.js HTTP/1.1\r\nHost: 127.0.0.1:{soak.port}\r\n\r\n".encode()
        peer.send(one * draws.randint(1, 300))
        time.sleep(draws.uniform(0, 0.3))


def burst(soak, draws):
    """50 connections at once, which do different things and leave together."""
    peers = []
    try:
        for _ in range(50):
            peer = Peer(soak.port)
            peers.append(peer)
            if draws.random() < 0.3:
                peer.request("GET", "/healthz")
            elif draws.random() < 0.5:
                peer.upgrade("/v1/chat")
        soak.counts["burst connections"] += len(peers)
    finally:
        for peer in peers:
            peer.socket.close()


# ---- WebSocket ----------------------------------------------------------------------------------


def bad_frame(soak, draws):
    name = draws.choice(sorted(BAD_FRAMES))
    codes, data = BAD_FRAMES[name]
    with Peer(soak.port) as peer:
        peer.upgrade("/v1/chat")
        if draws.random() < 0.5:
            peer.send(frame(TEXT, b'{"type":"hello"}'))
            peer.message()
        try:
            peer.send(data)
        except (ConnectionResetError, BrokenPipeError):
            pass  # of a flood the server reads a part
        try:
            assert_closed(peer, *codes)
        except (AssertionError, EOFError) as error:
            error.add_note(name)
            raise
    soak.counts["bad frames"] += 1


def half_frame(soak, draws):
    """Leaves within a frame, a message or a turn."""
    data = draws.choice((frame(TEXT, b'{"type":"reset"}')[:9], frame(TEXT, b"{", fin=False),
                         frame(TEXT, b'{"type":"message","id":"m","text":"hello"}'), b""))
    with Visitor(soak) as visitor:
        visitor.peer.send(data)
        vanish(visitor.peer, draws)


def no_hello(soak, draws):
    with Peer(soak.port) as peer:
        peer.upgrade("/v1/chat")
        if draws.random() < 0.3:
            assert_closed(peer, 4408)
        else:
            vanish(peer, draws)


ONE_READER = threading.Lock()  # else the peak of memory would be that of a rare meeting


def reader_that_stops(soak, draws):
    """Asks for far more than it reads: what waits is dropped, and 1013 is the last it hears."""
    with ONE_READER, Visitor(soak, receive_buffer=4096) as visitor:
        text = " ".join([soak.texts[0]] * 50)[:visitor.ready["limits"]["tokens"] - 10]
        for i in range(50):
            visitor.say(f"m-{i}", text)
        for _ in range(110):
            visitor.tell({"type": "history", "limit": 100})
        time.sleep(draws.uniform(0, 3))
        if draws.random() < 0.5:
            vanish(visitor.peer, draws)
            return
        try:
            assert_closed(visitor.peer, 1013)
        except EOFError:
            pass  # cut off, because it took too long


# ---- chat.v1 ------------------------------------------------------------------------------------


def bad_text(soak, draws):
    """Four frames that are refused; the conversation goes on."""
    with Visitor(soak) as visitor:
        for code, text in draws.sample(BAD_TEXTS, 4):
            visitor.tell(text)
            error = visitor.next("error", "done")
            assert error.get("code") == code and not error["fatal"], (error, text[:80])
        text = draws.choice(soak.texts)
        done = visitor.say("m", text)
        assert soak.reply_to(text) in (None, done["text"]), done
        visitor.peer.send(close_frame(1000))
        assert_closed(visitor.peer, 1000)
    soak.counts["bad texts"] += 4


def wrong_resume(soak, draws):
    """Guessed and used tokens and sessions that are not there are refused; who has the right one is
    let in."""
    def is_refused(resume, code, close):
        with Visitor(soak, resume, address=f"10.0.0.{draws.randint(1, 3)}") as thief:
            assert thief.ready["code"] == code, thief.ready
            assert_closed(thief.peer, close)

    with Visitor(soak) as visitor:
        where = visitor.where()
    is_refused({**where, "resume_token": draws.randbytes(24).hex()}, "unauthorized", 4401)
    is_refused({**where, "session": "s-" + draws.randbytes(12).hex()}, "session_expired", 4410)
    with Visitor(soak, where) as back:
        assert back.ready["type"] == "ready" and back.ready["resumed"], back.ready
        back.say("m", draws.choice(soak.texts))
    is_refused(where, "unauthorized", 4401)


FAULTS = {fault.__name__: fault for fault in (
    bad_request, bad_field, no_http, random_bytes, silence, slow_header, half_body, unread_pages,
    burst, bad_frame, half_frame, no_hello, reader_that_stops, bad_text, wrong_resume)}
