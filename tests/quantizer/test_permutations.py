"""Movements that go into weights: the same integers at the outputs, and nothing that moves."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from fpgaq.hardware.lowering import lower
from fpgaq.integer.graph import IntegerConvolution, IntegerReshape, IntegerTranspose
from fpgaq.integer.reference import run, to_model_layout
from fpgaq.model.importers.onnx.graph import load_onnx
from fpgaq.model.passes import standard_passes
from fpgaq.quantizer import quantize
from fpgaq.quantizer.config import QuantizeOptions
from tests.support.onnx_models import model, node

CHANCE = np.random.default_rng(3)


def real(*shape):
    return CHANCE.normal(size=shape).astype(np.float32)


def both(monkeypatch, nodes, shape, constants, **options):
    """Movements left of a network and of the same with movements in weights; the integers are equal."""
    graph = standard_passes(load_onnx(model(nodes, {"x": (1, *shape)}, constants=constants).SerializeToString()))
    samples = {"x": np.random.default_rng(1).normal(size=(4, *shape)).astype(np.float32)}
    wanted = QuantizeOptions(method="max", **options)
    free = quantize(graph, samples, wanted)
    with monkeypatch.context() as patch:
        patch.setattr("fpgaq.quantizer.network.absorb_permutations", lambda network: network)
        plain = quantize(graph, samples, wanted)
    found = run(free, dict(free.samples))
    for name, values in run(plain, dict(plain.samples)).items():
        np.testing.assert_array_equal(found[name], values)
    return [[op for op in one.operators if isinstance(op, IntegerTranspose | IntegerReshape)] for one in (plain, free)]


def shuffle(source, target, groups, channels, size):
    nodes = [
        node("Reshape", f"{source} s", f"{target}p"),
        node("Transpose", f"{target}p", f"{target}q", perm=[0, 2, 1, 3, 4]),
        node("Reshape", f"{target}q t", target),
    ]
    shapes = {"s": np.array([-1, groups, channels // groups, *size]), "t": np.array([-1, channels, *size])}
    return nodes, shapes


@pytest.mark.parametrize(("groups", "channels"), [(2, 4), (2, 6), (3, 6), (4, 12)])
@pytest.mark.parametrize("size", [(1, 6), (4, 3)])
@pytest.mark.parametrize("per_channel", [False, True])
def test_a_shuffle_before_a_convolution_is_free(monkeypatch, groups, channels, size, per_channel):
    nodes, shapes = shuffle("a", "b", groups, channels, size)
    nodes = [node("Conv", "x w", "a"), *nodes, node("Conv", "b v", "y")]
    constants = {**shapes, "w": real(channels, 2, 1, 1), "v": real(3, channels, 1, 1)}
    plain, free = both(monkeypatch, nodes, (2, *size), constants, per_channel=per_channel)
    assert plain and not free


@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize("after", ["depthwise", "function"])
def test_a_shuffle_after_a_convolution_is_free(monkeypatch, after, per_channel):
    """Where what follows does not take it in."""
    nodes, shapes = shuffle("a", "b", 2, 6, (3, 4))
    last = {
        "depthwise": [node("Conv", "b v", "y", group=6)],
        "function": [node("Sigmoid", "b", "c"), node("Conv", "c v", "y", group=6)],
    }[after]
    nodes = [node("Conv", "x w u", "a"), *nodes, *last]
    constants = {**shapes, "w": real(6, 2, 1, 1) * np.logspace(-1, 1, 6, dtype=np.float32).reshape(6, 1, 1, 1)}
    constants |= {"u": real(6), "v": real(6, 1, 1, 1)}
    plain, free = both(monkeypatch, nodes, (2, 3, 4), constants, per_channel=per_channel)
    assert plain and not free


@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize("end", ["convolution", "product", "depthwise", "pooled"])
def test_a_shuffle_passes_layers_that_work_on_each_channel(monkeypatch, end, per_channel):
    """From between grouped convolutions to the next layer that has all channels."""
    nodes, shapes = shuffle("a", "b", 2, 6, (3, 4))
    nodes = [node("Conv", "x w u", "a", group=2), *nodes, node("Conv", "b d e", "c", group=6, pads=[1, 1, 1, 1])]
    nodes += {
        "convolution": [node("Conv", "c v", "y")],
        "product": [node("Flatten", "c", "f"), node("Gemm", "f m", "y")],
        "depthwise": [node("Sigmoid", "c", "f"), node("Conv", "f d", "g", group=6), node("Conv", "g v", "y")],
        "pooled": [node("AveragePool", "c", "f", kernel_shape=[2, 2]), node("Conv", "f v", "y")],
    }[end]
    large = np.logspace(-1, 1, 6, dtype=np.float32).reshape(6, 1, 1, 1)
    constants = {"w": real(6, 2, 1, 1) * large, "u": real(6), "d": real(6, 1, 3, 3) / large, "e": real(6)}
    constants |= {**shapes, "v": real(5, 6, 1, 1), "m": real(6 * 3 * 4, 3)}
    plain, free = both(monkeypatch, nodes, (4, 3, 4), constants, per_channel=per_channel)
    assert plain and not free


@pytest.mark.parametrize("per_channel", [False, True])
def test_a_shuffle_passes_back_to_a_layer_with_all_channels(monkeypatch, per_channel):
    nodes, shapes = shuffle("c", "d", 3, 6, (3, 4))
    nodes = [
        node("Conv", "x w u", "a"), node("Conv", "a k e", "b", group=6), node("PRelu", "b p", "c"), *nodes,
        node("Conv", "d v", "y", group=2),
    ]  # fmt: skip
    constants = {**shapes, "w": real(6, 4, 1, 1), "u": real(6), "k": real(6, 1, 1, 1), "e": real(6)}
    constants |= {"p": np.abs(real(6, 1, 1)), "v": real(4, 3, 1, 1)}
    plain, free = both(monkeypatch, nodes, (4, 3, 4), constants, per_channel=per_channel)
    assert plain and not free


@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize("grouped", ["before", "after"])
def test_a_shuffle_inside_groups_is_free(monkeypatch, grouped, per_channel):
    """Of twelve channels in two groups those of each group change places."""
    shapes = {"s": np.array([-1, 2, 2, 3, 3, 4]), "t": np.array([-1, 12, 3, 4])}
    moves = [
        node("Reshape", "a s", "p"),
        node("Transpose", "p", "q", perm=[0, 1, 3, 2, 4, 5]),
        node("Reshape", "q t", "b"),
    ]
    groups = {"before": (2, 3), "after": (3, 2)}[grouped]
    nodes = [node("Conv", "x w u", "a", group=groups[0]), *moves, node("Conv", "b v", "y", group=groups[1])]
    constants = {**shapes, "w": real(12, 12 // groups[0], 1, 1), "u": real(12), "v": real(6, 12 // groups[1], 1, 1)}
    plain, free = both(monkeypatch, nodes, (12, 3, 4), constants, per_channel=per_channel)
    assert plain and not free


@pytest.mark.parametrize(("groups", "channels"), [(2, 4), (3, 6), (4, 12)])
@pytest.mark.parametrize("size", [(1, 6), (4, 3)])
def test_a_shuffle_at_the_end_gives_pixels(monkeypatch, groups, channels, size):
    """All channels of a pixel, whose order is that of the model, and not parts of them one after another."""
    nodes, shapes = shuffle("a", "y", groups, channels, size)
    nodes = [node("Conv", "x w", "a", group=2), *nodes]
    constants = {**shapes, "w": real(channels, 1, 1, 1)}
    graph = standard_passes(load_onnx(model(nodes, {"x": (1, 2, *size)}, constants=constants).SerializeToString()))
    samples = {"x": np.random.default_rng(1).normal(size=(4, 2, *size)).astype(np.float32)}
    found = quantize(graph, samples, QuantizeOptions(method="max"))
    monkeypatch.setattr("fpgaq.quantizer.network.with_pixels_at_outputs", lambda network: network)
    plain = quantize(graph, samples, QuantizeOptions(method="max"))
    (name,) = found.outputs
    assert found.tensors[name].shape == (*size, channels) != plain.tensors[name].shape
    results = [to_model_layout(net, name, run(net, dict(net.samples))[name]) for net in (plain, found)]
    np.testing.assert_array_equal(*results)
    assert sum(isinstance(op, IntegerTranspose) and bool(op.view) for op in lower(found).operators) == 1


@pytest.mark.parametrize("order", [order for order in itertools.permutations((1, 2, 3)) if order != (1, 2, 3)])
def test_any_order_before_a_matrix_product_is_free(monkeypatch, order):
    nodes = [
        node("Conv", "x w", "a"), node("Relu", "a", "r"), node("Transpose", "r", "b", perm=[0, *order]),
        node("Flatten", "b", "c"), node("Gemm", "c v", "y"),
    ]  # fmt: skip
    constants = {"w": real(4, 2, 1, 1), "v": real(4 * 3 * 5, 3)}
    plain, free = both(monkeypatch, nodes, (2, 3, 5), constants)
    assert not free and plain


@pytest.mark.parametrize("block", [2, 3])
@pytest.mark.parametrize("mode", ["DCR", "CRD"])
@pytest.mark.parametrize("size", [(2, 2), (2, 3)])
def test_the_part_of_a_pixel_shuffle_that_keeps_pixels_is_free(monkeypatch, block, mode, size):
    """Of four transpositions two are left, which move pixels; in DCR the order of steps hides one of the others."""
    nodes = [
        node("Conv", "x w u", "a"), node("DepthToSpace", "a", "b", blocksize=block, mode=mode),
        node("Sigmoid", "b", "c"), node("SpaceToDepth", "c", "d", blocksize=block), node("Conv", "d v", "y"),
    ]  # fmt: skip
    constants = {"w": real(2 * block**2, 2, 1, 1), "u": real(2 * block**2), "v": real(3, 2 * block**2, 1, 1)}
    plain, free = both(monkeypatch, nodes, (2, *size), constants)
    counts = [sum(isinstance(op, IntegerTranspose) for op in ops) for ops in (plain, free)]
    assert counts == [4, 3 if mode == "DCR" else 2]


def test_what_others_read_stays(monkeypatch):
    """A grouped convolution takes no shuffle, and a second reader keeps it."""
    nodes, shapes = shuffle("a", "b", 2, 4, (3, 3))
    nodes = [node("Conv", "x w", "a", group=2), *nodes, node("Conv", "b v", "y", group=2)]
    constants = {**shapes, "w": real(4, 1, 1, 1), "v": real(4, 2, 1, 1)}
    plain, kept = both(monkeypatch, nodes, (2, 3, 3), constants)
    assert len(kept) == len(plain) > 0
    nodes, shapes = shuffle("a", "b", 2, 4, (3, 3))
    nodes = [node("Conv", "x w", "a", group=2), *nodes, node("Conv", "b v", "c"), node("Add", "b c", "y")]
    plain, kept = both(monkeypatch, nodes, (2, 3, 3), {**constants, **shapes, "v": real(4, 4, 1, 1)})
    assert len(kept) == len(plain) > 0


def test_the_weights_are_those_of_the_other_order():
    """What stands in the weights is the shuffle: channel 1 after it is channel 2 before it."""
    nodes, shapes = shuffle("a", "b", 2, 4, (2, 2))
    nodes = [node("Conv", "x w", "a"), *nodes, node("Conv", "b v", "y")]
    eye = np.eye(4, dtype=np.float32).reshape(4, 4, 1, 1)
    weight = np.float32([1, 2, 3, 4]).reshape(1, 4, 1, 1) / 4
    proto = model(nodes, {"x": (1, 4, 2, 2)}, constants={**shapes, "w": eye, "v": weight})
    graph = standard_passes(load_onnx(proto.SerializeToString()))
    samples = {"x": np.random.default_rng(1).normal(size=(4, 4, 2, 2)).astype(np.float32)}
    integer = quantize(graph, samples, QuantizeOptions(method="max"))
    last = [op for op in integer.operators if isinstance(op, IntegerConvolution)][-1]
    assert list(np.argsort(last.weight.reshape(-1))) == [0, 2, 1, 3]
