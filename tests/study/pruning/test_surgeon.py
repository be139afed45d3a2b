"""The lasting loss of a unit's readers, against least squares solved the long way."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

import fpgaq.study.pruning.surgeon as room
from fpgaq.base.errors import UsageError
from fpgaq.model.executor import run_float
from fpgaq.model.graph import Add, Affine, Convolution, Deconvolution, Graph
from fpgaq.study.pruning.groups import find_groups
from fpgaq.study.pruning.importance import Scores, Statistics
from fpgaq.study.pruning.readings import columns
from fpgaq.study.pruning.surgeon import lasting_loss
from fpgaq.study.pruning.units import Units, find_units
from tests.study.pruning.test_least_squares import with_twins
from tests.study.pruning.test_units import network
from tests.support.float_networks import affine, chain, convolution, relu, samples
from tests.support.random_graphs import random_graph, random_inputs


def deconvolution() -> Deconvolution:
    weight = np.random.default_rng(6).normal(size=(4, 3, 2, 2)).astype(np.float32)
    return Deconvolution("reader", ("",), "", weight, None, stride=(2, 2))


READERS = [
    convolution(5, 4, 2, "reader", padding=(1, 1, 1, 1)),
    convolution(5, 4, 3, "reader", stride=(2, 1), padding=(0, 1, 1, 0)),
    affine(5, 4 * 6 * 6, 5, "reader"),
    deconvolution(),
]


def shares(op: Convolution | Deconvolution | Affine, x: np.ndarray, kept: list[int], pixels: int) -> Iterator[float]:
    """By group, the share of the outputs' power that no weights on the kept units, and on a constant, bring back."""
    groups = getattr(op, "groups", 1)
    taken = np.concatenate([block for _, block in columns(op, x, pixels)]).astype(np.float64)
    weight = op.weight.astype(np.float64)
    weight = (
        weight.reshape(4, -1).T[None] if isinstance(op, Deconvolution) else weight.reshape(groups, -1, taken.shape[2])
    )
    for group in range(groups):
        rows = taken[:, group].transpose(0, 2, 1).reshape(-1, taken.shape[2])
        channel = np.arange(taken.shape[2]) * (4 // groups) // taken.shape[2] + group * (4 // groups)
        outputs = rows @ weight[group].T
        basis = np.concatenate([rows[:, np.isin(channel, kept)], np.ones((len(rows), 1))], axis=1)
        rest = outputs - basis @ np.linalg.lstsq(basis, outputs, rcond=None)[0]
        missed, power = (rest**2).sum(), ((outputs - outputs.mean(axis=0)) ** 2).sum()
        yield missed / power


def loss_the_long_way(graph: Graph, inputs: dict[str, np.ndarray], gone: list[int]) -> float:
    reader = graph.operators[-1]
    assert isinstance(reader, Convolution | Deconvolution | Affine)
    x = run_float(graph, inputs, keep=True)[reader.input]
    pixels = int(np.prod(graph.shapes[reader.output][1:]))
    return sum(shares(reader, x, [channel for channel in range(4) if channel not in gone], pixels))


def order_of(scores: Scores, units: Units) -> list[int]:
    """The four channels in the order in which they go."""
    return np.argsort(scores[units.channels("t1")], kind="stable").tolist()


@pytest.mark.parametrize("reader", READERS)
def test_losses_are_those_of_least_squares(monkeypatch, reader) -> None:
    monkeypatch.setattr(room, "DAMPING", 1e-12)
    graph = chain((2, 8, 8), convolution(4, 2, 1, "first"), relu(), reader)
    units, inputs = find_units(graph), samples(160, 2, 8, 8)
    scores = lasting_loss(units, Statistics(inputs))
    order = order_of(scores, units)
    expected = [loss_the_long_way(graph, inputs, order[: count + 1]) for count in range(4)]
    np.testing.assert_allclose(scores[units.channels("t1")][order], expected, rtol=1e-4)
    # In each step the least of all that could go is taken.
    for step in range(3):
        others = [loss_the_long_way(graph, inputs, [*order[:step], other]) for other in order[step:]]
        assert expected[step] <= min(others) * (1 + 1e-6)


def test_the_groups_of_a_reader_are_added(monkeypatch) -> None:
    monkeypatch.setattr(room, "DAMPING", 1e-12)
    reader = convolution(6, 4, 4, "reader", groups=2)
    graph = chain((2, 8, 8), convolution(4, 2, 1, "first"), relu(), reader)
    units, inputs = find_units(graph), samples(100, 2, 8, 8)
    # The same channel of both groups goes at once.
    one, other, *again = units.channels("t1").tolist()
    assert again == [one, other]
    scores = lasting_loss(units, Statistics(inputs))
    x = run_float(graph, inputs, keep=True)["t2"]
    alone = [sum(shares(reader, x, kept, 16)) for kept in ([1, 3], [0, 2])]
    np.testing.assert_allclose(min(scores[[one, other]]), min(alone), rtol=1e-4)
    np.testing.assert_allclose(max(scores[[one, other]]), sum(shares(reader, x, [], 16)), rtol=1e-4)


def test_of_two_that_say_the_same_one_is_worth_nothing_and_one_much() -> None:
    graph = chain((2, 8, 8), with_twins(convolution(4, 2, 1, "first")), relu(), convolution(5, 4, 2, "reader"))
    units = find_units(graph)
    scores = lasting_loss(units, Statistics(samples(100, 2, 8, 8)))[units.channels("t1")]
    assert min(scores[:2]) < 0.1 * max(scores[:2])
    assert np.argmin(scores) in (0, 1)


def test_a_wide_layer_makes_up_for_units_as_wholes(monkeypatch) -> None:
    monkeypatch.setattr(room, "MOST_TAPS", 20)
    monkeypatch.setattr(room, "DAMPING", 1e-12)
    graph = chain((2, 8, 8), convolution(4, 2, 1, "first"), relu(), replace(affine(5, 144, 2, "reader"), bias=None))
    units, inputs = find_units(graph), samples(100, 2, 8, 8)
    scores = lasting_loss(units, Statistics(inputs))
    x = run_float(graph, inputs, keep=True)["t2"].reshape(100, 4, -1).astype(np.float64)
    reader = graph.operators[-1]
    assert isinstance(reader, Affine)
    parts = np.einsum("ncp,ocp->cno", x, reader.weight.reshape(5, 4, -1).astype(np.float64)).reshape(4, -1)
    outputs = parts.sum(axis=0)
    power = ((outputs.reshape(100, 5) - outputs.reshape(100, 5).mean(axis=0)) ** 2).sum()
    order = order_of(scores, units)
    for count in range(1, 4):
        basis = parts[order[count:]].T
        rest = outputs - basis @ np.linalg.lstsq(basis, outputs, rcond=None)[0]
        np.testing.assert_allclose(scores[units.channels("t1")][order[count - 1]], (rest**2).sum() / power, rtol=1e-6)


def test_a_sum_is_judged_by_all_its_readers() -> None:
    """A channel that one reader leaves aside matters by the other."""
    first, second = (replace(convolution(4, 2, seed, f"c{seed}"), inputs=("x",), output=f"c{seed}") for seed in (1, 2))
    total = Add("sum", ("c1", "c2"), "sum", (1, 1))
    blind, seeing = (
        replace(convolution(3, 4, seed, f"r{seed}"), inputs=("sum",), output=f"r{seed}") for seed in (3, 4)
    )
    blind.weight[:, 0] = 0
    seeing.weight[:, 1:] *= 1e-3
    graph = network((2, 9, 9), first, second, total, blind, seeing, outputs=("r3", "r4"))
    units = find_units(graph)
    scores = lasting_loss(units, Statistics({"x": samples(50, 2, 9, 9)["t0"]}))
    assert np.argmax(scores[units.channels("sum")]) == 0


@pytest.mark.parametrize("seed", range(20))
def test_all_that_can_go_is_rated_on_random_graphs(seed: int) -> None:
    graph = random_graph(seed)
    units = find_units(graph)
    scores = lasting_loss(units, Statistics(random_inputs(graph, count=6, seed=seed)))
    free = sorted(itertools.chain.from_iterable(group.units for group in find_groups(units)))
    assert np.isfinite(scores[free]).all() and (scores[free] >= 0).all()
    assert np.flatnonzero(~np.isnan(scores)).tolist() == free


def test_samples_are_needed() -> None:
    with pytest.raises(UsageError, match="give calibration data"):
        lasting_loss(find_units(chain((2, 8, 8), convolution(4, 2), convolution(3, 4))), Statistics())
