"""A server of chat.v1 that says what a test tells it to, right or wrong: for what no real one does."""

import base64
import hashlib
import json
import socket
import struct
import threading

from program import WAIT

READY = {
    "type": "ready", "seq": 1, "session": "s-1", "epoch": 1, "resume_token": "t-1",
    "resumed": False, "model": {"id": "fake", "revision": "1", "type": "fake"},
    "limits": {"bytes": 65536, "chars": 65536, "tokens": 256, "turns_per_min": 60},
    "personas": [{"id": "ann", "facts": ["i have two dogs"]}],
    "decode": {
        "strategy": {"default": "greedy", "choices": ["greedy", "beam", "diverse_beam", "sample"]},
        "beam_size": {"default": 4, "min": 1, "max": 16},
        "temperature": {"default": 1, "min": 0, "max": 100},
        "top_k": {"default": 0, "min": 0, "max": 1000000},
        "top_p": {"default": 1, "above": 0, "max": 1},
        "typical_p": {"default": 1, "above": 0, "max": 1},
        "length_penalty": {"default": 1, "min": 0, "max": 10},
        "min_new_tokens": {"default": 1, "min": 0, "max": 512},
        "max_new_tokens": {"default": 60, "min": 1, "max": 512},
        "no_repeat_ngram_size": {"default": 0, "min": 0, "max": 100},
        "context_ngram_block": {"default": 0, "min": 0, "max": 100},
        "block": {"default": [], "max_texts": 16, "max_chars": 200},
        "diverse_groups": {"default": 2, "min": 1, "max": 16},
        "diverse_strength": {"default": 0.5, "min": 0, "max": 1000},
        "repetition_penalty": {"default": 1, "min": 0.01, "max": 100},
        "prefix": {"default": "", "max_chars": 500},
        "stop": {"default": [], "max_texts": 16, "max_chars": 200},
        "seed": {"default": None, "min": 0, "max": 9007199254740991},
        "n": {"default": 1, "min": 1, "max": 8},
        "best_of": {"default": None, "min": 1, "max": 16},
        "rerank": {"default": "none", "choices": ["none"]}},
    "attention": ["none", "turns", "tokens"]}


def done(seq, id, text, turn=1, **more):
    return {"type": "done", "seq": seq, "id": id, "turn": turn, "finish": "stop", "text": text,
            "usage": {"prompt": 1, "completion": 1, "cached": 0}, "ms": {"queue": 0, "total": 1},
            "seed": 1, "truncated_turns": 0, **more}


class Peer:
    """One connection, after its handshake."""

    def __init__(self, connection):
        self.connection = connection
        self.file = connection.makefile("rb")
        key = ""
        while (line := self.file.readline().strip()):
            if line.lower().startswith(b"sec-websocket-key:"):
                key = line.split(b":", 1)[1].strip().decode()
        accept = base64.b64encode(hashlib.sha1(
            (key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()).decode()
        connection.sendall(("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                            "Connection: Upgrade\r\nSec-WebSocket-Protocol: chat.v1\r\n"
                            f"Sec-WebSocket-Accept: {accept}\r\n\r\n").encode())

    def _write(self, opcode, payload):
        size = len(payload)
        head = bytes([0x80 | opcode, size]) if size < 126 else (
            bytes([0x80 | opcode, 126]) + struct.pack(">H", size))
        self.connection.sendall(head + payload)

    def send(self, frame):
        self._write(1, (frame if isinstance(frame, str) else json.dumps(frame)).encode())

    def receive(self):
        """The next text; None when the client closes."""
        head = self.file.read(2)
        if len(head) < 2 or head[0] & 15 == 8:
            return None
        size = head[1] & 127
        if size == 126:
            size = struct.unpack(">H", self.file.read(2))[0]
        mask = self.file.read(4)
        return json.loads(bytes(byte ^ mask[i % 4] for i, byte in enumerate(self.file.read(size))))

    def close(self, code):
        self._write(8, struct.pack(">H", code))
        while self.receive() is not None:
            pass

    def cut(self):
        self.connection.shutdown(socket.SHUT_RDWR)


class FakeServer:
    """`with FakeServer(first, second) as server:` each a function that serves one connection."""

    def __init__(self, *scripts):
        self.scripts = scripts
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(WAIT)
        self.url = f"ws://127.0.0.1:{self.listener.getsockname()[1]}"
        self.failure = None
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self):
        try:
            for script in self.scripts:
                connection, _ = self.listener.accept()
                connection.settimeout(WAIT)
                with connection:
                    script(Peer(connection))
        except Exception as error:  # told to the test's own thread
            self.failure = error

    def __enter__(self):
        return self

    def __exit__(self, kind, *unused):
        self.thread.join(WAIT)
        self.listener.close()
        if self.failure and kind is None:
            raise self.failure
