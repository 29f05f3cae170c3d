#!/usr/bin/env python3
"""Recurrent layers against PyTorch and ONNX Runtime, on the same shapes in the same run.

    python3 -m venv venv
    venv/bin/pip install -r scripts/bench_recurrent.txt
    venv/bin/python scripts/bench_recurrent.py [--rounds 7] [--program target/debug/affekt]

40 inputs, 32 sequences of 300 frames, single precision. Each round runs
everything once: `affekt bench` in a process of its own, PyTorch and ONNX Runtime
in another, the same number of threads each, one after the other, so that what
else the machine does falls on all of them. Two ratios of times are given, ours
over theirs: of the medians over all runs of all rounds, and of the shortest runs.

A training step is forward, the mean of the squared outputs as the loss, and
its gradients of all weights; no optimiser, no gradient of the inputs. PyTorch's
layout is batch first, as ours. Unlike lengths go through pack_padded_sequence
and pad_packed_sequence. Inference and streaming run under no_grad. Memory is
by how much a process grows at most in three training steps.
"""

import argparse
import json
import pathlib
import resource
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
INPUT, BATCH, FRAMES = 40, 32, 300

# What it is, work, hidden, threads, layers and directions (False: one layer; True: two
# in both directions; 2: two forward, the pretrained encoder's), the ratio asked for.
ROWS = [
    ("training step", "train", 128, 2, False, 0.50),
    ("training step", "train", 128, 1, False, 0.65),
    ("training step", "train", 64, 2, False, 0.36),
    ("training step, 2 layers in both directions, 100 to 300 frames", "train", 96, 2, True, 0.10),
    ("batch inference", "infer", 128, 2, False, 0.90),
    ("batch inference", "infer", 128, 1, False, 0.90),
    ("one sequence", "one", 128, 2, False, 0.80),
    ("one sequence", "one", 128, 1, False, 0.80),
    ("one streaming frame", "stream", 128, 1, False, 0.10),
    ("the encoder, one clip of 3 s", "one", 256, 1, 2, 1.00),
    ("the encoder, 32 clips of 3 s", "infer", 256, 1, 2, 1.00),
]


def ours(program, row, runs, memory=False):
    _, work, hidden, threads, deep, _ = row
    command = [
        program, "bench", "--format", "json", "--hidden", hidden, "--input", INPUT, "--frames", FRAMES,
        "--threads", threads, "--runs", runs,
    ]  # fmt: skip
    if deep == 2:
        # As the program runs its encoder: packed once.
        batch = 1 if work == "one" else BATCH
        command += ["--layers", 2, "--work", "frozen", "--batch", batch]
    else:
        command += ["--work", work, "--batch", BATCH]
    if deep is True:
        command += ["--layers", 2, "--bidirectional", "--lengths", "100-300"]
    if memory:
        command.append("--memory")
    out = subprocess.run(list(map(str, command)), check=True, stdout=subprocess.PIPE).stdout
    return json.loads(out)[0]


def theirs(row, runs, lengths, memory=False):
    """The same in a process of its own, this file with --peer."""
    task = json.dumps({"row": row, "runs": runs, "lengths": lengths, "memory": memory})
    command = [sys.executable, __file__, "--peer", task]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def timed(call, runs, inner=1, patience=5.0):
    """Milliseconds of each run; `inner` calls make a run."""
    begin = time.perf_counter()
    for _ in range(3):
        call()
        if time.perf_counter() - begin > patience / 4:
            break
    times = []
    begin = time.perf_counter()
    while len(times) < runs and (len(times) < 3 or time.perf_counter() - begin < patience):
        start = time.perf_counter()
        for _ in range(inner):
            call()
        times.append(1000 * (time.perf_counter() - start) / inner)
    return times


