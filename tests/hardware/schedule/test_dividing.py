"""Forms with one layer divided between two arrays: what is known of them is what building them shows."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from fpgaq.hardware.lowering import can_divide, with_divided_outputs
from fpgaq.hardware.schedule import Target, least_interval
from fpgaq.hardware.schedule.arrays import UNREACHABLE
from fpgaq.hardware.schedule.dividing import DIVIDED_BELOW, DividedForms
from fpgaq.hardware.schedule.lanes import choose_lanes
from fpgaq.hardware.schedule.planner import fold_ranges, port_beats
from fpgaq.integer.graph import IntegerGraph
from tests.support.network_shapes import Shape, chain


def _mixed() -> IntegerGraph:
    """Layers of several shapes, one of which is depthwise, and a pooling layer."""
    net = Shape((12, 12, 3))
    tensor = net.convolution(net.convolution("x", 8, 3), 8, 3, groups=8)
    tensor = net.pool(net.convolution(tensor, 6, 1), 2, 2, 0)
    return net.graph(net.affine(net.convolution(tensor, 5, 3), 7))


def _division(graph: IntegerGraph, target: Target) -> int:
    return choose_lanes(fold_ranges(graph), target, port_beats(graph)).interval


def _built(graph: IntegerGraph, target: Target) -> dict[str, int]:
    """The least cycles of each layer divided at the best place, found by building every form."""
    return {
        op.name: min(
            _division(with_divided_outputs(graph, op.name, first), target)
            for first in range(1, op.weight.shape[0])  # type: ignore[attr-defined]
        )
        for op in graph.operators
        if can_divide(op, graph)
    }


def _names(forms: DividedForms, target: Target, below: float) -> list[str]:
    return [
        op.name.removesuffix(".joined")
        for form in forms.faster(target, below)
        for op in form.operators
        if op.name.endswith(".joined")
    ]


@pytest.mark.once
def test_what_is_known_of_forms_is_what_building_them_shows() -> None:
    divided, kept = 0, 0
    for graph in (_mixed(), chain(4, 6, 3, 5)):
        for budget in (3, 5, 7, 11, 13, 23, 37, 51):
            target = Target(multipliers=budget)
            limit = max(-(-sum(layer.macs for layer in fold_ranges(graph)) // budget), port_beats(graph))
            if limit < DIVIDED_BELOW * _division(graph, target):
                divided += _hold(graph, target)
            else:
                kept += 1
                assert _names(DividedForms(graph), target, math.inf) == []
                assert DividedForms(graph).least_interval(target, UNREACHABLE) == UNREACHABLE
    assert divided == 8 and kept > 3


def _hold(graph: IntegerGraph, target: Target) -> int:
    """Compare with forms that are built; how many are faster than the network itself."""
    forms, plain, built = DividedForms(graph), _division(graph, target), _built(graph, target)
    assert forms.least_interval(target, plain) == min([plain, *built.values()])
    assert least_interval(graph, target) <= forms.least_interval(target, plain)
    for below in {plain, *built.values()}:
        found = _names(forms, target, below)
        assert set(found) == {name for name, interval in built.items() if interval < below}
        assert [built[name] for name in found] == sorted(built[name] for name in found)
    faster = [_division(form, target) for form in forms.faster(target, plain)]
    assert faster == sorted(interval for interval in built.values() if interval < plain)
    return len(faster)


def test_nothing_is_divided_where_layers_share_no_arrays() -> None:
    graph = _mixed()
    forms, target = DividedForms(graph), Target(multipliers=7)
    assert _names(forms, target, math.inf)
    for other in (replace(target, sharing=False), replace(target, arrays=1), Target(cycles=10_000)):
        assert _names(forms, other, math.inf) == [] and forms.least_interval(other, 999) == 999


def test_nothing_is_divided_among_more_layers_than_runs_may_begin_with() -> None:
    assert _names(DividedForms(chain(64, 4, 3, 5)), Target(multipliers=7), math.inf) == []
