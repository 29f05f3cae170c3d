#!/usr/bin/env python3
"""The file API as somebody would write it in Python: what `affekt serve` is compared with.

    affekt export crates/model/pretrained/ravdess.safetensors --format onnx --out emotions.onnx
    server_baseline.py emotions.onnx [--port 8700] [--workers 2]
    server_baseline.py emotions.onnx --classify FILE...

FastAPI on uvicorn, soundfile and librosa, Praat's pitch (parselmouth), ONNX Runtime.
`POST /v1/audio/emotions` takes a `file` and answers like the default answer of affekt.

The exported graph begins at features, so that they are computed here, from the settings
in its metadata: the encoder's mel bands of levelled speech, 20 MFCCs, prosody, and
functionals of both. It is written for clips of some seconds and for the settings of the
model that comes with the program; others are refused. It says nothing about speech,
familiarity or lost sound, which affekt does, so that it has less to do.

Needs fastapi, uvicorn, python-multipart, soundfile, librosa, praat-parselmouth and
onnxruntime.
"""

import argparse
import io
import json
import os

import librosa
import numpy as np
import onnxruntime
import parselmouth
import scipy.fft
import scipy.signal
import soundfile
from parselmouth.praat import call

RATE = 16_000
HOP = 160
WINDOW = 400
HANN = scipy.signal.get_window("hann", WINDOW, fftbins=True)
# Everything that the code below takes for granted.
EXPECTED = {"sample_rate": RATE, "trim": None, "average": 2}
LEVEL = {"level_db": -30.0, "speech_range_db": 30.0}
MFCC = {"n_fft": {"samples": 512}, "n_mels": 80, "n_mfcc": 20, "f_min": 20.0, "f_max": 8000.0}
MEL = librosa.filters.mel(sr=RATE, n_fft=512, n_mels=80, fmin=20, fmax=8000, htk=True, norm=None)


def frames_of(samples: np.ndarray) -> np.ndarray:
    if len(samples) < WINDOW:
        raise ValueError("the recording is too short")
    return np.lib.stride_tricks.sliding_window_view(samples, WINDOW)[::HOP]


# ---- speech at one level ----------------------------------------------------------------

BINS, LOWEST = 260, -110.0
MIDDLES = LOWEST + (np.arange(BINS) + 0.5) / 2
POWERS = 10 ** (MIDDLES / 10)


class Level:
    """A histogram of levels that forgets, and what it says about a frame."""

    def __init__(self) -> None:
        self.counts = np.zeros(BINS)
        self.active, self.now = 0, None

    def add(self, level: float) -> None:
        if not level > -90:
            return
        self.counts *= np.exp(-1 / 100)
        self.counts[min(int((level - LOWEST) * 2), BINS - 1)] += 1
        below = np.cumsum(self.counts)
        loud = MIDDLES[np.searchsorted(below, 0.95 * below[-1])]
        background = MIDDLES[np.searchsorted(below, 0.10 * below[-1])]
        speech = max(background + 10, loud - 30)
        active = max(background + 10, loud - 15)
        self.now = loud, speech, active
        self.active += MIDDLES[min(int((level - LOWEST) * 2), BINS - 1)] >= active

    def decide(self, level: float) -> tuple[bool, float]:
        if self.now is None:
            return False, 1.0
        loud, speech, active = self.now
        counts = np.where(MIDDLES >= active, self.counts, 0)
        mean = loud
        if counts.sum() > 0:
            mean = 10 * np.log10((counts * np.minimum(POWERS, 10 ** (loud / 10))).sum() / counts.sum())
        held = max(level - loud - 5, 0)
        return level > -90 and level > speech, 10 ** ((-30 - mean - held) / 10)


def judged(levels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which frames are loud, and the gain of each one's powers."""
    level, loud, gains = Level(), np.zeros(len(levels), bool), np.ones(len(levels))
    frame = 0
    for heard, now in enumerate(levels, 1):
        level.add(now)
        while frame < heard and heard - frame > 30 and (level.active >= 50 or heard - frame >= 200):
            loud[frame], gains[frame] = level.decide(levels[frame])
            frame += 1
    for frame in range(frame, len(levels)):
        loud[frame], gains[frame] = level.decide(levels[frame])
    return loud, gains


def widened(loud: np.ndarray) -> np.ndarray:
    """Runs of 8 frames and more, with 10 on both sides."""
    speech = np.zeros(len(loud), bool)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], loud.astype(int), [0]])))
    for start, end in edges.reshape(-1, 2):
        if end - start >= 8:
            speech[max(0, start - 10) : end + 10] = True
    return speech


