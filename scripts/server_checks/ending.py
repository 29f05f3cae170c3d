"""SIGTERM in the middle of a sentence, what goes to the stage, and schemathesis."""

import asyncio
import json
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

from .server import Server
from .sound import MESSAGE, RATE, ffmpeg


def received(receiver: socket.socket, packets: list[bytes]) -> None:
    while True:
        try:
            packets.append(receiver.recv(65536))
        except OSError:
            return


def check_end(affekt: str, file: Path) -> list[str]:
    """The last verdict, 1001, and zeros for the stage."""
    import websockets
    from pythonosc.osc_bundle import OscBundle

    receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    receiver.bind(("127.0.0.1", 0))
    packets: list[bytes] = []
    threading.Thread(target=received, args=(receiver, packets), daemon=True).start()
    voice = ffmpeg("-i", file, "-ac", 1, "-ar", RATE, "-f", "s16le", "-")
    # In the middle of what is said, and nothing after it.
    voice = voice[: 2 * RATE * 2 // MESSAGE * MESSAGE + 4 * MESSAGE]
    server = Server(affekt, "--osc", f"127.0.0.1:{receiver.getsockname()[1]}")

    async def session() -> tuple[list[dict], int | None, float]:
        messages: list[dict] = []
        async with websockets.connect(f"ws://127.0.0.1:{server.port}/v1/listen") as end:

            async def listen() -> None:
                async for message in end:
                    messages.append(json.loads(message))

            listening = asyncio.create_task(listen())
            for at in range(0, len(voice), MESSAGE):
                await end.send(voice[at : at + MESSAGE])
                await asyncio.sleep(0.1)
            server.process.send_signal(signal.SIGTERM)
            asked = time.monotonic()
            while server.alive() and time.monotonic() - asked < 10:
                await asyncio.sleep(0.02)
            took = time.monotonic() - asked
            await asyncio.wait([listening], timeout=5)
            return messages, end.close_code, took

    with server:
        messages, code, took = asyncio.run(session())
        exit_code, panics = server.process.poll(), server.panics()
    time.sleep(0.3)
    receiver.close()
    kinds = [message["type"] for message in messages]
    last = {message.address: message.params for message in OscBundle(packets[-1])} if packets else {}
    levels = [params for packet in packets for params in [dict((m.address, m.params) for m in OscBundle(packet))]]
    loudest = max((params.get("/emotion/level", [0])[0] for params in levels), default=0)
    print(f"end: {kinds[-3:]}, close code {code}, gone after {took:.2f} s with {exit_code}; {len(packets)} OSC bundles, loudest {loudest:.2f}")
    wrong = []
    if kinds[-2:] != ["utterance.end", "session.closed"]:
        wrong.append(f"the last messages are {kinds[-3:]}")
    if code != 1001:
        wrong.append(f"the close code is {code}")
    if took > 5:
        wrong.append(f"the process was there {took:.1f} s after SIGTERM")
    values = {name: value for name, (value, *_) in last.items() if name not in ("/emotion/label", "/emotion/alive")}
    if not values or any(value != 0 for value in values.values()) or last.get("/emotion/label") != [-1]:
        wrong.append(f"the last OSC bundle is not zero: {last}")
    if not loudest > 0.1:
        wrong.append("nothing was sent to the stage before")
    return wrong + [f"a panic: {line}" for line in panics]


def check_openapi(affekt: str, examples: int) -> list[str]:
    """Schemathesis: no error of the server, and answers as the description says."""
    program = Path(sys.executable).parent / "schemathesis"
    program = str(program) if program.exists() else shutil.which("schemathesis")
    if not program:
        return ["schemathesis is not installed"]
    with Server(affekt) as server:
        command = [program, "run", f"{server.url}/openapi.json", "--max-examples", str(examples), "--seed", "1", "--workers", "1"]
        checks = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
        done = subprocess.run([*command, "--checks", checks, "--no-color"], capture_output=True, text=True, timeout=300)
        alive, panics = server.alive(), server.panics()
    out = done.stdout + done.stderr
    summary = [line.strip() for line in out.splitlines() if re.search(r"API Operations|Test cases|passed|failed|generated", line)]
    print(f"openapi: schemathesis ends with {done.returncode}: {' | '.join(summary)[-300:]}")
    wrong = [f"a panic: {line}" for line in panics] + ["the server is gone"] * (not alive)
    if done.returncode:
        wrong.append(f"schemathesis: {out[-3000:]}")
    return wrong
