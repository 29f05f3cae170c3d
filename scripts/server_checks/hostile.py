"""Thousands of wrong frames and files, always the same for a seed."""

import asyncio
import json
import math
import random
import struct
import tempfile
import time
from pathlib import Path

from . import sessions, sound
from .server import Server, Watch, request, total

VALUES = [
    None, True, False, 0, -1, 1, 0.5, 1e-9, -0.0, 1e300, 2**31, 2**63, 2**64, -(2**63), 10**40, math.nan, math.inf, "", "x", "16000",
    "../../etc/passwd", "\0", "\ud83d\ude00", "a" * 70_000, [], [1], {}, {"a": {}}, [[[[]]]],
]  # fmt: skip
SETTINGS = [
    "format", "rate", "channels", "model", "speaker", "quick", "window", "first", "hop", "smooth", "enter", "leave", "hold", "learn",
]  # fmt: skip
TYPES = [
    "session.update", "keepalive", "flush", "reset", "speaker.save", "session.close", "measurement", "error", "", "session.updat", "💥",
]  # fmt: skip
# Of silence, in a small file.
HOURS = 3
CODECS = {"wav": [], "flac": [], "ogg": ["-c:a", "libvorbis"], "opus": ["-c:a", "libopus"], "mp3": [], "m4a": ["-c:a", "aac"], "webm": ["-c:a", "libopus"]}


def files_of(clip: bytes) -> dict[str, bytes]:
    """The same second in many formats."""
    found = {}
    with tempfile.TemporaryDirectory() as name:
        source = Path(name) / "source.wav"
        source.write_bytes(clip)
        for ending, options in CODECS.items():
            out = Path(name) / f"clip.{ending}"
            sound.ffmpeg("-i", source, "-t", 1, *options, out)
            found[ending] = out.read_bytes()
    return found


def bombs() -> dict[str, bytes]:
    """Small files of hours."""
    found = {}
    with tempfile.TemporaryDirectory() as name:
        for ending, options in {"flac": [], "opus": ["-c:a", "libopus", "-b:a", "6k"]}.items():
            out = Path(name) / f"silence.{ending}"
            sound.ffmpeg("-f", "lavfi", "-i", "anullsrc=r=16000:cl=mono", "-t", HOURS * 3600, *options, out)
            found[f"{HOURS} h of silence as {ending}"] = out.read_bytes()
    # Four gigabytes by its header, with a second of them there.
    found["a WAV that says 37 h"] = wav_header(1, 16_000, 16, 0xFFFF_FFF0) + bytes(32_000)
    found["a WAV of 1 Hz that lasts 9 h"] = wav_header(1, 1, 16, 64_000) + bytes(64_000)
    return found


def wav_header(channels: int, rate: int, bits: int, size: int, code: int = 1) -> bytes:
    align = channels * bits // 8 & 0xFFFF
    fmt = struct.pack("<HHIIHH", code, channels, rate, rate * align & 0xFFFF_FFFF, align, bits)
    return b"RIFF" + struct.pack("<I", min(size + 36, 0xFFFF_FFFF)) + b"WAVEfmt " + struct.pack("<I", 16) + fmt + b"data" + struct.pack("<I", size)


