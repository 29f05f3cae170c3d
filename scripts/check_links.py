#!/usr/bin/env python3
"""Checks the links of every Markdown file of the repository.

    scripts/check_links.py [FOLDER=.]

A link to a file must lead to one, and its #anchor to a heading there. Links to
the web are not followed, so that the result does not depend on other people's
servers. Needs Python alone; `git` names the files, where there is a repository.
"""

import re
import subprocess
import sys
from functools import lru_cache
from pathlib import Path
from urllib.parse import unquote

FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})")
CODE_SPAN = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)")
# [text](target "title") and ![text](target); the text may hold one level of brackets.
INLINE = re.compile(r"\[(?:[^\[\]]|\[[^\[\]]*\])*\]\(\s*(<[^<>]*>|[^\s()]*(?:\([^\s()]*\)[^\s()]*)*)(?:\s+[\"'(][^)]*)?\s*\)")
# [name]: target
DEFINITION = re.compile(r"^ {0,3}\[([^\]]+)\]:\s*(<[^<>]*>|\S+)")
REFERENCE = re.compile(r"\[((?:[^\[\]]|\[[^\[\]]*\])*)\]\[([^\]]*)\]")
HTML = re.compile(r"<(?:a|img)\b[^>]*?\b(?:href|src)\s*=\s*[\"']([^\"']+)[\"']", re.IGNORECASE)
HTML_ANCHOR = re.compile(r"<[a-z][^>]*?\b(?:id|name)\s*=\s*[\"']([^\"']+)[\"']", re.IGNORECASE)
SCHEME = re.compile(r"^[a-z][a-z0-9+.-]*:", re.IGNORECASE)


def markdown_files(top):
    """Every Markdown file that Git knows or would add; else every one in the folder."""
    git = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "*.md"],
        cwd=top, capture_output=True,
    )
    if git.returncode == 0:
        files = [top / name for name in git.stdout.decode().split("\0") if name]
    else:
        files = list(top.rglob("*.md"))
    return sorted(file for file in files if file.is_file())


def prose(text):
    """The lines with their numbers, without blocks of code."""
    fence = None
    for number, line in enumerate(text.splitlines(), 1):
        mark = FENCE.match(line)
        if fence is None and mark:
            fence = mark[1]
        elif fence is not None:
            if mark and mark[1].startswith(fence) and not line.strip().strip(fence[0]):
                fence = None
        else:
            yield number, line


def slug(heading):
    """What GitHub makes of a heading: `## What it is` has the anchor `what-it-is`."""
    heading = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", heading)
    heading = re.sub(r"<[^>]+>", "", heading)
    heading = re.sub(r"[`*]|(?<!\w)_|_(?!\w)", "", heading).strip().lower()
    return re.sub(r"[^\w\- ]", "", heading).replace(" ", "-")


@lru_cache(maxsize=None)
def anchors(file):
    """The anchors of a Markdown file: its headings (numbered where they repeat) and HTML ids."""
    found, seen, before = set(), {}, ""
    for _, line in prose(file.read_text(encoding="utf-8")):
        found.update(HTML_ANCHOR.findall(line))
        heading = None
        if mark := re.match(r"^ {0,3}#{1,6}\s+(.*?)\s*#*\s*$", line):
            heading = mark[1]
        elif re.match(r"^ {0,3}(=+|-+)\s*$", line) and before.strip() and not before.startswith("|"):
            heading = before
        if heading is not None:
            name = slug(heading)
            count = seen.get(name, 0)
            seen[name] = count + 1
            found.add(name if count == 0 else f"{name}-{count}")
        before = line
    return found


def targets(text):
    """Each link's line and target; a reference without a definition has the target None."""
    lines = [(number, CODE_SPAN.sub("`code`", line)) for number, line in prose(text)]
    defined = set()
    for number, line in lines:
        if mark := DEFINITION.match(line):
            defined.add(mark[1].lower())
            yield number, mark[2].strip("<>"), line
    # A link's text may go on in the next line.
    for at, (number, line) in enumerate(lines):
        following = lines[at + 1][1] if at + 1 < len(lines) and lines[at + 1][0] == number + 1 else ""
        both = f"{line}\n{following}" if following.strip() else line
        for pattern in (INLINE, HTML):
            for mark in pattern.finditer(both):
                if mark.start() <= len(line) - 1:
                    yield number, mark[1].strip("<>"), mark[0]
        for mark in REFERENCE.finditer(line):
            name = (mark[2] or mark[1]).lower()
            if name not in defined:
                yield number, None, mark[0]


def fault(top, file, target):
    """What is wrong with a link, or None."""
    if target is None:
        return "no definition [name]: target in this file"
    if SCHEME.match(target) or target.startswith("//"):
        return None
    path, _, anchor = target.partition("#")
    path = unquote(path)
    if path.startswith("/"):
        return "begins with /, which leads out of the repository"
    to = (file.parent / path).resolve() if path else file
    if top not in (to, *to.parents):
        return "leads out of the repository"
    if not to.exists():
        return "no such file"
    if anchor and to.suffix == ".md" and unquote(anchor).lower() not in anchors(to):
        return f"no heading #{anchor} in {to.relative_to(top)}"
    return None


def main():
    top = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent.parent).resolve()
    files = markdown_files(top)
    if not files:
        sys.exit(f"check_links: no Markdown file in {top}")
    links, faults = 0, 0
    for file in files:
        for number, target, link in targets(file.read_text(encoding="utf-8")):
            links += 1
            if wrong := fault(top, file, target):
                faults += 1
                shown = " ".join(link.split())
                print(f"{file.relative_to(top)}:{number}: {shown}: {wrong}", file=sys.stderr)
    if faults:
        sys.exit(f"check_links: {faults} of {links} links are broken")
    print(f"{links} links in {len(files)} files lead somewhere")


if __name__ == "__main__":
    main()
