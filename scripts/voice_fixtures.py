#!/usr/bin/env python3
"""Reference numbers for pitch, harmonicity, intensity, jitter, shimmer and
speaking rate: what Praat says.

    python3 -m venv venv
    venv/bin/pip install praat-parselmouth==0.4.7 numpy
    venv/bin/python scripts/voice_fixtures.py [--ravdess FOLDER] [--speed FOLDER]

Writes crates/audio/tests/fixtures/voice.json: measures of the synthetic signal
of mfcc_fixtures.py at several rates and settings, with the versions that made
them. Each case is named; crates/audio/tests/voice.rs has the settings that go
with the name. With --ravdess, voice_recordings.json is written too: measures
(nothing else) of some recordings.

--speed writes nothing: it times parselmouth over the WAV files of a folder, to
be compared with `cargo run -p audio --example voice_speed -- FOLDER`.
"""

import argparse
import json
import pathlib
import time

import numpy as np
import parselmouth
from mfcc_fixtures import FIXTURES, ROOT, signal, versions
from parselmouth.praat import call

# Neutral, calm, happy, sad, angry, fearful, disgusted, surprised; both sexes.
RECORDINGS = [
    "Actor_02/03-01-01-01-01-01-02.wav",
    "Actor_03/03-01-02-01-02-01-03.wav",
    "Actor_06/03-01-03-02-01-01-06.wav",
    "Actor_05/03-01-04-01-02-02-05.wav",
    "Actor_12/03-01-05-02-01-02-12.wav",
    "Actor_11/03-01-06-02-02-01-11.wav",
    "Actor_16/03-01-07-01-01-02-16.wav",
    "Actor_15/03-01-08-01-02-01-15.wav",
]

# Praat's defaults for what counts as a period and as a neighbour in amplitude.
PERIODS = (0, 0, 1e-4, 0.02, 1.3)
AMPLITUDES = 1.6


def to_pitch(
    sound,
    step=0.01,
    floor=75.0,
    candidates=15,
    very_accurate=False,
    silence=0.03,
    voicing=0.45,
    octave=0.01,
    jump=0.35,
    unvoiced=0.14,
    ceiling=600.0,
):
    return sound.to_pitch_ac(
        step, floor, candidates, very_accurate, silence, voicing, octave, jump, unvoiced, ceiling
    )


def numbers(values, digits=7):
    """Seven significant digits; nothing where there is no value."""
    return [None if v is None or np.isnan(v) else float(f"{v:.{digits}g}") for v in values]


def pitch_case(sound, **settings):
    pitch = to_pitch(sound, **settings)
    chosen = pitch.selected_array
    return {
        "first": float(pitch.xs()[0]),
        "f0": numbers(chosen["frequency"]),
        "strength": numbers(chosen["strength"]),
    }


def harmonicity_case(sound, step=0.01, floor=75.0, silence=0.1, periods=4.5, every=1):
    harmonicity = sound.to_harmonicity_ac(step, floor, silence, periods)
    values = harmonicity.values[0]
    values = np.where(values > -200, values, np.nan)
    return {"count": len(values), "every": every, "values": numbers(values[::every])}


def intensity_case(sound, step=0.01, floor=100.0, subtract_mean=True, every=1):
    values = sound.to_intensity(floor, step, subtract_mean).values[0]
    return {"count": len(values), "every": every, "values": numbers(values[::every])}