class Hostile:
    def __init__(self, port: int, files: dict[str, bytes], seed: int) -> None:
        self.port, self.files, self.seed = port, files, seed
        self.answers: dict[str, int] = {}
        self.wrong: list[str] = []
        self.count = 0

    def note(self, answer) -> None:
        self.answers[str(answer)] = self.answers.get(str(answer), 0) + 1

    # ---- frames ----

    def anything(self, r: random.Random, depth: int = 0):
        if depth < 3 and r.random() < 0.3:
            return {r.choice(SETTINGS + ["type", "x"]): self.anything(r, depth + 1) for _ in range(r.randrange(4))}
        return r.choice(VALUES)

    def json_frame(self, r: random.Random) -> bytes:
        kind = r.randrange(5)
        if kind == 0:
            value = self.anything(r)
        elif kind == 1:
            value = {"type": r.choice(TYPES + VALUES), **{key: r.choice(VALUES) for key in r.sample(SETTINGS + ["name"], r.randrange(4))}}
        else:
            value = {"type": r.choice(["session.update", "session.update", "speaker.save"]), r.choice(SETTINGS + ["name", "session"]): r.choice(VALUES)}
        data = json.dumps(value).encode()
        if r.random() < 0.1:
            data = data[: r.randrange(len(data) + 1)]
        return sessions.frame(data, opcode=1)

    def broken_text(self, r: random.Random) -> bytes:
        sample = self.files["wav"][44 : 44 + r.randrange(2, 2000)]
        return sessions.frame(
            r.choice([
                b"[" * 100_000, b'{"type":' * 20_000, b'{"type":"flush"', b"", b"null", b"\xff\xfe\x80", sample, sample.hex().encode(),
                b'{"type":"session.update","type":"flush","rate":1,"rate":2}', b'{"type":"session.update","rate":1e999}',
                b'{"type":"session.update","rate":' + b"9" * 5000 + b"}", b'"' + b"\\u0000" * 3000 + b'"', b" " * 200_000,
            ]),  # fmt: skip
            opcode=1,
        )

    def sound_frame(self, r: random.Random) -> bytes:
        kind = r.randrange(6)
        if kind == 0:
            data = r.randbytes(r.choice([0, 1, 2, 3, 999, 3200, 65_537]))
        elif kind == 1:
            data = struct.pack("<800f", *[r.choice([math.nan, math.inf, -math.inf, 1e38, 0.0]) for _ in range(800)])
        elif kind == 2:
            data = r.choice([b"RIFF", b"fLaC", b"OggS", b"\x1aE\xdf\xa3", b"ID3", b"FORM", b"RIFX", b".snd"]) + r.randbytes(r.randrange(3000))
        elif kind == 3:
            data = self.spoilt(r)
        elif kind == 4:
            data = self.lying_wav(r)
        else:
            data = self.files["wav"][44:][: r.randrange(32_000)]
        return sessions.frame(data)

    def illegal(self, r: random.Random) -> bytes:
        """Bytes that are no proper frame of a client; the connection cannot go on."""
        plain = bytes([0x82, 4]) + b"abcd"
        return r.choice([
            plain, bytes([0x81, 2]) + b"{}", sessions.frame(b"x", opcode=r.choice([3, 7, 11, 15])), bytes([0xF2, 0x80, 0, 0, 0, 0]),
            sessions.frame(b"x" * 200, opcode=9), sessions.frame(b"x", opcode=9, fin=False), sessions.frame(b"x", opcode=0),
            sessions.frame(b"\x03", opcode=8), sessions.frame(struct.pack("!H", r.choice([0, 999, 1005, 5000, 65535])), opcode=8),
            sessions.frame(struct.pack("!H", 1000) + b"\xff\xff", opcode=8), b"\x82" + struct.pack("!BQ", 255, 2**62) + bytes(4000),
            b"\x82" + struct.pack("!BQ", 255, 2**63 + 5) + bytes(100), b"\x81" + struct.pack("!BQ", 255, 3_000_000_000) + bytes(100_000),
            sessions.frame(b"", fin=False) + sessions.frame(b"", opcode=0, fin=False) * 500, r.randbytes(r.randrange(1, 2000)),
            sessions.frame(b"{", opcode=1, fin=False) + sessions.frame(b"x", opcode=1), sessions.frame(bytes(r.choice([1, 20]) * 1_000_000)),
        ])  # fmt: skip

    async def socket(self, r: random.Random) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        path = r.choices(["/v1/listen", "/v1/watch", "/v1/watch?session=%00&flat=9", "/v1/listen?x=1"], [12, 1, 1, 1])[0]
        writer.write(sessions.upgrade(self.port, path))
        head = await reader.readuntil(b"\r\n\r\n")
        status = head.split(b" ", 2)[1].decode()
        self.count += 1
        if status != "101":
            self.judge(int(status), f"upgrade of {path}")
            return writer.close()
        kinds = r.choices([self.json_frame, self.broken_text, self.sound_frame, self.illegal], [6, 2, 5, 2], k=r.randint(1, 6))
        try:
            for kind in kinds:
                writer.write(kind(r))
                self.count += 1
                await writer.drain()
            if self.illegal not in kinds and "watch" not in path and r.random() < 0.8:
                writer.write(sessions.text(type="session.close"))
                await self.ending(reader)
            elif r.random() < 0.3:
                await asyncio.wait_for(reader.read(65536), 0.3)
        except (OSError, asyncio.TimeoutError) as error:
            self.note(f"socket {type(error).__name__}")
        finally:
            writer.transport.abort()

    async def ending(self, reader) -> None:
        """Reads until the server ends the connection, which it must."""
        buffer = bytearray()
        until = time.monotonic() + 30
        while True:
            try:
                data = await asyncio.wait_for(reader.read(65536), until - time.monotonic())
            except (ConnectionError, asyncio.TimeoutError) as error:
                if isinstance(error, asyncio.TimeoutError):
                    self.wrong.append("a socket is still open half a minute after session.close")
                return self.note(f"socket {type(error).__name__}")
            if not data:
                return self.note("socket without a close frame")
            buffer += data
            for opcode, payload in sessions.frames_in(buffer):
                if opcode == 8:
                    return self.note(f"close {int.from_bytes(payload[:2], 'big')}")

    # ---- uploads ----

    def spoilt(self, r: random.Random) -> bytes:
        data = bytearray(self.files[r.choice(list(self.files))])
        if r.random() < 0.5:
            del data[r.randrange(len(data)) :]
        for _ in range(r.randrange(20)):
            if data:
                # Headers are where a wrong number does most.
                data[r.randrange(min(len(data), r.choice([60, 400, 10**9])))] = r.randrange(256)
        return bytes(data)

    def lying_wav(self, r: random.Random) -> bytes:
        numbers = [0, 1, 2, 7, 255, 65535]
        header = wav_header(r.choice(numbers), r.choice([0, 1, 16_000, 2**32 - 1]), r.choice([0, 1, 8, 16, 24, 32, 65535]),
                            r.choice([0, 1, 2**31, 2**32 - 1]), r.choice([0, 1, 2, 3, 6, 7, 17, 65534]))  # fmt: skip
        return header + r.randbytes(r.randrange(2000))

    def upload(self, r: random.Random) -> bytes:
        file = r.choice([self.spoilt, self.spoilt, self.lying_wav, lambda r: r.randbytes(r.randrange(5000)), lambda r: b""])(r)
        fields = {}
        if r.random() < 0.4:
            key = r.choice(["model", "response_format", "timeline", "stream", "speaker", "file", "language", "name", "", "a" * 9000])
            fields[key] = r.choice(["true", "maybe", "", "json", "vtt", "exe", "../../etc/passwd", "-1", "a" * 20_000, "\0", "💥"])
        if r.random() < 0.1:
            fields |= {f"field{i}": "x" for i in range(r.choice([10, 2000]))}
        name = r.choice(["a.wav", "../../a", "", "a" * 5000, "💥.mp3", "a.exe", 'a"; filename="b'])
        body, kind = sound.form(file, name, r.choice(["audio/wav", "text/html", "", "application/x-msdownload"]), **fields)
        path = r.choices(["/v1/audio/emotions", "/v1/speakers", "/v1/audio/emotions?x=1"], [8, 2, 1])[0]
        choice = r.random()
        if choice < 0.1:
            body = body[: r.randrange(len(body))]
        elif choice < 0.2:
            kind = r.choice(["application/json", "multipart/form-data", "multipart/form-data; boundary=", "text/plain", "", "multipart/form-data; boundary=" + "x" * 5000])
        elif choice < 0.25:
            body, kind = r.choice([b"", b"{}", b"file=1", r.randbytes(3000)]), "application/x-www-form-urlencoded"
        return sound.post_bytes(self.port, body, kind, path)

    def request(self, r: random.Random) -> bytes:
        """A request that is wrong as such."""
        host = f"Host: 127.0.0.1:{self.port}\r\n".encode()
        post = b"POST /v1/audio/emotions HTTP/1.1\r\n" + host
        form = b"Content-Type: multipart/form-data; boundary=x\r\n"
        paths = [b"/../../etc/passwd", b"/%2e%2e/%2e%2e/etc/passwd", b"/%00", b"/" + b"a" * 100_000, b"//", b"/v1/audio/emotions",
                 b"/v2/models/" + b"%ff" * 50, b"/v1/speakers/..%2f..%2fx", b"/v2/models/x", b"/oscquery/x?HOST_INFO", b"/page.js/..;/"]  # fmt: skip
        return r.choice([
            r.choice([b"GET ", b"DELETE ", b"PUT ", b"X ", b"get ", b"OPTIONS "]) + r.choice(paths) + b" HTTP/1.1\r\n" + host + b"\r\n",
            post + form + b"Content-Length: 10000000000\r\n\r\n--x\r\n", post + form + b"Content-Length: -5\r\n\r\n",
            post + form + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            post + form + b"Transfer-Encoding: chunked\r\n\r\nZZ\r\nabc\r\n", post + form + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nabc",
            post + b"Content-Encoding: gzip\r\n" + form + b"Content-Length: 4\r\n\r\n\x1f\x8b\0\0", b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03" + r.randbytes(200),
            b"GET / HTTP/1.1\r\nHost: evil.test\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"GET / HTTP/9.9\r\n" + host + b"\r\n", b"GET /\r\n\r\n",
            b"GET / HTTP/1.1\r\n" + host + b"X: " + b"y" * 200_000 + b"\r\n\r\n", b"GET / HTTP/1.1\r\n" + host + b"X: y\r\n" * 3000 + b"\r\n",
            b"GET /v1/listen HTTP/1.1\r\n" + host + b"Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n", r.randbytes(r.randrange(1, 3000)),
        ])  # fmt: skip

    async def http(self, r: random.Random, data: bytes, what: str) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.count += 1
        writer.write(data)
        # So that a request that is not whole ends.
        if writer.can_write_eof() and what == "request":
            writer.write_eof()
        try:
            head = await asyncio.wait_for(reader.readuntil(b"\r\n"), 60)
            self.judge(int(head.split(b" ", 2)[1]), f"{what} {data[:80]!r}")
        except asyncio.TimeoutError:
            self.wrong.append(f"no answer in a minute to {what} {data[:120]!r}")
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError, IndexError) as error:
            self.note(f"{what} {type(error).__name__}")
        finally:
            writer.transport.abort()

    def judge(self, status: int, what: str) -> None:
        self.note(status)
        # 503: too much at a time. 501 and 505: what HTTP cannot do.
        if status >= 500 and status not in (501, 503, 505):
            self.wrong.append(f"{status} to {what}")

    async def run(self, count: int, at_a_time: int) -> None:
        case = 0

        async def worker() -> None:
            nonlocal case
            while self.count < count:
                case += 1
                r = random.Random(f"{self.seed}/{case}")
                kind = r.choices(["socket", "upload", "request"], [5, 4, 1])[0]
                try:
                    if kind == "socket":
                        await self.socket(r)
                    else:
                        await self.http(r, self.upload(r) if kind == "upload" else self.request(r), kind)
                except (OSError, asyncio.IncompleteReadError) as error:
                    self.note(f"{kind} {type(error).__name__}")
                    if isinstance(error, ConnectionRefusedError):
                        self.wrong.append("the server takes no connection")
                        return

        await asyncio.gather(*(worker() for _ in range(at_a_time)))


