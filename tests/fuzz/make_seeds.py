"""Makes the seeds that are no text: python3 make_seeds.py (a seed that is text is its own source).

What a fuzzer found and what a hand would not write stands here as the bytes it was.
"""

import pathlib
import struct

HERE = pathlib.Path(__file__).parent


def varint(n):
    out = b""
    while n >= 0x80:
        out += bytes([n & 0x7F | 0x80])
        n >>= 7
    return out + bytes([n])


def number(field, value):
    return varint(field << 3) + varint(value)


def text(field, value):
    value = value if isinstance(value, bytes) else value.encode()
    return varint(field << 3 | 2) + varint(len(value)) + value


# sentencepiece_model.proto: ModelProto.pieces = 1, trainer_spec = 2, normalizer_spec = 3,
# self_test_data = 4; SentencePiece.piece = 1, score = 2, type = 3.
UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = 2, 3, 4, 5, 6
UNIGRAM, BPE, WORD = 1, 2, 3


def piece(word, score=0.0, kind=None):
    score = varint(2 << 3 | 5) + struct.pack("<f", score)
    return text(1, text(1, word) + score + (b"" if kind is None else number(3, kind)))


def trainer(model_type, more=b""):
    return text(2, number(3, model_type) + more)


SYMBOLS = piece("<unk>", 0, UNKNOWN) + piece("<s>", 0, CONTROL) + piece("</s>", 0, CONTROL)
WORDS = piece("▁a", -1) + piece("b", -2) + piece("▁", -3)
IDENTITY = text(3, text(1, "identity"))
PLAIN = SYMBOLS + WORDS + trainer(UNIGRAM) + IDENTITY
KINDS = piece("<0x41>", 0, BYTE) + piece("<pad>", -1) + piece("a", -1, USER_DEFINED)
OWN = ["<turn>", "<persona>"] + [f"<speaker:{name}>" for name in "?ABCDEFGH"]

OWN_SYMBOLS = {
    "unigram": PLAIN,
    "bpe": SYMBOLS + piece("▁") + piece("a") + piece("▁a", -1) + piece("b") + trainer(BPE) + IDENTITY,
    "kinds": SYMBOLS + KINDS + piece("b", -1, UNUSED) + piece("▁c", -1) + piece("b", -2)
    + piece("▁", -3) + trainer(UNIGRAM) + IDENTITY,
    "self_test": PLAIN + text(4, text(1, text(1, "a") + text(2, "▁a"))),
    # treat_whitespace_as_suffix = 24
    "suffixes": SYMBOLS + WORDS + trainer(UNIGRAM, number(24, 1)) + IDENTITY,
    # escape_whitespaces = 5
    "unescaped": SYMBOLS + WORDS + trainer(UNIGRAM) + text(3, number(5, 0)),
    # byte_fallback = 35; the second of each part is merged into the first
    "twice": PLAIN + trainer(BPE, number(35, 1)) + text(3, text(1, "nfkc") + number(3, 0)),
    "unknown_fields": PLAIN + number(99, 7) + text(200, "x") + varint(201 << 3 | 5)
    + struct.pack("<f", 1.5) + varint(202 << 3 | 1) + b"12345678",
    "endless_varint": SYMBOLS + b"\xff" * 12,
    # unk_id = 40, bos_id = 41, eos_id = 42, pad_id = 43
    "own_speakers": piece("<pad>", 0, CONTROL) + SYMBOLS
    + b"".join(piece(name, 0, CONTROL) for name in OWN) + WORDS
    + trainer(UNIGRAM, number(40, 1) + number(41, 2) + number(42, 3) + number(43, 0)) + IDENTITY,
    # Found by the fuzzer.
    "empty_piece": piece("<unk>", 0, UNKNOWN) + text(1, text(1, b"\0" * 7 + b"\x1c")),
    "nul": SYMBOLS + piece("<\0ad=", -1) + WORDS + trainer(UNIGRAM) + IDENTITY,
    "words": piece("<\x12\0\0\0", 0, UNKNOWN) + piece("▁", -3) + trainer(WORD),
}


def safetensors(header, data=b""):
    return struct.pack("<Q", len(header)) + header.encode() + data


