"""Exact division by constants: the reciprocal that gives the quotient of every total that can occur."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from ....base.formats import Format
from ....integer.graph import IntegerSumPooling
from ...schedule.widths import total_width
from ..design import Choice, Instance, Operation, Register
from ..literals import decimal, index_width, sized


@dataclass(frozen=True)
class Division:
    """The dividers of a sum pooling layer, and the table of what they divide by in each pixel.

    `entries` are the pixels' words; where there are several, those that differ from the first stand in `exceptions`.
    """

    total_width: int
    sums_bits: int
    dividend_width: int
    multiplier_width: int
    divisor_low: int
    divide: Instance
    entry_width: int
    entries: tuple[str, ...]
    exceptions: tuple[tuple[str, str], ...]
    place_width: int
    pixel_width: int
    last_group: str
    zero_group: str
    last_pixel: str
    zero_pixel: str

    @property
    def registers(self) -> tuple[Register, ...]:
        """Counters of groups and pixels where pixels differ, and the divisor on its way."""
        counters = (Register("group", self.place_width), Register("pixel", self.pixel_width))
        divisor = [Register(name, self.dividend_width) for name in ("divisor_first", "divisor")]
        own = (Register("multiplier", self.multiplier_width), *divisor)
        return (*counters, *own) if len(self.entries) > 1 else own

    @property
    def choices(self) -> tuple[Choice, ...]:
        """The table."""
        constants = (self.entry_width,) * (len(self.exceptions) + 1)
        return (Choice("reciprocal", constants),) if len(self.entries) > 1 else ()

    @property
    def operations(self) -> tuple[Operation, ...]:
        """Counting groups and pixels."""
        return (Operation("?"), Operation("?")) if len(self.entries) > 1 else ()


@dataclass(frozen=True)
class _Divisor:
    """``round(total / d)`` as ``floor((double * total + addend) / divisor)``, dividends up to `largest`."""

    addend: int
    divisor: int
    largest: int


def exact_reciprocal(divisor: int, largest: int, shift: int) -> int | None:
    """The multiplier m with ``n * m >> shift == n // divisor`` for all 0 <= n <= `largest`; None if there is none.

    Both sides are steps in n that rise at multiples of the divisor, so it is enough to look at n just before and at
    every such multiple.
    """
    multiplier = -(-(1 << shift) // divisor)
    excess = multiplier * divisor - (1 << shift)
    # n * m >> shift stays n // divisor while n * excess adds less than what n lacks of the next multiple.
    last = largest - largest % divisor + divisor - 1
    for candidate in (min(last, largest), largest - largest % divisor - 1):
        if candidate >= 0 and candidate * multiplier >> shift != candidate // divisor:
            return None
    return multiplier if excess * largest < (1 << shift) else None


def division_of(op: IntegerSumPooling, source: Format, result: Format, lanes: int = 1, groups: int = 1) -> Division:
    """The dividers of a sum pooling layer: one for each of its lanes, which work on a pixel in so many groups."""
    taps = op.kernel[0] * op.kernel[1]
    least, greatest = min(0, source.minimum) * taps, max(0, source.maximum) * taps
    shift_by = op.requantize.shift[0]
    rounding = op.requantize.rounding
    scales = [divisor << shift_by for divisor in op.divisor]
    # One unit for all pixels: an odd divisor makes every dividend count twice, so that its half is whole.
    double = int(rounding != "floor" and any(scale % 2 for scale in scales))
    offset = max(1 - least // scale for scale in scales) if least < 0 else 0
    divisors = []
    for scale in scales:
        unit = scale << double
        half = 0 if rounding == "floor" else unit // 2
        addend = half + offset * unit
        divisors.append(_Divisor(addend, unit, (greatest << double) + addend))
    shift, multipliers = _common_shift(divisors)
    # A divisor may exceed every dividend, and has to fit the same bits.
    dividend_width = max(max(divisor.largest, divisor.divisor) for divisor in divisors).bit_length()
    multiplier_width = max(multipliers).bit_length()
    packed = [
        multiplier | (divisor.addend << multiplier_width) | (divisor.divisor << (multiplier_width + dividend_width))
        for multiplier, divisor in zip(multipliers, divisors, strict=True)
    ]
    entry_width = multiplier_width + 2 * dividend_width
    # Ties exist only where the divisor is even.
    ties = {"half_away": 1, "half_even": 2}.get(rounding, 0) if any(d.divisor % 2 == 0 for d in divisors) else 0
    common = Counter(packed).most_common(1)[0][0]
    pixels = len(packed)
    place_width, pixel_width = index_width(groups), index_width(pixels)
    width = total_width(op, source)
    parameters = {
        "TOTAL_WIDTH": width,
        "DOUBLE": double,
        "DIVIDEND_WIDTH": dividend_width,
        "MULTIPLIER_WIDTH": multiplier_width,
        "SHIFT": shift,
        "OFFSET": offset,
        "TIES": ties,
        "RESULT_WIDTH": result.width,
        "RESULT_SIGNED": int(result.signed),
        "NARROW": int(result.narrow),
        "RELU": int(op.requantize.relu),
    }
    return Division(
        total_width=width,
        sums_bits=lanes * width,
        dividend_width=dividend_width,
        multiplier_width=multiplier_width,
        divisor_low=multiplier_width + dividend_width,
        divide=Instance("fpgaq_divide", "divide", parameters, lanes),
        entry_width=entry_width,
        entries=(sized(common, entry_width),) * pixels,
        exceptions=tuple(
            (decimal(place, pixel_width), sized(word, entry_width))
            for place, word in enumerate(packed)
            if word != common
        ),
        place_width=place_width,
        pixel_width=pixel_width,
        last_group=decimal(groups - 1, place_width),
        zero_group=decimal(0, place_width),
        last_pixel=decimal(pixels - 1, pixel_width),
        zero_pixel=decimal(0, pixel_width),
    )


def _common_shift(divisors: list[_Divisor]) -> tuple[int, list[int]]:
    """The least shift at which every divisor has an exact reciprocal, and those."""
    shift = 0
    while True:
        multipliers = [exact_reciprocal(d.divisor, d.largest, shift) for d in divisors]
        found = [multiplier for multiplier in multipliers if multiplier is not None]
        if len(found) == len(divisors):
            return shift, found
        shift += 1
