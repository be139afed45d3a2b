"""Both readers agree on one-operator networks that nnabla keeps as .nnp and as .onnx, and with onnxruntime."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnx
import pytest

from fpgaq.model.executor import run_float
from tests.support.onnx_models import runtime as current_runtime
from tests.support.onnx_pairs import (
    AGREE,
    OLD_ALONE,
    ONNX_ALONE,
    OTHER_SIZE,
    OTHER_WEIGHTS,
    PAIRS,
    REASONS,
    both,
    names_of,
    runtime,
)


@pytest.fixture
def fixtures(shared_models):
    return shared_models / "nnabla_fixtures"


def test_every_pair_is_accounted_for(fixtures):
    names = names_of(fixtures)
    refused = [name for listed in REASONS.values() for name in listed]
    assert len(names) == PAIRS == len(AGREE) + len(ONNX_ALONE) + len(OLD_ALONE) + len(refused)
    assert {*AGREE, *ONNX_ALONE, *OLD_ALONE, *refused} == set(names)


def facts(op):
    """An operator's fields without its name and its arrays."""
    return type(op), {
        key: entry
        for key, entry in vars(op).items()
        if key not in ("name", "inputs", "output", "epsilon") and not isinstance(entry, np.ndarray)
    }


def with_weights_of(graph, other):
    """A graph of one operator with the arrays of another such graph."""
    (op,), (source,) = graph.operators, other.operators
    arrays = {key: entry for key, entry in vars(source).items() if isinstance(entry, np.ndarray) or key == "epsilon"}
    return replace(graph, operators=(replace(op, **arrays),))


@pytest.mark.parametrize("name", sorted(AGREE - OTHER_SIZE))
def test_a_pair_agrees(fixtures, name):
    nnp, proto, graph, values = both(fixtures, name)
    assert nnp is not None
    assert graph is not None
    assert set(graph.inputs) == set(nnp.inputs) == set(values)
    twin = with_weights_of(graph, nnp) if name in OTHER_WEIGHTS else graph
    generator = np.random.default_rng(3)
    for attempt in range(3):
        data = {
            key: np.asarray(array if attempt == 0 else generator.normal(0, 2, array.shape), np.float32)
            for key, array in values.items()
        }
        if name == "log":
            data = {key: np.abs(array) + np.float32(0.1) for key, array in data.items()}
        close(run_float(nnp, data), run_float(twin, data))
        close(run_float(graph, data), runtime(proto, data))


def close(actual, expected):
    assert len(actual) == len(expected)
    for one, other in zip(actual.values(), expected.values(), strict=True):
        assert one.shape == other.shape
        assert float(np.abs(one - other).max()) <= 2e-6 * max(float(np.abs(other).max()), 1e-30)


@pytest.mark.parametrize("name", sorted(OTHER_WEIGHTS | OTHER_SIZE))
def test_pairs_with_other_values_are_the_same_layer(fixtures, name):
    nnp, proto, graph, values = both(fixtures, name)
    assert [facts(op) for op in nnp.operators] == [facts(op) for op in graph.operators]


def test_layers_of_images_of_another_size_each_agree(fixtures):
    for name in OTHER_SIZE:
        nnp, proto, graph, _ = both(fixtures, name)
        small = np.random.default_rng(0).normal(size=(2, *graph.shapes["in_data_0"])).astype(np.float32)
        large = np.random.default_rng(0).normal(size=(2, *nnp.shapes["in_data_0"])).astype(np.float32)
        del proto.graph.output[0].type.tensor_type.shape.dim[:]
        for dim, size in zip(proto.graph.input[0].type.tensor_type.shape.dim, (2, *small.shape[1:]), strict=True):
            dim.dim_value = size
        close(run_float(graph, {"in_data_0": small}), current_runtime(proto, {"in_data_0": small}))
        for dim, size in zip(proto.graph.input[0].type.tensor_type.shape.dim, large.shape, strict=True):
            dim.dim_value = size
        close(run_float(nnp, {"in_data_0": large}), current_runtime(proto, {"in_data_0": large}))


@pytest.mark.parametrize("name", sorted(ONNX_ALONE))
def test_what_only_onnx_carries_agrees_with_onnxruntime(fixtures, name):
    _, proto, graph, values = both(fixtures, name)
    assert graph is not None
    data = {key: np.asarray(array, np.float32) for key, array in values.items()}
    close(run_float(graph, data), runtime(proto, data))


@pytest.mark.parametrize("name", OLD_ALONE)
def test_what_only_onnx_carries_of_old_opsets_agrees_with_numpy(fixtures, name):
    _, proto, graph, values = both(fixtures, name)
    assert graph is not None
    shape = (1, *graph.shapes["in_data_0"])
    left = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    constants = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in proto.graph.initializer}
    data = {"in_data_0": left}
    right = constants.get(proto.graph.node[0].input[1], values.get("bias_0"))
    if "bias_0" in graph.inputs:
        right = data["bias_0"] = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    else:
        right = right.reshape(1, *right.shape, *(1,) * (left.ndim - 1 - right.ndim))
    (found,) = run_float(graph, data).values()
    np.testing.assert_allclose(found, OLD_ALONE[name](left, right), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("reason", REASONS)
def test_what_is_not_carried_is_refused_by_name(fixtures, reason):
    for name in REASONS[reason]:
        _, _, graph, _ = both(fixtures, name)
        assert graph is None, name
