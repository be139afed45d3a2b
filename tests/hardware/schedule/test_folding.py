"""Folds against exhaustive searches of their own, and the points that are known from outside."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fpgaq.base.errors import FitError
from fpgaq.hardware.schedule import Target, make_schedule
from fpgaq.hardware.schedule.folding import FoldRange, folds
from fpgaq.hardware.schedule.lanes import choose_lanes
from fpgaq.integer.graph import IntegerGraph
from tests.support.known_networks import lenet, same_padded


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
    target = Target(multipliers=budget, sharing=False)
    if budget < sum(layer.multiplies for layer in layers):
        with pytest.raises(FitError, match="are fewer than the"):
            choose_lanes(layers, target, least)
        return
    choice = choose_lanes(layers, target, least)
    chosen = choice.folds
    assert choice.multipliers == sum(fold.multipliers for fold in chosen.values()) <= budget
    interval = max([least, *(layer.cycles(chosen[layer.operator]) for layer in layers)])
    assert interval == choice.interval == best_interval(layers, budget, least)


def runs(count: int) -> list[list[tuple[int, int]]]:
    """Every division of `count` layers into runs."""
    if count == 0:
        return [[]]
    return [[(first, count), *rest] for first in range(count) for rest in runs(first)]


def best_shared_interval(layers: list[FoldRange], budget: int, least: int, bubble: int) -> int:
    """The least interval of any division among arrays of any shape, by trying all of them."""

    def cycles(layer: FoldRange, products: int, outputs: int) -> int:
        steps = min(
            -(-layer.taps // taps) * -(-(1 if layer.lanewise else layer.channels) // channels)
            for taps, channels in product(range(1, layer.taps + 1), range(1, layer.channels + 1))
            if taps * channels <= products and (layer.groups == 1 or layer.channels % channels == 0)
        )
        total = layer.channels if layer.lanewise else layer.outputs
        usable = [lanes for lanes in range(1, outputs + 1) if layer.groups == 1 or total % lanes == 0]
        return layer.windows * layer.groups * steps * min(-(-total // lanes) for lanes in usable)

    found = []
    for division in runs(len(layers)):
        fronts = []
        for first, last in division:
            served = layers[first:last]
            extra = bubble * (len(served) - 1)
            shapes = [(p, o) for p, o in product(range(1, budget + 1), repeat=2) if p * o <= budget]
            fronts.append([(p * o, sum(cycles(layer, p, o) for layer in served) + extra) for p, o in shapes])
        for times in sorted({busy for front in fronts for _, busy in front}):
            fitting = [[needed for needed, busy in front if busy <= times] for front in fronts]
            if all(fitting) and sum(min(needed) for needed in fitting) <= budget:
                found.append(times)
                break
    return max(least, min(found))


@settings(max_examples=100, deadline=None, derandomize=True)
@given(layer_lists(), st.integers(1, 14), st.integers(1, 50), st.integers(0, 9))
def test_sharing_is_divided_best(layers: list[FoldRange], budget: int, least: int, bubble: int) -> None:
    choice = choose_lanes(layers, Target(multipliers=budget), least, bubble)
    assert choice.multipliers <= budget
    multiplying = [layer for layer in layers if layer.multiplies]
    others = [min(cycles for cycles, _ in folds(layer)) for layer in layers if not layer.multiplies]
    own = [layer for layer in multiplying if layer.multiplies]
    fastest = max([least, *others, *(min(cycles for cycles, _ in folds(layer)) for layer in own)])
    best = best_shared_interval(multiplying, budget, least, bubble) if multiplying else least
    assert choice.interval == max(fastest, best)
    assert [name for array in choice.arrays for name, _ in array.folds] == [layer.operator for layer in multiplying]
    by_name = {layer.operator: layer for layer in layers}
    for array in choice.arrays:
        extra = bubble * (len(array.folds) - 1)
        assert sum(by_name[name].cycles(fold) for name, fold in array.folds) + extra <= choice.interval
        for name, fold in array.folds:
            assert fold.taps * (1 if by_name[name].lanewise else fold.channels) <= array.products
            assert fold.outputs <= array.outputs and choice.folds[name] == fold


@settings(max_examples=150, deadline=None, derandomize=True)
@given(layer_lists(), st.integers(1, 2000))
def test_cycles_get_the_fewest_multipliers(layers: list[FoldRange], cycles: int) -> None:
    expected = fewest_multipliers(layers, cycles)
    if expected is None:
        with pytest.raises(FitError, match="cannot be reached") as caught:
            choose_lanes(layers, Target(cycles=cycles, sharing=False), 1)
        least = int(str(caught.value).split("--cycles ")[1].split()[0])
        assert fewest_multipliers(layers, least) is not None and fewest_multipliers(layers, least - 1) is None
        return
    chosen = choose_lanes(layers, Target(cycles=cycles, sharing=False), 1).folds
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
    schedule = make_schedule(graph, Target(multipliers=64, sharing=False))
    assert schedule.prediction.interval == interval
    assert schedule.multipliers <= 64
    # No choice of folds with that many multipliers takes a cycle less.
    assert make_schedule(graph, Target(cycles=interval - 1, sharing=False)).multipliers > 64


def test_refusals_say_what_can_be_had() -> None:
    graph = lenet()
    with pytest.raises(FitError, match=r"3 multipliers are fewer than the 4 layers .* --multipliers 4 or more"):
        make_schedule(graph, Target(multipliers=3, sharing=False))
    with pytest.raises(
        FitError, match=r"0 multipliers are fewer than the one that it takes; .* --multipliers 1 or more"
    ):
        make_schedule(graph, Target(multipliers=0))
    assert make_schedule(graph, Target(multipliers=4, sharing=False)).multipliers == 4
    assert make_schedule(graph, Target(multipliers=1)).multipliers == 1
    with pytest.raises(FitError, match=r"a frame in 10 cycles cannot be reached: at least 784 cycles") as caught:
        make_schedule(graph, Target(cycles=10))
    assert "--cycles 784 or more" in str(caught.value)
    assert make_schedule(graph, Target(cycles=784)).prediction.interval == 784


def test_a_target_names_one_of_both() -> None:
    with pytest.raises(ValueError, match="names multipliers or cycles"):
        choose_lanes([FoldRange("a", 1, 1, 1, 1)], Target(), 1)
