"""Random integer operators other than convolutions and affine layers: each makes one for a source, or None."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeAlias

import numpy as np

from fpgaq.base.formats import MAX_WIDTH, ROUNDINGS, Format
from fpgaq.integer.accumulators import operator_bounds
from fpgaq.integer.graph import (
    IntegerAdd,
    IntegerArgMax,
    IntegerConcatenate,
    IntegerMaxPooling,
    IntegerMultiply,
    IntegerOperator,
    IntegerPad,
    IntegerRelu,
    IntegerReshape,
    IntegerScale,
    IntegerSlice,
    IntegerSumPooling,
    IntegerTable,
    IntegerTranspose,
    IntegerUpsample,
    Padding,
    Pair,
    Requantize,
    Tensor,
)
from fpgaq.model.graph import window_count

Grown: TypeAlias = tuple[IntegerOperator, Tensor]
Window: TypeAlias = tuple[Pair, Pair, Pair, Padding, Pair]

MOST_PIXELS = 200
"""Pixels beyond which nothing is made larger."""


def random_bits(chance: random.Random) -> int:
    return chance.choice([1, 2, 3, 4, 5, 6, 8, 8, 8, 8, 9, 12, 16])


def random_format(chance: random.Random, frac: int) -> Format:
    signed = chance.random() < 0.5
    return Format(max(random_bits(chance), 1 + signed), frac, signed, signed and chance.random() < 0.4)


def random_window(
    chance: random.Random, shape: Sequence[int], most: int, dilations: int, padding: int | None
) -> Window | None:
    """Kernel, stride, dilation, padding and output size, None if no window fits; padding None: below the kernel."""
    kernel = (chance.randint(1, most), chance.randint(1, most))
    dilation = (chance.randint(1, dilations), chance.randint(1, dilations))
    stride = (chance.randint(1, 4), chance.randint(1, 4)) if chance.random() < 0.5 else (1, 1)
    limits = [size - 1 if padding is None else padding for size in (kernel[0], kernel[0], kernel[1], kernel[1])]
    pads = [chance.randint(0, limit) for limit in limits] if chance.random() < 0.6 else [0] * 4
    top, bottom, left, right = pads
    rows = window_count(shape[0], kernel[0], stride[0], dilation[0], top, bottom)
    columns = window_count(shape[1], kernel[1], stride[1], dilation[1], left, right)
    return (kernel, stride, dilation, (top, bottom, left, right), (rows, columns)) if min(rows, columns) > 0 else None


def transposed_window(chance: random.Random, shape: Sequence[int], factor: Sequence[int]) -> Window | None:
    """The operator that turns an image spread by `factor` into a transposed convolution's output, unless empty."""
    smallest = (1, 1) if chance.random() < 0.1 else factor
    kernel = (chance.randint(smallest[0], 4), chance.randint(smallest[1], 4))
    dilation = (chance.randint(1, 2), chance.randint(1, 2)) if chance.random() < 0.15 else (1, 1)
    padding = []
    for size, apart, stride in zip(kernel, dilation, factor, strict=True):
        reach = apart * (size - 1)
        least = (reach + 1) // 2 if chance.random() < 0.9 else 0
        padding += [chance.randint(least, reach), chance.randint(least, reach) + chance.choice([0, stride - 1])]
    top, bottom, left, right = padding
    rows = window_count(shape[0], kernel[0], 1, dilation[0], top, bottom)
    columns = window_count(shape[1], kernel[1], 1, dilation[1], left, right)
    return (kernel, (1, 1), dilation, (top, bottom, left, right), (rows, columns)) if min(rows, columns) > 0 else None


def pooling_window(chance: random.Random, shape: Sequence[int]) -> Window | None:
    """A small window, or now and then one over the whole image."""
    if shape[0] * shape[1] <= 36 and chance.random() < 0.25:
        return (shape[0], shape[1]), (1, 1), (1, 1), (0, 0, 0, 0), (1, 1)
    return random_window(chance, shape, 3, 1, None)


