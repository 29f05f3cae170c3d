"""Measurements of many clients: live sessions, files."""

import asyncio
import json
import os
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from . import sessions, sound
from .server import Server, Usage, Watch, quantiles, request


def live_client(port: int, voices: list[bytes], count: int, seconds: float, ramp: float, seed: int) -> dict:
    """Some of the sessions, in a process of their own. A session counts from the moment
    that all of them are there."""

    async def main() -> dict:
        frames = [sessions.voice_frames(voice, sound.MESSAGE) for voice in voices]
        began = time.process_time()
        crowd = await sessions.crowd(port, frames, count, ramp, seed)
        start = asyncio.get_running_loop().time() + 1
        await asyncio.sleep(1 + seconds)
        late = [late for session in crowd for late in session.late]
        hanging = await sessions.farewell(crowd)
        counts: dict[str, int] = {}
        for session in crowd:
            for kind, number in session.counts.items():
                counts[kind] = counts.get(kind, 0) + number
        return {
            "lags": [lag for session in crowd for at, lag in session.lags if at >= start],
            "late": late,
            "counts": counts,
            "seconds": sum(session.seconds for session in crowd),
            "dropped": sum(session.sample.get("session.closed", {}).get("dropped", 0) for session in crowd),
            "refused": sum(session.status != 101 for session in crowd),
            "not_closed": hanging + sum(session.status == 101 and "session.closed" not in session.sample for session in crowd),
            "cpu": time.process_time() - began,
        }

    return sessions.run(main())


