#!/usr/bin/env python3
"""Reference numbers for the tests of the `audio` crate.

    python3 -m venv venv
    venv/bin/pip install librosa==0.11.0 torchaudio==2.11.0 kaldi-native-fbank==1.22.5 \
        python_speech_features==0.6 opensmile==2.6.0
    venv/bin/python scripts/mfcc_fixtures.py [--ravdess FOLDER]

Writes crates/audio/tests/fixtures: one JSON file per tool, with the versions
that made it, and two small FLAC files with their WAVs. Each case is named; tests/references.rs has the MfccConfig that
goes with the name. Only some frames are kept, listed under "frames", so that
the files stay small.

The signal is made of whole numbers, so Python and Rust make the same one. With
--ravdess, recording.json is written too: the MFCCs (nothing else) of 40 frames
of one recording.
"""

import argparse
import importlib.metadata
import json
import pathlib
import platform
import tempfile

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parent.parent
FIXTURES = ROOT / "crates" / "audio" / "tests" / "fixtures"
RECORDING = "Actor_02/03-01-05-01-01-01-02.wav"
RECORDING_FRAMES = 40


def signal(n, rate):
    """A gliding sawtooth in four swells, with noise and a stretch of digital
    silence, as 16-bit integers. tests/references.rs has the same."""
    out = np.zeros(n, dtype=np.int64)
    state, phase = 1, 0
    for i in range(n):
        pitch = 100 + 80 * i // n
        phase = (phase + (pitch << 32) // rate) % 2**32
        state = (state * 1664525 + 1013904223) % 2**32
        swell = (i * 2048 // n) % 512
        swell = min(swell, 511 - swell)
        saw, noise = (phase >> 16) - 32768, (state >> 16) - 32768
        silent = 7 * n <= 10 * i < 8 * n
        out[i] = 0 if silent else (saw * swell + noise * 16) >> 10
    return out


def versions(*packages):
    found = {p: importlib.metadata.version(p) for p in (*packages, "numpy")}
    return {**found, "python": platform.python_version()}


def rounded(matrix, frames):
    return [[round(float(v), 7) for v in matrix[t]] for t in frames]


def case(name, call, n, rate, mfcc, log_mel=None):
    """`mfcc` and `log_mel` are [frames, columns]."""
    mfcc = np.asarray(mfcc)
    frames = sorted({round(t) for t in np.linspace(0, len(mfcc) - 1, 10)})
    out = {
        "name": name,
        "call": call,
        "samples": n,
        "sample_rate": rate,
        "n_frames": len(mfcc),
        "frames": frames,
        "mfcc": rounded(mfcc, frames),
    }
    if log_mel is not None:
        log_mel = np.asarray(log_mel)
        assert len(log_mel) == len(mfcc)
        some = frames[:: max(1, len(frames) // 4)]
        out["log_mel_frames"] = some
        out["log_mel"] = rounded(log_mel, some)
    print(f"  {name}: {mfcc.shape[0]} frames of {mfcc.shape[1]}")
    return out


def write(name, made_by, precision, **content):
    text = json.dumps({"made_by": made_by, "precision": precision, **content})
    # One row of numbers a line: readable, and a change shows where it is.
    text = text.replace("], [", "],\n[").replace("}, {", "},\n{")
    path = FIXTURES / f"{name}.json"
    path.write_text(text + "\n")
    print(f"{path.relative_to(ROOT)}: {path.stat().st_size / 1000:.0f} kB")


# librosa: double precision throughout, the mel bands too.


def librosa_mfcc(y, rate, n_mfcc=20, dct_norm="ortho", lifter=0, **mel):
    import librosa

    mel = {"dtype": np.float64, **mel}
    log_mel = librosa.power_to_db(librosa.feature.melspectrogram(y=y, sr=rate, **mel))
    # What mfcc(y=y) does inside; from outside, `norm` could not be given twice.
    mfcc = librosa.feature.mfcc(S=log_mel, n_mfcc=n_mfcc, norm=dct_norm, lifter=lifter)
    return mfcc.T, log_mel.T


def make_librosa():
    small = {"n_fft": 512, "win_length": 400, "hop_length": 160}
    cases = []
    for name, n, rate, settings in [
        ("defaults", 11025, 22050, {}),
        ("window_shorter_than_fft", 6000, 16000, {**small, "n_mfcc": 40}),
        ("not_centred", 6000, 16000, {**small, "center": False, "n_mels": 40}),
        (
            "htk_scale_no_norm_odd_sizes",
            6000,
            16000,
            {
                "n_fft": 400,
                "hop_length": 160,
                "n_mels": 40,
                "htk": True,
                "norm": None,
                "fmin": 50.0,
                "fmax": 7000.0,
            },
        ),
        ("odd_fft_magnitude", 8820, 22050, {"n_fft": 441, "power": 1.0, "n_mels": 32, "n_mfcc": 13}),
        ("lifter", 6000, 16000, {**small, "n_mels": 64, "lifter": 22, "n_mfcc": 13}),
        ("dct_not_scaled", 6000, 16000, {**small, "n_mels": 26, "dct_norm": None, "n_mfcc": 13}),
        (
            "hamming_reflect",
            6000,
            16000,
            {**small, "window": "hamming", "pad_mode": "reflect", "n_mels": 26, "n_mfcc": 13},
        ),
        ("48_khz", 24000, 48000, {"n_fft": 4096, "hop_length": 2048, "n_mfcc": 34}),
        ("more_bands_than_bins", 3000, 8000, {"n_fft": 64, "hop_length": 32, "n_mels": 40, "n_mfcc": 13}),
        ("shorter_than_a_window", 100, 16000, {**small, "n_mels": 40, "n_mfcc": 13}),
    ]:
        y = signal(n, rate) / 32768.0
        mfcc, log_mel = librosa_mfcc(y, rate, **settings)
        call = f"librosa.feature.mfcc(y=y, sr={rate}, **{settings}), float64"
        cases.append(case(name, call, n, rate, mfcc, log_mel))
    write("librosa", versions("librosa", "scipy"), "float64", cases=cases)


# torchaudio: single precision.


def make_torchaudio():
    import torch
    import torchaudio

    small = {"n_fft": 512, "win_length": 400, "hop_length": 160}
    cases = []
    for name, n, rate, n_mfcc, log_mels, mel in [
        ("defaults", 6000, 16000, 40, False, {}),
        ("log_mels", 6000, 16000, 40, True, {}),
        ("slaney", 6000, 16000, 13, False, {**small, "n_mels": 40, "mel_scale": "slaney", "norm": "slaney"}),
        ("not_centred", 6000, 16000, 20, True, {**small, "n_mels": 80, "center": False, "f_min": 20.0}),
        ("48_khz", 24000, 48000, 20, False, {"n_fft": 1200, "hop_length": 480, "n_mels": 64, "f_max": 8000.0}),
    ]:
        y = torch.from_numpy((signal(n, rate) / 32768.0).astype(np.float32))
        transform = torchaudio.transforms.MFCC(rate, n_mfcc, log_mels=log_mels, melkwargs=mel)
        power = transform.MelSpectrogram(y)
        log_mel = torch.log(power + 1e-6) if log_mels else transform.amplitude_to_DB(power)
        call = f"torchaudio.transforms.MFCC({rate}, {n_mfcc}, log_mels={log_mels}, melkwargs={mel})"
        cases.append(case(name, call, n, rate, transform(y).T, log_mel.T))
    write("torchaudio", versions("torchaudio"), "float32", cases=cases)


# Kaldi, twice: kaldi-native-fbank, which is single precision, and
# torchaudio.compliance.kaldi, whose tables are so even for a double signal.


def kaldi_native(y, rate, kind, frame=None, mel=None, **rest):
    import kaldi_native_fbank as knf

    options = knf.MfccOptions() if kind == "mfcc" else knf.FbankOptions()
    options.frame_opts.dither = 0
    options.frame_opts.samp_freq = rate
    options.mel_opts.num_bins = 23
    for key, value in (frame or {}).items():
        setattr(options.frame_opts, key, value)
    for key, value in (mel or {}).items():
        setattr(options.mel_opts, key, value)
    if kind == "mfcc":
        for key, value in rest.items():
            setattr(options, key, value)
        computer = knf.OnlineMfcc(options)
    else:
        computer = knf.OnlineFbank(options)
    computer.accept_waveform(rate, y.astype(np.float32).tolist())
    computer.input_finished()
    return np.array([computer.get_frame(t) for t in range(computer.num_frames_ready)])


def make_kaldi():
    cases = []
    for name, n, rate, settings in [
        ("defaults", 6000, 16000, {}),
        ("mirrored_ends", 6000, 16000, {"frame": {"snip_edges": False}}),
        ("windowed_energy_hamming", 6000, 16000, {"raw_energy": False, "frame": {"window_type": "hamming"}}),
        ("c0_no_lifter", 6000, 16000, {"use_energy": False, "cepstral_lifter": 0.0}),
        (
            "bands_and_range_44_khz",
            16000,
            44100,
            {"mel": {"num_bins": 40, "low_freq": 60.0, "high_freq": 7600.0}, "num_ceps": 20},
        ),
    ]:
        y = signal(n, rate)
        mel = kaldi_native(y, rate, "fbank", settings.get("frame"), settings.get("mel"))
        mfcc = kaldi_native(y, rate, "mfcc", **settings)
        call = f"kaldi_native_fbank.OnlineMfcc, dither 0, {settings}"
        cases.append(case(name, call, n, rate, mfcc, mel))
    write("kaldi_native_fbank", versions("kaldi-native-fbank"), "float32", cases=cases)


def kaldi_compliance(y, rate, **settings):
    import torch
    from torchaudio.compliance import kaldi

    y = torch.from_numpy(y.astype(np.float64))[None]
    mfcc = kaldi.mfcc(y, sample_frequency=rate, **settings)
    without = ("num_ceps", "cepstral_lifter")
    settings = {k: v for k, v in settings.items() if k not in without}
    settings.setdefault("use_energy", False)
    fbank = kaldi.fbank(y, sample_frequency=rate, **{**settings, "use_energy": False})
    return mfcc, fbank


def make_compliance():
    cases = []
    for name, n, rate, settings in [
        ("defaults", 6000, 16000, {}),
        ("energy", 6000, 16000, {"use_energy": True, "energy_floor": 0.0}),
        ("mirrored_ends_blackman", 8000, 22050, {"snip_edges": False, "window_type": "blackman"}),
        (
            "no_preparation",
            6000,
            16000,
            {
                "remove_dc_offset": False,
                "preemphasis_coefficient": 0.0,
                "window_type": "hanning",
                "num_mel_bins": 40,
                "high_freq": 7000.0,
                "num_ceps": 20,
                "cepstral_lifter": 0.0,
            },
        ),
    ]:
        mfcc, log_mel = kaldi_compliance(signal(n, rate), rate, **settings)
        call = f"torchaudio.compliance.kaldi.mfcc(float64, sample_frequency={rate}, **{settings})"
        cases.append(case(name, call, n, rate, mfcc, log_mel))
    write("torchaudio_kaldi", versions("torchaudio"), "float32", cases=cases)


# python_speech_features: double precision.


def make_psf():
    import python_speech_features as psf

    cases = []
    for name, n, rate, settings in [
        ("defaults", 6000, 16000, {}),
        ("half_samples_round_up_44_khz", 16000, 44100, {"winlen": 0.0125}),
        (
            "hamming_range_no_energy",
            6001,
            16000,
            {
                "winfunc": np.hamming,
                "nfilt": 40,
                "lowfreq": 100,
                "highfreq": 7000,
                "numcep": 20,
                "ceplifter": 0,
                "appendEnergy": False,
            },
        ),
        ("shorter_than_a_window", 150, 16000, {}),
    ]:
        y = signal(n, rate)
        window = settings.get("winlen", 0.025)
        nfft = 2 ** int(np.ceil(np.log2(int(window * rate + 0.5))))
        mfcc = psf.mfcc(y, rate, nfft=nfft, **settings)
        shared = ("winlen", "winfunc", "nfilt", "lowfreq", "highfreq")
        mel = {k: v for k, v in settings.items() if k in shared}
        mel = np.log(psf.fbank(y, rate, nfft=nfft, **mel)[0])
        call = f"python_speech_features.mfcc(y, {rate}, nfft={nfft}, **{settings})"
        cases.append(case(name, call, n, rate, mfcc, mel))
    # The default call has 512 points at every rate, and cuts longer windows to them.
    for rate in (8000, 22050, 44100, 48000):
        y = signal(12000, rate)
        call = f"python_speech_features.mfcc(y, {rate})"
        mel = np.log(psf.fbank(y, rate)[0])
        cases.append(case(f"default_call_{rate}_hz", call, 12000, rate, psf.mfcc(y, rate), mel))
    write("python_speech_features", versions("python_speech_features", "scipy"), "float64", cases=cases)


# openSMILE: the components and settings of its MFCC12_0_D_A.conf (single precision).

OPENSMILE = r"""
[componentInstances:cComponentManager]
instance[dataMemory].type=cDataMemory
instance[framer].type=cFramer
instance[preemphasis].type=cVectorPreemphasis
instance[window].type=cWindower
instance[fft].type=cTransformFFT
instance[magnitude].type=cFFTmagphase
instance[mspec].type=cMelspec
instance[mfcc].type=cMfcc
instance[delta].type=cDeltaRegression
instance[accel].type=cDeltaRegression
instance[all].type=cVectorConcat
nThreads=1
printLevelStats=0

\{\cm[source{?}:include external sources]}

[framer:cFramer]
reader.dmLevel=wave
writer.dmLevel=frames
frameSize=0.025
frameStep=0.010
frameCenterSpecial=left
[preemphasis:cVectorPreemphasis]
reader.dmLevel=frames
writer.dmLevel=emphasised
k=0.97
de=0
[window:cWindower]
reader.dmLevel=emphasised
writer.dmLevel=windowed
winFunc=Hamming
gain=1.0
[fft:cTransformFFT]
reader.dmLevel=windowed
writer.dmLevel=fft
[magnitude:cFFTmagphase]
reader.dmLevel=fft
writer.dmLevel=magnitude
[mspec:cMelspec]
reader.dmLevel=magnitude
writer.dmLevel=mspec
htkcompatible=1
usePower=1
nBands=26
lofreq=@LOW@
hifreq=8000
[mfcc:cMfcc]
reader.dmLevel=mspec
writer.dmLevel=mfcc
htkcompatible=1
firstMfcc=0
lastMfcc=12
cepLifter=22.0
[delta:cDeltaRegression]
reader.dmLevel=mfcc
writer.dmLevel=delta
deltawin=2
[accel:cDeltaRegression]
reader.dmLevel=delta
writer.dmLevel=accel
deltawin=2
[all:cVectorConcat]
reader.dmLevel=mfcc;delta;accel;mspec
writer.dmLevel=lld
processArrayFields=0
includeSingleElementFields=1

\{\cm[sink{?}:include external sink]}
"""


def opensmile_mfcc(y, rate, low=0):
    """13 MFCCs, their deltas, the deltas' deltas, 26 mel powers."""
    import opensmile

    with tempfile.NamedTemporaryFile("w", suffix=".conf") as conf:
        conf.write(OPENSMILE.replace("@LOW@", str(low)))
        conf.flush()
        smile = opensmile.Smile(conf.name, "lld", sampling_rate=rate)
        return smile.process_signal(y, rate).to_numpy()


def make_opensmile():
    cases = []
    for name, n, rate, low in [
        ("defaults", 6000, 16000, 0),
        ("8_khz", 6000, 8000, 0),
        ("22_khz", 8000, 22050, 0),
        ("44_khz", 16000, 44100, 0),
        ("range_48_khz", 16000, 48000, 300),
    ]:
        y = (signal(n, rate) / 32768.0).astype(np.float32)
        call = f"openSMILE MFCC12_0_D_A at {rate} Hz, lofreq={low}: MFCC, deltas, deltas of deltas"
        all = opensmile_mfcc(y, rate, low)
        log_mel = np.log(np.maximum(all[:, 39:], 1.0))  # as its cMfcc does
        cases.append(case(name, call, n, rate, all[:, :39], log_mel))
    write("opensmile", versions("opensmile"), "float32", cases=cases)


# Deltas, of a matrix that comes with them.


def make_deltas():
    import librosa
    import python_speech_features as psf
    import torch
    import torchaudio

    x = np.random.default_rng(7).normal(0, 10, (14, 3)).round(3)
    cases = []

    def add(name, call, order, values):
        cases.append({"name": name, "call": call, "order": order, "delta": rounded(np.asarray(values), range(len(x)))})

    for width in (9, 5):
        for order in (1, 2):
            add(
                f"savitzky_golay_{width}",
                f"librosa.feature.delta(x.T, width={width}, order={order}).T",
                order,
                librosa.feature.delta(x.T, width=width, order=order).T,
            )
    for n in (1, 2):
        add(f"regression_{n}", f"python_speech_features.delta(x, {n})", 1, psf.delta(x, n))
    once = torchaudio.functional.compute_deltas(torch.from_numpy(x.T))
    add("regression_2", "torchaudio.functional.compute_deltas(x.T).T", 1, once.T)
    twice = torchaudio.functional.compute_deltas(once)
    add("regression_2", "the same, twice", 2, twice.T)
    made_by = versions("librosa", "scipy", "python_speech_features", "torchaudio")
    write("deltas", made_by, "float64", frames=x.tolist(), cases=cases)


# FLAC by libsndfile, and the same samples as WAV.


def make_flac():
    import soundfile

    mono = signal(9000, 16000).astype(np.int16)
    left = signal(600, 44100).astype(np.int32) << 16
    stereo = np.stack([left, np.roll(left, 7) // 3], axis=1)
    for name, samples, rate, bits in [
        ("mono_16_bit", mono, 16000, "PCM_16"),
        ("stereo_24_bit", stereo, 44100, "PCM_24"),
    ]:
        for kind in ("flac", "wav"):
            path = FIXTURES / f"{name}.{kind}"
            soundfile.write(path, samples, rate, subtype=bits)
            print(f"{path.relative_to(ROOT)}: {path.stat().st_size / 1000:.0f} kB")


# A real recording, at its own rate and, every third sample taken, at 16 kHz.


def make_recording(folder):
    import soundfile

    whole, rate = soundfile.read(folder / RECORDING, dtype="int16")
    cases = []

    def add(name, call, step, mfcc):
        mfcc = np.asarray(mfcc)
        first = len(mfcc) // 2 - RECORDING_FRAMES // 2
        frames = list(range(max(first, 0), min(first + RECORDING_FRAMES, len(mfcc))))
        values = rounded(mfcc[:, :20], frames)
        cases.append(
            {"name": name, "call": call, "step": step, "n_frames": len(mfcc), "frames": frames, "mfcc": values}
        )

    for step in (1, 3):
        ints, at = whole[::step].astype(np.int64), rate // step
        y = ints / 32768.0
        small = {"n_fft": 512 * 3 // step, "win_length": 400 * 3 // step, "hop_length": 160 * 3 // step}
        add("librosa", f"librosa.feature.mfcc(y=y, sr={at}, **{small})", step, librosa_mfcc(y, at, **small)[0])
        add("torchaudio_kaldi", f"torchaudio.compliance.kaldi.mfcc at {at} Hz", step, kaldi_compliance(ints, at)[0])
        add("kaldi_native_fbank", f"OnlineMfcc at {at} Hz", step, kaldi_native(ints, at, "mfcc"))
        import python_speech_features as psf

        nfft = 2 ** int(np.ceil(np.log2(at * 0.025)))
        add("python_speech_features", f"mfcc(y, {at}, nfft={nfft})", step, psf.mfcc(ints, at, nfft=nfft))
        add("opensmile", f"MFCC12_0 at {at} Hz", step, opensmile_mfcc(y.astype(np.float32), at)[:, :13])
        import torch
        import torchaudio

        transform = torchaudio.transforms.MFCC(at, 20)
        add(
            "torchaudio",
            f"torchaudio.transforms.MFCC({at}, 20)",
            step,
            transform(torch.from_numpy(y.astype(np.float32))).T,
        )
    made_by = versions(
        "librosa", "torchaudio", "kaldi-native-fbank", "python_speech_features", "opensmile"
    )
    write("recording", made_by, "mixed", recording=RECORDING, cases=cases)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--ravdess", type=pathlib.Path, help="folder with Actor_02, for recording.json")
    arguments = parser.parse_args()
    FIXTURES.mkdir(parents=True, exist_ok=True)
    make_librosa()
    make_torchaudio()
    make_kaldi()
    make_compliance()
    make_psf()
    make_opensmile()
    make_deltas()
    make_flac()
    if arguments.ravdess:
        make_recording(arguments.ravdess)


if __name__ == "__main__":
    main()
