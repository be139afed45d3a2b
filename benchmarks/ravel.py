"""RAVEL's two networks of 256 x 4 inputs, taken many pixels a beat: cycles, and what Yosys counts for UltraScale+.

    python benchmarks/ravel.py [--folder build/ravel] [--no-simulation] [--no-synthesis] [--network ROW ...]

Weights are He-normal of a fixed seed, quantized to 6 bits in the first convolution and 5 in other layers; inputs and
activations have 10 bits. Every design is simulated before it is counted: each beat of each stream, the interval and the
latency by `==`. Each row is stored beside this script and replaces the one that is there.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from fpgaq import pipeline
from fpgaq.base.errors import VerificationError
from fpgaq.hardware.schedule import Target
from fpgaq.hardware.synth.flow import synthesize
from fpgaq.integer.graph import IntegerGraph
from fpgaq.model.graph import Graph, check
from fpgaq.model.graph.operators import Affine, Convolution, MaxPooling, Operator, Relu
from fpgaq.model.passes import standard_passes
from fpgaq.proof.file_bench import run_file_bench
from fpgaq.quantizer import quantize
from fpgaq.quantizer.config import QuantizeOptions
from tests.support.provenance import about, store

IMAGE = (1, 256, 4)
VALUES = 32
PUBLISHED = {
    "one": {"interval": 51, "latency": 56, "lut": 4930, "ff": 3840, "dsp": 79},
    "two": {"interval": 63, "latency": 71, "lut": 27974, "dsp": 64},
}
"""Published figures: what RAVEL 1.7.2 states of its own hardware, made by Vivado. None of them was measured here."""

ROWS = ("one", "one cheap", "two")
RESULTS = Path(__file__).with_suffix(".json")
FRAMES = 3
BOUND = 0.03
"""Of the error that cheaper weights make in a layer's sums, relative to their standard deviation."""

TARGETS = {
    "one": Target(cycles=43, sharing=False, adders=True, pixels=24),
    "two": Target(cycles=63, sharing=False, adders=True, pixels=24),
}


def network(name: str) -> IntegerGraph:
    """One or two convolutions of 5 x 1 with stride 3 x 1, each with ReLU and a pooling of 2 x 1, and a dense layer."""
    chance = np.random.default_rng(0)
    operators: list[Operator] = []
    shapes: dict[str, tuple[int, ...]] = {"x": IMAGE}
    source = "x"
    for index, outputs in enumerate((7,) if name == "one" else (12, 12)):
        channels, height, width = shapes[source]
        weight = chance.normal(0, np.sqrt(2 / (5 * channels)), (outputs, channels, 5, 1))
        conv, relu, pool = f"conv{index}", f"relu{index}", f"pool{index}"
        operators += [
            Convolution(conv, (source,), conv, weight, np.zeros(outputs), (3, 1)),
            Relu(relu, (conv,), relu),
            MaxPooling(pool, (relu,), pool, (2, 1), (2, 1)),
        ]
        rows = (height - 5) // 3 + 1
        shapes |= dict.fromkeys((conv, relu), (outputs, rows, width)) | {pool: (outputs, rows // 2, width)}
        source = pool
    features = int(np.prod(shapes[source]))
    weight = chance.normal(0, np.sqrt(2 / features), (1, features))
    operators.append(Affine("dense", (source,), "y", weight, np.zeros(1)))
    graph = check(Graph(f"ravel_{name}", ("x",), ("y",), tuple(operators), {**shapes, "y": (1,)}))
    options = QuantizeOptions(weight_bits=5, activation_bits=10, input_bits=10, layers={"conv0": {"weight_bits": 6}})
    return quantize(standard_passes(graph), {"x": chance.normal(0, 1, (64, *IMAGE))}, options)


def measure(row: str, folder: Path, simulated: bool, counted: bool) -> dict[str, Any]:
    """The facts of one network, "one" or "two", of "cheap" weights if the row ends so."""
    name, _, cheap = row.partition(" ")
    graph = network(name)
    if cheap:
        frames = np.random.default_rng(1).normal(0, 1, (256, *IMAGE))
        graph = pipeline.cheapen(graph, frames, BOUND, layers=("conv0",))
    folder = folder / row.replace(" ", "_")
    result = pipeline.generate(graph, folder, TARGETS[name])
    facts: dict[str, Any] = {
        "interval": result.schedule.prediction.interval,
        "latency": result.schedule.prediction.latency,
        "limit": result.schedule.limit,
        "pixels": TARGETS[name].pixels,
        "multipliers": result.schedule.multipliers,
    }
    if simulated:
        with tempfile.TemporaryDirectory(prefix="fpgaq-ravel-") as work:
            samples = {port: values[:FRAMES] for port, values in graph.samples.items()}
            run = run_file_bench(result.network, result.schedule, samples, workdir=Path(work))
        if run.mismatch is not None:
            raise VerificationError(f"{row}: {run.mismatch}")
        facts["simulated"] = {"interval": run.interval, "latency": run.latency, "frames": FRAMES}
    if counted:
        facts["counts"] = synthesize(folder, "xcup", seeds=0, layers=False).as_json()
    return facts


def table(results: Mapping[str, Any]) -> list[str]:
    """The rows of the page: RAVEL's published ones, and ours of the rows that are stored."""
    columns = ("network", "by", "values a beat", "interval", "latency", "LUT", "FF", "DSP")
    lines = [f"| {' | '.join(columns)} |", "| --- " * len(columns) + "|"]
    for name, published in results["published"].items():
        shown = [
            f"{published[key]:,}" if key in published else "-" for key in ("interval", "latency", "lut", "ff", "dsp")
        ]
        title = {"one": "one convolution", "two": "two convolutions"}[name]
        lines.append(f"| {title} | RAVEL, as published | {VALUES} | {' | '.join(shown)} |")
        for row, facts in results["rows"].items():
            if row.split()[0] == name:
                counts = facts.get("counts")
                shown = [f"{counts[key]:,}" if counts else "not counted" for key in ("lut", "ff", "dsp")]
                by = "the same, cheap weights" if row.endswith("cheap") else "fpgaq"
                cycles = f"{facts['interval']} | {facts['latency']}"
                lines.append(f"| | {by} | {facts['pixels']} | {cycles} | {' | '.join(shown)} |")
    return lines


def main() -> None:
    """Measure, store and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=Path("build/ravel"))
    parser.add_argument("--no-simulation", action="store_true")
    parser.add_argument("--no-synthesis", action="store_true")
    parser.add_argument("--network", choices=ROWS, action="append")
    given = parser.parse_args()
    rows = json.loads(RESULTS.read_text(encoding="utf-8"))["rows"] if RESULTS.is_file() else {}
    origin = about("python benchmarks/ravel.py", sys.argv[1:], "iverilog", "pyosys")
    for name in given.network or ROWS:
        rows[name] = measure(name, given.folder, not given.no_simulation, not given.no_synthesis)
        rows[name] |= {"commit": origin["commit"]}
        results = {**origin, "published": PUBLISHED, "rows": {key: rows[key] for key in ROWS if key in rows}}
        store(RESULTS, results)
    print("\n".join(table(results)))


if __name__ == "__main__":
    main()
