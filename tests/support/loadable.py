"""Networks alike but for the numbers that an image holds, and what their images must be."""

from __future__ import annotations

import zlib
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from fpgaq.base.formats import Format
from fpgaq.hardware.emit.image import HEADER_WORDS, Layout
from fpgaq.integer.accumulators import operator_bounds
from fpgaq.integer.check.carried import CLIPPED
from fpgaq.integer.graph import (
    IntegerAdd,
    IntegerAffine,
    IntegerConvolution,
    IntegerGraph,
    IntegerMaxPooling,
    IntegerMultiply,
    IntegerOperator,
    IntegerScale,
    IntegerTable,
    Requantize,
    Tensor,
)
from tests.support.fuzz.case import connect

KINDS = ("weights", "limits", "tables", "scales")
"""What an image changes."""


IMPORTED_RULES = {
    "litert": Requantize((40,), "half_up", rule="tflite_double", multiplier=(1_234_567_890,)),
    "litert above a half": Requantize((31,), "half_up", rule="tflite_double", multiplier=(1_100_000_001,), high=90),
    "narrow": Requantize((13,), "half_even", rule="multiply_shift", multiplier=(23,), offset=(-77,), low=-120),
    "shift": Requantize((9,), "floor", low=-128),
}
"""Requantizers as imported layers have them."""


def with_other_weights(graph: IntegerGraph, seed: int, shift: int = 0) -> IntegerGraph:
    """The same network with random weights and biases of all codes; `shift` is added to every requantizer's."""
    return with_others(graph, seed, ("weights",), shift)


def with_others(graph: IntegerGraph, seed: int, kinds: Collection[str] = KINDS, shift: int = 0) -> IntegerGraph:
    """The same network with random numbers of some kinds, of all codes of their formats.

    `shift` is added to the shifts of what gets other weights or scales.
    """
    chance = np.random.default_rng(seed)
    tensors, operators = dict(graph.tensors), []
    for op in graph.operators:
        formats = [tensors[name].format for name in op.inputs]
        if isinstance(op, IntegerConvolution | IntegerAffine) and "weights" in kinds:
            op = _other_weights(op, chance, shift)
        if isinstance(op, IntegerScale) and "scales" in kinds:
            op = _other_scales(op, chance, shift)
        if isinstance(op, IntegerTable) and "tables" in kinds:
            fmt = tensors[op.output].format
            op = replace(op, table=chance.integers(fmt.minimum, fmt.maximum + 1, size=op.table.shape))
        if isinstance(op, CLIPPED) and "limits" in kinds:
            op = _other_limits(op, tensors[op.output].format, chance)
        if isinstance(op, IntegerConvolution | IntegerAffine | IntegerScale):
            width = max(2, operator_bounds(op, *formats).width)
            op = replace(op, accumulator_width=width)
            if op.requantize is None:
                tensors[op.output] = replace(tensors[op.output], format=replace(tensors[op.output].format, width=width))
        operators.append(op)
    return replace(graph, operators=tuple(operators), tensors=tensors)


def _other_weights(
    op: IntegerConvolution | IntegerAffine, chance: np.random.Generator, shift: int
) -> IntegerConvolution | IntegerAffine:
    fmt, rule = replace(op.weight_format, narrow=False), op.requantize
    weight = chance.integers(fmt.minimum, fmt.maximum + 1, size=op.weight.shape)
    op = replace(op, weight=weight, bias=chance.integers(-200, 200, size=op.bias.shape), weight_format=fmt)
    if op.weight_scale and rule is not None:
        return replace(op, requantize=_other_multipliers(rule, len(op.bias), chance, shift))
    if rule is None or not shift:
        return op
    frac = tuple(one + shift for one in op.weight_frac)
    rule = replace(rule, shift=tuple(one + shift for one in rule.shift))
    return replace(op, requantize=rule, weight_frac=frac, weight_format=replace(fmt, frac=frac[0]))


def _other_multipliers(rule: Requantize, channels: int, chance: np.random.Generator, shift: int) -> Requantize:
    """Multipliers of their own for all channels, as many bits as the first one has."""
    bits = rule.multiplier[0].bit_length()
    multiplier = tuple(chance.integers(1 << bits - 1, 1 << bits, size=channels).tolist())
    return replace(rule, multiplier=multiplier, shift=tuple(one + shift for one in rule.shift))


def _other_scales(op: IntegerScale, chance: np.random.Generator, shift: int) -> IntegerScale:
    most = 1 << (op.scale_width - 1)
    scale, negative = (chance.integers(-most, most, size=op.scale.shape) for _ in range(2))
    offset = chance.integers(-most, most, size=op.offset.shape)
    rule = replace(op.requantize, shift=tuple(max(0, one + shift) for one in op.requantize.shift))
    negative = None if op.negative_scale is None else negative
    return replace(op, scale=scale, negative_scale=negative, offset=offset, requantize=rule)


def _other_limits(op: IntegerOperator, fmt: Format, chance: np.random.Generator) -> IntegerOperator:
    if op.requantize is None or fmt.width > 24:  # type: ignore[attr-defined]
        return op
    low, high = sorted(chance.integers(fmt.minimum, fmt.maximum + 1, size=2).tolist())
    rule = replace(op.requantize, relu=False, low=low, high=high)  # type: ignore[attr-defined]
    return replace(op, requantize=rule)  # type: ignore[call-arg]


