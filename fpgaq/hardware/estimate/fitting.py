"""The fastest schedule that a device holds, found by estimates."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import chain, islice

from ...base.errors import FitError
from ...base.progress import Step
from ...integer.graph import IntegerGraph
from ..lowering import lower
from ..schedule import Schedule, Target
from ..schedule.beats import BeatNetwork
from ..schedule.candidates import Candidate, Candidates, busy_cycles, size_memories
from ..schedule.dividing import DividedForms
from ..schedule.forms import EFFICIENT, MOST_DIVIDED, MOST_FORMS, WORTHWHILE
from ..schedule.memories import Sized, needed_memories
from ..schedule.merging import MergedForms
from ..schedule.planner import Draft, candidates, draft_of, finish, fold_ranges, unshrunk
from ..schedule.schedule import Prediction
from .floors import Floors, with_least_memories
from .model import Estimate
from .parts import adapt, capacity_of, excess_of, shortage

MOST_MULTIPLIERS = 4096
_RATIO = 1.15
"""Budgets are tried in steps of this ratio first."""

FEWEST_TRIES, MOST_TRIES = 14, 80
"""Budgets whose memories are sized for a large network and for a small one."""

EFFORT = 4_000_000
"""Elements of all tensors times tries."""

HOPELESS = 1.25
"""How many times the device's logic a budget takes beyond which no larger one is looked at."""

SLACK = 1.1
"""How many times the device's logic the least memories may seem to need: larger ones may need less."""


@dataclass(frozen=True)
class Fitted:
    """The form of a network, its schedule, what that is estimated to take, and why it is not faster, in words."""

    network: IntegerGraph
    schedule: Schedule
    estimate: Estimate
    limited_by: str = ""


def fit_device(graph: IntegerGraph, device: str, progress: Callable[[str], None] = lambda stage: None) -> Fitted:
    """Find the fastest hardware that the device holds.

    LUTs and flip-flops are held to what the estimate's error leaves: they fit even if the estimate is as far too low
    as in one of twenty networks. DSP blocks and block RAMs count as they are.

    Logic grows with the budget, and bisection finds where it runs out. Block RAM does not, nor do DSP blocks that
    several outputs share. So of every budget that may be faster than what was found, the floor is looked at: the
    multipliers of its divisions, their weights and the least line buffers. Those that may fit are tried, the one of
    the least cycles first, until none is left that may be faster.

    Raises
    ------
    FitError
        If not even the smallest schedule fits; the message says what is short.
    """
    search = _Search(graph, device, progress)
    best = search.fastest()
    if best is None:
        raise FitError(
            f"the network does not fit {device}: with one multiplier it is estimated to take"
            f" {search.attempt(1).excess}; choose a larger part"
        )
    best = search.with_fewest(best)
    return replace(search.finished(best), limited_by=search.reason(best))


@dataclass(frozen=True)
class _Sketch:
    """Hardware of some form of the network that fits before its memories are shrunk, or once they are."""

    network: IntegerGraph
    draft: Draft
    schedule: Schedule
    estimate: Estimate
    shrunk: bool


@dataclass(frozen=True)
class _Attempt:
    """The hardware of a budget where it fits, else what the device lacks, or nothing if it is slower than wanted."""

    budget: int
    sketch: _Sketch | None
    excess: str = ""

    @property
    def interval(self) -> float:
        """Cycles of a frame; endless where it does not fit."""
        return math.inf if self.sketch is None else self.sketch.draft.interval


@dataclass(frozen=True)
class _Outline:
    """The networks of a budget whose floor the device holds; if there are none, what the fastest lacks."""

    candidates: Candidates
    excess: str

    @property
    def cycles(self) -> float:
        """Cycles that no frame is below; endless if nothing fits."""
        return min(self.candidates.busy, default=math.inf)


