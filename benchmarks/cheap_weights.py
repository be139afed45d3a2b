"""Accuracy and logic of trained networks with weights chosen for cheap adders.

    python benchmarks/cheap_weights.py --synth xc7  # the perceptron on digits
    python benchmarks/cheap_weights.py --image      # the first convolution of the CNN for Fashion-MNIST

Look-up tables are those of the carry chains as the search counts them. With ``--synth DEVICE`` Yosys counts the
perceptron's hardware too, ports and FIFO included, or that of the CNN, a pixel a cycle. Its accuracy is that of all
10,000 test images (Debian's package `dataset-fashion-mnist`). Both are stored beside this script, and the tables of
docs/unrolled.md are printed.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from unrolled_networks import cheap_network, trained_network
from unrolled_trained import load_features

import fpgaq
from fpgaq import pipeline
from fpgaq.hardware.schedule import Target
from fpgaq.hardware.synth import synthesize
from fpgaq.hardware.unrolled import Unrolling, plan_network
from fpgaq.hardware.unrolled.adders.compress import compress
from fpgaq.hardware.unrolled.adders.graph import Interval
from fpgaq.hardware.unrolled.adders.search import find_sums
from fpgaq.hardware.unrolled.cheapen import count_digits
from fpgaq.integer.graph import IntegerAffine, IntegerConvolution, IntegerGraph
from fpgaq.integer.reference import run
from tests.support.provenance import about, store

RESULTS = Path(__file__).with_suffix(".json")
EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
BOUNDS = (0.01, 0.02, 0.04, 0.08, 0.12)
COUNTED = (None, 0.04)
"""Bounds whose perceptron Yosys counts: minutes each."""
UNROLLING = Unrolling(stages=9)
MULTIPLIERS = 100_000


def perceptron(bounds: Sequence[float], device: str | None) -> Iterator[dict[str, Any]]:
    """A row for each bound on the error."""
    _, _, features, labels = load_features()
    frames = features.astype(np.int64).reshape(-1, 1, 1, 16)
    for bound in (None, *bounds):
        network = trained_network() if bound is None else cheap_network(bound)
        scores = run(network, {network.inputs[0]: frames})[network.outputs[0]].reshape(len(labels), -1)
        row = {
            "bound": bound,
            "samples": len(labels),
            "accuracy": float((scores.argmax(axis=1) == labels).mean()),
            "digits": sum(count_digits(op.weight) for op in network.operators if isinstance(op, IntegerAffine)),
            "tables": plan_network(network, UNROLLING).tables,
        }
        if device is not None and bound in COUNTED:
            with tempfile.TemporaryDirectory() as parent:
                pipeline.unroll(network, Path(parent) / "design", UNROLLING)
                counts = synthesize(Path(parent) / "design", device, seeds=0, layers=False, timeout=3600).counts
            row |= {"lut": counts.lut, "ff": counts.ff}
        yield row


def image(bounds: Sequence[float], device: str | None, data: Path | None) -> Iterator[dict[str, Any]]:
    """The same for the layer of a CNN that gets all of its weights in every cycle."""
    sys.path.insert(0, str(EXAMPLES))
    from fashion_data import DEFAULT_FOLDER, load_fashion

    images, labels = load_fashion("test", data or DEFAULT_FOLDER)
    folder = EXAMPLES / "fashion_cnn"
    network = fpgaq.quantize(fpgaq.load_model(folder / "model.nnp"), str(folder / "calibration.npz"))
    frames = {network.inputs[0]: images.astype(np.int64).transpose(0, 2, 3, 1)}
    for bound in (None, *bounds):
        cheap = network
        if bound is not None:
            cheap = pipeline.cheapen(network, str(folder / "calibration.npz"), bound)
        first = cheap.operators[0]
        assert isinstance(first, IntegerConvolution)
        scores = run(cheap, frames)[cheap.outputs[0]].reshape(len(labels), -1)
        accuracy = float((scores.argmax(axis=1) == labels).mean())
        row = {"bound": bound, "samples": len(labels), "accuracy": accuracy, "digits": count_digits(first.weight)}
        yield {**row, "tables": _tables(first, cheap), **_synthesized(cheap, device)}


def _tables(op: IntegerConvolution, network: IntegerGraph) -> int:
    fmt = network.tensors[op.input].format
    matrix = op.weight.reshape(len(op.weight), -1)
    inputs = (Interval(fmt.minimum, fmt.maximum),) * matrix.shape[1]
    return compress(find_sums(matrix, np.zeros(len(matrix), dtype=np.int64), inputs)).tables


def _synthesized(network: IntegerGraph, device: str | None) -> dict[str, int]:
    """LUTs and flip-flops of the first layer, and LUTs of the network."""
    if device is None:
        return {}
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent) / "design"
        pipeline.generate(network, folder, Target(multipliers=MULTIPLIERS, sharing=False, adders=True))
        result = synthesize(folder, device, seeds=0)
    _, first = result.layers[0]
    return {"lut": first.lut, "ff": first.ff, "lut_of_all": result.counts.lut}


def perceptron_table(results: Mapping[str, Any]) -> list[str]:
    """The rows of the page."""
    rows = results["perceptron"]["rows"]
    synthesized = any("lut" in row for row in rows)
    columns = ["bound", "accuracy", "signed digits", "look-up tables", *(["LUT", "FF"] if synthesized else [])]
    lines = [f"| {' | '.join(columns)} |", "| --- " * len(columns) + "|"]
    for row in rows:
        counts = f" {row['lut']:,} | {row['ff']:,} |" if "lut" in row else " | |" * synthesized
        bound = row["bound"] or "rounded to 8 bits"
        lines.append(f"| {bound} | {100 * row['accuracy']:.1f} % | {row['digits']:,} | {row['tables']:,} |{counts}")
    return lines


def image_table(results: Mapping[str, Any]) -> list[str]:
    """The same of the convolution."""
    lines = ["| bound | accuracy | signed digits | look-up tables |", "| --- | --- | --- | --- |"]
    for row in results["image"]["rows"]:
        bound = row["bound"] or "as quantized"
        lines.append(f"| {bound} | {100 * row['accuracy']:.2f} % | {row['digits']:,} | {row['tables']:,} |")
    return lines


def main() -> None:
    """Measure, store and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--image", action="store_true")
    parser.add_argument("--synth", metavar="DEVICE")
    parser.add_argument("--bounds", nargs="+", type=float, default=BOUNDS, metavar="BOUND")
    parser.add_argument("--data-folder", type=Path, help="of Fashion-MNIST; default: where Debian's package puts it")
    options = parser.parse_args()
    kind = "image" if options.image else "perceptron"
    shown = ["--image"] * options.image + (["--synth", options.synth] if options.synth else [])
    origin = about("python benchmarks/cheap_weights.py", shown, "pyosys")
    found = (
        image(options.bounds, options.synth, options.data_folder)
        if options.image
        else perceptron(options.bounds, options.synth)
    )
    rows = []
    for row in found:
        print(row, file=sys.stderr, flush=True)
        rows.append(row)
    results = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.is_file() else {}
    results[kind] = {**origin, "rows": rows}
    store(RESULTS, results)
    print("\n".join((image_table if options.image else perceptron_table)(results)))


if __name__ == "__main__":
    main()
