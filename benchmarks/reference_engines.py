r"""Compares numpy, the compiled network and the folded HLS C++ with each other, and measures how fast each is.

    python benchmarks/reference_engines.py --models FOLDER      # stores beside this script, prints the table of hls.md

All examples, and every model of the folder that can be read and quantized. A network without convolutions is run on
10,000 frames, others on 1,000: real ones as far as there are any, then seeded random integers over the input's whole
range. Every value of every output is compared by equality. Seconds are those of the processor, of one thread: other
work on the machine disturbs them less than a clock's.
"""

from __future__ import annotations

import argparse
import csv
import math
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np

from fpgaq import pipeline
from fpgaq.base.errors import FitError, FpgaqError
from fpgaq.hardware.emit.hls import describe, scheduled, widest
from fpgaq.hardware.schedule import Target, make_schedule
from fpgaq.integer.graph import IntegerArray, IntegerConvolution, IntegerGraph
from fpgaq.integer.inputs import transform_data
from fpgaq.integer.reference import run
from fpgaq.proof.compiled import OPTIMIZE, compile_networks
from tests.support.provenance import SECONDS, about, store

RESULTS = Path(__file__).with_suffix(".json")

ROOT = Path(__file__).parents[1]
FRAMES = {"without convolutions": 10_000, "with convolutions": 1_000}
MULTIPLIERS = 64
REPEATS = 3


@dataclass(frozen=True)
class Measured:
    """One row: seconds of the compiler, frames a second, and whether everything was equal."""

    name: str
    frames: int
    compile_seconds: float
    compiled_rate: float
    numpy_rate: float
    multipliers: int
    folded_compile_seconds: float
    folded_rate: float


def children_seconds() -> float:
    """Processor time of all programs that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def rate(action: Callable[[], object], frames: int) -> float:
    """Frames a second of processor time, the best of some runs."""
    seconds = []
    for _ in range(REPEATS):
        start = time.process_time()
        action()
        seconds.append(time.process_time() - start)
    return frames / min(seconds)


def frames_for(graph: IntegerGraph, real: dict[str, np.ndarray]) -> dict[str, IntegerArray]:
    """Real frames, then random ones."""
    plain = not any(isinstance(op, IntegerConvolution) for op in graph.operators)
    count = FRAMES["without convolutions" if plain else "with convolutions"]
    chance = np.random.default_rng(20261)
    frames = {}
    for name, integers in transform_data(graph, real).items():
        fmt = graph.tensors[name].format
        extra = chance.integers(fmt.minimum, fmt.maximum + 1, size=(max(0, count - len(integers)), *integers.shape[1:]))
        frames[name] = np.concatenate([integers[:count], extra])
    return frames


def equal(found: dict[str, IntegerArray], expected: dict[str, IntegerArray]) -> bool:
    """Every value of every output."""
    return all(
        found[name].shape == array.shape and bool((found[name] == array).all()) for name, array in expected.items()
    )


def measure(name: str, graph: IntegerGraph, real: dict[str, np.ndarray]) -> Measured:
    """Run a network in three ways; AssertionError if any value differs."""
    inputs = frames_for(graph, real)
    frames = len(next(iter(inputs.values())))
    expected = run(graph, inputs)
    numpy_rate = rate(lambda: run(graph, inputs), frames)
    try:
        schedule = make_schedule(graph, Target(multipliers=MULTIPLIERS))
    except FitError:
        schedule = make_schedule(graph, Target(cycles=1 << 24))
    results = []
    for wiring, options in (
        (widest(graph), OPTIMIZE),
        (scheduled(schedule), ("-O2", "-DFPGAQ_CHECKS")),
    ):
        with tempfile.TemporaryDirectory() as folder:
            began = children_seconds()
            network = describe(graph, wiring, "network")
            library = compile_networks([network], [graph], Path(folder), options=options)
            seconds = children_seconds() - began
            assert equal(library.run(inputs), expected), f"{name}: the compiled network differs from the reference"
            results.append((seconds, rate(partial(library.run, inputs), frames)))
    (wide_seconds, wide_rate), (folded_seconds, folded_rate) = results
    return Measured(
        name, frames, wide_seconds, wide_rate, numpy_rate, schedule.multipliers, folded_seconds, folded_rate
    )


def examples() -> Iterator[tuple[str, IntegerGraph, dict[str, np.ndarray]]]:
    """The committed networks with their own data."""
    for folder in sorted(path.parent for path in (ROOT / "examples").glob("*/model.nnp")):
        graph = pipeline.load_model(folder / "model.nnp")
        integer = pipeline.quantize(graph, folder / "calibration.npz")
        data = np.load(folder / "test.npz")["x"]
        yield folder.name, integer, {integer.inputs[0]: data}


def others(folder: Path, without: str | None) -> Iterator[tuple[str, IntegerGraph, dict[str, np.ndarray]]]:
    """Every model of a folder that is read and quantized; the rest is named on stderr with the reason."""
    paths = sorted(path for path in folder.rglob("*") if path.suffix in (".nnp", ".onnx", ".tflite"))
    for path in paths:
        name = path.relative_to(folder).as_posix()
        if without and without in name:
            continue
        try:
            graph = pipeline.load_model(path)
            samples = {key: samples_for(folder, name, tuple(graph.shapes[key])) for key in graph.inputs}
            integer = pipeline.quantize(graph, {key: array[:100] for key, array in samples.items()})
        except FpgaqError as error:
            print(f"{name}: {error}", file=sys.stderr)
            continue
        yield name, integer, samples


def samples_for(folder: Path, name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Digits for what takes digits, the table for what was trained on it, else seeded normal numbers."""
    if "titanic" in name:
        with open(folder / "nnc_titanic" / "validation.csv", newline="", encoding="utf-8") as stream:
            rows = np.array([[float(value) for value in row] for row in list(csv.reader(stream))[1:]])
        return rows[:, 1:]
    if math.prod(shape) == 784:
        digits = np.load(folder / "mnist_t10k_even1000.npz")["x"].reshape(-1, *shape)
        return digits if name in ("lenet_010000.nnp", "mnist-8.onnx") else digits / 255
    return np.random.default_rng(7).normal(size=(100, *shape))


