#!/usr/bin/env python3
"""Recurrent networks of PyTorch with what they compute, for the `recurrent` crate.

    python3 -m venv venv
    venv/bin/pip install torch numpy safetensors
    venv/bin/python scripts/pytorch_fixtures.py

Writes into crates/recurrent/tests/fixtures/, for each network:

- NAME.pt and NAME.safetensors: its weights, as users keep them;
- NAME.reference.safetensors: an input, and what PyTorch makes of it as packed
  sequences: outputs, final states, and the gradients of a loss. Versions,
  lengths and the loss stand in the metadata.

The loss is the sum of the outputs, h_n and c_n, each number times the one at
its place in loss_outputs, loss_h_n and loss_c_n.
"""

import json
import pathlib

import numpy as np
import safetensors
import safetensors.torch
import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

FIXTURES = pathlib.Path(__file__).parent.parent / "crates/recurrent/tests/fixtures"
LENGTHS = [5, 7, 1, 4]


def reference(network, seed):
    """What the network makes of an input, and the gradients."""
    random = torch.Generator().manual_seed(seed)
    draw = lambda shape: torch.randn(shape, generator=random)
    frames = draw([len(LENGTHS), max(LENGTHS), network.input_size])
    frames.requires_grad_()
    lengths = torch.tensor(LENGTHS)
    packed = pack_padded_sequence(frames, lengths, batch_first=True, enforce_sorted=False)
    packed, final = network(packed)
    outputs, _ = pad_packed_sequence(packed, batch_first=True)
    results = {"outputs": outputs}
    if isinstance(network, torch.nn.LSTM):
        results |= {"h_n": final[0], "c_n": final[1]}
    else:
        results |= {"h_n": final}

    factors = {f"loss_{name}": draw(value.shape) for name, value in results.items()}
    loss = sum((value * factors[f"loss_{name}"]).sum() for name, value in results.items())
    loss.backward()
    gradients = {f"grad.{name}": p.grad for name, p in network.named_parameters()}
    tensors = {"frames": frames, "grad.frames": frames.grad, **results, **factors, **gradients}
    return {name: tensor.detach().contiguous() for name, tensor in tensors.items()}


def main():
    FIXTURES.mkdir(exist_ok=True)
    torch.manual_seed(20)
    networks = {
        "lstm": torch.nn.LSTM(3, 4, num_layers=2, bidirectional=True),
        "gru": torch.nn.GRU(3, 4, num_layers=2),
        "rnn_tanh": torch.nn.RNN(3, 4, bidirectional=True),
        "rnn_relu": torch.nn.RNN(3, 4, num_layers=2, nonlinearity="relu", bias=False),
    }
    versions = {
        "torch": torch.__version__,
        "numpy": np.__version__,
        "safetensors": safetensors.__version__,
    }
    for seed, (name, network) in enumerate(networks.items()):
        metadata = {"versions": json.dumps(versions), "lengths": json.dumps(LENGTHS)}
        state = network.state_dict()
        safetensors.torch.save_file(state, FIXTURES / f"{name}.safetensors", {"format": "pt"})
        results = reference(network, seed)
        safetensors.torch.save_file(results, FIXTURES / f"{name}.reference.safetensors", metadata)
        if name == "lstm":  # as a training leaves it: beside others, below a key
            network = torch.nn.ModuleDict({"lstm": network, "head": torch.nn.Linear(8, 2)})
            state = {"state_dict": network.state_dict(), "epoch": 3}
        if name == "gru":  # in 64 bits
            state = network.double().state_dict()
        torch.save(state, FIXTURES / f"{name}.pt")
    # The container of PyTorch 0.1.10 to 1.5.
    state = networks["rnn_tanh"].state_dict()
    torch.save(state, FIXTURES / "rnn_tanh.legacy.pt", _use_new_zipfile_serialization=False)


if __name__ == "__main__":
    main()
