"""Random integer networks over everything that the hardware carries, each with a target and a seed of stalls.

Wider than `random_networks`: any geometry, formats of 1 to 16 bits, accumulators exactly as wide as proved. Half of
them are chains of what multiplies, pools and rectifies; the others fork and join, over every operator.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from fpgaq.accumulators import operator_bounds
from fpgaq.errors import FitError
from fpgaq.formats import ROUNDINGS, Format
from fpgaq.integer_check import check
from fpgaq.integer_graph import (
    InputTransform,
    IntegerAffine,
    IntegerConvolution,
    IntegerGraph,
    IntegerOperator,
    Requantize,
    Tensor,
)
from fpgaq.schedule import Schedule, Target, make_schedule
from hdl_tests.fuzz_operators import (
    JOINS,
    ONE_SOURCE,
    Grown,
    arg_max,
    random_bits,
    random_max_pooling,
    random_relu,
    random_scale,
    random_table,
    random_window,
)

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
    """A chain for one half of the seeds, a network with branches for the other; stalls are even among both."""
    return random_chain(seed) if seed % 4 < 2 else random_branches(seed)


def random_chain(seed: int) -> IntegerGraph:
    """A chain of one to four random layers."""
    chance = random.Random(seed)
    tensors, operators = [_random_input(chance, "t0")], []
    layers = chance.randint(1, 4)
    while len(operators) < layers:
        last = len(operators) == layers - 1
        grown = _random_layer(chance, tensors[-1], len(operators), last)
        if grown is not None:
            operators.append(grown[0])
            tensors.append(grown[1])
    return connect(f"fuzz {seed}", tensors, operators)


def random_branches(seed: int) -> IntegerGraph:
    """Two to seven random operators, most of which read the newest tensor; what nobody reads is an output."""
    chance = random.Random(seed)
    pool = [_random_input(chance, "t0")]
    if chance.random() < 0.2:
        pool.append(replace(pool[0], name="u0"))
    operators: list[IntegerOperator] = []
    for _ in range(chance.randint(2, 7)):
        grown = _random_step(chance, pool, len(operators))
        if grown is not None:
            operators.append(grown[0])
            pool.append(grown[1])
    if not operators:
        return random_branches(seed + 1_000_000)
    read = {name for op in operators for name in op.inputs}
    if pool[-1].shape[2] > 1 and chance.random() < 0.25:
        grown = arg_max(pool[-1], len(operators))
        operators.append(grown[0])
        pool.append(grown[1])
    # Now and then a tensor in the midst is an output too.
    inside = [op.output for op in operators if op.output in read]
    extra = {chance.choice(inside)} if inside and chance.random() < 0.15 else set()
    used = {name for op in operators for name in (*op.inputs, op.output)}
    return connect(f"fuzz {seed}", [tensor for tensor in pool if tensor.name in used], operators, extra)


def _random_input(chance: random.Random, name: str) -> Tensor:
    shape = (chance.choice([1, 2, 5, 7, 8, 12]), chance.choice([1, 3, 6, 9, 12]), chance.choice([1, 2, 3, 4, 4, 5, 6]))
    signed = chance.random() < 0.4
    return Tensor(name, shape, Format(max(random_bits(chance), 1 + signed), chance.randint(-2, 9), signed))


def _random_step(chance: random.Random, pool: Sequence[Tensor], index: int) -> Grown | None:
    """One more operator over the tensors so far."""
    source = pool[-1] if chance.random() < 0.75 else chance.choice(pool[-3:])
    kind = chance.choice(["convolution"] * 3 + ["affine"] + list(ONE_SOURCE) * 2 + list(JOINS) * 2)
    if source.format.width > 24:
        # An accumulator that is no network's last tensor is requantized first.
        return random_scale(chance, source, index)
    if kind == "convolution":
        return _random_convolution(chance, source, index, False)
    if kind == "affine":
        return _random_affine(chance, source, index, False)
    if kind in JOINS:
        return JOINS[kind](chance, _partners(chance, pool, source, kind), index)
    if kind in ("scale", "table") and chance.random() < 0.5:
        # A format that occurs already, so that concatenations find partners.
        fmt = chance.choice(pool).format
        return (random_scale if kind == "scale" else random_table)(chance, source, index, fmt)
    return ONE_SOURCE[kind](chance, source, index)


def _partners(chance: random.Random, pool: Sequence[Tensor], source: Tensor, kind: str) -> list[Tensor]:
    """The sources of a join: one, and others that fit it, itself among them."""
    if kind == "concatenate":
        fitting = [one for one in pool if one.shape[:2] == source.shape[:2] and one.format == source.format]
    else:
        fitting = [one for one in pool if one.shape == source.shape and one.format.width <= 24]
    others = [one for one in fitting if one is not source] or fitting
    count = 1 if kind == "multiply" else chance.randint(1, 2)
    sources = [source, *(chance.choice(others) for _ in range(count))]
    chance.shuffle(sources)
    return sources


def connect(
    name: str, tensors: Sequence[Tensor], operators: Sequence[IntegerOperator], also: Collection[str] = ()
) -> IntegerGraph:
    """A checked network: what no operator writes is an input, what none reads (or `also` names) an output."""
    written, read = {op.output for op in operators}, {name for op in operators for name in op.inputs}
    inputs = [tensor for tensor in tensors if tensor.name not in written]
    outputs = [tensor for tensor in tensors if tensor.name not in read or tensor.name in also]
    images = {tensor.name: (tensor.shape[2], tensor.shape[0], tensor.shape[1]) for tensor in tensors}
    return check(
        IntegerGraph(
            name=name,
            inputs=tuple(tensor.name for tensor in inputs),
            outputs=tuple(tensor.name for tensor in outputs),
            tensors={tensor.name: tensor for tensor in tensors},
            operators=tuple(operators),
            transforms={
                tensor.name: InputTransform(1.0, 0.0, "half_up", images[tensor.name], images[tensor.name])
                for tensor in inputs
            },
            output_shapes={tensor.name: images[tensor.name] for tensor in outputs},
            samples={tensor.name: frames(tensor, 1, 0) for tensor in inputs},
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
    multipliers = least + chance.choice([0, 1, 3, 5, 8, 20, 60])
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
        more = make_schedule(graph, Target(multipliers=multipliers))
        if more.prediction.mean_interval >= schedule.prediction.mean_interval:
            break
        target, schedule = Target(multipliers=multipliers), more
    return target, schedule


def shorter(graph: IntegerGraph) -> Iterator[IntegerGraph]:
    """Every proper run of the network's operators as a network of its own, the shortest first."""
    count = len(graph.operators)
    for length in range(1, count):
        for first in range(count - length + 1):
            operators = graph.operators[first : first + length]
            names = {name for op in operators for name in (*op.inputs, op.output)}
            tensors = [tensor for tensor in graph.tensors.values() if tensor.name in names]
            yield connect(f"{graph.name}, operators {first} to {first + length - 1}", tensors, operators)


