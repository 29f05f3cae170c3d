"""A running `affekt serve`, and what the system says about its process."""

import http.client
import os
import re
import signal
import subprocess
import tempfile
import threading
import time
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
METRIC = re.compile(r"^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$")
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


class Server:
    """`affekt serve` with these options, ready for requests; ends with the `with` block."""

    def __init__(self, affekt: str, *options: str, listen: str = "127.0.0.1:0", environment: dict | None = None) -> None:
        self.errors = tempfile.NamedTemporaryFile("w+", prefix="affekt-serve-", suffix=".log", delete=False)
        self.output: list[str] = []
        self.process = subprocess.Popen(
            [affekt, "serve", "--listen", listen, *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
            env={**os.environ, **(environment or {})},
        )
        self.ready = threading.Event()
        threading.Thread(target=self._read, daemon=True).start()
        self.ready.wait(60)
        found = re.search(r"listening on https?://\S+?:(\d+)", self.output[0] if self.output else "")
        if not found:
            self.process.kill()
            raise SystemExit(f"affekt serve does not start: {self.output} {self.log()[-2000:]}")
        self.pid, self.port = self.process.pid, int(found[1])
        self.url = f"http://127.0.0.1:{self.port}"

    def _read(self) -> None:
        # To the end, so that a full pipe never stops the server.
        for line in self.process.stdout:
            self.output.append(line.rstrip("\n"))
            self.ready.set()
        self.ready.set()

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_) -> None:
        self.stop()
        os.unlink(self.errors.name)

    def log(self) -> str:
        return Path(self.errors.name).read_text(errors="replace")

    def panics(self) -> list[str]:
        return [line for line in self.log().splitlines() if "panicked" in line]

    def alive(self) -> bool:
        return self.process.poll() is None

    def stop(self, wait: float = 15) -> float:
        """SIGTERM; the seconds until the process was gone."""
        began = time.monotonic()
        if self.alive():
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(wait)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        return time.monotonic() - began

    def get(self, path: str, timeout: float = 30, **headers: str) -> tuple[int, bytes]:
        return request(self.port, "GET", path, headers=headers, timeout=timeout)

    def metrics(self) -> dict[tuple, float]:
        """Values by name and labels, as (name, (label, value), ...)."""
        _, body = self.get("/metrics")
        return parsed(body.decode())

    def usage(self) -> "Usage":
        return Usage.of(self.pid)


def request(
    port: int, method: str, path: str, body: bytes | None = None, headers: dict | None = None, timeout: float = 30
) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def parsed(text: str) -> dict[tuple, float]:
    values = {}
    for line in text.splitlines():
        if found := METRIC.match(line):
            values[(found[1], *sorted(LABEL.findall(found[2] or "")))] = float(found[3])
    return values


def total(metrics: dict[tuple, float], name: str, **labels: str) -> float:
    """The sum of a metric over all series with these labels."""
    return sum(v for key, v in metrics.items() if key[0] == name and set(labels.items()) <= set(key[1:]))


class Usage:
    """CPU seconds, memory, file descriptors and threads of a process and its children."""

    def __init__(self, cpu: float, rss: float, peak: float, files: int, threads: int) -> None:
        self.cpu, self.rss, self.peak, self.files, self.threads = cpu, rss, peak, files, threads

    @classmethod
    def of(cls, pid: int) -> "Usage":
        cpu, rss, peak, files, threads = 0.0, 0.0, 0.0, 0, 0
        for each in family(pid):
            try:
                fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
                status = Path(f"/proc/{each}/status").read_text()
                files += len(os.listdir(f"/proc/{each}/fd"))
            except OSError:
                continue  # it has just ended
            cpu += (int(fields[11]) + int(fields[12])) / TICKS
            threads += int(fields[17])
            rss += megabytes(status, "VmRSS")
            peak += megabytes(status, "VmHWM")
        return cls(cpu, rss, peak, files, threads)


def megabytes(status: str, field: str) -> float:
    found = re.search(rf"^{field}:\s+(\d+) kB", status, re.MULTILINE)
    return int(found[1]) / 1024 if found else 0.0


def family(pid: int) -> list[int]:
    """A process and all below it."""
    children: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                fields = Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            children.setdefault(int(fields[1]), []).append(int(entry))
    found = [pid]
    for each in found:
        found += children.get(each, [])
    return found


class Watch(threading.Thread):
    """Notes a process's usage every so many seconds, until `stop`."""

    def __init__(self, pid: int, every: float = 1.0) -> None:
        super().__init__(daemon=True)
        self.pid, self.every, self.began = pid, every, time.monotonic()
        self.seen: list[tuple[float, Usage]] = []
        self.ended = threading.Event()
        self.start()

    def run(self) -> None:
        while True:
            self.seen.append((time.monotonic() - self.began, Usage.of(self.pid)))
            if self.ended.wait(self.every):
                return

    def stop(self) -> list[tuple[float, Usage]]:
        self.ended.set()
        self.join()
        return self.seen


def quantiles(values: list[float], *shares: float) -> list[float]:
    """By rank; NaN without values."""
    ordered = sorted(values)
    if not ordered:
        return [float("nan")] * len(shares)
    return [ordered[min(len(ordered) - 1, int(share * len(ordered)))] for share in shares]
