"""Engines of the chosen arrays: how many lanes their results leave through, and in which order layers have their turn.

A turn is one row of windows of a layer. The order is the same in every frame and ends with it, so that the last frame
leaves without any further input; it is fixed, so that an engine is a Kahn process like a layer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ...integer.graph import IntegerAffine, IntegerGraph, IntegerOperator, IntegerTranspose
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


class Demands:
    """Which rows the operators of a network ask of each other when its outputs are asked for row by row.

    One walk through the network finds them for all engines, so that the work grows with the network and not with
    engines times operators.
    """

    def __init__(self, graph: IntegerGraph, plans: Sequence[Plan]) -> None:
        self._producers = {op.output: place for place, op in enumerate(graph.operators)}
        self._places = {op.name: place for place, op in enumerate(graph.operators)}
        self._sources = [
            [self._producers[name] for name in op.inputs if name in self._producers] for op in graph.operators
        ]
        self._rows = [graph.tensors[op.output].shape[0] for op in graph.operators]
        # For each operator how many rows of its input its first rows of output need.
        self._needed = [
            _input_rows(graph, op, plan, rows)
            for op, plan, rows in zip(graph.operators, plans, self._rows, strict=True)
        ]
        self._asked: list[list[tuple[int, int, int]]] = [[] for _ in graph.operators]  # when, by whom, rows
        last = [self._producers[name] for name in graph.outputs if name in self._producers]
        rows = [self._rows[place] for place in last]
        count, done = 0, [0] * len(graph.operators)
        for turn in range(1, max(rows, default=0) + 1):
            for place, most in zip(last, rows, strict=True):
                asks = [(len(done), place, -(-turn * most // max(rows)))]
                for asker, asked, wanted in self._followed(asks, done, range(len(done)), frozenset(), 0, []):
                    self._asked[asked].append((count, asker, wanted))
                    count += 1

    def turns(self, engine: Engine, lag: int) -> tuple[int, ...]:
        """The turns of an engine in a frame, each the number of a layer.

        Rows are computed when the outputs of the network ask for them, so that little waits in line buffers and at
        joins. A layer of the engine asks for what its next `lag` rows need as well, so that there is other work while
        a row that it needs is on its way.
        """
        if not engine.shared:
            return ()
        members = [self._places[name] for name in engine.layers]
        span = range(min(members), max(members) + 1)
        # What operators outside ask for does not depend on the order inside, and those before it ask for nothing.
        outside = sorted(
            (when, place, rows) for place in span for when, asker, rows in self._asked[place] if asker >= span.stop
        )
        asks = [(span.stop, place, rows) for _, place, rows in outside]
        asks += [(span.stop, place, self._rows[place]) for place in members]  # rows that no reader needs
        order: list[int] = []
        for _ in self._followed(asks, [0] * span.stop, span, frozenset(members), lag, order):
            pass
        number = {place: index for index, place in enumerate(members)}
        return tuple(number[place] for place in order)

    def _followed(
        self,
        asks: Sequence[tuple[int, int, int]],
        done: list[int],
        span: range,
        members: frozenset[int],
        lag: int,
        order: list[int],
    ) -> Iterator[tuple[int, int, int]]:
        """Every request (asker, operator, rows) that some follow, in the order in which rows are asked for.

        Counts the rows that are `done`, and adds `members` to `order`, one for each row.
        """

        def compute(place: int, rows: int) -> Iterator[tuple[int, int, int]]:
            """What an operator asks for to compute its first rows; they are done at the end."""
            while done[place] < rows:
                ahead = min(done[place] + 1 + (lag if place in members else 0), self._rows[place])
                for source in self._sources[place]:
                    yield place, source, self._needed[place][ahead]
                done[place] += 1
                if place in members:
                    order.append(place)

        for first in asks:
            yield first
            # No recursion: networks may have more operators than Python's stack has room for.
            stack = [compute(*first[1:])]
            while stack:
                following = next(stack[-1], None)
                if following is None:
                    stack.pop()
                elif following[1] in span and done[following[1]] < following[2]:
                    yield following
                    stack.append(compute(*following[1:]))


def _input_rows(graph: IntegerGraph, op: IntegerOperator, plan: Plan, rows: int) -> list[int]:
    """How many rows of its input an operator needs for its first 0, 1, ... `rows` rows of output."""
    height, width, _ = graph.tensors[op.input].shape
    if isinstance(plan, PipePlan) or (isinstance(op, IntegerTranspose) and op.view):
        # Rows of another length where it reshapes; a view of pixels is put in order inside each.
        return [-(-row * height // rows) for row in range(rows + 1)]
    if isinstance(op, IntegerAffine):
        return [height] * (rows + 1)
    columns = plan.output_image[1]
    words = window_needs(plan.walk)[columns - 1 :: columns]
    return [0, *(min(height, -(-count // (width * plan.words_per_pixel))) for count in words)]
