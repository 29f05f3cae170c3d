#!/usr/bin/env python3
"""Receives what `affekt listen` sends with programs of other make.

    check_stage.py AFFEKT

OSC by python-osc, sACN by sacn, Art-Net by stupidArtnet (all from PyPI), and a
microphone by PulseAudio, where it is installed: a null sink that paplay plays into, a
server that is killed and started again. The sound is synthetic.
"""

import json
import math
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import wave
from pathlib import Path

RATE = 16_000


def talk(path: Path, seconds: float) -> None:
    """A voice that speaks for two seconds of every three."""
    samples = []
    for n in range(int(seconds * RATE)):
        t = n / RATE
        pitch = 150 + 20 * math.sin(3 * t)
        tone = sum(math.sin(math.tau * pitch * t * k) / k for k in range(1, 12))
        loud = 0.2 * abs(math.sin(14 * t)) if t % 3 > 1 else 0
        samples.append(int(32_000 * max(-1, min(1, loud * tone))))
    with wave.open(str(path), "wb") as out:
        out.setparams((1, 2, RATE, 0, "NONE", ""))
        out.writeframes(struct.pack(f"<{len(samples)}h", *samples))


def check_osc(affekt: str, sound: Path) -> None:
    from pythonosc.osc_bundle import OscBundle

    receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    receiver.bind(("127.0.0.1", 0))
    receiver.settimeout(2)
    port = receiver.getsockname()[1]
    listen = [affekt, "listen", str(sound), "--pace", "--osc", f"127.0.0.1:{port}"]
    process = subprocess.Popen(listen, stdout=subprocess.DEVNULL)
    times, sizes, level = [], [], []
    try:
        while True:
            packet = receiver.recv(65536)
            times.append(time.monotonic())
            sizes.append(len(packet))
            last = {message.address: message.params for message in OscBundle(packet)}
            level.append(last["/emotion/level"][0])
    except TimeoutError:
        pass
    assert process.wait() == 0
    gaps = sorted(b - a for a, b in zip(times, times[1:]))
    print(f"OSC: {len(sizes)} bundles, at most {max(sizes)} bytes, median gap {1000 * gaps[len(gaps) // 2]:.1f} ms")
    assert max(sizes) <= 1472 and max(level) > 0.4
    assert last["/emotion/label"] == [-1]
    zeros = [value for name, (value,) in last.items() if name not in ("/emotion/label", "/emotion/alive")]
    assert all(value == 0 for value in zeros), last


def check_sacn(affekt: str, sound: Path) -> None:
    import sacn

    seen = []
    receiver = sacn.sACNreceiver(bind_address="127.0.0.1")
    receiver.register_listener("universe", lambda packet: seen.append(packet), universe=7)
    receiver.start()
    listen = [affekt, "listen", str(sound), "--pace", "--sacn", "7", "--sacn-host", "127.0.0.1", "--lamps", "3", "--unlike-above", "100"]
    subprocess.run(listen, stdout=subprocess.DEVNULL, check=True)
    time.sleep(0.5)
    receiver.stop()
    print(f"sACN: {len(seen)} changes of universe {seen[0].universe} from {seen[0].sourceName!r}")
    assert len(seen) > 10 and seen[0].universe == 7 and seen[0].sourceName == "affekt"
    assert max(max(packet.dmxData[:9]) for packet in seen) > 60
    assert all(value == 0 for packet in seen for value in packet.dmxData[9:])


def check_artnet(affekt: str, sound: Path) -> None:
    from stupidArtnet import StupidArtnetServer

    seen = []
    server = StupidArtnetServer()
    server.register_listener(universe=1, is_simplified=False, net=0, sub=0, callback_function=lambda data, *_: seen.append(list(data)))
    listen = [affekt, "listen", str(sound), "--pace", "--artnet", "127.0.0.1", "--artnet-universe", "1", "--lamps", "3", "--unlike-above", "100"]
    subprocess.run(listen, stdout=subprocess.DEVNULL, check=True)
    time.sleep(0.5)
    server.close()
    print(f"Art-Net: {len(seen)} packets")
    assert len(seen) > 50 and max(max(data[:9]) for data in seen) > 60
    assert all(value == 0 for value in seen[-1])


def check_microphone(affekt: str, sound: Path, folder: Path) -> None:
    environment = {**os.environ, "XDG_RUNTIME_DIR": str(folder), "PULSE_RUNTIME_PATH": str(folder / "pulse")}
    environment.pop("PULSE_SERVER", None)

    def server() -> subprocess.Popen:
        modules = ["-L", "module-native-protocol-unix", "-L", "module-null-sink sink_name=hall"]
        process = subprocess.Popen(
            ["pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", *modules],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for _ in range(50):
            if subprocess.run(["pactl", "info"], env=environment, capture_output=True).returncode == 0:
                return process
            time.sleep(0.2)
        raise SystemExit("PulseAudio does not start")

    def play() -> subprocess.Popen:
        return subprocess.Popen(["paplay", "-d", "hall", str(sound)], env=environment, stderr=subprocess.DEVNULL)

    first = server()
    devices = subprocess.run([affekt, "devices"], env=environment, capture_output=True, text=True).stdout
    assert "hall.monitor" in devices, devices
    listen = [affekt, "listen", "--input", "hall.monitor", "--format", "jsonl"]
    process = subprocess.Popen(listen, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    time.sleep(1.5)
    player = play()
    time.sleep(5)
    first.kill()
    first.wait()
    player.wait()
    time.sleep(1)
    second = server()
    time.sleep(1.5)
    player = play()
    time.sleep(5)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    player.kill()
    second.kill()
    events = [json.loads(line) for line in out.splitlines()]
    ends = [event["audio_end"] for event in events if event["type"] == "measurement"]
    starts = [event["start"] for event in events if event["type"] == "utterance.start"]
    dropped = [event for event in events if event["type"] == "measurement"][-1]["dropped"]
    print(f"microphone: {ends[-1]:.1f} s, utterances at {starts}, {dropped:.1f} s away")
    assert all(a < b for a, b in zip(ends, ends[1:])), "the clock goes forward"
    assert dropped > 0.5 and "is back after" in err, err
    back = ends[-1] - 6
    assert any(start < back for start in starts) and any(start > back for start in starts)


def main() -> None:
    affekt = sys.argv[1]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sound = folder / "talk.wav"
        talk(sound, 6)
        check_osc(affekt, sound)
        check_sacn(affekt, sound)
        check_artnet(affekt, sound)
        if shutil.which("pulseaudio"):
            check_microphone(affekt, sound, folder)
        else:
            print("microphone: skipped, there is no PulseAudio")


if __name__ == "__main__":
    main()