def hostile(args) -> dict:
    clip = sound.clips(args.speech, 1, 3, sound.RATE)[0]
    files = files_of(clip)
    good = sound.form(clip)
    ask = lambda port, form: request(port, "POST", "/v1/audio/emotions", form[0], {"Content-Type": form[1]}, timeout=300)
    with Server(args.affekt, *args.option) as server:
        first = ask(server.port, good)
        before = server.usage()
        watch = Watch(server.pid)
        large = []
        for name, bomb in bombs().items():
            for fields in ({}, {"timeline": "true"}):
                began = time.monotonic()
                status, answer = ask(server.port, sound.form(bomb, "bomb", **fields))
                large.append({"name": name, **fields, "bytes": len(bomb), "status": status, "seconds": time.monotonic() - began})
                print(f"hostile: {name} ({len(bomb)} bytes) {fields}: {status} after {large[-1]['seconds']:.1f} s, {answer[:150]!r}", flush=True)
        of_bombs = max(usage.rss for _, usage in watch.seen)
        work = Hostile(server.port, files, args.seed)
        began = time.monotonic()
        sessions.run(work.run(args.count, args.at_a_time))
        seconds = time.monotonic() - began
        time.sleep(2)
        alive = server.alive()
        after = server.usage()
        seen = watch.stop()
        wrong = sorted(set(work.wrong))
        if alive:
            health = request(server.port, "GET", "/v2/health/ready")[0]
            same = ask(server.port, good) == first
            left = total(server.metrics(), "affekt_sessions")
            wrong += [f"health answers {health}"] * (health != 200) + ["a clip is answered differently"] * (not same)
            wrong += [f"{left:g} sessions are left"] * (left != 0)
        else:
            wrong.append(f"the server is gone with {server.process.poll()}")
        wrong += [f"a panic: {line}" for line in server.panics()] + [f"a bomb is answered with {b['status']}" for b in large if b["status"] >= 500 and b["status"] != 503]
        most = max(usage.rss for _, usage in seen)
        if most > before.rss + args.rss:
            wrong.append(f"RSS grew from {before.rss:.0f} to {most:.0f} MB")
    tally = dict(sorted(work.answers.items(), key=lambda pair: -pair[1]))
    print(
        f"hostile: {work.count} frames and requests in {seconds:.0f} s: {tally}; RSS {before.rss:.0f} MB before, {of_bombs:.0f} with the large "
        f"files, {most:.0f} at most, {after.rss:.0f} after; descriptors {before.files} to {after.files}"
    )
    print("hostile: " + ("the server lives, nothing is wrong" if not wrong else f"WRONG ({len(wrong)}): " + "; ".join(wrong[:20])), flush=True)
    return {"count": work.count, "answers": tally, "large": large, "rss_before_mb": before.rss, "rss_most_mb": most, "rss_after_mb": after.rss, "wrong": wrong}
