"""Layers after a cut make up for their loss."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import fpgaq.study.pruning.least_squares as room
import fpgaq.study.pruning.readings as readings
from fpgaq.model.executor import run_float
from fpgaq.model.executor.windows import convolve
from fpgaq.model.graph import Affine, Convolution, Graph
from fpgaq.study.pruning.least_squares import refit
from fpgaq.study.pruning.shrinkage import rebuild
from fpgaq.study.pruning.units import Mask, Units, find_units
from tests.study.pruning.test_shrinkage import random_mask
from tests.support.float_networks import affine, chain, convolution, relu, samples
from tests.support.random_graphs import random_graph, random_inputs


def without(units: Units, tensor: str, channel: int) -> Mask:
    keep = units.everything()
    keep[units.channels(tensor)[channel]] = False
    return keep


def with_twins(op: Convolution) -> Convolution:
    """The second channel is twice the first."""
    assert op.bias is not None
    weight, bias = op.weight.copy(), op.bias.copy()
    weight[1], bias[1] = 2 * weight[0], 2 * bias[0]
    return replace(op, weight=weight, bias=bias)


@pytest.mark.parametrize(
    "reader",
    [
        convolution(5, 4, 2, "reader", padding=(1, 1, 1, 1)),
        convolution(5, 4, 3, "reader", stride=(2, 1), padding=(0, 1, 1, 0)),
        replace(convolution(5, 4, 4, "reader", dilation=(2, 2)), bias=None),
        affine(5, 4 * 6 * 6, 5, "reader"),
    ],
)
def test_what_a_channel_said_that_another_says_too_is_not_lost(reader: Convolution | Affine) -> None:
    first = with_twins(convolution(4, 2, 1, "first"))
    graph = chain((2, 8, 8), first, relu(), reader)
    units, inputs = find_units(graph), samples(400, 2, 8, 8)
    keep = without(units, "t1", 1)
    pruned = rebuild(units, keep, inputs)
    (expected,), (cut,) = (run_float(one, inputs).values() for one in (graph, pruned))
    (found,) = run_float(refit(units, keep, pruned, inputs), samples(50, 2, 8, 8, seed=9)).values()
    (wanted,) = run_float(graph, samples(50, 2, 8, 8, seed=9)).values()
    assert np.abs(cut - expected).max() > 0.1 * np.abs(expected).max()
    assert np.abs(found - wanted).max() <= 1e-3 * np.abs(wanted).max()


def test_only_layers_behind_a_cut_change() -> None:
    graph = chain((2, 8, 8), convolution(4, 2, 1, "first"), relu(), convolution(4, 4, 2, "second"), relu(),
                  convolution(4, 4, 3, "third"))  # fmt: skip
    units, inputs = find_units(graph), samples(64, 2, 8, 8)
    keep = without(units, "t3", 0)
    pruned = rebuild(units, keep, inputs)
    fitted = refit(units, keep, pruned, inputs)
    changed = [small is not op for op, small in zip(pruned.operators, fitted.operators, strict=True)]
    assert changed == [False, False, False, False, True]
    nothing = units.everything()
    assert refit(units, nothing, graph, inputs).operators == graph.operators


def test_groups_are_fitted_one_by_one() -> None:
    """Both groups lose the like channel, and have a twin of it."""
    first = convolution(8, 2, 1, "first")
    weight, bias = first.weight.copy(), first.bias.copy()
    weight[[1, 5]], bias[[1, 5]] = weight[[0, 4]], bias[[0, 4]]
    graph = chain((2, 8, 8), replace(first, weight=weight, bias=bias), relu(), convolution(6, 8, 2, "second", groups=2))
    units, inputs = find_units(graph), samples(300, 2, 8, 8)
    keep = without(units, "t1", 1)
    assert not keep[units.channels("t1")[5]]
    fitted = refit(units, keep, rebuild(units, keep, inputs), inputs)
    (expected,), (found,) = (run_float(one, inputs).values() for one in (graph, fitted))
    assert np.abs(found - expected).max() <= 1e-3 * np.abs(expected).max()


def test_a_depthwise_layer_finds_the_weights_that_explain_its_outputs() -> None:
    op, other = (convolution(3, 3, seed, "depthwise", groups=3) for seed in (1, 2))
    x = samples(100, 3, 8, 8)["t0"]
    fitted = room._fitted(op, x, convolve(x, other, (3, 6, 6)))
    assert isinstance(fitted, Convolution) and fitted.bias is not None and other.bias is not None
    np.testing.assert_allclose(fitted.weight, other.weight, atol=1e-3)
    np.testing.assert_allclose(fitted.bias, other.bias, atol=1e-3)


def test_no_change_is_made_that_the_other_half_of_the_samples_contradicts() -> None:
    random = np.random.default_rng(3)
    op = affine(3, 40, 1)
    x, said = (random.normal(size=(12, size)).astype(np.float32).repeat(2, axis=0) for size in (40, 3))
    said[1::2] *= -1
    assert room._fitted(op, x, x @ op.weight.T + op.bias + said) is op


def test_what_is_left_as_it_was(monkeypatch) -> None:
    graph = chain((2, 8, 8), convolution(4, 2, 1, "first"), relu(), convolution(5, 4, 2, "second"))
    units, inputs = find_units(graph), samples(64, 2, 8, 8)
    keep = without(units, "t1", 1)
    pruned = rebuild(units, keep, inputs)
    assert refit(units, keep, pruned, inputs).operators[2] is not pruned.operators[2]
    assert refit(units, keep, pruned, samples(1, 2, 8, 8)).operators[2] is pruned.operators[2]
    monkeypatch.setattr(readings, "MOST_ELEMENTS", 3 * 4 * 6 * 6)
    few = {name: np.asarray(array)[[0, 31, 63]] for name, array in inputs.items()}
    assert refit(units, keep, pruned, inputs).operators[2].weight.tolist() == (
        refit(units, keep, pruned, few).operators[2].weight.tolist()
    )
    monkeypatch.setattr(room, "MOST_TAPS", 20)
    assert refit(units, keep, pruned, inputs).operators[2] is pruned.operators[2]


def test_few_samples_are_solved_by_their_number_and_alike() -> None:
    op, random = affine(5, 36, 1, "reader"), np.random.default_rng(2)
    x, wanted = random.normal(size=(20, 36)).astype(np.float32), random.normal(size=(20, 5)).astype(np.float32)
    start = np.concatenate([op.weight, op.bias[:, None]], axis=1)[None].astype(np.float64)
    halves = room._equations(op, x, wanted, start)
    assert all(isinstance(half, room._Rows) for half in halves)
    sums = [room._Products(np.zeros((1, 37, 37)), np.zeros((1, 5, 37))) for _ in halves]
    for half, other in zip(halves, sums, strict=True):
        other.add(half.taken, half.missing)
    for damping in room.DAMPINGS:
        change = halves[0].solved(damping)
        np.testing.assert_allclose(change, sums[0].solved(damping), rtol=1e-6, atol=1e-9)
        np.testing.assert_allclose(halves[1].gain(change), sums[1].gain(change), rtol=1e-9)
    np.testing.assert_allclose(room._change(*halves), room._change(*sums), rtol=1e-6, atol=1e-9)
    twice = room._equations(op, np.concatenate([x, x]), np.concatenate([wanted, wanted]), start)
    assert all(isinstance(half, room._Products) for half in twice)


@pytest.mark.parametrize("seed", range(60))
def test_random_graphs_keep_their_layers(seed: int) -> None:
    graph: Graph = random_graph(seed)
    units, inputs = find_units(graph), random_inputs(graph, count=6, seed=seed)
    keep = random_mask(units, np.random.default_rng(seed))
    pruned = rebuild(units, keep, inputs)
    fitted = refit(units, keep, pruned, inputs)
    assert fitted.shapes == pruned.shapes
    assert [(type(op), op.name, op.inputs) for op in fitted.operators] == [
        (type(op), op.name, op.inputs) for op in pruned.operators
    ]
    assert all(np.isfinite(array).all() for array in run_float(fitted, inputs).values())
