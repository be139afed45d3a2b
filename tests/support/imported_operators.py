"""Random integer networks as imported models have them: zero points, arbitrary scales, multipliers, clips."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random

import numpy as np

from fpgaq.base.formats import ROUNDINGS, Format
from fpgaq.integer.accumulators import operator_bounds
from fpgaq.integer.graph import (
    IntegerAdd,
    IntegerAffine,
    IntegerConvolution,
    IntegerGraph,
    IntegerMultiply,
    IntegerPad,
    IntegerScale,
    IntegerTable,
    Requantize,
    Tensor,
)
from fpgaq.model.graph import window_count
from tests.support.integer_operators import any_shape, proved, single


def any_tensor(chance: Random, name: str, shape: tuple[int, int, int]) -> Tensor:
    fmt = Format(chance.choice((1, 2, 4, 8, 8, 16)), 0, bool(chance.randint(0, 1)))
    return Tensor(name, shape, fmt, "", 2 ** chance.uniform(-8, 4), chance.randint(fmt.minimum, fmt.maximum))


def any_requantize(chance: Random, channels: int, target: Tensor, reach: int) -> Requantize:
    """A requantizer by any rule whose results mostly lie within the target's format; `reach` bounds accumulators."""
    low, high = sorted(chance.randint(target.format.minimum, target.format.maximum) for _ in range(2))
    clips = {"low": low, "high": chance.choice((None, high))} if chance.random() < 0.4 else {}
    count, zero = chance.choice((1, channels)), target.zero_point
    rule = chance.choice(("shift", "multiply_shift", "multiply_shift", "tflite_double"))
    wanted = max(reach >> target.format.width, 1).bit_length()
    if rule == "shift":
        shifts = tuple(wanted + chance.randint(0, 2) for _ in range(count))
        return Requantize(shifts, chance.choice(ROUNDINGS), zero_point=zero, **clips)
    if rule == "tflite_double" and reach < 1 << 30:
        multiplier = tuple(chance.randint(1 << 30, (1 << 31) - 1) for _ in range(count))
        shifts = tuple(31 + wanted + chance.randint(0, 1) for _ in range(count))
        return Requantize(shifts, "half_up", False, rule, multiplier, (0,), zero, **clips)
    bits = chance.randint(1, min(31, 60 - reach.bit_length()))
    multiplier = tuple(chance.randint(1 << bits >> 1, (1 << bits) - 1) for _ in range(count))
    offset = tuple(chance.randint(-1000, 1000) for _ in range(count)) if chance.random() < 0.5 else (0,)
    shift = (wanted + bits + chance.randint(0, 1),)
    return Requantize(shift, chance.choice(ROUNDINGS), False, "multiply_shift", multiplier, offset, zero, **clips)


def with_rule(chance: Random, op, sources: list[Tensor], target: Tensor, seed: int) -> IntegerGraph:
    op = proved(op, *(source.format for source in sources))
    channels = target.shape[2] if not isinstance(op, IntegerAdd | IntegerMultiply) else 1
    reach = operator_bounds(op, *(source.format for source in sources)).magnitude
    return single(replace(op, requantize=any_requantize(chance, channels, target, reach)), sources, target, seed)


def weights(chance: Random, seed: int, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray, Format]:
    fmt = Format(chance.choice((2, 4, 8, 9)), 0)
    generator = np.random.default_rng(seed)
    return (
        generator.integers(fmt.minimum, fmt.maximum, size=shape, endpoint=True),
        generator.integers(-(1 << chance.randint(0, 18)), 1 << 12, size=shape[0]),
        fmt,
    )


