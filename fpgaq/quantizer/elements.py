"""Sums, products, means, factors per channel and tables to integers: each operator with the format that it writes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..base.errors import FitError, ModelError
from ..base.formats import MAX_WIDTH, Format, Rounding, dequantize, quantize_real, round_real
from ..integer.graph import (
    IntegerAdd,
    IntegerArray,
    IntegerMultiply,
    IntegerScale,
    IntegerSumPooling,
    IntegerTable,
    Requantize,
    Tensor,
)
from ..model.graph import Add, AveragePooling, Multiply
from .calibration import MAX_EXPONENT, ActivationStatistics, activation_frac, fitting_frac
from .config import QuantizeOptions
from .drafts import add_draft, multiply_draft, pooling_draft, shifts, with_accumulator
from .input_format import Scale
from .weights import NEAREST

Values = NDArray[np.float64]

MAX_TABLE_BITS = 12
"""Bits of the index of a table, at most."""


INDEX_VALUES = 1 << 14
"""Values that the step of a table's index is chosen by."""
INDEX_STEPS = 14
"""Halvings of the step that are tried below the one that clips nothing."""
INDEX_FAR = 64.0
"""No finer step is tried after one whose error is so many times the least."""


@dataclass(frozen=True)
class Wish:
    """The wanted properties of the output.

    Parameters
    ----------
    statistics : ActivationStatistics
        Statistics of its values, after the ReLU if the operator takes one in.
    signed : bool
        Whether values can be negative.
    relu : bool
        The requantizer is a ReLU too.
    format : Format or None
        Asked for by a reader.
    bits : int or None
        None where the exact result may leave (at an output).
    """

    statistics: ActivationStatistics
    signed: bool
    relu: bool
    format: Format | None
    bits: int | None

    def fit(self, finest: int, options: QuantizeOptions) -> Format:
        """The format, never finer than `finest` fractional bits."""
        if self.format is not None:
            return replace(self.format, frac=min(self.format.frac, finest))
        bits = self.bits or options.activation_bits
        narrow, rule = options.narrow and self.signed, options.rules.activation_range
        frac = activation_frac(self.statistics, bits, self.signed, narrow, rule, options.percentile)
        return Format(bits, min(bits if frac is None else frac, finest), self.signed, narrow)


def quantize_add(op: Add, sources: Sequence[Tensor], wish: Wish, options: QuantizeOptions) -> tuple[IntegerAdd, Format]:
    """Align all inputs to the finest scale, add, round once."""
    draft, frac = add_draft(op, sources, Requantize((0,), options.rounding, wish.relu))
    fmt = _rounded_format(draft.accumulator_width, frac, wish, options)
    return replace(draft, requantize=replace(draft.requantize, shift=(frac - fmt.frac,))), fmt


def quantize_multiply(
    op: Multiply, sources: Sequence[Tensor], wish: Wish, options: QuantizeOptions
) -> tuple[IntegerMultiply, Format]:
    """The product, rounded once."""
    draft, frac = multiply_draft(op, sources, Requantize((0,), options.rounding, wish.relu))
    fmt = _rounded_format(draft.accumulator_width, frac, wish, options)
    return replace(draft, requantize=replace(draft.requantize, shift=(frac - fmt.frac,))), fmt


def _rounded_format(width: int, frac: int, wish: Wish, options: QuantizeOptions) -> Format:
    """The format that an accumulator is rounded to; its own where the exact result may be an output."""
    if wish.bits is None and wish.format is None:
        return Format(width, frac) if wish.signed else Format(width - 1, frac, False)
    return wish.fit(frac, options)


def quantize_pooling(
    op: AveragePooling, source: Tensor, pixels: tuple[int, int], wish: Wish, options: QuantizeOptions
) -> tuple[IntegerSumPooling, Format]:
    """Sums or means over windows; `pixels` are the rows and columns of the output."""
    fmt = wish.fit(source.format.frac, options)
    if fmt.frac == source.format.frac and wish.format is None and not op.sum_only and not wish.relu:
        # A mean stays within the range of the values that it is taken over.
        fmt = source.format if fmt.width >= source.format.width else fmt
    rule = Requantize((source.format.frac - fmt.frac,), options.rounding, wish.relu)
    return pooling_draft(op, source, pixels, rule), fmt


@dataclass(frozen=True, eq=False)
class ChannelFactors:
    """``x * factor + offset`` for each channel in real numbers; `negative` is the factor below zero, if another."""

    factor: Values
    offset: Values
    negative: Values | None = None


