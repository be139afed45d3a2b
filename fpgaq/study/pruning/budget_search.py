"""How much each group gives up for a budget: by how far the outputs move when it alone is cut, as measured.

The groups' choices are the counts that the limits allow. If there are few combinations all are tried; otherwise a
greedy descent is followed by exchanges. Nothing here needs labels.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from ...base.errors import FitError
from ...base.parallel import evaluate
from .cost import Budget, Cost, cost_of
from .groups import Group
from .harm import Harm
from .importance import Scores
from .masks import Limits, keep_counts
from .units import Mask, Units

MOST_COMBINATIONS = 40_000
NEAR = 0.125
"""Share of the channels of each group by which choices that count as alike may differ."""
MOST_COUNTS = 16
"""Most counts of a group that are measured; the harm of those in between is taken from a line."""

Counts = tuple[int, ...]


@dataclass(frozen=True)
class HarmTable:
    """For each group the counts that it may keep, falling, and the harm that each does alone."""

    counts: tuple[Counts, ...]
    harms: tuple[tuple[float, ...], ...]

    def harm(self, counts: Sequence[int]) -> float:
        """The sum over the groups."""
        return sum(
            harms[options.index(count)] for options, harms, count in zip(self.counts, self.harms, counts, strict=True)
        )


def measure_harms(
    harm: Harm,
    groups: Sequence[Group],
    scores: Scores,
    limits: Limits | None = None,
    *,
    jobs: int | None = 1,
    progress: Callable[[int, int], None] | None = None,
) -> HarmTable:
    """The harm of cutting each group alone to each count.

    Parameters
    ----------
    harm : Harm
    groups : sequence of Group
    scores : array
        Importance of the units: the least important of a group go first.
    limits : Limits, optional
    jobs : int or None
        Processes, as of `fpgaq.base.parallel.evaluate`.
    progress : callable, optional
        Called with the number of harms that were measured, and the number of all.
    """
    limits = limits or Limits()
    options = tuple(limits.counts(group) if group.units else (group.size,) for group in groups)
    full = tuple(group.size for group in groups)
    tasks = [
        (*full[:index], count, *full[index + 1 :])
        for index, counts in enumerate(options)
        for count in _spread(counts[1:])
    ]
    function = partial(_harm_of_counts, harm, tuple(groups), scores)
    found = dict(zip(tasks, evaluate(function, tasks, jobs=jobs, progress=progress), strict=True))
    harms = tuple(
        _line(counts, {task[index]: value for task, value in found.items() if task[index] < full[index]})
        for index, counts in enumerate(options)
    )
    return HarmTable(options, harms)


def _harm_of_counts(harm: Harm, groups: Sequence[Group], scores: Scores, counts: Counts) -> float:
    return harm(keep_counts(harm.units, groups, scores, counts))


def _spread(counts: Counts) -> list[int]:
    """At most `MOST_COUNTS` of them, from the first to the last."""
    numbers = np.linspace(0, len(counts) - 1, min(len(counts), MOST_COUNTS)).astype(np.int64)
    return [counts[number] for number in numbers]


def _line(counts: Counts, measured: Mapping[int, float]) -> tuple[float, ...]:
    """The harm of all counts (the first keeps everything): as measured, and on a line in between."""
    known = {counts[0]: 0.0, **measured}
    falling = sorted(known, reverse=True)
    # Keeping less never does less harm; a measurement that looks so is chance.
    rising = list(itertools.accumulate((known[count] for count in falling), max))
    return tuple(np.interp(counts, falling[::-1], rising[::-1]).tolist())


@dataclass(frozen=True)
class Found:
    """The result of a search: units kept by each group, the mask, its cost and the harm expected of it."""

    counts: Counts
    keep: Mask
    cost: Cost
    harm: float


def counts_within(
    units: Units, groups: Sequence[Group], scores: Scores, harm_table: HarmTable, budget: Budget
) -> Found:
    """The counts of least harm within a budget; of equal ones the most channels.

    Raises
    ------
    FitError
        If even the least that the limits allow costs more; the message gives that cost.
    """
    return next(ranked(units, groups, scores, harm_table, budget))


def ranked(
    units: Units,
    groups: Sequence[Group],
    scores: Scores,
    harm_table: HarmTable,
    budget: Budget,
    more: bool = False,
) -> Iterator[Found]:
    """Choices within a budget, the least harm first; with `more` a greedy search looks further around its result.

    Raises
    ------
    FitError
        As in `counts_within`.
    """
    costs: dict[Counts, Cost] = {}

    def cost(counts: Counts) -> Cost:
        if counts not in costs:
            costs[counts] = cost_of(units, keep_counts(units, groups, scores, counts), budget)
        return costs[counts]

    least = tuple(options[-1] for options in harm_table.counts)
    if not cost(least).within(budget):
        raise FitError(f"no pruning within the limits meets the budget: the least network costs {_text(cost(least))}")
    combinations = math.prod(len(options) for options in harm_table.counts)
    candidates: Iterable[Counts]
    if combinations <= MOST_COMBINATIONS:
        candidates = itertools.product(*harm_table.counts)
    else:
        best = _exchange(_descend(harm_table, budget, cost), harm_table, budget, cost)
        candidates = {best, *_exchanges(best, harm_table)}
        if more:
            candidates |= {step for counts in candidates for step in _exchanges(counts, harm_table)}

    def order(counts: Counts) -> tuple[float, Counts]:
        return harm_table.harm(counts), tuple(-count for count in counts)

    for counts in sorted(candidates, key=order):
        if cost(counts).within(budget):
            yield Found(counts, keep_counts(units, groups, scores, counts), cost(counts), harm_table.harm(counts))


def alike(counts: Counts, better: Counts, full: Counts) -> bool:
    """Whether a choice is near one of less harm, or keeps no more units of any group: not worth a trial of its own."""
    pairs = tuple(zip(counts, better, full, strict=True))
    return all(a <= b for a, b, _ in pairs) or all(abs(a - b) <= NEAR * size for a, b, size in pairs)


def _text(cost: Cost) -> str:
    cycles = f", {cost.cycles:,} cycles" if cost.cycles is not None else ""
    return f"{cost.macs:,} multiplications, {cost.rom_bits:,} ROM bits{cycles}"


def _excess(cost: Cost, budget: Budget) -> float:
    """How far over the budget, as a sum of ratios; multiplications break ties, for cycles move in steps."""
    pairs = ((cost.macs, budget.macs), (cost.rom_bits, budget.rom_bits), (cost.cycles, budget.cycles))
    over = sum(max(0.0, (value or 0) / limit - 1) for value, limit in pairs if limit is not None)
    return over + 1e-9 * cost.macs


def _steps(counts: Counts, harm_table: HarmTable, move: int) -> Iterable[Counts]:
    """One group's count moved by one place; 1 keeps less, -1 more."""
    for index, options in enumerate(harm_table.counts):
        place = options.index(counts[index]) + move
        if 0 <= place < len(options):
            yield (*counts[:index], options[place], *counts[index + 1 :])


