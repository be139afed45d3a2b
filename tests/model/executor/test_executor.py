from __future__ import annotations

import re

import numpy as np
import pytest

from fpgaq.base.errors import ModelError
from fpgaq.model.executor import IMPLEMENTATIONS, run_float
from fpgaq.model.graph import (
    OPERATORS,
    Add,
    Affine,
    AveragePooling,
    Concatenate,
    Convolution,
    Deconvolution,
    Graph,
    MaxPooling,
    Multiply,
    Slice,
    check,
    infer_shape,
)
from fpgaq.model.importers import from_nnabla, load
from fpgaq.model.passes import standard_passes
from tests.support.nnabla_networks import NETWORKS, make

PARITY = 2e-6
"""The difference that float32 sums in another order may have, relative to a tensor's largest magnitude."""


def relative(found: np.ndarray, expected: np.ndarray) -> float:
    return float(np.abs(found - expected).max() / np.abs(expected).max())


def nnabla_tensors(y) -> list[np.ndarray]:
    """The result of every function in forward order."""
    found = []
    y.forward()
    y.visit(lambda function: found.append(function.outputs[0].d.copy()))
    return found


@pytest.mark.nnabla
@pytest.mark.parametrize("name", NETWORKS)
def test_every_tensor_agrees_with_nnabla(nnabla, name: str) -> None:
    x, y = make(nnabla, name)
    y.persistent = True
    y.visit(lambda function: setattr(function.outputs[0], "persistent", True))
    x.d = np.random.default_rng(3).uniform(0, 255 if name in ("lenet", "preprocessed") else 1, x.shape)
    expected = nnabla_tensors(y)
    graph = from_nnabla(y, name)
    results = run_float(graph, {graph.inputs[0]: x.d}, keep=True)
    # One function may be several operators, whose inner results carry the name of its output and a slash.
    inner = re.compile(r"/(row|result|pooled|spread\d)$")
    operators = [op for op in graph.operators if not inner.search(op.output)]
    assert len(expected) == len(operators)
    for op, tensor in zip(operators, expected, strict=True):
        assert relative(results[op.output], tensor) < PARITY, op.name


@pytest.mark.nnabla
@pytest.mark.parametrize("name", NETWORKS)
def test_passes_keep_the_result(nnabla, name: str) -> None:
    x, y = make(nnabla, name)
    data = np.random.default_rng(4).uniform(0, 255 if name in ("lenet", "preprocessed") else 1, (20, *x.shape[1:]))
    graph = from_nnabla(y, name)
    folded = standard_passes(graph)
    before = run_float(graph, {graph.inputs[0]: data}, keep=True)
    logits = graph.operators[-1].input if folded.classifier else graph.outputs[0]
    after = run_float(folded, {folded.inputs[0]: data})
    assert relative(after[folded.outputs[0]], before[logits]) < 5e-6


@pytest.mark.nnabla
def test_lenet_file_agrees_with_nnabla(nnabla, shared_models) -> None:
    from nnabla.utils.nnp_graph import NnpLoader

    path = shared_models / "lenet_010000.nnp"
    network = NnpLoader(str(path)).get_network("runtime", batch_size=100)
    images = np.load(shared_models / "mnist_t10k_even1000.npz")["x"][:100].reshape(-1, 1, 28, 28)
    network.inputs["x"].d = images
    network.outputs["y"].forward()
    assert relative(run_float(load(path), {"x": images})["y"], network.outputs["y"].d) < PARITY


def test_lenet_file_classifies(shared_models) -> None:
    data = np.load(shared_models / "mnist_t10k_even1000.npz")
    graph = load(shared_models / "lenet_010000.nnp")
    images = data["x"].reshape(-1, 1, 28, 28)
    for network in (graph, standard_passes(graph)):
        assert (run_float(network, {"x": images})["y"].argmax(1) == data["y"]).mean() == 0.993