def every_kind(seed: int, channels: int = 3, index_bits: int = 4) -> IntegerGraph:
    """A small network with words of every kind: weights, scales by sign, a table, a sum and a product with limits."""
    chance, shape, fracs = np.random.default_rng(seed), (1, 1, channels), (3, 3, 3, 2, -1, -2)
    tensors = [Tensor("t0", (1, 1, 5), Format(7, 4))]
    tensors += [Tensor(f"t{place}", shape, Format(7, frac)) for place, frac in enumerate(fracs, 1)]
    names = {tensor.name: tensor for tensor in tensors}
    operators: list[IntegerOperator] = []

    def add(kind: type[IntegerOperator], sources: Sequence[str], **parts: Any) -> None:
        place = len(operators) + 1
        op = kind(f"layer{place}", tuple(sources), f"t{place}", **parts)
        if kind is not IntegerTable:
            bounds = operator_bounds(op, *(names[name].format for name in sources))
            op = replace(op, accumulator_width=max(2, bounds.width))  # type: ignore[call-arg]
        operators.append(op)

    def affine(source: str, **limits: int) -> None:
        weight = chance.integers(-32, 32, size=(names[f"t{len(operators) + 1}"].size, names[source].size))
        bias, rule = chance.integers(-90, 90, size=len(weight)), Requantize((5,), "half_up", **limits)
        add(IntegerAffine, (source,), weight=weight, bias=bias, weight_format=Format(6, 4), accumulator_width=64,
            weight_frac=(4,) * len(weight), requantize=rule)  # fmt: skip

    def numbers(width: int) -> np.ndarray:
        return chance.integers(-(1 << width - 1), 1 << width - 1, size=channels)

    def rule(shift: int, **limits: int) -> Requantize:
        return Requantize((shift,), "half_away", **limits)

    affine("t0", low=-30, high=25)
    add(IntegerScale, ("t1",), scale=numbers(5), offset=numbers(6), negative_scale=numbers(5), scale_width=5,
        accumulator_width=64, requantize=rule(2, low=-31))  # fmt: skip
    cut = 7 - index_bits
    add(IntegerTable, ("t2",), table=chance.integers(-64, 64, size=1 << index_bits),
        index_format=Format(index_bits, 3 - cut), requantize=rule(cut))  # fmt: skip
    add(IntegerAdd, ("t3", "t1"), align=(0, 0), signs=(1, -1), accumulator_width=64, requantize=rule(1, high=17))
    add(IntegerMultiply, ("t4", "t2"), accumulator_width=64, requantize=rule(6, low=-5, high=9))
    affine("t5")
    return connect(f"every kind {seed}", tensors, operators)


def imported_chain(seed: int, rule: Requantize) -> IntegerGraph:
    """A convolution, a pool and an affine layer as an imported model has them, with zero points and multipliers.

    Both layers requantize by `rule`, but for the zero point.
    """
    chance, fmt = np.random.default_rng(seed), Format(8, 0)
    shapes = ((4, 4, 2), (4, 4, 3), (2, 2, 3), (1, 1, 4))
    zeros = (3, -128, -128, 4)
    tensors = [
        Tensor(f"t{place}", shape, fmt, "", 0.1 + 0.01 * place * (place != 2), zero)
        for place, (shape, zero) in enumerate(zip(shapes, zeros, strict=True))
    ]
    tensors[2] = replace(tensors[2], scale=tensors[1].scale)
    rules = [replace(rule, zero_point=zero) for zero in (-128, 4)]
    scales = dict(weight_format=fmt, weight_scale=(0.02,), accumulator_width=64)

    def weights(*shape: int) -> dict[str, Any]:
        return {"weight": chance.integers(-128, 128, size=shape), "bias": chance.integers(-900, 900, size=shape[0]),
                "weight_frac": (0,) * shape[0], **scales}  # fmt: skip

    convolution = IntegerConvolution(
        "first", ("t0",), "t1", **weights(3, 3, 3, 2), stride=(1, 1), padding=(1, 1, 1, 1), dilation=(1, 1), groups=1,
        padding_value=3, requantize=rules[0],
    )  # fmt: skip
    pool = IntegerMaxPooling("pool", ("t1",), "t2", (2, 2), (2, 2), (0, 0, 0, 0))
    affine = IntegerAffine("last", ("t2",), "t3", **weights(4, 12), requantize=rules[1])
    operators = [convolution, pool, affine]
    for place, source in ((0, tensors[0]), (2, tensors[2])):
        width = operator_bounds(operators[place], source.format).width
        operators[place] = replace(operators[place], accumulator_width=width)
    return connect(f"imported {seed}", tensors, operators)


def with_inverted_memory(image: bytes, layout: Layout, memory: int) -> bytes:
    """An image whose CRC is right, with every bit of a memory inverted."""
    first = HEADER_WORDS + sum(one.parts for one in layout.memories[:memory])
    words = np.frombuffer(image[:-4], "<u4").copy()
    words[first : first + layout.memories[memory].parts] ^= 0xFFFFFFFF
    return words.tobytes() + zlib.crc32(words.tobytes()).to_bytes(4, "little")
