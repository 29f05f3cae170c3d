"""Clients that read too slowly, and requests that never end, beside normal ones."""

import asyncio
import select
import shutil
import socket
import subprocess
import threading
import time

from . import sessions, sound
from .server import Server, Watch, quantiles, request

BROKEN = select.POLLRDHUP | select.POLLHUP | select.POLLERR


class Slow(threading.Thread):
    """Sends sound in real time and reads `rate` bytes a second, or nothing. When it is
    thrown out it reads what there is, notes the close code, and comes again."""

    def __init__(self, name: str, port: int, frames: list[bytes], rate: int, buffer: int | None) -> None:
        super().__init__(daemon=True)
        self.title, self.port, self.frames, self.rate, self.size = name, port, frames, rate, buffer
        self.ended = threading.Event()
        self.lives: list[dict] = []

    def run(self) -> None:
        while not self.ended.is_set():
            try:
                self.lives.append(self.life())
            except OSError as error:
                self.lives.append({"seconds": 0.0, "read": 0, "end": f"not let in: {error}"})
                self.ended.wait(1)

    def life(self) -> dict:
        end = socket.socket()
        if self.size:
            # Before the connection: it sets the window that the server may fill.
            end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self.size)
        end.settimeout(5)
        end.connect(("127.0.0.1", self.port))
        end.sendall(sessions.upgrade(self.port))
        head = b""
        while b"\r\n\r\n" not in head:
            byte = end.recv(1)
            if not byte:
                raise OSError("closed before the upgrade")
            head += byte
        if b" 101 " not in head.partition(b"\r\n")[0]:
            end.close()
            raise OSError(head.partition(b"\r\n")[0].decode())
        poll = select.poll()
        poll.register(end, BROKEN)
        began, sent, found, read, buffer = time.monotonic(), 0, None, 0, bytearray()
        while not self.ended.is_set() and not found:
            try:
                end.sendall(self.frames[sent % len(self.frames)])
                sent += 1
                if self.rate:
                    data = end.recv(self.rate // 10, socket.MSG_DONTWAIT)
                    read += len(data)
                    buffer += data
                    found = self.look(end, buffer)
            except BlockingIOError:
                pass
            except OSError as error:
                found = found or type(error).__name__
            if poll.poll(0) and not found:
                found = "gone"
            time.sleep(max(0.0, began + 0.1 * sent - time.monotonic()))
        seconds = time.monotonic() - began
        if not isinstance(found, int):
            code, more = self.rest(end, buffer)
            read += more
            # Where it was still in, it has read all and says goodbye itself.
            found = code or (f"no code, {found}" if found else "still in at the end")
        end.close()
        return {"seconds": seconds, "read": read, "end": found}

    def look(self, end: socket.socket, buffer: bytearray) -> int | None:
        for opcode, payload in sessions.frames_in(buffer):
            if opcode == 9:
                end.sendall(sessions.frame(payload, opcode=10))
            if opcode == 8:
                return int.from_bytes(payload[:2], "big") or 1005
        return None

    def rest(self, end: socket.socket, buffer: bytearray) -> tuple[int | None, int]:
        read = 0
        end.settimeout(1)
        try:
            while data := end.recv(65536):
                read += len(data)
                buffer += data
        except OSError:
            pass
        for opcode, payload in sessions.frames_in(buffer):
            if opcode == 8:
                return int.from_bytes(payload[:2], "big") or 1005, read
        return None, read


def slow(args) -> dict:
    voices = sound.voices(args.speech, 6, 60)
    frames = [sessions.voice_frames(voice, sound.MESSAGE) for voice in voices]
    before_s = min(60.0, max(10.0, args.seconds / 5))
    with Server(args.affekt, *args.option) as server:

        async def main():
            loop = asyncio.get_running_loop()
            normal = await sessions.crowd(server.port, frames, args.sessions, 2)
            start = loop.time() + 1
            await asyncio.sleep(1 + before_s)
            change = loop.time()
            watch = Watch(server.pid)
            # The kernel doubles what it is asked for. A small window blocks the server soon;
            # with the usual one the close code comes through.
            these = [
                Slow("never reads, small window", server.port, frames[0], 0, 4096),
                Slow("never reads", server.port, frames[1], 0, None),
                Slow("1 kB/s, small window", server.port, frames[2], 1000, 4096),
            ]
            for one in these:
                one.start()
            await asyncio.sleep(args.seconds)
            end = loop.time()
            for one in these:
                one.ended.set()
            for one in these:
                await asyncio.to_thread(one.join)
            seen = watch.stop()
            lags = [pair for session in normal for pair in session.lags]
            hanging = await sessions.farewell(normal)
            before = [lag for at, lag in lags if start <= at < change]
            during = [lag for at, lag in lags if change <= at < end]
            return before, during, seen, these, hanging, sum(s.code is not None and s.code >= 1002 for s in normal)

        before, during, seen, these, hanging, thrown = sessions.run(main())
        panics = server.panics()
    rss = [usage.rss for _, usage in seen]
    times = [seen[round(i * (len(seen) - 1) / 5)] for i in range(6)]
    result = {
        "before_p95_ms": 1000 * quantiles(before, 0.95)[0], "with_p95_ms": 1000 * quantiles(during, 0.95)[0],
        "with_max_ms": 1000 * quantiles(during, 1)[0], "rss_mb": [[round(at), round(u.rss, 1)] for at, u in seen],
        "slow": {one.title: one.lives for one in these}, "normal_thrown_out": thrown + hanging, "panics": panics,
    }  # fmt: skip
    print(
        f"slow: p95 of {args.sessions} normal sessions {result['before_p95_ms']:.0f} ms before, {result['with_p95_ms']:.0f} ms with "
        f"(max {result['with_max_ms']:.0f} ms), {thrown + hanging} of them thrown out; RSS "
        + ", ".join(f"{u.rss:.0f} MB at {at:.0f} s" for at, u in times)
        + f", at most {max(rss):.0f}"
    )
    for one in these:
        ends: dict = {}
        for life in one.lives:
            ends.setdefault(life["end"], []).append(life["seconds"])
        told = "; ".join(f"{len(s)} times {end} after {min(s):.0f} to {max(s):.0f} s" for end, s in ends.items())
        print(f"slow: {one.title}: {told}", flush=True)
    return result


# ---- requests that never end --------------------------------------------------------------

MODES = {
    "-H": ["-i", "5", "-t", "GET", "-x", "24"],
    "-B": ["-i", "5", "-s", "8192", "-t", "POST", "-x", "10"],
    "-X": ["-w", "512", "-y", "1024", "-n", "5", "-z", "32", "-k", "3"],
}


def slowhttp(args) -> dict:
    if not shutil.which("slowhttptest"):
        raise SystemExit("slowhttptest is not there: apt-get install slowhttptest")
    results = {}
    with Server(args.affekt, *args.option) as server:
        for mode, options in MODES.items():
            path = "/v1/audio/emotions" if mode == "-B" else "/"
            command = ["slowhttptest", "-c", str(args.connections), mode, *options, "-r", "200", "-p", "3"]
            command += ["-l", str(int(args.seconds)), "-u", server.url + path]
            watch = Watch(server.pid)
            attack = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
            printed: list[str] = []
            reader = threading.Thread(target=lambda: printed.append(attack.stdout.read()), daemon=True)
            reader.start()
            times, failed, began = [], [], time.monotonic()
            while attack.poll() is None and time.monotonic() - began < args.seconds + 15:
                asked = time.monotonic()
                try:
                    status, _ = request(server.port, "GET", "/v2/health/live", timeout=10)
                    if status != 200:
                        failed.append(status)
                except OSError as error:
                    failed.append(type(error).__name__)
                times.append(time.monotonic() - asked)
                time.sleep(max(0.0, asked + 0.1 - time.monotonic()))
            if attack.poll() is None:
                attack.terminate()
            attack.wait()
            reader.join(5)
            seen = watch.stop()
            said = [line.strip() for line in "".join(printed).splitlines() if "exit status" in line.lower()]
            files, rss = max(u.files for _, u in seen), max(u.rss for _, u in seen)
            results[mode] = {
                "worst_ms": 1000 * max(times), "p95_ms": 1000 * quantiles(times, 0.95)[0], "asked": len(times),
                "failed": failed, "files": files, "rss_mb": rss, "said": said, "seconds": time.monotonic() - began,
            }  # fmt: skip
            print(
                f"slowhttptest {mode}, {args.connections} connections: health answers after {1000 * max(times):.0f} ms at worst, "
                f"p95 {results[mode]['p95_ms']:.0f} ms, {len(failed)} of {len(times)} failed {failed[:3]}; "
                f"{files} descriptors, RSS {rss:.0f} MB; {results[mode]['seconds']:.0f} s; {' '.join(said)[-120:]}",
                flush=True,
            )
        results["panics"] = server.panics()
        results["alive"] = server.alive()
    return results
