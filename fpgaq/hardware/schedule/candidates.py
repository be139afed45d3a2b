"""Which of a network's candidates is built: the fastest, unless another is nearly as fast with far less memory."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush

from ...base.errors import FitError
from ...integer.graph import IntegerGraph
from .beats import LEAST_FRAMES, BeatNetwork, predict_cycles
from .memories import Needed, Sized, needed_memories, with_endless_fifos
from .schedule import Prediction
from .storage import buffer_bits

NEGLIGIBLE = 0.002
"""The part of the interval for which no more logic or memory is spent."""

PREDICTED_EVENTS = 30_000_000
"""Events of the beat model that the choice among candidates may take; those of the least work come first."""

LARGE_MEMORY = 64 * 18_432
"""Bits of line buffers and queues up to which only the interval counts."""

NEARLY = 1.05
"""How many times longer an interval may be for the sake of memory."""

MUCH = 1.2
"""How many times the least memory of all that are nearly as fast the chosen one takes at most."""

LITTLE_MEMORY = 18_432
"""Bits that a faster form may take on top of `MUCH` times those without it, where memory is not large."""

SIZED_EVENTS = 8_000_000
"""Events of a frame of all candidates together whose memories are sized."""

BUDGETS_TRIED = 3
"""Smaller budgets that are divided beside the fewest multipliers, where memory asks for it."""

WEIGHED_EVENTS = 250_000
"""Events of a frame up to which a smaller budget is divided too, for the sake of memory."""

MOST_SIZED = 1
"""Candidates whose memories are sized at most, besides the first one."""


@dataclass(frozen=True)
class Candidate:
    """Hardware with generous memories, the lanes of its tensors, and its cycles."""

    network: BeatNetwork
    lanes: Mapping[str, int]
    prediction: Prediction


class Candidates:
    """Networks that may be built, in the order of their logic, and what is known of their cycles.

    Parameters
    ----------
    networks : sequence of (BeatNetwork, mapping)
        Memories generous; the lanes of the tensors of each.
    """

    def __init__(self, networks: Sequence[tuple[BeatNetwork, Mapping[str, int]]]) -> None:
        self._networks = networks
        self._busy = [busy_cycles(network) for network, _ in networks]
        self._known: dict[tuple[object, ...], Prediction] = {}
        self._events = 0

    def _predicted(self, place: int) -> Candidate | None:
        """A candidate with its cycles; None if it would take more events of the model than there are left."""
        network, lanes = self._networks[place]
        same = (network.plans, network.edges, network.engines)
        if same not in self._known:
            if self._events > PREDICTED_EVENTS:
                return None
            prediction = predict_cycles(with_endless_fifos(network))
            if prediction is None:
                raise AssertionError("a network deadlocks with buffers of two frames")
            self._known[same] = prediction
            self._events += LEAST_FRAMES * network.events
        return Candidate(network, lanes, self._known[same])

    @property
    def networks(self) -> Sequence[tuple[BeatNetwork, Mapping[str, int]]]:
        """All networks, memories generous, and the lanes of their tensors."""
        return self._networks

    @property
    def busy(self) -> Sequence[int]:
        """Cycles that no prediction of each network is below."""
        return self._busy

    def by_interval(self) -> Iterator[Candidate]:
        """All that there are events for, the fastest first; none is predicted before its turn may have come."""
        waiting: list[tuple[float, int]] = [(busy, place) for place, busy in enumerate(self._busy)]
        heapify(waiting)
        known: dict[int, Candidate] = {}
        while waiting:
            cycles, place = heappop(waiting)
            if place in known:
                yield known[place]
                continue
            candidate = self._predicted(place)
            if candidate is not None:
                known[place] = candidate
                heappush(waiting, (candidate.prediction.mean_interval, place))

    def _from_least_work(self) -> list[int]:
        return sorted(range(len(self._networks)), key=lambda place: self._busy[place])

    def fastest(self) -> Candidate:
        """The first candidate that is as fast as any."""
        found: dict[int, Candidate] = {}
        fastest = math.inf
        for place in self._from_least_work():
            # Only one that may be faster than what was found needs a prediction, or come before it and be as fast.
            busy = self._busy[place]
            if busy * (1 + NEGLIGIBLE) >= fastest and not (place < min(found) and busy <= fastest):
                continue
            candidate = self._predicted(place)
            if candidate is None:
                break
            found[place] = candidate
            fastest = min(fastest, candidate.prediction.mean_interval)
        within = fastest * (1 + NEGLIGIBLE)
        return next(each for _, each in sorted(found.items()) if each.prediction.mean_interval <= within)

    def within(self, graph: IntegerGraph, latency: int) -> tuple[Candidate, Sized]:
        """The fastest candidate whose first frame is out after at most so many cycles.

        Raises
        ------
        FitError
            If there is none; the message says what was found.
        """
        found: list[Candidate] = []
        least, fastest = math.inf, math.inf
        for place in self._from_least_work():
            # A frame is in its busiest part for as long as that works on it.
            if self._busy[place] >= fastest or self._busy[place] > latency:
                break
            candidate = self._predicted(place)
            if candidate is None:
                break
            least = min(least, candidate.prediction.latency)
            if candidate.prediction.latency <= latency:
                found.append(candidate)
                fastest = min(fastest, candidate.prediction.mean_interval)
        for each in sorted(found, key=lambda each: each.prediction.mean_interval):
            sized = size_memories(graph, needed_memories(each.network, each.prediction))
            if sized.prediction.latency <= latency:
                return each, sized
        known = f"the least that was found is {least}" if least < math.inf else f"{min(self._busy)} take the products"
        raise FitError(
            f"a latency of {latency} cycles was not reached: {known}; ask for more multipliers or a longer latency"
        )

    def chosen(self, graph: IntegerGraph) -> tuple[Candidate, Sized]:
        """The fastest candidate, or one that is nearly as fast where the memory of the fastest is large."""
        first = self.fastest()
        best = first, size_memories(graph, needed_memories(first.network, first.prediction))
        if _bits(graph, best[1].network) <= LARGE_MEMORY:
            return best
        every = [best, *self.others(graph, first)]
        least = min(_bits(graph, sized.network) for _, sized in every)
        small = [pair for pair in every if _bits(graph, pair[1].network) <= MUCH * least]
        return min(small, key=lambda pair: pair[1].prediction.mean_interval)

    def others(self, graph: IntegerGraph, first: Candidate) -> Iterator[tuple[Candidate, Sized]]:
        """Others that are nearly as fast, sized: those that need the least memory for a steady input."""
        interval = NEARLY * first.prediction.mean_interval
        near = [place for place in self._from_least_work() if self._busy[place] <= interval]
        different: dict[int, Candidate] = {}
        settled: set[int] = set()
        for place in near:
            # Of a division the order of turns with the least lag that is in time: a frame passes soonest.
            division = id(self._networks[place][1])
            each = None if division in settled else self._predicted(place)
            if each is not None and each.prediction.mean_interval <= interval:
                settled.add(division)
                if each.prediction is not first.prediction:
                    different[id(each.prediction)] = each
        in_time = list(different.values())
        most = min(MOST_SIZED, SIZED_EVENTS // (8 * first.network.events))
        # Little waits where a frame passes soon.
        soonest = sorted(in_time, key=lambda each: each.prediction.latency)[: 2 * most]
        needed = [(each, needed_memories(each.network, each.prediction)) for each in soonest]
        for each, sizes in sorted(needed, key=lambda pair: _bits(graph, pair[1].sizes[0]))[:most]:
            sized = size_memories(graph, sizes)
            if sized.prediction.mean_interval <= interval:
                yield each, sized


def most_bits(bits: int) -> float:
    """Bits of line buffers and queues that a faster form may take where the network takes so many."""
    return max(MUCH * bits, min(MUCH * bits + LITTLE_MEMORY, LARGE_MEMORY))


def is_weighed(graph: IntegerGraph, sized: Sized) -> bool:
    """Whether the memory of a network is large enough to count, and a second budget is divided in reasonable time."""
    return _bits(graph, sized.network) > LARGE_MEMORY and sized.network.events <= WEIGHED_EVENTS


def leanest_budget(
    graph: IntegerGraph,
    best: tuple[Candidate, Sized],
    budgets: range,
    divided: Callable[[int], tuple[Candidate, Sized]],
) -> tuple[Candidate, Sized]:
    """The best, or where that takes far more memory than the least of smaller `budgets`, the fastest that does not.

    Those are looked for by halves.
    """
    if not budgets:
        return best
    found = divided(budgets[0])
    most = MUCH * _bits(graph, found[1].network)
    slowest = NEARLY * best[1].prediction.mean_interval
    if _bits(graph, best[1].network) <= most or found[1].prediction.mean_interval > slowest:
        return best
    low, high = budgets.start, budgets.stop
    for _ in range(BUDGETS_TRIED):
        if high - low < 2:
            break
        middle = (low + high) // 2
        other = divided(middle)
        if _bits(graph, other[1].network) <= most:
            low, found = middle, min(found, other, key=lambda pair: pair[1].prediction.mean_interval)
        else:
            high = middle
    return found


def size_memories(graph: IntegerGraph, needed: Needed) -> Sized:
    """The least sizes that keep the interval; of large ones those that nearly do."""
    tried: list[Sized] = []
    for network in needed.sizes:
        # More than nearly as slow is no choice. The last, with all the memory that there may be, is as fast in the
        # mean, though its frames may differ.
        last = network is needed.sizes[-1] and not tried
        reached = predict_cycles(network, math.inf if last else NEARLY * needed.prediction.mean_interval)
        if reached is not None:
            tried.append(Sized(network, reached, needed.events))
            if reached.mean_interval <= needed.prediction.mean_interval:
                break
    fastest = min(tried, key=lambda each: each.prediction.mean_interval)
    if _bits(graph, fastest.network) <= LARGE_MEMORY:
        return fastest
    near = [each for each in tried if each.prediction.mean_interval <= NEARLY * fastest.prediction.mean_interval]
    least = min(_bits(graph, each.network) for each in near)
    small = [each for each in near if _bits(graph, each.network) <= MUCH * least]
    return min(small, key=lambda each: each.prediction.mean_interval)


def _bits(graph: IntegerGraph, network: BeatNetwork) -> int:
    return buffer_bits(graph, network.plans, network.edges)


def busy_cycles(network: BeatNetwork) -> int:
    """Cycles of a frame of the busiest array, layer or way: no prediction is below."""
    cycles = {plan.operator: plan.cycles for plan in network.plans}
    beats = [edge.serializer.cycles for edge in network.edges if edge.serializer is not None]
    engines = [sum(cycles[name] for name in engine.layers) for engine in network.engines]
    return max([*cycles.values(), *beats, *engines, *network.input_beats.values(), *network.output_beats.values()])
