"""One random network for each integer operator beyond the plain layers, and one network that has them all."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from random import Random

import numpy as np

from fpgaq.base.formats import ROUNDINGS, Format
from fpgaq.integer.accumulators import layer_bounds, operator_bounds
from fpgaq.integer.graph import (
    IntegerAdd,
    IntegerAffine,
    IntegerArgMax,
    IntegerConcatenate,
    IntegerConvolution,
    IntegerGraph,
    IntegerMaxPooling,
    IntegerMultiply,
    IntegerPad,
    IntegerRelu,
    IntegerReshape,
    IntegerScale,
    IntegerSlice,
    IntegerSumPooling,
    IntegerTable,
    IntegerTranspose,
    IntegerUpsample,
    Requantize,
    Tensor,
)
from fpgaq.model.graph import window_count
from tests.support.integer_networks import dag


def proved(op, *formats: Format):
    """The operator with the least accumulator."""
    return replace(op, accumulator_width=max(2, operator_bounds(op, *formats).width))


def any_format(chance: Random, frac: int | None = None) -> Format:
    return Format(
        chance.choice((2, 4, 7, 8, 12, 16)), chance.randint(0, 8) if frac is None else frac, bool(chance.randint(0, 1))
    )


def any_shape(chance: Random, most: int = 6) -> tuple[int, int, int]:
    return chance.randint(1, most), chance.randint(1, most), chance.randint(1, 4)


def any_rule(chance: Random, most: int = 6) -> Requantize:
    return Requantize((chance.randint(0, most),), chance.choice(ROUNDINGS), chance.random() < 0.3)


def single(op, sources: list[Tensor], target: Tensor, seed: int) -> IntegerGraph:
    unique = tuple(dict.fromkeys(source.name for source in sources))
    tensors = [*{source.name: source for source in sources}.values(), target]
    return dag([op], tensors, unique, (target.name,), seed)


def any_sources(chance: Random, count: int, shape, formats: list[Format]) -> list[Tensor]:
    """Inputs of one shape; now and then one tensor is read twice."""
    sources = [Tensor(f"x{i}", shape, formats[i]) for i in range(count)]
    if count > 1 and formats[0] == formats[1] and chance.random() < 0.5:
        sources[1] = sources[0]
    return sources


def sum_pooling(seed: int) -> IntegerGraph:
    chance = Random(seed)
    kernel = chance.randint(1, 4), chance.randint(1, 4)
    stride = chance.randint(1, 4), chance.randint(1, 3)
    rows = [chance.randint(0, kernel[0] - 1) for _ in range(2)]
    columns = [chance.randint(0, kernel[1] - 1) for _ in range(2)]
    height, width, channels = any_shape(chance)
    height, width = max(height, kernel[0] - sum(rows)), max(width, kernel[1] - sum(columns))
    padding = (*rows, *columns)
    shape = (
        window_count(height, kernel[0], stride[0], 1, *rows),
        window_count(width, kernel[1], stride[1], 1, *columns),
        channels,
    )
    inside = [
        sum(0 <= y * stride[0] - rows[0] + i < height for i in range(kernel[0]))
        * sum(0 <= x * stride[1] - columns[0] + j < width for j in range(kernel[1]))
        for y in range(shape[0])
        for x in range(shape[1])
    ]
    divisor = chance.choice([(1,), (kernel[0] * kernel[1],), tuple(inside)])
    fmt, rule = any_format(chance), any_rule(chance, 3)
    target = Format(chance.choice((4, 8, 20)), fmt.frac - rule.shift[0], bool(chance.randint(0, 1)))
    op = IntegerSumPooling("p", ("x0",), "y", kernel, stride, padding, divisor, 2, rule)
    source = Tensor("x0", (height, width, channels), fmt)
    return single(proved(op, fmt), [source], Tensor("y", shape, target), seed)


def table(seed: int) -> IntegerGraph:
    chance = Random(seed)
    fmt, target, rule = any_format(chance), any_format(chance), any_rule(chance)
    index = Format(chance.randint(1, 8), fmt.frac - rule.shift[0], bool(chance.randint(0, 1)))
    values = np.random.default_rng(seed).integers(target.minimum, target.maximum, size=1 << index.width, endpoint=True)
    shape = any_shape(chance)
    op = IntegerTable("t", ("x0",), "y", values, index, rule)
    return single(op, [Tensor("x0", shape, fmt)], Tensor("y", shape, target), seed)


def add(seed: int) -> IntegerGraph:
    chance = Random(seed)
    count, shape = chance.randint(2, 4), any_shape(chance)
    formats = [any_format(chance) for _ in range(count)]
    if chance.random() < 0.4:
        formats[1] = formats[0]
    sources = any_sources(chance, count, shape, formats)
    finest = max(fmt.frac for fmt in formats) + chance.randint(0, 1)
    rule = any_rule(chance, 8)
    target = any_format(chance, finest - rule.shift[0])
    signs = tuple(chance.choice((1, -1)) for _ in range(count))
    align = tuple(finest - source.format.frac for source in sources)
    op = IntegerAdd("a", tuple(source.name for source in sources), "y", align, signs, 2, rule)
    return single(proved(op, *(source.format for source in sources)), sources, Tensor("y", shape, target), seed)


def multiply(seed: int) -> IntegerGraph:
    chance = Random(seed)
    shape, formats = any_shape(chance), [any_format(chance) for _ in range(2)]
    if chance.random() < 0.4:
        formats[1] = formats[0]
    sources = any_sources(chance, 2, shape, formats)
    rule = any_rule(chance, 10)
    target = any_format(chance, sum(source.format.frac for source in sources) - rule.shift[0])
    op = IntegerMultiply("m", tuple(source.name for source in sources), "y", 2, rule)
    return single(proved(op, *(source.format for source in sources)), sources, Tensor("y", shape, target), seed)


def scale(seed: int) -> IntegerGraph:
    chance, generator = Random(seed), np.random.default_rng(seed)
    shape, fmt, target = any_shape(chance), any_format(chance), any_format(chance)
    bits = chance.choice((4, 8, 16))
    factors = generator.integers(-(1 << (bits - 1)), 1 << (bits - 1), size=(2, shape[2]))
    offset = generator.integers(-5000, 5000, size=shape[2]) * chance.randint(0, 1)
    shifts = tuple(chance.randint(0, 12) for _ in range(chance.choice((1, shape[2]))))
    rule = Requantize(shifts, chance.choice(ROUNDINGS), chance.random() < 0.2)
    negative = factors[1] if chance.random() < 0.5 else None
    op = IntegerScale("s", ("x0",), "y", factors[0], offset, negative, bits, 2, rule)
    return single(proved(op, fmt), [Tensor("x0", shape, fmt)], Tensor("y", shape, target), seed)


def concatenate(seed: int) -> IntegerGraph:
    chance = Random(seed)
    height, width, _ = any_shape(chance)
    fmt = any_format(chance)
    sources = [Tensor(f"x{i}", (height, width, chance.randint(1, 4)), fmt) for i in range(chance.randint(2, 4))]
    if chance.random() < 0.2:
        sources[1] = sources[0]
    op = IntegerConcatenate("c", tuple(source.name for source in sources), "y")
    return single(op, sources, Tensor("y", (height, width, sum(s.shape[2] for s in sources)), fmt), seed)


def slices(seed: int) -> IntegerGraph:
    chance = Random(seed)
    shape, fmt = any_shape(chance), any_format(chance)
    start = tuple(chance.randint(0, size - 1) for size in shape)
    extent = tuple(chance.randint(1, size - first) for size, first in zip(shape, start, strict=True))
    op = IntegerSlice("s", ("x0",), "y", start)
    return single(op, [Tensor("x0", shape, fmt)], Tensor("y", extent, fmt), seed)


def pad(seed: int) -> IntegerGraph:
    chance = Random(seed)
    (height, width, channels), fmt = any_shape(chance), any_format(chance)
    mode = chance.choice(("constant", "reflect", "repeat"))
    rows, columns = (height - 1, width - 1) if mode == "reflect" else (3, 3)
    padding = (*(chance.randint(0, rows) for _ in range(2)), *(chance.randint(0, columns) for _ in range(2)))
    value = chance.randint(fmt.minimum, fmt.maximum) if mode == "constant" else 0
    target = (height + padding[0] + padding[1], width + padding[2] + padding[3], channels)
    op = IntegerPad("p", ("x0",), "y", padding, mode, value)
    return single(op, [Tensor("x0", (height, width, channels), fmt)], Tensor("y", target, fmt), seed)


def upsample(seed: int) -> IntegerGraph:
    chance = Random(seed)
    (height, width, channels), fmt = any_shape(chance, 4), any_format(chance)
    factor = chance.randint(1, 3), chance.randint(1, 3)
    zeros = bool(chance.randint(0, 1))
    rows = height * factor[0] - (chance.randint(0, factor[0] - 1) if zeros else 0)
    columns = width * factor[1] - (chance.randint(0, factor[1] - 1) if zeros else 0)
    op = IntegerUpsample("u", ("x0",), "y", factor, zeros)
    return single(op, [Tensor("x0", (height, width, channels), fmt)], Tensor("y", (rows, columns, channels), fmt), seed)


def transpose(seed: int) -> IntegerGraph:
    chance = Random(seed)
    shape, fmt = any_shape(chance), any_format(chance)
    axes = tuple(chance.sample(range(3), 3))
    op = IntegerTranspose("t", ("x0",), "y", axes)
    return single(op, [Tensor("x0", shape, fmt)], Tensor("y", tuple(shape[axis] for axis in axes), fmt), seed)


def turned_view(seed: int) -> IntegerGraph:
    """Axes of another shape than the image's, two to five of them, in another order."""
    chance = Random(seed)
    shape, fmt = any_shape(chance), any_format(chance)
    rest, view = math.prod(shape), []
    for _ in range(chance.randint(1, 4)):
        view.append(chance.choice([size for size in range(1, rest + 1) if rest % size == 0]))
        rest //= view[-1]
    view.append(rest)
    chance.shuffle(view)
    op = IntegerTranspose("t", ("x0",), "y", tuple(chance.sample(range(len(view)), len(view))), tuple(view))
    return single(op, [Tensor("x0", shape, fmt)], Tensor("y", shape, fmt), seed)


