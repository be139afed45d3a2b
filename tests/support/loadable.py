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
    if rule is None or not shift:
        return op
    frac = tuple(one + shift for one in op.weight_frac)
    rule = replace(rule, shift=tuple(one + shift for one in rule.shift))
    return replace(op, requantize=rule, weight_frac=frac, weight_format=replace(fmt, frac=frac[0]))


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


def every_kind(seed: int, channels: int = 3) -> IntegerGraph:
    """A small network with a word of every kind: weights, scales by sign, a table, a sum and a product with limits."""
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
    add(IntegerTable, ("t2",), table=chance.integers(-64, 64, size=16), index_format=Format(4, 0), requantize=rule(3))
    add(IntegerAdd, ("t3", "t1"), align=(0, 0), signs=(1, -1), accumulator_width=64, requantize=rule(1, high=17))
    add(IntegerMultiply, ("t4", "t2"), accumulator_width=64, requantize=rule(6, low=-5, high=9))
    affine("t5")
    return connect(f"every kind {seed}", tensors, operators)


def with_inverted_memory(image: bytes, layout: Layout, memory: int) -> bytes:
    """An image whose CRC is right, with every bit of a memory inverted."""
    first = HEADER_WORDS + sum(one.parts for one in layout.memories[:memory])
    words = np.frombuffer(image[:-4], "<u4").copy()
    words[first : first + layout.memories[memory].parts] ^= 0xFFFFFFFF
    return words.tobytes() + zlib.crc32(words.tobytes()).to_bytes(4, "little")
