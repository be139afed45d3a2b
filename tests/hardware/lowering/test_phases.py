"""Lowered networks compute what the networks themselves compute, with fewer products."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fpgaq import pipeline
from fpgaq.base.errors import VerificationError
from fpgaq.hardware.lowering import lower
from fpgaq.hardware.schedule import Target
from fpgaq.integer.graph import IntegerConvolution, IntegerGraph, IntegerUpsample
from fpgaq.integer.reference import run
from fpgaq.model.graph import Deconvolution, Graph
from fpgaq.proof.vectors import golden_vectors
from fpgaq.quantizer import quantize
from fpgaq.study.report.summary import summarize
from tests.support.fuzz.case import random_inputs
from tests.support.fuzz.networks import transposed_chain


def transposed(kernel: int, stride: int, padding: int, more: int = 0, groups: int = 1) -> Graph:
    """One transposed convolution on an image of 4 channels and 5 x 6 pixels."""
    chance = np.random.default_rng(kernel)
    weight = chance.normal(size=(4, 6 // groups, kernel, kernel)).astype(np.float32)
    op = Deconvolution(
        "up", ("x",), "y", weight, chance.normal(size=6).astype(np.float32), padding=(padding,) * 4,
        stride=(stride, stride), groups=groups, output_padding=(more, more),
    )  # fmt: skip
    height, width = ((size - 1) * stride + kernel - 2 * padding + more for size in (5, 6))
    return Graph("net", ("x",), ("y",), (op,), {"x": (4, 5, 6), "y": (6, height, width)})


def quantized(graph: Graph) -> IntegerGraph:
    """The network with 8 bits."""
    return quantize(graph, {"x": np.random.default_rng(0).normal(size=(8, 4, 5, 6)).astype(np.float32)})


def products(graph: IntegerGraph) -> int:
    """Products of a frame."""
    layers = [op for op in graph.operators if isinstance(op, IntegerConvolution)]
    return sum(math.prod(graph.tensors[op.output].shape[:2]) * op.weight.size for op in layers)


@pytest.mark.parametrize(
    ("kernel", "stride", "padding", "more"), [(4, 2, 1, 0), (2, 2, 0, 0), (3, 2, 1, 1), (3, 3, 0, 0), (3, 2, 0, 0)]
)
def test_a_transposed_convolution_makes_only_products_that_count(
    kernel: int, stride: int, padding: int, more: int
) -> None:
    model = transposed(kernel, stride, padding, more)
    graph = quantized(model)
    lowered = lower(graph)
    assert not any(isinstance(op, IntegerUpsample) for op in lowered.operators)
    convolutions = [op for op in lowered.operators if isinstance(op, IntegerConvolution)]
    assert len(convolutions) == stride * stride
    assert sum(op.weight.size for op in convolutions) == 4 * 6 * kernel * kernel
    height, width = model.shapes["y"][1:]
    padded = [-(-size // stride) * stride for size in (height, width)]
    assert products(lowered) == padded[0] * padded[1] * 4 * 6 * kernel * kernel // stride**2
    if padded == [height, width]:
        assert products(lowered) == summarize(model).macs


@pytest.mark.parametrize("groups", [1, 2])
def test_groups_stay(groups: int) -> None:
    graph = quantized(transposed(4, 2, 1, groups=groups))
    lowered, inputs = lower(graph), random_inputs(graph, 3)
    assert lowered is not graph
    assert np.array_equal(run(graph, inputs)["y"], run(lowered, inputs)["y"])


def test_random_networks_compute_the_same() -> None:
    changed = 0
    for seed in range(300):
        graph = transposed_chain(seed)
        lowered = lower(graph)
        if lowered is graph:
            continue
        in_phases = any(isinstance(op, IntegerUpsample) for op in graph.operators) and not any(
            isinstance(op, IntegerUpsample) for op in lowered.operators
        )
        changed += in_phases
        # A limit that comes after its layer saves none.
        assert products(lowered) < products(graph) or not in_phases
        inputs = random_inputs(graph, seed)
        wanted, found = run(graph, inputs), run(lowered, inputs)
        for name in graph.outputs:
            assert np.array_equal(wanted[name], found[name]), seed
    assert changed > 150


@pytest.mark.parametrize("case", ["padding value", "another reader", "an output", "a name taken", "too many phases"])
def test_what_cannot_be_lowered_stays(case: str) -> None:
    graph = quantized(transposed(4, 4 if case == "too many phases" else 2, 1))
    spread, layer = graph.operators
    assert isinstance(layer, IntegerConvolution)
    if case == "padding value":
        graph = replace(graph, operators=(spread, replace(layer, padding_value=1)))
    elif case == "another reader":
        tensor = replace(graph.tensors["y"], name="z")
        other = replace(layer, name="other", output="z")
        graph = replace(graph, operators=(*graph.operators, other), tensors={**graph.tensors, "z": tensor})
    elif case == "an output":
        graph = replace(graph, outputs=("y", spread.output))
    elif case == "a name taken":
        renamed = replace(graph.tensors[spread.output], name="y.phase00")
        graph = replace(
            graph,
            operators=(replace(spread, output="y.phase00"), replace(layer, inputs=("y.phase00",))),
            tensors={"x": graph.tensors["x"], "y.phase00": renamed, "y": graph.tensors["y"]},
        )
    assert lower(graph) is graph


def test_a_network_without_transposed_convolutions_is_not_touched() -> None:
    graph = lower(quantized(transposed(4, 2, 1)))
    assert lower(graph) is graph


def test_a_lowered_network_that_computes_something_else_is_no_reference() -> None:
    graph = quantized(transposed(4, 2, 1))
    lowered = lower(graph)
    place, layer = next((place, op) for place, op in enumerate(lowered.operators) if isinstance(op, IntegerConvolution))
    wrong = replace(layer, bias=layer.bias + (1 << 12))
    operators = (*lowered.operators[:place], wrong, *lowered.operators[place + 1 :])
    with pytest.raises(VerificationError, match="tensor 'y' of frame 'data 0' differs between the network and its"):
        golden_vectors(graph, lowered=replace(lowered, operators=operators))
    assert golden_vectors(graph, lowered=lowered).tensors.keys() == lowered.tensors.keys()
    assert lowered.tensors["y"] == graph.tensors["y"]


def test_hls_keeps_the_zeros_where_multipliers_are_too_few(tmp_path: Path) -> None:
    graph = quantized(transposed(4, 2, 1))
    few = pipeline.generate(graph, tmp_path / "few", Target(multipliers=3), language="hls")
    assert few.network is graph
    assert pipeline.LOWERED_FILE not in few.files
    enough = pipeline.generate(graph, tmp_path / "enough", Target(multipliers=4), language="hls")
    assert len([op for op in enough.network.operators if isinstance(op, IntegerConvolution)]) == 4
    assert pipeline.LOWERED_FILE in enough.files
