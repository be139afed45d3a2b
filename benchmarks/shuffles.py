"""Shuffles of channels in hardware: the interval where they are wires, and where each is a transposition of a frame.

    python -m benchmarks.shuffles [-o benchmarks/shuffles.json]

The networks have random weights: two grouped convolutions of one tap with a shuffle between them, ShuffleNet's unit
(grouped convolution, shuffle, depthwise convolution, grouped convolution, sum with the input), and two units of
ShuffleNetV2 (halves, three convolutions on one of them, concatenation, shuffle). docs/architecture.md shows the table.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from fpgaq.hardware.lowering import lower
from fpgaq.hardware.schedule import Target, make_schedule, plan_hardware
from fpgaq.integer.graph import IntegerGraph
from fpgaq.model.importers.onnx.graph import load_onnx
from fpgaq.model.passes import standard_passes
from fpgaq.quantizer import quantize
from fpgaq.quantizer.config import QuantizeOptions
from tests.support.onnx_models import model, node
from tests.support.provenance import about, store
from tests.support.shuffles import between_groups

MULTIPLIERS = (16, 64, 256)


def networks() -> Iterator[tuple[str, IntegerGraph]]:
    """Quantized networks by name."""
    yield "two convolutions in 2 groups, 8 channels, 8x8", between_groups(8, 2, (8, 8))
    yield "ShuffleNet's unit, 4 groups, 48 channels, 8x8", _quantized(_first_unit(48, 4, (8, 8)))
    yield "two units of ShuffleNetV2, 48 channels, 8x8", _quantized(_second_units(48, (8, 8)))


def _quantized(proto: onnx.ModelProto) -> IntegerGraph:
    graph = standard_passes(load_onnx(proto.SerializeToString()))
    samples = {name: np.random.default_rng(1).normal(size=(4, *graph.shapes[name])) for name in graph.inputs}
    return quantize(graph, samples, QuantizeOptions(method="max"))


def _weights(chance: np.random.Generator, **shapes: tuple[int, ...]) -> dict[str, Any]:
    return {name: chance.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}


def _shuffle(source: str, target: str, groups: int, channels: int, size: tuple[int, int]) -> tuple[list[Any], Any]:
    nodes = [
        node("Reshape", f"{source} {target}.s", f"{target}.p"),
        node("Transpose", f"{target}.p", f"{target}.q", perm=[0, 2, 1, 3, 4]),
        node("Reshape", f"{target}.q {target}.t", target),
    ]
    apart, together = [-1, groups, channels // groups, *size], [-1, channels, *size]
    return nodes, {f"{target}.s": np.array(apart), f"{target}.t": np.array(together)}


def _first_unit(channels: int, groups: int, size: tuple[int, int]) -> onnx.ModelProto:
    nodes, constants = _shuffle("b", "c", groups, channels, size)
    nodes = [
        node("Conv", "x w", "a", group=groups), node("Relu", "a", "b"), *nodes,
        node("Conv", "c d", "e", group=channels, pads=[1, 1, 1, 1]), node("Conv", "e v", "f", group=groups),
        node("Add", "f x", "g"), node("Relu", "g", "y"),
    ]  # fmt: skip
    ones, three = (channels, channels // groups, 1, 1), (channels, 1, 3, 3)
    constants |= _weights(np.random.default_rng(3), w=ones, d=three, v=ones)
    return model(nodes, {"x": (1, channels, *size)}, constants=constants)


def _second_units(channels: int, size: tuple[int, int]) -> onnx.ModelProto:
    half, chance = channels // 2, np.random.default_rng(4)
    nodes, constants = [], {"h": np.array([half, half])}
    for source, unit in (("x", "u"), ("u", "y")):
        moves, shapes = _shuffle(f"{unit}.g", unit, 2, channels, size)
        nodes += [
            node("Split", f"{source} h", f"{unit}.l {unit}.r", axis=1),
            node("Conv", f"{unit}.r {unit}.w", f"{unit}.a"), node("Relu", f"{unit}.a", f"{unit}.b"),
            node("Conv", f"{unit}.b {unit}.d", f"{unit}.c", group=half, pads=[1, 1, 1, 1]),
            node("Conv", f"{unit}.c {unit}.v", f"{unit}.e"), node("Relu", f"{unit}.e", f"{unit}.f"),
            node("Concat", f"{unit}.l {unit}.f", f"{unit}.g", axis=1), *moves,
        ]  # fmt: skip
        ones = (half, half, 1, 1)
        constants |= shapes
        constants |= _weights(chance, **{f"{unit}.w": ones, f"{unit}.d": (half, 1, 3, 3), f"{unit}.v": ones})
    # The last shuffle is followed by a layer, as in the network.
    nodes.append(node("Conv", "y last", "z"))
    constants |= _weights(chance, last=(16, channels, 1, 1))
    return model(nodes, {"x": (1, channels, *size)}, constants=constants)


def measured() -> Iterator[dict[str, Any]]:
    """The predicted intervals of each network at each budget."""
    for name, graph in networks():
        for multipliers in MULTIPLIERS:
            target = Target(multipliers=multipliers)
            _, wires = plan_hardware(graph, target)
            frames = make_schedule(lower(graph, wires=0), target)
            yield {
                "network": name, "multipliers": multipliers, "interval": wires.prediction.interval,
                "efficiency": round(wires.efficiency, 3), "limit": wires.limit,
                "by_frames": frames.prediction.interval,
            }  # fmt: skip


def table(stored: dict[str, Any]) -> list[str]:
    """The table of docs/architecture.md."""
    rows = [
        f"| {one['network']} | {one['multipliers']} | {one['by_frames']:,} | {one['interval']:,} |"
        f" {one['efficiency']:.3f} |"
        for one in stored["results"]
    ]
    head = "| network | multipliers | interval, a transposition of frames | interval, wires | efficiency |"
    return [head, "| --- " * 5 + "|", *rows]


def main() -> None:
    """Print a line for each network and budget."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=Path)
    options = parser.parse_args()
    results = []
    for found in measured():
        print(json.dumps(found), flush=True)
        results.append(found)
    if options.output:
        store(options.output, {**about("python -m benchmarks.shuffles", []), "results": results})


if __name__ == "__main__":
    main()
