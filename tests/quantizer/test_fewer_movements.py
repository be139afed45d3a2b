"""Chains of movements as fewer: the same integers, and no more transpositions than there have to be."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from fpgaq.integer.graph import IntegerGraph, IntegerTranspose
from fpgaq.integer.reference import run
from fpgaq.model.importers.onnx.graph import load_onnx
from fpgaq.model.passes import standard_passes
from fpgaq.quantizer import fewer_movements as module
from fpgaq.quantizer import quantize
from fpgaq.quantizer.config import QuantizeOptions
from tests.support.onnx_models import model, node

KEPT = module.merge_movements


def both(nodes, shape, constants, monkeypatch) -> tuple[IntegerGraph, IntegerGraph]:
    """A network with its movements as they come, and merged; none of them in weights."""
    monkeypatch.setattr("fpgaq.quantizer.network.absorb_permutations", lambda network: network)
    graph = standard_passes(load_onnx(model(nodes, {"x": (1, *shape)}, constants=constants).SerializeToString()))
    samples = {"x": np.random.default_rng(1).normal(size=(3, *shape)).astype(np.float32)}
    merged = quantize(graph, samples, QuantizeOptions(method="max"))
    monkeypatch.setattr("fpgaq.quantizer.network.merge_movements", lambda network: network)
    plain = quantize(graph, samples, QuantizeOptions(method="max"))
    return plain, merged


def count(graph: IntegerGraph) -> int:
    return sum(isinstance(op, IntegerTranspose) for op in graph.operators)


def layers(channels: int, between, outputs: int, monkeypatch, shape):
    """A convolution, movements from "a" to "b", and a convolution."""
    chance = np.random.default_rng(0)
    nodes = [node("Conv", "x w", "a"), *between, node("Conv", "b v", "y")]
    constants = {
        "w": chance.normal(size=(channels, shape[0], 1, 1)).astype(np.float32),
        "v": chance.normal(size=(2, outputs, 1, 1)).astype(np.float32),
    }
    return nodes, constants


def check(plain: IntegerGraph, merged: IntegerGraph, most: int) -> None:
    for key, values in run(plain, dict(plain.samples)).items():
        np.testing.assert_array_equal(run(merged, dict(merged.samples))[key], values)
    assert count(merged) <= most and count(merged) <= count(plain)
    assert KEPT(merged).operators == merged.operators or count(KEPT(merged)) == count(merged)


@pytest.mark.parametrize(("groups", "each"), [(2, 2), (2, 3), (3, 2), (4, 2), (2, 8), (5, 3)])
@pytest.mark.parametrize("size", [(1, 1), (1, 6), (4, 3), (5, 5)])
def test_a_shuffle_of_channels_is_one_transposition(groups, each, size, monkeypatch):
    channels = groups * each
    between = [
        node("Reshape", "a s", "p"),
        node("Transpose", "p", "q", perm=[0, 2, 1, 3, 4]),
        node("Reshape", "q t", "b"),
    ]
    nodes, constants = layers(channels, between, channels, monkeypatch, (2, *size))
    constants |= {"s": np.array([1, groups, each, *size]), "t": np.array([1, channels, *size])}
    plain, merged = both(nodes, (2, *size), constants, monkeypatch)
    check(plain, merged, 1)
    assert count(merged) == 1


@pytest.mark.parametrize("mode", ["DCR", "CRD"])
@pytest.mark.parametrize(("block", "shape"), [(2, (4, 3, 2)), (2, (8, 2, 5)), (3, (9, 2, 2)), (2, (4, 1, 4))])
def test_depth_to_space_takes_two(mode, block, shape, monkeypatch):
    channels = shape[0] // block**2
    between = [node("DepthToSpace", "a", "b", blocksize=block, mode=mode)]
    nodes, constants = layers(shape[0], between, channels, monkeypatch, (2, *shape[1:]))
    check(*both(nodes, (2, *shape[1:]), constants, monkeypatch), 2)


ORDERS = [list(order) for order in itertools.permutations(range(1, 5))]


@pytest.mark.parametrize("order", ORDERS, ids=str)
def test_every_order_of_four_axes(order, monkeypatch):
    """(channels in two parts, rows, columns) in any order, back as channels, rows and columns."""
    sizes = [2, 3, 4, 5]
    moved = [sizes[axis - 1] for axis in order]
    between = [
        node("Reshape", "a s", "p"), node("Transpose", "p", "q", perm=[0, *order]), node("Reshape", "q t", "b"),
    ]  # fmt: skip
    nodes, constants = layers(6, between, moved[0] * moved[1], monkeypatch, (2, 4, 5))
    constants |= {"s": np.array([1, *sizes]), "t": np.array([1, moved[0] * moved[1], *moved[2:]])}
    check(*both(nodes, (2, 4, 5), constants, monkeypatch), 3)


def test_digits_of_orders_that_are_no_axes():
    assert module._digits(np.array([0, 2, 1, 3])) == [(2, 1), (2, 2)]
    assert module._digits(np.arange(12)) == [(12, 1)]
    for order in ([0, 1, 3, 2], [1, 0], [0, 2, 4, 1, 3, 5, 6, 7]):
        assert module._digits(np.array(order)) is None
