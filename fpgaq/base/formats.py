"""Fixed-point formats and the only arithmetic rules of the program: range, rounding, saturation.

A tensor of format `Format(width, frac, signed)` holds integers; the real value of one is
``integer * 2.0**-frac``. The quantization step (delta) of a tensor is therefore ``2.0**-frac``.
Everything that rounds or saturates integers in Python calls this module; the Verilog cell
``fpgaq_requantize.v`` states the same rules in hardware.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .choices import ROUNDINGS as ROUNDINGS
from .choices import Rounding as Rounding

IntegerArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]

MAX_WIDTH = 64


@dataclass(frozen=True)
class Format:
    """A fixed-point format.

    Parameters
    ----------
    width : int
        Number of bits, 1 to 64 (sign included).
    frac : int
        Number of fractional bits; the step is ``2.0**-frac``. May be negative or exceed `width`.
    signed : bool
        Two's complement if true, else unsigned.
    narrow : bool
        The symmetric range of a signed format: the most negative code is never used.
    """

    width: int
    frac: int
    signed: bool = True
    narrow: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.width <= MAX_WIDTH:
            raise ValueError(f"format width {self.width} is outside 1..{MAX_WIDTH}")
        if self.signed and self.narrow and self.width < 2:
            raise ValueError("a narrow signed format needs at least 2 bits")

    @property
    def minimum(self) -> int:
        """The least integer of the format."""
        if not self.signed:
            return 0
        return -(1 << (self.width - 1)) + int(self.narrow)

    @property
    def maximum(self) -> int:
        """The greatest integer of the format."""
        return (1 << (self.width - int(self.signed))) - 1

    @property
    def step(self) -> float:
        """The real value of one integer step, ``2.0**-frac``."""
        return 2.0**-self.frac

    def describe(self) -> str:
        """A short name for tables and headers, such as ``s8.5`` (signed, 8 bits, 5 fractional)."""
        return f"{'s' if self.signed else 'u'}{self.width}.{self.frac}"


def saturate(values: ArrayLike, fmt: Format) -> IntegerArray:
    """Clip integers to the range of `fmt`."""
    return np.clip(np.asarray(values, dtype=np.int64), fmt.minimum, fmt.maximum)


def round_shift(values: ArrayLike, shift: ArrayLike, rounding: Rounding) -> IntegerArray:
    """Compute ``round(values / 2**shift)`` exactly, in integers.

    Parameters
    ----------
    values : array_like of int
        Any shape, anything that 64 bits hold.
    shift : array_like of int
        0 to 63, broadcast against `values`. A shift of 0 changes nothing under any rule.
    rounding : {"half_up", "half_away", "half_even", "floor"}
        half_up: ties towards plus infinity; half_away: ties away from zero;
        half_even: ties to the even neighbour; floor: towards minus infinity.
    """
    value = np.asarray(values, dtype=np.int64)
    amount = np.asarray(shift, dtype=np.int64)
    if np.any(amount < 0) or np.any(amount >= MAX_WIDTH):
        raise ValueError(f"a requantization shift lies between 0 and {MAX_WIDTH - 1}")
    quotient = value >> amount
    if rounding == "floor":
        return quotient
    # The bits that are shifted out decide; adding half to the value itself could overflow 64 bits.
    remainder = value - (quotient << amount)
    half = (np.int64(1) << np.maximum(amount - 1, 0)) * (amount > 0)
    above, tie = remainder > half, (remainder == half) & (amount > 0)
    if rounding == "half_up":
        up = tie
    elif rounding == "half_away":
        up = tie & (value >= 0)
    elif rounding == "half_even":
        up = tie & ((quotient & 1) == 1)
    else:
        raise ValueError(f"unknown rounding rule {rounding!r}; allowed: {', '.join(ROUNDINGS)}")
    rounded: IntegerArray = quotient + (above | up)
    return rounded


def multiply_double(values: ArrayLike, multiplier: ArrayLike, shift: ArrayLike) -> IntegerArray:
    """Compute ``values * multiplier / 2**shift`` with the two roundings of LiteRT's reference kernels.

    The product with a multiplier of 31 bits is rounded half up to its high half (SaturatingRoundingDoublingHighMul),
    which is then divided by ``2**(shift - 31)``, rounded half away from zero (RoundingDivideByPOT). A shift below 31
    multiplies the values by ``2**(31 - shift)`` first. Values after that need 32 bits.
    """
    amount = np.asarray(shift, dtype=np.int64)
    left, right = np.maximum(31 - amount, 0), np.maximum(amount - 31, 0)
    product = (np.asarray(values, dtype=np.int64) << left) * np.asarray(multiplier, dtype=np.int64)
    return round_shift(round_shift(product, 31, "half_up"), right, "half_away")


def round_divide(values: ArrayLike, divisor: ArrayLike, rounding: Rounding) -> IntegerArray:
    """Compute ``round(values / divisor)`` exactly, in integers; divisors are positive, below 2**62.

    The rules are those of `round_shift`, on the exact rational.
    """
    value = np.asarray(values, dtype=np.int64)
    by = np.asarray(divisor, dtype=np.int64)
    if np.any(by < 1) or np.any(by >= 1 << 62):
        raise ValueError("a divisor lies between 1 and 2**62 - 1")
    if rounding not in ROUNDINGS:
        raise ValueError(f"unknown rounding rule {rounding!r}; allowed: {', '.join(ROUNDINGS)}")
    quotient = value // by
    if rounding == "floor":
        return quotient
    remainder = value - quotient * by
    twice = 2 * remainder
    above, tie = twice > by, twice == by
    if rounding == "half_up":
        up = tie
    elif rounding == "half_away":
        up = tie & (value >= 0)
    else:
        up = tie & ((quotient & 1) == 1)
    rounded: IntegerArray = quotient + (above | up)
    return rounded


def round_real(values: ArrayLike, rounding: Rounding) -> FloatArray:
    """Round real numbers to integers (as float64) under a named rule, for the crossing from float."""
    value = np.asarray(values, dtype=np.float64)
    if rounding == "floor":
        return np.floor(value)
    if rounding == "half_even":
        return np.rint(value)
    if rounding not in ROUNDINGS:
        raise ValueError(f"unknown rounding rule {rounding!r}; allowed: {', '.join(ROUNDINGS)}")
    # floor(x + 0.5) is wrong for the float just below one half, where the sum rounds up; the distance from the
    # whole number nearer to zero is exact.
    whole = np.trunc(value)
    with np.errstate(invalid="ignore"):  # infinities stay as they are
        fraction = np.abs(value - whole)
    up = fraction >= 0.5
    if rounding == "half_up":
        up = np.where(value < 0, fraction > 0.5, up)
    return np.copysign(np.abs(whole) + up, value)


def quantize_real(values: ArrayLike, fmt: Format, rounding: Rounding = "half_up") -> IntegerArray:
    """Round real values to the nearest integers of `fmt` and saturate; NaN is refused with ValueError."""
    value = np.asarray(values, dtype=np.float64)
    if np.isnan(value).any():
        raise ValueError("NaN cannot be quantized")
    with np.errstate(over="ignore"):  # values beyond float64 saturate like any other large value
        scaled = round_real(np.ldexp(value, fmt.frac), rounding)
    # Clip in float first: a cast of a huge float to int64 is undefined.
    clipped = np.clip(scaled, float(fmt.minimum), float(fmt.maximum))
    return saturate(clipped.astype(np.int64), fmt)


def dequantize(values: ArrayLike, fmt: Format) -> FloatArray:
    """The real values of integers of `fmt`."""
    return np.ldexp(np.asarray(values, dtype=np.float64), -fmt.frac)
