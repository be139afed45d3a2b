"""Limits that leave out zero: lanes of a beat that no channel fills hold zeros all the same."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fpgaq.base.formats import Format
from fpgaq.hardware.lowering import lower
from fpgaq.hardware.schedule import Target, make_schedule
from fpgaq.integer.check import check
from fpgaq.integer.graph import IntegerGraph, IntegerTable
from fpgaq.integer.reference import run
from tests.support.network_builder import NetworkBuilder


def limited(low: int | None, high: int | None, layer: str) -> IntegerGraph:
    """A layer of 13 outputs, held to limits, and one that reads them."""
    builder = NetworkBuilder(5, (4, 4, 2), Format(6, 0))
    builder = builder.affine(13, relu=False) if layer == "affine" else builder.convolution(13, (3, 3), relu=False)
    graph = builder.affine(3, relu=False).graph()
    first, *rest = graph.operators
    first = replace(first, requantize=replace(first.requantize, low=low, high=high))
    return check(replace(graph, operators=(first, *rest)))


@pytest.mark.parametrize("layer", ["affine", "convolution"])
@pytest.mark.parametrize(("low", "high"), [(3, None), (None, -2), (3, 9), (-9, -2)])
@pytest.mark.parametrize("multipliers", [4, 26])
def test_no_limit_stands_in_a_lane_without_a_channel(
    low: int | None, high: int | None, layer: str, multipliers: int
) -> None:
    graph = limited(low, high, layer)
    lowered = lower(graph)
    table = next(op for op in lowered.operators if isinstance(op, IntegerTable))
    assert table.output == graph.operators[0].output
    samples = {"x": np.random.default_rng(1).integers(-32, 32, (20, 4, 4, 2))}
    inputs = {name: samples["x"] for name in graph.inputs}
    before, after = run(graph, inputs), run(lowered, inputs)
    assert all((before[name] == after[name]).all() for name in graph.outputs)
    plan = next(p for p in make_schedule(lowered, Target(multipliers=multipliers)).plans if p.operator == table.name)
    assert 13 % plan.lanes_out == 0


@pytest.mark.parametrize(("low", "high"), [(-3, 5), (0, None), (None, 0), (None, None)])
def test_limits_around_zero_stay_where_they_are(low: int | None, high: int | None) -> None:
    graph = limited(low, high, "affine")
    assert lower(graph) is graph
