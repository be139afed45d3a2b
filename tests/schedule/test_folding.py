"""Folds against exhaustive searches of their own, and the points that are known from outside."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fpgaq.errors import FitError
from fpgaq.integer_graph import IntegerGraph
from fpgaq.schedule import Target, make_schedule
from fpgaq.schedule.folding import FoldRange, choose_folds, folds
from tests.schedule.known_networks import lenet, same_padded


def every_fold(layer: FoldRange) -> list[tuple[int, int]]:
    """(cycles, multipliers) of every choice of lanes, by the definition alone."""
    found = []
    for taps, channels in product(range(1, layer.taps + 1), range(1, layer.channels + 1)):
        steps = -(-layer.taps // taps) * -(-layer.channels // channels)
        if layer.lanewise:
            found.append((layer.windows * steps, taps * channels if layer.multiplies else 0))
            continue
        for outputs in range(1, layer.outputs + 1):
            # Channels of one convolution group never share lanes with those of another.
            if layer.groups > 1 and (layer.channels % channels or layer.outputs % outputs):
                continue
            cycles = layer.windows * layer.groups * steps * -(-layer.outputs // outputs)
            found.append((cycles, taps * channels * outputs))
    return found


def best_interval(layers: list[FoldRange], budget: int, least: int) -> int | None:
    """The least possible interval under a budget, over every combination of folds."""
    candidates = sorted({max(least, cycles) for layer in layers for cycles, _ in every_fold(layer)})
    for interval in candidates:
        if (needed := fewest_multipliers(layers, interval)) is not None and needed <= budget:
            return interval
    return None


def fewest_multipliers(layers: list[FoldRange], interval: int) -> int | None:
    total = 0
    for layer in layers:
        fitting = [multipliers for cycles, multipliers in every_fold(layer) if cycles <= interval]
        if not fitting:
            return None
        total += min(fitting)
    return total


@st.composite
def layer_lists(draw: st.DrawFn) -> list[FoldRange]:
    layers = []
    for index in range(draw(st.integers(1, 3))):
        lanewise = draw(st.booleans()) and index > 0
        multiplies = not lanewise or draw(st.booleans())
        channels = draw(st.integers(1, 7))
        outputs = channels if lanewise else draw(st.integers(1, 7))
        groups = 1 if lanewise else draw(st.sampled_from([1, 1, 1, 2, 3]))
        windows, taps = draw(st.integers(1, 40)), draw(st.integers(1, 9))
        layers.append(FoldRange(f"layer{index}", windows, taps, channels, outputs, groups, lanewise, multiplies))
    return layers


@settings(max_examples=150, deadline=None, derandomize=True)
@given(layer_lists(), st.integers(1, 80), st.integers(1, 50))
def test_a_budget_gets_the_best_interval(layers: list[FoldRange], budget: int, least: int) -> None:
    if budget < sum(layer.multiplies for layer in layers):
        with pytest.raises(FitError, match="are fewer than the"):
            choose_folds(layers, Target(multipliers=budget), least)
        return
    chosen = choose_folds(layers, Target(multipliers=budget), least)
    assert sum(fold.multipliers for fold in chosen.values()) <= budget
    interval = max([least, *(layer.cycles(chosen[layer.operator]) for layer in layers)])
    assert interval == best_interval(layers, budget, least)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(layer_lists(), st.integers(1, 2000))
def test_cycles_get_the_fewest_multipliers(layers: list[FoldRange], cycles: int) -> None:
    expected = fewest_multipliers(layers, cycles)
    if expected is None:
        with pytest.raises(FitError, match="cannot be reached") as caught:
            choose_folds(layers, Target(cycles=cycles), 1)
        least = int(str(caught.value).split("--cycles ")[1].split()[0])
        assert fewest_multipliers(layers, least) is not None and fewest_multipliers(layers, least - 1) is None
        return
    chosen = choose_folds(layers, Target(cycles=cycles), 1)
    assert max(layer.cycles(chosen[layer.operator]) for layer in layers) <= cycles
    assert sum(fold.multipliers for fold in chosen.values()) == expected


@pytest.mark.parametrize("size", [63, 64, 65, 100, 127, 128, 360])
def test_long_layers_lose_no_fold(size: int) -> None:
    layer = FoldRange("affine", 1, 1, size, 7)
    everything = every_fold(layer)
    for cycles, fold in folds(layer):
        assert fold.multipliers == min(multipliers for busy, multipliers in everything if busy <= cycles)
    pareto = {min(busy for busy, needed in everything if needed <= budget) for budget in range(1, 7 * size + 1)}
    assert {cycles for cycles, _ in folds(layer)} == pareto


@pytest.mark.parametrize(("graph", "interval"), [(lenet(), 5760), (same_padded(), 4704)], ids=["LeNet", "same-padded"])
def test_known_points(graph: IntegerGraph, interval: int) -> None:
    schedule = make_schedule(graph, Target(multipliers=64))
    assert schedule.prediction.interval == interval
    assert schedule.multipliers <= 64
    # A cycle less is beyond every choice of folds of so many multipliers.
    assert make_schedule(graph, Target(cycles=interval - 1)).multipliers > 64


def test_refusals_say_what_can_be_had() -> None:
    graph = lenet()
    with pytest.raises(FitError, match=r"3 multipliers are fewer than the 4 layers .* --multipliers 4 or more"):
        make_schedule(graph, Target(multipliers=3))
    assert make_schedule(graph, Target(multipliers=4)).multipliers == 4
    with pytest.raises(FitError, match=r"a frame in 10 cycles cannot be reached: at least 784 cycles") as caught:
        make_schedule(graph, Target(cycles=10))
    assert "--cycles 784 or more" in str(caught.value)
    assert make_schedule(graph, Target(cycles=784)).prediction.interval == 784


def test_a_target_names_one_of_both() -> None:
    with pytest.raises(ValueError, match="names multipliers or cycles"):
        choose_folds([FoldRange("a", 1, 1, 1, 1)], Target(), 1)
