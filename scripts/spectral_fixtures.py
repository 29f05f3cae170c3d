#!/usr/bin/env python3
"""Reference numbers for the spectral shape measures of the `audio` crate.

    python3 -m venv venv
    venv/bin/pip install librosa==0.11.0
    venv/bin/python scripts/spectral_fixtures.py

Writes crates/audio/tests/fixtures/spectral.json, with the versions that made
it. Each case is named; tests/spectral.rs has the SpectralConfig that goes with
the name. Only some frames are kept. The signal is that of mfcc_fixtures.py,
made of whole numbers, so that Python and Rust make the same one.

librosa has no flux of this definition; it is computed here with numpy from
librosa's magnitudes.
"""

import json

import librosa
import numpy as np

from mfcc_fixtures import FIXTURES, rounded, signal, versions


def measures(y, rate, n_fft, win, hop, window, center, pad_mode, chroma):
    shared = {"n_fft": n_fft, "hop_length": hop, "win_length": win}
    shared |= {"window": window, "center": center, "pad_mode": pad_mode}
    spectrum = np.abs(librosa.stft(y, **shared))
    # These two know no n_fft: they see the samples under the window.
    if center or win == n_fft:
        framed = y
    else:  # the window lies in the middle of the transform
        framed = y[(n_fft - win) // 2 : len(y) - (n_fft - win + 1) // 2]
    timed = {"frame_length": win, "hop_length": hop, "center": center}
    crossings = librosa.feature.zero_crossing_rate(framed, **timed)
    rms = librosa.feature.rms(y=framed, **timed, pad_mode=pad_mode, dtype=np.float64)
    level = librosa.amplitude_to_db(rms, ref=1.0, amin=1e-5, top_db=None)
    power = spectrum**2
    s = {"S": spectrum}
    length = np.sqrt(power.sum(axis=0))
    unit = spectrum / np.where(length > 0, length, 1)
    flux = np.sqrt((np.diff(unit, axis=1, prepend=unit[:, :1]) ** 2).sum(axis=0))
    classes = librosa.feature.chroma_stft(S=power, sr=rate, n_fft=n_fft, dtype=np.float64, **chroma)
    rows = [
        crossings,
        level,
        librosa.feature.spectral_centroid(sr=rate, n_fft=n_fft, **s),
        librosa.feature.spectral_bandwidth(sr=rate, n_fft=n_fft, **s),
        librosa.feature.spectral_rolloff(sr=rate, n_fft=n_fft, **s),
        librosa.feature.spectral_flatness(**s),
        flux[None],
        classes,
    ]
    assert len({r.shape[-1] for r in rows}) == 1, [r.shape for r in rows]
    return np.concatenate(rows).T


def main():
    cases = []
    plain = {"tuning": 0.0}
    for name, n, rate, n_fft, win, hop, window, center, pad_mode, chroma in [
        ("defaults", 22050, 22050, 2048, 2048, 512, "hann", True, "constant", plain),
        ("speech_whole_transforms", 6000, 16000, 512, 512, 160, "hann", False, "constant", plain),
        ("window_shorter_than_fft", 6000, 16000, 512, 400, 160, "hamming", True, "constant", {**plain, "norm": None}),
        ("window_shorter_whole", 6000, 16000, 512, 400, 160, "hann", False, "constant", {**plain, "norm": 1}),
        (
            "quarter_tones_from_a_odd_fft",
            6000,
            16000,
            1000,
            1000,
            250,
            "hann",
            True,
            "reflect",
            {"tuning": 0.25, "n_chroma": 24, "ctroct": 4.0, "octwidth": None, "norm": 2, "base_c": False},
        ),
        ("48_khz", 24000, 48000, 4096, 4096, 2048, "hann", True, "constant", plain),
        ("shorter_than_a_window", 100, 16000, 512, 512, 160, "hann", True, "constant", plain),
    ]:
        y = signal(n, rate) / 32768.0
        values = measures(y, rate, n_fft, win, hop, window, center, pad_mode, chroma)
        frames = sorted({round(t) for t in np.linspace(0, len(values) - 1, 10)})
        call = f"librosa, sr={rate}, n_fft={n_fft}, win_length={win}, hop_length={hop}, "
        call += f"window={window}, center={center}, pad_mode={pad_mode}, chroma {chroma}, float64"
        cases.append(
            {
                "name": name,
                "call": call,
                "samples": n,
                "sample_rate": rate,
                "n_frames": len(values),
                "frames": frames,
                "values": rounded(values, frames),
            }
        )
        print(f"{name}: {values.shape}")
    text = json.dumps({"made_by": versions("librosa", "scipy"), "cases": cases})
    text = text.replace("], [", "],\n[").replace("}, {", "},\n{")
    (FIXTURES / "spectral.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
