#!/usr/bin/env python3
"""Whether PyTorch computes with exported weights what this program computes.

    python3 -m venv venv
    venv/bin/pip install torch numpy safetensors
    cargo run -p model --example export_reference -- exports
    venv/bin/python scripts/check_pytorch_export.py exports

Loads every NAME.pytorch.safetensors of the folder into the torch.nn module
that its metadata describe, runs it on the clips of NAME.reference.safetensors
as packed sequences, and prints the largest difference of an output; the exit
code is 1 where one is above 1e-5.
"""

import pathlib
import sys

import torch
from safetensors import safe_open
from safetensors.torch import load_file
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

WITHIN = 1e-5
END = ".pytorch.safetensors"


def module(path):
    """The network of an exported file."""
    with safe_open(path, "pt") as file:
        metadata = file.metadata()
    more = {"nonlinearity": metadata["nonlinearity"]} if "nonlinearity" in metadata else {}
    network = getattr(torch.nn, metadata["module"])(
        int(metadata["input_size"]),
        int(metadata["hidden_size"]),
        num_layers=int(metadata["num_layers"]),
        bidirectional=metadata["bidirectional"] == "true",
        batch_first=True,
        **more,
    )
    network.load_state_dict(load_file(path))
    return network


def difference(path):
    reference = load_file(str(path).removesuffix(END) + ".reference.safetensors")
    lengths = reference["recurrent_lengths"].long()
    frames = pack_padded_sequence(
        reference["recurrent_input"], lengths, batch_first=True, enforce_sorted=False
    )
    with torch.no_grad():
        outputs, _ = pad_packed_sequence(module(path)(frames)[0], batch_first=True)
    inside = torch.arange(outputs.shape[1])[None, :, None] < lengths[:, None, None]
    return ((outputs - reference["recurrent"]) * inside).abs().max().item()


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    files = sorted(pathlib.Path(sys.argv[1]).glob(f"*{END}"))
    if not files:
        sys.exit(f"{sys.argv[1]}: no {END} file")
    print(f"torch {torch.__version__}")
    failed = False
    for path in files:
        apart = difference(path)
        good = apart <= WITHIN
        failed |= not good
        print(f"{path.name.removesuffix(END):<24} {apart:.1e}{'' if good else '    WRONG'}")
    sys.exit(int(failed))


if __name__ == "__main__":
    main()
