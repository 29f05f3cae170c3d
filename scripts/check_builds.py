#!/usr/bin/env python3
"""Fails where a crate would be compiled twice for want of equal features.

    scripts/check_builds.py

`cargo run -p runner` and then `cargo test --workspace` are what everybody types.
Cargo turns on the features that the chosen crates ask for, tests and examples
included; where the two commands differ by a single feature of a single crate, that
crate and all that depend on it are compiled a second time: minutes, and for what
lies below Burn a quarter of an hour. Nothing is compiled here: Cargo is asked for
its plan of both, and each step of the first must be one of the second as well.

The plan is a feature of nightly Cargo; RUSTC_BOOTSTRAP=1 has the stable one print
it. Needs Python and Cargo alone.

To mend: name the feature in the crate that lacks it. In a library's default
features: the runner's own `default` has to turn on `LIBRARY/default`. In a
dependency: in `[workspace.dependencies]`; where only a test's dependency asks for
it, the runner names that dependency too.
"""

import json
import os
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
# The tests of one crate are run with the program beside it (CONTRIBUTING.md), which
# makes Cargo choose the features of the whole workspace.
CRATES = ["audio", "corpus", "live", "metrics", "model", "recurrent", "report", "serve", "stage", "training"]


class Plan:
    """What a Cargo command would compile."""

    def __init__(self, *command):
        self.command = "cargo " + " ".join(command)
        ran = subprocess.run(
            ["cargo", *command, "--locked", "--unit-graph", "-Zunstable-options"],
            cwd=TOP, env={**os.environ, "RUSTC_BOOTSTRAP": "1"}, capture_output=True, text=True,
        )
        if ran.returncode != 0:
            sys.exit(f"check_builds: {self.command}: {ran.stderr.strip()}")
        self.units = json.loads(ran.stdout)["units"]
        self.key = lru_cache(maxsize=None)(self.key)
        # Programs and tests are of one command only; libraries and what makes them are shared.
        self.shared = [
            at for at, unit in enumerate(self.units)
            if unit["mode"] != "test" and not {"bin", "example", "bench"} & set(unit["target"]["kind"])
        ]
        self.keys = {self.key(at) for at in self.shared}

    def own(self, at):
        """What a step is, apart from what it depends on. A profile's name does not matter."""
        unit = self.units[at]
        profile = {key: value for key, value in unit["profile"].items() if key != "name"}
        return json.dumps(
            [unit["pkg_id"], unit["target"]["kind"], unit["target"]["name"], unit["mode"],
             unit["features"], profile, unit["platform"]],
            sort_keys=True,
        )

    def key(self, at):
        """What a step is, with all below it: equal keys are compiled once."""
        below = sorted(self.key(dependency["index"]) for dependency in self.units[at]["dependencies"])
        return hash((self.own(at), tuple(below)))

    def name(self, at):
        """A package's name without where it comes from."""
        package = self.units[at]["pkg_id"].rsplit("/", 1)[-1]
        return package.rsplit("#", 1)[-1] if "@" in package else package.split("#")[0]

    def settings(self, name):
        """The features and optimisation levels that a package is compiled with."""
        return {
            (tuple(self.units[at]["features"]), json.dumps(self.own(at)))
            for at in self.shared if self.name(at) == name
        }


def twice(first, second):
    """The steps of the first plan that the second does not share."""
    return [at for at in first.shared if first.key(at) not in second.keys]


def causes(plan, steps, other):
    """Those of the steps that differ by themselves, each with what differs."""
    elsewhere = {}
    for at in other.shared:
        elsewhere.setdefault((other.name(at), other.units[at]["mode"]), []).append(at)
    owns = {other.own(at) for at in other.shared}
    for at in steps:
        if plan.own(at) in owns or plan.units[at]["mode"] != "build":
            continue
        here = set(plan.units[at]["features"])
        for twin in elsewhere.get((plan.name(at), "build"), []):
            there = set(other.units[twin]["features"])
            if here != there:
                yield f"{plan.name(at)}: {', '.join(sorted(here ^ there))}"
            else:
                yield f"{plan.name(at)}: profile"


def report(plan, steps, other):
    """Prints what two plans do not share, and why."""
    print(f"`{plan.command}` and `{other.command}` do not share {len(steps)} steps:", file=sys.stderr)
    for cause in sorted(set(causes(plan, steps, other))):
        print(f"  {cause}", file=sys.stderr)
    names = sorted({plan.name(at) for at in steps})
    print(f"  compiled twice: {', '.join(names)}", file=sys.stderr)


def main():
    run = Plan("build", "-p", "runner")
    everything = Plan("test", "--workspace")
    faults = 0
    if steps := twice(run, everything):
        report(run, steps, everything)
        faults += 1
    ways = [("test", "-p", "runner", "-p", crate) for crate in CRATES]
    # The examples, as the README and the tutorial run them.
    ways.append(("build", "-p", "model", "--examples"))
    for way in ways:
        one = Plan(*way)
        if steps := twice(one, everything):
            report(one, steps, everything)
            faults += 1
    if faults:
        sys.exit("check_builds: see the head of scripts/check_builds.py for how to mend it")
    print(f"{len(run.shared)} steps of `{run.command}` are all part of `{everything.command}`")


if __name__ == "__main__":
    main()