def quantize_scale(
    name: str, output: str, source: Tensor, factors: ChannelFactors, wish: Wish, options: QuantizeOptions
) -> tuple[IntegerScale, Format]:
    """Factors per channel at `scale_bits`, each channel with a step that suits it within `max_shift_span`."""
    both = factors.factor if factors.negative is None else np.stack([factors.factor, factors.negative])
    magnitude = np.abs(both.reshape(-1, source.shape[2])).max(axis=0)
    for label, array in (("factor", both), ("offset", factors.offset)):
        if not np.isfinite(array).all():
            raise ModelError(f"layer {name!r}: a {label} is not finite; parameters must be finite")
    greatest = (1 << (options.scale_bits - 1)) - 1
    found = [fitting_frac(float(value), greatest) if value > 0 else None for value in magnitude]
    coarsest = min((frac for frac in found if frac is not None), default=options.scale_bits - 2)
    fracs = np.array([coarsest if f is None else min(f, coarsest + options.max_shift_span) for f in found])
    accumulator = fracs + source.format.frac
    offset = round_real(np.ldexp(factors.offset, accumulator), NEAREST)
    if np.abs(offset).max() >= 2.0**62:
        raise FitError(f"layer {name!r}: an offset at the accumulator's scale needs more than {MAX_WIDTH} bits")
    fmt = wish.fit(int(accumulator.min()), options)
    wanted = shifts(accumulator.tolist(), fmt.frac)
    if max(wanted) >= MAX_WIDTH:
        raise FitError(f"layer {name!r}: shifts of {max(wanted)} bits are needed, at most {MAX_WIDTH - 1} supported")

    def integers(values: Values) -> IntegerArray:
        return round_real(np.ldexp(values, fracs), NEAREST).astype(np.int64)

    draft = IntegerScale(
        name=name,
        inputs=(source.name,),
        output=output,
        scale=integers(factors.factor),
        offset=offset.astype(np.int64),
        negative_scale=None if factors.negative is None else integers(factors.negative),
        scale_width=options.scale_bits,
        accumulator_width=2,
        requantize=Requantize(wanted, options.rounding, wish.relu),
    )
    return with_accumulator(draft, (source.format,)), fmt


def index_format(
    statistics: ActivationStatistics, signed: bool, options: QuantizeOptions, function: Callable[[Values], Values]
) -> Format:
    """The index of a table of `function` for values of these statistics.

    Its step is the one that leaves the function's values best, for where a function is level, no index is needed.
    """
    rule, bits = options.rules.activation_range, options.table_bits
    if rule == "mse" and not options.first_edition:
        frac = _index_frac(statistics, bits, signed, function)
    else:
        frac = activation_frac(statistics, bits, signed, False, rule, options.percentile)
    narrow = options.narrow and signed and not options.first_edition
    return Format(bits, 0 if frac is None else frac, signed, narrow)


def _index_frac(
    statistics: ActivationStatistics, bits: int, signed: bool, function: Callable[[Values], Values]
) -> int | None:
    """The frac of an index with the least squared error of the function's values; None if all inputs are zero."""
    fmt = Format(bits, 0, signed)
    chosen = statistics.values[:: max(1, len(statistics.values) // INDEX_VALUES)].astype(np.float64)
    values = chosen if signed else np.maximum(chosen, 0.0)
    magnitude = statistics.magnitude if signed else max(statistics.greatest, 0.0)
    if magnitude == 0.0:
        return None
    first = fitting_frac(magnitude, fmt.maximum)
    expected = function(values)
    known = np.isfinite(expected)
    errors = []
    for frac in range(first, first + INDEX_STEPS):
        index = Format(bits, frac, signed)
        difference = (function(dequantize(quantize_real(values, index), index)) - expected)[known]
        errors.append(float(np.sum(np.nan_to_num(difference, posinf=0.0, neginf=0.0) ** 2)))
        if errors[-1] > INDEX_FAR * min(errors):
            break
    return first + int(np.argmin(errors))


def quantize_table(
    name: str,
    output: str,
    source: Tensor,
    meaning: Scale,
    function: Callable[[Values], Values],
    inputs: ActivationStatistics,
    wish: Wish,
    options: QuantizeOptions,
) -> tuple[IntegerTable, Format]:
    """A table of `function` over the integers of the input, requantized to at most `table_bits`.

    An entry is the float64 value rounded once; where the function is not defined, that of the nearest index where
    it is.
    """
    index = source.format
    if index.narrow and index.width <= options.table_bits and not options.first_edition:
        index = replace(index, narrow=False)
    elif index.width > options.table_bits or index.narrow:
        wished = index_format(inputs, index.signed, options, function)
        index = replace(wished, frac=min(wished.frac, source.format.frac), narrow=False)
    rule = Requantize((source.format.frac - index.frac,), options.rounding)
    reals = dequantize(np.arange(index.minimum, index.maximum + 1), index) * meaning.factor + meaning.constant
    values = np.asarray(function(reals), dtype=np.float64)
    if options.rounding == "half_away" and not options.first_edition:
        # nnabla computes functions in float32, whose values may be ties where those of float64 are not.
        with np.errstate(over="ignore"):
            values = values.astype(np.float32).astype(np.float64)
    defined = np.flatnonzero(~np.isnan(values))
    if not len(defined):
        raise FitError(f"layer {name!r}: its function is defined nowhere on the range of its input")
    if len(defined) < len(values):
        values = values[defined[np.abs(np.arange(len(values))[:, np.newaxis] - defined).argmin(axis=1)]]
    fmt = wish.fit(MAX_EXPONENT, options)
    entries = quantize_real(np.clip(values, -(2.0**900), 2.0**900), fmt, _entry_rounding(options))
    return IntegerTable(name, (source.name,), output, entries, index, rule), fmt


def _entry_rounding(options: QuantizeOptions) -> Rounding:
    """A table's entries are rounded as the network's requantizers round, but never by floor."""
    if options.first_edition:
        return NEAREST
    return "half_up" if options.rounding == "floor" else options.rounding


def table_is_nonnegative(function: Callable[[Values], Values], everywhere: bool = True) -> bool:
    """Whether a function of one real number is nowhere below zero (or not at and above 0), by a dense sample."""
    exponents = np.linspace(-20, 20, 401)
    positive = np.exp2(exponents)
    values = np.asarray(function(np.concatenate([-positive, [0.0], positive] if everywhere else [[0.0], positive])))
    return bool(np.nanmin(values, initial=math.inf) >= 0)
