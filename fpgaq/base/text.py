"""Plain text for people: aligned columns, safe names, numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

NAME_WIDTH = 28
"""Columns of names are cut here; `--json` has them in full."""


def printable(text: str) -> str:
    """Escape everything that would end a line or steer a terminal: names come from files that others made."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def shorten(text: str, width: int = NAME_WIDTH) -> str:
    """A printable name of at most `width` characters."""
    text = printable(text)
    return text if len(text) <= width else text[: width - 3] + "..."


def columns(headers: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    """Lines of aligned columns: numbers, also with a unit, to the right, everything else to the left."""
    table = [[_cell(value) for value in row] for row in rows]
    right = [all(_is_number(value) for value in column) for column in zip(*rows, strict=True)]
    right += [False] * (len(headers) - len(right))
    widths = [max(len(line[i]) for line in [list(headers), *table]) for i in range(len(headers))]
    lines = []
    for line in [list(headers), *table]:
        cells = [c.rjust(w) if r else c.ljust(w) for c, w, r in zip(line, widths, right, strict=True)]
        lines.append("  ".join(cells).rstrip())
    return lines


def _is_number(value: object) -> bool:
    return value[:1].isdecimal() or value in ("", "-") if isinstance(value, str) else True


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.2f}" if math.isfinite(value) else str(value)
    return shorten(str(value), 48)


def shape_text(shape: Sequence[int]) -> str:
    """`(8, 28, 28)` as ``8x28x28``."""
    return "x".join(str(size) for size in shape) or "1"


def percent(fraction: float | None) -> str:
    """A fraction as a percentage with two decimals, or a dash."""
    return "-" if fraction is None else f"{100 * fraction:.2f} %"
