#!/usr/bin/env python3
"""What PyTorch and librosa make of a voice-like sound, for the tests of the encoder.

    python3 -m venv venv
    venv/bin/pip install librosa numpy safetensors scipy torch
    venv/bin/python scripts/encoder_fixture.py WHEEL

WHEEL is that of Resemblyzer 0.1.4 (scripts/fetch-encoder downloads it). Writes
crates/model/tests/fixtures/encoder.safetensors:

- samples: .8 s at 16 kHz, a sound with partials and formants that rises and falls;
- mel: librosa's mel powers of it, after SciPy's high-pass of 20 Hz, [81, 40];
- states: the second layer's states of PyTorch's LSTM with the original weights, of
  `mel` brought to -30 dB, [81, 256];
- embedding: NumPy's mean, deviation, mean absolute difference, maximum and minimum
  of the states over time, [1280].
"""

import io
import pathlib
import sys
import zipfile

import librosa
import numpy as np
import safetensors.numpy
import scipy.signal
import torch

OUT = pathlib.Path(__file__).parent.parent / "crates/model/tests/fixtures/encoder.safetensors"
RATE = 16000


def voice():
    time = np.arange(int(0.8 * RATE)) / RATE
    pitch = 150 + 40 * np.sin(2 * np.pi * 1.5 * time)
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    sound = np.zeros_like(time)
    for partial in range(1, 30):
        hertz = partial * pitch
        formants = sum(np.exp(-(((hertz - f) / 200) ** 2)) for f in (600, 1200, 2500))
        sound += (formants + 0.02) * np.sin(partial * phase)
    sound *= 0.05 * np.sin(np.pi * time / 0.8) ** 2
    return sound.astype(np.float32)


def main():
    package = zipfile.ZipFile(sys.argv[1]).read("resemblyzer/pretrained.pt")
    state = torch.load(io.BytesIO(package), map_location="cpu", weights_only=False)["model_state"]
    lstm = torch.nn.LSTM(40, 256, 2, batch_first=True)
    lower = {k[5:]: v for k, v in state.items() if k.startswith("lstm.") and k[-1] in "01"}
    lstm.load_state_dict(lower)

    samples = voice()
    pole = np.exp(-2 * np.pi * 20 / RATE)
    gain = (1 + pole) / 2
    filtered = scipy.signal.lfilter([gain, -gain], [1, -pole], samples.astype(np.float64))
    mel = librosa.feature.melspectrogram(
        y=filtered.astype(np.float32), sr=RATE, n_fft=400, hop_length=160, n_mels=40
    ).T
    # -30 dB of full scale: RAVDESS's clips brought there have this mean power.
    level = 10 ** (-30 / 10) / np.mean(filtered**2)
    with torch.no_grad():
        states = lstm(torch.from_numpy(np.float32(mel * level))[None])[0][0].numpy()
    embedding = np.concatenate(
        [
            states.mean(0),
            states.std(0),
            np.abs(np.diff(states, axis=0)).mean(0),
            states.max(0),
            states.min(0),
        ]
    )
    arrays = {
        "samples": samples,
        "mel": mel,
        "level": np.array([level]),
        "states": states,
        "embedding": embedding,
    }
    arrays = {name: np.ascontiguousarray(a, dtype=np.float32) for name, a in arrays.items()}
    about = {"torch": torch.__version__, "librosa": librosa.__version__}
    safetensors.numpy.save_file(arrays, OUT, metadata=about)


if __name__ == "__main__":
    main()