def onnx_session(lstm, batch, frames, threads):
    """Each layer as the operator LSTM; ONNX orders gates i, o, f, c and time first."""
    import numpy as np
    import onnx
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    hidden = lstm.hidden_size

    def iofc(values):
        i, f, g, o = np.split(values.detach().numpy(), 4)
        return np.concatenate([i, o, f, g])

    weights, nodes = [numpy_helper.from_array(np.array([1]), "direction")], []
    for layer in range(lstm.num_layers):
        part = lambda name: getattr(lstm, f"{name}_l{layer}")
        bias = np.concatenate([iofc(part("bias_ih")), iofc(part("bias_hh"))])
        weights += [
            numpy_helper.from_array(iofc(part("weight_ih"))[None], f"W{layer}"),
            numpy_helper.from_array(iofc(part("weight_hh"))[None], f"R{layer}"),
            numpy_helper.from_array(bias[None], f"B{layer}"),
        ]
        last = layer + 1 == lstm.num_layers
        outputs = ["y", "hn", "cn"] if last else [f"y{layer}"]
        names = ["x" if layer == 0 else "flat", *(f"{n}{layer}" for n in "WRB"), "", "h", "c"]
        nodes.append(helper.make_node("LSTM", names, outputs, hidden_size=hidden))
        if not last:
            nodes.append(helper.make_node("Squeeze", [f"y{layer}", "direction"], ["flat"]))
    states = [batch, hidden]
    graph = helper.make_graph(
        nodes,
        "lstm",
        [
            helper.make_tensor_value_info("x", TensorProto.FLOAT, [frames, batch, INPUT]),
            helper.make_tensor_value_info("h", TensorProto.FLOAT, [1, *states]),
            helper.make_tensor_value_info("c", TensorProto.FLOAT, [1, *states]),
        ],
        [
            helper.make_tensor_value_info("y", TensorProto.FLOAT, [frames, 1, *states]),
            helper.make_tensor_value_info("hn", TensorProto.FLOAT, [1, *states]),
            helper.make_tensor_value_info("cn", TensorProto.FLOAT, [1, *states]),
        ],
        initializer=weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def grown_at_most():
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def peer(task):
    import numpy as np
    import torch

    _, work, hidden, threads, deep, _ = task["row"]
    runs, lengths = task["runs"], task["lengths"]
    torch.set_num_threads(threads)
    torch.set_num_interop_threads(1)
    torch.manual_seed(1)
    batch = BATCH if work in ("train", "infer") else 1
    frames = 1 if work == "stream" else max(lengths or [FRAMES])
    lstm = torch.nn.LSTM(
        INPUT, hidden, num_layers=2 if deep else 1, bidirectional=deep is True, batch_first=True
    )

    def step(x, lengths):
        lstm.zero_grad(set_to_none=True)
        if lengths:
            packed = torch.nn.utils.rnn.pack_padded_sequence(
                x, lengths, batch_first=True, enforce_sorted=False
            )
            y, _ = torch.nn.utils.rnn.pad_packed_sequence(lstm(packed)[0], batch_first=True)
        else:
            y = lstm(x)[0]
        (y * y).mean().backward()

    if task["memory"]:
        step(torch.rand(BATCH, 2, INPUT), [2] * BATCH if lengths else None)
        before = grown_at_most()
        x = torch.rand(batch, frames, INPUT)
        for _ in range(3):
            step(x, lengths)
        return {"peak_bytes": grown_at_most() - before}

    x = 2 * torch.rand(batch, frames, INPUT) - 1
    if work == "train":
        return {"PyTorch": timed(lambda: step(x, lengths), runs)}
    with torch.no_grad():
        if work == "infer" or work == "one":
            session = onnx_session(lstm, batch, frames, threads)
            zeros = np.zeros((1, batch, hidden), np.float32)
            feed = {"x": x.transpose(0, 1).contiguous().numpy(), "h": zeros, "c": zeros}
            y, _ = lstm(x)
            other = torch.from_numpy(session.run(["y"], feed)[0][:, 0]).transpose(0, 1)
            assert (y - other).abs().max() < 1e-4, "ONNX Runtime computes something else"
            return {
                "PyTorch": timed(lambda: lstm(x), runs),
                "ONNX Runtime": timed(lambda: session.run(["y"], feed), runs),
            }
        state = [(torch.zeros(1, 1, hidden), torch.zeros(1, 1, hidden))]

        def frame():
            state[0] = lstm(x, state[0])[1]

        cell = torch.nn.LSTMCell(INPUT, hidden)
        row = x[0]
        cell_state = [(torch.zeros(1, hidden), torch.zeros(1, hidden))]

        def cell_frame():
            cell_state[0] = cell(row, cell_state[0])

        session = onnx_session(lstm, 1, 1, threads)
        zeros = np.zeros((1, 1, hidden), np.float32)
        feed = {"x": x.numpy(), "h": zeros, "c": zeros}

        def onnx_frame():
            _, feed["h"], feed["c"] = session.run(["y", "hn", "cn"], feed)

        # An independent measure of the bare products: BLAS, as NumPy calls it.
        matrix = np.random.rand(4 * hidden, INPUT + hidden).astype(np.float32)
        vector = np.random.rand(INPUT + hidden).astype(np.float32)
        result = np.empty(4 * hidden, np.float32)
        return {
            "PyTorch": timed(frame, runs, FRAMES),
            "PyTorch LSTMCell": timed(cell_frame, runs, FRAMES),
            "ONNX Runtime": timed(onnx_frame, runs, FRAMES),
            "NumPy's product": timed(lambda: np.dot(matrix, vector, out=result), runs, FRAMES),
        }


def build():
    subprocess.run(["cargo", "build", "-p", "runner"], cwd=ROOT, check=True)
    return ROOT / "target/debug/affekt"


def number(milliseconds):
    return f"{1000 * milliseconds:.2f} µs" if milliseconds < 0.1 else f"{milliseconds:.2f} ms"


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--runs", type=int, default=10, help="of each work in a round")
    parser.add_argument("--program", help="the program, built before")
    parser.add_argument("--peer", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.peer:
        print(json.dumps(peer(json.loads(arguments.peer))))
        return
    program = arguments.program or build()

    mine = [[] for _ in ROWS]
    other = [{} for _ in ROWS]
    for _ in range(arguments.rounds):
        for index, row in enumerate(ROWS):
            report = ours(program, row, arguments.runs)
            mine[index].append(report)
            times = theirs(row, arguments.runs, report.get("lengths"))
            for name, values in times.items():
                other[index].setdefault(name, []).append(values)

    print(f"{mine[0][0]['instructions']}, {arguments.rounds} rounds of {arguments.runs} runs\n")
    print("| work | hidden | threads | ours | GFLOP/s | peer | theirs | ratio of medians | of the shortest | asked for |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for row, reports, peers in zip(ROWS, mine, other):
        what, _, hidden, threads, _, asked = row
        # A round's median, so that ours and theirs count alike.
        median = statistics.median(report["median_ms"] for report in reports)
        least = min(report["min_ms"] for report in reports)
        speed = statistics.median(report["gflops"] for report in reports)
        for name, rounds in peers.items():
            their_median = statistics.median(map(statistics.median, rounds))
            their_least = min(map(min, rounds))
            # The encoder is to be as fast as ONNX Runtime, the others faster than PyTorch.
            judge = "ONNX" if row[4] == 2 else "PyTorch"
            asked_for = f"{asked:.2f}" if name.startswith(judge) else ""
            print(
                f"| {what} | {hidden} | {threads} | {number(median)} | {speed:.0f} "
                f"| {name} | {number(their_median)} | {median / their_median:.2f} "
                f"| {least / their_least:.2f} | {asked_for} |"
            )
        if "products_median_ms" in reports[0]:
            bare = statistics.median(report["products_median_ms"] for report in reports)
            bare_least = min(report["products_min_ms"] for report in reports)
            print(
                f"| {what} | {hidden} | {threads} | {number(median)} | {speed:.0f} "
                f"| its bare products | {number(bare)} | {median / bare:.2f} "
                f"| {least / bare_least:.2f} | 2.00 |"
            )

    print("\n| memory of training | hidden | threads | activations | ours | times activations | PyTorch | times activations |")
    print("|---|---|---|---|---|---|---|---|")
    for row in ROWS:
        if row[1] != "train":
            continue
        report = ours(program, row, 1, memory=True)
        peak, least = report["peak_bytes"], report["activation_bytes"]
        their_peak = theirs(row, 1, report.get("lengths"), memory=True)["peak_bytes"]
        print(
            f"| {row[0]} | {row[2]} | {row[3]} | {least / 1e6:.1f} MB | {peak / 1e6:.1f} MB "
            f"| {peak / least:.2f} | {their_peak / 1e6:.1f} MB | {their_peak / least:.2f} |"
        )


if __name__ == "__main__":
    main()