def random_max_pooling(chance: random.Random, source: Tensor, index: int) -> Grown | None:
    window = random_window(chance, source.shape, 3, 1, None)
    if window is None:
        return None
    kernel, stride, _, padding, size = window
    op = IntegerMaxPooling(f"pool{index}", (source.name,), f"t{index + 1}", kernel, stride, padding)
    return op, Tensor(op.output, (*size, source.shape[2]), source.format)


def random_relu(chance: random.Random, source: Tensor, index: int) -> Grown | None:
    fmt = source.format
    narrowest = fmt.width - int(fmt.signed)
    if narrowest < 1:
        return None
    choices = [replace(fmt, signed=False, narrow=False, width=width) for width in (narrowest, fmt.width + 1)]
    choices += [replace(fmt, signed=True, narrow=False, width=narrowest + 1), choices[0]]
    op = IntegerRelu(f"relu{index}", (source.name,), f"t{index + 1}")
    return op, Tensor(op.output, source.shape, chance.choice(choices))


def _taps_inside(window: Window, shape: Sequence[int], row: int, column: int) -> int:
    kernel, stride, _, padding, _ = window
    inside = 0
    for y in range(row * stride[0] - padding[0], row * stride[0] - padding[0] + kernel[0]):
        for x in range(column * stride[1] - padding[2], column * stride[1] - padding[2] + kernel[1]):
            inside += 0 <= y < shape[0] and 0 <= x < shape[1]
    return inside


def random_sum_pooling(chance: random.Random, source: Tensor, index: int) -> Grown | None:
    """Sums, means with and without the padding, and any other divisors."""
    window = pooling_window(chance, source.shape)
    if window is None:
        return None
    kernel, stride, _, padding, size = window
    counts = tuple(
        max(1, _taps_inside(window, source.shape, row, column)) for row in range(size[0]) for column in range(size[1])
    )
    divisor = chance.choice([(1,), (kernel[0] * kernel[1],), counts, counts, (chance.randint(1, 40),)])
    shift = chance.choice([0, 0, 1, 2])
    rule = Requantize((shift,), chance.choice(ROUNDINGS), chance.random() < 0.2)
    op = IntegerSumPooling(
        f"sum{index}", (source.name,), f"t{index + 1}", kernel, stride, padding, divisor, MAX_WIDTH, rule
    )
    return _with_width(
        chance, op, [source], random_format(chance, source.format.frac - shift), (*size, source.shape[2])
    )


def _with_width(
    chance: random.Random,
    op: IntegerSumPooling | IntegerAdd | IntegerMultiply | IntegerScale,
    sources: Sequence[Tensor],
    fmt: Format,
    shape: tuple[int, int, int],
) -> Grown | None:
    """The operator with an accumulator as narrow as proved, or a little wider."""
    width = operator_bounds(op, *(source.format for source in sources)).width
    width += chance.randint(1, 3) if chance.random() < 0.2 else 0
    if width > MAX_WIDTH:
        return None
    if not isinstance(op, IntegerSumPooling):
        op = replace(op, requantize=clipped(op.name, op.requantize, fmt))
    return replace(op, accumulator_width=width), Tensor(op.output, shape, fmt)


def _shift(chance: random.Random, width: int, fmt_width: int) -> int:
    """A shift after which some results saturate and most do not."""
    return max(0, width - fmt_width - chance.randint(0, 3)) if chance.random() < 0.9 else 0


def clipped(name: str, rule: Requantize, fmt: Format) -> Requantize:
    """The requantizer of the layer `name`, in one of four cases with limits within its format.

    It draws for itself, so that what else a seed gives stays as it was.
    """
    chance = random.Random(f"{name} {rule} {fmt}")
    if chance.random() < 0.75 or fmt.width - fmt.signed < 1:
        return rule
    least, greatest = rule.limits(fmt)
    low, high = sorted(chance.randint(least, greatest) for _ in range(2))
    return replace(
        rule,
        low=None if rule.relu or chance.random() < 0.4 else low,
        high=None if chance.random() < 0.2 else high,
    )


