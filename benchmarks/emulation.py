"""Seconds of exact emulation for 1,000 frames: J and a convolution 28x28x1, 3x3x8, by numpy and compiled from C++.

Times are of the processor, so that they mean the same on a busy machine. They are stored beside this script, and the
table of docs/unrolled.md is printed.

    OMP_NUM_THREADS=1 python benchmarks/emulation.py [--repeats 20]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from unrolled_networks import J_SIZES, he_normal, perceptron, quantized

import fpgaq
from fpgaq.integer import reference
from fpgaq.integer.graph import IntegerGraph
from fpgaq.model.graph import Convolution, Graph, Relu, check
from fpgaq.model.passes import standard_passes
from fpgaq.proof.compiled import compile_graph
from fpgaq.quantizer.config import QuantizeOptions
from fpgaq.study.report.timing import engine, threads
from tests.support.provenance import SECONDS, about, store

RESULTS = Path(__file__).with_suffix(".json")
FRAMES = 1000
NETWORKS: dict[str, Callable[[], IntegerGraph]] = {
    "J": lambda: quantized(perceptron(he_normal(J_SIZES))),
    "convolution 28x28x1, 3x3x8": lambda: convolution(),
}


def convolution() -> IntegerGraph:
    """28x28x1, convolution 3x3x8 with its edge padded, ReLU."""
    weight = np.random.default_rng(0).normal(0.0, np.sqrt(2.0 / 9), (8, 1, 3, 3)).astype(np.float32)
    operators = (
        Convolution("conv", ("x",), "c", weight, np.zeros(8, np.float32), padding=(1, 1, 1, 1)),
        Relu("relu", ("c",), "y"),
    )
    shapes = {"x": (1, 28, 28), "c": (8, 28, 28), "y": (8, 28, 28)}
    graph = standard_passes(check(Graph("convolution", ("x",), ("y",), operators, shapes)))
    samples = np.random.default_rng(1).integers(0, 256, (64, 1, 28, 28)).astype(np.uint8)
    return fpgaq.quantize(graph, samples, QuantizeOptions(output_bits=8))


def best_seconds(action: Callable[[], object], repeats: int) -> float:
    """The least processor time of some runs."""
    times = []
    for _ in range(repeats):
        start = time.process_time()
        action()
        times.append(time.process_time() - start)
    return min(times)


def measure(network: IntegerGraph, repeats: int) -> dict[str, float]:
    """Seconds of each way; AssertionError if any value differs."""
    tensor = network.tensors[network.inputs[0]]
    inputs = {network.inputs[0]: np.random.default_rng(2).integers(0, 256, (FRAMES, *tensor.shape))}
    start = time.perf_counter()
    library = compile_graph(network)
    compiling = time.perf_counter() - start
    expected, found = reference.run(network, inputs), library.run(inputs)
    assert all((expected[output] == found[output]).all() for output in expected)
    formats = {output: network.tensors[output].format for output in network.outputs}
    out = {
        output: np.zeros(expected[output].shape, np.uint8 if fmt.width <= 8 and not fmt.signed else np.int32)
        for output, fmt in formats.items()
    }
    seconds = {
        "numpy": best_seconds(partial(reference.run, network, inputs), repeats),
        "into": best_seconds(partial(reference.run, network, inputs, out=out), repeats),
        "compiled": best_seconds(partial(library.run, inputs), repeats),
        "compiling": compiling,
    }
    assert all((expected[output] == out[output]).all() for output in expected)
    return seconds


def table(results: Mapping[str, Any]) -> list[str]:
    """The rows of the page."""
    lines = ["| network | numpy | numpy, into existing arrays | compiled from C++ |", "| --- | --- | --- | --- |"]
    for name, found in results["rows"].items():
        lines.append(f"| {name} | {found['numpy']:.4f} | {found['into']:.4f} | {found['compiled']:.4f} |")
    return lines


def main() -> None:
    """Measure, store and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=20)
    repeats = parser.parse_args().repeats
    rows = {name: measure(make(), repeats) for name, make in NETWORKS.items()}
    facts = {"engine": engine(), "threads": threads(), "frames": FRAMES, "best of": repeats, "seconds": SECONDS}
    origin = about("python benchmarks/emulation.py", ["--repeats", str(repeats)], "g++")
    store(RESULTS, {**origin, **facts, "rows": rows})
    print("\n".join(table({"rows": rows})))


if __name__ == "__main__":
    main()
