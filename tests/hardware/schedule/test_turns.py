"""The order of turns: what outputs ask for row by row, as a plain recursion finds it."""

from __future__ import annotations

import pytest

from fpgaq.hardware.schedule import Engine, Target, make_schedule
from fpgaq.hardware.schedule.turns import WHOLE_FRAMES, Demands, _input_rows
from fpgaq.integer.graph import IntegerGraph
from tests.support.fuzz.networks import random_case
from tests.support.network_shapes import chain, resnet18


def recursive_order(graph: IntegerGraph, needed: list[list[int]], engine: Engine, lag: int) -> tuple[int, ...]:
    producers = {op.output: place for place, op in enumerate(graph.operators)}
    names = [op.name for op in graph.operators]
    members = [names.index(name) for name in engine.layers]
    rows = [graph.tensors[op.output].shape[0] for op in graph.operators]
    done, turns = [0] * len(names), []

    def ask(place: int, most: int) -> None:
        while done[place] < most:
            ahead = min(done[place] + 1 + (lag if place in members else 0), rows[place])
            for name in graph.operators[place].inputs:
                if name in producers:
                    ask(producers[name], needed[place][ahead])
            done[place] += 1
            if place in members:
                turns.append(members.index(place))

    last = [producers[name] for name in graph.outputs if name in producers]
    most = max(rows[place] for place in last)
    for turn in range(1, most + 1):
        for place in last:
            ask(place, -(-turn * rows[place] // most))
    for place in members:
        ask(place, rows[place])
    return tuple(turns)


@pytest.mark.parametrize("build", [*(lambda seed=seed: random_case(seed).graph for seed in range(6)),
                                   lambda: resnet18(16, 4)])  # fmt: skip
def test_orders_are_those_of_a_recursion(build) -> None:  # type: ignore[no-untyped-def]
    graph = build()
    schedule = make_schedule(graph, Target(multipliers=9))
    rows = [graph.tensors[op.output].shape[0] for op in graph.operators]
    needed = [_input_rows(graph, *each) for each in zip(graph.operators, schedule.plans, rows, strict=True)]
    demands = Demands(graph, schedule.plans)
    for engine in schedule.engines:
        for lag in (0, 2, WHOLE_FRAMES):
            expected = recursive_order(graph, needed, engine, lag) if engine.shared else ()
            assert demands.turns(engine, lag) == expected


def test_deep_networks_need_no_deep_stack() -> None:
    graph = chain(1200, 1, 1)
    plans = make_schedule(chain(2, 1, 1), Target(multipliers=1)).plans
    demands = Demands(graph, [plans[0]] * 1200)
    engine = Engine(tuple(op.name for op in graph.operators), 1, 1, 1)
    assert demands.turns(engine, 0) == tuple(range(1200))