def convolution(seed: int) -> IntegerGraph:
    chance = Random(seed)
    groups, kernel, outputs = chance.choice((1, 1, 2)), (chance.randint(1, 3), chance.randint(1, 3)), 4
    padding = tuple(chance.randint(0, 2) for _ in range(4))
    source = any_tensor(chance, "x0", (chance.randint(3, 6), chance.randint(3, 6), 2 * groups))
    weight, bias, fmt = weights(chance, seed, (outputs, *kernel, 2))
    height, width = (
        window_count(size, kernel[i], 1, 1, *padding[2 * i : 2 * i + 2]) for i, size in enumerate(source.shape[:2])
    )
    target = any_tensor(chance, "y", (height, width, outputs))
    scales = tuple(chance.uniform(0.01, 1) for _ in range(chance.choice((1, outputs))))
    op = IntegerConvolution(
        "c",
        ("x0",),
        "y",
        weight,
        bias,
        fmt,
        (0,) * outputs,
        (1, 1),
        padding,
        (1, 1),
        groups,
        source.zero_point,
        2,
        None,
    )
    return with_rule(chance, replace(op, weight_scale=scales), [source], target, seed)


def affine(seed: int) -> IntegerGraph:
    chance = Random(seed)
    source = any_tensor(chance, "x0", any_shape(chance, 3))
    weight, bias, fmt = weights(chance, seed, (3, source.size))
    op = IntegerAffine("a", ("x0",), "y", weight, bias, fmt, (0,) * 3, 2, None, (0.25,))
    if chance.random() < 0.2:
        op = proved(op, source.format)
        target = Tensor("y", (1, 1, 3), Format(op.accumulator_width, 0), "", source.scale * 0.25)
        return single(op, [source], target, seed)
    return with_rule(chance, op, [source], any_tensor(chance, "y", (1, 1, 3)), seed)


def add(seed: int) -> IntegerGraph:
    chance, shape = Random(seed), any_shape(Random(seed), 4)
    sources = [any_tensor(chance, f"x{i}", shape) for i in range(chance.randint(2, 3))]
    factors = tuple(chance.randint(-4000, 4000) for _ in sources)
    inputs = tuple(source.name for source in sources)
    op = IntegerAdd(
        "a", inputs, "y", (0,) * len(sources), (1,) * len(sources), 2, None, factors, chance.randint(-99, 99)
    )
    return with_rule(chance, op, sources, any_tensor(chance, "y", shape), seed)


def multiply(seed: int) -> IntegerGraph:
    chance, shape = Random(seed), any_shape(Random(seed), 4)
    sources = [any_tensor(chance, f"x{i}", shape) for i in range(2)]
    op = IntegerMultiply("m", ("x0", "x1"), "y", 2, None, tuple(source.zero_point for source in sources))
    return with_rule(chance, op, sources, any_tensor(chance, "y", shape), seed)


def scale(seed: int) -> IntegerGraph:
    chance, generator, shape = Random(seed), np.random.default_rng(seed), any_shape(Random(seed), 4)
    factors, offset = generator.integers(-99, 99, size=shape[2]), generator.integers(-999, 999, size=shape[2])
    op = IntegerScale("s", ("x0",), "y", factors, offset, None, 8, 2, None)
    return with_rule(chance, op, [any_tensor(chance, "x0", shape)], any_tensor(chance, "y", shape), seed)


def table(seed: int) -> IntegerGraph:
    chance, shape = Random(seed), any_shape(Random(seed), 4)
    source, target = any_tensor(chance, "x0", shape), any_tensor(chance, "y", shape)
    while source.format.width > 8:
        source = any_tensor(chance, "x0", shape)
    fmt = target.format
    values = np.random.default_rng(seed).integers(
        fmt.minimum, fmt.maximum, size=1 << source.format.width, endpoint=True
    )
    op = IntegerTable("t", ("x0",), "y", values, source.format, Requantize((0,), "half_up"))
    return single(op, [source], target, seed)


def pad(seed: int) -> IntegerGraph:
    chance = Random(seed)
    source = any_tensor(chance, "x0", (2, 3, 2))
    op = IntegerPad("p", ("x0",), "y", (1, 0, 2, 1), "constant", source.zero_point)
    return single(op, [source], replace(source, name="y", shape=(3, 6, 2)), seed)


BUILDERS: dict[str, Callable[[int], IntegerGraph]] = {
    "convolution": convolution,
    "affine": affine,
    "add": add,
    "multiply": multiply,
    "scale": scale,
    "table": table,
    "pad": pad,
}
