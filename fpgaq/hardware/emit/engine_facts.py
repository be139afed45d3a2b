"""The facts that an engine's template places: layers, cells with their parameters, ROMs, and the order of turns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...base.formats import Format
from ...integer.graph import IntegerGraph
from ..schedule.cells import WIDE, latency
from ..schedule.plans import WindowPlan
from ..schedule.schedule import Build, Engine
from ..schedule.widths import EngineWidths, engine_widths, lift_limit, lifts_of
from . import names
from .arrays import array_instance
from .design import Choice, Instance
from .engine_results import ResultUnit, result_units
from .engine_roms import Served, bias_rom, weight_rom
from .instances import delay, fifo
from .layers.gathering import Maximum, maximum_of
from .literals import decimal, index_width
from .memories import Limits, Link, chained, limits_of_results, memory_cell
from .roms import Rom

LOGIC_WORDS = 32
"""Words of a ROM that synthesis makes of logic, as a rule."""


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
    """Everything that ``engine.v.j2`` places for one of its layers."""

    label: str
    front: Instance
    plan: WindowPlan
    source: Format
    result: Format
    source_bits: int
    result_bits: int
    own_bits: int
    spread: Instance
    delay_valid: Instance
    fifo: Instance
    results: str
    written: str
    maximum: Maximum | None


@dataclass(frozen=True)
class Turns:
    """The owners of all turns by their place in the order; those of `default` are left out."""

    width: int
    turns: tuple[tuple[str, str], ...]
    default: str
    cell: Instance


@dataclass(frozen=True)
class Weights:
    """The ROM of an engine's weights, and where those of each layer start.

    A word comes sooner than the elements do. Where it is `fetched` from block RAM, which may be far from the
    multipliers, it waits for a cycle in a register; the rest of the wait is the `delay` of the steps, of fewer bits.
    """

    rom: Rom
    fetched: bool
    delay: Instance | None
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
    sums_bits: int
    beat_bits: int
    lift_of_lane: str
    lifts_bits: int
    lifts_low: int
    bias_width: int
    bias_signs: int
    bias_rom: Instance
    biases: Rom
    bias: Instance
    units: tuple[ResultUnit, ...]
    turns: Turns
    loaded: tuple[Link, ...] = ()
    limits: Limits | None = None
    delay_limits_owner: Instance | None = None


def engine_facts(
    graph: IntegerGraph,
    engine: Engine,
    layers: Sequence[Served],
    name: str,
    build: Build,
) -> EngineFacts:
    """The facts of an engine whose module has this name."""
    loadable = build.loadable
    widths = engine_widths(graph, engine, [layer.op for layer in layers], [layer.plan for layer in layers], loadable)
    separate = any(layer.plan.kind == "lanewise" for layer in layers)
    bus_lanes = engine.outputs if separate else 1
    lifts = [lifts_of(layer.op) for layer in layers]
    reached = [(lift_limit(layer.op),) for layer in layers] if loadable else lifts
    units, results = result_units(graph, layers, reached, widths.lift, loadable)
    bus = (bus_lanes, widths.element)
    biases = bias_rom(engine, layers, lifts, widths)
    weights = None if engine.adders else _weights(engine, layers, widths.weight, loadable)
    limits = limits_of_results(graph, [layer.op for layer in layers]) if loadable else None
    lanes = {"LANES": engine.lanes, "SUM_WIDTH": widths.sum}
    fetched, summed = layers[0].plan.fetch_latency, latency("fpgaq_mac", LEVELS=engine.levels)
    # From a step of the engine, which is a layer's own or comes a cycle later.
    operands = layers[0].plan.operand_latency - (latency("register") if engine.shared else 0)
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
        delay_done_owner=delay("delay_done_owner", widths.owner, latency("register") + summed),
        # Sums restart in their last register; `done_next` announces them a cycle ahead.
        delay_first=delay("delay_first", 2, operands + summed - latency("register")),
        delay_done=delay("delay_done", 1, operands + summed - latency("register")),
        weights=weights,
        multiply=Instance(f"{name}_adders", "adders")
        if engine.adders
        else array_instance(engine, widths, separate, build),
        collect=Instance("fpgaq_collect", "collect", {"OUTPUTS": engine.outputs, **lanes, **_indices(widths)}),
        last_index=_selection(
            "last_index", "serving", widths.beat_index, [layer.plan.beats_out_per_pixel - 1 for layer in layers]
        ),
        last_place=_selection(
            "last_place", "serving", widths.place, [_group_beats(layer.plan) - 1 for layer in layers]
        ),
        beat_index_width=widths.beat_index,
        sums_bits=engine.outputs * widths.sum,
        beat_bits=engine.lanes * widths.sum,
        lift_of_lane=f"lifts[lane*{widths.lift} +: {widths.lift}]" if widths.lift else "1'b0",
        lifts_bits=engine.lanes * widths.lift,
        lifts_low=engine.lanes * widths.bias,
        bias_width=widths.bias,
        bias_signs=widths.sum - widths.bias + 1,
        bias_rom=Instance(biases.module, "bias_rom"),
        biases=biases,
        bias=Instance("fpgaq_bias", "bias", lanes),
        units=units,
        turns=_turns(engine, widths),
        loaded=_loaded(weights.rom, biases, limits) if loadable and weights else (),
        limits=limits,
        delay_limits_owner=_limits_owner(widths.owner) if limits and engine.shared else None,
    )


def _loaded(weights: Rom, biases: Rom, limits: Limits | None) -> tuple[Link, ...]:
    """The memories in the place of ROMs, and that of limits."""
    cells = [
        memory_cell(name, len(rom.words), rom.width) for name, rom in (("weight_rom", weights), ("bias_rom", biases))
    ]
    return chained([*cells, *([limits.cell] if limits else [])])


def _limits_owner(width: int) -> Instance:
    """Whose results come out of the requantizers next: the memory of limits takes the last of these cycles."""
    finishing = latency("fpgaq_bias") + latency("fpgaq_requantize", STAGES=WIDE)
    return delay("delay_limits_owner", width, finishing - latency("register"))


def _indices(widths: EngineWidths) -> dict[str, int]:
    """The widths that tell the results of layers, pixels and groups apart."""
    return {"INDEX_WIDTH": widths.beat_index, "PLACE_WIDTH": widths.place, "OWNER_WIDTH": widths.owner}


def _selection(name: str, index: str, width: int, values: Sequence[int]) -> Selection:
    return Selection(name, width, index, tuple(decimal(value, width) for value in values))


def _served_facts(
    graph: IntegerGraph, engine: Engine, place: int, layer: Served, unit: str, bus: tuple[int, int]
) -> ServedFacts:
    """The facts of a layer; `bus` are the lanes and the element's bits of what all layers' elements become."""
    plan, source, result = layer.plan, graph.tensors[layer.op.input].format, graph.tensors[layer.op.output].format
    lanewise = plan.kind == "lanewise"
    owner = decimal(place, index_width(len(engine.layers)))
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
        source_bits=plan.lanes_in * source.width,
        result_bits=plan.lanes_out * result.width,
        own_bits=plan.fold.taps * plan.fold.channels * source.width,
        spread=Instance("fpgaq_spread", f"lay_out_{place}", spread),
        delay_valid=delay(f"delay_valid_{place}", 1, plan.finishing_latency),
        fifo=fifo(f"fifo_{place}", plan.lanes_out * result.width, plan.fifo_bits),
        results=unit,
        maximum=maximum_of(plan.maxima, result, unit, f"max_{place}") if plan.maxima else None,
        written=f"beat_valid & (beat_owner == {owner})" if engine.shared else "beat_valid",
    )


def _group_beats(plan: WindowPlan) -> int:
    return -(-plan.fold.outputs // plan.made_lanes)


def _turns(engine: Engine, widths: EngineWidths) -> Turns:
    order = engine.order or (0,)
    width, owner_width = widths.turn, widths.owner
    default = max(range(len(engine.layers)), key=order.count)
    parameters = {
        "LAYERS": len(engine.layers),
        "OWNER_WIDTH": owner_width,
        "PLACES": len(order),
        "PLACE_WIDTH": width,
        "FIRST": order[0],
        "SECOND": order[1 % len(order)],
    }
    return Turns(
        width=width,
        turns=tuple(
            (decimal(place, width), decimal(owner, owner_width))
            for place, owner in enumerate(order)
            if owner != default
        ),
        default=decimal(default, owner_width),
        cell=Instance("fpgaq_turns", "turns", parameters),
    )


def _weights(engine: Engine, layers: Sequence[Served], width: int, loadable: bool) -> Weights:
    rom, starts = weight_rom(engine, layers, width)
    read = 1 if loadable else rom.latency
    fetched = read == 1 and len(rom.words) > LOGIC_WORDS
    # The registers of the address and beside the multipliers, and that of a fetched word, are on the way too.
    stages = layers[0].plan.operand_latency - (read + 2 + fetched) - (1 if engine.shared else 0)
    wait = delay("delay_fetch", 2 + (index_width(len(engine.layers)) if engine.shared else 0), stages)
    index = "fetch_owner" if stages else "owner"
    start = _selection("weights_start", index, rom.address_width, starts)
    return Weights(rom, fetched, wait if stages else None, start, Instance(rom.module, "weight_rom"))