def convolution_by_loops(x: np.ndarray, op: Convolution, shape: tuple[int, ...]) -> np.ndarray:
    """The definition, in float64."""
    result = np.zeros((len(x), *shape))
    top, _, left, _ = op.padding
    per_input, per_output = op.weight.shape[1], op.weight.shape[0] // op.groups
    for index in np.ndindex(*shape):
        channel, row, column = index
        first = channel // per_output * per_input
        for tap in np.ndindex(*op.weight.shape[1:]):
            i = row * op.stride[0] + tap[1] * op.dilation[0] - top
            j = column * op.stride[1] + tap[2] * op.dilation[1] - left
            inside = 0 <= i < x.shape[2] and 0 <= j < x.shape[3]
            value = x[:, first + tap[0], i, j].astype(np.float64) if inside else op.padding_value
            result[(slice(None), *index)] += value * float(op.weight[(channel, *tap)])
    return result if op.bias is None else result + op.bias[:, None, None]


@pytest.mark.parametrize("seed", range(12))
def test_convolution_is_the_definition(seed: int) -> None:
    generator = np.random.default_rng(seed)
    groups = int(generator.choice([1, 2, 4]))
    kernel, stride = generator.integers(1, 4, 2), generator.integers(1, 4, 2)
    dilation, padding = generator.integers(1, 3, 2), tuple(int(p) for p in generator.integers(0, 3, 4))
    weight = generator.normal(size=(4, 4 // groups, *kernel)).astype(np.float32)
    bias = generator.normal(size=4).astype(np.float32) if seed % 2 else None
    pair = tuple[int, int]
    stride_pair: pair = (int(stride[0]), int(stride[1]))
    dilation_pair: pair = (int(dilation[0]), int(dilation[1]))
    op = Convolution("c", ("x",), "y", weight, bias, stride_pair, padding, dilation_pair, groups, padding_value=0.75)
    size = (9, 7)
    spans = [
        (size[axis] + padding[2 * axis] + padding[2 * axis + 1] - dilation[axis] * (kernel[axis] - 1) - 1)
        // stride[axis]
        for axis in (0, 1)
    ]
    shape = (4, int(spans[0]) + 1, int(spans[1]) + 1)
    graph = Graph("n", ("x",), ("y",), (op,), {"x": (4, *size), "y": shape})
    x = generator.normal(size=(3, 4, *size)).astype(np.float32)
    assert relative(run_float(graph, {"x": x})["y"], convolution_by_loops(x, op, shape)) < PARITY


def test_batches_do_not_matter() -> None:
    generator = np.random.default_rng(0)
    weight = generator.normal(size=(3, 8)).astype(np.float32)
    graph = Graph("n", ("x",), ("y",), (Affine("a", ("x",), "y", weight, None),), {"x": (2, 2, 2), "y": (3,)})
    x = generator.integers(-4, 5, (11, 2, 2, 2)).astype(np.float32)
    whole = run_float(graph, {"x": x})["y"]
    assert whole.shape == (11, 3) and whole.dtype == np.float32
    np.testing.assert_allclose(run_float(graph, {"x": x}, batch_size=3)["y"], whole, rtol=1e-6)
    assert run_float(graph, {"x": x[:0]})["y"].shape == (0, 3)


def test_padding_never_wins_a_maximum() -> None:
    op = MaxPooling("p", ("x",), "y", (2, 2), (2, 2), (1, 1, 1, 1))
    graph = Graph("n", ("x",), ("y",), (op,), {"x": (1, 2, 2), "y": (1, 2, 2)})
    x = np.array([[[[-1, -2], [-3, -4]]]], np.float32)
    np.testing.assert_array_equal(run_float(graph, {"x": x})["y"], x)


def test_unfit_inputs_are_refused() -> None:
    graph = Graph(
        "n", ("x",), ("y",), (MaxPooling("p", ("x",), "y", (1, 1), (1, 1)),), {"x": (1, 2, 2), "y": (1, 2, 2)}
    )
    with pytest.raises(ModelError, match=r"data for input 'x' has shape \(2, 2\); expected \(batch, \*\(1, 2, 2\)\)"):
        run_float(graph, {"x": np.zeros((2, 2))})
    with pytest.raises(ModelError, match=r"data for inputs \['z'\] given; network 'n' has \['x'\]"):
        run_float(graph, {"z": np.zeros((2, 1, 2, 2))})


def deconvolution_by_loops(x: np.ndarray, op: Deconvolution, shape: tuple[int, ...]) -> np.ndarray:
    """The definition, in float64: each input pixel scattered through the kernel."""
    result = np.zeros((len(x), *shape))
    per_input, per_output = x.shape[1] // op.groups, shape[0] // op.groups
    for channel, row, column in np.ndindex(*x.shape[1:]):
        first = channel // per_input * per_output
        for output, tap_row, tap_column in np.ndindex(*op.weight.shape[1:]):
            i = row * op.stride[0] + tap_row * op.dilation[0] - op.padding[0]
            j = column * op.stride[1] + tap_column * op.dilation[1] - op.padding[2]
            if 0 <= i < shape[1] and 0 <= j < shape[2]:
                weight = float(op.weight[channel, output, tap_row, tap_column])
                result[:, first + output, i, j] += x[:, channel, row, column].astype(np.float64) * weight
    return result if op.bias is None else result + op.bias[:, None, None]


@pytest.mark.parametrize("seed", range(16))
def test_deconvolution_is_the_definition(seed: int) -> None:
    generator = np.random.default_rng(seed)
    groups = int(generator.choice([1, 2]))
    kernel, stride, dilation = (tuple(int(n) for n in generator.integers(1, 4, 2)) for _ in range(3))
    padding = tuple(int(generator.integers(0, min(1, kernel[axis // 2] - 1) + 1)) for axis in range(4))
    extra = tuple(int(generator.integers(0, n)) for n in stride)
    weight = generator.normal(size=(4, 3, *kernel)).astype(np.float32)
    bias = generator.normal(size=3 * groups).astype(np.float32) if seed % 2 else None
    op = Deconvolution("d", ("x",), "y", weight, bias, stride, padding, dilation, groups, extra)
    x = generator.normal(size=(2, 4, 5, 4)).astype(np.float32)
    shape = infer_shape(op, (4, 5, 4), ())
    graph = check(Graph("n", ("x",), ("y",), (op,), {"x": (4, 5, 4), "y": shape}))
    expected = deconvolution_by_loops(x, op, shape)
    assert np.abs(run_float(graph, {"x": x})["y"] - expected).max() < PARITY * np.abs(expected).max()


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("count", [True, False])
def test_average_pooling_is_the_definition(seed: int, count: bool) -> None:
    generator = np.random.default_rng(seed)
    kernel, stride = (tuple(int(n) for n in generator.integers(1, 5, 2)) for _ in range(2))
    padding = tuple(int(generator.integers(0, kernel[axis // 2])) for axis in range(4))
    op = AveragePooling("a", ("x",), "y", kernel, stride, padding, count)
    shape = infer_shape(op, (2, 6, 7), ())
    graph = check(Graph("n", ("x",), ("y",), (op,), {"x": (2, 6, 7), "y": shape}))
    x = generator.normal(size=(3, 2, 6, 7)).astype(np.float32)
    expected = np.zeros((3, *shape))
    for row, column in np.ndindex(*shape[1:]):
        top, left = row * stride[0] - padding[0], column * stride[1] - padding[2]
        window = x[:, :, max(top, 0) : max(top + kernel[0], 0), max(left, 0) : max(left + kernel[1], 0)]
        pixels = kernel[0] * kernel[1] if count else window.shape[2] * window.shape[3]
        expected[:, :, row, column] = window.astype(np.float64).sum(axis=(2, 3)) / pixels
    assert relative(run_float(graph, {"x": x})["y"], expected) < PARITY


def test_several_inputs_and_outputs() -> None:
    operators = (
        Add("s", ("a", "b", "a"), "h", (1, -1, -1)),
        Multiply("m", ("h", "b"), "y"),
        Concatenate("c", ("h", "b"), "z"),
        Slice("p", ("z",), "w", (1, 0)),
    )
    shapes = {"a": (2, 3), "b": (2, 3), "h": (2, 3), "y": (2, 3), "z": (4, 3), "w": (2, 2)}
    graph = check(Graph("n", ("a", "b"), ("y", "z", "w"), operators, shapes))
    a, b = np.arange(12).reshape(2, 2, 3), np.arange(12).reshape(2, 2, 3) % 5
    found = run_float(graph, {"a": a, "b": b})
    np.testing.assert_array_equal(found["y"], -b * b)
    np.testing.assert_array_equal(found["z"], np.concatenate([-b, b], axis=1))
    np.testing.assert_array_equal(found["w"], found["z"][:, 1:3, :2])


def test_every_operator_is_computed() -> None:
    assert set(IMPLEMENTATIONS) == set(OPERATORS)
