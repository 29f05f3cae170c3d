#!/usr/bin/env python3
"""Measures `affekt serve` under load and under attack. Each command starts the server.

    measure_server.py live AFFEKT RAVDESS --sessions 50 --seconds 60
    measure_server.py files AFFEKT RAVDESS --clients 4 --onnx emotions.onnx
    measure_server.py slow AFFEKT RAVDESS --seconds 300
    measure_server.py slowhttp AFFEKT --seconds 30
    measure_server.py hostile AFFEKT RAVDESS --count 10000 --seed 1
    measure_server.py soak AFFEKT RAVDESS --minutes 30

RAVDESS is a folder of recordings, with a folder for each speaker. Options of the server
follow `--option`, one each: --option=--max-sessions --option=200. Exit code 1 where
something is wrong, not where it is slow.

Needs ffmpeg; `files --onnx` needs what server_baseline.py names, `slowhttp` needs
slowhttptest. uvloop makes the clients cheaper where it is installed.

`lag` is the time from sending the sound that a measurement ends with to the arrival of
the measurement; clients and server share the machine, so that the clients' CPU seconds
are printed too.
"""

import argparse
import json
import sys
from pathlib import Path

# So that no __pycache__ lies in the checkout afterwards.
sys.dont_write_bytecode = True

from server_checks import hostile, load, slow, soak, sound


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name, run, summary: str, speech: bool = True) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=summary, description=summary)
        added.set_defaults(run=run)
        added.add_argument("affekt", help="the program")
        if speech:
            added.add_argument("speech", type=Path, help="a folder of recordings of speech")
        added.add_argument("--option", action="append", default=[], help="an option of the server")
        added.add_argument("--json", action="store_true", help="print everything as JSON, too")
        return added

    added = command("live", load.live, "many live sessions: lag, CPU, memory")
    added.add_argument("--sessions", type=int, default=10)
    added.add_argument("--seconds", type=float, default=60)
    added.add_argument("--ramp", type=float, default=5, help="seconds in which the sessions begin")
    added.add_argument("--processes", type=int, default=1, help="processes of the clients")

    added = command("files", load.files, "files a second, beside a server in Python")
    added.add_argument("--clients", type=int, default=4, help="requests at a time")
    added.add_argument("--seconds", type=float, default=30)
    added.add_argument("--clips", type=int, default=24)
    added.add_argument("--length", type=float, default=3, help="seconds of a clip")
    added.add_argument("--rate", type=int, default=sound.RATE, help="sample rate of the clips")
    added.add_argument("--onnx", help="the exported model, for the server in Python; without it, ours alone")
    added.add_argument("--workers", type=int, default=2, help="processes of the server in Python")

    added = command("slow", slow.slow, "clients that read slowly or never")
    added.add_argument("--sessions", type=int, default=10, help="normal ones")
    added.add_argument("--seconds", type=float, default=300)

    added = command("slowhttp", slow.slowhttp, "requests that never end (slowhttptest)", speech=False)
    added.add_argument("--seconds", type=float, default=30, help="of each of the three modes")
    added.add_argument("--connections", type=int, default=500)

    added = command("hostile", hostile.hostile, "wrong frames and files")
    added.add_argument("--count", type=int, default=10_000)
    added.add_argument("--seed", type=int, default=1)
    added.add_argument("--at-a-time", type=int, default=8)
    added.add_argument("--rss", type=float, default=500, help="megabytes that the server may grow by")

    added = command("soak", soak.soak, "sessions, watchers and files, coming and going")
    added.add_argument("--minutes", type=float, default=30)
    added.add_argument("--sessions", type=float, default=8, help="at a time, on average")
    added.add_argument("--every", type=float, default=3, help="seconds from one file to the next")
    added.add_argument("--seed", type=int, default=1)

    args = parser.parse_args()
    result = args.run(args)
    if args.json:
        print(json.dumps(result))
    sys.exit(int(bool(result.get("panics") or result.get("wrong"))))


if __name__ == "__main__":
    main()
