"""Which layer of a network had better compute two columns at a time: known for all of them without building any form.

A form differs from the network in one layer. Its divisions among arrays are the network's own before and after the run
of layers that holds this one; both are computed once for all layers, so that the work grows with these runs only.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ...integer.graph import IntegerConvolution, IntegerGraph
from ..lowering import TOGETHER, can_merge, merged_kernel, with_merged_columns
from .arrays import TOO_LONG, Shapes, run_borders
from .folding import FoldRange, folds
from .lanes import Choice, array_search, choose_lanes
from .planner import fold_ranges, port_beats
from .plans import Target


class MergedForms:
    """The forms of a lowered network with one layer that computes two columns at a time, each built when asked for."""

    def __init__(self, lowered: IntegerGraph) -> None:
        self._lowered = lowered
        self._ranges = fold_ranges(lowered)
        self._port_beats = port_beats(lowered)
        places = {layer.operator: place for place, layer in enumerate(self._ranges)}
        self._layers = [
            (places[op.name], op.weight.size, _merged(self._ranges[places[op.name]], op))
            for op in lowered.operators
            if can_merge(op, lowered) and isinstance(op, IntegerConvolution)
        ]

    def faster(self, target: Target, below: float) -> Iterator[IntegerGraph]:
        """Those that a division of the target's multipliers computes in less than so many cycles.

        Layers are tried that the budget could do in a single step a pixel.
        """
        replaced = _OneReplaced(self._ranges, target, self._port_beats, below)
        for place, least, merged in self._layers:
            if least <= (target.multipliers or 0) and replaced.is_fast(place, merged):
                yield with_merged_columns(self._lowered, merged.operator)

    def least_interval(self, target: Target) -> int:
        """Cycles that no schedule of the network or of one of its forms is below."""
        least = self._choice(self._ranges, target).interval
        if target.multipliers is None:
            return least
        replaced = _OneReplaced(self._ranges, target, self._port_beats, least)
        for place, products, merged in self._layers:
            if products <= target.multipliers and replaced.is_fast(place, merged):
                least = self._choice([*self._ranges[:place], merged, *self._ranges[place + 1 :]], target).interval
                replaced = _OneReplaced(self._ranges, target, self._port_beats, least)
        return least

    def _choice(self, ranges: list[FoldRange], target: Target) -> Choice:
        return choose_lanes(ranges, target, self._port_beats)


def _merged(layer: FoldRange, op: IntegerConvolution) -> FoldRange:
    """What can be folded of the layer that computes two columns at a time."""
    rows, columns = merged_kernel(op)
    return replace(layer, windows=layer.windows // TOGETHER, taps=rows * columns, outputs=layer.outputs * TOGETHER)


class _OneReplaced:
    """Whether a network with one layer replaced has a division of less than so many cycles; the target has a budget."""

    def __init__(self, ranges: list[FoldRange], target: Target, least_interval: int, below: float) -> None:
        assert target.multipliers is not None
        self._cycles = math.ceil(min(below, TOO_LONG)) - 1
        self._budget, self._least = target.multipliers, least_interval
        self._fastest = [folds(layer)[0][0] for layer in ranges]
        self._layers = [layer for layer in ranges if layer.multiplies]
        # The place of each layer among those that multiply.
        self._number = np.cumsum([layer.multiplies for layer in ranges]) - 1
        self._macs = sum(layer.macs for layer in self._layers)
        search, self._most = array_search(self._layers, target)
        self._before, self._after = search.around(self._cycles)
        begins, ends = run_borders(len(self._layers))
        self._begins = np.array(begins if target.sharing else range(0))
        self._ends = np.array(sorted(ends))
        self._kept: dict[FoldRange, tuple[Shapes, NDArray[np.int64], list[NDArray[np.int64]]]] = {}

    def is_fast(self, place: int, layer: FoldRange) -> bool:
        """The same for this layer at its place among all layers."""
        number = int(self._number[place])
        others = max([self._least, *self._fastest[:place], *self._fastest[place + 1 :]])
        products = self._macs - self._layers[number].macs + layer.macs
        if max(others, folds(layer)[0][0], -(-products // self._budget)) > self._cycles:
            return False
        alone = min((fold.multipliers for busy, fold in folds(layer) if busy <= self._cycles), default=None)
        rest = self._before[number] + self._after[number + 1]
        return (alone is not None and rest + alone <= self._budget) or self._is_fast_in_a_run(number, layer)

    def _is_fast_in_a_run(self, number: int, layer: FoldRange) -> bool:
        """The same where it shares its array with others."""
        shapes, summed, own = self._known(layer)
        ends = self._ends[self._ends >= number]
        for begin in self._begins[self._begins <= number]:
            # Multipliers that the other arrays leave.
            left = self._budget - self._before[begin] - self._after[ends + 1]
            reached = ends[(left > 0) & (ends > begin)]
            if len(reached):
                total = summed[reached + 1] - (summed[begin] + own[number] - own[-1])
                enough = shapes.multipliers <= left[(left > 0) & (ends > begin)][:, None]
                if ((total <= self._cycles) & enough).any():
                    return True
        return False

    def _known(self, layer: FoldRange) -> tuple[Shapes, NDArray[np.int64], list[NDArray[np.int64]]]:
        """The shapes of arrays, the cycles on each of the layers before each one, and those of each and of `layer`."""
        alike = replace(layer, operator="")
        if alike not in self._kept:
            layers = [*self._layers, layer]
            shapes = Shapes(layers, self._most)
            own = shapes.cycles_of(layers)
            summed = np.cumsum([np.zeros_like(shapes.multipliers), *own[:-1]], axis=0)
            self._kept[alike] = shapes, summed, own
        return self._kept[alike]