def reshape(seed: int) -> IntegerGraph:
    chance = Random(seed)
    shape, fmt = any_shape(chance), any_format(chance)
    rest = shape[0] * shape[1] * shape[2]
    first = chance.choice([size for size in range(1, rest + 1) if rest % size == 0])
    second = chance.choice([size for size in range(1, rest // first + 1) if rest // first % size == 0])
    target = Tensor("y", (first, second, rest // first // second), fmt)
    return single(IntegerReshape("r", ("x0",), "y"), [Tensor("x0", shape, fmt)], target, seed)


def argmax(seed: int) -> IntegerGraph:
    chance = Random(seed)
    height, width, _ = any_shape(chance)
    channels, fmt = chance.randint(1, 9), any_format(chance)
    index = Format(max(1, (channels - 1).bit_length()), 0, False)
    op = IntegerArgMax("m", ("x0",), "y")
    return single(op, [Tensor("x0", (height, width, channels), fmt)], Tensor("y", (height, width, 1), index), seed)


BUILDERS: dict[str, Callable[[int], IntegerGraph]] = {
    "sum_pooling": sum_pooling,
    "table": table,
    "add": add,
    "multiply": multiply,
    "scale": scale,
    "concatenate": concatenate,
    "slice": slices,
    "pad": pad,
    "upsample": upsample,
    "transpose": transpose,
    "turned_view": turned_view,
    "reshape": reshape,
    "argmax": argmax,
}


def residual_network(seed: int = 0, rounding="half_up") -> IntegerGraph:
    """Two inputs, three outputs, forks and joins: every operator at least once."""
    generator = np.random.default_rng(seed)
    byte, activation, unsigned = Format(8, 7), Format(8, 5), Format(8, 5, False)
    weight, bias = generator.integers(-128, 128, size=(4, 3, 3, 2)), generator.integers(-900, 900, size=4)
    dense, dense_bias = generator.integers(-128, 128, size=(5, 4)), generator.integers(-900, 900, size=5)
    width, dense_width = layer_bounds(weight, bias, activation).width, layer_bounds(dense, dense_bias, activation).width

    def rule(shift: int) -> Requantize:
        return Requantize((shift,), rounding)

    small = Format(6, 4)
    operators = [
        IntegerConvolution(
            "conv", ("x",), "a", weight, bias, byte, (7,) * 4, (1, 1), (1, 1, 1, 1), (1, 1), 1, 0, width, rule(7)
        ),
        IntegerScale(
            "scale", ("a",), "b", generator.integers(-99, 99, size=4), generator.integers(-99, 99, size=4),
            generator.integers(-99, 99, size=4), 8, 16, rule(6),
        ),
        proved(IntegerAdd("add", ("a", "b"), "c", (0, 0), (1, -1), 2, rule(0)), activation, activation),
        IntegerTable("table", ("c",), "d", generator.integers(-128, 128, size=64), small, rule(1)),
        proved(IntegerMultiply("multiply", ("d", "c"), "e", 2, rule(5)), activation, activation),
        IntegerRelu("relu", ("e",), "f"),
        IntegerMaxPooling("pool", ("e",), "g", (2, 2), (2, 2), (0, 0, 0, 0)),
        IntegerUpsample("upsample", ("g",), "h", (2, 2), False),
        IntegerConcatenate("concatenate", ("h", "e", "z"), "i"),
        IntegerSlice("slice", ("i",), "j", (1, 0, 2)),
        IntegerPad("pad", ("j",), "k", (1, 1, 0, 2), "reflect", 0),
        IntegerReshape("reshape", ("k",), "p"),
        IntegerTranspose("transpose", ("p",), "l", (2, 0, 1)),
        proved(IntegerSumPooling("mean", ("l",), "m", (6, 5), (6, 5), (0, 0, 0, 0), (30,), 2, rule(0)), activation),
        IntegerAffine("affine", ("m",), "n", dense, dense_bias, byte, (7,) * 5, dense_width, None),
        IntegerArgMax("argmax", ("n",), "o"),
    ]  # fmt: skip
    operators[1] = proved(operators[1], activation)
    shapes = {
        "x": (4, 4, 2), "z": (4, 4, 1), "g": (2, 2, 4), "i": (4, 4, 9), "j": (3, 4, 4), "k": (5, 6, 4), "p": (5, 4, 6),
        "l": (6, 5, 4), "m": (1, 1, 4), "n": (1, 1, 5), "o": (1, 1, 1),
    }  # fmt: skip
    formats = {"f": unsigned, "n": Format(dense_width, 12), "o": Format(3, 0, False)}
    tensors = [
        Tensor(name, shapes.get(name, (4, 4, 4)), formats.get(name, activation)) for name in "xzabcdefghijklmnop"
    ]
    return dag(operators, tensors, ("x", "z"), ("o", "n", "f"), seed)
