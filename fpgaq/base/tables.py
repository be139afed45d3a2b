"""Tables of plain text: at their natural width where nobody counts columns, else fitted to a terminal.

Names are never cut. A table that is too wide wraps the words of its headers first, then folds its texts over several
lines. One that has no room even so is written as a list, a line for each value.
"""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .text import printable

GAP = 2
"""Blanks between columns."""
LONGEST_PART = 16
"""Columns below which a text is not folded inside a word or a part of a name."""
_PARTS = re.compile(r"[^/_\s-]*[/_\s-]?")


@dataclass(frozen=True)
class Table:
    """Cells as text, by rows; `right` says which columns stand to the right, `values` are what the cells tell."""

    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    right: tuple[bool, ...]
    values: tuple[tuple[object, ...], ...] = ()

    def lines(self, width: int | None = None) -> list[str]:
        """The table in lines of at most `width` characters, or as wide as it is."""
        widths = self._widths()
        if width is not None and _whole(widths) > width:
            narrow = self._narrowed(width)
            return self._list(width) if narrow is None else self._laid_out(narrow)
        return self._laid_out(widths)

    def _widths(self) -> list[int]:
        return [max(map(len, column)) for column in zip(self.headers, *self.rows, strict=True)]

    def _least(self) -> list[int]:
        """The least widths: numbers, words of headers and parts of names stay whole."""
        least = []
        for place, natural in enumerate(self._widths()):
            texts = [row[place] for row in self.rows]
            if self.right[place]:
                kept = max(map(len, texts), default=0)
            else:
                kept = min(max((_longest_part(text) for text in texts), default=0), LONGEST_PART)
            least.append(max(_longest_part(self.headers[place]), kept, min(natural, 1)))
        return least

    def _narrowed(self, width: int) -> list[int] | None:
        """Widths that fit, the widest column giving way first; None if there are none."""
        widths, least = self._widths(), self._least()
        if _whole(least) > width:
            return None
        while _whole(widths) > width:
            place = max((i for i in range(len(widths)) if widths[i] > least[i]), key=lambda i: widths[i])
            widths[place] -= 1
        return widths

    def _laid_out(self, widths: Sequence[int]) -> list[str]:
        lines = []
        for row in (self.headers, *self.rows):
            folded = [_fold(cell, width) for cell, width in zip(row, widths, strict=True)]
            for level in range(max(map(len, folded))):
                parts = [cell[level] if level < len(cell) else "" for cell in folded]
                cells = [
                    part.rjust(width) if right else part.ljust(width)
                    for part, width, right in zip(parts, widths, self.right, strict=True)
                ]
                lines.append((" " * GAP).join(cells).rstrip())
        return lines

    def _list(self, width: int) -> list[str]:
        """The first cell of each row as a heading, the others below it with their headers."""
        lines = []
        for row in self.rows:
            lines += _fold(row[0] or "-", width)
            for header, cell in zip(self.headers[1:], row[1:], strict=True):
                if cell:
                    text = f"{header}: {cell}" if header else cell
                    lines += [f"  {part}" for line in wrapped(text, width - 2) for part in _fold(line, width - 2)]
        return lines


class TableLine(str):
    """A line of a table at its natural width, which knows its table so that it can be fitted later."""

    table: Table


def columns(headers: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    """Lines of aligned columns: numbers, also with a unit, to the right, everything else to the left."""
    values = [list(row) for row in rows]
    right = [all(_is_number(value) for value in column) for column in zip(*values, strict=True)]
    right += [False] * (len(headers) - len(right))
    cells = tuple(tuple(_cell(value) for value in row) for row in values)
    table = Table(tuple(headers), cells, tuple(right), tuple(map(tuple, values)))
    lines = []
    for text in table.lines():
        line = TableLine(text)
        line.table = table
        lines.append(line)
    return [*lines]


def fit(lines: Iterable[str], width: int | None) -> list[str]:
    """Lines for a terminal of `width` columns: tables are fitted, other lines wrapped between words."""
    fitted: list[str] = []
    last: Table | None = None
    for line in lines:
        table = line.table if isinstance(line, TableLine) else None
        if width is None:
            fitted.append(str(line))
        elif table is None:
            fitted += wrapped(line, width)
        elif table is not last:
            fitted += table.lines(width)
        last = table
    return fitted


def wrapped(line: str, width: int) -> list[str]:
    """A line over several, those after the first indented further; a word longer than the width stays whole."""
    if len(line) <= width:
        return [line]
    indent = line[: len(line) - len(line.lstrip())]
    return textwrap.wrap(
        line.strip(),
        width,
        initial_indent=indent,
        subsequent_indent=f"{indent}  ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _whole(widths: Sequence[int]) -> int:
    return sum(widths) + GAP * (len(widths) - 1)


def _fold(cell: str, width: int) -> list[str]:
    """A cell over several lines: between words, else after what joins the parts of a name, else anywhere."""
    if len(cell) <= width:
        return [cell]
    lines = [""]
    for part in _PARTS.findall(cell):
        while part:
            room = width - len(lines[-1])
            # A part that fits on a line of its own is not torn apart.
            if len(part.rstrip()) > room and lines[-1] and len(part.rstrip()) <= width or not room:
                lines.append("")
                continue
            lines[-1], part = lines[-1] + part[:room], part[room:]
    return [line.strip() for line in lines if line.strip()]


def _longest_part(text: str) -> int:
    return max(len(part.rstrip()) for part in _PARTS.findall(text))


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
    return printable(str(value))
