"""Random networks as imported models have them: zero points, arbitrary scales, clips, sums and products of tensors."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np

from fpgaq.base.errors import UnsupportedError
from fpgaq.base.formats import Format
from fpgaq.hardware.lowering import with_plain_requantizers
from fpgaq.hardware.lowering.scales import MAX_INDEX_WIDTH
from fpgaq.integer.accumulators import operator_bounds
from fpgaq.integer.graph import (
    IntegerAdd,
    IntegerAffine,
    IntegerConvolution,
    IntegerGraph,
    IntegerMaxPooling,
    IntegerMultiply,
    IntegerOperator,
    IntegerTable,
    Requantize,
    Tensor,
)
from fpgaq.integer.reference import run
from tests.support.fuzz.case import connect, random_inputs
from tests.support.fuzz.operators import Grown, random_window
from tests.support.imported_operators import any_requantize, any_tensor


def imported_network(seed: int) -> IntegerGraph:
    """One to four layers in the form that hardware takes, held against the network as it was imported."""
    chance = random.Random(seed)
    while True:
        graph = _network(chance, seed)
        try:
            lowered = with_plain_requantizers(graph)
        except UnsupportedError as error:
            # Products of 64 bits and more are refused by name; another network is drawn.
            assert "; to 64" in str(error) or "hardware has 16" in str(error), error
            continue
        break
    inputs = random_inputs(graph, seed)
    expected, found = (run(network, inputs, keep=True) for network in (graph, lowered))
    different = [name for name in graph.tensors if not np.array_equal(expected[name], found[name])]
    assert not different, f"the lowered network has other integers in {different[0]!r}"
    return lowered


def _network(chance: random.Random, seed: int) -> IntegerGraph:
    shape = (chance.choice([1, 3, 5, 6]), chance.choice([1, 4, 6]), chance.choice([1, 2, 4]))
    tensors, operators = [any_tensor(chance, "t0", shape)], []
    layers = chance.randint(1, 4)
    while len(operators) < layers:
        grown = _grow(chance, tensors, len(operators))
        if grown is not None:
            operators.append(grown[0])
            tensors.append(grown[1])
    return connect(f"fuzz {seed}", tensors, operators)


def _grow(chance: random.Random, tensors: list[Tensor], index: int) -> Grown | None:
    source, output, name = tensors[-1], f"t{index + 1}", f"layer{index}"
    kind = chance.choice(["convolution", "convolution", "affine", "add", "multiply", "table", "max"])
    if kind == "max":
        op: IntegerOperator = IntegerMaxPooling(name, (source.name,), output, (1, 1), (2, 1), (0, 0, 0, 0))
        return op, replace(source, name=output, shape=(-(-source.shape[0] // 2), *source.shape[1:]))
    if kind == "table" and source.format.width > MAX_INDEX_WIDTH:
        return None
    if kind == "table":
        target = any_tensor(chance, output, source.shape)
        values = [chance.randint(target.format.minimum, target.format.maximum) for _ in range(1 << source.format.width)]
        index_format = Format(source.format.width, 0, source.format.signed)
        rule = Requantize((0,), "half_up")
        return IntegerTable(name, (source.name,), output, np.array(values), index_format, rule), target
    if kind in ("add", "multiply"):
        other = chance.choice([tensor for tensor in tensors if tensor.shape == source.shape])
        return _joined(chance, kind, source, other, name, output)
    return _weighted(chance, kind, source, name, output)


def _joined(chance: random.Random, kind: str, first: Tensor, second: Tensor, name: str, output: str) -> Grown:
    inputs, target = (first.name, second.name), any_tensor(chance, output, first.shape)
    if kind == "add":
        factors = (chance.randint(1, 900), chance.randint(-900, 900))
        op: IntegerOperator = IntegerAdd(
            name, inputs, output, (0, 0), (1, 1), 2, None, factors, chance.randint(-99, 99)
        )
    else:
        op = IntegerMultiply(name, inputs, output, 2, None, (first.zero_point, second.zero_point))
    return _finished(chance, op, (first.format, second.format), target, 1), target


def _weighted(chance: random.Random, kind: str, source: Tensor, name: str, output: str) -> Grown | None:
    outputs, generator = chance.randint(1, 5), np.random.default_rng(chance.randint(0, 1 << 30))
    fmt = Format(chance.choice((2, 4, 8, 9)), 0)
    scales = tuple(chance.uniform(0.01, 1) for _ in range(chance.choice((1, outputs))))
    bias = generator.integers(-2000, 2000, size=outputs)
    fracs = (0,) * outputs
    if kind == "affine":
        weight = generator.integers(fmt.minimum, fmt.maximum, size=(outputs, source.size), endpoint=True)
        op: IntegerOperator = IntegerAffine(name, (source.name,), output, weight, bias, fmt, fracs, 2, None, scales)
        target = any_tensor(chance, output, (1, 1, outputs))
        return _finished(chance, op, (source.format,), target, outputs), target
    window = random_window(chance, source.shape, 3, 1, None)
    if window is None:
        return None
    kernel, stride, dilation, padding, (rows, columns) = window
    weight = generator.integers(fmt.minimum, fmt.maximum, size=(outputs, *kernel, source.shape[2]), endpoint=True)
    op = IntegerConvolution(
        name, (source.name,), output, weight, bias, fmt, fracs, stride, padding, dilation, 1, source.zero_point, 2,
        None, scales,
    )  # fmt: skip
    target = any_tensor(chance, output, (rows, columns, outputs))
    return _finished(chance, op, (source.format,), target, outputs), target


def _finished(
    chance: random.Random, op: IntegerOperator, formats: tuple[Format, ...], target: Tensor, channels: int
) -> IntegerOperator:
    """The operator with its least accumulator and a requantizer by any rule."""
    bounds = operator_bounds(op, *formats)
    rule = any_requantize(chance, channels, target, bounds.magnitude)
    return replace(op, accumulator_width=max(2, bounds.width), requantize=rule)  # type: ignore[call-arg]
