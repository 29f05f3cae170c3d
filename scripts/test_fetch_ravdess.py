"""Tests of fetch-ravdess against a server on this machine.

    python3 scripts/test_fetch_ravdess.py
"""

import hashlib
import http.server
import io
import os
import pathlib
import re
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import zipfile

SCRIPTS = pathlib.Path(__file__).resolve().parent
FETCH = SCRIPTS / "fetch-ravdess"
CARD = SCRIPTS.parent / "datasets" / "ravdess.toml"


def archive(extra=(), actors=2, each=3, size=2000):
    """A ZIP in the form of the official one, of noise that does not pack."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as out:
        for actor in range(1, actors + 1):
            out.writestr(f"Actor_{actor:02}/", b"")
            for take in range(1, each + 1):
                name = f"Actor_{actor:02}/03-01-0{take}-01-01-01-{actor:02}.wav"
                out.writestr(name, hashlib.shake_128(name.encode()).digest(size))
        for name, content in extra:
            out.writestr(name, content)
    return buffer.getvalue()


GOOD = archive()


class Server(http.server.ThreadingHTTPServer):
    """Serves `content`; `plan` says how each request in turn is spoilt."""

    def __init__(self, content, plan=()):
        super().__init__(("127.0.0.1", 0), Handler)
        self.content, self.plan = content, list(plan)
        self.ranges = []  # the Range header of every request
        self.let_go = threading.Event()  # ends what hangs
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}/speech.zip?download=1"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        server = self.server
        asked = self.headers.get("Range")
        server.ranges.append(asked)
        what = server.plan.pop(0) if server.plan else "good"
        if isinstance(what, int):
            self.send_error(what)
            return
        body, start = server.content, 0
        if asked and what not in ("no ranges", "cut without ranges"):
            start = int(re.fullmatch(r"bytes=(\d+)-", asked).group(1))
            if start >= len(body):
                self.send_error(416)
                return
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        else:
            self.send_response(200)
        if what != "no length":
            self.send_header("Content-Length", str(len(body) - start))
        self.end_headers()
        body = body[start:]
        if what in ("cut", "cut without ranges", "hang"):
            body = body[: len(body) // 2]
        self.wfile.write(body)
        if what == "hang":
            server.let_go.wait(30)

    def log_message(self, *_):
        pass


class FetchRavdess(unittest.TestCase):
    def setUp(self):
        self.home = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.folder = self.home / "ravdess"
        self.part = self.home / "ravdess.zip.part"

    def enterContext(self, context):  # unittest has it from Python 3.11 on
        value = context.__enter__()
        self.addCleanup(context.__exit__, None, None, None)
        return value

    def serve(self, content=GOOD, plan=()):
        server = Server(content, plan)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return server

    def command(self, server, *options, content=GOOD, files=6):
        url = ["--url", server.url] if server else []
        return [sys.executable, str(FETCH), str(self.folder), *url, "--wait", "0.01", "--bytes", str(len(content)),
                "--md5", hashlib.md5(content).hexdigest(), "--files", str(files), *options]  # fmt: skip

    def fetch(self, server, *options, env=(), limit=None, **archive):
        def set_limit():
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

        return subprocess.run(
            self.command(server, *options, **archive),
            capture_output=True,
            text=True,
            timeout=60,
            cwd=self.home,
            env={**os.environ, "no_proxy": "127.0.0.1", **dict(env)},
            preexec_fn=set_limit if limit else None,
        )

    def left(self):
        """Names of everything in the folder the script ran in."""
        return sorted(path.name for path in self.home.iterdir())

    def assertComplete(self, run):
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertEqual(self.left(), ["ravdess"])
        found = sorted(self.folder.rglob("*.wav"))
        self.assertEqual(len(found), 6)
        for path in found:
            name = str(path.relative_to(self.folder))
            self.assertEqual(path.read_bytes(), hashlib.shake_128(name.encode()).digest(2000))

    def assertFailed(self, run, message, left=()):
        self.assertEqual(run.returncode, 1, run.stdout + run.stderr)
        self.assertIn(message, run.stderr)
        self.assertTrue(run.stderr.startswith("fetch-ravdess: "), run.stderr)
        self.assertNotIn("Traceback", run.stderr)
        self.assertEqual(self.left(), list(left))

    def test_a_good_archive_is_unpacked_and_the_next_command_named(self):
        run = self.fetch(self.serve())
        self.assertComplete(run)
        self.assertIn("6 recordings", run.stdout)
        self.assertIn(f"cargo run -p runner -- train {self.folder}", run.stdout)

    def test_the_address_may_come_from_the_environment(self):
        server = self.serve()
        command = self.command(None)
        env = {**os.environ, "no_proxy": "127.0.0.1", "RAVDESS_URL": server.url}
        run = subprocess.run(command, capture_output=True, text=True, timeout=60, env=env)
        self.assertComplete(run)

    def test_a_transfer_that_breaks_off_is_continued_at_once(self):
        server = self.serve(plan=["cut", "cut"])
        self.assertComplete(self.fetch(server))
        half = len(GOOD) // 2
        self.assertEqual(server.ranges[:2], [None, f"bytes={half}-"])
        self.assertEqual(len(server.ranges), 3)

    def test_a_transfer_that_stays_broken_is_continued_by_the_next_run(self):
        server = self.serve(plan=["cut"] + [503] * 3)
        run = self.fetch(server, "--retries", "2")
        self.assertFailed(run, "run this again to continue", ["ravdess.zip.part"])
        self.assertIn("503", run.stderr)
        half = len(GOOD) // 2
        self.assertEqual(self.part.read_bytes(), GOOD[:half])
        server = self.serve()
        self.assertComplete(self.fetch(server))
        self.assertEqual(server.ranges, [f"bytes={half}-"])

    def test_a_server_that_never_gets_on_is_given_up(self):
        server = self.serve(plan=[500] * 100)
        self.assertFailed(self.fetch(server, "--retries", "3"), "500")
        self.assertEqual(len(server.ranges), 4)

    def test_a_server_that_always_starts_anew_and_breaks_off_is_given_up(self):
        server = self.serve(plan=["cut without ranges"] * 100)
        run = self.fetch(server, "--retries", "2")
        self.assertFailed(run, "the connection ended", ["ravdess.zip.part"])
        self.assertEqual(len(server.ranges), 3)

    def test_a_server_that_cannot_continue_sends_it_all_again(self):
        self.part.write_bytes(GOOD[:1000])
        server = self.serve(plan=["no ranges"])
        self.assertComplete(self.fetch(server))
        self.assertEqual(server.ranges, ["bytes=1000-"])

    def test_a_part_of_another_file_is_thrown_away(self):
        for part in (b"x" * 1000, b"x" * len(GOOD), b"x" * (len(GOOD) + 1)):
            with self.subTest(len(part)):
                self.part.write_bytes(part)
                self.assertComplete(self.fetch(self.serve()))
                for path in sorted(self.folder.rglob("*"), reverse=True):
                    path.rmdir() if path.is_dir() else path.unlink()
                self.folder.rmdir()

    def test_a_finished_download_is_not_asked_for_again(self):
        self.part.write_bytes(GOOD)
        server = self.serve()
        self.assertComplete(self.fetch(server))
        self.assertEqual(server.ranges, [])

    def test_a_wrong_checksum_leaves_nothing(self):
        wrong = GOOD[:-1] + bytes([GOOD[-1] ^ 1])
        self.assertFailed(self.fetch(self.serve(wrong)), "MD5")

    def test_another_size_is_noticed_before_the_download(self):
        self.assertFailed(self.fetch(self.serve(GOOD + b"more")), "not the official archive")
        self.assertFailed(self.fetch(self.serve(GOOD + b"more", ["no length"])), "more than")
        self.assertFailed(self.fetch(self.serve(b"<html>Sorry</html>")), "not the official archive")

    def test_404_is_final_and_leaves_nothing(self):
        server = self.serve(plan=[404] * 10)
        self.assertFailed(self.fetch(server), "404")
        self.assertEqual(len(server.ranges), 1)

    def test_a_busy_server_is_asked_again(self):
        server = self.serve(plan=[503, 429])
        self.assertComplete(self.fetch(server))
        self.assertEqual(len(server.ranges), 3)

    def test_no_server_is_an_error_with_advice(self):
        server = self.serve()
        server.shutdown()
        server.server_close()
        self.assertFailed(self.fetch(server), "--archive")

    def test_a_complete_folder_is_left_alone_without_a_request(self):
        self.assertComplete(self.fetch(self.serve()))
        server = self.serve()
        run = self.fetch(server)
        self.assertComplete(run)
        self.assertIn("there already", run.stdout)
        self.assertEqual(server.ranges, [])

    def test_a_folder_with_other_things_is_left_alone(self):
        self.folder.mkdir()
        (self.folder / "thesis.txt").write_text("mine")
        server = self.serve()
        self.assertFailed(self.fetch(server), "holds other things", ["ravdess"])
        self.assertEqual((self.folder / "thesis.txt").read_text(), "mine")
        self.assertEqual(server.ranges, [])

    def test_an_empty_folder_is_filled_and_a_file_is_refused(self):
        self.folder.mkdir()
        self.assertComplete(self.fetch(self.serve()))
        self.folder = self.home / "file"
        self.folder.write_text("mine")
        run = self.fetch(self.serve())
        self.assertFailed(run, "a file is in the way", ["file", "ravdess"])

    def test_a_missing_parent_is_made(self):
        self.folder = self.home / "data" / "speech" / "ravdess"
        self.assertEqual(self.fetch(self.serve()).returncode, 0)
        self.assertEqual(len(list(self.folder.rglob("*.wav"))), 6)

    def test_a_full_disk_while_downloading_leaves_no_folder(self):
        run = self.fetch(self.serve(), limit=len(GOOD) // 2)
        self.assertFailed(run, "Make room", ["ravdess.zip.part"])
        self.assertComplete(self.fetch(self.serve()))

    def test_a_full_disk_while_unpacking_leaves_no_folder(self):
        # Packs to almost nothing, so that the download itself fits.
        big = archive([("Actor_09/03-01-01-01-01-01-09.wav", bytes(1_000_000))])
        run = self.fetch(self.serve(big), limit=500_000, content=big, files=7)
        self.assertFailed(run, "Make room", ["ravdess.zip.part"])
        server = self.serve(big)
        self.assertEqual(self.fetch(server, content=big, files=7).returncode, 0)
        self.assertEqual(server.ranges, [])

    def test_a_wrong_number_of_recordings_leaves_no_folder(self):
        few = archive(each=2)
        run = self.fetch(self.serve(few), content=few)
        self.assertFailed(run, "holds 4 recordings, but 6", ["ravdess.zip.part"])

    def test_a_damaged_recording_leaves_no_folder(self):
        # The sum over the archive fits, that of a file in it does not.
        damaged = bytearray(GOOD)
        damaged[GOOD.index(b"03-01-02-01-01-01-01.wav") + 200] ^= 1
        damaged = bytes(damaged)
        run = self.fetch(self.serve(damaged), content=damaged)
        self.assertFailed(run, "cannot be unpacked", ["ravdess.zip.part"])

    def test_what_is_no_archive_leaves_no_folder(self):
        page = b"<html>" * 100
        run = self.fetch(self.serve(page), content=page)
        self.assertFailed(run, "not a ZIP archive", ["ravdess.zip.part"])

    def test_only_recordings_leave_the_archive_and_none_leaves_the_folder(self):
        odd = archive(
            [
                ("../../Actor_01/evil.wav", b"x"),
                ("/etc/Actor_01/evil.wav", b"x"),
                ("../../03-01-01-01-01-01-01.wav", b"x"),
                ("__MACOSX/Actor_01/._03-01-01-01-01-01-01.wav", b"x"),
                ("readme.txt", b"x"),
                ("speech/Actor_01/03-01-01-01-01-01-01.wav", b"a copy"),
            ]
        )
        self.assertComplete(self.fetch(self.serve(odd), content=odd))

    def test_an_archive_on_the_disk_is_taken_and_kept(self):
        path = self.home / "speech.zip"
        path.write_bytes(GOOD)
        run = self.fetch(None, "--archive", str(path))
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertEqual(self.left(), ["ravdess", "speech.zip"])
        path.write_bytes(GOOD[:-1])
        self.folder = self.home / "other"
        run = self.fetch(None, "--archive", str(path))
        self.assertFailed(run, "official archive has", ["ravdess", "speech.zip"])
        self.folder = self.home / "third"
        run = self.fetch(None, "--archive", "nowhere.zip")
        self.assertFailed(run, "no such file", ["ravdess", "speech.zip"])

    def test_the_archive_is_kept_if_asked_for(self):
        self.assertEqual(self.fetch(self.serve(), "--keep-archive").returncode, 0)
        self.assertEqual((self.home / "ravdess.zip").read_bytes(), GOOD)

    def test_a_kill_while_downloading_leaves_no_folder(self):
        for kill in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(kill):
                self.part.unlink(missing_ok=True)
                server = self.serve(plan=["hang"])
                run = subprocess.Popen(
                    self.command(server),
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.PIPE,
                    text=True,
                    env={**os.environ, "no_proxy": "127.0.0.1"},
                    # Ignored where the tests themselves run in the background.
                    preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
                )
                self.addCleanup(run.kill)
                deadline = time.monotonic() + 20
                while not (self.part.exists() and self.part.stat().st_size):
                    self.assertLess(time.monotonic(), deadline, "nothing was downloaded")
                    time.sleep(0.01)
                run.send_signal(kill)
                _, errors = run.communicate(timeout=20)
                server.let_go.set()
                self.assertEqual(run.returncode, 130, errors)
                self.assertNotIn("Traceback", errors)
                self.assertEqual(self.left(), ["ravdess.zip.part"])

    def test_the_script_and_the_card_name_the_same_archive(self):
        script, card = FETCH.read_text(), CARD.read_text()
        for constant, entry in (("URL", "url"), ("BYTES", "bytes"), ("MD5", "md5"), ("FILES", "files")):
            in_script = re.search(rf"^{constant} = (.*)$", script, re.M).group(1)
            in_card = re.search(rf"^{entry} = (.*)$", card, re.M).group(1)
            self.assertEqual(in_script, in_card, constant)


if __name__ == "__main__":
    unittest.main()
