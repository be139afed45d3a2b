"""Measures of importance, masks made of them, costs and the search."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import fpgaq
from fpgaq.base.errors import FitError, UsageError
from fpgaq.hardware.schedule.operator_plans import fold_range
from fpgaq.model.executor import run_float
from fpgaq.study.pruning.budget_search import HarmTable, alike, counts_within, measure_harms, ranked
from fpgaq.study.pruning.cost import Budget, cost_of, fold_ranges
from fpgaq.study.pruning.groups import find_groups
from fpgaq.study.pruning.harm import Harm
from fpgaq.study.pruning.importance import (
    Statistics,
    geometric_median,
    l1_norm,
    l2_norm,
    mean_activation,
    normalization_scale,
)
from fpgaq.study.pruning.masks import Limits, by_global_ratio, by_ratio, by_threshold, keep_counts
from fpgaq.study.pruning.measures import MEASURES
from fpgaq.study.pruning.shrinkage import rebuild
from fpgaq.study.pruning.units import find_units
from fpgaq.study.report.summary import summarize
from tests.study.pruning.test_units import normalization
from tests.support.float_networks import affine, chain, convolution, relu, samples

EXAMPLES = Path(__file__).parents[3] / "examples"


def plain():
    """Two convolutions and an affine layer; the filters of the first have the norms 9, 18, 27, 36 (times 2)."""
    first = convolution(4, 2, 1, "c1")
    weight = np.ones_like(first.weight) * np.array([2, 1, 4, 3], np.float32)[:, None, None, None]
    return chain((2, 8, 8), replace(first, weight=weight), relu("r1"), convolution(6, 4, 2, "c2"), relu("r2"),
                 affine(3, 6 * 16, 3, "a"))  # fmt: skip


def test_norms_are_relative_to_their_layer() -> None:
    units = find_units(plain())
    own = units.channels("t1")
    np.testing.assert_allclose(l1_norm(units, Statistics())[own], [0.8, 0.4, 1.6, 1.2])
    np.testing.assert_allclose(l2_norm(units, Statistics())[own], [0.8, 0.4, 1.6, 1.2])
    # Distances to the others: of 2, 1, 4, 3 they sum to 4, 6, 6, 4.
    np.testing.assert_allclose(geometric_median(units, Statistics())[own], [0.8, 1.2, 1.2, 0.8])


def test_activations_are_measured_where_they_are_read() -> None:
    graph = plain()
    units, inputs = find_units(graph), samples(5, 2, 8, 8)
    seen = np.abs(run_float(graph, inputs, keep=True)["t2"]).mean(axis=(0, 2, 3), dtype=np.float64)
    scores = mean_activation(units, Statistics(inputs))
    np.testing.assert_allclose(scores[units.channels("t1")], seen / seen.mean(), rtol=1e-6)
    with pytest.raises(UsageError, match="needs samples"):
        mean_activation(units, Statistics())


def test_factors_of_normalization() -> None:
    factor = np.array([0.5, -2, 0.1, 1], np.float32)
    norm = replace(normalization("n", "", 4), scale=factor)
    graph = chain((2, 8, 8), convolution(4, 2, 1, "c1"), norm, affine(3, 144, 3, "a"))
    units = find_units(graph)
    np.testing.assert_allclose(normalization_scale(units, Statistics())[units.channels("t1")], np.abs(factor))
    with pytest.raises(UsageError, match="layer 'c1' has no batch normalization"):
        normalization_scale(find_units(plain()), Statistics())
    # Filters count as they act: all are equal here, so that the factor decides.
    even = replace(convolution(4, 2, 1, "c1"), weight=np.ones((4, 2, 3, 3), np.float32))
    acting = find_units(chain((2, 8, 8), even, norm, affine(3, 144, 3, "a")))
    own = l1_norm(acting, Statistics())[acting.channels("t1")]
    np.testing.assert_allclose(own, np.abs(factor) / np.abs(factor).mean())


def test_threshold_ratio_and_limits() -> None:
    units = find_units(plain())
    groups = find_groups(units)
    scores = l1_norm(units, Statistics())
    first = units.channels("t1")

    def kept(mask) -> list[bool]:
        return mask[first].tolist()

    assert kept(by_threshold(units, groups, scores, 1.0)) == [False, False, True, True]
    assert kept(by_threshold(units, groups, scores, 99)) == [False, False, True, False]
    assert kept(by_threshold(units, groups, scores, 99, Limits(at_least=3))) == [True, False, True, True]
    assert kept(by_ratio(units, groups, scores, 0.25)) == [True, False, True, True]
    assert kept(by_ratio(units, groups, scores, 0.75, Limits(multiple=2))) == [False, False, True, True]
    layers = by_ratio(units, groups, scores, {"c1": 0.5})
    assert kept(layers) == [False, False, True, True] and layers[units.channels("t3")].all()
    assert by_global_ratio(units, groups, scores, 0.5).sum() == units.count - 5
    assert by_global_ratio(units, groups, scores, 0.0).all()
    everything = by_global_ratio(units, groups, scores, 1.0)
    assert everything[first].sum() == 1 and everything[units.channels("t3")].sum() == 1
    with pytest.raises(UsageError, match="a share of 1.5"):
        by_ratio(units, groups, scores, 1.5)
    with pytest.raises(UsageError, match="layer 'r1' makes no channels"):
        by_ratio(units, groups, scores, {"r1": 0.5})
    with pytest.raises(UsageError, match="both are 1 or more"):
        Limits(multiple=0)


@pytest.mark.parametrize(
    "name",
    [
        "fashion_cnn",
        *(pytest.param(name, marks=pytest.mark.slow) for name in ("fashion_residual", "fashion_mobile")),
        pytest.param("fashion_autoencoder", marks=pytest.mark.slow),
    ],
)
def test_costs_are_those_of_the_rebuilt_network(name: str) -> None:
    graph = fpgaq.load_model(EXAMPLES / name / "model.nnp", passes=False)
    units = find_units(graph)
    groups = find_groups(units)
    keep = by_ratio(units, groups, l1_norm(units, Statistics()), 0.4)
    pruned = rebuild(units, keep)
    cost = cost_of(units, keep, Budget(cycles=10**9, multipliers=40))
    assert cost.macs == summarize(pruned).macs
    from fpgaq.hardware.lowering import lower
    from fpgaq.hardware.schedule import Target
    from fpgaq.hardware.schedule.lanes import BUBBLE, choose_lanes
    from fpgaq.model.passes import standard_passes

    shape = graph.shapes[graph.inputs[0]]
    calibration = np.random.default_rng(0).uniform(0, 255, (4, *shape))
    integer = fpgaq.quantize(standard_passes(pruned), calibration)
    integer = lower(integer)
    found = [layer for op in integer.operators if (layer := fold_range(integer, op)) is not None]
    real = [layer for layer in found if layer.multiplies]
    ours = [layer for _, layer in fold_ranges(units, keep) if layer.multiplies]
    assert [replace(layer, operator="") for layer in ours] == [replace(layer, operator="") for layer in real]
    ports = (integer.tensors[name].shape for name in (*integer.inputs, *integer.outputs))
    least = max(height * width for height, width, _ in ports)
    assert cost.cycles == choose_lanes(found, Target(multipliers=40), least, BUBBLE).interval


def test_the_search_meets_its_budget() -> None:
    graph = plain()
    units = find_units(graph)
    groups = find_groups(units)
    scores = l1_norm(units, Statistics())
    inputs = samples(16, 2, 8, 8)
    harm_table = measure_harms(Harm(units, inputs), groups, scores)
    assert [counts[0] for counts in harm_table.counts] == [4, 6, 3]
    assert all(row[0] == 0 and list(row) == sorted(row) for row in harm_table.harms)
    whole = cost_of(units, units.everything(), Budget(macs=1))
    found = counts_within(units, groups, scores, harm_table, Budget(macs=whole.macs // 2))
    assert found.cost.macs <= whole.macs // 2
    # Nothing of less harm fits.
    for counts in itertools.product(*harm_table.counts):
        if harm_table.harm(counts) < found.harm:
            mask = keep_counts(units, groups, scores, counts)
            assert cost_of(units, mask, Budget(macs=1)).macs > whole.macs // 2
    with pytest.raises(FitError, match="the least network costs"):
        counts_within(units, groups, scores, harm_table, Budget(macs=10))


def test_harm_between_measured_counts_lies_on_a_line(monkeypatch) -> None:
    import fpgaq.study.pruning.budget_search as room

    graph = plain()
    units = find_units(graph)
    groups = find_groups(units)
    scores = l1_norm(units, Statistics())
    harm = Harm(units, samples(16, 2, 8, 8))
    every = measure_harms(harm, groups, scores)
    monkeypatch.setattr(room, "MOST_COUNTS", 2)
    few = measure_harms(harm, groups, scores)
    assert few.counts == every.counts and few.counts[1] == (6, 5, 4, 3, 2, 1)
    first, last = (
        harm(keep_counts(units, groups, scores, (4, 5, 3))),
        harm(keep_counts(units, groups, scores, (4, 1, 3))),
    )
    expected = [0.0, first, *np.interp([4, 3, 2], [1, 5], [max(first, last), first]), max(first, last)]
    np.testing.assert_allclose(few.harms[1], expected)


@pytest.mark.parametrize("exhaustive", [True, False])
def test_choices_are_ranked_and_none_is_within_another(monkeypatch, exhaustive) -> None:
    import fpgaq.study.pruning.budget_search as room

    if not exhaustive:
        monkeypatch.setattr(room, "MOST_COMBINATIONS", 0)
    graph = plain()
    units = find_units(graph)
    groups = find_groups(units)
    scores = l1_norm(units, Statistics())
    harm_table = measure_harms(Harm(units, samples(16, 2, 8, 8)), groups, scores)
    budget = Budget(macs=cost_of(units, units.everything(), Budget(macs=1)).macs // 2)
    found = list(itertools.islice(ranked(units, groups, scores, harm_table, budget, more=True), 5))
    assert found[0].counts == counts_within(units, groups, scores, harm_table, budget).counts
    assert 2 <= len(found) <= 5 and all(one.cost.within(budget) for one in found)
    assert [one.harm for one in found] == sorted(one.harm for one in found)


def test_what_is_worth_no_trial_of_its_own() -> None:
    full = (8, 16)
    for counts, expected in (
        ((4, 8), True), ((5, 10), True), ((3, 6), True), ((6, 8), False), ((3, 11), False), ((1, 2), True),
    ):  # fmt: skip
        assert alike(counts, (4, 8), full) is expected, counts


def test_of_choices_that_do_equal_harm_the_largest_is_taken() -> None:
    graph = plain()
    units = find_units(graph)
    groups = find_groups(units)
    scores = l1_norm(units, Statistics())
    counts = tuple(tuple(range(group.size, 0, -1)) if group.units else (group.size,) for group in groups)
    harmless = HarmTable(counts, tuple((0.0,) * len(options) for options in counts))
    whole = cost_of(units, units.everything(), Budget(macs=1)).macs
    found = counts_within(units, groups, scores, harmless, Budget(macs=whole // 2))
    for group in range(len(counts)):
        more = (*found.counts[:group], found.counts[group] + 1, *found.counts[group + 1 :])
        if more[group] <= groups[group].size:
            assert cost_of(units, keep_counts(units, groups, scores, more), Budget(macs=1)).macs > whole // 2


def test_greedy_search_finds_what_the_whole_one_does(monkeypatch) -> None:
    import fpgaq.study.pruning.budget_search as room

    graph = plain()
    units = find_units(graph)
    groups = find_groups(units)
    scores = l1_norm(units, Statistics())
    harm_table = measure_harms(Harm(units, samples(16, 2, 8, 8)), groups, scores)
    budget = Budget(cycles=700, multipliers=8, rom_bits=3000)
    whole = counts_within(units, groups, scores, harm_table, budget)
    monkeypatch.setattr(room, "MOST_COMBINATIONS", 0)
    greedy = counts_within(units, groups, scores, harm_table, budget)
    assert greedy.cost.within(budget) and whole.harm <= greedy.harm <= whole.harm * 1.5


def test_budgets_that_make_no_sense() -> None:
    with pytest.raises(UsageError, match="no budget is set"):
        Budget()
    with pytest.raises(UsageError, match="a budget of 0 ROM bits"):
        Budget(rom_bits=0)
    with pytest.raises(UsageError, match="needs the number of multipliers"):
        Budget(cycles=100)


def test_measures_have_names() -> None:
    assert list(MEASURES) == ["surgeon", "l1", "l2", "gamma", "median", "activation"]
