"""Random integer networks over everything that the hardware carries, each with a target and a seed of stalls.

Wider than `random_networks`: any geometry, formats of 1 to 16 bits, accumulators exactly as wide as proved.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from fpgaq.accumulators import operator_bounds
from fpgaq.errors import FitError
from fpgaq.formats import ROUNDINGS, Format
from fpgaq.graph import window_count
from fpgaq.integer_check import check
from fpgaq.integer_graph import (
    InputTransform,
    IntegerAffine,
    IntegerConvolution,
    IntegerGraph,
    IntegerMaxPooling,
    IntegerOperator,
    IntegerRelu,
    Requantize,
    Tensor,
)
from fpgaq.schedule import Schedule, Target, make_schedule

BIAS = 500
MOST_CYCLES = 2000
"""Predicted cycles of a frame above which a case gets more multipliers, so that it simulates quickly."""


@dataclass(frozen=True)
class Case:
    """A network, its hardware and the seed of its stalls (None: an unstalled run)."""

    graph: IntegerGraph
    target: Target
    schedule: Schedule
    stall_seed: int | None


def random_graph(seed: int) -> IntegerGraph:
    """A chain of one to four random layers."""
    chance = random.Random(seed)
    shape = (chance.choice([1, 2, 5, 7, 8, 12]), chance.choice([1, 3, 6, 9, 12]), chance.choice([1, 2, 3, 4, 4, 5, 6]))
    signed = chance.random() < 0.4
    tensor = Tensor("t0", shape, Format(max(_bits(chance), 1 + signed), chance.randint(-2, 9), signed))
    tensors, operators = [tensor], []
    layers = chance.randint(1, 4)
    while len(operators) < layers:
        last = len(operators) == layers - 1
        grown = _random_layer(chance, tensors[-1], len(operators), last)
        if grown is not None:
            operators.append(grown[0])
            tensors.append(grown[1])
    return chain(f"fuzz {seed}", tensors, operators)


def chain(name: str, tensors: Sequence[Tensor], operators: Sequence[IntegerOperator]) -> IntegerGraph:
    """A checked network of operators in a row, `tensors` between them."""
    source, result = tensors[0], tensors[-1]
    height, width, channels = source.shape
    image = (channels, height, width)
    return check(
        IntegerGraph(
            name=name,
            inputs=(source.name,),
            outputs=(result.name,),
            tensors={tensor.name: tensor for tensor in tensors},
            operators=tuple(operators),
            transforms={source.name: InputTransform(1.0, 0.0, "half_up", image, image)},
            output_shapes={result.name: (result.shape[2], result.shape[0], result.shape[1])},
            samples={source.name: frames(source, 1, 0)},
            classifier=False,
        )
    )


def frames(tensor: Tensor, count: int, seed: int) -> np.ndarray:
    """Frames of a tensor: all-minimum, all-maximum, then random ones."""
    low, high = tensor.format.minimum, tensor.format.maximum
    values = np.random.default_rng(seed).integers(low, high + 1, size=(count, *tensor.shape))
    for place, value in enumerate((low, high)[: max(count - 1, 0)]):
        values[place] = value
    return values


def random_case(seed: int) -> Case:
    """A random network with a random target; every other one stalls."""
    graph = random_graph(seed)
    chance = random.Random(seed + 1000)
    least = max(1, sum(isinstance(op, IntegerConvolution | IntegerAffine) for op in graph.operators))
    multipliers = least + chance.choice([0, 1, 3, 8, 20, 60])
    target, schedule = schedule_within(graph, multipliers, MOST_CYCLES)
    if chance.random() < 0.2:
        # The same network again, asked for by cycles.
        slower = Target(cycles=int(schedule.prediction.mean_interval * chance.uniform(1.0, 1.5)) + 1)
        with contextlib.suppress(FitError):
            target, schedule = slower, make_schedule(graph, slower)
    return Case(graph, target, schedule, seed if seed % 2 else None)


def schedule_within(graph: IntegerGraph, multipliers: int, cycles: int) -> tuple[Target, Schedule]:
    """The schedule of a budget, which doubles until a frame takes at most `cycles` or nothing is gained."""
    target = Target(multipliers=multipliers)
    schedule = make_schedule(graph, target)
    while schedule.prediction.mean_interval > cycles and multipliers < 2048:
        multipliers *= 2
        target = Target(multipliers=multipliers)
        schedule = make_schedule(graph, target)
    return target, schedule


def shorter(graph: IntegerGraph) -> Iterator[IntegerGraph]:
    """Every proper run of the network's layers as a network of its own, the shortest first."""
    count = len(graph.operators)
    for length in range(1, count):
        for first in range(count - length + 1):
            operators = graph.operators[first : first + length]
            tensors = [graph.tensors[operators[0].input], *(graph.tensors[op.output] for op in operators)]
            yield chain(f"{graph.name}, layers {first} to {first + length - 1}", tensors, operators)


def _bits(chance: random.Random) -> int:
    return chance.choice([1, 2, 3, 4, 5, 6, 8, 8, 8, 8, 9, 12, 16])


