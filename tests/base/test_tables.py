"""Tables that fit a terminal, names whole."""

from __future__ import annotations

import random

import pytest

from fpgaq.base.tables import TableLine, columns, fit, wrapped

HEADERS = ("layer", "multipliers", "taps x channels x outputs", "busy cycles", "buffer words", "queue words")
NAME = "functional_1/conv2d_1/BiasAdd_and_a_name_that_does_not_end_soon/Relu6"
ROWS = [(NAME, 4, "2x1x2", 120_960, 32, None), ("b", 12, "1x6x2", 864, 16, None), ("c\n", 0, "1x1x1", 7, 1, 2)]


def test_where_nobody_counts_columns_nothing_is_cut_or_folded() -> None:
    lines = fit([*columns(HEADERS, ROWS), "x" * 300], None)
    assert len(lines) == 5 and lines[1].split() == [NAME, "4", "2x1x2", "120,960", "32", "-"] and lines[4] == "x" * 300
    assert lines[3].startswith("c\\n  ")
    assert all(type(line) is str for line in lines)


@pytest.mark.parametrize("width", [60, 80, 100, 200])
def test_a_table_fits(width: int) -> None:
    lines = fit(columns(HEADERS, ROWS), width)
    assert max(map(len, lines)) <= width
    assert all(number in "\n".join(lines) for number in ("120,960", "864", "1x6x2"))
    # The name's parts stand one below the other in the first column, or on lines of their own.
    first = "".join(line.split("  ")[0] for line in lines)
    assert NAME in first
    assert (len(lines) == 4) is (width == 200)


def test_names_are_folded_where_their_parts_meet() -> None:
    lines = fit(columns(("layer", "count"), [("functional_1/conv2d_1/BiasAdd", 5)]), 20)
    assert lines == ["layer          count", "functional_1/      5", "conv2d_1/", "BiasAdd"]
    assert fit(columns(("a", "b"), [("x" * 17, 5)]), 19) == [
        f"{'a':16}  b",
        f"{'x' * 16}  5",
        "x",
    ]
    assert fit(columns(("a", "b"), [("of .nnp files", 5)]), 8) == ["a      b", "of     5", ".nnp", "files"]


def test_headers_are_wrapped_before_names_are_folded() -> None:
    assert fit(columns(("name", "a long header"), [("some_name", 5), ("other", 10)]), 20) == [
        "name          a long",
        "              header",
        "some_name          5",
        "other             10",
    ]


def test_a_table_without_room_becomes_a_list() -> None:
    rows = [("first", *[123_456_789] * 6), ("second", *[1] * 6)]
    lines = fit(columns(("name", *"abcdef"), rows), 40)
    assert lines[:3] == ["first", "  a: 123,456,789", "  b: 123,456,789"] and lines[7] == "second" and len(lines) == 14


@pytest.mark.parametrize("seed", range(30))
def test_no_value_is_lost_at_any_width(seed: int) -> None:
    chance = random.Random(seed)
    count = chance.randint(1, 7)
    headers = tuple(" ".join("h" * chance.randint(1, 9) for _ in range(chance.randint(1, 3))) for _ in range(count))
    rows = [
        tuple(chance.randint(0, 10**9) if place % 2 else "n" * chance.randint(1, 60) for place in range(count))
        for _ in range(chance.randint(0, 4))
    ]
    width = chance.randint(40, 200)
    lines = fit(columns(headers, rows), width)
    text = "".join(lines)
    assert text.count("n") == sum(value.count("n") for row in rows for value in row if isinstance(value, str))
    assert all(f"{value:,}" in text for row in rows for value in row if isinstance(value, int))
    assert max(map(len, lines), default=0) <= width


def test_other_lines_are_wrapped_between_words() -> None:
    assert wrapped("  a bb ccc dddd", 8) == ["  a bb", "    ccc", "    dddd"]
    assert wrapped("aaa bbb", 7) == ["aaa bbb"] and wrapped("x" * 30, 10) == ["x" * 30]
    assert fit(["short", ""], 60) == ["short", ""]


def test_two_tables_that_follow_one_another_are_both_there() -> None:
    both = [*columns(("a",), [("1",)]), *columns(("b",), [("2",)])]
    assert fit(both, 60) == fit(both, None) == ["a", "1", "b", "2"]
    assert all(isinstance(line, TableLine) for line in both)
