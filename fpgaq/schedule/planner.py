"""From an integer graph and a target to a schedule."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from ..integer_graph import IntegerGraph, IntegerOperator
from .beats import Network, predict
from .choice import BUBBLE, Choice, choose_lanes
from .engines import WHOLE_FRAMES, make_engine, turn_order
from .folding import FoldRange
from .layers import COPYING, common_lanes, fold_range, plan_operator, serializer_plan
from .memories import describe, size_memories, with_generous_queue
from .plans import Fold, Plan, Target, WindowPlan
from .structure import Edge, Engine, Prediction, Schedule

BUBBLES = (BUBBLE, 64)
"""Cycles that a layer of a shared engine is thought to wait for the one before; each guess gives a candidate."""

LAGS = (0, 1, 2, WHOLE_FRAMES)
"""Orders of turns that are tried: how many turns a result is taken to be on its way."""


def make_schedule(graph: IntegerGraph, target: Target) -> Schedule:
    """Decide the hardware of a network.

    The division of the layers among engines and their lanes come first (`fpgaq.schedule.choice`), with and without
    sharing, then the lanes between layers and the order of turns; the beat model picks the fastest of these candidates.
    Its memories are then shrunk: line buffers in topological order, queues on branches, result FIFOs, each to the least
    that keeps the interval with the rest held.

    Raises
    ------
    FitError
        If the target cannot be met; the message says what can.
    """
    ranges = [layer for op in graph.operators if (layer := fold_range(graph, op)) is not None]
    # A beat carries channels of one pixel.
    pixels = {name: graph.tensors[name].shape[0] * graph.tensors[name].shape[1] for name in graph.tensors}
    least = max(pixels[name] for name in (*graph.inputs, *graph.outputs))
    candidates = [
        candidate
        for choice in _choices(ranges, target, least)
        for candidate in _candidates(graph, ranges, choice, least)
    ]
    best = min(candidates, key=lambda candidate: candidate.prediction.mean_interval)
    plans, edges, prediction = size_memories(best.network, best.prediction)
    input_beats, output_beats = best.network.input_beats, best.network.output_beats
    engines = best.network.engines
    macs = sum(layer.macs for layer in ranges)
    budget = target.multipliers if target.multipliers is not None else sum(engine.multipliers for engine in engines)
    limit = max(-(-macs // budget) if budget else 0, *input_beats.values(), *output_beats.values())
    if target.adders:
        engines = tuple(replace(engine, adders=_is_constant(engine, plans)) for engine in engines)
    return Schedule(tuple(plans), tuple(edges), best.lanes, engines, input_beats, budget, macs, limit, prediction)


def _is_constant(engine: Engine, plans: Sequence[Plan]) -> bool:
    """Whether an engine multiplies by the same weights in every cycle."""
    plan = next(plan for plan in plans if plan.operator == engine.layers[0])
    assert isinstance(plan, WindowPlan)
    return not engine.shared and plan.kind == "mac" and plan.groups * plan.steps == 1


@dataclass(frozen=True)
class _Candidate:
    """Hardware with generous memories, the lanes of its tensors, and its cycles."""

    network: Network
    lanes: Mapping[str, int]
    prediction: Prediction


def _choices(ranges: Sequence[FoldRange], target: Target, least: int) -> Iterator[Choice]:
    """The divisions among engines that are worth a prediction; first the one without sharing, where there is one."""
    layers = sum(layer.multiplies for layer in ranges)
    if not target.sharing or target.cycles is not None or (target.multipliers or 0) >= layers:
        yield choose_lanes(ranges, replace(target, sharing=False), least)
    if target.sharing:
        for bubble in BUBBLES:
            choice = choose_lanes(ranges, target, least, bubble)
            if any(len(array.folds) > 1 for array in choice.arrays):
                yield choice


def _candidates(graph: IntegerGraph, ranges: Sequence[FoldRange], choice: Choice, least: int) -> Iterator[_Candidate]:
    """A division with each order of turns."""
    by_name = {layer.operator: layer for layer in ranges}
    engines = [make_engine(array, by_name) for array in choice.arrays]
    interval = max([least, choice.interval])
    plans, edges, lanes = _plan_all(graph, choice.folds, engines, interval)
    generous = [with_generous_queue(graph, edge, edges) for edge in edges]
    input_beats = {}
    for name in graph.inputs:
        height, width, depth = graph.tensors[name].shape
        input_beats[name] = height * width * -(-depth // lanes[name])
    tried = set()
    for lag in LAGS if any(engine.shared for engine in engines) else LAGS[:1]:
        ordered = tuple(replace(engine, order=turn_order(graph, plans, engine, lag)) for engine in engines)
        if ordered not in tried:
            tried.add(ordered)
            network = describe(graph, plans, generous, input_beats, ordered)
            prediction = predict(network)
            if prediction is None:
                raise AssertionError("a network deadlocks with buffers of two frames")
            yield _Candidate(network, lanes, prediction)


def _plan_all(
    graph: IntegerGraph, folds: Mapping[str, Fold], engines: Sequence[Engine], interval: int
) -> tuple[list[Plan], list[Edge], dict[str, int]]:
    """Plans in the order of the operators, every way from a tensor to a reader, and the lanes of each tensor."""
    serving = {name: engine for engine in engines for name in engine.layers}
    lanes: dict[str, int] = {}
    for name in graph.inputs:
        height, width, depth = graph.tensors[name].shape
        lanes[name] = next(n for n in range(1, depth + 1) if height * width * -(-depth // n) <= interval or n == depth)
    plans: list[Plan] = []
    edges: list[Edge] = []
    for index, op in enumerate(graph.operators):
        fold = folds.get(op.name)
        common = common_lanes(graph, op, [lanes[name] for name in op.inputs])
        taken = common if fold is None or isinstance(op, COPYING) else lanes[op.input]
        if isinstance(op, COPYING):
            fold = Fold(1, taken, taken, 0)
        for slot, name in enumerate(op.inputs):
            edges.append(_edge(graph, name, lanes[name], taken, index, slot, op))
        plan = plan_operator(graph, op, fold, taken, serving.get(op.name))
        plans.append(plan)
        lanes[op.output] = plan.lanes_out
    for slot, name in enumerate(graph.outputs):
        edges.append(Edge(name, None, slot, lanes[name]))
    order = {name: place for place, name in enumerate(graph.tensors)}
    return plans, sorted(edges, key=lambda edge: order[edge.tensor]), lanes


def _edge(
    graph: IntegerGraph, tensor: str, given: int, taken: int, reader: int, slot: int, op: IntegerOperator
) -> Edge:
    serializer = None if given == taken else serializer_plan(op.name, graph.tensors[tensor].shape, given, taken)
    return Edge(tensor, reader, slot, taken, serializer)
