"""The element-wise, pooling and moving operators of the reference against Python integers, by equality."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fpgaq.base.formats import ROUNDINGS, Format
from fpgaq.integer import file as integer_file
from fpgaq.integer import reference
from fpgaq.integer.accumulators import operator_bounds
from fpgaq.integer.graph import OPERATORS, Tensor
from tests.support.integer_operators import BUILDERS, residual_network
from tests.support.slow_interpreter import slow_run


def assert_equal_to_slow(graph, **options):
    expected = slow_run(graph, dict(graph.samples))
    found = reference.run(graph, graph.samples, keep=True, **options)
    assert set(found) == set(graph.tensors)
    for name, value in found.items():
        assert value.dtype == np.int64
        assert np.array_equal(value, expected[name]), name


@pytest.mark.parametrize("kind", sorted(BUILDERS))
@given(seed=st.integers(0, 1 << 30))
@settings(max_examples=60, deadline=None)
def test_each_operator_of_any_geometry(kind, seed):
    assert_equal_to_slow(BUILDERS[kind](seed))


@pytest.mark.parametrize("kind", sorted(BUILDERS))
def test_each_operator_survives_its_file(kind, tmp_path):
    for seed in range(4):
        graph = BUILDERS[kind](seed)
        path = tmp_path / f"{seed}.fpgaq"
        integer_file.save(graph, path)
        loaded = integer_file.load(path)
        assert integer_file.digest(loaded) == integer_file.digest(graph)
        output = graph.outputs[0]
        assert np.array_equal(
            reference.run(loaded, loaded.samples)[output], reference.run(graph, graph.samples)[output]
        )


@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize("batch_size", [None, 1, 2])
def test_a_network_with_every_operator(rounding, batch_size):
    graph = residual_network(5, rounding)
    assert {type(op) for op in graph.operators} == set(OPERATORS)
    assert len(graph.inputs) == 2 and len(graph.outputs) == 3
    assert_equal_to_slow(graph, batch_size=batch_size)


@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize("divisor", [1, 2, 3, 4, 6, 7, 9, 10])
def test_means_round_the_exact_rational(rounding, divisor):
    from fractions import Fraction

    from fpgaq.base.formats import round_divide
    from tests.support.slow_interpreter import exact_round

    sums = np.arange(-200, 201)
    expected = [exact_round(Fraction(int(value), divisor), rounding) for value in sums]
    assert round_divide(sums, divisor, rounding).tolist() == expected


def test_channels_of_64_bits_are_joined_exactly():
    from fpgaq.integer.graph import IntegerConcatenate
    from tests.support.integer_networks import dag

    fmt = Format(64, 0)
    tensors = [Tensor("a", (1, 1, 2), fmt), Tensor("b", (1, 1, 1), fmt), Tensor("y", (1, 1, 3), fmt)]
    graph = dag([IntegerConcatenate("c", ("a", "b"), "y")], tensors, ("a", "b"), ("y",), 3)
    assert_equal_to_slow(graph)


@pytest.mark.parametrize("kind", ["add", "multiply", "scale", "sum_pooling"])
def test_bounds_hold_on_the_samples(kind):
    for seed in range(20):
        graph = BUILDERS[kind](seed)
        op = graph.operators[0]
        bounds = operator_bounds(op, *(graph.tensors[name].format for name in op.inputs))
        assert bounds.lower <= 0 <= bounds.upper and bounds.width <= op.accumulator_width
