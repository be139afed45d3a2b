"""The module of an engine: a MAC array, the layers that it serves, and what their results pass on the way out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np

from ...integer.graph import IntegerGraph
from ..lowering.wide import WideGraph
from ..schedule.schedule import Build, Engine
from .design import Choice, Instance, Module, Operation, Register
from .engine_facts import EngineFacts, engine_facts
from .engine_roms import Served
from .layers.adders import adder_module, rounding_constants


def engine_modules(
    graph: IntegerGraph,
    engine: Engine,
    layers: Sequence[Served],
    name: str,
    build: Build,
) -> tuple[Module, ...]:
    """The modules of an engine but those of its layers, ROMs first."""
    facts = engine_facts(graph, engine, layers, name, build)
    constants = None
    if engine.adders and isinstance(graph, WideGraph):
        (layer,) = layers
        constants = rounding_constants(layer.op, layer.plan, graph.tensors[layer.op.input].format, facts.sum_width)
        if constants is not None:
            facts = engine_facts(graph, engine, [_settled(layer)], name, build)
    roms = [Module.of_rom(facts.weights.rom)] if facts.weights and not build.loadable else []
    roms += [] if build.loadable else [Module.of_rom(facts.biases)]
    adders = []
    if engine.adders:
        (layer,) = layers
        source = graph.tensors[layer.op.input].format
        adders = [adder_module(layer.op, layer.plan, source, facts.sum_width, facts.multiply.module, constants)]
    module = Module(
        name,
        "verilog/engine.v.j2",
        facts,
        instances=_instances(facts),
        registers=_registers(facts),
        choices=_choices(facts),
        operations=(Operation("?"),) if facts.weights else (),
    )
    return (*roms, *adders, module)


def _settled(layer: Served) -> Served:
    """A layer whose adders add biases and the half of rounding: nothing is left of both after them."""
    assert layer.op.requantize is not None
    rule = replace(layer.op.requantize, rounding="floor")
    return replace(layer, op=replace(layer.op, bias=np.zeros_like(layer.op.bias), requantize=rule))


_T = TypeVar("_T")


def _shared(facts: EngineFacts, *values: _T) -> tuple[_T, ...]:
    """Parts that only an engine of several layers has."""
    return values if facts.engine.shared else ()


def _instances(facts: EngineFacts) -> tuple[Instance, ...]:
    """In the order of the text."""
    spreads = tuple(layer.spread for layer in facts.layers)
    weights: tuple[Instance, ...] = (facts.weights.instance,) if facts.weights else ()
    fetch = (facts.weights.delay,) if facts.weights and facts.weights.delay else ()
    biases, limits = facts.bias_rom, (facts.delay_limits_owner,) if facts.delay_limits_owner else ()
    if facts.loaded:
        first, biases, *others = (link.cell for link in facts.loaded)
        weights, limits = (first,), (*limits, *others)
    return (
        *(layer.front for layer in facts.layers),
        *_shared(facts, facts.turns.cell, *spreads, facts.delay_elements_owner, facts.delay_done_owner),
        *(facts.delay_first, facts.delay_done, *fetch, *weights, facts.multiply, facts.collect, biases, facts.bias),
        *limits,
        *(unit.requantize for unit in facts.units if unit.requantize is not None),
        *(unit.clip for unit in facts.units if unit.clip is not None),
        *(layer.maximum.cell for layer in facts.layers if layer.maximum is not None),
        *(part for layer in facts.layers for part in (layer.delay_valid, layer.fifo)),
    )


def _registers(facts: EngineFacts) -> tuple[Register, ...]:
    shared = _shared(facts, Register("elements", facts.bus_bits), Register("operands", facts.bus_bits, operand=True))
    weights: tuple[Register, ...] = ()
    if facts.weights:
        rom = facts.weights.rom
        weights = (Register("weight_address", rom.address_width), Register("step_weights", rom.width, operand=True))
        weights += (Register("fetched_weights", rom.width, operand=True),) if facts.weights.fetched else ()
    lifts = (Register("lifts", facts.lifts_bits),) if facts.lifts_bits else ()
    return (*shared, *weights, Register("bias_word", facts.biases.width), *lifts)


def _choices(facts: EngineFacts) -> tuple[Choice, ...]:
    turns = Choice("looked_up", (facts.owner_width,) * (len(facts.turns.turns) + 1))
    starts = facts.weights.start.choices if facts.weights else ()
    return (
        *_shared(facts, turns, Choice("elements", (0,) * len(facts.layers))),
        *(*starts, *facts.last_index.choices, *facts.last_place.choices),
    )
