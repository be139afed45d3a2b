"""From importance to a mask: by threshold, by a share of each group or of all, within limits that hardware likes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ...base.errors import UsageError
from .groups import Group
from .importance import Scores
from .units import Mask, Units


@dataclass(frozen=True)
class Limits:
    """How many units a group keeps: at least a number, and a multiple of a number (rounded up, at most all).

    A layer takes ceil(channels / lanes) steps: channels that do not fill the lanes cost cycles all the same.
    """

    at_least: int = 1
    multiple: int = 1

    def __post_init__(self) -> None:
        if self.at_least < 1 or self.multiple < 1:
            raise UsageError(f"at least {self.at_least}, a multiple of {self.multiple}; both are 1 or more")

    def allowed(self, group: Group, wanted: int) -> int:
        """The least count that a group may keep, of at least `wanted`."""
        count = max(wanted, self.at_least, len(group.fixed))
        return min(group.size, -(-count // self.multiple) * self.multiple)

    def counts(self, group: Group) -> tuple[int, ...]:
        """All counts that a group may keep, falling."""
        return tuple(sorted({self.allowed(group, wanted) for wanted in range(1, group.size + 1)}, reverse=True))


def keep_counts(units: Units, groups: Sequence[Group], scores: Scores, counts: Sequence[int]) -> Mask:
    """The mask that keeps a number of the most important units of each group; the first of equals stays.

    Where a tensor would be left empty (a slice of a layer's channels), its most important unit stays too.
    """
    keep = units.everything()
    for group, count in zip(groups, counts, strict=True):
        order = sorted(group.units, key=lambda unit: (-_score(scores, unit), unit))
        keep[order[max(0, count - len(group.fixed)) :]] = False
    for labels in units.labels.values():
        if not keep[labels].any():
            keep[max(np.unique(labels).tolist(), key=lambda unit: (_score(scores, unit), -unit))] = True
    return keep


def by_threshold(
    units: Units, groups: Sequence[Group], scores: Scores, threshold: float, limits: Limits | None = None
) -> Mask:
    """Drop the units that are less important than a threshold."""
    limits = limits or Limits()
    wanted = [len(group.fixed) + sum(_score(scores, unit) >= threshold for unit in group.units) for group in groups]
    return keep_counts(units, groups, scores, [limits.allowed(g, n) for g, n in zip(groups, wanted, strict=True)])


def by_ratio(
    units: Units,
    groups: Sequence[Group],
    scores: Scores,
    ratio: float | Mapping[str, float],
    limits: Limits | None = None,
) -> Mask:
    """Drop a share of each group, rounded down; `ratio` is one number, or one for layers by name (0 for the others).

    Raises
    ------
    UsageError
        A share outside 0 to 1, a layer that makes no channels, or two layers of one group with different shares.
    """
    limits = limits or Limits()
    shares = [ratio] * len(groups) if isinstance(ratio, int | float) else _shares(groups, ratio)
    for share in shares:
        _check_share(share)
    wanted = [group.size - int(share * group.size) for group, share in zip(groups, shares, strict=True)]
    return keep_counts(units, groups, scores, [limits.allowed(g, n) for g, n in zip(groups, wanted, strict=True)])


def by_global_ratio(
    units: Units, groups: Sequence[Group], scores: Scores, ratio: float, limits: Limits | None = None
) -> Mask:
    """Drop a share of all units that could go, the least important of the whole network."""
    _check_share(ratio)
    free = sorted(_score(scores, unit) for group in groups for unit in group.units)
    dropped = int(ratio * len(free))
    threshold = free[dropped] if dropped < len(free) else np.inf
    return by_threshold(units, groups, scores, threshold, limits)


def _shares(groups: Sequence[Group], ratio: Mapping[str, float]) -> list[float]:
    known = {layer for group in groups for layer in group.layers}
    for layer in ratio:
        if layer not in known:
            raise UsageError(f"layer {layer!r} makes no channels; those that do: {', '.join(map(repr, sorted(known)))}")
    shares = []
    for group in groups:
        given = {ratio[layer] for layer in group.layers if layer in ratio}
        if len(given) > 1:
            raise UsageError(f"layers {', '.join(map(repr, group.layers))} shrink together; give them one share")
        shares.append(given.pop() if given else 0.0)
    return shares


def _check_share(share: float) -> None:
    if not 0 <= share <= 1:
        raise UsageError(f"a share of {share:g}; it lies between 0 and 1")


def _score(scores: Scores, unit: int) -> float:
    """A unit that no layer makes counts as the most important."""
    return float(scores[unit]) if not np.isnan(scores[unit]) else float("inf")
