"""HTTP and WebSocket over a bare socket: every byte is the test's own choice."""

import base64
import hashlib
import os
import socket
import ssl
import struct

from program import WAIT

TEXT, BINARY, CONTINUATION, CLOSE, PING, PONG = 1, 2, 0, 8, 9, 10
GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def frame(opcode, payload=b"", fin=True, rsv=0, mask=b"\x11\x22\x33\x44", length=None):
    """A frame of a client. `length`: 7, 16 or 64 bits of length whatever the payload needs, or
    bytes that stand in the place of all length bytes. `mask` None: unmasked."""
    head = bytes([(0x80 if fin else 0) | rsv << 4 | opcode])
    bit = 0x80 if mask is not None else 0
    size = len(payload)
    if isinstance(length, bytes):
        head += bytes([length[0] | bit]) + length[1:]
    elif length == 64 or (length is None and size > 65535):
        head += bytes([127 | bit]) + struct.pack("!Q", size)
    elif length == 16 or (length is None and size > 125):
        head += bytes([126 | bit]) + struct.pack("!H", size)
    else:
        head += bytes([size | bit])
    if mask is None:
        return head + payload
    key = (mask * (size // 4 + 1))[:size]
    masked = int.from_bytes(payload, "big") ^ int.from_bytes(key, "big")
    return head + mask + masked.to_bytes(size, "big")


def close_frame(code=None, reason=b""):
    return frame(CLOSE, b"" if code is None else struct.pack("!H", code) + reason)


class Peer:
    """One connection to 127.0.0.1, or to a Unix socket."""

    def __init__(self, port=None, path=None, tls=False, receive_buffer=None):
        self.port = port
        family = socket.AF_UNIX if path else socket.AF_INET
        self.socket = socket.socket(family)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(WAIT)
        self.socket.connect(path or ("127.0.0.1", port))
        if tls:
            context = ssl.create_default_context()
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            self.socket = context.wrap_socket(self.socket)
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.socket.close()

    def send(self, *parts):
        self.socket.sendall(b"".join(parts))
        return self

    def send_bytewise(self, data):
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in data:
            self.socket.sendall(bytes([byte]))
        return self

    def more(self):
        """Reads on; False at the end of the stream, whichever way it came."""
        try:
            data = self.socket.recv(65536)
        except (ConnectionResetError, BrokenPipeError):
            return False
        self.buffer += data
        return bool(data)

    def take(self, size):
        while len(self.buffer) < size:
            if not self.more():
                raise EOFError(self.buffer[:200])
        data, self.buffer = self.buffer[:size], self.buffer[size:]
        return data

    def take_line(self):
        while b"\r\n" not in self.buffer:
            if not self.more():
                raise EOFError(self.buffer[:200])
        line, self.buffer = self.buffer.split(b"\r\n", 1)
        return line.decode("latin-1")

    def rest(self):
        """Everything until the end of the stream."""
        while self.more():
            pass
        data, self.buffer = self.buffer, b""
        return data

    # HTTP

    def request(self, method, target, *fields, body=b"", host=None, version="HTTP/1.1"):
        lines = [f"{method} {target} {version}"]
        if host != "":
            lines.append(f"Host: {host or f'127.0.0.1:{self.port}'}")
        lines += fields
        return self.send("\r\n".join(lines).encode("latin-1"), b"\r\n\r\n", body)

    def head(self):
        """Status and fields (names in lower case) of an answer."""
        status = int(self.take_line().split(" ")[1])
        fields = {}
        while line := self.take_line():
            name, value = line.split(": ", 1)
            fields[name.lower()] = value
        return status, fields

    def answer(self):
        """Status, fields and body of an answer with a length."""
        status, fields = self.head()
        return status, fields, self.take(int(fields.get("content-length", 0)))

    def chunks(self):
        """The pieces of a chunked body."""
        while size := int(self.take_line(), 16):
            yield self.take(size)
            assert self.take(2) == b"\r\n"
        assert self.take_line() == ""

    # WebSocket

    def upgrade(self, path="/echo", *fields, early=b""):
        """A handshake that has to succeed; the answer's fields. `early`: frames sent with it."""
        key = base64.b64encode(os.urandom(16)).decode()
        self.request("GET", path, "Upgrade: websocket", "Connection: keep-alive, Upgrade",
                     f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13", *fields, body=early)
        status, answer = self.head()
        assert status == 101, (status, answer)
        proof = base64.b64encode(hashlib.sha1((key + GUID).encode()).digest()).decode()
        assert answer["sec-websocket-accept"] == proof
        return answer

    def frame(self):
        """One frame of the server: whether it is the last of its message, opcode, payload."""
        first, second = self.take(2)
        assert not second & 0x80, "a server masks nothing"
        assert not first & 0x70, "no extension was agreed on"
        size = second & 0x7F
        if size == 126:
            (size,) = struct.unpack("!H", self.take(2))
        elif size == 127:
            (size,) = struct.unpack("!Q", self.take(8))
        return bool(first & 0x80), first & 0x0F, self.take(size)

    def message(self):
        """The next whole message, pings passed over: opcode, payload."""
        whole, kind = b"", None
        while True:
            fin, opcode, payload = self.frame()
            if opcode == PING:
                continue
            assert opcode not in (PONG, CLOSE), (opcode, payload)
            assert (opcode == CONTINUATION) == (kind is not None)
            kind = kind or opcode
            whole += payload
            if fin:
                return kind, whole

    def close_code(self):
        """The code of a Close frame that has to come next and last; None where it has none. It is
        answered, as a client has to, and the connection ends."""
        _, opcode, payload = self.frame()
        assert opcode == CLOSE, (opcode, payload)
        return self.end_behind(payload)

    def later_close_code(self):
        """The same, behind whatever else comes."""
        opcode = None
        while opcode != CLOSE:
            _, opcode, payload = self.frame()
        return self.end_behind(payload)

    def end_behind(self, payload):
        try:
            self.send(frame(CLOSE, payload[:2]))
        except (ConnectionResetError, BrokenPipeError):
            pass  # the server asked for the end itself
        rest = self.rest()
        assert rest == b"", f"{rest[:80]} behind a Close frame"
        self.socket.close()
        return struct.unpack("!H", payload[:2])[0] if payload else None


def socket_to(port, path="/echo", *fields, **options):
    peer = Peer(port, **options)
    peer.upgrade(path, *fields)
    return peer
