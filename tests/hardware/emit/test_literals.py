from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fpgaq.hardware.emit.literals import decimal, index_width, memory_file, pack, sized


@pytest.mark.parametrize(
    ("value", "width", "text"),
    [(0, 1, "1'h0"), (1, 1, "1'h1"), (-1, 1, "1'h1"), (5, 4, "4'h5"), (-128, 8, "8'h80"), (127, 8, "8'h7f"),
     (255, 8, "8'hff"), (-1, 12, "12'hfff")],
)  # fmt: skip
def test_sized(value: int, width: int, text: str) -> None:
    """Negative numbers are bit patterns: ``-8'sd128`` would be +128 in a wider context."""
    assert sized(value, width) == text


@pytest.mark.parametrize(("value", "width"), [(256, 8), (-129, 8), (2, 1), (-2, 1)])
def test_sized_refuses_what_does_not_fit(value: int, width: int) -> None:
    with pytest.raises(ValueError, match=f"{value} does not fit {width} bits"):
        sized(value, width)


def test_decimal() -> None:
    assert decimal(10, 4) == "4'd10"
    for value in (-1, 16):
        with pytest.raises(ValueError, match="does not fit 4 bits"):
            decimal(value, 4)


@pytest.mark.parametrize(("count", "bits"), [(1, 1), (2, 1), (3, 2), (4, 2), (5, 3), (256, 8), (257, 9)])
def test_index_width(count: int, bits: int) -> None:
    assert index_width(count) == bits


@settings(derandomize=True)
@given(st.lists(st.integers(-(1 << 6), (1 << 6) - 1), max_size=20))
def test_pack_is_two_complement_lowest_first(values: list[int]) -> None:
    word = pack(values, 7)
    fields = [word >> (7 * place) & 127 for place in range(len(values))]
    assert [field - 128 if field >= 64 else field for field in fields] == values
    assert word >> (7 * len(values)) == 0


def test_memory_file_writes_every_digit() -> None:
    assert memory_file([0, 0x1FF, 5], 9) == "000\n1ff\n005\n"