def _exchanges(counts: Counts, harm_table: HarmTable) -> Iterable[Counts]:
    """One group's count a place higher, and with it no or one other's a place lower."""
    for more in _steps(counts, harm_table, -1):
        yield more
        yield from _steps(more, harm_table, 1)


def _descend(harm_table: HarmTable, budget: Budget, cost: Callable[[Counts], Cost]) -> Counts:
    """From the whole network, always take the step with the least harm for its saving."""
    counts = tuple(options[0] for options in harm_table.counts)
    while not cost(counts).within(budget):
        here, harm = _excess(cost(counts), budget), harm_table.harm(counts)

        def price(step: Counts, here: float = here, harm: float = harm) -> tuple[float, Counts]:
            return (harm_table.harm(step) - harm + 1e-12) / max(here - _excess(cost(step), budget), 1e-12), step

        counts = min(_steps(counts, harm_table, 1), key=price)
    return counts


def _exchange(counts: Counts, harm_table: HarmTable, budget: Budget, cost: Callable[[Counts], Cost]) -> Counts:
    """Let a group keep more, and another less if necessary, while that does less harm."""
    while True:
        better = [
            step
            for step in _exchanges(counts, harm_table)
            if harm_table.harm(step) < harm_table.harm(counts) and cost(step).within(budget)
        ]
        if not better:
            return counts
        counts = min(better, key=lambda step: (harm_table.harm(step), step))
