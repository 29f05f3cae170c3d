#!/usr/bin/env python3
"""The `audio` crate against the Python packages people use, on the same files.

    python3 -m venv venv
    venv/bin/pip install -r scripts/bench_audio.txt
    taskset -c 1 venv/bin/python scripts/bench_audio.py FOLDER [--files 20] [--rounds 7]

FOLDER holds recordings at 48 kHz, RAVDESS for instance; files are taken evenly
over it. Where the work starts from samples, both sides get the same 16-bit
samples at 16 kHz. Each round runs everything once, ours and the peers in turn,
and a time is the median over the rounds. One thread each, and its time on the
core rather than on the wall, so that other work on the machine counts for
nobody. "files, two threads" is the longer of the times that our two threads
spend on a core, and the peer is on one. Reading the packages' modules, making our tables and a
first call of each are not timed.

Real time factor: seconds of audio handled in one second.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import tempfile
import time

for name in ("OMP", "MKL", "OPENBLAS", "NUMBA"):
    os.environ[f"{name}_NUM_THREADS"] = "1"

import kaldi_native_fbank
import librosa
import numpy as np
import parselmouth
import python_speech_features
import soundfile
import torch
import torchaudio
import torchaudio.compliance.kaldi

ROOT = pathlib.Path(__file__).resolve().parent.parent
RATE = 16000
MFCC_40 = dict(n_mfcc=40, n_fft=512, win_length=400, hop_length=160, n_mels=128)


def kaldi_options():
    """Kaldi's defaults: 13 MFCC, 25 ms every 10 ms, 23 bands."""
    options = kaldi_native_fbank.MfccOptions()
    options.frame_opts.samp_freq = RATE
    options.frame_opts.dither = 0
    return options


def native_fbank(samples, options=kaldi_options()):
    computer = kaldi_native_fbank.OnlineMfcc(options)
    computer.accept_waveform(RATE, samples)
    computer.input_finished()
    return np.array([computer.get_frame(t) for t in range(computer.num_frames_ready)])


def peers(folder):
    """Name of ours, name of the peer, the ratio asked for, the peer's work."""
    transform = torchaudio.transforms.MFCC(
        RATE, n_mfcc=40, melkwargs=dict(n_fft=400, hop_length=160, n_mels=128)
    )

    def torch_kaldi(clip):
        return torchaudio.compliance.kaldi.mfcc(clip["tensor"] * 32768, dither=0.0)

    def from_file(clip):
        samples, _ = librosa.load(clip["file"], sr=RATE)
        return librosa.feature.mfcc(y=samples, sr=RATE, **MFCC_40)

    def pitch(clip):
        sound = parselmouth.Sound(clip["double"], RATE)
        return sound.to_pitch_ac(time_step=0.01, pitch_floor=75, pitch_ceiling=600)

    return [
        ("kaldi", "torchaudio.compliance.kaldi", 2.5, torch_kaldi),
        ("kaldi", "kaldi-native-fbank", 10, lambda c: native_fbank(c["scaled"])),
        (
            "python_speech_features",
            "python_speech_features",
            3,
            lambda c: python_speech_features.mfcc(c["integers"], RATE),
        ),
        (
            "librosa",
            "librosa.feature.mfcc",
            3.5,
            lambda c: librosa.feature.mfcc(y=c["float"], sr=RATE, **MFCC_40),
        ),
        (
            "torchaudio",
            "torchaudio.transforms.MFCC",
            1.6,
            lambda c: transform(c["tensor"]),
        ),
        ("files", "librosa.load + feature.mfcc", 3, from_file),
        ("files, two threads", "librosa.load + feature.mfcc", 6, from_file),
        ("pitch", "parselmouth to_pitch_ac", 2, pitch),
    ]


def choose(folder, count):
    files = sorted(pathlib.Path(folder).rglob("*.wav"))
    if not files:
        raise SystemExit(f"there is no WAV file in {folder}")
    return files[:: max(1, len(files) // count)][:count]


def prepare(files, originals, resampled):
    """Links to the files in one folder, their 16 kHz versions in another."""
    clips = []
    for i, file in enumerate(files):
        link = originals / f"{i:04}.wav"
        link.symlink_to(file.resolve())
        samples, _ = librosa.load(file, sr=RATE)
        integers = np.clip(np.round(samples * 32768), -32768, 32767).astype(np.int16)
        soundfile.write(resampled / link.name, integers, RATE)
        real = (integers / 32768).astype(np.float32)
        clips.append(
            {
                "file": file,
                "integers": integers,
                "float": real,
                "double": real.astype(np.float64),
                "scaled": real * 32768,
                "tensor": torch.from_numpy(real)[None],
            }
        )
    return clips


def build():
    messages = subprocess.run(
        ["cargo", "build", "-p", "audio", "--example", "bench", "--message-format=json"],
        cwd=ROOT,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout
    for line in messages.splitlines():
        target = json.loads(line)
        if target.get("executable"):
            return target["executable"]
    raise SystemExit("cargo built no example named bench")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder")
    parser.add_argument("--files", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--binary", help="the example, built before")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    binary = arguments.binary or build()
    work = peers(arguments.folder)
    with tempfile.TemporaryDirectory() as folder:
        originals, resampled = (pathlib.Path(folder) / n for n in ("files", "16k"))
        originals.mkdir()
        resampled.mkdir()
        clips = prepare(choose(arguments.folder, arguments.files), originals, resampled)
        ours = {}
        theirs = {peer: [] for _, peer, _, _ in work}
        calls = {peer: call for _, peer, _, call in work}
        for call in calls.values():
            call(clips[0])
        for _ in range(arguments.rounds):
            out = subprocess.run(
                [binary, resampled, originals], check=True, stdout=subprocess.PIPE
            ).stdout
            report = json.loads(out)
            for name, seconds in report["seconds"].items():
                ours.setdefault(name, []).append(seconds)
            for peer, call in calls.items():
                start = time.thread_time()
                for clip in clips:
                    call(clip)
                theirs[peer].append(time.thread_time() - start)

    audio = {name: report["audio_16k"] for name in ours}
    for name in ("decode", "resample", "files", "files, two threads", "recommended features"):
        audio[name] = report["audio"]
    print(f"{len(clips)} files, {report['audio']:.0f} s, median of {arguments.rounds} rounds\n")
    print("| ours | real time factor | peer | real time factor | ratio | asked for |")
    print("|---|---|---|---|---|---|")
    compared = set()
    for name, peer, least, _ in work:
        if name not in ours:
            continue
        compared.add(name)
        mine = statistics.median(ours[name])
        other = statistics.median(theirs[peer])
        print(
            f"| {name} | {audio[name] / mine:.0f} | {peer} | {audio[name] / other:.0f} "
            f"| {other / mine:.2f} | {least} |"
        )
    for name in ours:
        if name not in compared:
            print(f"| {name} | {audio[name] / statistics.median(ours[name]):.0f} | | | | |")


if __name__ == "__main__":
    main()