def levelled(samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The encoder's rows, and the samples of the speech at one level."""
    pole = np.exp(-2 * np.pi * 20 / RATE)
    gain = 0.5 * (1 + pole)
    samples = scipy.signal.lfilter([gain, -gain], [1, -pole], samples.astype(np.float64)).astype(np.float32)
    mel = librosa.feature.melspectrogram(y=samples, sr=RATE, n_fft=WINDOW, hop_length=HOP, n_mels=40).T
    padded = np.pad(samples, WINDOW // 2)
    energy = ((frames_of(padded)[: len(mel)] * HANN) ** 2).sum(1)
    loud, gains = judged(10 * np.log10(energy / 150 + 1e-12))
    speech = widened(loud)
    where = np.flatnonzero(speech)
    if not len(where):
        return np.zeros((0, 40), np.float32), samples
    rows = (mel[speech] * gains[speech, None]).astype(np.float32)
    gain = 10 ** (0.5 * np.log10(gains[speech]).mean())
    return rows, samples[HOP * where[0] : HOP * (where[-1] + 1)] * np.float32(gain)


# ---- rows and functionals ---------------------------------------------------------------


def averaged(frames: np.ndarray) -> np.ndarray:
    """Means of two neighbours; a last one stays alone."""
    pairs = frames[: len(frames) // 2 * 2].reshape(len(frames) // 2, 2, -1).mean(1)
    return np.concatenate([pairs, frames[len(pairs) * 2 :]])


def mfcc(frames: np.ndarray) -> np.ndarray:
    spectrum = np.abs(np.fft.rfft(frames * HANN, 512)) ** 2
    log_mel = np.log(np.maximum(averaged(spectrum @ MEL.T), 1e-6))
    return scipy.fft.dct(log_mel, norm="ortho")[:, :20]


def pitch_of(sound: parselmouth.Sound, count: int, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """F0 (0 where unvoiced) and strength of the frame nearest to each row."""
    track = sound.to_pitch_ac(0.01, 75, 15, False, 0.03, 0.45, 0.01, 0.35, 0.14, 600)
    first = 2 * np.arange(rows)
    last = np.minimum(first + 2, count) - 1
    times = (HOP * (first + last) + WINDOW) / (2 * RATE)
    at = np.floor((times - track.xs()[0]) / 0.01 + 0.5).astype(int)
    at = np.clip(at, 0, len(track.xs()) - 1)
    chosen = track.selected_array
    return chosen["frequency"][at], chosen["strength"][at]


def syllables_per_second(sound: parselmouth.Sound) -> float:
    """The steps of de Jong and Wempe's script, by the same Praat commands."""
    intensity = call(sound, "To Intensity", 50, 0, "yes")
    low = call(intensity, "Get minimum", 0, 0, "Parabolic")
    high = call(intensity, "Get maximum", 0, 0, "Parabolic")
    loud = call(intensity, "Get quantile", 0, 0, 0.99)
    grid = call(intensity, "To TextGrid (silences)", -25 - (high - loud), 0.3, 0.1, "silent", "sounding")
    contour = call(call(intensity, "Down to Matrix"), "To Sound (slice)", 1)
    extrema = call(contour, "To PointProcess (extrema)", "Left", "yes", "no", "Sinc70")
    times = [call(extrema, "Get time from index", i + 1) for i in range(call(extrema, "Get number of points"))]
    peaks = [(t, call(contour, "Get value at time", 0, t, "Cubic")) for t in times]
    peaks = [(t, v) for t, v in peaks if v > max(loud - 25, low)]
    pitch = sound.to_pitch_ac(0.02, 30, 4, False, 0.03, 0.25, 0.01, 0.35, 0.25, 450)
    nuclei = 0
    for (t, value), (following, _) in zip(peaks, peaks[1:]):
        dip = call(intensity, "Get minimum", t, following, "None")
        voiced = not np.isnan(call(pitch, "Get value at time", t, "Hertz", "Linear"))
        sounding = call(grid, "Get label of interval", 1, call(grid, "Get interval at time", 1, t)) == "sounding"
        nuclei += abs(value - dip) > 2 and voiced and sounding
    return nuclei / sound.duration


def contour(values: np.ndarray, otherwise: float) -> list[float]:
    """Ten statistics of a contour, with NaN where it has no value."""
    present = values[~np.isnan(values)]
    present = present if len(present) else np.array([otherwise])
    low, middle, high = np.percentile(present, [5, 50, 95])
    slopes = np.diff(values) / 0.02
    slopes = slopes[~np.isnan(slopes)]
    mean = lambda chosen: chosen.mean() if len(chosen) else 0.0
    where = np.flatnonzero(~np.isnan(values))
    trend = np.polyfit(0.02 * where, values[where], 1)[0] if len(where) > 1 else 0.0
    rises, falls = mean(slopes[slopes > 0]), mean(slopes[slopes < 0])
    return [present.mean(), present.std(), low, middle, high, high - low, mean(np.abs(slopes)), rises, falls, trend]


def runs(voiced: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Seconds of the voiced stretches, and of the gaps between them."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], voiced.astype(int), [0]]))).reshape(-1, 2)
    return 0.02 * (edges[:, 1] - edges[:, 0]), 0.02 * (edges[1:, 0] - edges[:-1, 1])


def features(samples: np.ndarray) -> dict[str, np.ndarray]:
    """The inputs of the graph, of one clip at 16 kHz."""
    speech, samples = levelled(samples)
    frames = frames_of(samples)
    coefficients = mfcc(frames).astype(np.float32)
    level = averaged((frames**2).mean(1)[:, None])[:, 0]
    level = 10 * np.log10(np.maximum(level, 1e-10))
    sound = parselmouth.Sound(samples.astype(np.float64), RATE)
    f0, strength = pitch_of(sound, len(frames), len(level))

    voiced, middle = f0 > 0, 0.5 * np.log(75 * 600)
    log_f0 = np.log(np.where(voiced, f0, np.nan))
    mean = log_f0[voiced].mean() if voiced.any() else middle
    rows = np.arange(len(f0))
    whole = np.interp(rows, rows[voiced], log_f0[voiced]) if voiced.any() else np.full(len(f0), middle)
    relative = np.where(voiced, log_f0 - mean, 0)
    prosody = [whole, relative, voiced, strength, level, np.maximum(level - level.max(), -50)]
    columns = np.column_stack([coefficients - coefficients.mean(0, dtype=np.float64), *prosody])

    five, half, most = np.percentile(coefficients, [5, 50, 95], axis=0)
    steps = np.abs(np.diff(coefficients, axis=0)).mean(0)
    statistics = np.column_stack([coefficients.mean(0), coefficients.std(0), five, half, most, steps]).ravel()
    stretches, gaps = runs(voiced)
    of = lambda values, statistic: statistic(values) if len(values) else 0.0
    further = [
        *contour(log_f0, middle),
        *contour(level, 0.0),
        of(level[voiced] if voiced.any() else level, np.mean),
        voiced.mean(),
        of(strength[voiced], np.mean),
        of(strength[voiced], np.std),
        len(stretches) / (0.02 * len(level)),
        of(stretches, np.mean),
        of(stretches, np.max),
        of(gaps, np.mean),
        syllables_per_second(sound),
        len(samples) / RATE,
    ]
    if not len(speech):
        speech = np.zeros((1, 40), np.float32)
    return {
        "frames": columns[None].astype(np.float32),
        "lengths": np.array([len(columns)]),
        "functionals": np.concatenate([statistics, further])[None].astype(np.float32),
        "speech": speech[None],
        "speech_lengths": np.array([len(speech)]),
    }


# ---- the model and the server -----------------------------------------------------------


class Classifier:
    def __init__(self, path: str, threads: int) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        metadata = self.session.get_modelmeta().custom_metadata_map
        self.labels = json.loads(metadata["labels"])
        spec = json.loads(metadata["features"])
        same = all(spec[key] == value for key, value in EXPECTED.items())
        same &= spec["level"] == LEVEL and spec.get("encoder") == LEVEL and len(spec["blocks"]) == 2
        if not same or any(spec["mfcc"][key] != value for key, value in MFCC.items()):
            raise SystemExit(f"{path}: its features are not those that this program computes")

    def classify(self, data: bytes) -> dict:
        samples, rate = soundfile.read(io.BytesIO(data), dtype="float32", always_2d=True)
        samples = samples.mean(1)
        if rate != RATE:
            samples = librosa.resample(samples, orig_sr=rate, target_sr=RATE)
        (answer,) = self.session.run(["probabilities"], features(samples))[0]
        probabilities = dict(zip(self.labels, map(float, answer)))
        label = max(probabilities, key=probabilities.get)
        return {"label": label, "probability": probabilities[label], "probabilities": probabilities}


def app():
    """What uvicorn calls in each worker."""
    from fastapi import FastAPI, File, HTTPException, UploadFile

    server = FastAPI()
    classifier = Classifier(os.environ["BASELINE_MODEL"], int(os.environ["BASELINE_THREADS"]))

    # Not async: FastAPI runs it in a thread, so that the event loop goes on.
    @server.post("/v1/audio/emotions")
    def emotions(file: UploadFile = File()) -> dict:
        try:
            return classifier.classify(file.file.read())
        except (soundfile.LibsndfileError, ValueError) as error:
            raise HTTPException(400, str(error)) from error

    return server


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--port", type=int, default=8700)
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="processes [default: the cores]")
    parser.add_argument("--threads", type=int, default=1, help="threads of ONNX Runtime in each [default: 1]")
    parser.add_argument("--classify", nargs="+", metavar="FILE", help="print the answers and end")
    args = parser.parse_args()
    if args.classify:
        classifier = Classifier(args.model, args.threads)
        for path in args.classify:
            with open(path, "rb") as file:
                print(json.dumps({"path": path, **classifier.classify(file.read())}))
        return
    import uvicorn

    os.environ.update(BASELINE_MODEL=os.path.abspath(args.model), BASELINE_THREADS=str(args.threads))
    where = os.path.dirname(os.path.abspath(__file__))
    uvicorn.run("server_baseline:app", factory=True, port=args.port, workers=args.workers, app_dir=where, log_level="warning")


if __name__ == "__main__":
    main()
