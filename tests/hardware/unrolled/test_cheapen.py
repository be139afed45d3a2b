"""Weights chosen for cheap adders: fewer digits, errors within the bound, all else as it was."""

from __future__ import annotations

import numpy as np
import pytest

from fpgaq import pipeline
from fpgaq.base.errors import UnsupportedError, UsageError
from fpgaq.base.formats import Format
from fpgaq.hardware.unrolled import Unrolling, layer_inputs, plan_network
from fpgaq.hardware.unrolled.cheapen import cheapen, count_digits
from fpgaq.integer.graph import IntegerAffine, IntegerConvolution, IntegerGraph
from fpgaq.integer.reference import run
from tests.support.network_builder import NetworkBuilder


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


@pytest.mark.parametrize(
    "options",
    [
        {"padding": (1, 1, 1, 1)},
        {"padding": (0, 2, 1, 0), "stride": (2, 1), "groups": 2},
        {"kernel": (2, 3), "dilation": (2, 1), "groups": 4},
    ],
)
@pytest.mark.parametrize("limit", [1 << 24, 2000])
def test_errors_of_convolutions_stay_within_the_bound(options, limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layer_inputs, "MOST_ELEMENTS", limit)
    options = {"kernel": (3, 3), **options}
    kernel = options.pop("kernel")
    network = NetworkBuilder(4, (7, 6, 4), Format(8, 7)).convolution(8, kernel, requantize=False, **options).graph()
    (name,) = network.inputs
    data = {name: np.random.default_rng(2).integers(-128, 128, (60, *network.tensors[name].shape))}
    cheap = cheapen(network, data, 0.05)
    expected, found = (run(each, data)[each.outputs[0]].reshape(-1, 8) for each in (network, cheap))
    old, new = network.operators[0], cheap.operators[0]
    assert isinstance(old, IntegerConvolution) and isinstance(new, IntegerConvolution)
    for channels in np.array_split(np.arange(8), old.groups):
        error = ((found - expected)[:, channels] ** 2).mean(axis=0).sum()
        assert 0 < error <= 0.05**2 * expected[:, channels].var(axis=0).sum() + 0.25 * len(channels)
    assert count_digits(new.weight) < 0.8 * count_digits(old.weight)
    assert new.accumulator_width <= old.accumulator_width


def test_only_the_layers_that_are_named() -> None:
    network = graph()
    name = network.operators[1].name
    cheap = cheapen(network, frames(network), 0.05, [name])
    changed = [new.name for old, new in zip(network.operators, cheap.operators, strict=True) if old is not new]
    assert changed == [name]
    with pytest.raises(UsageError, match="layer 'nothing' has no weights here; those that have are"):
        cheapen(network, frames(network), 0.05, ["nothing"])


def test_by_default_the_layers_that_can_be_adders() -> None:
    """An affine layer after an image folds over its pixels and keeps multipliers."""
    network = NetworkBuilder(5, (8, 8, 2), Format(8, 7, signed=False)).convolution(3).pool().affine(4).graph()
    cheap = pipeline.cheapen(network, frames(network)[network.inputs[0]].transpose(0, 3, 1, 2), 0.05)
    changed = [old is not new for old, new in zip(network.operators, cheap.operators, strict=True)]
    assert changed == [True, False, False]


def test_more_error_takes_less_logic() -> None:
    network = graph()
    tables = [plan_network(network, Unrolling()).tables]
    tables += [plan_network(cheapen(network, frames(network), bound), Unrolling()).tables for bound in (0.01, 0.1)]
    assert tables[0] > tables[1] > tables[2]


def test_what_is_refused() -> None:
    with pytest.raises(UsageError, match="a bound of 0"):
        cheapen(graph(), frames(graph()), 0.0)
    other = NetworkBuilder(1, (4, 4, 2), Format(8, 7)).pool().graph()
    with pytest.raises(UnsupportedError, match="no affine layer or convolution"):
        cheapen(other, frames(other), 0.1)
