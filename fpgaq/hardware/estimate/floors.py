"""What hardware takes at least on a device, known before anything of it is predicted: products, weights, rows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ...integer.graph import (
    IntegerAffine,
    IntegerArray,
    IntegerConvolution,
    IntegerGraph,
    IntegerMultiply,
    IntegerScale,
)
from ..emit.arrays import array_instance
from ..emit.engine_roms import Served, weight_rows
from ..emit.layers.arithmetic import product_of
from ..schedule.beats import BeatNetwork
from ..schedule.plans import PipePlan, WindowPlan
from ..schedule.schedule import Build, Engine
from ..schedule.walk import least_words
from ..schedule.widths import engine_widths, outputs_a_multiplier, sum_width
from ..synth.cells import Counts
from ..synth.devices import find_device
from .inventory import factor_facts
from .memories import map_memory
from .multipliers import dsp_blocks, factor_bits


class Floors:
    """The floors of hardware for one network on one device; what engines take is kept, since budgets share them."""

    def __init__(self, graph: IntegerGraph, device: str) -> None:
        self._graph = graph
        self._family = find_device(device).family
        self._operators = {op.name: op for op in graph.operators}
        self._engines: dict[tuple[object, ...], Counts] = {}

    def most_multipliers(self, blocks: int) -> float:
        """Multipliers for which so many DSP blocks suffice at best; endless if products of some layer are logic."""
        most = 1
        for op in self._graph.operators:
            if isinstance(op, IntegerConvolution | IntegerAffine):
                source = self._graph.tensors[op.input].format
                facts = {
                    **{"PRODUCTS": 1, "OUTPUTS": 1, "shifts": 0, "changing_bits": 1, "all_bits": 1},
                    **{"ELEMENT_WIDTH": source.width, "ELEMENT_SIGNED": int(source.signed)},
                    **{"WEIGHT_WIDTH": op.weight_format.width, "SUM_WIDTH": sum_width(op)},
                }
                if dsp_blocks("fpgaq_mac", {**facts, **factor_facts(facts)}, self._family)[0] == 0:
                    return math.inf
                bits = factor_bits(self._family)
                most = max(most, outputs_a_multiplier(bits, source.width, op.weight_format.width))
        return most * blocks

    def of(self, network: BeatNetwork) -> Counts:
        """DSP blocks of arrays, scales and products of tensors, block RAMs of weights and of the least line buffers.

        Logic is left out, as are means, and queues.
        """
        plans = {plan.operator: plan for plan in network.plans if isinstance(plan, WindowPlan)}
        engines = [self._engine(engine, [plans[name] for name in engine.layers]) for engine in network.engines]
        rows = sum(self._line_buffer(plan) for plan in plans.values())
        pipes = sum(self._products(plan) for plan in network.plans if isinstance(plan, PipePlan))
        return Counts(
            lut=0, ff=0, dsp=pipes + sum(each.dsp for each in engines), bram=rows + sum(each.bram for each in engines)
        )

    def _products(self, plan: PipePlan) -> int:
        op = self._operators[plan.operator]
        if not isinstance(op, IntegerMultiply | IntegerScale) or plan.kind not in ("multiply", "scale"):
            return 0
        formats = [self._graph.tensors[name].format for name in op.inputs]
        product = product_of(op, formats, plan.lanes_out)
        facts = {"products": product.times, "first": product.first, "second": product.second}
        return dsp_blocks("own", facts, self._family)[0]

    def _line_buffer(self, plan: WindowPlan) -> int:
        source = self._graph.tensors[self._operators[plan.operator].inputs[0]]
        words = least_memory(plan)
        return (
            map_memory(self._family, plan.word_elements * source.format.width, words, rom=False).blocks * plan.fold.taps
        )

    def _engine(self, engine: Engine, plans: Sequence[WindowPlan]) -> Counts:
        """The multipliers and the weights of an array, outputs sharing multipliers where that takes fewer."""
        key = (engine.products, engine.outputs, *((plan.operator, plan.fold, plan.lanes_in) for plan in plans))
        if key not in self._engines:
            operators = [self._operators[plan.operator] for plan in plans]
            layers = [
                Served(0, op, plan, "", "")
                for op, plan in zip(operators, plans, strict=True)
                if isinstance(op, IntegerConvolution | IntegerAffine)
            ]
            width = max(layer.op.weight_format.width for layer in layers)
            rows = weight_rows(engine, layers, [layer.op.weight for layer in layers])[0]
            columns = _changing_bits(rows, width)
            self._engines[key] = Counts(
                lut=0,
                ff=0,
                dsp=self._multipliers(engine, layers, rows, columns, width),
                bram=map_memory(self._family, columns, len(rows), rom=True).blocks,
            )
        return self._engines[key]

    def _multipliers(
        self, engine: Engine, layers: Sequence[Served], rows: IntegerArray, columns: int, width: int
    ) -> int:
        widths = engine_widths(self._graph, engine, [layer.op for layer in layers], [layer.plan for layer in layers])
        simple = int(np.isin(np.abs(rows[0]), _POWERS).sum()) if len(rows) == 1 else 0
        context = {"shifts": simple, "all_bits": rows.shape[1] * width, "changing_bits": columns}
        # Channels that are on their own share nothing.
        separate = any(layer.plan.kind == "lanewise" for layer in layers)
        blocks = []
        for bits in {0, factor_bits(self._family)}:
            facts = array_instance(engine, widths, separate, Build(bits)).parameters
            blocks.append(dsp_blocks("fpgaq_mac", {**facts, **factor_facts(facts), **context}, self._family)[0])
        return min(blocks)


_POWERS = np.append(0, 1 << np.arange(62))


def _changing_bits(rows: IntegerArray, width: int) -> int:
    """Bits of a word that are not the same in all words."""
    changing = np.bitwise_or.reduce(rows, axis=0) & ~np.bitwise_and.reduce(rows, axis=0)
    return int(sum(np.count_nonzero(changing >> bit & 1) for bit in range(width)))


def least_memory(plan: WindowPlan) -> int:
    """Words of the least line buffer with which a layer works at all."""
    return 1 << max(1, (least_words(plan.walk) - 1).bit_length())


def with_least_memories(network: BeatNetwork) -> BeatNetwork:
    """The network with line buffers with which it works at all, and the shortest queues."""
    plans = tuple(
        replace(
            plan,
            address_bits=least_memory(plan).bit_length() - 1,
            fifo_bits=max(1, (plan.group_beats - 1).bit_length()),
        )
        if isinstance(plan, WindowPlan)
        else replace(plan, fifo_bits=1)
        for plan in network.plans
    )
    edges = tuple(edge if edge.queue_bits is None else replace(edge, queue_bits=1) for edge in network.edges)
    return replace(network, plans=plans, edges=edges)
