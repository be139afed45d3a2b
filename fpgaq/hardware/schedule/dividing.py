"""Which layer of a network had better be divided between two arrays, and where: known without building any form.

The first outputs of the layer end the run of layers of one array, the others begin that of the next one. The divisions
of the layers before and after these runs are the network's own. So what each side takes is known for every number of
outputs at once, and the two sides are added up.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ...integer.graph import IntegerGraph
from ..lowering import can_divide, with_divided_outputs
from .arrays import MOST_RUN_ENDS, UNREACHABLE, Shapes
from .folding import FoldRange, folds
from .lanes import array_search, choose_lanes
from .planner import fold_ranges, port_beats
from .plans import Target

DIVIDED_BELOW = 0.95
"""Efficiency of the division among arrays below which layers are divided."""


class DividedForms:
    """The forms of a lowered network with one layer divided between two arrays, each built when asked for."""

    def __init__(self, lowered: IntegerGraph) -> None:
        self._lowered = lowered
        self._ranges = fold_ranges(lowered)
        self._port_beats = port_beats(lowered)
        self._layers = [layer for layer in self._ranges if layer.multiplies]
        possible = {op.name for op in lowered.operators if can_divide(op, lowered)}
        self._places = [place for place, layer in enumerate(self._layers) if layer.operator in possible]
        self._macs = sum(layer.macs for layer in self._layers)
        others = [folds(layer)[0][0] for layer in self._ranges if not layer.multiplies]
        self._least = max([self._port_beats, *others])

    def faster(self, target: Target, below: float) -> Iterator[IntegerGraph]:
        """Those that a division of the target's multipliers computes in less than so many cycles, the fastest first.

        None where the network's own division leaves few multipliers idle.
        """
        found = []
        for place in self._tried(target):
            cycles, first = self._fastest(place, target, int(np.ceil(min(below, UNREACHABLE))) - 1)
            if first:
                found.append((cycles, place, first))
        for _, place, first in sorted(found):
            yield with_divided_outputs(self._lowered, self._layers[place].operator, first)

    def least_interval(self, target: Target, known: int) -> int:
        """The least cycles of any of these divisions, if that is less than the `known` ones."""
        for place in self._tried(target):
            cycles, first = self._fastest(place, target, known - 1)
            known = cycles if first else known
        return known

    def _tried(self, target: Target) -> list[int]:
        """The places of the layers that are worth a try among those that multiply."""
        if target.multipliers is None or not target.sharing or target.arrays == 1:
            return []
        if len(self._layers) >= MOST_RUN_ENDS:  # runs begin and end at some layers only
            return []
        own = choose_lanes(self._ranges, target, self._port_beats).interval
        return self._places if self._limit(target) < DIVIDED_BELOW * own else []

    def _limit(self, target: Target) -> int:
        return max(-(-self._macs // (target.multipliers or 1)), self._port_beats)

    def _fastest(self, place: int, target: Target, most: int) -> tuple[int, int]:
        """The least cycles, at most so many, with the layer at this place divided, and its first outputs; else 0."""
        found = most, 0
        low = max(self._limit(target), self._least)
        sides = _Sides(self._layers, place, target)
        while low <= most:
            # What is hopeless is known by the first look.
            cycles = most if not found[1] else (low + most) // 2
            first = sides.first_outputs(cycles)
            if first:
                found, most = (cycles, first), cycles - 1
            elif not found[1]:
                break
            else:
                low = cycles + 1
        return found


class _Sides:
    """What the arrays take before and after a border inside of a layer."""

    def __init__(self, layers: list[FoldRange], place: int, target: Target) -> None:
        assert target.multipliers is not None
        self._budget, self._place, self._layer = target.multipliers, place, layers[place]
        self._search, most = array_search(layers, target)
        shapes = Shapes(layers, min(most, self._budget), range(1, self._layer.outputs + 1))
        self._shapes = shapes
        own = shapes.cycles_of([*layers, replace(self._layer, outputs=1)])
        self._summed = np.cumsum([np.zeros_like(shapes.multipliers), *own[:-1]], axis=0)
        self._steps = own[-1]

    def first_outputs(self, cycles: int) -> int:
        """The fewest first outputs with which the arrays of both sides are done in so many cycles; 0 if there are none.

        Of several borders that do, the one of the fewest multipliers.
        """
        before, after = self._search.around(cycles)
        place, outputs = self._place, self._layer.outputs
        runs_before = self._summed[place] - self._summed[: place + 1]
        runs_after = self._summed[place + 1 :] - self._summed[place + 1]
        left = self._fewest(cycles, runs_before, before[: place + 1])
        right = self._fewest(cycles, runs_after, after[place + 1 :])
        total = left[1:outputs] + right[outputs - 1 : 0 : -1]
        first = int(np.argmin(total))
        return first + 1 if total[first] <= self._budget else 0

    def _fewest(self, cycles: int, runs: NDArray[np.int64], others: NDArray[np.int64]) -> NDArray[np.int64]:
        """For each number of outputs the fewest multipliers of one of these runs with them, and of the `others`."""
        outputs = self._layer.outputs
        fewest = np.full(outputs + 1, UNREACHABLE, dtype=np.int64)
        possible = others < self._budget
        groups = (cycles - runs[possible]) // self._steps
        reached = np.clip(groups * self._shapes.outputs, 0, outputs)
        costs = others[possible][:, None] + np.broadcast_to(self._shapes.multipliers, reached.shape)
        np.minimum.at(fewest, reached.ravel(), costs.ravel())
        return np.minimum.accumulate(fewest[::-1])[::-1]