def perturbation_case(sound):
    pulses = call([sound, to_pitch(sound)], "To PointProcess (cc)")
    count = call(pulses, "Get number of points")
    times = [call(pulses, "Get time from index", i) for i in range(1, count + 1)]
    return {
        "pulses": count,
        "pulse_times": numbers(times[:: max(1, count // 50)], 9),
        "mean_period": call(pulses, "Get mean period", *PERIODS),
        "jitter_local": call(pulses, "Get jitter (local)", *PERIODS),
        "jitter_rap": call(pulses, "Get jitter (rap)", *PERIODS),
        "shimmer_local": call([sound, pulses], "Get shimmer (local)", *PERIODS, AMPLITUDES),
    }


def syllables_case(sound, silence_db=-25, min_dip=2, min_pause=0.3):
    """The steps of de Jong and Wempe's script, by the same Praat commands."""
    intensity = call(sound, "To Intensity", 50, 0, "yes")
    low = call(intensity, "Get minimum", 0, 0, "Parabolic")
    high = call(intensity, "Get maximum", 0, 0, "Parabolic")
    loud = call(intensity, "Get quantile", 0, 0, 0.99)
    threshold = max(loud + silence_db, low)
    silence = silence_db - (high - loud)
    grid = call(intensity, "To TextGrid (silences)", silence, min_pause, 0.1, "silent", "sounding")
    label = lambda i: call(grid, "Get label of interval", 1, i)
    start = lambda i: call(grid, "Get start time of interval", 1, i)
    end = lambda i: call(grid, "Get end time of interval", 1, i)
    intervals = range(1, call(grid, "Get number of intervals", 1) + 1)

    contour = call(call(intensity, "Down to Matrix"), "To Sound (slice)", 1)
    extrema = call(contour, "To PointProcess (extrema)", "Left", "yes", "no", "Sinc70")
    count = call(extrema, "Get number of points")
    times = [call(extrema, "Get time from index", i) for i in range(1, count + 1)]
    peaks = [(t, call(contour, "Get value at time", 0, t, "Cubic")) for t in times]
    peaks = [(t, v) for t, v in peaks if v > threshold]

    pitch = to_pitch(
        sound, step=0.02, floor=30, candidates=4, voicing=0.25, unvoiced=0.25, ceiling=450
    )
    nuclei = []
    for (t, value), (following, _) in zip(peaks, peaks[1:]):
        dip = call(intensity, "Get minimum", t, following, "None")
        voiced = not np.isnan(call(pitch, "Get value at time", t, "Hertz", "Linear"))
        sounding = label(call(grid, "Get interval at time", 1, t)) == "sounding"
        if abs(value - dip) > min_dip and voiced and sounding:
            nuclei.append(t)
    return {
        "nuclei": numbers(nuclei),
        "sounding": [[start(i), end(i)] for i in intervals if label(i) == "sounding"],
    }


def synthetic(samples, rate):
    return parselmouth.Sound(signal(samples, rate) / 32768.0, rate)


def make_synthetic():
    cases = []

    def add(name, measure, samples, rate, content):
        cases.append(
            {"name": name, "measure": measure, "samples": samples, "sample_rate": rate, **content}
        )
        print(f"  {measure} {name}, {rate} Hz")

    for rate in (8000, 16000, 22050, 48000):
        n = rate * 3 // 2
        sound = synthetic(n, rate)
        add("defaults", "pitch", n, rate, pitch_case(sound))
        add("defaults", "intensity", n, rate, intensity_case(sound, every=4))
        add("defaults", "harmonicity", n, rate, harmonicity_case(sound, every=4))
        add("defaults", "perturbation", n, rate, perturbation_case(sound))
        add("defaults", "syllables", n, rate, syllables_case(sound))
    n, rate = 24001, 16000  # one sample more: frames are centred elsewhere
    sound = synthetic(n, rate)
    for name, settings in [
        ("range_and_step", {"floor": 50.0, "ceiling": 400.0, "step": 0.005}),
        ("gaussian", {"very_accurate": True}),
        ("few_candidates_low_threshold", {"candidates": 4, "voicing": 0.2, "ceiling": 300.0}),
        ("costs", {"octave": 0.1, "jump": 1.0, "unvoiced": 0.5, "silence": 0.1}),
        ("ceiling_above_half_the_rate", {"ceiling": 20000.0, "floor": 100.0}),
        ("no_silence_threshold", {"silence": 0.0}),
    ]:
        add(name, "pitch", n, rate, pitch_case(sound, **settings))
    add("short_window", "harmonicity", n, rate, harmonicity_case(sound, periods=1.0, every=4))
    add(
        "long_window_keeps_mean",
        "intensity",
        n,
        rate,
        intensity_case(sound, floor=50.0, step=0.016, subtract_mean=False, every=4),
    )
    write("voice", cases=cases)


def make_recordings(folder):
    recordings = []
    for name in RECORDINGS:
        sound = parselmouth.Sound(str(folder / name)).convert_to_mono()
        recordings.append(
            {
                "recording": name,
                "pitch": pitch_case(sound),
                "intensity": intensity_case(sound, every=10),
                "harmonicity": harmonicity_case(sound, every=5),
                "perturbation": perturbation_case(sound),
                "syllables": syllables_case(sound),
            }
        )
        print(f"  {name}")
    write("voice_recordings", recordings=recordings)


def write(name, **content):
    made_by = {**versions("praat-parselmouth"), "praat": parselmouth.PRAAT_VERSION}
    text = json.dumps({"made_by": made_by, **content}, separators=(",", ":"))
    path = FIXTURES / f"{name}.json"
    path.write_text(text.replace("},{", "},\n{") + "\n")
    print(f"{path.relative_to(ROOT)}: {path.stat().st_size / 1000:.0f} kB")


def speed(folder):
    files = sorted(folder.rglob("*.wav"))[:100]
    sounds = [parselmouth.Sound(str(f)).convert_to_mono() for f in files]
    duration = sum(s.duration for s in sounds)
    print(f"{len(sounds)} files, {duration:.1f} s; processor time of one thread, best of 3")
    for name, rounds, work in [
        ("pitch", 3, to_pitch),
        ("intensity", 3, lambda s: s.to_intensity(100.0, 0.01, True)),
        ("harmonicity", 1, lambda s: s.to_harmonicity_ac(0.01, 75.0, 0.1, 4.5)),
    ]:
        best = float("inf")
        for _ in range(rounds):
            start = time.process_time()
            for sound in sounds:
                work(sound)
            best = min(best, time.process_time() - start)
        print(f"{name}: {duration / best:.0f} times real time, {best / duration * 1e4:.1f} us a frame")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ravdess", type=pathlib.Path, help="folder of Actor_01, Actor_02 ...")
    parser.add_argument("--speed", type=pathlib.Path, help="time parselmouth on this folder instead")
    arguments = parser.parse_args()
    if arguments.speed:
        speed(arguments.speed)
    else:
        make_synthetic()
        if arguments.ravdess:
            make_recordings(arguments.ravdess)
