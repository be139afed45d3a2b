"""Tables as CSV and as Markdown."""

from __future__ import annotations

import csv

import pytest

from fpgaq.base.table_formats import csv_lines, markdown_lines, split_tables
from fpgaq.base.tables import columns

pytestmark = pytest.mark.once


def test_csv_holds_the_values_and_not_their_text() -> None:
    lines = columns(("a,b", "n", "x"), [('say "y"', 12345, 0.125), (None, True, "1|2\n3")])
    tables, others = split_tables(["before", *lines, "after"])
    assert others == ["before", "after"]
    assert list(csv.reader(csv_lines(tables))) == [
        ["a,b", "n", "x"],
        ['say "y"', "12345", "0.125"],
        ["", "yes", "1|2\\n3"],
    ]


def test_two_tables_have_a_blank_line_between_them() -> None:
    tables, _ = split_tables([*columns(("a",), [(1,)]), *columns(("b",), [])])
    assert csv_lines(tables) == ["a", "1", "", "b"]
    assert csv_lines([]) == []


def test_markdown_keeps_every_line_and_escapes() -> None:
    lines = ["one_two", "", *columns(("a|b", "n"), [("x*", 12345)]), "end"]
    assert markdown_lines(lines) == ["one\\_two", "", "| a\\|b | n |", "| --- | ---: |", "| x\\* | 12,345 |", "", "end"]
