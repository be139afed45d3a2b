"""Which layers share a MAC array, and of which shape each array is.

An array multiplies `products` elements for each of `outputs` accumulators in a step. A layer may use less of it: its
cycles fall in steps as the array grows, on their own for each of the two sizes. Layers that share an array work one
after another, so their cycles add up; layers of different arrays work at the same time. Only layers that follow each
other in the order of the network share an array: then the arrays form a pipeline, and none waits for one after it.

The search is exact under these rules for up to 64 layers: for an interval, a table over the ends of the runs of layers
finds the division with the fewest multipliers, each run with the cheapest of all shapes; bisection finds the least
interval that fits.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from .folding import FoldRange, fold_sizes, folds
from .plans import Fold

UNREACHABLE = 1 << 60

MOST_RUN_ENDS = 64
"""Of more layers runs begin and end at every second, third, ... one, so that the work grows with the layers only."""

TOO_LONG = 1 << 50
"""Cycles of a layer on an array that is too small for it."""


@dataclass(frozen=True)
class Array:
    """A MAC array, the layers that it serves in order, and the lanes that each uses."""

    products: int
    outputs: int
    folds: tuple[tuple[str, Fold], ...]

    @property
    def multipliers(self) -> int:
        """Multipliers of the array."""
        return self.products * self.outputs


@dataclass(frozen=True, eq=False)
class _Front:
    """The shapes of an array worth having for a run of layers: multipliers rise and cycles fall."""

    multipliers: NDArray[np.int64]
    cycles: NDArray[np.int64]
    products: NDArray[np.int64]
    outputs: NDArray[np.int64]


class ArraySearch:
    """Divisions of a network's multiplying layers among arrays.

    Parameters
    ----------
    layers : sequence of FoldRange
        The layers that multiply, in the order of the network.
    most : int
        Multipliers that no array exceeds.
    bubble : int
        Cycles that every layer of a shared array but its first is charged for waiting on the one before.
    sharing : bool
        Whether arrays may serve several layers.
    whole : bool
        Whether one array serves all of them.
    """

    def __init__(self, layers: Sequence[FoldRange], most: int, bubble: int, sharing: bool, whole: bool = False) -> None:
        self._layers = layers
        fronts = {(place, place): _own_front(layer) for place, layer in enumerate(layers)}
        if sharing and layers:
            fronts.update(_shared_fronts(tuple(layers), most))
        if whole:
            fronts = {run: front for run, front in fronts.items() if run == (0, len(layers) - 1)}
        # Runs by their last layer, the shortest first; `_first` says where those of each last layer start.
        self._runs = sorted(fronts, key=lambda run: (run[1], -run[0]))
        self._first = np.searchsorted([end for _, end in self._runs], np.arange(len(layers) + 1))
        self._begins = np.array([begin for begin, _ in self._runs], dtype=np.int64)
        self._fronts = [fronts[run] for run in self._runs]
        cycles = [
            front.cycles + bubble * (end - begin) for front, (begin, end) in zip(self._fronts, self._runs, strict=True)
        ]
        self._ends = np.cumsum([len(each) for each in cycles], dtype=np.int64)
        self._multipliers = np.concatenate([np.zeros(0, np.int64), *(front.multipliers for front in self._fronts)])
        # One rising row for all fronts, so that one search finds a place in each: run after run, cycles falling.
        self._span = 1 + max([0, *(int(each.max(initial=0)) for each in cycles)])
        self._keys = np.concatenate(
            [np.zeros(0, np.int64), *(run * self._span - each for run, each in enumerate(cycles))]
        )

    def _places(self, cycles: int) -> NDArray[np.int64]:
        """For each run where its cheapest shape of at most `cycles` stands; at the run's end if there is none."""
        wanted = np.arange(len(self._runs)) * self._span - min(cycles, self._span - 1)
        return np.minimum(np.searchsorted(self._keys, wanted), self._ends)

    def _costs(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """The multipliers of each run's shape at these places; UNREACHABLE where there is none."""
        costs = np.full(len(places), UNREACHABLE, dtype=np.int64)
        known = places < self._ends
        costs[known] = self._multipliers[places[known]]
        return costs

    def _starts(self, cycles: int) -> tuple[NDArray[np.int64], list[int], NDArray[np.int64]]:
        """The fewest multipliers of the layers before each, where the run before it starts, and each run's place."""
        count, places = len(self._layers), self._places(cycles)
        costs = self._costs(places)
        fewest, start = np.full(count + 1, UNREACHABLE, dtype=np.int64), [0] * (count + 1)
        fewest[0] = 0
        for end in range(count):
            runs = slice(self._first[end], self._first[end + 1])
            totals = fewest[self._begins[runs]] + costs[runs]
            best = int(np.argmin(totals)) if len(totals) else 0
            if len(totals) and totals[best] < UNREACHABLE:
                fewest[end + 1], start[end + 1] = totals[best], int(self._begins[runs][best])
        return fewest, start, places

    def fewest(self, cycles: int) -> int:
        """The fewest multipliers with which every array is done in `cycles`; UNREACHABLE if impossible."""
        return int(self._starts(cycles)[0][-1])

    def around(self, cycles: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The fewest multipliers of the layers before each, and of those from each on; UNREACHABLE if impossible."""
        before, _, places = self._starts(cycles)
        costs, ends = self._costs(places), np.array([end for _, end in self._runs], dtype=np.int64)
        order = np.argsort(self._begins, kind="stable")
        first = np.searchsorted(self._begins[order], np.arange(len(self._layers) + 1))
        after = np.full(len(self._layers) + 1, UNREACHABLE, dtype=np.int64)
        after[-1] = 0
        for begin in reversed(range(len(self._layers))):
            runs = order[first[begin] : first[begin + 1]]
            after[begin] = np.minimum(costs[runs] + after[ends[runs] + 1], UNREACHABLE).min(initial=UNREACHABLE)
        return before, after

    def divide(self, cycles: int) -> tuple[int, tuple[Array, ...]]:
        """The fewest multipliers with which every array is done in `cycles`, and the arrays; none if impossible."""
        before, start, places = self._starts(cycles)
        fewest = int(before[-1])
        if fewest == UNREACHABLE:
            return UNREACHABLE, ()
        runs, end = [], len(self._layers)
        while end:
            runs.append((start[end], end - 1))
            end = start[end]
        return fewest, tuple(self._array(run, cycles, places) for run in reversed(runs))

    def _array(self, run: tuple[int, int], cycles: int, places: NDArray[np.int64]) -> Array:
        layers = self._layers[run[0] : run[1] + 1]
        if len(layers) == 1:
            fold = [fold for busy, fold in folds(layers[0]) if busy <= cycles][-1]
            products = fold.taps * (1 if layers[0].lanewise else fold.channels)
            return Array(products, fold.outputs, ((layers[0].operator, fold),))
        number = self._runs.index(run)
        front = self._fronts[number]
        place = int(places[number]) - int(self._ends[number]) + len(front.cycles)
        products, outputs = int(front.products[place]), int(front.outputs[place])
        return Array(
            products, outputs, tuple((layer.operator, _fold_within(layer, products, outputs)) for layer in layers)
        )


@lru_cache(maxsize=16)
def own_search(layers: tuple[FoldRange, ...]) -> ArraySearch:
    """The search without sharing, kept for the next budget."""
    return ArraySearch(layers, 0, 0, False)


@lru_cache(maxsize=32)
def shared_search(layers: tuple[FoldRange, ...], most: int, bubble: int, whole: bool) -> ArraySearch:
    """The search with sharing, kept for the next budget."""
    return ArraySearch(layers, most, bubble, True, whole)


def _own_front(layer: FoldRange) -> _Front:
    options = folds(layer)[::-1]
    products = [fold.taps * (1 if layer.lanewise else fold.channels) for _, fold in options]
    return _Front(
        np.array([fold.multipliers for _, fold in options]),
        np.array([cycles for cycles, _ in options]),
        np.array(products),
        np.array([fold.outputs for _, fold in options]),
    )


@lru_cache(maxsize=16)
def _shared_fronts(layers: tuple[FoldRange, ...], most: int) -> dict[tuple[int, int], _Front]:
    """The front of every run of at least two layers, without any waiting."""
    shapes = Shapes(layers, most)
    cycles = shapes.cycles_of(layers)
    fronts = {}
    begins, ends = run_borders(len(layers))
    for begin in begins:
        total = cycles[begin]
        for end in range(begin + 1, len(layers)):
            total = total + cycles[end]
            if end not in ends:
                continue
            best = np.minimum.accumulate(total)
            better = np.flatnonzero(np.append(True, best[1:] < best[:-1]) & (best < TOO_LONG))
            fronts[begin, end] = _Front(
                shapes.multipliers[better], total[better], shapes.products[better], shapes.outputs[better]
            )
    return fronts


def run_borders(layers: int) -> tuple[range, Collection[int]]:
    """The layers with which runs of several may begin, and those with which they may end."""
    every = max(1, -(-layers // MOST_RUN_ENDS))
    return range(0, layers, every), {*range(every - 1, layers, every), layers - 1}


class Shapes:
    """The shapes of an array of at most `most` multipliers for some layers, also of `outputs`; multipliers rise."""

    def __init__(self, layers: Sequence[FoldRange], most: int, outputs: Iterable[int] = ()) -> None:
        different = {replace(layer, operator="") for layer in layers}
        products = {size for layer in different for size, _ in _step_counts(layer)}
        sizes = {*outputs, *(size for layer in different for size in _output_sizes(layer))}
        self._all = (
            np.array(sorted(size for size in products if size <= most)),
            np.array(sorted(size for size in sizes if size <= most)),
        )
        grid = np.multiply.outer(*self._all)
        self._kept = grid <= most
        self._order = np.argsort(grid[self._kept], kind="stable")
        self.multipliers = self._sorted(grid)
        self.products = self._sorted(np.broadcast_to(self._all[0][:, None], grid.shape))
        self.outputs = self._sorted(np.broadcast_to(self._all[1][None, :], grid.shape))

    def _sorted(self, grid: NDArray[np.int64]) -> NDArray[np.int64]:
        """What is known of each product and output, in the order of the shapes."""
        return grid[self._kept][self._order]

    def cycles_of(self, layers: Sequence[FoldRange]) -> list[NDArray[np.int64]]:
        """Cycles of a frame of each layer on every shape; those of layers alike are computed once."""
        alike: dict[FoldRange, NDArray[np.int64]] = {}
        for layer in layers:
            shape = replace(layer, operator="")
            if shape not in alike:
                alike[shape] = self._sorted(_cycles(layer, *self._all))
        return [alike[replace(layer, operator="")] for layer in layers]


def _cycles(layer: FoldRange, products: NDArray[np.int64], outputs: NDArray[np.int64]) -> NDArray[np.int64]:
    """Cycles of a frame for every pair of products and outputs."""
    sizes, steps = (np.array(column) for column in zip(*_step_counts(layer), strict=True))
    least = np.minimum.accumulate(steps)[np.searchsorted(sizes, products, side="right") - 1]
    groups = np.array([_groups(layer, int(size)) for size in outputs])
    enough = np.array([_used_outputs(layer, int(size)) >= layer.least_outputs for size in outputs])
    return np.where(enough, layer.windows * np.multiply.outer(least, groups), TOO_LONG)


def _step_counts(layer: FoldRange) -> list[tuple[int, int]]:
    """(products, steps of a group) for every choice of lanes over taps and channels, products rising."""
    channels = [1] if layer.lanewise else fold_sizes(layer.channels, layer.groups > 1)
    depth = 1 if layer.lanewise else layer.channels
    return sorted(
        (taps * lanes, -(-layer.taps // taps) * -(-depth // lanes))
        for taps in fold_sizes(layer.taps, False)
        for lanes in channels
    )


def _output_sizes(layer: FoldRange) -> list[int]:
    return fold_sizes(layer.channels if layer.lanewise else layer.outputs, layer.groups > 1)


def _used_outputs(layer: FoldRange, outputs: int) -> int:
    """Accumulators that a layer uses of `outputs`; those of a convolution group must not reach into the next."""
    total = layer.channels if layer.lanewise else layer.outputs
    if layer.groups == 1:
        return min(outputs, total)
    return next(lanes for lanes in range(min(outputs, total), 0, -1) if total % lanes == 0)


def _groups(layer: FoldRange, outputs: int) -> int:
    total = layer.channels if layer.lanewise else layer.outputs
    return layer.groups * -(-total // _used_outputs(layer, outputs))


@lru_cache(maxsize=4096)
def _fold_within(layer: FoldRange, products: int, outputs: int) -> Fold:
    """The lanes of a layer in an array: fewest steps, then the fewest lanes, of taps first."""
    used = _used_outputs(layer, outputs)
    choices = []
    for taps in fold_sizes(layer.taps, False):
        for channels in [1] if layer.lanewise else fold_sizes(layer.channels, layer.groups > 1):
            if taps * channels <= products:
                fold = Fold(taps, used if layer.lanewise else channels, used, taps * channels * used)
                choices.append((layer.cycles(fold), taps * channels, taps, fold))
    return min(choices, key=lambda choice: choice[:3])[3]
