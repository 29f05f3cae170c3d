#!/usr/bin/env python3
"""One step of PyTorch's LSTM and GRU cells, for the example `gates`.

    python3 -m venv venv
    venv/bin/pip install torch
    venv/bin/python scripts/gates_fixture.py

Writes crates/model/tests/fixtures/gates.json: for three seeds the weights that
PyTorch drew, and the state after a step from the tutorial's numbers.
"""

import json
from pathlib import Path

import torch

FILE = Path(__file__).parents[1] / "crates/model/tests/fixtures/gates.json"
C = torch.tensor([[0.5, 0.6, 0.4]])
H = torch.tensor([[0.3, 0.8, 0.69]])
X = torch.tensor([[0.2, 1.3, 0.7]])


def flat(tensor):
    return tensor.detach().flatten().tolist()


def case(cell, seed):
    torch.manual_seed(seed)
    cell = cell(3, 3)
    if isinstance(cell, torch.nn.LSTMCell):
        h, c = cell(X, (H, C))
        after = {"h": flat(h), "c": flat(c)}
    else:
        after = {"h": flat(cell(X, H))}
    return {name: flat(value) for name, value in cell.named_parameters()} | after


def main():
    cases = {
        name: [case(cell, seed) for seed in (1, 2, 3)]
        for name, cell in [("lstm", torch.nn.LSTMCell), ("gru", torch.nn.GRUCell)]
    }
    FILE.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"made_by": f"torch {torch.__version__}"} | cases, indent=1)
    FILE.write_text(text + "\n")


if __name__ == "__main__":
    main()