def random_add(chance: random.Random, sources: Sequence[Tensor], index: int) -> Grown | None:
    finest = max(source.format.frac for source in sources) + chance.choice([0, 0, 1])
    align = tuple(finest - source.format.frac for source in sources)
    signs = tuple(chance.choice([1, 1, -1]) for _ in sources)
    fmt = random_format(chance, 0)
    width = max(source.format.width + more for source, more in zip(sources, align, strict=True)) + 1
    shift = _shift(chance, width, fmt.width)
    rule = Requantize((shift,), chance.choice(ROUNDINGS), chance.random() < 0.3)
    names = tuple(source.name for source in sources)
    op = IntegerAdd(f"add{index}", names, f"t{index + 1}", align, signs, MAX_WIDTH, rule)
    return _with_width(chance, op, sources, replace(fmt, frac=finest - shift), sources[0].shape)


def random_multiply(chance: random.Random, sources: Sequence[Tensor], index: int) -> Grown | None:
    fmt = random_format(chance, 0)
    shift = _shift(chance, sum(source.format.width for source in sources), fmt.width)
    rule = Requantize((shift,), chance.choice(ROUNDINGS), chance.random() < 0.3)
    names = tuple(source.name for source in sources)
    op = IntegerMultiply(f"multiply{index}", names, f"t{index + 1}", MAX_WIDTH, rule)
    frac = sum(source.format.frac for source in sources) - shift
    return _with_width(chance, op, sources, replace(fmt, frac=frac), sources[0].shape)


def random_scale(chance: random.Random, source: Tensor, index: int, fmt: Format | None = None) -> Grown | None:
    """Factors and offsets of each channel; `fmt` asks for a format of the result."""
    fmt = fmt or random_format(chance, source.format.frac)
    channels, width = source.shape[2], chance.choice([2, 4, 8, 8, 12])
    numbers = np.random.default_rng(chance.randrange(1 << 30))
    low, high = -(1 << (width - 1)), 1 << (width - 1)
    scale, negative = numbers.integers(low, high, channels), numbers.integers(low, high, channels)
    scale[0] = low if chance.random() < 0.2 else scale[0]
    offset = numbers.integers(-1000, 1001, channels) * chance.choice([0, 1, 1])
    base = _shift(chance, width + source.format.width, fmt.width)
    spread = chance.random() < 0.5
    shift = tuple(base + chance.randint(0, 3) for _ in range(channels)) if spread else (base,)
    rule = Requantize(shift, chance.choice(ROUNDINGS), chance.random() < 0.3)
    op = IntegerScale(
        f"scale{index}", (source.name,), f"t{index + 1}", scale, offset, negative if chance.random() < 0.5 else None,
        width, MAX_WIDTH, rule,
    )  # fmt: skip
    return _with_width(chance, op, [source], fmt, source.shape)


def random_table(chance: random.Random, source: Tensor, index: int, fmt: Format | None = None) -> Grown | None:
    """Entries at random; `fmt` asks for a format of the result."""
    fmt = fmt or random_format(chance, chance.randint(0, 8))
    width, signed = source.format.width, source.format.signed if chance.random() < 0.8 else chance.random() < 0.5
    bits = max(1 + signed, chance.choice([1, 2, 4, 6, 8, min(width, 10)]))
    shift = chance.choice([0, 1, max(0, width - bits), max(0, width - bits)])
    index_format = Format(bits, source.format.frac - shift, signed)
    numbers = np.random.default_rng(chance.randrange(1 << 30))
    entries = numbers.integers(fmt.minimum, fmt.maximum + 1, 1 << bits)
    rule = Requantize((shift,), chance.choice(ROUNDINGS))
    op = IntegerTable(f"table{index}", (source.name,), f"t{index + 1}", entries, index_format, rule)
    return op, Tensor(op.output, source.shape, fmt)


def random_slice(chance: random.Random, source: Tensor, index: int) -> Grown | None:
    """Some pixels, some channels, or both cut."""
    start, size = [0, 0, 0], list(source.shape)
    for axis in chance.choice([(0, 1), (2,), (0, 1, 2), (0,)]):
        start[axis] = chance.randrange(source.shape[axis])
        size[axis] = chance.randint(1, source.shape[axis] - start[axis])
    op = IntegerSlice(f"slice{index}", (source.name,), f"t{index + 1}", (start[0], start[1], start[2]))
    return op, Tensor(op.output, (size[0], size[1], size[2]), source.format)