def entry(name, dtype, shape, begin, end):
    return f'"{name}":{{"dtype":"{dtype}","shape":{shape},"data_offsets":[{begin},{end}]}}'


SAFETENSORS = {
    "empty": safetensors("{}"),
    "long": struct.pack("<Q", 1 << 63) + b"{}",
    "one": safetensors("{" + entry("w", "F32", "[2]", 0, 8) + "}", bytes(8)),
    "hole": safetensors(
        "{" + entry("a", "F32", "[1]", 0, 4) + "," + entry("b", "F32", "[1]", 8, 12) + "}", bytes(12)
    ),
    "overflow": safetensors("{" + entry("a", "F32", f"[{1 << 62},4]", 0, 0) + "}"),
    "padded": safetensors("{" + entry("a", "BF16", "[0,3]", 0, 0) + "}   "),
    "twice": safetensors("{" + ",".join([entry("a", "U8", "[1]", 0, 1)] * 2) + "}", b"\0"),
    "two_with_metadata": safetensors(
        '{"__metadata__":{"format":"pt"},' + entry("a", "F64", "[1,1]", 0, 8) + ","
        + entry("b", "I64", "[]", 8, 16) + "}",
        bytes(16),
    ),
}

# What store_fuzz.cpp makes of its input: changes of a sound store's files, one behind the other.
FILES = [
    "manifest", "dialogues", "turns", "tokens", "facts", "fact_tokens", "distractors",
    "distractor_tokens", "texts", "pairs", "pair_tokens", "pair_texts",
]


def change(kind, file, payload):
    return bytes([kind * len(FILES) + FILES.index(file), len(payload)]) + payload


def whole(file, content):
    return change(0, file, content.encode())


def bytes_at(file, *places):
    return change(1, file, b"".join(struct.pack("<HB", place, byte) for place, byte in places))


def instead(file, place, length, content):
    return change(2, file, struct.pack("<HB", place, length) + content.encode())


STORE = {
    "sound": b"",
    "empty_turns": whole("turns", ""),
    "first_turn_far_outside": bytes_at("dialogues", (6, 0x7F)),
    "id_bytes": bytes_at("dialogues", (32, 0xFF)),
    "label": bytes_at("pairs", (28, 7)),
    "manifest_count": instead("manifest", 390, 1, "9223372036854775807"),
    "manifest_is_none": whole("manifest", '{"format": "banter store"}'),
    "manifest_name": instead("manifest", 162, 17, r'"a\u001b[2J"'),
    "pair_ends_outside": bytes_at("pairs", (40, 0xC8), (32, 0xC7)),
    "speaker": bytes_at("turns", (16, 9)),
    "split_name": instead("manifest", 362, 7, r'"t/\u0007n"'),
    "texts": bytes_at("texts", (3, 0)),
    "token": bytes_at("tokens", (0, 0xFF), (1, 0xFF)),
    "turn_ends_far_outside": bytes_at("turns", (30, 0x7F)),
    "turn_ends_outside": bytes_at("turns", (24, 0xC8)),
    "turn_of_a_distractor": bytes_at("distractors", (8, 4), (24, 0)),
    "two_files": bytes_at("turns", (24, 0xC8)) + instead("fact_tokens", 0, 2, "ab"),
}

VECTORS = {
    "binary": b"1 2\na " + struct.pack("<ff", 0.3, 0.3) + b"\n",
    "gzip": b"\x1f\x8b\x08\0",
}

PROTOCOL = {
    "cut_character": b'{"type":"message","id":"a","text":"\xe2\x82"}',
}

# Of http_fuzz and websocket_fuzz: how many bytes arrive at once, less one, and the bytes.
def request(line, *fields, body="", part=255):
    return bytes([part]) + "\r\n".join([line, "Host: a", *fields, "", body]).encode()


UPGRADE = [
    "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
]
CHUNKS = "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nTrailer: t\r\n\r\n"

