"""What HLS C++ takes from a schedule: lanes of every layer and stream, and the ways between them; nothing else."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from ....integer.graph import (
    IntegerAffine,
    IntegerConvolution,
    IntegerGraph,
    IntegerMaxPooling,
    IntegerOperator,
    IntegerSumPooling,
)
from ...schedule.operator_plans import is_depthwise
from ...schedule.plans import WindowPlan
from ...schedule.schedule import Schedule
from ...schedule.taken_lanes import common_lanes


@dataclass(frozen=True)
class LayerFold:
    """Lanes of one layer.

    Parameters
    ----------
    taps, channels, outputs : int
        Kernel taps, input channels and outputs that one step computes together, as in `schedule.plans.Fold`.
    lanes_in, lanes_out : int
        Elements of a beat of its inputs and of its output.
    """

    taps: int
    channels: int
    outputs: int
    lanes_in: int
    lanes_out: int


@dataclass(frozen=True)
class Way:
    """The way of a tensor to a reader (None: an output of the network), which takes `lanes` elements a beat."""

    tensor: str
    reader: int | None
    slot: int
    lanes: int


@dataclass(frozen=True)
class Wiring:
    """Folds in the order of the operators, all ways, and the lanes of each tensor as its producer gives it."""

    folds: tuple[LayerFold, ...]
    ways: tuple[Way, ...]
    lanes: Mapping[str, int]


def scheduled(schedule: Schedule) -> Wiring:
    """The folds that a schedule chose."""
    folds = []
    for plan in schedule.plans:
        if isinstance(plan, WindowPlan):
            fold = plan.fold
            # What copies may give wider beats than it takes: in C++ a stream in front of it widens.
            lanes_in = max(plan.lanes_in, plan.lanes_out) if plan.kind == "copy" else plan.lanes_in
            folds.append(LayerFold(fold.taps, fold.channels, fold.outputs, lanes_in, plan.lanes_out))
        else:
            folds.append(LayerFold(1, plan.lanes_in, plan.lanes_out, plan.lanes_in, plan.lanes_out))
    ways = tuple(Way(edge.tensor, edge.reader, edge.slot, edge.lanes) for edge in schedule.edges)
    return Wiring(tuple(folds), ways, schedule.lanes)


def widest(graph: IntegerGraph) -> Wiring:
    """All taps, channels and outputs in one step: what a processor runs fastest, and no hardware could hold."""
    lanes = {name: graph.tensors[name].shape[2] for name in graph.inputs}
    folds: list[LayerFold] = []
    ways: list[Way] = []
    for index, op in enumerate(graph.operators):
        fold = _widest_fold(graph, op, [lanes[name] for name in op.inputs])
        folds.append(fold)
        lanes[op.output] = fold.lanes_out
        ways += [Way(name, index, slot, fold.lanes_in) for slot, name in enumerate(op.inputs)]
    ways += [Way(name, None, slot, lanes[name]) for slot, name in enumerate(graph.outputs)]
    return Wiring(tuple(folds), tuple(ways), lanes)


def _widest_fold(graph: IntegerGraph, op: IntegerOperator, lanes: list[int]) -> LayerFold:
    given, channels = lanes[0], graph.tensors[op.output].shape[2]
    if isinstance(op, IntegerConvolution):
        outputs, height, width, depth = op.weight.shape
        if is_depthwise(op):
            return LayerFold(height * width, channels, channels, given, channels)
        return LayerFold(height * width, depth, outputs // op.groups, given, outputs // op.groups)
    if isinstance(op, IntegerAffine):
        height, width, depth = graph.tensors[op.input].shape
        return LayerFold(1, height * width * math.ceil(depth / given) * given, channels, given, channels)
    if isinstance(op, IntegerMaxPooling | IntegerSumPooling):
        return LayerFold(op.kernel[0] * op.kernel[1], channels, channels, given, channels)
    taken = common_lanes(graph, op, lanes)
    return LayerFold(1, taken, taken, taken, taken)
