"""Weights chosen for cheap adders: fewer digits, errors within the bound, all else as it was."""

from __future__ import annotations

import numpy as np
import pytest

from fpgaq.errors import UnsupportedError, UsageError
from fpgaq.formats import Format
from fpgaq.integer_graph import IntegerAffine, IntegerGraph
from fpgaq.reference import run
from fpgaq.unrolled import Unrolling, plan_network
from fpgaq.unrolled.cheapen import cheapen, count_digits
from hdl_tests.network_builder import NetworkBuilder


def graph() -> IntegerGraph:
    builder = NetworkBuilder(3, (1, 1, 12), Format(8, 7, signed=False)).affine(10).affine(6)
    return builder.affine(4, requantize=False).graph()


def frames(network: IntegerGraph, seed: int = 0) -> dict[str, np.ndarray]:
    shape = network.tensors[network.inputs[0]].shape
    return {network.inputs[0]: np.random.default_rng(seed).integers(0, 256, (400, *shape))}


@pytest.mark.parametrize("bound", [0.005, 0.02, 0.1])
def test_errors_stay_within_the_bound(bound: float) -> None:
    network = graph()
    data = frames(network)
    cheap = cheapen(network, data, bound)
    tensors = run(cheap, data, keep=True)
    for old, new in zip(network.operators, cheap.operators, strict=True):
        assert isinstance(old, IntegerAffine) and isinstance(new, IntegerAffine)
        inputs = tensors[new.input].reshape(len(tensors[new.input]), -1)
        expected, found = inputs @ old.weight.T + old.bias, inputs @ new.weight.T + new.bias
        error = ((found - expected) ** 2).mean(axis=0).sum()
        # A bias is an integer: the mean is put right to half a unit.
        assert error <= bound**2 * expected.var(axis=0).sum() + 0.25 * expected.shape[1]
        assert count_digits(new.weight) <= count_digits(old.weight)
        assert new.weight.min() >= new.weight_format.minimum and new.weight.max() <= new.weight_format.maximum


def test_more_error_takes_less_logic() -> None:
    network = graph()
    tables = [plan_network(network, Unrolling()).tables]
    tables += [plan_network(cheapen(network, frames(network), bound), Unrolling()).tables for bound in (0.01, 0.1)]
    assert tables[0] > tables[1] > tables[2]


def test_what_is_refused() -> None:
    with pytest.raises(UsageError, match="a bound of 0"):
        cheapen(graph(), frames(graph()), 0.0)
    other = NetworkBuilder(1, (4, 4, 2), Format(8, 7)).convolution(2).graph()
    with pytest.raises(UnsupportedError, match="no affine layer"):
        cheapen(other, frames(other), 0.1)
