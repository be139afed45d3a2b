"""Where registers stand, against exhaustive search."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from fpgaq.hardware.unrolled.registers import cut, slowest_stage, spread

COSTS = st.lists(st.integers(1, 40), min_size=1, max_size=8)


@settings(max_examples=150, deadline=None)
@given(COSTS, st.integers(1, 8), st.integers(1, 8))
def test_no_cuts_are_better(costs: list[int], stages: int, limit: int) -> None:
    stages = min(stages, len(costs))
    limit = max(limit, -(-len(costs) // stages))
    found = cut(costs, stages, limit)
    bounds = (0, *found, len(costs))
    assert len(found) == stages - 1
    assert all(0 < end - begin <= limit for begin, end in zip(bounds, bounds[1:], strict=False))
    allowed = (
        places
        for places in combinations(range(1, len(costs)), stages - 1)
        if all(end - begin <= limit for begin, end in zip((0, *places), (*places, len(costs)), strict=True))
    )
    assert slowest_stage(costs, found) == min(slowest_stage(costs, places) for places in allowed)


@settings(max_examples=60, deadline=None)
@given(st.lists(COSTS, min_size=1, max_size=3), st.integers(0, 12))
def test_registers_go_to_the_slowest_layer(layers: list[list[int]], more: int) -> None:
    stages = len(layers) + more
    cuts = spread(layers, stages)
    used = sum(len(known) + 1 for known in cuts)
    assert used == min(stages, sum(len(layer) for layer in layers))
    fewer = spread(layers, max(len(layers), stages - 1))
    slowest = [max(map(slowest_stage, layers, known)) for known in (fewer, cuts)]
    assert slowest[1] <= slowest[0]


def test_a_layer_without_levels_has_no_cuts() -> None:
    assert cut((), 1, 2) == ()
    assert spread([(), (3, 4)], 4) == [(), (1,)]
