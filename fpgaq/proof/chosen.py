"""Frames chosen for the bench: those that exercise the words which the data, extreme and random frames leave out.

The reference judges a pool of candidates. The one that exercises most of the remaining words is taken, repeatedly. All
bounds are counts of comparisons, not seconds, so that the same frames are chosen on every machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..integer.graph import IntegerArray, IntegerGraph, IntegerTable, Tensor
from ..integer.reference import run
from .exercise import PRODUCTS_A_COMPARISON, Budget, Flags, Words, count_products, frame_exercises, words_of
from .reachable import find_reachable
from .steered import awaken, steer, steerable

Frames = dict[str, IntegerArray]
"""Input integers by name, (frames, height, width, channels)."""

RandomIntegers = Callable[[tuple[int, ...], int, int], IntegerArray]
"""Seeded integers of a shape, from the least to the greatest."""

BUDGET = 200_000_000
"""Comparisons for each of the three steps; a second or less."""

THOROUGH_BUDGET = 100 * BUDGET
"""The same where as many frames are wanted as are needed."""

POOL = 64
"""Candidates that are judged together."""

POOL_FLAGS = 1 << 26
"""Candidates times words of a pool, at most: bytes of memory."""

BATCH = 8
"""Candidates that the reference computes together."""

STEERED = 12
"""Candidates that are steered in each round, for each layer that they are for."""

MARGINS = (8, 0, 32)
"""How far from the edge of a step sums are steered."""

THOROUGH_FRAMES = 1024
"""More frames than these are never chosen."""


@dataclass(frozen=True)
class Exercise:
    """How many words of a network's memories the frames of a bench exercise.

    Parameters
    ----------
    words : int
        Weights, biases, factors and offsets.
    exercised : int
        Those whose inverted lowest bit changes the output of their layer in at least one frame, by the reference.
    unreachable : int
        Those among the others which no input can exercise, by proof.
    table_entries, table_entries_exercised, table_entries_unreachable : int
        The same of the entries of functions' tables.
    """

    words: int
    exercised: int
    unreachable: int
    table_entries: int
    table_entries_exercised: int
    table_entries_unreachable: int


def choose_frames(
    graph: IntegerGraph,
    present: Frames,
    tensors: Mapping[str, IntegerArray],
    chance: RandomIntegers,
    thorough: bool = False,
) -> tuple[Frames, list[str], Exercise]:
    """Find frames to add to those that are present.

    Parameters
    ----------
    graph : IntegerGraph
        The network as it is built.
    present : mapping of str to array of int64
        The frames that are there anyway.
    tensors : mapping of str to array of int64
        What the network makes of them.
    chance : callable
        Gives random integers.
    thorough : bool
        Add as many frames as the weights need, not at most half as many as are present.

    Returns
    -------
    tuple of (dict, list of str, Exercise)
        Frames to add, the kind of each, and what all frames together exercise.
    """
    allowed = THOROUGH_BUDGET if thorough else BUDGET
    state = _State(graph, [words_of(op) for op in graph.operators])
    count = len(next(iter(present.values())))
    state.judge_present(tensors, count, Budget(allowed))
    state.drop_unreachable(Budget(allowed))
    few = count // 2
    limit = THOROUGH_FRAMES if thorough else few
    frames: list[Frames] = []
    kinds: list[str] = []
    budget, pool = Budget(allowed), candidates(graph, present, chance)
    barren = 0
    while len(frames) < limit and budget.left > 0 and barren < (3 if thorough else 1):
        # A frame may reach only one or two entries of tables: few frames are spent on these alone.
        worth = state.left if len(frames) < few else state.weights_left
        if not worth:
            break
        steered = steered_frames(graph, state.open, chance, budget)
        # Steered frames depend on the remaining words, so that few are taken at a time.
        room = few - len(frames) if len(frames) < few else limit - len(frames)
        most = min(room, max(2, limit // 8) if steered else limit)
        some = min(POOL, 1 + POOL_FLAGS // (1 + state.left))
        chosen = state.choose([*steered, *(next(pool) for _ in range(some))], most, budget, len(frames) < few)
        barren = 0 if chosen else barren + 1
        frames += [frame for _, frame in chosen]
        kinds += [kind for kind, _ in chosen]
    added = {name: np.concatenate([present[name][:0], *(frame[name] for frame in frames)]) for name in graph.inputs}
    return added, kinds, state.result()


class _State:
    """The words that are not exercised yet, for each operator."""

    def __init__(self, graph: IntegerGraph, words: list[Words]) -> None:
        self.graph = graph
        self.open = words
        self.tables = [isinstance(op, IntegerTable) for op in graph.operators]
        self.total = self._count(False), self._count(True)
        self.unreachable = 0, 0

    @property
    def left(self) -> int:
        """Words that are neither exercised nor proved unreachable."""
        return sum(len(some) for some in self.open)

    @property
    def weights_left(self) -> int:
        """The same without entries of tables."""
        return self._count(False)

    def result(self) -> Exercise:
        """The counts."""
        counts = []
        for table in (False, True):
            total, unreachable = self.total[table], self.unreachable[table]
            counts += [total, total - self._count(table) - unreachable, unreachable]
        return Exercise(*counts)

    def _count(self, table: bool) -> int:
        """Open words of weights, or of tables."""
        return sum(len(some) for some, is_table in zip(self.open, self.tables, strict=True) if is_table == table)

    def judge_present(self, tensors: Mapping[str, IntegerArray], frames: int, budget: Budget) -> None:
        """Take out what the frames that are there exercise."""
        for frame in range(frames):
            self._drop(self._judge(tensors, frame, budget))

    def drop_unreachable(self, budget: Budget) -> None:
        """Take out what no input can exercise."""
        if self.left:
            before = self._count(False), self._count(True)
            self._drop([~reachable for reachable in find_reachable(self.graph, self.open, budget)])
            self.unreachable = before[0] - self._count(False), before[1] - self._count(True)

    def choose(
        self, pool: Sequence[tuple[str, Frames]], limit: int, budget: Budget, tables: bool
    ) -> list[tuple[str, Frames]]:
        """The best candidates one after the other, at most `limit`; what they exercise is taken out.

        Without `tables`, one that exercises nothing but entries of tables is not taken.
        """
        hits = self._judge_pool(pool, budget)
        chosen: list[tuple[str, Frames]] = []
        while len(chosen) < limit:
            # An entry of a table decides only between candidates that exercise equally many weights.
            weight = 1 + self.total[1]
            shares = [1 if table else weight for table in self.tables]
            gains = np.sum([share * flags.sum(axis=1) for share, flags in zip(shares, hits, strict=True)], axis=0)
            best = int(gains.argmax())
            if gains[best] < (1 if tables else weight):
                break
            chosen.append(pool[best])
            taken = [flags[best] for flags in hits]
            self._drop(taken)
            hits = [flags[:, ~one] for flags, one in zip(hits, taken, strict=True)]
        return chosen

    def _judge_pool(self, pool: Sequence[tuple[str, Frames]], budget: Budget) -> list[Flags]:
        """For each operator, (candidates, open words)."""
        hits = [np.zeros((len(pool), len(some)), dtype=bool) for some in self.open]
        cost = sum(count_products(op, self.graph.tensors) for op in self.graph.operators) // PRODUCTS_A_COMPARISON
        start = 0
        while start < len(pool) and budget.left >= cost:
            batch = [frame for _, frame in pool[start : start + min(BATCH, budget.left // max(cost, 1))]]
            budget.spend(cost * len(batch))
            inputs = {name: np.concatenate([frame[name] for frame in batch]) for name in self.graph.inputs}
            tensors = run(self.graph, inputs, keep=True)
            for frame in range(len(batch)):
                for flags, found in zip(hits, self._judge(tensors, frame, budget), strict=True):
                    flags[start + frame] = found
            start += len(batch)
        return hits

    def _judge(self, tensors: Mapping[str, IntegerArray], frame: int, budget: Budget) -> list[Flags]:
        """For each operator, which open words one frame exercises."""
        return [
            frame_exercises(op, self.graph.tensors, tensors[op.input][frame], some, budget)
            for op, some in zip(self.graph.operators, self.open, strict=True)
        ]

    def _drop(self, gone: Sequence[Flags]) -> None:
        self.open = [some.take(~flags) for some, flags in zip(self.open, gone, strict=True)]


def candidates(graph: IntegerGraph, present: Frames, chance: RandomIntegers) -> Iterator[tuple[str, Frames]]:
    """Kinds and frames without end, one frame of every input each."""
    count = len(next(iter(present.values())))
    index = 0
    while True:
        for kind, make in KINDS.items():
            frames = {}
            for name in graph.inputs:
                tensor = graph.tensors[name]
                source = present[name][int(chance((1,), 0, count - 1)[0])]
                values = make(tensor, source, chance, index)
                frames[name] = np.clip(values, tensor.format.minimum, tensor.format.maximum)[np.newaxis]
            yield kind, frames
        index += 1


def steered_frames(
    graph: IntegerGraph, left: Sequence[Words], chance: RandomIntegers, budget: Budget
) -> list[tuple[str, Frames]]:
    """Frames for the matrix products on the input, from large random values; none where there is no such layer."""
    made = []
    for op in steerable(graph):
        # Half of the channels at a time; first those with the most words left.
        words = left[graph.operators.index(op)]
        counts = np.bincount(words.channel, minlength=len(op.bias))
        signs = np.where(counts > np.median(counts), 1, -1)
        for turn in range(STEERED):
            frames = {}
            for name in graph.inputs:
                tensor = graph.tensors[name]
                values = chance(tensor.shape, 0, tensor.format.maximum // 4)
                if name == op.input:
                    if turn % 4 == 0 and turn:
                        signs = 2 * chance(op.bias.shape, 0, 1) - 1
                    values = awaken(op, tensor, signs if turn % 4 < 2 else -signs, values)
                    values = steer(op, graph.tensors, values, MARGINS[turn // 4 % len(MARGINS)], turn % 2 == 0, budget)
                frames[name] = values[np.newaxis]
            made.append(("steered", frames))
    return made


def _uniform(tensor: Tensor, source: IntegerArray, chance: RandomIntegers, index: int) -> IntegerArray:
    """Random values over the whole range."""
    return chance(tensor.shape, tensor.format.minimum, tensor.format.maximum)


def _faint(tensor: Tensor, source: IntegerArray, chance: RandomIntegers, index: int) -> IntegerArray:
    """Random values near 0, so that nothing saturates."""
    reach = max(tensor.format.maximum >> (1 + index % 5), 1)
    return chance(tensor.shape, max(tensor.format.minimum, -reach), reach)


def _saturating(tensor: Tensor, source: IntegerArray, chance: RandomIntegers, index: int) -> IntegerArray:
    """The least or the greatest value everywhere."""
    return np.where(chance(tensor.shape, 0, 1) > 0, tensor.format.maximum, tensor.format.minimum)


def _impulses(tensor: Tensor, source: IntegerArray, chance: RandomIntegers, index: int) -> IntegerArray:
    """One channel that is not 0, at one pixel of two to sixteen."""
    values = np.zeros(tensor.shape, dtype=np.int64)
    channel = index % tensor.shape[2]
    pixels = chance(tensor.shape[:2], 0, (2 << index % 4) - 1) == 0
    values[:, :, channel] = pixels * chance(tensor.shape[:2], tensor.format.minimum, tensor.format.maximum)
    return values


def _noisy(tensor: Tensor, source: IntegerArray, chance: RandomIntegers, index: int) -> IntegerArray:
    """A frame that is there, with noise."""
    reach = max(tensor.format.maximum >> (1 + index % 5), 1)
    return source + chance(tensor.shape, -reach, reach)


def _inverted(tensor: Tensor, source: IntegerArray, chance: RandomIntegers, index: int) -> IntegerArray:
    """A frame that is there with the range upside down, shifted by a random constant."""
    span = tensor.format.maximum - tensor.format.minimum + 1
    inverted = tensor.format.maximum + tensor.format.minimum - source + int(chance((1,), 0, span - 1)[0])
    return (inverted - tensor.format.minimum) % span + tensor.format.minimum


KINDS: dict[str, Callable[[Tensor, IntegerArray, RandomIntegers, int], IntegerArray]] = {
    "uniform": _uniform,
    "faint": _faint,
    "noisy": _noisy,
    "saturating": _saturating,
    "inverted": _inverted,
    "impulses": _impulses,
}
"""How candidates are made, in turn."""
