"""The page in a real browser, with a file as its microphone."""

import json
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

from .server import Server
from .sound import ffmpeg

CHROMIUM = "/usr/bin/chromium"
# Seconds of silence around what is said: the first sound is there before the connection
# is, and the fake microphone begins again at the end of the file.
LEAD, GAP, REST = 1.0, 1.2, 4.0
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream",
]  # fmt: skip
# A name that leads to this machine, as an attacker's name server would have it.
REBOUND = "foo.test"


def microphone_file(files: list[Path], out: Path) -> float:
    """What the fake microphone plays, in its own format; seconds until all is said."""
    parts, ends = [], []
    for index, _ in enumerate(files):
        silence = LEAD if index == 0 else GAP
        last = REST if index == len(files) - 1 else 0
        parts.append(f"[{index}:a]aresample=44100,aformat=channel_layouts=mono,adelay={int(1000 * silence)},apad=pad_dur={last}[p{index}]")
        ends.append(f"[p{index}]")
    graph = ";".join([*parts, f"{''.join(ends)}concat=n={len(files)}:v=0:a=1"])
    inputs = [argument for file in files for argument in ("-i", file)]
    ffmpeg(*inputs, "-filter_complex", graph, "-ac", 1, "-ar", 44100, "-c:a", "pcm_s16le", out)
    return (out.stat().st_size - 44) / 88_200 - REST


def heard_by_listen(affekt: str, file: Path) -> list[str | None]:
    """The labels of the utterances that `affekt listen` hears."""
    command = [affekt, "listen", str(file), "--format", "jsonl"]
    lines = subprocess.run(command, capture_output=True, check=True, text=True).stdout.splitlines()
    events = [json.loads(line) for line in lines]
    return [event["label"] for event in events if event["type"] == "utterance.end"]


@contextmanager
def chromium(playwright, sound: Path | None = None, executable: str = CHROMIUM):
    arguments = [*ARGUMENTS, f"--host-resolver-rules=MAP {REBOUND} 127.0.0.1"]
    if sound:
        arguments.append(f"--use-file-for-fake-audio-capture={sound}")
    browser = playwright.chromium.launch(executable_path=executable, args=arguments)
    try:
        yield browser
    finally:
        browser.close()


def opened(browser, url: str, problems: list[str], **options):
    """A page, whose errors go into `problems`."""
    page = browser.new_page(**options)
    page.on("console", lambda message: problems.append(f"{message.type}: {message.text}") if message.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(f"exception: {error}"))
    page.on("response", lambda answer: problems.append(f"{answer.status} for {answer.url}") if answer.status >= 400 else None)
    page.goto(url)
    return page


def drop(page, file: Path, seconds: float = 60) -> int:
    """Drops a file onto the page; how many segments it shows."""
    transfer = page.evaluate_handle(
        """([bytes, name]) => {
            const transfer = new DataTransfer();
            transfer.items.add(new File([Uint8Array.from(bytes)], name, { type: 'audio/wav' }));
            return transfer;
        }""",
        [list(file.read_bytes()), file.name],
    )
    for event in ("dragenter", "dragover", "drop"):
        page.dispatch_event("#drop", event, {"dataTransfer": transfer})
    page.wait_for_selector("#result:visible", timeout=1000 * seconds)
    page.wait_for_function("document.querySelectorAll('#segments tr').length > 0")
    return page.locator("#segments tr").count()


def status_of(browser, url: str) -> int:
    """The status of a page. Chromium takes an error without a body for no answer at all."""
    from playwright.sync_api import Error

    page, found = browser.new_page(), []
    page.on("response", lambda answer: found.append(answer.status))
    try:
        page.goto(url)
    except Error:
        pass
    page.close()
    return found[0] if found else 0


def violations(page) -> list[str]:
    """What axe finds serious or critical."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    grave = [rule for rule in found if rule["impact"] in ("serious", "critical")]
    return [f"{rule['id']} ({rule['impact']}): {rule['nodes'][0]['html'][:120]}" for rule in grave]


def check_page(playwright, affekt: str, files: list[Path], folder: Path, pictures: Path | None, executable: str) -> list[str]:
    """The page, the wall, a dropped file and accessibility; what is wrong."""
    sound = folder / "microphone.wav"
    until = microphone_file(files, sound)
    expected = heard_by_listen(affekt, sound)
    wrong: list[str] = []
    with Server(affekt) as server, chromium(playwright, sound, executable) as browser:

        def picture(page, name: str) -> None:
            if pictures:
                page.screenshot(path=str(pictures / f"{name}.png"), full_page=name != "wall")

        page = opened(browser, server.url + "/", wrong, viewport={"width": 1280, "height": 900})
        page.wait_for_selector("body[data-ready=true]")
        picture(page, "page-idle")
        wall = opened(browser, server.url + "/wall", wrong, viewport={"width": 1280, "height": 720})
        page.bring_to_front()
        # In the middle of what is said, for the pictures and for axe on a page that lives.
        page.click("#start")
        page.wait_for_selector("#stop:visible", timeout=10_000)
        began = time.monotonic()
        page.wait_for_timeout(1000 * until * 0.7)
        picture(page, "page-live")
        picture(wall, "wall")
        connected = wall.evaluate("document.body.dataset.connected")
        measured = len(json.loads(page.evaluate("document.body.dataset.labels")))
        page.wait_for_timeout(max(0.0, 1000 * (until + REST / 2 - (time.monotonic() - began))))
        page.click("#stop")
        page.wait_for_selector("#start:visible", timeout=15_000)
        labels = json.loads(page.evaluate("document.body.dataset.utterances"))
        print(f"page: heard {labels}, listen hears {expected}; {measured} different labels live, wall connected: {connected}")
        if labels != expected or not expected:
            wrong.append(f"the page heard {labels}, and listen {expected}")
        segments = drop(page, files[0])
        picture(page, "page-file")
        print(f"page: a dropped file has {segments} segments")
        for theme in ("light", "dark"):
            page.select_option("#theme", theme)
            page.wait_for_timeout(300)
            picture(page, f"page-{theme}")
            grave = violations(page)
            wrong += [f"axe, {theme}: {rule}" for rule in grave]
            print(f"axe: page, {theme}: {len(grave)} serious or critical")
        grave = violations(wall)
        wrong += [f"axe, wall: {rule}" for rule in grave]
        print(f"axe: wall: {len(grave)} serious or critical")
        wrong += [f"a panic: {line}" for line in server.panics()]
    return wrong
