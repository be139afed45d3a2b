"""Engines of the chosen arrays: how many lanes their results leave through, and in which order layers have their turn.

A turn is one row of windows of a layer. The order is the same in every frame and ends with it, so that the last frame
leaves without any further input; it is fixed, so that an engine is a Kahn process like a layer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...integer.graph import IntegerAffine, IntegerGraph, IntegerOperator
from .arrays import Array
from .folding import FoldRange
from .plans import PipePlan, Plan
from .schedule import Engine
from .walk import window_needs

WHOLE_FRAMES = 1 << 30
"""A lag of more rows than any layer has: every layer does its whole frame before the next one starts."""


def make_engine(array: Array, layers: Mapping[str, FoldRange], wanted: int = 1) -> Engine:
    """The engine of an array, without its order.

    It has the fewest lanes, a divisor of its accumulators, through which the results of any group leave before those
    of the next are done, whatever layer that is of; but at least those `wanted`, if there are so many.
    """
    steps = min(layers[name].steps(fold) for name, fold in array.folds)

    def fits(lanes: int) -> bool:
        for name, fold in array.folds:
            # The groups of a layer but its last end with a full beat, or its channels would not stay in order.
            whole = fold.outputs <= lanes or fold.outputs % lanes == 0 or layers[name].results <= fold.outputs
            if not whole or -(-fold.outputs // lanes) > steps:
                return False
        return True

    fitting = [lanes for lanes in range(1, array.outputs + 1) if array.outputs % lanes == 0 and fits(lanes)]
    lanes = next((lanes for lanes in fitting if lanes >= wanted), fitting[-1])
    return Engine(tuple(name for name, _ in array.folds), array.products, array.outputs, lanes)


def turn_order(graph: IntegerGraph, plans: Sequence[Plan], engine: Engine, lag: int) -> tuple[int, ...]:
    """The turns of an engine in a frame.

    Rows are computed when the outputs of the network ask for them, so that little waits in line buffers and at joins.
    A layer of the engine asks for what its next `lag` rows need as well, so that there is other work while a row that
    it needs is on its way.
    """
    if not engine.shared:
        return ()
    demands = _Demands(graph, plans, engine, lag)
    last = [demands.producers[name] for name in graph.outputs if name in demands.producers]
    rows = [demands.rows[place] for place in last]
    for turn in range(1, max(rows) + 1):
        for place, count in zip(last, rows, strict=True):
            demands.ask(place, -(-turn * count // max(rows)))
    for place in demands.members:
        demands.ask(place, demands.rows[place])  # rows that no reader needs
    return tuple(demands.turns)


class _Demands:
    """Which rows of which operators are done, and the turns that this took."""

    def __init__(self, graph: IntegerGraph, plans: Sequence[Plan], engine: Engine, lag: int) -> None:
        names = [op.name for op in graph.operators]
        self.producers = {op.output: place for place, op in enumerate(graph.operators)}
        self.members = [names.index(name) for name in engine.layers]
        self.rows = [graph.tensors[op.output].shape[0] for op in graph.operators]
        self.turns: list[int] = []
        self._graph, self._lag = graph, lag
        self._done = [0] * len(names)
        # For each operator how many rows of its input its first rows of output need.
        self._needed = [
            _input_rows(graph, op, plan, rows) for op, plan, rows in zip(graph.operators, plans, self.rows, strict=True)
        ]

    def ask(self, place: int, rows: int) -> None:
        """Compute the first rows of an operator, and before each of them what it needs."""
        op, member = self._graph.operators[place], place in self.members
        while self._done[place] < rows:
            ahead = min(self._done[place] + 1 + (self._lag if member else 0), self.rows[place])
            needed = self._needed[place][ahead]
            for name in op.inputs:
                if name in self.producers:
                    self.ask(self.producers[name], needed)
            self._done[place] += 1
            if member:
                self.turns.append(self.members.index(place))


def _input_rows(graph: IntegerGraph, op: IntegerOperator, plan: Plan, rows: int) -> list[int]:
    """How many rows of its input an operator needs for its first 0, 1, ... `rows` rows of output."""
    height, width, _ = graph.tensors[op.input].shape
    if isinstance(plan, PipePlan):
        # Rows of another length where it reshapes.
        return [-(-row * height // rows) for row in range(rows + 1)]
    if isinstance(op, IntegerAffine):
        return [height] * (rows + 1)
    columns = plan.output_image[1]
    words = window_needs(plan.walk)[columns - 1 :: columns]
    return [0, *(min(height, -(-count // (width * plan.words_per_pixel))) for count in words)]