def random_pad(chance: random.Random, source: Tensor, index: int) -> Grown | None:
    height, width, channels = source.shape
    mode = chance.choice(["constant", "reflect", "repeat"])
    limits = [min(2, size - 1) if mode == "reflect" else 2 for size in (height, height, width, width)]
    top, bottom, left, right = (chance.randint(0, limit) for limit in limits)
    shape = (height + top + bottom, width + left + right, channels)
    if shape[0] * shape[1] > MOST_PIXELS:
        return None
    value = chance.choice([0, chance.randint(source.format.minimum, source.format.maximum)])
    value = value if mode == "constant" else 0
    op = IntegerPad(f"pad{index}", (source.name,), f"t{index + 1}", (top, bottom, left, right), mode, value)
    return op, Tensor(op.output, shape, source.format)


def random_upsample(chance: random.Random, source: Tensor, index: int) -> Grown | None:
    height, width, channels = source.shape
    factor, zeros = (chance.randint(1, 3), chance.randint(1, 3)), chance.random() < 0.5
    cut = [chance.randrange(size) if zeros else 0 for size in factor]
    shape = (height * factor[0] - cut[0], width * factor[1] - cut[1], channels)
    if shape[0] * shape[1] > MOST_PIXELS:
        return None
    op = IntegerUpsample(f"upsample{index}", (source.name,), f"t{index + 1}", factor, zeros)
    return op, Tensor(op.output, shape, source.format)


def random_transpose(chance: random.Random, source: Tensor, index: int) -> Grown | None:
    axes = chance.choice([(1, 0, 2), (2, 0, 1), (1, 2, 0), (2, 1, 0), (0, 2, 1)])
    shape = (source.shape[axes[0]], source.shape[axes[1]], source.shape[axes[2]])
    op = IntegerTranspose(f"transpose{index}", (source.name,), f"t{index + 1}", axes)
    return op, Tensor(op.output, shape, source.format)


def random_reshape(chance: random.Random, source: Tensor, index: int) -> Grown:
    """The same elements in an image of another shape, now and then with the same channels."""
    size, depth = source.shape[0] * source.shape[1] * source.shape[2], source.shape[2]
    channels = depth if chance.random() < 0.3 else _divisor(chance, size, 48)
    columns = _divisor(chance, size // channels, size)
    op = IntegerReshape(f"reshape{index}", (source.name,), f"t{index + 1}")
    return op, Tensor(op.output, (size // channels // columns, columns, channels), source.format)


def _divisor(chance: random.Random, number: int, most: int) -> int:
    return chance.choice([size for size in range(1, min(number, most) + 1) if number % size == 0])


def random_concatenate(chance: random.Random, sources: Sequence[Tensor], index: int) -> Grown | None:
    channels = sum(source.shape[2] for source in sources)
    if channels > 24:
        return None
    names = tuple(source.name for source in sources)
    op = IntegerConcatenate(f"concatenate{index}", names, f"t{index + 1}")
    return op, Tensor(op.output, (*sources[0].shape[:2], channels), sources[0].format)


def arg_max(source: Tensor, index: int) -> Grown:
    fmt = Format(max(1, (source.shape[2] - 1).bit_length()), 0, False)
    op = IntegerArgMax(f"argmax{index}", (source.name,), f"t{index + 1}")
    return op, Tensor(op.output, (*source.shape[:2], 1), fmt)


ONE_SOURCE: dict[str, Callable[[random.Random, Tensor, int], Grown | None]] = {
    "max": random_max_pooling,
    "relu": random_relu,
    "sum": random_sum_pooling,
    "scale": random_scale,
    "table": random_table,
    "slice": random_slice,
    "pad": random_pad,
    "upsample": random_upsample,
    "transpose": random_transpose,
}
JOINS: dict[str, Callable[[random.Random, Sequence[Tensor], int], Grown | None]] = {
    "add": random_add,
    "multiply": random_multiply,
    "concatenate": random_concatenate,
}
