"""A client of chat.v1 on python3-websockets, for tests that speak it frame by frame."""

import asyncio
import json

import websockets

from program import WAIT


class Client:
    """One connection. `async with Client(address, resume=...) as client:`"""

    def __init__(self, address, resume=None, token=None, says_hello=True, headers=None, ssl=None):
        self.address, self.resume, self.token = address, resume, token
        self.says_hello = says_hello
        self.headers = headers
        self.ssl = ssl
        self.frames = []  # all that came
        self.ready = None

    async def __aenter__(self):
        self.socket = await websockets.connect(
            self.address, subprotocols=["chat.v1"], ping_interval=None,
            extra_headers=self.headers or {}, ssl=self.ssl)
        if self.says_hello:
            await self.hello()
        return self

    async def __aexit__(self, *unused):
        await self.socket.close()

    async def hello(self):
        hello = {"type": "hello", "client": "tests"}
        if self.resume:
            hello["resume"] = self.resume
        if self.token:
            hello["token"] = self.token
        await self.send(hello)
        self.ready = await self.next("ready", "error")
        return self.ready

    async def send(self, frame):
        await self.socket.send(frame if isinstance(frame, str) else json.dumps(frame))

    async def receive(self):
        frame = json.loads(await asyncio.wait_for(self.socket.recv(), WAIT))
        self.frames.append(frame)
        return frame

    async def next(self, *types):
        """Reads on to the first frame of one of these types."""
        while True:
            frame = await self.receive()
            if frame["type"] in types:
                return frame

    async def say(self, text, id="m-1", **more):
        """A turn from message to done."""
        await self.send({"type": "message", "id": id, "text": text, **more})
        while True:
            frame = await self.next("done", "error")
            if frame.get("id") == id:
                return frame

    async def closed(self):
        """Reads to the end; the close code."""
        try:
            while True:
                await self.receive()
        except websockets.ConnectionClosed as end:
            return end.code

    def where(self, last_seq=None):
        """What resumes this session."""
        numbered = [frame["seq"] for frame in self.frames]
        return {"session": self.ready["session"], "resume_token": self.ready["resume_token"],
                "epoch": self.ready["epoch"],
                "last_seq": max(numbered) if last_seq is None else last_seq}
