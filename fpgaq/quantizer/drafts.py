"""Integer arithmetic that both quantizers need: aligned sums, products, divisors, shifts and rescaled tensors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np

from ..base.errors import FitError
from ..base.formats import MAX_WIDTH, Format, Rounding
from ..integer.accumulators import operator_bounds
from ..integer.graph import (
    IntegerAdd,
    IntegerAffine,
    IntegerConvolution,
    IntegerMultiply,
    IntegerScale,
    IntegerSumPooling,
    Requantize,
    Tensor,
)
from ..model.graph import Add, AveragePooling, Multiply

Accumulating = TypeVar(
    "Accumulating",
    bound=IntegerConvolution | IntegerAffine | IntegerAdd | IntegerMultiply | IntegerScale | IntegerSumPooling,
)
SCALES_APART = "the scales of its inputs lie too far apart"


def with_accumulator(op: Accumulating, formats: Sequence[Format], reason: str = SCALES_APART) -> Accumulating:
    """The operator with the least accumulator that is proved to hold every partial sum of it.

    Parameters
    ----------
    op : operator
        Its own accumulator width is not read.
    formats : sequence of Format
        Of its inputs.
    reason : str
        What the message says where no supported width does.

    Raises
    ------
    FitError
        More bits than `MAX_WIDTH` are needed.
    """
    # One bit would do for a layer of zeros; hardware is simpler if every signed number has two.
    width = max(2, operator_bounds(op, *formats).width)
    if width > MAX_WIDTH:
        raise FitError(
            f"layer {op.name!r}: its accumulator needs {width} bits, at most {MAX_WIDTH} are supported; {reason}"
        )
    return replace(op, accumulator_width=width)


def add_draft(op: Add, sources: Sequence[Tensor], rule: Requantize) -> tuple[IntegerAdd, int]:
    """The exact sum of all inputs, each shifted to the finest scale, and that scale's fractional bits."""
    finest = max(tensor.format.frac for tensor in sources)
    align = tuple(finest - tensor.format.frac for tensor in sources)
    if max(align) >= MAX_WIDTH:
        raise FitError(f"layer {op.name!r}: the scales of its inputs lie 2**{max(align)} apart; rescale the network")
    names = tuple(tensor.name for tensor in sources)
    draft = IntegerAdd(op.name, names, op.output, align, op.signs, 2, rule)
    return with_accumulator(draft, [tensor.format for tensor in sources]), finest


def multiply_draft(op: Multiply, sources: Sequence[Tensor], rule: Requantize) -> tuple[IntegerMultiply, int]:
    """The exact product of two inputs, and its fractional bits."""
    draft = IntegerMultiply(op.name, tuple(tensor.name for tensor in sources), op.output, 2, rule)
    formats = [tensor.format for tensor in sources]
    return with_accumulator(draft, formats), sum(fmt.frac for fmt in formats)


def pooling_draft(op: AveragePooling, source: Tensor, pixels: tuple[int, int], rule: Requantize) -> IntegerSumPooling:
    """Sums or means over windows; `pixels` are the rows and columns of the output."""
    draft = IntegerSumPooling(
        op.name, (source.name,), op.output, op.kernel, op.stride, op.padding, _divisors(op, source, pixels), 2, rule
    )  # fmt: skip
    return with_accumulator(draft, (source.format,))


def _divisors(op: AveragePooling, source: Tensor, pixels: tuple[int, int]) -> tuple[int, ...]:
    """The divisors of the sums: one number, or one for each pixel of the output."""
    if op.sum_only:
        return (1,)
    if op.count_padding:
        return (op.kernel[0] * op.kernel[1],)

    def inside(position: int, axis: int) -> int:
        first = position * op.stride[axis] - op.padding[2 * axis]
        return min(first + op.kernel[axis], source.shape[axis]) - max(first, 0)

    return one_if_equal([inside(y, 0) * inside(x, 1) for y in range(pixels[0]) for x in range(pixels[1])])


def one_if_equal(values: Sequence[int]) -> tuple[int, ...]:
    """The values, or only the first where all are the same."""
    return tuple(values[:1]) if len(set(values)) == 1 else tuple(values)


def shifts(fracs: Sequence[int], frac: int) -> tuple[int, ...]:
    """From accumulators of the fractional bits `fracs` to `frac`: one shift if it is the same for all channels."""
    return one_if_equal([channel - frac for channel in fracs])


def rescaled(source: Tensor, fmt: Format, name: str, rounding: Rounding) -> IntegerScale:
    """The operator `name` that writes a tensor in another format, by an exact shift and one rounding."""
    up, down = max(0, fmt.frac - source.format.frac), max(0, source.format.frac - fmt.frac)
    ones = np.ones(source.shape[2], dtype=np.int64)
    return IntegerScale(
        name=name,
        inputs=(source.name,),
        output=name,
        scale=ones << up,
        offset=0 * ones,
        negative_scale=None,
        scale_width=up + 2,
        accumulator_width=max(2, source.format.width + up + 1),
        requantize=Requantize((down,), rounding),
    )


def relu_format(fmt: Format) -> Format:
    """The output format of a ReLU: the positive half of the format that it reads."""
    return Format(max(1, fmt.width - 1), fmt.frac, False) if fmt.signed else fmt
