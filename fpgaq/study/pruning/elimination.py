"""Which units go, once the number for each group is known: one at a time, always the one whose loss does least harm.

Harm is measured of all units that went so far, in all groups together. Of units that replace each other, in one layer
or in several, some therefore stay. A measure of importance knows nothing of other groups.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from .groups import Group
from .harm import Cut, Harm
from .importance import Scores
from .masks import keep_counts
from .units import Mask, illegal

MOST_STEPS = 64
"""How many units are judged by harm: if more must go, the least important go without that."""
CANDIDATES = 2
"""Factor on the number of units that a group still loses: the candidates, the least important of the group."""


def eliminate(harm: Harm, groups: Sequence[Group], scores: Scores, counts: Sequence[int]) -> Cut:
    """Keep a given number of units of each group.

    A unit's harm is measured again only if it looks like the least: cuts of other units make it matter more, not less.

    Parameters
    ----------
    harm : Harm
    groups : sequence of Group
    scores : array
        Importance of the units.
    counts : sequence of int
        How many units each group keeps.

    Returns
    -------
    Cut
        A group keeps more where a tensor would otherwise be left empty.
    """
    losing = [max(0, group.size - max(count, len(group.fixed))) for group, count in zip(groups, counts, strict=True)]
    judged = [math.ceil(number * min(1.0, MOST_STEPS / max(1, sum(losing)))) for number in losing]
    first = [group.size - lost + more for group, lost, more in zip(groups, losing, judged, strict=True)]
    keep = keep_counts(harm.units, groups, scores, first)
    now = harm(keep)
    candidates = [
        _least(group, keep, scores, CANDIDATES * number) for group, number in zip(groups, judged, strict=True)
    ]
    left = list(judged)
    rises: dict[int, float] = {}
    while any(left):
        # In step: the group with most of its way still to go, so that each is judged together with cuts of the others.
        index = max(range(len(left)), key=lambda i: (left[i] / max(1, judged[i]), -i))
        unit = _next(candidates[index], keep, rises, harm, now)
        if unit is None:
            left[index] = 0
            continue
        keep[unit], left[index], now = False, left[index] - 1, now + rises[unit]
    return Cut(keep, now)


def both_cuts(harm: Harm, groups: Sequence[Group], scores: Scores, counts: Sequence[int]) -> list[Cut]:
    """One unit after the other by harm, and all at once by importance, which has seen each group to its end."""
    first, keep = eliminate(harm, groups, scores, counts), keep_counts(harm.units, groups, scores, counts)
    return [first] if np.array_equal(first.keep, keep) else [first, Cut(keep, harm(keep))]


def _least(group: Group, keep: Mask, scores: Scores, most: int) -> list[int]:
    """The least important of a group that are still there."""
    there = [unit for unit in group.units if keep[unit]]
    return sorted(there, key=lambda unit: (scores[unit], -unit))[:most]


def _next(candidates: Sequence[int], keep: Mask, rises: dict[int, float], harm: Harm, now: float) -> int | None:
    """The unit that adds least harm; `rises` has the harm that each added when it was last measured."""

    def measure(unit: int) -> None:
        keep[unit] = False
        rises[unit] = harm(keep) - now if illegal(harm.units, keep) is None else math.inf
        keep[unit] = True

    there = [unit for unit in candidates if keep[unit]]
    fresh = {unit for unit in there if unit not in rises}
    for unit in fresh:
        measure(unit)
    while there:
        unit = min(there, key=lambda one: (rises[one], one))
        if unit in fresh:
            return unit if rises[unit] < math.inf else None
        measure(unit)
        fresh.add(unit)
    return None
