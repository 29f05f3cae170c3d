#!/usr/bin/env python3
"""Checks `affekt serve` with a browser and with programs of other make.

    check_server.py AFFEKT VOICE.wav... [--pictures DIR] [--only page,strangers,end,openapi]

The recordings are spoken into Chromium's fake microphone, one after the other, with a
pause between; the page must hear what `affekt listen` hears. Then: a file is dropped
onto the page; axe looks at page and wall; other sites, a name bound anew and wrong
tokens are refused; SIGTERM ends a session with its last verdict; schemathesis asks what
the OpenAPI description allows. Two to three minutes.

Needs ffmpeg, Chromium, and from PyPI playwright, axe-playwright-python, websockets,
python-osc and schemathesis.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

# So that no __pycache__ lies in the checkout afterwards.
sys.dont_write_bytecode = True

from server_checks import browser, ending, strangers


def with_browser(check, *arguments) -> list[str]:
    from playwright.sync_api import sync_playwright

    # Only while it is needed: it occupies the event loop of this thread.
    with sync_playwright() as playwright:
        return check(playwright, *arguments)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("affekt", help="the program")
    parser.add_argument("voices", nargs="+", type=Path, metavar="VOICE.wav")
    parser.add_argument("--pictures", type=Path, metavar="DIR", help="keep pictures of page and wall here")
    parser.add_argument("--only", default="page,strangers,end,openapi", help="some of the checks")
    parser.add_argument("--examples", type=int, default=15, help="requests of schemathesis for each operation and phase")
    parser.add_argument("--chromium", default=browser.CHROMIUM)
    args = parser.parse_args()
    if args.pictures:
        args.pictures.mkdir(parents=True, exist_ok=True)
    failed = False
    with tempfile.TemporaryDirectory() as name:
        checks = {
            "page": lambda: with_browser(browser.check_page, args.affekt, args.voices, Path(name), args.pictures, args.chromium),
            "strangers": lambda: with_browser(strangers.check_strangers, args.affekt, args.chromium),
            "end": lambda: ending.check_end(args.affekt, args.voices[0]),
            "openapi": lambda: ending.check_openapi(args.affekt, args.examples),
        }
        for check in args.only.split(","):
            began = time.monotonic()
            try:
                wrong = checks[check]()
            except Exception as error:  # The other checks say something, too.
                wrong = [f"{type(error).__name__}: {error}"]
            failed |= bool(wrong)
            for problem in wrong:
                print(f"WRONG, {check}: {problem}")
            print(f"{check}: {'failed' if wrong else 'good'}, {time.monotonic() - began:.0f} s", flush=True)
    sys.exit(int(failed))


if __name__ == "__main__":
    main()
