"""The module of an engine: a MAC array, the layers that it serves, and what their results pass on the way out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from ..formats import Format
from ..integer_graph import IntegerGraph
from ..schedule.cells import latency
from ..schedule.plans import WindowPlan
from ..schedule.structure import Engine
from ..schedule.widths import EngineWidths, engine_widths, lifts_of
from . import names
from .design import Choice, Instance, Module, Operation, Register
from .engine_results import ResultUnit, result_units
from .engine_roms import Served, bias_rom, weight_rom
from .instances import delay, fifo
from .layers.adders import adder_module
from .literals import decimal
from .roms import Rom


@dataclass(frozen=True)
class Selection:
    """A value for each layer that an engine serves: `index` tells whose holds; constant if all are the same."""

    name: str
    width: int
    index: str
    values: tuple[str, ...]

    @property
    def constant(self) -> bool:
        """Whether there is nothing to choose."""
        return len(set(self.values)) == 1

    @property
    def choices(self) -> tuple[Choice, ...]:
        """The case statement, if it is one."""
        return () if self.constant else (Choice(self.name, (self.width,) * len(self.values)),)


@dataclass(frozen=True, kw_only=True)
class ServedFacts:
    """What ``engine.v.j2`` places for one of its layers."""

    label: str
    front: Instance
    plan: WindowPlan
    source: Format
    result: Format
    own_bits: int
    spread: Instance
    delay_valid: Instance
    fifo: Instance
    results: str


@dataclass(frozen=True)
class Turns:
    """Whose turn follows which, by its place in the order."""

    width: int
    turns: tuple[tuple[str, str], ...]
    default: str
    first: str
    last_place: str
    zero_place: str
    second_place: str


@dataclass(frozen=True)
class Weights:
    """The ROM of an engine's weights, and where those of each layer start; late ones come a cycle later."""

    rom: Rom
    late: bool
    start: Selection
    instance: Instance


@dataclass(frozen=True, kw_only=True)
class EngineFacts:
    """Everything that ``engine.v.j2`` places."""

    engine: Engine
    layers: tuple[ServedFacts, ...]
    owner_width: int
    owners: tuple[str, ...]
    bus_bits: int
    sum_width: int
    delay_elements_owner: Instance
    delay_done_owner: Instance
    delay_first: Instance
    delay_done: Instance
    weights: Weights | None
    multiply: Instance
    collect: Instance
    last_index: Selection
    last_place: Selection
    beat_index_width: int
    raise_width: int
    bias_width: int
    bias_signs: int
    bias_rom: Instance
    biases: Rom
    bias: Instance
    units: tuple[ResultUnit, ...]
    turns: Turns


def engine_modules(
    graph: IntegerGraph, engine: Engine, layers: Sequence[Served], name: str, factor_bits: int
) -> tuple[Module, ...]:
    """The modules of an engine but those of its layers, ROMs first; for `factor_bits` see `Schedule`."""
    facts = _engine_facts(graph, engine, layers, name, factor_bits)
    roms = [Module.of_rom(facts.weights.rom)] if facts.weights else []
    adders = []
    if engine.adders:
        (layer,) = layers
        source = graph.tensors[layer.op.input].format
        adders = [adder_module(layer.op, layer.plan, source, facts.sum_width, facts.multiply.module)]
    module = Module(
        name,
        "verilog/engine.v.j2",
        facts,
        instances=_instances(facts),
        registers=_registers(facts),
        choices=_choices(facts),
        operations=(*_shared(facts, Operation("?")), *((Operation("?"),) if facts.weights else ())),
    )
    return (*roms, Module.of_rom(facts.biases), *adders, module)


_T = TypeVar("_T")


def _shared(facts: EngineFacts, *values: _T) -> tuple[_T, ...]:
    """What only an engine of several layers has."""
    return values if facts.engine.shared else ()


