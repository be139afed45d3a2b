"""Features whose ranges are far apart: a step for each, and functions in front of the weights taken apart."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fpgaq.base.errors import ModelError
from fpgaq.integer.check import check
from fpgaq.integer.file import load, save
from fpgaq.integer.graph import IntegerAdd, IntegerTable
from fpgaq.integer.inputs import transform_data
from fpgaq.model.executor import run_float
from fpgaq.model.graph import Graph, Pointwise, Prelu
from fpgaq.pipeline import compare
from fpgaq.quantizer import quantize
from fpgaq.quantizer.config import QuantizeOptions
from fpgaq.quantizer.feature_steps import scale_features
from fpgaq.quantizer.split_functions import split_functions
from tests.quantizer.test_idle_functions import RANGES, SELU, features, network
from tests.support.float_networks import affine, chain, relu, signal_to_noise

TOGETHER = QuantizeOptions(per_feature=False)


def plain(*front) -> Graph:
    first = affine(6, 4, 2)
    weight = (first.weight / RANGES).astype(np.float32)
    return chain((4,), *front, replace(first, weight=weight), relu(), affine(3, 6, 1))


FRONTS = {
    "weights": (),
    "relu": (relu("front"),),
    "prelu": (Prelu("front", ("",), "", np.array([0.2, 0.4, 0.6, 0.8], np.float32)),),
    "leaky": (Pointwise("front", ("",), "", "leaky_relu", (0.1,)),),
}


@pytest.mark.parametrize("name", FRONTS)
def test_each_feature_has_a_step(name: str) -> None:
    graph, data = plain(*FRONTS[name]), features(negative=True)
    scaled, factors = scale_features(graph, ("t0",), data)
    np.testing.assert_array_equal(factors["t0"], [2.0, 2.0, 2.0**-6, 2.0**-8])
    moved = {"t0": (data["t0"] * np.asarray(factors["t0"])).astype(np.float32)}
    # Powers of two: not one bit differs.
    (before,), (after,) = run_float(graph, data).values(), run_float(scaled, moved).values()
    assert np.array_equal(before, after)
    found, together = quantize(graph, data), quantize(graph, data, TOGETHER)
    assert found.tensors["t0"].format.width == 14 < together.tensors["t0"].format.width
    assert signal_to_noise(graph, found, data["t0"]) > signal_to_noise(graph, together, data["t0"]) + 1


def test_the_formula_of_the_input_is_exact_and_stays_in_the_file(tmp_path: Path) -> None:
    graph, data = plain(), features(negative=True)
    found = quantize(graph, data)
    transform, fmt = found.transforms["t0"], found.tensors["t0"].format
    expected = np.floor(data["t0"].astype(np.float64) * transform.factors * 2.0**fmt.frac + 0.5)
    expected = expected.clip(fmt.minimum, fmt.maximum).astype(np.int64)
    assert transform.scales == transform.factors and transform.offsets == (0.0,)
    assert np.array_equal(transform_data(found, data)["t0"].reshape(expected.shape), expected)
    save(found, tmp_path / "network.fpgaq")
    assert load(tmp_path / "network.fpgaq").transforms["t0"] == transform
    negative = replace(transform, factors=(-1.0, *transform.factors[1:]))
    for wrong in (replace(transform, factors=(1.0, 2.0)), replace(transform, kind="divide"), negative):
        with pytest.raises(ModelError, match="factors"):
            check(replace(found, transforms={"t0": wrong}))


def test_compare_shows_the_input_in_the_users_units(tmp_path: Path) -> None:
    graph, data = plain(), features(negative=True)
    np.savez(tmp_path / "data.npz", x=data["t0"], y=np.zeros(len(data["t0"]), np.int64))
    result = compare(graph, quantize(graph, data), tmp_path / "data.npz")
    (shown,) = (layer for layer in result.layers if layer.name == "t0")
    assert shown.signal_to_noise > 50


def test_what_a_user_asks_of_the_input_holds() -> None:
    graph, data = plain(), features(negative=True)
    for asked in (QuantizeOptions(input_bits=16), QuantizeOptions(edition="0.1"), TOGETHER):
        assert quantize(graph, data, asked).transforms["t0"].factors == ()
    even = {"t0": (data["t0"] / RANGES).astype(np.float32)}
    assert quantize(graph, even).transforms["t0"].factors == ()


@pytest.mark.parametrize(
    ("function", "parameters"),
    [SELU, ("elu", (0.7,)), ("swish", ()), ("softplus", (1.0,)), ("gelu_exact", ()), ("celu", (1.3,))],
)
def test_functions_are_split_into_lines_and_a_bounded_rest(function: str, parameters: tuple[float, ...]) -> None:
    graph, data = network(function, parameters), features(negative=True)
    split = split_functions(graph, {"t0": True})
    (old,), (new,) = run_float(graph, data).values(), run_float(split, data).values()
    np.testing.assert_allclose(new, old, rtol=1e-5, atol=1e-5)
    rest = next(op for op in split.operators if op.name == "function.rest")
    assert np.abs(run_float(replace(split, outputs=(rest.output,)), data)[rest.output]).max() < 3
    found, together = quantize(graph, data), quantize(graph, data, TOGETHER)
    (table,), (total,) = ([op for op in found.operators if isinstance(op, kind)] for kind in (IntegerTable, IntegerAdd))
    assert table.index_format.width == 12 and found.tensors[total.output].format.width >= 15
    assert signal_to_noise(graph, found, data["t0"]) > signal_to_noise(graph, together, data["t0"]) + 10


@pytest.mark.parametrize("function", ["tanh", "square", "sqrt", "log_sigmoid", "sin", "exp"])
def test_functions_without_lines_stay(function: str) -> None:
    graph = network(function)
    assert split_functions(graph, {"t0": True}) is graph
    assert split_functions(network("swish"), {}).operators[0].name == "function"


def test_a_composed_function_is_split() -> None:
    graph = network("composed: x swish 2.0 *")
    (old,), (new,) = (run_float(each, features()).values() for each in (graph, split_functions(graph, {"t0": True})))
    np.testing.assert_allclose(new, old, rtol=1e-5, atol=1e-5)


def test_the_index_of_a_table_is_as_fine_as_the_function_is_steep() -> None:
    """Beyond 4 a tanh is level: values up to 500 need no index."""
    graph, data = network("tanh"), features(negative=True)
    now, before = (quantize(graph, data, QuantizeOptions(edition=edition)) for edition in ("0.2", "0.1"))
    tables = [next(op for op in each.operators if isinstance(op, IntegerTable)) for each in (now, before)]
    assert tables[0].index_format.frac >= tables[1].index_format.frac + 3
    assert signal_to_noise(graph, now, data["t0"]) > signal_to_noise(graph, before, data["t0"]) + 10
