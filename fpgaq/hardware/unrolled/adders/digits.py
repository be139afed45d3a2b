"""Signed digits of an integer."""

from __future__ import annotations


def signed_digits(value: int) -> list[tuple[int, bool]]:
    """The canonical signed digits of `value`, lowest first: (shift, whether it is -1); no two are adjacent."""
    digits: list[tuple[int, bool]] = []
    shift = 0
    while value:
        if value & 1:
            negative = value & 3 == 3
            digits.append((shift, negative))
            value += 1 if negative else -1
        value >>= 1
        shift += 1
    return digits
