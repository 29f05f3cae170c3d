#!/usr/bin/env python3
"""Measures `listen` and `timeline` on voices that the model never heard.

    measure_live.py AFFEKT RAVDESS FOLDS

FOLDS is a folder with fold0 to fold3: models that never heard the actors of the folds
F0 to F3 of luna5, made by

    affekt train RAVDESS --config emotion --test-speakers 2,5,14,15,16 \\
      --validation-speakers none --out FOLDS/fold0

and so on. Prints the figures of RESULTS.md. Needs numpy.
"""

import json
import random
import subprocess
import sys
import tempfile
import wave
from collections import defaultdict
from pathlib import Path

import numpy as np

RATE = 16_000
FOLDS = [[2, 5, 14, 15, 16], [3, 6, 7, 13, 18], [10, 11, 12, 19, 20], [8, 17, 21, 23, 24]]
LABELS = ["neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised"]


def read(path: Path) -> np.ndarray:
    raw = subprocess.run(
        ["ffmpeg", "-v", "error", "-i", path, "-ac", "1", "-ar", str(RATE), "-f", "s16le", "-"],
        capture_output=True,
        check=True,
    ).stdout
    return np.frombuffer(raw, np.int16).astype(np.float32) / 32768


def write(path: Path, samples: np.ndarray) -> None:
    with wave.open(str(path), "wb") as out:
        out.setparams((1, 2, RATE, 0, "NONE", ""))
        out.writeframes((32767 * np.clip(samples, -1, 1)).astype(np.int16).tobytes())


