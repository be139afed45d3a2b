"""Tables for other programs: as CSV, and as Markdown for a page."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

from .tables import Table, TableLine
from .text import printable


def csv_lines(tables: Sequence[Table]) -> list[str]:
    """Tables as CSV (RFC 4180 but for the ends of lines), a blank line between two of them.

    Numbers are whole and without separators of thousands, so that a program reads them; nothing stands for None.
    """
    lines: list[str] = []
    for table in tables:
        stream = io.StringIO()
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(table.headers)
        writer.writerows([_plain(value) for value in row] for row in table.values)
        lines += ([""] if lines else []) + stream.getvalue().removesuffix("\n").split("\n")
    return lines


def _plain(value: object) -> object:
    """A value as CSV holds it: yes and no for a bool, and names that steer no terminal, as in the table for people."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return printable(value) if isinstance(value, str) else value


def markdown_lines(lines: Iterable[str]) -> list[str]:
    """Lines with their tables as Markdown's; every other line is a paragraph of its own."""
    found: list[str] = []
    for part in _parts(lines):
        block = _markdown_table(part) if isinstance(part, Table) else [_escaped(part)]
        if isinstance(part, Table) or part:
            found += ([""] if found else []) + block
    return found


def _markdown_table(table: Table) -> list[str]:
    rows = [[_escaped(cell) for cell in row] for row in (table.headers, *table.rows)]
    rows.insert(1, ["---:" if right else "---" for right in table.right])
    return [f"| {' | '.join(row)} |" for row in rows]


def _escaped(text: str) -> str:
    for mark in "\\|*_`<":
        text = text.replace(mark, f"\\{mark}")
    return text


def split_tables(lines: Iterable[str]) -> tuple[list[Table], list[str]]:
    """The tables among lines, and the other lines."""
    parts = list(_parts(lines))
    return [part for part in parts if isinstance(part, Table)], [part for part in parts if isinstance(part, str)]


def _parts(lines: Iterable[str]) -> Iterator[Table | str]:
    """Each table once in place of its lines, and the other lines."""
    last: Table | None = None
    for line in lines:
        table = line.table if isinstance(line, TableLine) else None
        if table is None:
            yield str(line)
        elif table is not last:
            yield table
        last = table
