"""The module of a layer without a line buffer: inputs, phases, result FIFO, and a datapath by its kind."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ....base.formats import Format
from ....integer.graph import (
    IntegerAdd,
    IntegerGraph,
    IntegerMultiply,
    IntegerOperator,
    IntegerScale,
    IntegerTable,
    IntegerTranspose,
)
from ...lowering.wide import Gather, LaneMaximum
from ...schedule.plans import PipePlan
from ...schedule.widths import phase_width
from ..design import Choice, Instance, Module, Operation, Register
from ..instances import delay, fifo
from ..literals import decimal
from ..memories import Limits, Link, chained, clip_cell, limits_of_results, unlimited
from ..numbers import is_limited
from .arithmetic import lookup, scaling, sum_of_inputs, total_of_inputs
from .gathering import compared, gathered, shuffled
from .logic import Datapath
from .moves import greatest, part, pick, rectifier

TEMPLATES = {"add": "total", "multiply": "total"}
"""The templates of kinds that are not named like them."""


@dataclass(frozen=True)
class Phase:
    """A phase as the template places it: which inputs it uses, whether it takes their beats and gives one."""

    index: str
    flags: str


@dataclass(frozen=True)
class PipeInput:
    """An input: its format, the bits of a beat, and the register that it passes."""

    format: Format
    bits: int
    slice: Instance


@dataclass(frozen=True, kw_only=True)
class PipeFacts:
    """Everything that ``layers/pipe.v.j2`` and the templates that extend it place."""

    label: str
    summary: str
    plan: PipePlan
    inputs: tuple[PipeInput, ...]
    result: Format
    output_bits: int
    credit: Instance
    delay_results: Instance
    fifo: Instance
    phases: tuple[Phase, ...]
    phase_width: int
    last_phase: str
    zero_phase: str
    valids: str
    all_inputs: str
    datapath: Datapath
    loaded: tuple[Link, ...] = ()
    limits: Limits | None = None
    clip: Instance | None = None


def pipe_modules(
    graph: IntegerGraph,
    op: IntegerOperator,
    plan: PipePlan,
    index: int,
    names: tuple[str, str, str],
    loadable: bool = False,
) -> tuple[Module, ...]:
    """The modules of an operator, its ROM first; `names` are the module's, a label and a summary for its comments.

    `loadable`: what an image holds of it stands in memories that are loaded.
    """
    sources, result = tuple(graph.tensors[name].format for name in op.inputs), graph.tensors[op.output].format
    if loadable:
        return (_loaded_module(graph, op, plan, index, names),)
    datapath = _datapath(sources, result, op, plan, index)
    module = _pipe_module(sources, result, plan, datapath, names)
    return (module,) if datapath.own_rom is None else (Module.of_rom(datapath.own_rom), module)


def _loaded_module(
    graph: IntegerGraph, op: IntegerOperator, plan: PipePlan, index: int, names: tuple[str, str, str]
) -> Module:
    sources, result = tuple(graph.tensors[name].format for name in op.inputs), graph.tensors[op.output].format
    limits = limits_of_results(graph, [op])
    if is_limited(op):
        rule, result = unlimited(op.requantize, result)  # type: ignore[attr-defined]
        op = replace(op, requantize=rule)  # type: ignore[call-arg]
    datapath = _datapath(sources, result, op, plan, index, loadable=True)
    cells = [*datapath.logic.memories, *([limits.cell] if limits else [])]
    clip = clip_cell(result, plan.lanes_out) if limits else None
    return _pipe_module(sources, result, plan, datapath, names, (chained(cells), limits, clip))


def serializer_module(fmt: Format, plan: PipePlan, names: tuple[str, str, str]) -> Module:
    """The module that makes narrower beats; for `names` see `pipe_modules`."""
    return _pipe_module((fmt,), fmt, plan, part(fmt, plan), names)


def _datapath(
    sources: tuple[Format, ...],
    result: Format,
    op: IntegerOperator,
    plan: PipePlan,
    index: int,
    loadable: bool = False,
) -> Datapath:
    """What a layer computes; `index` is its number in the network."""
    if isinstance(op, IntegerTable):
        return lookup(op, sources[0], result, plan, index, loadable)
    if isinstance(op, IntegerAdd):
        return sum_of_inputs(op, sources, result, plan)
    if isinstance(op, IntegerMultiply):
        return total_of_inputs(op, sources, result, plan)
    if isinstance(op, IntegerScale):
        return scaling(op, sources[0], result, plan, index, loadable)
    if isinstance(op, Gather):
        return gathered(result, plan)
    if isinstance(op, IntegerTranspose):
        return shuffled(op, result, plan)
    if isinstance(op, LaneMaximum):
        return compared(op, result, plan)
    if plan.kind == "relu":
        return rectifier(sources[0], result, plan)
    return greatest(sources[0], result, plan) if plan.kind == "argmax" else pick(sources, result, plan)


def _pipe_module(
    sources: tuple[Format, ...],
    result: Format,
    plan: PipePlan,
    datapath: Datapath,
    names: tuple[str, str, str],
    loaded: tuple[tuple[Link, ...], Limits | None, Instance | None] = ((), None, None),
) -> Module:
    name, label, summary = names
    links, limits, clip = loaded
    width, bits = phase_width(plan), plan.lanes_out * result.width
    facts = PipeFacts(
        label=label,
        summary=summary,
        plan=plan,
        inputs=tuple(_input(slot, source, plan) for slot, source in enumerate(sources)),
        result=result,
        output_bits=bits,
        credit=Instance("fpgaq_credit", "credit", {"ADDRESS_WIDTH": plan.fifo_bits}),
        delay_results=delay("delay_results", 1, plan.latency),
        fifo=fifo("fifo", bits, plan.fifo_bits),
        phases=_phases(plan, width),
        phase_width=width,
        last_phase=decimal(len(plan.uses) - 1, width),
        zero_phase=decimal(0, width),
        valids="{" + ", ".join(f"a{slot}_valid" for slot in reversed(range(len(sources)))) + "}",
        all_inputs=f"{plan.inputs}'b{'1' * plan.inputs}",
        datapath=datapath,
        loaded=links,
        limits=limits,
        clip=clip,
    )
    held = (limits.cell, clip) if limits and clip else ()
    logic, several = datapath.logic, len(facts.phases) > 1
    flags = Choice("flags", (plan.inputs + 2,) * len(facts.phases))
    return Module(
        name,
        f"verilog/layers/{TEMPLATES.get(plan.kind, plan.kind)}.v.j2",
        facts,
        instances=(
            *(source.slice for source in facts.inputs),
            *(facts.credit, facts.delay_results, *logic.memories, *held, *logic.instances, facts.fifo),
        ),
        registers=(*((Register("phase", width),) if several else ()), *logic.registers),
        choices=(*((flags,) if several else ()), *logic.choices),
        operations=(*((Operation("?"),) if several else ()), *logic.operations),
        products=logic.products,
    )


def _input(slot: int, source: Format, plan: PipePlan) -> PipeInput:
    bits = plan.lanes_in * source.width
    return PipeInput(source, bits, Instance("fpgaq_slice", f"slice_{slot}", {"WIDTH": bits}))


def _phases(plan: PipePlan, width: int) -> tuple[Phase, ...]:
    phases = []
    for index, (uses, pops, emits) in enumerate(zip(plan.uses, plan.pops, plan.emits, strict=True)):
        flags = sum(1 << slot for slot in uses) << 2 | int(pops) << 1 | int(emits)
        phases.append(Phase(decimal(index, width), f"{plan.inputs + 2}'b{flags:0{plan.inputs + 2}b}"))
    return tuple(phases)