def _random_layer(
    chance: random.Random, source: Tensor, index: int, last: bool
) -> tuple[IntegerOperator, Tensor] | None:
    kind = chance.choice(["convolution"] * 4 + ["affine"] * (4 if last else 2) + ["pool", "relu"])
    if kind == "convolution":
        return _random_convolution(chance, source, index, last)
    if kind == "affine":
        return _random_affine(chance, source, index, last)
    if kind == "pool":
        return _random_pooling(chance, source, index)
    name, output = f"relu{index}", f"t{index + 1}"
    fmt = source.format
    narrowest = fmt.width - int(fmt.signed)
    choices = [replace(fmt, signed=False, narrow=False, width=width) for width in (narrowest, fmt.width + 1)]
    choices += [replace(fmt, signed=True, narrow=False, width=narrowest + 1), choices[0]]
    if narrowest < 1:
        return None
    return IntegerRelu(name, (source.name,), output), Tensor(output, source.shape, chance.choice(choices))


def _window(
    chance: random.Random, shape: Sequence[int], most: int, dilations: int, padding: int | None
) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int], tuple[int, int, int, int], tuple[int, int]] | None:
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


def _random_pooling(chance: random.Random, source: Tensor, index: int) -> tuple[IntegerOperator, Tensor] | None:
    window = _window(chance, source.shape, 3, 1, None)
    if window is None:
        return None
    kernel, stride, _, padding, size = window
    output = f"t{index + 1}"
    op = IntegerMaxPooling(f"pool{index}", (source.name,), output, kernel, stride, padding)
    return op, Tensor(output, (*size, source.shape[2]), source.format)


def _random_convolution(
    chance: random.Random, source: Tensor, index: int, last: bool
) -> tuple[IntegerOperator, Tensor] | None:
    window = _window(chance, source.shape, 4, 2, 3)
    if window is None:
        return None
    kernel, stride, dilation, padding, size = window
    channels, fmt = source.shape[2], source.format
    divisors = [divisor for divisor in range(1, channels + 1) if channels % divisor == 0]
    groups = chance.choice(divisors) if chance.random() < 0.4 else 1
    outputs = groups * (chance.randint(1, 4) if chance.random() < 0.8 else chance.randint(5, 9))
    weight, weight_format = _weights(chance, (outputs, *kernel, channels // groups))
    op = IntegerConvolution(
        name=f"conv{index}",
        inputs=(source.name,),
        output=f"t{index + 1}",
        weight=weight,
        bias=_biases(chance, outputs),
        weight_format=weight_format,
        weight_frac=(weight_format.frac,) * outputs,
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
        padding_value=chance.choice([0, 0, fmt.minimum, fmt.maximum, chance.randint(fmt.minimum, fmt.maximum)]),
        accumulator_width=64,
        requantize=None,
    )
    return _finish(chance, op, source, (*size, outputs), last)


def _random_affine(
    chance: random.Random, source: Tensor, index: int, last: bool
) -> tuple[IntegerOperator, Tensor] | None:
    outputs = chance.randint(1, 20)
    weight, weight_format = _weights(chance, (outputs, source.size))
    op = IntegerAffine(
        name=f"affine{index}",
        inputs=(source.name,),
        output=f"t{index + 1}",
        weight=weight,
        bias=_biases(chance, outputs),
        weight_format=weight_format,
        weight_frac=(weight_format.frac,) * outputs,
        accumulator_width=64,
        requantize=None,
    )
    return _finish(chance, op, source, (1, 1, outputs), last)


def _weights(chance: random.Random, shape: tuple[int, ...]) -> tuple[np.ndarray, Format]:
    fmt = Format(max(2, _bits(chance)), chance.randint(-2, 9))
    weight = np.random.default_rng(chance.randrange(1 << 30)).integers(fmt.minimum, fmt.maximum + 1, size=shape)
    # Now and then all at an end of the range, where widths are exhausted.
    extreme = chance.choice([fmt.minimum, fmt.maximum]) if chance.random() < 0.1 else None
    return np.full_like(weight, extreme) if extreme is not None else weight, fmt


def _biases(chance: random.Random, outputs: int) -> np.ndarray:
    most = chance.choice([0, 1, BIAS, BIAS])
    return np.random.default_rng(chance.randrange(1 << 30)).integers(-most, most + 1, size=outputs)


def _finish(
    chance: random.Random,
    op: IntegerConvolution | IntegerAffine,
    source: Tensor,
    shape: tuple[int, int, int],
    last: bool,
) -> tuple[IntegerOperator, Tensor]:
    """The operator with a proved accumulator and a random requantizer (or none), and its output."""
    width = operator_bounds(op, source.format).width + (chance.randint(1, 3) if chance.random() < 0.2 else 0)
    scale = source.format.frac + op.weight_format.frac
    op = replace(op, accumulator_width=width)
    if width > 63 or (chance.random() < (0.5 if last else 0.1)):
        return op, Tensor(op.output, shape, Format(width, scale))
    signed = chance.random() < 0.5
    bits = max(_bits(chance), 1 + signed)
    base = max(0, width - bits - chance.randint(0, 4)) if chance.random() < 0.9 else 0
    outputs = op.weight.shape[0]
    extra = [chance.randint(0, chance.choice([2, 5])) for _ in range(outputs)] if chance.random() < 0.5 else [0]
    fracs = tuple(op.weight_format.frac + more for more in extra) if len(extra) == outputs else op.weight_frac
    rule = Requantize(tuple(base + more for more in extra), chance.choice(ROUNDINGS), relu=chance.random() < 0.4)
    if len(extra) == outputs:
        op = replace(op, weight_frac=fracs, weight_format=replace(op.weight_format, frac=fracs[0]))
        scale = source.format.frac + fracs[0] - extra[0]
    narrow = signed and chance.random() < 0.4
    return replace(op, requantize=rule), Tensor(op.output, shape, Format(bits, scale - base, signed, narrow))
