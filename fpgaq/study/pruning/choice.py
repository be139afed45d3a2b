"""The choice for a budget: how many units of each group go, then which, and whether the real schedule keeps to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from numpy.typing import NDArray

from ...base.errors import FitError, UsageError
from ...base.parallel import evaluate
from ...base.progress import counter
from ..report.summary import summarize
from .budget_search import Found, alike, measure_harms, ranked
from .cost import Budget, cost_of
from .elimination import both_cuts
from .figures import Figures, measure
from .groups import Group
from .harm import SAMPLES, Harm
from .importance import Statistics
from .measures import MEASURES
from .options import PruneOptions
from .readings import some_samples
from .shrinkage import rebuild
from .units import Units

MOST_ATTEMPTS = 4
"""How often a budget is tightened if the real schedule takes more cycles than its folds alone."""
FEW = 16
"""How many samples a network is quantized with for its schedule, which depends little on them."""
CHOICES = 4
"""How many choices of counts are carried out at least, to take the one that does least harm as a whole."""
MOST_MISSES = 4
"""How many choices for each trial may turn out not to fit before no more are looked for."""


def limits_of(units: Units, options: PruneOptions, before: Figures) -> Budget:
    """The limits asked for, with shares of the whole network's cost turned into numbers."""
    whole = cost_of(units, units.everything(), Budget(macs=1))
    summary = summarize(units.graph)

    def number(value: float | None, of: int | None) -> int | None:
        if value is None:
            return None
        if value > 1:
            return int(value)
        if of is None:
            raise UsageError(
                f"a budget of {value:g} of the network's cycles, which change from frame to frame; name a number of"
                " cycles"
            )
        return max(1, int(value * of))

    return Budget(
        number(options.macs, summary.macs),
        number(options.rom_bits, whole.rom_bits),
        number(options.cycles, before.interval),
        options.multipliers,
    )


def choices_within(
    limits: Budget,
    units: Units,
    groups: tuple[Group, ...],
    inputs: Mapping[str, NDArray[Any]],
    options: PruneOptions,
    progress: Callable[[str], None],
) -> list[Found]:
    """Choices of units to remove whose real schedules keep to the limits too, the least harmful first.

    Parameters
    ----------
    limits : Budget
    units : Units
    groups : tuple of Group
        All of the network.
    inputs : mapping of str to array
        Samples on which importance and harm are measured; some of them are used.
    options : PruneOptions
    progress : callable
        Called with a line about the progress.

    Raises
    ------
    FitError
        If no choice keeps to them.
    """
    progress("rating channels")
    samples = some_samples(units.graph, inputs, SAMPLES)
    few = some_samples(units.graph, inputs, FEW)
    scores = MEASURES[options.measure](units, Statistics(samples))
    harm = Harm(units, samples)

    intervals: dict[tuple[tuple[int, ...], ...], int | None] = {}

    def excess(found: Found) -> int:
        """Cycles of the real schedule over those allowed."""
        if limits.cycles is None:
            return 0
        pruned = rebuild(units, found.keep, few)
        shapes = tuple(pruned.shapes.values())
        if shapes not in intervals:
            progress(f"scheduling choice {len(intervals) + 1}")
            intervals[shapes] = measure(pruned, few, None, options.multipliers).interval
        interval = intervals[shapes]
        return 1 if interval is None else max(0, interval - limits.cycles)

    shown = counter(progress, "measuring sensitivities")
    harm_table = measure_harms(harm, groups, scores, options.limits, jobs=options.jobs, progress=shown)
    budget = limits
    for _ in range(MOST_ATTEMPTS):
        progress("searching")
        ranking = ranked(units, groups, scores, harm_table, budget, more=True)
        best = next(ranking)
        over = excess(best)
        if not over:
            break
        # Queues and pixel rates can cost cycles that the folds do not know of.
        allowed = budget.cycles or 0
        budget = replace(budget, cycles=min(allowed, best.cost.cycles or allowed) - over)
    else:
        raise FitError(f"no pruning was found whose schedule takes at most {limits.cycles:,} cycles; allow more")
    full = tuple(group.size for group in groups)
    found = _with_others(best, ranking, excess, full, max(CHOICES, options.trials))
    function, shown = partial(both_cuts, harm, groups, scores), counter(progress, "choosing channels")
    cuts = evaluate(function, [one.counts for one in found], jobs=options.jobs, progress=shown)
    exact = [
        Found(one.counts, cut.keep, cost_of(units, cut.keep, limits), cut.harm)
        for one, both in zip(found, cuts, strict=True)
        for cut in both
    ]
    # Units of one group may differ in cost; those that importance chose were looked at above.
    fitting = [one for one in exact if one.cost.within(limits) and not excess(one)]
    return sorted(fitting, key=lambda one: one.harm)


def _with_others(
    best: Found, ranking: Iterator[Found], excess: Callable[[Found], int], full: tuple[int, ...], most: int
) -> list[Found]:
    """The best choice and the next ones that are worth a trial of their own, up to `most`."""
    chosen, misses = [best], 0
    while len(chosen) < most and misses < MOST_MISSES * most and (found := next(ranking, None)) is not None:
        if any(alike(found.counts, one.counts, full) for one in chosen):
            continue
        if excess(found):
            misses += 1
        else:
            chosen.append(found)
    return chosen
