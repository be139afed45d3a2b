"""Signed digits stand for their integer, no two of them adjacent."""

from __future__ import annotations

from fpgaq.hardware.unrolled.adders.digits import signed_digits


def test_digits_of_all_small_integers() -> None:
    for value in range(-1100, 1101):
        digits = signed_digits(value)
        assert sum(-(1 << shift) if negative else 1 << shift for shift, negative in digits) == value
        shifts = [shift for shift, _ in digits]
        assert all(above - below > 1 for below, above in zip(shifts, shifts[1:], strict=False))
