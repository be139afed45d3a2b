"""Forms with one layer that computes two columns at a time: what is known of them is what building them shows."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from fpgaq.hardware.lowering import can_merge, with_merged_columns
from fpgaq.hardware.schedule import Target
from fpgaq.hardware.schedule.lanes import choose_lanes
from fpgaq.hardware.schedule.merging import MergedForms
from fpgaq.hardware.schedule.planner import fold_ranges, port_beats
from fpgaq.integer.graph import IntegerConvolution, IntegerGraph
from tests.support.network_shapes import Shape, chain, ds_cnn


def _mixed() -> IntegerGraph:
    """Layers of several shapes, one of which has an odd width and one of which is depthwise."""
    net = Shape((12, 12, 3))
    tensor = net.convolution(net.convolution("x", 8, 3), 8, 3, groups=8)
    tensor = net.pool(net.convolution(tensor, 6, 1), 2, 2, 0)
    return net.graph(net.affine(net.convolution(tensor, 5, 3), 7))


def _built(graph: IntegerGraph, target: Target) -> dict[str, int]:
    """The least cycles of every form whose layer the budget could do in a step, found by building each."""
    found = {}
    for op in graph.operators:
        if can_merge(op, graph) and isinstance(op, IntegerConvolution) and op.weight.size <= (target.multipliers or 0):
            form = with_merged_columns(graph, op.name)
            found[op.name] = choose_lanes(fold_ranges(form), target, port_beats(form)).interval
    return found


def _hold(graph: IntegerGraph, target: Target) -> None:
    forms, built = MergedForms(graph), _built(graph, target)
    plain = choose_lanes(fold_ranges(graph), target, port_beats(graph)).interval
    assert forms.least_interval(target) == min([plain, *built.values()])
    middle = sorted([plain, *built.values()])[len(built) // 2]
    for below in {plain / 1.03, middle, middle + 1, math.inf}:
        merged = [form.operators for form in forms.faster(target, below)]
        names = {op.name for operators in merged for op in operators if op.name.endswith(".columns")}
        assert names == {f"{name}.columns" for name, interval in built.items() if interval < below}


@pytest.mark.once
@pytest.mark.parametrize("budget", [7, 24, 64, 200])
@pytest.mark.parametrize("target", [Target(), Target(sharing=False), Target(arrays=1)], ids=["shared", "own", "one"])
def test_what_is_known_of_forms_is_what_building_them_shows(budget: int, target: Target) -> None:
    for graph in (_mixed(), chain(6, 6, 3, 3)):
        _hold(graph, replace(target, multipliers=budget))


@pytest.mark.once
@pytest.mark.slow
@pytest.mark.parametrize("budget", [64, 433])
def test_the_same_of_more_layers_than_runs_may_begin_with(budget: int) -> None:
    for graph in (chain(70, 4, 2, 1), ds_cnn()):
        _hold(graph, Target(multipliers=budget))