def table(results: Mapping[str, Any]) -> list[str]:
    """The rows of the page."""
    lines = [
        "| network | frames, all equal | numpy, frames/s | compiled, frames/s | ratio | compile, s |"
        f" folded HLS (of {MULTIPLIERS}), frames/s | compile, s |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in (Measured(**row) for row in results["rows"]):
        lines.append(
            f"| {row.name} | {row.frames:,} | {row.numpy_rate:,.0f} | {row.compiled_rate:,.0f} |"
            f" {row.compiled_rate / row.numpy_rate:.2f} | {row.compile_seconds:.1f} |"
            f" {row.folded_rate:,.0f} ({row.multipliers}) | {row.folded_compile_seconds:.1f} |"
        )
    return lines


def main() -> None:
    """Measure, store and print; one-operator fixtures make one line together."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=Path, help="a folder of other models")
    parser.add_argument("--without", metavar="WORD", help="leave out models with this in their name")
    parser.add_argument("--no-examples", action="store_true", help="leave out the examples")
    options = parser.parse_args()
    rows, fixtures = [], []
    sources = [] if options.no_examples else [examples()]
    sources += [others(options.models, options.without)] if options.models else []
    for source in sources:
        for name, graph, real in source:
            row = measure(name, graph, real)
            (fixtures if "fixtures" in name else rows).append(row)
            print(row, file=sys.stderr, flush=True)
    results = {
        **about("python benchmarks/reference_engines.py", sys.argv[1:], "g++"),
        "seconds": SECONDS,
        "rows": [asdict(row) for row in rows],
        "fixtures": {"networks": len(fixtures), "frames": sum(row.frames for row in fixtures)},
    }
    store(RESULTS, results)
    print("\n".join(table(results)))
    if fixtures:
        found = results["fixtures"]
        print(f"\n{found['networks']} networks of one operator: equal on {found['frames']:,} frames, in both forms.")


if __name__ == "__main__":
    main()
