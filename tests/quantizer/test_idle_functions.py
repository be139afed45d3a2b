"""Functions that are a factor at and above zero, directly after inputs that are never negative; and wide features."""

from __future__ import annotations

import numpy as np
import pytest

from fpgaq.integer.graph import IntegerTable
from fpgaq.model.executor import run_float
from fpgaq.model.graph import Graph, Pointwise, Prelu, Relu
from fpgaq.quantizer import quantize
from fpgaq.quantizer.config import QuantizeOptions
from fpgaq.quantizer.idle_functions import factor_above_zero, without_idle_functions
from tests.support.float_networks import affine, chain, relu, signal_to_noise

SELU = ("selu", (1.05, 1.67))
RANGES = np.array([1.0, 1.0, 80.0, 512.0])


def features(count: int = 96, negative: bool = False) -> dict[str, np.ndarray]:
    values = np.random.default_rng(5).random((count, 4)) * RANGES
    return {"t0": (values - RANGES / 2 * negative).astype(np.float32)}


def network(function: str, parameters: tuple[float, ...] = ()) -> Graph:
    first = affine(6, 4, 2)
    weight = (first.weight / RANGES).astype(np.float32)
    lead = Pointwise("function", ("",), "", function, parameters)
    return chain((4,), lead, affine(6, 4, 2).__class__("first", ("",), "", weight, first.bias), relu(), affine(3, 6, 1))


@pytest.mark.parametrize(
    ("op", "factor"),
    [
        (Pointwise("f", ("",), "", *SELU), 1.05),
        (Pointwise("f", ("",), "", "elu", (0.7,)), 1.0),
        (Pointwise("f", ("",), "", "leaky_relu", (0.1,)), 1.0),
        (Pointwise("f", ("",), "", "abs"), 1.0),
        (Prelu("f", ("",), "", np.array([0.3], np.float32)), 1.0),
        (Relu("f", ("",), ""), 1.0),
        (Pointwise("f", ("",), "", "swish"), None),
        (Pointwise("f", ("",), "", "relu6"), None),
        (Pointwise("f", ("",), "", "minimum", (1e9,)), 1.0),
        (Pointwise("f", ("",), "", "softplus", (1.0,)), None),
        (affine(2, 2), None),
    ],
)
def test_factors_above_zero(op, factor) -> None:
    found = factor_above_zero(op)
    assert found is None if factor is None else found == pytest.approx(factor, rel=1e-12)


@pytest.mark.parametrize("function", [SELU, ("elu", (0.7,)), ("leaky_relu", (0.1,))])
def test_a_function_that_is_a_factor_leaves_no_table(function) -> None:
    graph, data = network(*function), features()
    changed = without_idle_functions(graph, data)
    (old,), (new,) = run_float(graph, data).values(), run_float(changed, data).values()
    np.testing.assert_allclose(new, old, rtol=1e-5, atol=1e-5)
    found = quantize(graph, data)
    assert not any(isinstance(op, IntegerTable) for op in found.operators)
    first = quantize(graph, data, QuantizeOptions(edition="0.1"))
    assert signal_to_noise(graph, found, data["t0"]) > signal_to_noise(graph, first, data["t0"]) + 10


def test_negative_samples_keep_the_function() -> None:
    graph = network(*SELU)
    assert without_idle_functions(graph, features(negative=True)) is graph
    assert without_idle_functions(network("swish"), features()).operators[0].function == "swish"


def test_an_output_keeps_its_function() -> None:
    graph = chain((4,), Pointwise("function", ("",), "", *SELU))
    assert without_idle_functions(graph, features()) is graph


@pytest.mark.parametrize("function", ["swish", "tanh", "sigmoid"])
def test_a_function_of_unscaled_features_keeps_their_width(function: str) -> None:
    graph, data = network(function), features()
    found = quantize(graph, data, QuantizeOptions(per_feature=False))
    (table,) = (op for op in found.operators if isinstance(op, IntegerTable))
    source, target = found.tensors[table.input].format, found.tensors[table.output].format
    assert source.width == target.width > 8 and table.index_format.width == 12
    first = quantize(graph, data, QuantizeOptions(edition="0.1"))
    assert first.tensors[table.output].format.width == 8
    assert signal_to_noise(graph, found, data["t0"]) > signal_to_noise(graph, first, data["t0"])
    asked = quantize(graph, data, QuantizeOptions(per_feature=False, layers={"function": {"activation_bits": 9}}))
    assert asked.tensors[table.output].format.width == 9


def test_a_function_that_is_not_negative_on_its_range_is_unsigned() -> None:
    graph, data = network("swish"), features()
    found = quantize(graph, data)
    assert not found.tensors["t1"].format.signed
    assert quantize(graph, data, QuantizeOptions(edition="0.1")).tensors["t1"].format.signed
