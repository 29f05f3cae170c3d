"""Half an hour of comings and goings, and whether the server counted what the clients did."""

import asyncio
import random
import time

from . import sessions, sound
from .load import post
from .server import Server, quantiles, request, total


class Soak:
    def __init__(self, args, server: Server) -> None:
        self.args, self.server, self.port = args, server, server.port
        self.chooser = random.Random(args.seed)
        self.voices = [sessions.voice_frames(v, sound.MESSAGE) for v in sound.voices(args.speech, 8, 45)]
        # At 16 kHz, as the voices are: all of the sound is counted in the same seconds.
        self.posts = [
            (sound.post_bytes(self.port, *sound.form(clip, **fields)), path)
            for clip, (path, fields) in zip(
                sound.clips(args.speech, 12, 3, sound.RATE),
                [("/v1/audio/emotions", {}), ("/v1/audio/emotions", {"timeline": "true"})] * 6,
            )
        ]
        self.posts.append((sound.post_bytes(self.port, *sound.form(b"no sound at all")), "/v1/audio/emotions"))
        self.statuses: dict[tuple[str, str], int] = {}
        self.opened = self.refused = self.watched = self.refused_watchers = self.hanging = 0
        self.seconds, self.updates, self.file_seconds = 0.0, 0, 0.0
        self.lags: list[float] = []
        self.ends: dict[str, int] = {}
        self.tasks: set[asyncio.Task] = set()
        self.until = 0.0

    def start(self, job) -> None:
        task = asyncio.get_running_loop().create_task(job)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def session(self) -> None:
        frames, place = self.chooser.choice(self.voices), self.chooser.randrange(100)
        way = self.chooser.choices(["close", "flush", "drop"], [6, 2, 1])[0]
        life = min(self.chooser.expovariate(1 / 20) + 1, max(1.0, self.until - time.monotonic()))
        session = await sessions.opened(lambda: sessions.Session(self.port, frames, place), self.port)
        await session.ready
        if session.status != 101:
            self.refused += 1
            return
        self.opened += 1
        await asyncio.wait([session.gone], timeout=life)
        if way == "flush" and not session.gone.done():
            session.transport.write(sessions.text(type="flush") + sessions.text(type="reset"))
        if way == "drop":
            session.pause()
            session.transport.abort()
            end = "dropped"
        else:
            session.finish()
            _, waiting = await asyncio.wait([session.gone], timeout=20)
            session.transport.abort()
            end = str(session.code) if not waiting else "hanging"
            self.hanging += bool(waiting)
        self.ends[end] = self.ends.get(end, 0) + 1
        self.seconds += session.seconds
        self.updates += session.counts.get("measurement", 0)
        self.lags += [lag for _, lag in session.lags]

    async def watcher(self) -> None:
        path = "/v1/watch" + self.chooser.choice(["", "?flat=1"])
        watcher = await sessions.opened(lambda: sessions.Session(self.port, [], path=path), self.port)
        await watcher.ready
        if watcher.status != 101:
            self.refused_watchers += 1
            return
        self.watched += 1
        life = min(self.chooser.expovariate(1 / 15) + 1, max(1.0, self.until - time.monotonic()))
        await asyncio.wait([watcher.gone], timeout=life)
        watcher.transport.abort()

    async def file(self) -> None:
        data, path = self.chooser.choice(self.posts)
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        status, _ = await post(reader, writer, data)
        writer.close()
        self.statuses[path, str(status)] = self.statuses.get((path, str(status)), 0) + 1
        self.file_seconds += 3 if status == 200 else 0

    async def arrivals(self, job, every: float) -> None:
        while time.monotonic() < self.until:
            self.start(job())
            await asyncio.sleep(self.chooser.expovariate(1 / every))

    async def minutes(self) -> list[dict]:
        rows, minute = [], min(60.0, 60 * self.args.minutes / 4)
        before = self.server.usage()
        while (left := self.until - time.monotonic()) > 0.1:
            await asyncio.sleep(min(left, minute))
            lags, self.lags = self.lags, []
            now = self.server.usage()
            p50, p95 = quantiles(lags, 0.5, 0.95)
            rows.append({
                "rss_mb": now.rss, "files": now.files, "threads": now.threads, "cores": (now.cpu - before.cpu) / minute,
                "lag_p50_ms": 1000 * p50, "lag_p95_ms": 1000 * p95, "sessions": self.opened, "posts": sum(self.statuses.values()),
            })  # fmt: skip
            before = now
            print(
                f"soak {len(rows):3}: RSS {now.rss:.0f} MB, {now.files} descriptors, {now.threads} threads, {rows[-1]['cores']:.2f} cores; "
                f"lag p50 {1000 * p50:.0f} ms, p95 {1000 * p95:.0f} ms; {self.opened} sessions, {self.watched} watchers, {rows[-1]['posts']} files so far",
                flush=True,
            )
        return rows

    async def run(self) -> list[dict]:
        self.until = time.monotonic() + 60 * self.args.minutes
        kinds = [(self.session, 20 / self.args.sessions), (self.watcher, 5.0), (self.file, self.args.every)]
        for job, every in kinds:
            self.start(self.arrivals(job, every))
        rows = await self.minutes()
        while self.tasks:
            await asyncio.wait(self.tasks)
        return rows