def _instances(facts: EngineFacts) -> tuple[Instance, ...]:
    """In the order of the text."""
    spreads = tuple(layer.spread for layer in facts.layers)
    weights = (facts.weights.instance,) if facts.weights else ()
    return (
        *(layer.front for layer in facts.layers),
        *_shared(facts, *spreads, facts.delay_elements_owner, facts.delay_done_owner),
        *(facts.delay_first, facts.delay_done, *weights, facts.multiply, facts.collect, facts.bias_rom, facts.bias),
        *(unit.requantize for unit in facts.units if unit.requantize is not None),
        *(part for layer in facts.layers for part in (layer.delay_valid, layer.fifo)),
    )


def _registers(facts: EngineFacts) -> tuple[Register, ...]:
    flags = (Register(name, 1) for name in ("step", "step_first", "step_last", "pixel_first"))
    turn = (Register("turn", facts.owner_width), Register("place", facts.turns.width))
    shared = _shared(
        facts, *turn, *flags, Register("owner", facts.owner_width), Register("elements", facts.bus_bits, operand=True)
    )
    weights: tuple[Register, ...] = ()
    if facts.weights:
        rom, late = facts.weights.rom, facts.weights.late
        weights = (Register("weight_address", rom.address_width), Register("step_weights", rom.width, operand=True))
        weights += (Register("fresh", 1), *_shared(facts, Register("fetched_weights", rom.width))) if late else ()
    raises = (Register("raises", facts.engine.lanes * facts.raise_width),) if facts.raise_width else ()
    return (*shared, *weights, Register("bias_word", facts.biases.width), *raises)


def _choices(facts: EngineFacts) -> tuple[Choice, ...]:
    turns = Choice("next_turn", (facts.owner_width,) * (len(facts.turns.turns) + 1))
    starts = facts.weights.start.choices if facts.weights else ()
    return (
        *_shared(facts, turns, Choice("elements", (0,) * len(facts.layers))),
        *(*starts, *facts.last_index.choices, *facts.last_place.choices),
    )


def _engine_facts(
    graph: IntegerGraph, engine: Engine, layers: Sequence[Served], name: str, factor_bits: int
) -> EngineFacts:
    widths = engine_widths(graph, engine, [layer.op for layer in layers], [layer.plan for layer in layers])
    separate = any(layer.plan.kind == "lanewise" for layer in layers)
    bus_lanes = engine.outputs if separate else 1
    raises = [lifts_of(layer.op) for layer in layers]
    units, results = result_units(graph, layers, raises, widths.lift)
    bus = (bus_lanes, widths.element)
    biases = bias_rom(engine, layers, raises, widths)
    lanes = {"LANES": engine.lanes, "SUM_WIDTH": widths.sum}
    fetched, summed = latency("fpgaq_line_buffer"), latency("fpgaq_mac", LEVELS=engine.levels)
    multiply = Instance(f"{name}_adders", "adders")
    if not engine.adders:
        multiply = Instance(
            "fpgaq_mac",
            "mac",
            {
                "PRODUCTS": engine.products,
                "OUTPUTS": engine.outputs,
                "SHARED": int(bus_lanes == 1),
                "ELEMENT_WIDTH": widths.element,
                "ELEMENT_SIGNED": int(widths.element_signed),
                "WEIGHT_WIDTH": widths.weight,
                "SUM_WIDTH": widths.sum,
                "PACKED": 1 if separate else _outputs_a_multiplier(engine, factor_bits, widths.element, widths.weight),
                "LEVELS": engine.levels,
            },
        )
    return EngineFacts(
        engine=engine,
        layers=tuple(
            _served_facts(graph, engine, place, layer, unit, bus)
            for place, (layer, unit) in enumerate(zip(layers, results, strict=True))
        ),
        owner_width=widths.owner,
        owners=tuple(decimal(place, widths.owner) for place in range(len(layers))),
        bus_bits=engine.products * bus_lanes * widths.element,
        sum_width=widths.sum,
        # Whose elements and sums are on their way; the owner is known a cycle after a layer's own step.
        delay_elements_owner=delay("delay_elements_owner", widths.owner, fetched - latency("register")),
        delay_done_owner=delay("delay_done_owner", widths.owner, summed),
        # Sums restart in their last register; that they are done is told a cycle ahead.
        delay_first=delay("delay_first", 2, fetched + summed - latency("register")),
        delay_done=delay("delay_done", 1, fetched + summed - latency("register")),
        weights=None if engine.adders else _weights(engine, layers, widths.weight),
        multiply=multiply,
        collect=Instance(
            "fpgaq_collect",
            "collect",
            {
                "OUTPUTS": engine.outputs,
                **lanes,
                "INDEX_WIDTH": widths.beat_index,
                "PLACE_WIDTH": widths.place,
                "OWNER_WIDTH": widths.owner,
            },
        ),
        last_index=_selection(
            "last_index", "serving", widths.beat_index, [layer.plan.beats_out_per_pixel - 1 for layer in layers]
        ),
        last_place=_selection(
            "last_place", "serving", widths.place, [_group_beats(layer.plan) - 1 for layer in layers]
        ),
        beat_index_width=widths.beat_index,
        raise_width=widths.lift,
        bias_width=widths.bias,
        bias_signs=widths.sum - widths.bias + 1,
        bias_rom=Instance(biases.module, "bias_rom"),
        biases=biases,
        bias=Instance("fpgaq_bias", "bias", lanes),
        units=units,
        turns=_turns(engine, widths),
    )


