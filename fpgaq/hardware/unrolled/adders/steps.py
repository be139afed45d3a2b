"""Which bits the next carry chain takes: recursions over the columns of a heap, from the top down.

Each column has a height (bits in it), some of them straight (not inverted, in the sense of the chain), and perhaps a
constant one. A chain is a sequence of steps from its lowest column upwards; a step takes bits by one of a few patterns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

# What one step of a chain may take: (digits, bits of its group by weight). A plain wire comes on top at each position.
_PATTERNS: tuple[tuple[int, tuple[int, int]], ...] = (
    (1, (0, 0)),
    (1, (1, 0)),
    (2, (3, 0)),
    (2, (2, 0)),
    (3, (5, 0)),
    (3, (4, 0)),
    (3, (3, 2)),
    (3, (1, 3)),
)


@dataclass(frozen=True)
class Step:
    """One step of a chain under construction: a pattern at a column.

    Parameters
    ----------
    column, digits : int
        The columns that it spans.
    group : tuple of int
        Bits of its group from its lowest column and from the next.
    plains : int
        A bit mask of the columns where a plain wire is taken too.
    """

    column: int
    digits: int
    group: tuple[int, int]
    plains: int


def plan_chain(
    heights: Sequence[int], straight: Sequence[int], ones: Sequence[int], threshold: float
) -> tuple[float, list[Step]]:
    """The best chain over columns: what it removes beyond `threshold` for each table, and its steps from the low end.

    From each column upwards: stop (a carry out is left as a bit), or one of the patterns and then the best of the rest.
    """
    width = len(heights)
    best: list[tuple[float, Step | None]] = [(0.0, None)] * (width + 4)
    result: tuple[float, int] = (0.0, -1)
    for column in range(width - 1, -1, -1):
        choice: tuple[float, Step | None] = (-1.0 if threshold > 0.1 else -0.005, None)  # the carry out
        for digits, group in _PATTERNS:
            step = _try_pattern(column, digits, group, heights, straight, ones, threshold)
            if step is None:
                continue
            gain, made = step
            above = column + digits
            gain += best[above][0] if above < width else 0.0
            if gain > choice[0]:
                choice = (gain, made)
        best[column] = choice
        carry = 1.0 if heights[column] + ones[column] > 2 and straight[column] + ones[column] > 1 else 0.0
        if choice[1] is not None and any(choice[1].group) and choice[0] + carry > result[0]:
            result = (choice[0] + carry, column)
    steps: list[Step] = []
    column = result[1]
    while 0 <= column < width:
        chosen = best[column][1]
        if chosen is None:
            break
        steps.append(chosen)
        column += chosen.digits
    while steps and not sum(steps[-1].group) and steps[-1].column + steps[-1].digits < width and not steps[-1].plains:
        steps.pop()
    return result[0], steps


def plan_final(heights: Sequence[int], straight: Sequence[int], ones: Sequence[int]) -> list[Step]:
    """The chain of fewest tables that takes every bit from the lowest column of several upwards; empty if none can."""
    width = len(heights)
    crowded = [column for column in range(width) if heights[column] + ones[column] > 1]
    if not crowded:
        return []
    best: list[tuple[int, Step | None] | None] = [None] * (width + 4)
    for column in range(width, width + 4):
        best[column] = (0, None)
    for column in range(width - 1, crowded[0] - 1, -1):
        # The lowest position takes a bit more, as its carry.
        carried = int(column == crowded[0] and straight[column] + ones[column] > 0)
        for digits, group in _PATTERNS:
            rest = best[column + digits]
            cost = _cost_if_emptied(column, digits, group, heights, straight, ones, carried)
            if rest is None or cost is None:
                continue
            plains = sum(
                1 << digit
                for digit in range(min(digits, width - column))
                if heights[column + digit] + ones[column + digit] - (group[digit] if digit < 2 else 0) > 0
            )
            known = best[column]
            if known is None or cost + rest[0] < known[0]:
                best[column] = (cost + rest[0], Step(column, digits, group, plains))
    steps: list[Step] = []
    column = crowded[0]
    while column < width:
        entry = best[column]
        if entry is None or entry[1] is None:
            return []
        steps.append(entry[1])
        column += entry[1].digits
    return steps


def _cost_if_emptied(
    column: int,
    digits: int,
    group: tuple[int, int],
    heights: Sequence[int],
    straight: Sequence[int],
    ones: Sequence[int],
    carried: int,
) -> int | None:
    """Tables of a pattern that leaves nothing in its columns; None if it cannot. `carried` bits go into the carry."""
    width = len(heights)
    tables = min(digits, width - column) if sum(group) else 0
    for digit in range(digits):
        place = column + digit
        needed = group[digit] if digit < 2 else 0
        if place >= width:
            if needed:
                return None
            continue
        spare = carried if digit == 0 else 0
        left = heights[place] + ones[place] - needed
        if not 0 <= left <= 1 + spare:
            return None
        if left == 2 and straight[place] + ones[place] < 2:
            return None
        if left:
            tables += straight[place] + ones[place] < left
    return tables


def _try_pattern(
    column: int,
    digits: int,
    group: tuple[int, int],
    heights: Sequence[int],
    straight: Sequence[int],
    ones: Sequence[int],
    threshold: float,
) -> tuple[float, Step] | None:
    """The gain of a pattern at a column beyond `threshold` for each of its tables; None if the bits are not there."""
    width = len(heights)
    removed = -min(digits, width - column)
    plains = inverted = 0
    for digit in range(digits):
        place = column + digit
        needed = group[digit] if digit < 2 else 0
        if place >= width:
            if needed:
                return None
            continue
        available = heights[place] + ones[place]
        if available < needed:
            return None
        removed += needed
        # A plain wire that is not straight costs a table; the group takes those first.
        if available > needed and (straight[place] + ones[place] > 0 or threshold < 1.0):
            plains |= 1 << digit
            removed += 1
            inverted += int(straight[place] + ones[place] == 0)
    tables = (min(digits, width - column) if sum(group) else 0) + inverted
    return removed - threshold * tables, Step(column, digits, group, plains)
