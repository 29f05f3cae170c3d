#!/usr/bin/env python3
"""Tests of check_links.py; needs Python alone."""

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

SCRIPT = Path(__file__).parent / "check_links.py"


class CheckLinks(unittest.TestCase):
    def check(self, text):
        """Checks a README.md of this text beside a `docs/other.md`: exit code and output."""
        with tempfile.TemporaryDirectory() as folder:
            top = Path(folder)
            (top / "docs").mkdir()
            (top / "docs/other.md").write_text(
                "# Other\n\n## Two words\n\n## `code` and *more*, really\n\n## Two words\n\n"
                "```sh\n# not a heading\n```\n\n<a id=\"by-hand\"></a>\n"
            )
            (top / "README.md").write_text(text)
            ran = subprocess.run(
                [sys.executable, SCRIPT, folder], capture_output=True, text=True
            )
            return ran.returncode, ran.stdout + ran.stderr

    def test_links_that_lead_somewhere_pass(self):
        code, output = self.check(
            "# Top\n\n[a](docs/other.md), [b](docs/other.md#two-words), [c](docs),\n"
            "[d](docs/other.md#two-words-1), [e](docs/other.md#code-and-more-really),\n"
            "[f](docs/other.md#by-hand), [g](#top), [h](https://example.com/none), [a name\n"
            "over two lines](docs/other.md), [i][ref], `[code](none.md)`\n\n"
            "```\n[block](none.md)\n```\n\n[ref]: docs/other.md\n"
        )
        self.assertEqual(code, 0, output)
        self.assertIn("in 2 files", output)

    def test_broken_links_are_named_with_file_and_line(self):
        for link, wrong in [
            ("[a](none.md)", "no such file"),
            ("![a](none.png)", "no such file"),
            ('<img src="none.png">', "no such file"),
            ("[a](docs/other.md#not-a-heading)", "no heading #not-a-heading in docs/other.md"),
            ("[a](#none)", "no heading #none in README.md"),
            ("[a](../outside.md)", "leads out of the repository"),
            ("[a](/docs/other.md)", "begins with /"),
            ("[a][none]", "no definition"),
            ("[a name\nover two lines](none.md)", "no such file"),
        ]:
            code, output = self.check(f"# Top\n\n{link}\n")
            self.assertEqual(code, 1, link)
            self.assertIn("README.md:3: ", output)
            self.assertIn(wrong, output)


if __name__ == "__main__":
    unittest.main()