def soak(args) -> dict:
    with Server(args.affekt, *args.option) as server:
        work = Soak(args, server)
        first, start = server.metrics(), server.usage()
        rows = sessions.run(work.run())
        for _ in range(100):
            # What was dropped ends at the server a little later.
            metrics = server.metrics()
            if total(metrics, "affekt_sessions") == total(metrics, "affekt_watchers") == 0:
                break
            time.sleep(0.2)
        end, panics = server.usage(), server.panics()
        health = request(server.port, "GET", "/v2/health/live")[0]
    grown = lambda name, **labels: total(metrics, name, **labels) - total(first, name, **labels)
    dropped = work.ends.get("dropped", 0)
    posts = {f"{path} {status}": number for (path, status), number in work.statuses.items()}
    # Of a session that was cut off, some messages were still under way on either side.
    slack = 1 + 2.0 * dropped
    compared = {
        "sessions_total": (work.opened, grown("affekt_sessions_ended_total"), 0),
        "live audio_seconds_total": (work.seconds, grown("affekt_audio_seconds_total", kind="live"), slack),
        "all audio_seconds_total": (work.seconds + work.file_seconds, grown("affekt_audio_seconds_total"), slack),
        "updates_total": (work.updates, grown("affekt_updates_total"), slack * 4),
        "sessions now": (0, total(metrics, "affekt_sessions"), 0),
        "watchers now": (0, total(metrics, "affekt_watchers"), 0),
        "refused_total": (work.refused + work.refused_watchers, grown("affekt_refused_total"), 0),
        "lag_seconds_count": (work.updates, grown("affekt_lag_seconds_count"), slack * 4),
    }
    for (path, status), number in work.statuses.items():
        compared[f"requests {path} {status}"] = (number, grown("affekt_requests_total", path=path, status=status), 0)
    wrong = [f"{name}: clients {a:g}, server {b:g}" for name, (a, b, slack) in compared.items() if abs(a - b) > slack]
    print(
        f"soak: {work.opened} sessions ({work.ends}), {work.watched} watchers, files {posts}; RSS {start.rss:.0f} MB at first, "
        f"{rows[len(rows) // 2]['rss_mb']:.0f} in the middle, {end.rss:.0f} at the end; descriptors {start.files} to {end.files}, "
        f"threads {start.threads} to {end.threads}; dropped {grown('affekt_dropped_seconds_total'):.1f} s; hanging {work.hanging}, "
        f"refused {work.refused}, panics {len(panics)}, health {health}"
    )
    print("soak: /metrics " + ("agrees with the clients" if not wrong else "DIFFERS: " + "; ".join(wrong)), flush=True)
    return {"minutes": rows, "compared": compared, "wrong": wrong, "ends": work.ends, "panics": panics, "health": health}
