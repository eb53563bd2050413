"""A user of the HTTP routes who keeps to the rules, for soak.py: every answer is checked."""

import json

from raw import Peer

GOOD = ("stop", "length")


def talk_over_http(soak, draws):
    """A few requests on one connection, the last of which may be left in the middle."""
    with Peer(soak.port) as peer:
        for _ in range(draws.randint(1, 5)):
            soak.counts["http requests"] += 1
            act = draws.choice((complete, complete, stream, stream, get))
            if act(soak, draws, peer) == "left":
                return


def get(soak, draws, peer):
    path = draws.choice(("/v1/models", f"/v1/models/{soak.model}", "/healthz", "/readyz", "/",
                         "/app.js", "/app.css", "/icon.svg", "/chart.js", "/v1/run"))
    status, fields, body = peer.request("GET", path).answer()
    assert status == 200 and body, (path, status)
    if "etag" in fields:
        known = f"If-None-Match: {fields['etag']}"
        status, _ = peer.request("GET", path, known).head()
        assert status == 304, (path, status)


def ask_completion(soak, draws, peer, **more):
    text, tokens = draws.choice(soak.texts), draws.choice((None, 3))
    value = {"model": soak.model, "messages": [{"role": "user", "content": text}], **more}
    if tokens:
        value["max_tokens"] = tokens
    body = json.dumps(value).encode()
    peer.request("POST", "/v1/chat/completions", "Content-Type: application/json",
                 f"Content-Length: {len(body)}", body=body)
    return soak.reply_to(text, tokens)


def complete(soak, draws, peer):
    wanted = ask_completion(soak, draws, peer)
    status, _, body = peer.answer()
    assert status == 200, (status, body)
    choice = json.loads(body)["choices"][0]
    assert choice["finish_reason"] in GOOD, choice
    assert wanted in (None, choice["message"]["content"]), (wanted, choice)


def stream(soak, draws, peer):
    wanted = ask_completion(soak, draws, peer, stream=True)
    if draws.random() < 0.1:
        return "left"
    status, fields = peer.head()
    assert status == 200, (status, fields)
    events = []
    for chunk in peer.chunks():
        events.append(chunk)
        if draws.random() < 0.1:
            soak.counts["http streams left"] += 1
            return "left"
    lines = b"".join(events).decode().split("\n\n")
    assert lines[-2:] == ["data: [DONE]", ""], lines
    chunks = [json.loads(line[len("data: "):]) for line in lines[:-2] if line.startswith("data: ")]
    said = "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in chunks)
    assert chunks[-1]["choices"][0]["finish_reason"] in GOOD, chunks
    assert wanted in (None, said), (wanted, said)
    return None