def live(args) -> dict:
    voices = sound.voices(args.speech, min(args.sessions, 12), 60)
    share = [args.sessions // args.processes + (i < args.sessions % args.processes) for i in range(args.processes)]
    with Server(args.affekt, *args.option) as server:
        # Once, so that what is loaded at the first use is not counted as a session's.
        live_client(server.port, voices[:1], 1, 3, 0.1, 0)
        before, began = server.usage(), time.monotonic()
        watch = Watch(server.pid)
        with ProcessPoolExecutor(args.processes) as pool:
            jobs = [
                pool.submit(live_client, server.port, voices, count, args.seconds, args.ramp, index)
                for index, count in enumerate(share)
                if count
            ]
            parts = [job.result() for job in jobs]
        seen, after, wall = watch.stop(), server.usage(), time.monotonic() - began
        panics = server.panics()
    lags = [lag for part in parts for lag in part["lags"]]
    p50, p95, most = quantiles(lags, 0.5, 0.95, 1)
    # While all of them speak, before they begin to go.
    during = [usage.rss for at, usage in seen if args.ramp + 1 < at < args.ramp + 1 + args.seconds]
    rss = max(during, default=after.rss)
    counts = {kind: sum(part["counts"].get(kind, 0) for part in parts) for part in parts for kind in part["counts"]}
    sum_of = lambda key: sum(part[key] for part in parts)
    result = {
        "sessions": args.sessions, "seconds": args.seconds, "measurements": len(lags),
        "lag_p50_ms": 1000 * p50, "lag_p95_ms": 1000 * p95, "lag_max_ms": 1000 * most,
        "cpu_s": after.cpu - before.cpu, "cores": (after.cpu - before.cpu) / wall,
        "cpu_per_audio_second": (after.cpu - before.cpu) / max(sum_of("seconds"), 1),
        "rss_before_mb": before.rss, "rss_mb": rss, "rss_after_mb": after.rss,
        "mb_per_session": (rss - before.rss) / args.sessions,
        "audio_s": sum_of("seconds"), "dropped_s": sum_of("dropped"), "refused": sum_of("refused"),
        "not_closed": sum_of("not_closed"), "client_cpu_s": sum_of("cpu"),
        "client_late_p95_ms": 1000 * quantiles([late for part in parts for late in part["late"]], 0.95)[0],
        "messages": counts, "panics": panics,
    }  # fmt: skip
    print(
        f"live: {args.sessions} sessions for {args.seconds:g} s: lag p50 {1000 * p50:.0f} ms, p95 {1000 * p95:.0f} ms, "
        f"max {1000 * most:.0f} ms ({len(lags)} measurements); server {result['cpu_s']:.1f} s of CPU ({result['cores']:.2f} cores), "
        f"RSS {rss:.0f} MB (before {before.rss:.0f}, {result['mb_per_session']:.2f} a session); dropped {result['dropped_s']:.1f} s, "
        f"refused {result['refused']}, not closed {result['not_closed']}; client {result['client_cpu_s']:.1f} s of CPU, "
        f"late p95 {result['client_late_p95_ms']:.1f} ms",
        flush=True,
    )
    return result


# ---- files ------------------------------------------------------------------------------


async def post(reader, writer, data: bytes) -> tuple[int, bytes]:
    writer.write(data)
    head = await reader.readuntil(b"\r\n\r\n")
    size = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    return int(head.split(b" ", 2)[1]), await reader.readexactly(size)


async def post_all(port: int, posts: list[bytes], clients: int, seconds: float, warm: float) -> tuple[list[float], dict, float]:
    """Times of requests, statuses and the seconds counted."""
    loop = asyncio.get_running_loop()
    start = loop.time() + warm
    end, times, statuses = start + seconds, [], {}

    async def client(index: int) -> None:
        turn = index
        while (began := loop.time()) < end:
            # A connection each: with lasting ones, all could be one worker's of the baseline.
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            status, _ = await post(reader, writer, posts[turn % len(posts)])
            writer.close()
            turn += clients
            if start <= loop.time() < end:
                times.append(loop.time() - began)
                statuses[status] = statuses.get(status, 0) + 1

    await asyncio.gather(*(client(index) for index in range(clients)))
    return times, statuses, seconds


def measured(name: str, port: int, pid: int, forms: list, args) -> dict:
    posts = [sound.post_bytes(port, *form) for form in forms]
    began, before = time.monotonic(), Usage.of(pid)
    times, statuses, seconds = sessions.run(post_all(port, posts, args.clients, args.seconds, 3))
    after, wall = Usage.of(pid), time.monotonic() - began
    p50, p95 = quantiles(times, 0.5, 0.95)
    result = {
        "rate": statuses.get(200, 0) / seconds, "statuses": statuses, "p50_ms": 1000 * p50, "p95_ms": 1000 * p95,
        "cores": (after.cpu - before.cpu) / wall, "rss_mb": after.rss, "peak_mb": after.peak,
    }  # fmt: skip
    print(
        f"files, {name}: {result['rate']:.1f} clips of {args.length:g} s a second with {args.clients} clients; "
        f"p50 {result['p50_ms']:.0f} ms, p95 {result['p95_ms']:.0f} ms; {result['cores']:.2f} cores, RSS {after.rss:.0f} MB; {statuses}",
        flush=True,
    )
    return result


def answers(port: int, forms: list) -> list[dict]:
    found = []
    for body, kind in forms:
        status, answer = request(port, "POST", "/v1/audio/emotions", body, {"Content-Type": kind}, timeout=120)
        if status != 200:
            raise SystemExit(f"a clip is answered with {status}: {answer[:300]!r}")
        found.append(json.loads(answer))
    return found


def baseline(args) -> tuple[subprocess.Popen, int]:
    """The Python server, ready."""
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    script = Path(__file__).parents[1] / "server_baseline.py"
    command = [sys.executable, script, args.onnx, "--port", str(port), "--workers", str(args.workers)]
    # Without these every worker starts as many threads as there are cores.
    one = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
    process = subprocess.Popen(command, env={**os.environ, **one, "PYTHONDONTWRITEBYTECODE": "1"})
    for _ in range(240):
        try:
            request(port, "GET", "/openapi.json")
            return process, port
        except OSError:
            time.sleep(0.5)
        if process.poll() is not None:
            break
    raise SystemExit("the baseline does not start; see --help for the packages that it needs")


def files(args) -> dict:
    forms = [sound.form(clip) for clip in sound.clips(args.speech, args.clips, args.length, args.rate)]
    results = {}
    with Server(args.affekt, *args.option) as server:
        ours = answers(server.port, forms)
        results["affekt"] = measured("affekt", server.port, server.pid, forms, args)
        results["panics"] = server.panics()
    if not args.onnx:
        return results
    process, port = baseline(args)
    try:
        theirs = answers(port, forms)
        results["baseline"] = measured("Python", port, process.pid, forms, args)
    finally:
        process.terminate()
        process.wait()
    apart = [
        max(abs(a["probabilities"][label] - b["probabilities"][label]) for label in b["probabilities"])
        for a, b in zip(ours, theirs)
    ]
    # The label is null where nobody speaks, which the baseline cannot say.
    same = sum(a["label"] in (None, b["label"]) for a, b in zip(ours, theirs))
    ratio = results["affekt"]["rate"] / max(results["baseline"]["rate"], 1e-9)
    results |= {"ratio": ratio, "largest_difference": max(apart), "same_labels": same, "clips": len(forms)}
    print(
        f"files: {ratio:.2f} times the baseline; probabilities differ by {max(apart):.1e} at most, the label is the same for "
        f"{same} of {len(forms)} clips",
        flush=True,
    )
    # With 16 kHz both compute the same; else the resamplers differ.
    if max(apart) > (1e-3 if args.rate == sound.RATE else 0.1):
        raise SystemExit("the baseline does not compute what affekt computes: the ratio says nothing")
    return results
