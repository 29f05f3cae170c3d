"""Real speech for the clients, and files to post."""

import os
import random
import subprocess
import tempfile
from pathlib import Path

RATE = 16_000
# Bytes of a message: 100 ms of 16-bit samples.
MESSAGE = RATE // 10 * 2


def recordings(folder: Path) -> list[Path]:
    found = sorted(Path(folder).glob("**/*.wav"))
    if not found:
        raise SystemExit(f"{folder}: no WAV file")
    return found


def ffmpeg(*arguments) -> bytes:
    command = ["ffmpeg", "-v", "error", "-y", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, check=True).stdout


def joined(files: list[Path], *output) -> bytes:
    """Several recordings one after the other, as `ffmpeg` writes them."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as names:
        names.write("".join(f"file '{Path(file).resolve()}'\n" for file in files))
        names.flush()
        return ffmpeg("-f", "concat", "-safe", "0", "-i", names.name, *output)


def voices(folder: Path, count: int, seconds: float, seed: int = 1) -> list[bytes]:
    """Speech of one folder (one actor) each, s16le at 16 kHz, whole messages."""
    chooser = random.Random(seed)
    by_folder: dict[Path, list[Path]] = {}
    for path in recordings(folder):
        by_folder.setdefault(path.parent, []).append(path)
    found = []
    for index in range(count):
        files = by_folder[sorted(by_folder)[index % len(by_folder)]]
        # A clip of RAVDESS has three seconds and more.
        chosen = chooser.sample(files, min(len(files), 1 + int(seconds / 3)))
        sound = joined(chosen, "-t", seconds, "-ac", 1, "-ar", RATE, "-f", "s16le", "-")
        found.append(sound[: len(sound) // MESSAGE * MESSAGE])
    return found


def clips(folder: Path, count: int, seconds: float, rate: int, seed: int = 1) -> list[bytes]:
    """WAV files of so many seconds."""
    found = []
    for path in random.Random(seed).sample(recordings(folder), count):
        with tempfile.TemporaryDirectory() as name:
            out = Path(name) / "clip.wav"
            ffmpeg("-i", path, "-af", f"apad=whole_dur={seconds}", "-t", seconds, "-ac", 1, "-ar", rate, "-c:a", "pcm_s16le", out)
            found.append(out.read_bytes())
    return found


def form(file: bytes, name: str = "clip.wav", kind: str = "audio/wav", /, **fields: str) -> tuple[bytes, str]:
    """A multipart body and its content type."""
    boundary = "----affekt" + os.urandom(8).hex()
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode()
        for key, value in fields.items()
    ]
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\nContent-Type: {kind}\r\n\r\n'
    body = b"".join(parts) + head.encode() + file + f"\r\n--{boundary}--\r\n".encode()
    return body, f"multipart/form-data; boundary={boundary}"


def post_bytes(port: int, body: bytes, kind: str, path: str = "/v1/audio/emotions") -> bytes:
    """A whole request as bytes, for clients that send the same one often."""
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body