class _Search:
    """Budgets that were tried on a device."""

    def __init__(self, graph: IntegerGraph, device: str, progress: Callable[[str], None]) -> None:
        self._graph, self._device, self._progress = graph, device, progress
        self._lowered = lower(graph)
        self._floors = Floors(self._lowered, device)
        self._capacity = capacity_of(device)
        self._merged, self._divided = MergedForms(self._lowered), DividedForms(self._lowered)
        self._products = sum(layer.macs for layer in fold_ranges(self._lowered))
        self._bounds: dict[int, int] = {}
        self._tried: dict[int, _Attempt] = {}
        self._sized = 0
        self._tries = max(FEWEST_TRIES, min(MOST_TRIES, EFFORT // sum(t.size for t in graph.tensors.values())))

    def bound(self, budget: int) -> int:
        """Cycles that no schedule of a budget is below."""
        if budget not in self._bounds:
            target = Target(multipliers=budget)
            self._bounds[budget] = self._divided.least_interval(target, self._merged.least_interval(target))
        return self._bounds[budget]

    def _forms(self, budget: int, interval: float, below: float) -> Iterator[IntegerGraph]:
        """Other forms of the network that may take less than so many cycles, if its own takes `interval`."""
        target = Target(multipliers=budget)
        if self._products < EFFICIENT * interval * budget:
            yield from islice(self._merged.faster(target, below), MOST_FORMS)
        yield from islice(self._divided.faster(target, below), MOST_DIVIDED)

    def outline(self, form: IntegerGraph, budget: int) -> _Outline:
        """What may be built of a form of the network with a budget."""
        floors = self._floors if form is self._lowered else Floors(form, self._device)
        lacking: dict[int, str] = {}

        def may_fit(network: BeatNetwork) -> bool:
            excess = shortage(floors.of(network), self._device)
            if excess:
                lacking.setdefault(busy_cycles(network), excess)
            return not excess

        found = candidates(form, Target(multipliers=budget), may_fit)
        return _Outline(found, lacking[min(lacking)] if lacking and not found.busy else "")

    def attempt(self, budget: int, most: float = math.inf) -> _Attempt:
        """The hardware of a budget, if it takes at most so many cycles."""
        known = self._tried.get(budget)
        # What was slower than wanted may be wanted now.
        if known is None or (known.sketch is None and not known.excess):
            rest = f" budgets tried, now {budget:,} multipliers"
            self._progress(Step(f"fitting {self._device}", self._sized, self._tries, rest, about=True))
            self._tried[budget] = self._attempt(budget, most)
        return self._tried[budget]

    def _attempt(self, budget: int, most: float) -> _Attempt:
        outline = self.outline(self._lowered, budget)
        sketch, excess = self._sketch(self._lowered, outline, budget, most)
        interval, below = outline.cycles, most
        if sketch is not None:
            interval, below = sketch.draft.interval, sketch.draft.interval / WORTHWHILE
        for form in self._forms(budget, interval, below):
            other, lacking = self._sketch(form, self.outline(form, budget), budget, most)
            excess = excess or lacking
            if other is not None and (sketch is None or other.draft.interval * WORTHWHILE < sketch.draft.interval):
                # Products by zero are no work that has to be done.
                sketch = replace(other, draft=replace(other.draft, macs=self._products))
        return _Attempt(budget, sketch, "" if sketch else excess)

    def _sketch(self, form: IntegerGraph, outline: _Outline, budget: int, most: float) -> tuple[_Sketch | None, str]:
        """The fastest network of an outline that fits, else what the device lacks."""
        first = next(outline.candidates.by_interval(), None) if outline.cycles <= most else None
        if first is None or first.prediction.mean_interval > most:
            return None, outline.excess
        excess = excess_of(self._bare(form, first, budget), SLACK)
        if excess:
            return None, excess
        self._sized += 1
        target = Target(multipliers=budget)
        sized = size_memories(form, needed_memories(first.network, first.prediction))
        for pair in chain([(first, sized)], outline.candidates.others(form, first)):
            draft = draft_of(form, target, *pair)
            schedule, guess = adapt(form, unshrunk(draft), self._device)
            lacking = excess_of(guess)
            if not lacking:
                return _Sketch(form, draft, schedule, guess, False), ""
            excess = excess or lacking
            if guess.counts.dsp <= self._capacity.dsp:
                schedule, guess = adapt(form, finish(draft), self._device)
                if not excess_of(guess):
                    return _Sketch(form, draft, schedule, guess, True), ""
        return None, excess

    def finished(self, best: _Attempt) -> Fitted:
        """The schedule of an attempt that fits, its memories shrunk where that fits too."""
        assert best.sketch is not None
        found = best.sketch
        if not found.shrunk:
            schedule, guess = adapt(found.network, finish(found.draft), self._device)
            if not excess_of(guess):
                return Fitted(found.network, schedule, guess)
        return Fitted(found.network, found.schedule, found.estimate)

    def hopeless(self, budget: int) -> bool:
        """Whether the device lacks far more logic than another division could save."""
        found = candidates(self._lowered, Target(multipliers=budget))
        place = min(range(len(found.busy)), key=lambda place: found.busy[place])
        cycles = found.busy[place]
        first = Candidate(*found.networks[place], Prediction(None, cycles, cycles, 0))
        guess = self._bare(self._lowered, first, budget)
        logic = replace(guess, counts=replace(guess.counts, dsp=0, bram=0))
        return excess_of(logic, HOPELESS) != ""

    def _bare(self, form: IntegerGraph, candidate: Candidate, budget: int) -> Estimate:
        """What a candidate takes with the least memories."""
        network = with_least_memories(candidate.network)
        draft = draft_of(form, Target(multipliers=budget), candidate, Sized(network, candidate.prediction, 0))
        return adapt(form, unshrunk(draft), self._device)[1]

    def limit(self) -> int:
        """The least budget that is looked at no more: beyond it logic is short by far, or multipliers are in any case.

        Where more multipliers make a network no faster, larger budgets are not looked at either.
        """
        most = int(min(self._floors.most_multipliers(self._capacity.dsp), MOST_MULTIPLIERS))
        # Not only in steps: the last multipliers may be those that a faster division takes.
        budgets = [*(budget for budget in _budgets() if budget < most), most]
        fastest = self.bound(most)
        high = next(place for place, budget in enumerate(budgets) if self.bound(budget) <= fastest)
        low, high = 0, min(high + 1, len(budgets))
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if self.hopeless(budgets[middle]) else (middle, high)
        return budgets[high] if high < len(budgets) else most + 1

    def fastest(self) -> _Attempt | None:
        """The fastest budget that fits."""
        limit = self.limit()
        best = self._some(limit)
        if best is None:
            return None
        best = self._refined(best, limit)
        return self._scanned(best, limit)

    def _some(self, limit: int) -> _Attempt | None:
        """A large budget that fits, looked for from above in steps that grow."""
        budgets = [budget for budget in _budgets() if budget < limit]
        place, step = len(budgets) - 1, 1
        while place >= 0:
            tried = self.attempt(budgets[place])
            if tried.sketch is not None:
                return tried
            place = place - step if place == 0 else max(0, place - step)
            step += 1
        return None

    def _refined(self, best: _Attempt, limit: int) -> _Attempt:
        """The fastest that is found by bisection between it and what does not fit."""
        low = best.budget
        high = min([limit, *(tried.budget for tried in self._tried.values() if tried.excess and tried.budget > low)])
        while high - low > 1 and self._left > 0:
            middle = (low + high) // 2
            if self.bound(middle) >= best.interval or self.attempt(middle, _below(best)).excess == "":
                low = middle
            else:
                high = middle
            best = min(best, self._tried.get(middle, best), key=_rank)
        return best

    def _scanned(self, best: _Attempt, limit: int) -> _Attempt:
        """The fastest of all budgets whose floor the device holds; the one of the least cycles is tried first."""
        possible: list[tuple[float, int]] = []
        for budget in range(limit - 1, 0, -1):
            if self.bound(budget) >= best.interval:
                break
            if budget in self._tried:
                continue
            outline = self.outline(self._lowered, budget)
            # With a layer on two arrays it may be faster, and fit where nothing else does.
            least = self._divided.least_interval(Target(multipliers=budget), math.ceil(best.interval))
            if outline.candidates.busy or least < best.interval:
                possible.append((min(outline.cycles, least), budget))
            else:
                self._tried[budget] = _Attempt(budget, None, outline.excess)
        for cycles, budget in sorted(possible):
            if cycles >= best.interval or self._left <= 0:
                break
            best = min(best, self.attempt(budget, _below(best)), key=_rank)
        return best

    @property
    def _left(self) -> int:
        return self._tries - self._sized

    def with_fewest(self, best: _Attempt) -> _Attempt:
        """The fewest multipliers of the same speed: no more than are used, and of the budgets before as few as do."""
        assert best.sketch is not None
        used = best.sketch.schedule.multipliers
        if used < best.budget:
            best = min(best, self.attempt(used, best.interval), key=_rank)
        for budget in [budget for budget in reversed(_budgets()) if budget < best.budget]:
            if self.bound(budget) > best.interval:
                break
            smaller = self.attempt(budget, best.interval)
            if smaller.interval > best.interval:
                break
            best = smaller
        return best

    def reason(self, best: _Attempt) -> str:
        """What keeps the device from a faster schedule."""
        if best.interval <= self.bound(MOST_MULTIPLIERS):
            return "the network: more multipliers make it no faster"
        for budget in _budgets():
            faster = budget > best.budget and self.bound(budget) < best.interval
            # Of those the ones that fit are no faster.
            if faster and self.attempt(budget, _below(best)).excess:
                break
        larger = [tried for tried in self._tried.values() if tried.excess and tried.budget > best.budget]
        if not larger:
            return "the network: more multipliers make it no faster"
        nearest = min(larger, key=lambda tried: tried.budget)
        return f"{nearest.excess} with {nearest.budget:,} multipliers"


def _below(best: _Attempt) -> float:
    """The greatest number of cycles that is faster."""
    return math.nextafter(best.interval, 0.0)


def _rank(tried: _Attempt) -> tuple[float, int]:
    """The fastest first, of these the one of the fewest multipliers."""
    return tried.interval, tried.budget


def _budgets() -> list[int]:
    """The budgets to try, one multiplier first."""
    budgets = [1]
    while budgets[-1] < MOST_MULTIPLIERS:
        budgets.append(max(budgets[-1] + 1, int(budgets[-1] * _RATIO)))
    return budgets
