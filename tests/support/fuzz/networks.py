"""Random integer networks over everything that the hardware carries, each with a target and a seed of stalls.

Any geometry, formats of 1 to 16 bits, accumulators exactly as wide as proved. Half of them are chains of what
multiplies, pools and rectifies; the others fork and join, over every operator.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Sequence
from dataclasses import replace

from fpgaq.base.errors import FitError
from fpgaq.base.formats import Format
from fpgaq.hardware.lowering import can_divide, can_merge, lower, with_divided_outputs, with_merged_columns
from fpgaq.hardware.schedule import Schedule, Target, make_schedule
from fpgaq.integer.graph import (
    IntegerAffine,
    IntegerConvolution,
    IntegerGraph,
    IntegerOperator,
    IntegerUpsample,
    Tensor,
)
from tests.support.fuzz.case import Case, connect
from tests.support.fuzz.imported import imported_network
from tests.support.fuzz.layers import random_affine, random_convolution
from tests.support.fuzz.operators import (
    JOINS,
    ONE_SOURCE,
    Grown,
    arg_max,
    random_bits,
    random_max_pooling,
    random_relu,
    random_reshape,
    random_scale,
    random_table,
    transposed_window,
)

MOST_CYCLES = 2000
"""Predicted cycles of a frame above which a case gets more multipliers, so that it simulates quickly."""


SEPARABLE, TRANSPOSED, IMPORTED = 9, 13, 11
"""Which of sixteen seeds in a row draw a separable convolution on a single multiplier, a transposed one, and a network
with zero points and arbitrary scales."""

IN_LOGIC = (2, 5)
"""Every eighth network from these on has no multipliers for products of at most LOGIC_BITS bits; one of them stalls."""
LOGIC_BITS = 24


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


def separable_chain(seed: int) -> IntegerGraph:
    """A depthwise convolution and one of all channels: what one engine for everything has to take in turns."""
    chance = random.Random(seed)
    source = replace(_random_input(chance, "t0"), shape=(chance.randint(2, 6), 3, chance.randint(2, 5)))
    tensors, operators = [source], []
    while len(operators) < 2:
        groups = 1 if operators else source.shape[2]
        grown = random_convolution(chance, tensors[-1], len(operators), bool(operators), groups)
        if grown is not None:
            operators.append(grown[0])
            tensors.append(grown[1])
    return connect(f"fuzz {seed}", tensors, operators)


def transposed_chain(seed: int) -> IntegerGraph:
    """A transposed convolution as the quantizer writes it, now and then with a layer before or after it."""
    chance = random.Random(seed)
    shape = (chance.randint(1, 5), chance.randint(1, 5), chance.randint(1, 4))
    tensors, operators = [replace(_random_input(chance, "t0"), shape=shape)], []

    def grow(grown: Grown | None) -> None:
        if grown is not None:
            operators.append(grown[0])
            tensors.append(grown[1])

    if chance.random() < 0.3:
        grow(random_max_pooling(chance, tensors[0], 0))
    source, index = tensors[-1], len(operators)
    factor = (chance.randint(1, 3), chance.randint(2, 3))
    height, width, channels = source.shape
    spread = ((height - 1) * factor[0] + 1, (width - 1) * factor[1] + 1, channels)
    op = IntegerUpsample(f"spread{index}", (source.name,), f"t{index + 1}", factor, True)
    grow((op, Tensor(op.output, spread, source.format)))
    while len(operators) < index + 2:
        window = transposed_window(chance, spread, factor)
        grown = None if window is None else random_convolution(chance, tensors[-1], index + 1, False, window=window)
        if grown is not None and isinstance(grown[0], IntegerConvolution):
            grow((replace(grown[0], padding_value=0), grown[1]))
    if chance.random() < 0.3 and tensors[-1].format.width <= 24:
        grow(_random_layer(chance, tensors[-1], index + 2, True))
    return connect(f"fuzz {seed}", tensors, operators)


def random_branches(seed: int) -> IntegerGraph:
    """Two to seven random operators; most read the newest tensor, and tensors without a reader are outputs."""
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
    _reshape_last(random.Random(seed + 77), pool, operators)
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


def _reshape_last(chance: random.Random, pool: list[Tensor], operators: list[IntegerOperator]) -> None:
    """For some networks another shape of the newest tensor, and mostly an operator that reads it."""
    if pool[-1].format.width > 24 or chance.random() < 0.7:
        return
    grown: Grown | None = random_reshape(chance, pool[-1], len(operators))
    reader = chance.choice(["convolution", "max", "scale", "transpose", None])
    while grown is not None:
        operators.append(grown[0])
        pool.append(grown[1])
        kind, reader = reader, None
        if kind == "convolution":
            grown = random_convolution(chance, pool[-1], len(operators), False)
        else:
            grown = None if kind is None else ONE_SOURCE[kind](chance, pool[-1], len(operators))


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
        return random_convolution(chance, source, index, False)
    if kind == "affine":
        return random_affine(chance, source, index, False)
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


def imported_seed(number: int) -> int:
    """The seed of a network with zero points and arbitrary scales."""
    return 16 * number + IMPORTED


def random_case(seed: int) -> Case:
    """A random network with a random target; every other one stalls."""
    chance = random.Random(seed + 1000)
    if seed % 16 == SEPARABLE:
        graph, target = separable_chain(seed), Target(multipliers=1)
        return Case(graph, target, make_schedule(graph, target), seed if seed % 3 else None)
    build = {TRANSPOSED: transposed_chain, IMPORTED: imported_network}.get(seed % 16, random_graph)
    graph = lower(build(seed))
    mergeable = [op.name for op in graph.operators if can_merge(op, graph)]
    if mergeable and seed % 7 == 0:
        graph = with_merged_columns(graph, chance.choice(mergeable))
    dividable = [op for op in graph.operators if can_divide(op, graph)]
    if dividable and seed % 9 == 4:
        divided = chance.choice(dividable)
        first = chance.randint(1, graph.tensors[divided.output].shape[2] - 1)
        graph = with_divided_outputs(graph, divided.name, first)
    layers = sum(isinstance(op, IntegerConvolution | IntegerAffine) for op in graph.operators)
    # Fewer than the layers have to be shared, a few more may be.
    multipliers = max(1, layers + chance.choice([-3, -2, -1, 0, 1, 3, 5, 8, 20, 60]))
    target, schedule = schedule_within(graph, multipliers, MOST_CYCLES)
    if chance.random() < 0.2:
        # The same network again, asked for by cycles.
        slower = Target(cycles=int(schedule.prediction.mean_interval * chance.uniform(1.0, 1.5)) + 1)
        with contextlib.suppress(FitError):
            target, schedule = slower, make_schedule(graph, slower)
    if seed % 8 in IN_LOGIC:
        schedule = replace(schedule, logic_bits=LOGIC_BITS)
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


def _random_layer(chance: random.Random, source: Tensor, index: int, last: bool) -> Grown | None:
    kind = chance.choice(["convolution"] * 4 + ["affine"] * (4 if last else 2) + ["pool", "relu"])
    if kind == "convolution":
        return random_convolution(chance, source, index, last)
    if kind == "affine":
        return random_affine(chance, source, index, last)
    if kind == "pool":
        return random_max_pooling(chance, source, index)
    return random_relu(chance, source, index)
