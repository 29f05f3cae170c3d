"""Live sessions at the least cost for the client: one asyncio protocol each.

Messages are encoded once, with a mask of zeros, and written as they are. Every
measurement is counted and its lag taken; JSON is parsed only of each fiftieth.
"""

import asyncio
import json
import math
import random
import re
import struct

TYPE = re.compile(rb'"type":\s*"([a-z_.]+)"')
AUDIO_END = re.compile(rb'"audio_end":\s*([0-9.eE+-]+)')
PERIOD = 0.1


def frame(payload: bytes, opcode: int = 2, fin: bool = True, mask: bytes = b"\0\0\0\0") -> bytes:
    """A WebSocket frame of a client. A mask of zeros leaves the payload as it is."""
    size = len(payload)
    if size < 126:
        head = struct.pack("!BB", (fin << 7) | opcode, 128 | size)
    elif size < 65536:
        head = struct.pack("!BBH", (fin << 7) | opcode, 128 | 126, size)
    else:
        head = struct.pack("!BBQ", (fin << 7) | opcode, 128 | 127, size)
    return head + mask + payload


def text(**fields) -> bytes:
    return frame(json.dumps(fields).encode(), opcode=1)


def upgrade(port: int, path: str = "/v1/listen", **headers: str) -> bytes:
    lines = [f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", "Upgrade: websocket", "Connection: Upgrade"]
    lines += ["Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode()


def frames_in(buffer: bytearray):
    """Takes whole frames of a server from the buffer: opcode and payload."""
    at = 0
    while len(buffer) - at >= 2:
        size, head = buffer[at + 1] & 127, 2
        if size == 126:
            head = 4
        elif size == 127:
            head = 10
        if len(buffer) - at < head:
            break
        if head > 2:
            size = int.from_bytes(buffer[at + 2 : at + head], "big")
        if len(buffer) - at < head + size:
            break
        yield buffer[at] & 15, bytes(buffer[at + head : at + head + size])
        at += head + size
    del buffer[:at]


def voice_frames(voice: bytes, message: int) -> list[bytes]:
    return [frame(voice[at : at + message]) for at in range(0, len(voice), message)]


class Session(asyncio.Protocol):
    """Streams a voice in real time, from its place on, again and again."""

    def __init__(self, port: int, frames: list[bytes], place: int = 0, settings: dict | None = None, path: str = "/v1/listen") -> None:
        self.port, self.frames, self.place, self.settings, self.path = port, frames, place, settings, path
        self.loop = asyncio.get_running_loop()
        self.buffer, self.open = bytearray(), False
        self.sent: list[float] = []
        self.late: list[float] = []
        self.lags: list[tuple[float, float]] = []  # when it arrived, seconds of lag
        self.counts: dict[str, int] = {}
        self.sample: dict = {}
        self.status: int | None = None
        self.code: int | None = None
        self.name: str | None = None
        self.ready = self.loop.create_future()
        self.gone = self.loop.create_future()
        self.timer = None

    def connection_made(self, transport) -> None:
        self.transport = transport
        transport.write(upgrade(self.port, self.path))

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        if not self.open:
            head, found, rest = bytes(self.buffer).partition(b"\r\n\r\n")
            if not found:
                return
            self.status = int(head.split(b" ", 2)[1])
            if self.status != 101:
                self.transport.close()
                return
            self.open, self.buffer = True, bytearray(rest)
            self.begin()
        for opcode, payload in frames_in(self.buffer):
            if opcode == 1:
                self.message(payload)
            elif opcode == 9:
                self.transport.write(frame(payload, opcode=10))
            elif opcode == 8:
                self.code = int.from_bytes(payload[:2], "big") if payload else 1005
                self.transport.write(frame(payload[:2], opcode=8))
                self.transport.close()

    def begin(self) -> None:
        if self.settings:
            self.transport.write(text(type="session.update", **self.settings))
        if self.frames:
            self.start = self.loop.time() + PERIOD
            self.timer = self.loop.call_at(self.start, self.tick)
        if not self.ready.done():
            self.ready.set_result(None)

    def tick(self) -> None:
        now = self.loop.time()
        self.late.append(now - self.start - PERIOD * len(self.sent))
        self.transport.write(self.frames[(self.place + len(self.sent)) % len(self.frames)])
        self.sent.append(now)
        self.timer = self.loop.call_at(self.start + PERIOD * len(self.sent), self.tick)

    def message(self, payload: bytes) -> None:
        now = self.loop.time()
        kind = TYPE.search(payload)
        kind = kind[1].decode() if kind else "other"
        count = self.counts[kind] = self.counts.get(kind, 0) + 1
        if kind == "measurement" and self.sent:
            end = AUDIO_END.search(payload)
            chunk = max(0, math.ceil(float(end[1]) / PERIOD - 1e-6) - 1)
            if chunk < len(self.sent):
                self.lags.append((now, now - self.sent[chunk]))
            if count % 50 == 1:
                self.sample = json.loads(payload)
        elif kind in ("session.created", "session.closed", "error", "warning"):
            value = json.loads(payload)
            self.sample[kind] = value
            self.name = value.get("session", self.name)

    def pause(self) -> None:
        if self.timer:
            self.timer.cancel()
            self.timer = None

    def finish(self) -> None:
        """No more sound; asks for the last verdict."""
        self.pause()
        if self.open and not self.transport.is_closing():
            self.transport.write(text(type="session.close"))

    def connection_lost(self, error: Exception | None) -> None:
        self.pause()
        for future in (self.ready, self.gone):
            if not future.done():
                future.set_result(None)

    @property
    def seconds(self) -> float:
        return PERIOD * len(self.sent)


async def opened(session_of, port: int) -> Session:
    loop = asyncio.get_running_loop()
    _, session = await loop.create_connection(session_of, "127.0.0.1", port)
    return session


async def crowd(port: int, voices: list[list[bytes]], count: int, ramp: float, seed: int = 1) -> list[Session]:
    """So many sessions, begun one by one within `ramp` seconds."""
    chooser, sessions = random.Random(seed), []
    for index in range(count):
        frames = voices[index % len(voices)]
        place = chooser.randrange(len(frames))
        sessions.append(await opened(lambda: Session(port, frames, place), port))
        # Not in step: a whole number of periods would send all messages at once.
        await asyncio.sleep(ramp / count * chooser.uniform(0.5, 1.5))
    return sessions


async def farewell(sessions: list[Session], wait: float = 20) -> int:
    """Closes all of them; how many did not end in time."""
    for session in sessions:
        session.finish()
    _, waiting = await asyncio.wait([session.gone for session in sessions], timeout=wait)
    for session in sessions:
        session.transport.abort()
    return len(waiting)


def run(main):
    """asyncio.run, with uvloop where it is installed."""
    try:
        import uvloop
    except ImportError:
        return asyncio.run(main)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main)