def trimmed(samples: np.ndarray) -> np.ndarray:
    """From the first to the last 20 ms within 35 dB of the loudest."""
    frames = samples[: len(samples) // 320 * 320].reshape(-1, 320)
    level = 10 * np.log10((frames**2).mean(1) + 1e-12)
    loud = np.flatnonzero(level > level.max() - 35)
    return samples[320 * loud[0] : 320 * (loud[-1] + 1)]


class Clips:
    def __init__(self, ravdess: Path) -> None:
        self.of = defaultdict(list)
        for path in sorted(ravdess.glob("**/03-01-*.wav")):
            parts = [int(part) for part in path.stem.split("-")]
            self.of[parts[6], LABELS[parts[2] - 1]].append(path)
        self.kept: dict[Path, np.ndarray] = {}

    def speech(self, path: Path) -> np.ndarray:
        if path not in self.kept:
            self.kept[path] = trimmed(read(path))
        return self.kept[path]


def pause(seconds: float) -> np.ndarray:
    return np.random.default_rng(1).normal(0, 1e-4, int(seconds * RATE)).astype(np.float32)


def updates(affekt: str, model: Path, files: list, *options: str) -> list[list[dict]]:
    """The events of each file."""
    out = []
    for file in files:
        command = [affekt, "timeline", file, "--updates", "--model", model, *options]
        text = subprocess.run(command, capture_output=True, check=True, text=True).stdout
        out.append([json.loads(line) for line in text.splitlines()])
    return out


def measured(events: list[dict]) -> list[dict]:
    return [event for event in events if event["type"] == "measurement"]


def changes(affekt: str, folds: Path, clips: Clips, folder: Path) -> None:
    """Neutral, then angry: when does the label change? And one emotion for half a minute."""
    random.seed(1)
    delays, never, steady, seconds = [], 0, 0, 0.0
    for fold, actors in enumerate(FOLDS):
        for actor in actors:
            for turn in range(6):
                first = [clips.speech(p) for p in random.sample(clips.of[actor, "neutral"], 2)]
                then = [clips.speech(p) for p in random.sample(clips.of[actor, "angry"], 2)]
                before = np.concatenate([first[0], pause(0.2), first[1], pause(0.2)])
                whole = np.concatenate([before, then[0], pause(0.2), then[1]])
                path = folder / "splice.wav"
                write(path, whole)
                (events,) = updates(affekt, folds / f"fold{fold}", [path])
                change = len(before) / RATE
                angry = [e["audio_end"] for e in measured(events) if e["label"] == "angry" and e["audio_end"] > change]
                if angry:
                    delays.append(angry[0] - change)
                else:
                    never += 1
            for label in LABELS:
                chosen = random.sample(clips.of[actor, label], 4)
                parts = [part for p in chosen for part in (clips.speech(p), pause(0.2))]
                path = folder / "steady.wav"
                write(path, np.concatenate(parts))
                (events,) = updates(affekt, folds / f"fold{fold}", [path])
                given = [e["label"] for e in measured(events) if e["label"]]
                steady += sum(a != b for a, b in zip(given, given[1:]))
                seconds += sum(map(len, parts)) / RATE
    delays.sort()
    count = len(delays) + never
    print(
        f"neutral to angry, {count} splices: the label is angry after {np.median(delays):.2f} s (median; "
        f"90 % within {np.quantile(delays, 0.9):.2f} s), in {never} never"
    )
    print(f"one emotion: {60 * steady / seconds:.1f} changes of label a minute in {seconds / 60:.0f} minutes")


def windows(affekt: str, folds: Path, clips: Clips, folder: Path) -> None:
    """UAR of windows and utterances, plain and after 20 s of the voice."""
    table = {}
    for learned in (False, True):
        for window in (1, 2, 3):
            right, utterances = defaultdict(list), defaultdict(list)
            for fold, actors in enumerate(FOLDS):
                for actor in actors:
                    profile = folder / "profile.json"
                    files = [(label, path) for label in LABELS for path in clips.of[actor, label]]
                    options = ["--window", str(window), "--first", str(window)]
                    random.seed(actor)
                    random.shuffle(files)
                    enrolled, rest = [], files
                    if learned:
                        while sum(len(clips.speech(p)) for _, p in enrolled) < 20 * RATE:
                            enrolled.append(rest.pop())
                        sound = folder / "enrol.wav"
                        write(sound, np.concatenate([part for _, p in enrolled for part in (clips.speech(p), pause(0.8))]))
                        updates(affekt, folds / f"fold{fold}", [sound], "--save-speaker", str(profile))
                        options += ["--speaker", str(profile)]
                    else:
                        options.append("--no-learn")
                    # All in one file, two clips of an emotion an utterance, so that there
                    # are windows of three seconds. A pause ends an utterance.
                    sound, ends, at = folder / "all.wav", [], 0
                    parts = []
                    for label, first, second in pairs(rest):
                        two = [clips.speech(first), pause(0.2), clips.speech(second)]
                        parts += [np.concatenate(two), pause(1.0)]
                        ends.append((at / RATE, (at + len(parts[-2])) / RATE, label))
                        at += len(parts[-2]) + len(parts[-1])
                    write(sound, np.concatenate(parts))
                    if learned:
                        # So that it does not learn further.
                        (events,) = updates(affekt, folds / f"fold{fold}", [sound], *options, "--learn-after", "3600")
                    else:
                        (events,) = updates(affekt, folds / f"fold{fold}", [sound], *options)
                    for event in events:
                        middle = event.get("audio_end", event.get("end"))
                        if middle is None:
                            continue
                        label = next((l for a, b, l in ends if a < middle <= b + 0.5), None)
                        if event["type"] == "measurement" and event["raw"] and label:
                            right[label].append(max(event["raw"], key=event["raw"].get) == label)
                        if event["type"] == "utterance.end" and event["probabilities"] and label:
                            best = max(event["probabilities"], key=event["probabilities"].get)
                            utterances[label].append(best == label)
            uar = lambda found: np.mean([np.mean(found[label]) for label in LABELS])
            table[learned, window] = (uar(right), sum(map(len, right.values())), uar(utterances), sum(map(len, utterances.values())))
            print("adapted" if learned else "plain", f"{window} s: UAR {table[learned, window][0]:.3f} of {table[learned, window][1]} windows;"
                  f" utterances {table[learned, window][2]:.3f} of {table[learned, window][3]}", flush=True)


def pairs(files: list) -> list:
    """Two clips of the same label each."""
    waiting, found = {}, []
    for label, path in files:
        if label in waiting:
            found.append((label, waiting.pop(label), path))
        else:
            waiting[label] = path
    return found


def diarization(affekt: str, folds: Path, clips: Clips, folder: Path) -> None:
    """Ten seconds of neutral speech with one emotional sentence inside."""
    random.seed(2)
    names, reference = [], defaultdict(list)
    for fold, actors in enumerate(FOLDS):
        for actor in actors:
            for label in LABELS[2:]:
                neutral = [clips.speech(p) for p in random.sample(clips.of[actor, "neutral"], 4)]
                inside = clips.speech(random.choice(clips.of[actor, label]))
                before = np.concatenate([neutral[0], pause(0.2), neutral[1], pause(0.2)])
                after = np.concatenate([pause(0.2), neutral[2], pause(0.2), neutral[3]])
                name = f"a{actor}_{label}"
                write(folder / f"{name}.wav", np.concatenate([before, inside, after]))
                start, length = len(before) / RATE, len(inside) / RATE
                reference[fold].append(f"SPEAKER {name} 1 {start:.3f} {length:.3f} <NA> <NA> {label} <NA> <NA>\n")
                names.append((fold, name, label, start, start + length))
    totals = defaultdict(list)
    votes = []
    for fold in range(4):
        rttm = folder / f"fold{fold}.rttm"
        rttm.write_text("".join(reference[fold]))
        files = [str(folder / f"{name}.wav") for f, name, *_ in names if f == fold]
        model = folds / f"fold{fold}"
        for look in ("0", "0.5", "1", "1.5"):
            command = [affekt, "timeline", *files, "--model", model, "--reference", rttm, "--look-ahead", look]
            text = subprocess.run(command, capture_output=True, check=True, text=True).stderr
            line = next(line for line in text.splitlines() if line.startswith("EDER"))
            words = line.replace(",", "").split()
            totals[look].append((float(words[1]), float(words[4]), line))
        for f, name, label, start, end in names:
            if f != fold:
                continue
            (events,) = updates(affekt, model, [str(folder / f"{name}.wav")])
            last, wrong, duration = 0.0, 0.0, 0.0
            for event in measured(events):
                # The most probable label of every window, at its middle.
                middle = (event["audio_start"] + event["audio_end"]) / 2
                vote = max(event["raw"], key=event["raw"].get) if event["raw"] else "neutral"
                now = event["audio_end"]
                grid = np.arange(last, now, 0.01)
                truth = np.where((grid >= start) & (grid < end), label, "neutral")
                wrong += 0.01 * (truth != vote).sum()
                duration += 0.01 * len(grid)
                last = now
            votes.append((wrong, duration))
    for look, lines in totals.items():
        seconds = sum(length for _, length, _ in lines)
        print(f"EDER, look-ahead {look} s: {sum(rate * length for rate, length, _ in lines) / seconds:.1f} % of {seconds:.0f} s in {len(names)} dialogues")
    print(f"EDER of the plain vote of each window: {100 * sum(w for w, _ in votes) / sum(d for _, d in votes):.1f} %")
    silent = sum(end - start for *_, start, end in names) / sum(d for _, d in votes)
    print(f"EDER of always neutral: {100 * silent:.1f} %")


def nobody(affekt: str, folder: Path) -> None:
    """Sound without a voice: is there ever a label?"""
    rng = np.random.default_rng(1)
    time = np.arange(60 * RATE) / RATE
    chord = sum(np.sin(2 * np.pi * f * time) for f in (220, 277, 330)) * (0.6 + 0.4 * np.sign(np.sin(2 * np.pi * time)))
    claps = rng.normal(0, 1, len(time)) * (rng.random(len(time)) < 0.02) * 0.6
    claps = np.convolve(claps, np.exp(-np.arange(800) / 100) * rng.normal(0, 1, 800), "same")
    sounds = {"silence": 0 * time, "white noise": rng.normal(0, 0.1, len(time)), "chords": 0.1 * chord, "applause": 0.2 * claps}
    for name, samples in sounds.items():
        path = folder / "nobody.wav"
        write(path, samples.astype(np.float32))
        text = subprocess.run([affekt, "timeline", path, "--updates"], capture_output=True, check=True, text=True).stdout
        events = [json.loads(line) for line in text.splitlines()]
        labelled = sum(bool(e["label"]) for e in measured(events))
        speech = sum(e["speech"] for e in measured(events))
        print(f"a minute of {name}: {labelled} updates with a label, {speech} with speech of {len(measured(events))}")


def main() -> None:
    affekt, ravdess, folds = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    clips = Clips(ravdess)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part in sys.argv[4:] or ["nobody", "changes", "diarization", "windows"]:
            {
                "nobody": lambda: nobody(affekt, folder),
                "changes": lambda: changes(affekt, folds, clips, folder),
                "diarization": lambda: diarization(affekt, folds, clips, folder),
                "windows": lambda: windows(affekt, folds, clips, folder),
            }[part]()


if __name__ == "__main__":
    main()
