#!/usr/bin/env python3
"""Whether ONNX Runtime computes what this program computes.

    python3 -m venv venv
    venv/bin/pip install onnx onnxruntime numpy safetensors
    cargo run -p model --example export_reference -- exports
    venv/bin/python scripts/check_onnx.py exports

Runs every NAME.onnx of the folder on the clips of NAME.reference.safetensors:
all together, once with zeros for padding and once with what is no number, and
each alone. Prints how far the clips' probabilities are apart, and the largest
difference of a probability; the exit code is 1 where one is above 1e-5.
"""

import pathlib
import sys

import numpy as np
import onnx
import onnxruntime
from safetensors.numpy import load_file

WITHIN = 1e-5


def figures_of(path):
    """How far clips are apart; largest differences together, with hostile padding, alone."""
    onnx.checker.check_model(path, full_check=True)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    reference = load_file(path.with_suffix(".reference.safetensors"))
    wanted = {i.name for i in session.get_inputs()}
    padded = [("frames", "lengths"), ("speech", "speech_lengths")]
    padded = [pair for pair in padded if pair[0] in wanted]
    expected = reference["probabilities"]

    def run(rows, change=lambda values, lengths: values):
        inputs = {}
        for values, lengths in padded:
            inputs[lengths] = reference[lengths].astype(np.int64)[rows]
            inputs[values] = change(reference[values][rows], inputs[lengths])
        if "functionals" in wanted:
            inputs["functionals"] = reference["functionals"][rows]
        (got,) = session.run(["probabilities"], inputs)
        return np.abs(got - expected[rows]).max()  # of a NaN: NaN

    yield (expected.max(axis=0) - expected.min(axis=0)).max()
    everything = slice(None)
    yield run(everything)

    def hostile(values, lengths):
        values = values.copy()
        for row, length in enumerate(lengths):
            values[row, length:] = np.nan
        return values

    yield run(everything, hostile)
    rows = [slice(row, row + 1) for row in range(len(expected))]
    alone = [run(row, lambda values, lengths: values[:, : lengths[0]]) for row in rows]
    yield np.max(alone)  # Python's own max may pass over a NaN


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    files = sorted(pathlib.Path(sys.argv[1]).glob("*.onnx"))
    if not files:
        sys.exit(f"{sys.argv[1]}: no .onnx file")
    print(f"onnx {onnx.__version__}, onnxruntime {onnxruntime.__version__}")
    print(f"{'network':<24} spread     together   NaN behind alone")
    failed = False
    for path in files:
        spread, *apart = figures_of(path)
        good = all(value <= WITHIN for value in apart)
        failed |= not good
        figures = "    ".join(f"{value:.1e}" for value in [spread, *apart])
        print(f"{path.stem:<24} {figures}{'' if good else '    WRONG'}")
    sys.exit(int(failed))


if __name__ == "__main__":
    main()
