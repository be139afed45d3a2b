"""Requantizers of imported layers as scales that can be loaded: the same integers, and a form that tells no weights."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from fpgaq.base.errors import UnsupportedError, UsageError
from fpgaq.hardware.lowering.factors import with_loadable_factors
from fpgaq.hardware.lowering.loadable import check_same
from fpgaq.integer.graph import IntegerGraph, IntegerScale, Requantize
from fpgaq.integer.reference import run
from fpgaq.pipeline.hardware_files import loadable_form
from tests.support.loadable import IMPORTED_RULES, imported_chain, with_other_weights
from tests.support.network_builder import NetworkBuilder


def outputs(graph: IntegerGraph, seed: int) -> np.ndarray:
    inputs = {"t0": np.random.default_rng(seed).integers(-128, 128, size=(40, 4, 4, 2))}
    return run(graph, inputs)["t3"]


@pytest.mark.parametrize("name", IMPORTED_RULES)
def test_scales_compute_the_same_integers(name: str) -> None:
    graph = imported_chain(5, IMPORTED_RULES[name])
    form = loadable_form(graph)
    scales = [op for op in form.operators if isinstance(op, IntegerScale)]
    assert [op.name for op in scales] == ["first.scale", "last.scale"]
    assert all(op.scale_width == 32 and (op.scale >= 1 << 30).all() for op in scales)
    for seed in range(2):
        expected = outputs(graph, seed)
        assert len(np.unique(expected)) > 2
        np.testing.assert_array_equal(outputs(form, seed), expected)
    other = with_other_weights(graph, 6, shift=-1)
    np.testing.assert_array_equal(outputs(loadable_form(other), 3), outputs(other, 3))
    check_same(loadable_form(other), form, "other")


def test_a_network_of_shifts_stays_as_it_is() -> None:
    graph = NetworkBuilder(3, (6, 5, 3)).convolution(5).convolution(3, relu=False).graph()
    assert with_loadable_factors(graph) is graph


def test_what_has_no_such_form_is_refused_by_name() -> None:
    both = replace(IMPORTED_RULES["litert"], multiplier=(1 << 30,) * 3, shift=(31, 40, 40))
    graph = imported_chain(5, IMPORTED_RULES["litert"])
    first: Any = graph.operators[0]
    mixed = replace(first, requantize=replace(both, zero_point=-128))
    with pytest.raises(UnsupportedError, match="'first': some of its channels are rounded twice"):
        with_loadable_factors(replace(graph, operators=(mixed, *graph.operators[1:])))
    with pytest.raises(UnsupportedError, match="'first': the zero point -128 cannot be added before .* 'half_away'"):
        with_loadable_factors(imported_chain(5, Requantize((9,), "half_away")))
    taken = replace(graph, operators=(*graph.operators[:2], replace(graph.operators[2], name="first.scale")))
    with pytest.raises(UnsupportedError, match="'first': the names 'first.scale' and 't1.sums' are taken"):
        with_loadable_factors(taken)


def test_a_second_rounding_is_no_word_of_an_image() -> None:
    graph = imported_chain(5, IMPORTED_RULES["litert above a half"])
    with pytest.raises(UsageError, match="negative_offset of layer 'first.scale': -2147483648, the hardware has 0"):
        check_same(loadable_form(with_other_weights(graph, 6, shift=1)), loadable_form(graph), "other")


def test_inner_scales_may_differ_and_those_of_ports_may_not() -> None:
    graph = imported_chain(5, IMPORTED_RULES["litert"])
    for name, refused in (("t1", False), ("t3", True)):
        other = replace(graph, tensors={**graph.tensors, name: replace(graph.tensors[name], scale=0.5)})
        if refused:
            with pytest.raises(UsageError, match="scale, zero point and offset of 't3'"):
                check_same(other, graph, "other")
        else:
            check_same(other, graph, "other")
