"""Accuracy and logic of trained networks with weights chosen for cheap adders.

    python benchmarks/cheap_weights.py              # the perceptron on digits
    python benchmarks/cheap_weights.py --image      # the first convolution of the CNN for Fashion-MNIST

Look-up tables are those of the carry chains as the search counts them; `benchmarks/unrolled.py trained` synthesizes the
perceptron, and with ``--synth DEVICE`` the CNN is synthesized here, a pixel a cycle. Its accuracy is that of all 10,000
test images (Debian's package `dataset-fashion-mnist`).
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

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

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
BOUNDS = (0.01, 0.02, 0.04, 0.08, 0.12)
MULTIPLIERS = 100_000


def perceptron(bounds: Sequence[float]) -> None:
    """Print a row for each bound on the error."""
    _, _, features, labels = load_features()
    frames = features.astype(np.int64).reshape(-1, 1, 1, 16)
    print(f"{len(labels)} test samples")
    print("| bound | accuracy | signed digits | look-up tables |")
    print("| --- | --- | --- | --- |")
    for bound in (None, *bounds):
        network = trained_network() if bound is None else cheap_network(bound)
        scores = run(network, {network.inputs[0]: frames})[network.outputs[0]].reshape(len(labels), -1)
        accuracy = (scores.argmax(axis=1) == labels).mean()
        digits = sum(count_digits(op.weight) for op in network.operators if isinstance(op, IntegerAffine))
        tables = plan_network(network, Unrolling(stages=9)).tables
        print(f"| {bound or 'rounded'} | {accuracy:.1%} | {digits:,} | {tables:,} |", flush=True)


def image(bounds: Sequence[float], device: str | None) -> None:
    """The same for the layer of a CNN that gets all of its weights in every cycle."""
    sys.path.insert(0, str(EXAMPLES))
    from fashion_data import load_fashion

    images, labels = load_fashion("test")
    folder = EXAMPLES / "fashion_cnn"
    network = fpgaq.quantize(fpgaq.load_model(folder / "model.nnp"), str(folder / "calibration.npz"))
    frames = {network.inputs[0]: images.astype(np.int64).transpose(0, 2, 3, 1)}
    print("| bound | accuracy | signed digits | look-up tables | LUT of the layer | FF | LUT of all |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for bound in (None, *bounds):
        cheap = network
        if bound is not None:
            cheap = pipeline.cheapen(network, str(folder / "calibration.npz"), bound)
        first = cheap.operators[0]
        assert isinstance(first, IntegerConvolution)
        scores = run(cheap, frames)[cheap.outputs[0]].reshape(len(labels), -1)
        accuracy = (scores.argmax(axis=1) == labels).mean()
        cells = [f"{bound or 'as quantized'}", f"{accuracy:.2%}", f"{count_digits(first.weight):,}"]
        print("|", " | ".join([*cells, f"{_tables(first, cheap):,}", *_synthesized(cheap, device)]), "|", flush=True)


def _tables(op: IntegerConvolution, network: IntegerGraph) -> int:
    fmt = network.tensors[op.input].format
    matrix = op.weight.reshape(len(op.weight), -1)
    inputs = (Interval(fmt.minimum, fmt.maximum),) * matrix.shape[1]
    return compress(find_sums(matrix, np.zeros(len(matrix), dtype=np.int64), inputs)).tables


def _synthesized(network: IntegerGraph, device: str | None) -> list[str]:
    """LUTs and flip-flops of the first layer, and LUTs of the network."""
    if device is None:
        return ["", "", ""]
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent) / "design"
        pipeline.generate(network, folder, Target(multipliers=MULTIPLIERS, sharing=False, adders=True))
        result = synthesize(folder, device, seeds=0)
    _, first = result.layers[0]
    return [f"{first.lut:,}", f"{first.ff:,}", f"{result.counts.lut:,}"]


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--image", action="store_true")
    parser.add_argument("--synth", metavar="DEVICE")
    parser.add_argument("--bounds", nargs="+", type=float, default=BOUNDS, metavar="BOUND")
    arguments = parser.parse_args()
    if arguments.image:
        image(arguments.bounds, arguments.synth)
    else:
        perceptron(arguments.bounds)


if __name__ == "__main__":
    main()
