"""From an integer network to the adder graphs, carry chains and pipeline stages of its unrolled hardware.

The whole network is one pipeline without a clock enable: a frame enters in every cycle for whose result the FIFO at
the end has room, valid bits travel along. So an interval of one cycle is a matter of the FIFO's size, which is chosen
so, and the latency is the number of registers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ...base.errors import FitError, UnsupportedError, UsageError
from ...base.formats import Format
from ...integer.check.carried import check_carried
from ...integer.graph import IntegerAffine, IntegerArray, IntegerGraph
from ..schedule.cells import latency
from .adders.chains import ChainProgram
from .adders.compress import compress
from .adders.graph import AdderGraph, Interval
from .adders.search import find_sums
from .adders.words import add_words
from .registers import cut, level_costs, spread

DEFAULT_LEVELS = 2
TABLES = (4, 6)


@dataclass(frozen=True)
class Unrolling:
    """How deep the pipeline is.

    Parameters
    ----------
    levels, stages : int, optional
        Carry chains between registers, or registers in all; at most one is set.
    shallow : bool
        Few chains in series, for a fast clock, rather than the least logic.
    tables : int
        Inputs of the device's look-up tables: of 6 the chains make use, for 4 they are plain adders.
    """

    levels: int | None = None
    stages: int | None = None
    shallow: bool = False
    tables: int = 6


@dataclass(frozen=True)
class UnrolledLayer:
    """One affine layer in logic.

    Parameters
    ----------
    operator : str
    graph : AdderGraph
        The exact accumulators, bias and half of the rounding included, of the layer's inputs.
    program : ChainProgram
        The carry chains that compute them.
    cuts : tuple of int
        Levels after which registers stand; the last register, after the result, is not among them.
    results : tuple of Interval
        The exact ranges of the layer's outputs.
    """

    operator: str
    graph: AdderGraph
    program: ChainProgram
    cuts: tuple[int, ...]
    results: tuple[Interval, ...]

    @property
    def stages(self) -> int:
        """Registers from inputs to results."""
        return len(self.cuts) + 1

    def stage(self, level: int) -> int:
        """Registers before the chains of a level."""
        return sum(cut < level for cut in self.cuts)


@dataclass(frozen=True)
class UnrolledPlan:
    """The pipeline of a network.

    Parameters
    ----------
    layers : tuple of UnrolledLayer
    fifo_bits : int
        The result FIFO holds ``2**fifo_bits`` frames.
    """

    layers: tuple[UnrolledLayer, ...]
    fifo_bits: int

    @property
    def stages(self) -> int:
        """Registers from the input's to the last result's, both counted."""
        return 1 + sum(layer.stages for layer in self.layers)

    @property
    def latency(self) -> int:
        """Cycles from the handshake of a frame at the input to that at the output, if nothing is in the way."""
        return self.stages + latency("fpgaq_fifo")

    @property
    def table_inputs(self) -> int:
        """Inputs of the look-up tables that the chains are for."""
        return 4 if any(layer.program.words for layer in self.layers) else 6

    @property
    def tables(self) -> int:
        """Look-up tables of the carry chains of all layers, as the search counts them."""
        return sum(layer.program.tables for layer in self.layers)


def plan_network(graph: IntegerGraph, unrolling: Unrolling) -> UnrolledPlan:
    """Unroll a network that is a chain of affine layers.

    Raises
    ------
    UnsupportedError
        A network of another kind.
    UsageError, FitError
        A pipeline depth that makes no sense or cannot be had; the message names one that can.
    """
    _check(graph, unrolling)
    source = graph.tensors[graph.inputs[0]].format
    ranges: tuple[Interval, ...] = (Interval(source.minimum, source.maximum),) * graph.tensors[graph.inputs[0]].size
    made: list[tuple[IntegerAffine, AdderGraph, ChainProgram, tuple[Interval, ...]]] = []
    for op in graph.operators:
        assert isinstance(op, IntegerAffine)
        sums, program = _best_program(op, ranges, unrolling)
        ranges = _results(op, sums, graph.tensors[op.output].format)
        made.append((op, sums, program, ranges))
    # The requantizer, or the result's register, counts as a level.
    costs = [level_costs(program, op.requantize is not None) for op, _, program, _ in made]
    layers = tuple(
        UnrolledLayer(op.name, sums, program, cuts, results)
        for (op, sums, program, results), cuts in zip(made, _cuts(costs, unrolling), strict=True)
    )
    plan = UnrolledPlan(layers, 0)
    # The place of a frame is free again a cycle after its result left; until then others must find theirs.
    return replace(plan, fifo_bits=plan.latency.bit_length())


def _check(graph: IntegerGraph, unrolling: Unrolling) -> None:
    check_carried(graph)
    if unrolling.tables not in TABLES:
        raise UsageError(f"look-up tables of {unrolling.tables} inputs were asked for; give 4 or 6")
    if unrolling.shallow and unrolling.tables == 4:
        raise UsageError("a shallow search is for look-up tables of 6 inputs; leave it or the 4 inputs out")
    for name, value in (("levels", unrolling.levels), ("stages", unrolling.stages)):
        if value is not None and value < 1:
            raise UsageError(f"{value} {name} were asked for; give 1 or more")
    for op in graph.operators:
        if not isinstance(op, IntegerAffine):
            raise UnsupportedError(
                f"layer {op.name!r}: {type(op).__name__.removeprefix('Integer')} cannot be unrolled; --unroll takes"
                " chains of affine layers with ReLU between them; generate without --unroll"
            )
    for name in graph.inputs:
        if graph.tensors[name].shape[:2] != (1, 1):
            raise UnsupportedError(
                f"input {graph.tensors[name].label or name!r} is an image of {graph.tensors[name].shape}; an unrolled"
                " network takes a frame a cycle, hence a vector; generate without --unroll"
            )
    chained = all(op.input == before.output for before, op in zip(graph.operators, graph.operators[1:], strict=False))
    single = len(graph.inputs) == 1 and graph.outputs == (graph.operators[-1].output,) if graph.operators else False
    if not chained or not single:
        raise UnsupportedError("the network branches; --unroll takes one layer after the other")


def _best_program(
    op: IntegerAffine, ranges: tuple[Interval, ...], unrolling: Unrolling
) -> tuple[AdderGraph, ChainProgram]:
    """The adder graph of a layer and its chains: of least logic, or `shallow`, with the fewest in series."""
    if unrolling.tables == 4:
        # An adder costs its bits, and shared ones may form series of any length.
        sums = find_sums(op.weight, _constants(op), ranges, bit_price=1.0, depth=op.weight.size)
        return sums, add_words(sums)
    if not unrolling.shallow:
        sums = find_sums(op.weight, _constants(op), ranges)
        return sums, compress(sums)
    graphs = [find_sums(op.weight, _constants(op), ranges, depth=depth) for depth in (0, 1)]
    tried = [(sums, compress(sums, shallow=True)) for sums in graphs]
    return min(tried, key=lambda made: (made[1].depth, made[1].tables))


def _constants(op: IntegerAffine) -> IntegerArray:
    """The biases, and the half that rounding adds where it can be added beforehand."""
    if op.requantize is None or op.requantize.rounding != "half_up":
        return op.bias
    shifts = np.broadcast_to(np.asarray(op.requantize.shift, dtype=np.int64), op.bias.shape)
    return np.asarray(op.bias + np.where(shifts > 0, 1 << np.maximum(shifts - 1, 0), 0), dtype=np.int64)


def _results(op: IntegerAffine, sums: AdderGraph, fmt: Format) -> tuple[Interval, ...]:
    """Bounds of each output: those of its accumulator, shifted and saturated."""
    intervals = [sums.intervals[len(sums.inputs) + index] for index in sums.outputs]
    if op.requantize is None:
        return tuple(intervals)
    shifts = np.broadcast_to(np.asarray(op.requantize.shift, dtype=np.int64), op.bias.shape)
    least, greatest = op.requantize.limits(fmt)
    results = []
    for interval, shift in zip(intervals, (int(s) for s in shifts), strict=True):
        # Other rules than half_up round in the requantizer, by at most one step.
        slack = int(op.requantize.rounding != "half_up" and shift > 0)
        lower = min(max((interval.lower >> shift) - slack, least), greatest)
        upper = max(min((interval.upper >> shift) + slack, greatest), least)
        results.append(Interval(lower, upper))
    return tuple(results)


def _cuts(costs: Sequence[Sequence[int]], unrolling: Unrolling) -> list[tuple[int, ...]]:
    """Levels of each layer after which registers stand; a layer of no level is a register alone."""
    if unrolling.stages is None:
        levels = unrolling.levels or DEFAULT_LEVELS
        return [cut(layer, max(1, -(-len(layer) // levels)), levels) for layer in costs]
    if unrolling.stages < len(costs) + 1:
        raise FitError(
            f"{unrolling.stages} stages are fewer than a register for the input and for each of the {len(costs)}"
            f" layers; ask for --stages {len(costs) + 1} or more"
        )
    return spread(costs, unrolling.stages - 1)