def _random_layer(chance: random.Random, source: Tensor, index: int, last: bool) -> Grown | None:
    kind = chance.choice(["convolution"] * 4 + ["affine"] * (4 if last else 2) + ["pool", "relu"])
    if kind == "convolution":
        return _random_convolution(chance, source, index, last)
    if kind == "affine":
        return _random_affine(chance, source, index, last)
    if kind == "pool":
        return random_max_pooling(chance, source, index)
    return random_relu(chance, source, index)


def _random_convolution(chance: random.Random, source: Tensor, index: int, last: bool) -> Grown | None:
    window = random_window(chance, source.shape, 4, 2, 3)
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


def _random_affine(chance: random.Random, source: Tensor, index: int, last: bool) -> Grown | None:
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
    fmt = Format(max(2, random_bits(chance)), chance.randint(-2, 9))
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
) -> Grown:
    """The operator with a proved accumulator and a random requantizer (or none), and its output."""
    width = operator_bounds(op, source.format).width + (chance.randint(1, 3) if chance.random() < 0.2 else 0)
    scale = source.format.frac + op.weight_format.frac
    op = replace(op, accumulator_width=width)
    if width > 63 or (chance.random() < (0.5 if last else 0.1)):
        return op, Tensor(op.output, shape, Format(width, scale))
    signed = chance.random() < 0.5
    bits = max(random_bits(chance), 1 + signed)
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
