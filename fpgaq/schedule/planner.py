"""From an integer graph and a target to a schedule."""

from __future__ import annotations

from collections.abc import Mapping

from ..integer_graph import IntegerGraph, IntegerOperator
from .folding import choose_folds
from .layers import COPYING, common_lanes, fold_range, plan_operator, serializer_plan
from .memories import size_memories
from .plans import Edge, Engine, Fold, Plan, Schedule, Target, WindowPlan


def make_schedule(graph: IntegerGraph, target: Target) -> Schedule:
    """Decide the hardware of a network.

    Folds come first (`fpgaq.schedule.folding`), then the lanes between layers, then the memories: line buffers in
    topological order, queues on branches, then result FIFOs, each the least that keeps the interval with the rest
    held.

    Raises
    ------
    FitError
        If the target cannot be met; the message says what can.
    """
    ranges = [layer for op in graph.operators if (layer := fold_range(graph, op)) is not None]
    # A beat carries channels of one pixel.
    pixels = {name: graph.tensors[name].shape[0] * graph.tensors[name].shape[1] for name in graph.tensors}
    least = max(pixels[name] for name in (*graph.inputs, *graph.outputs))
    folds = choose_folds(ranges, target, least)
    interval = max([least, *(layer.cycles(folds[layer.operator]) for layer in ranges)])
    plans, edges, lanes = _plan_all(graph, folds, interval)
    input_beats = {name: pixels[name] * -(-graph.tensors[name].shape[2] // lanes[name]) for name in graph.inputs}
    plans, edges, prediction = size_memories(graph, plans, edges, input_beats)
    output_lanes = {edge.tensor: edge.lanes for edge in edges if edge.reader is None}
    output_beats = [pixels[name] * -(-graph.tensors[name].shape[2] // output_lanes[name]) for name in graph.outputs]
    macs = sum(layer.macs for layer in ranges)
    budget = target.multipliers if target.multipliers is not None else sum(fold.multipliers for fold in folds.values())
    limit = max(-(-macs // budget) if budget else 0, *input_beats.values(), *output_beats)
    engines = tuple(
        Engine(plan.fold.multipliers, (plan.operator,))
        for plan in plans
        if isinstance(plan, WindowPlan) and plan.fold.multipliers
    )
    return Schedule(tuple(plans), tuple(edges), lanes, engines, input_beats, budget, macs, limit, prediction)


def _plan_all(
    graph: IntegerGraph, folds: Mapping[str, Fold], interval: int
) -> tuple[list[Plan], list[Edge], dict[str, int]]:
    """Plans in the order of the operators, every way from a tensor to a reader, and the lanes of each tensor."""
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
        plan = plan_operator(graph, op, fold, taken)
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
