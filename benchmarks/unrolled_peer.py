"""Runs inside a peer's own environment: Verilog of a chain of affine layers by da4ml or alkaid.

    python unrolled_peer.py da4ml layers.npz FOLDER CUTOFF [binary]

`layers.npz` holds, for layer i, `weight_i` (outputs, inputs), `bias_i` and, but for the last, `shift_i`: an unsigned
8-bit result of half_up rounding, saturated, after a ReLU. `inputs` and `expected` are checked by ``==`` against the
peer's own emulation. CUTOFF is its `latency_cutoff`, -1 for no registers. With `binary`, alkaid makes no
adders of three operands. Prints a JSON line.
"""

import importlib
import json
import sys
import time

import numpy as np


def main():
    """Read the arguments, write the peer's Verilog, print what it took."""
    peer, source, folder, cutoff = sys.argv[1], sys.argv[2], sys.argv[3], float(sys.argv[4])
    options = {"ternary_fuse": False} if sys.argv[5:] == ["binary"] else {}
    data = np.load(source)
    trace = importlib.import_module(f"{peer}.trace")
    codegen = importlib.import_module(f"{peer}.codegen")
    make_input = trace.FixedVariableArrayInput if peer == "da4ml" else trace.FVArrayInput
    make_trace = trace.comb_trace if peer == "da4ml" else trace.trace
    start = time.perf_counter()
    layers = sum(name.startswith("weight_") for name in data.files)
    features = data["weight_0"].shape[1]
    nothing, bits = np.zeros(features, int), np.full(features, 8)
    x = make_input((features,), trace.HWConfig(1, -1, -1)).quantize(nothing, bits, nothing)
    y = x
    for index in range(layers):
        y = y @ data[f"weight_{index}"].T.astype(np.float32)
        if data[f"bias_{index}"].any():
            y = y + data[f"bias_{index}"].astype(np.float32)
        if f"shift_{index}" in data.files:
            outputs = data[f"weight_{index}"].shape[0]
            y = y * 2.0 ** -int(data[f"shift_{index}"])
            zero, eight = np.zeros(outputs, int), np.full(outputs, 8)
            y = y.quantize(zero, eight, zero, "SAT", "RND")
    program = make_trace(x, y)
    names = ("peer", folder) if peer == "da4ml" else (folder, "peer")
    model = codegen.RTLModel(program, *names, latency_cutoff=cutoff, **options)
    model.write()
    seconds = time.perf_counter() - start
    frames = data["inputs"].astype(np.float64)
    program.predict(frames[:1])
    begin = time.perf_counter()
    found = program.predict(frames)
    emulated = time.perf_counter() - begin
    print(
        json.dumps(
            {
                "generate_seconds": seconds,
                "emulate_seconds": emulated,
                "cost": float(program.cost),
                "exact": bool((found.reshape(len(frames), -1) == data["expected"]).all()),
            }
        )
    )


if __name__ == "__main__":
    main()