def _selection(name: str, index: str, width: int, values: Sequence[int]) -> Selection:
    return Selection(name, width, index, tuple(decimal(value, width) for value in values))


def _served_facts(
    graph: IntegerGraph, engine: Engine, place: int, layer: Served, unit: str, bus: tuple[int, int]
) -> ServedFacts:
    """The facts of a layer; `bus` are the lanes and the element's bits of what all layers' elements become."""
    plan, source, result = layer.plan, graph.tensors[layer.op.input].format, graph.tensors[layer.op.output].format
    lanewise = plan.kind == "lanewise"
    spread = {
        "PLACES": plan.fold.taps * (1 if lanewise else plan.fold.channels),
        "OWN_LANES": plan.fold.channels if lanewise else 1,
        "ELEMENT_WIDTH": source.width,
        "ELEMENT_SIGNED": int(source.signed),
        "ALL_PLACES": engine.products,
        "LANES": bus[0],
        "WIDTH": bus[1],
    }
    return ServedFacts(
        label=names.comment(layer.op.name),
        front=Instance(layer.module, layer.instance),
        plan=plan,
        source=source,
        result=result,
        own_bits=plan.fold.taps * plan.fold.channels * source.width,
        spread=Instance("fpgaq_spread", f"lay_out_{place}", spread),
        delay_valid=delay(f"delay_valid_{place}", 1, plan.finishing_latency),
        fifo=fifo(f"fifo_{place}", plan.lanes_out * result.width, plan.fifo_bits),
        results=unit,
    )


def _outputs_a_multiplier(engine: Engine, factor_bits: int, element_width: int, weight_width: int) -> int:
    """How many weights, a product's width apart, a factor of so many bits holds; the lower ones borrow from the top."""
    more = (factor_bits - weight_width - 1) // (element_width + weight_width)
    return max(1, min(engine.outputs, 1 + more))


def _group_beats(plan: WindowPlan) -> int:
    return -(-plan.fold.outputs // plan.lanes_out)


def _turns(engine: Engine, widths: EngineWidths) -> Turns:
    order = engine.order or (0,)
    width, owner_width = widths.turn, widths.owner
    default = max(range(len(engine.layers)), key=order.count)
    return Turns(
        width=width,
        turns=tuple(
            (decimal(place, width), decimal(owner, owner_width))
            for place, owner in enumerate(order)
            if owner != default
        ),
        default=decimal(default, owner_width),
        first=decimal(order[0], owner_width),
        last_place=decimal(len(order) - 1, width),
        zero_place=decimal(0, width),
        second_place=decimal(1 % len(order), width),
    )


def _weights(engine: Engine, layers: Sequence[Served], width: int) -> Weights:
    rom, starts = weight_rom(engine, layers, width)
    late = rom.latency > 1
    start = _selection("weights_start", "turn" if late else "owner", rom.address_width, starts)
    return Weights(rom, late, start, Instance(rom.module, "weight_rom"))