HTTP = {
    "get": request("GET /items/x?y=z HTTP/1.1"),
    "head_and_more": request("HEAD /healthz HTTP/1.1") + request("GET /nothing HTTP/1.1")[1:],
    "options": request("OPTIONS /body HTTP/1.1", "Origin: http://a",
                       "Access-Control-Request-Method: POST"),
    "old": request("GET /events HTTP/1.0", "Connection: keep-alive"),
    "events": request("GET /events HTTP/1.1", part=3) + request("GET /secret HTTP/1.1")[1:],
    "body": request("POST /body HTTP/1.1", "Content-Length: 5", body="abcde")
    + request("GET /healthz HTTP/1.1")[1:],
    "expect": request("POST /body HTTP/1.1", "Content-Length: 2", "Expect: 100-continue", body="ab",
                      part=90),
    "chunked": request("POST /body HTTP/1.1", "Transfer-Encoding: chunked", body=CHUNKS, part=7),
    "both_lengths": request("POST /body HTTP/1.1", "Transfer-Encoding: chunked",
                            "Content-Length: 3", body=CHUNKS),
    "too_long": request("POST /body HTTP/1.1", "Content-Length: 65", body="b" * 65),
    "many_fields": request("GET / HTTP/1.1", *[f"F{i}: v" for i in range(9)]),
    "forwarded": request("GET /healthz HTTP/1.1", "X-Forwarded-For: 10.0.0.1, ::1, 127.0.0.1"),
    "upgrade": request("GET /echo HTTP/1.1", *UPGRADE) + b"\x81\x81\0\0\0\0a",
    "foreign_upgrade": request("GET /echo HTTP/1.1", *UPGRADE, "Origin: http://a.evil"),
    "tls": b"\xff\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
}

# RFC 6455, 5.2. Other masks than 0 are one seed's matter.
FINAL, CONTINUED, TEXT, BINARY, CLOSE, PING, PONG = 128, 0, 1, 2, 8, 9, 10


def frame(opcode, payload=b"", first=FINAL, mask=bytes(4)):
    size = len(payload)
    length = bytes([128 | size]) if size < 126 else b"\xfe" + struct.pack(">H", size)
    return bytes([first | opcode]) + length + mask + payload


WEBSOCKET = {
    "text": b"\xff" + frame(TEXT, "Grüße".encode()),
    "masked": b"\xff" + frame(BINARY, b"\x01\x03\x03", mask=b"\x01\x02\x03\x04"),
    "fragments": b"\x00" + frame(TEXT, b"\xe2\x82", 0) + frame(PING, b"p")
    + frame(CONTINUED, b"\xac"),
    "long": b"\x63" + frame(BINARY, b"x" * 126) + frame(TEXT, b"y" * 299),
    "too_long": b"\xff" + frame(TEXT, b"z" * 200, 0) + frame(CONTINUED, b"z" * 101),
    "too_many_fragments": b"\xff" + frame(TEXT, b"", 0) + frame(CONTINUED, b"", 0) * 4,
    "too_many_pings": b"\xff" + frame(PING, b"p") * 4 + frame(PONG) * 4 + frame(TEXT, b"late"),
    "close": b"\xff" + frame(TEXT, b"a") + frame(CLOSE, b"\x03\xe8bye") + frame(TEXT, b"after"),
    "bad_close": b"\xff" + frame(CLOSE, b"\x03\xed"),
    "bad_text": b"\x01" + frame(TEXT, b"\xc0\xaf"),
    "cut_text": b"\xff" + frame(TEXT, b"\xe2\x82", 0) + frame(CONTINUED),
    "reserved_bit": b"\xff" + frame(TEXT, b"a", FINAL | 64),
    "unmasked": b"\xff\x81\x01a",
    "endless": b"\xff\x82\xff" + b"\xff" * 8 + bytes(4),
    # A rule broken while the server's Close is on its way.
    "broken_while_closed": b"\xff" + (frame(TEXT, b"\xe2\x82", 0) + frame(CONTINUED)) * 2
    + frame(TEXT, b"\x80"),
    "longer_than_needed": b"\xff\x82\xfe\0\x01" + bytes(4) + b"a",
}

for target, seeds in [
    ("http", HTTP), ("own_symbols", OWN_SYMBOLS), ("protocol", PROTOCOL),
    ("safetensors", SAFETENSORS), ("store", STORE), ("vectors", VECTORS), ("websocket", WEBSOCKET),
]:
    for name, seed in seeds.items():
        (HERE / f"{target}_fuzz" / name).write_bytes(seed)
