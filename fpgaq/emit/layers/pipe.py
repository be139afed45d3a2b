"""The module of a layer without a line buffer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from ...formats import Format
from ...integer_graph import IntegerAdd, IntegerGraph, IntegerMultiply, IntegerOperator, IntegerScale, IntegerTable
from ...schedule.plans import PipePlan
from ...schedule.widths import phase_width
from ..design import Choice, Instance, Module, Operation, Product, Register
from ..instances import delay, fifo
from ..literals import decimal, sized
from .arithmetic import Lookup, Scaling, Total, lookup, scaling, sum_of_inputs, total_of_inputs

Arithmetic: TypeAlias = Total | Lookup | Scaling


@dataclass(frozen=True)
class Phase:
    """A phase as the template places it; `low` is the first bit of what a serializer gives in it."""

    index: str
    flags: str
    low: int


@dataclass(frozen=True)
class PipeFacts:
    """Everything that ``layers/pipe.v.j2`` places."""

    label: str
    summary: str
    plan: PipePlan
    sources: tuple[Format, ...]
    result: Format
    slices: tuple[Instance, ...]
    credit: Instance
    delay_results: Instance
    fifo: Instance
    phases: tuple[Phase, ...]
    phase_width: int
    last_phase: str
    zero_phase: str
    all_inputs: str
    zero_result: str
    relu_fit: str
    turn: str
    winner_index: str
    arithmetic: Arithmetic | None


def pipe_modules(
    graph: IntegerGraph, op: IntegerOperator, plan: PipePlan, index: int, names: tuple[str, str, str]
) -> tuple[Module, ...]:
    """The modules of an operator, its ROM first; `names` are the module's, a label and a summary for its comments."""
    sources = tuple(graph.tensors[name].format for name in op.inputs)
    arithmetic = _arithmetic(graph, op, plan, index)
    module = pipe_module(sources, graph.tensors[op.output].format, plan, arithmetic, names)
    if isinstance(arithmetic, Lookup | Scaling):
        return Module.of_rom(arithmetic.rom), module
    return (module,)


def pipe_module(
    sources: tuple[Format, ...],
    result: Format,
    plan: PipePlan,
    arithmetic: Arithmetic | None,
    names: tuple[str, str, str],
) -> Module:
    """The module of a plan; for `names` see `pipe_modules`."""
    name, label, summary = names
    width = phase_width(plan)
    slices = tuple(
        Instance("fpgaq_slice", f"slice_{slot}", {"WIDTH": plan.lanes_in * source.width})
        for slot, source in enumerate(sources)
    )
    facts = PipeFacts(
        label=label,
        summary=summary,
        plan=plan,
        sources=sources,
        result=result,
        slices=slices,
        credit=Instance("fpgaq_credit", "credit", {"ADDRESS_WIDTH": plan.fifo_bits}),
        delay_results=delay("delay_results", 1, plan.latency),
        fifo=fifo("fifo", plan.lanes_out * result.width, plan.fifo_bits),
        phases=_phases(plan, result, width),
        phase_width=width,
        last_phase=decimal(len(plan.uses) - 1, width),
        zero_phase=decimal(0, width),
        all_inputs=f"{plan.inputs}'b{'1' * plan.inputs}",
        zero_result=decimal(0, result.width),
        relu_fit=_relu_fit(sources[0], result),
        turn=sized(1 << (sources[0].width - 1) if sources[0].signed else 0, sources[0].width),
        winner_index=_winner_index(result.width, width),
        arithmetic=arithmetic,
    )
    return Module(
        name,
        "verilog/layers/pipe.v.j2",
        facts,
        instances=(*slices, facts.credit, facts.delay_results, *_computing(arithmetic, plan), facts.fifo),
        registers=_registers(facts),
        choices=_choices(plan),
        operations=_operations(facts),
        products=_products(facts),
    )


def _phases(plan: PipePlan, result: Format, width: int) -> tuple[Phase, ...]:
    factor = plan.lanes_in // plan.lanes_out
    phases = []
    for index, (uses, pops, emits) in enumerate(zip(plan.uses, plan.pops, plan.emits, strict=True)):
        flags = sum(1 << slot for slot in uses) << 2 | int(pops) << 1 | int(emits)
        phases.append(
            Phase(
                decimal(index, width),
                f"{plan.inputs + 2}'b{flags:0{plan.inputs + 2}b}",
                index % factor * plan.lanes_out * result.width,
            )
        )
    return tuple(phases)


def _relu_fit(source: Format, result: Format) -> str:
    """A non-negative element as a result: the bits that both have, zeros above."""
    kept = min(source.width, result.width)
    bits = f"a0[lane*{source.width} +: {kept}]"
    return bits if kept == result.width else f"{{{{{result.width - kept}{{1'b0}}}}, {bits}}}"


def _winner_index(width: int, phase_width: int) -> str:
    if width <= phase_width:
        return f"phase[{width - 1}:0]"
    return f"{{{{{width - phase_width}{{1'b0}}}}, phase}}"


def _arithmetic(graph: IntegerGraph, op: IntegerOperator, plan: PipePlan, index: int) -> Arithmetic | None:
    """What the layer computes; None where it only moves or compares elements."""
    sources = [graph.tensors[name].format for name in op.inputs]
    result = graph.tensors[op.output].format
    if isinstance(op, IntegerTable):
        return lookup(op, sources[0], result, plan, index)
    if isinstance(op, IntegerAdd):
        return sum_of_inputs(op, sources, result, plan)
    if isinstance(op, IntegerMultiply):
        return total_of_inputs(op, sources, result, plan)
    if isinstance(op, IntegerScale):
        return scaling(op, sources[0], result, plan, index)
    return None


def _computing(arithmetic: Arithmetic | None, plan: PipePlan) -> tuple[Instance, ...]:
    """The instances that compute, in the order of the text."""
    if isinstance(arithmetic, Lookup):
        return arithmetic.requantize, Instance(arithmetic.rom.module, "rom", times=plan.lanes_out)
    if isinstance(arithmetic, Scaling):
        return Instance(arithmetic.rom.module, "rom"), arithmetic.requantize
    return (arithmetic.requantize,) if arithmetic is not None else ()


def _registers(facts: PipeFacts) -> tuple[Register, ...]:
    plan, source, result, arithmetic = facts.plan, facts.sources[0], facts.result, facts.arithmetic
    registers = [Register("phase", facts.phase_width)] if len(facts.phases) > 1 else []
    if plan.kind == "relu":
        registers.append(Register("rectified", plan.lanes_out * result.width))
    elif plan.kind in ("concatenate", "serialize"):
        registers.append(Register("picked", plan.lanes_out * result.width))
    elif plan.kind == "argmax":
        registers += [Register("greatest", source.width), Register("winner", result.width)]
    if isinstance(arithmetic, Lookup):
        registers.append(Register("kept", result.width, plan.lanes_out))
    elif isinstance(arithmetic, Scaling):
        beat = plan.lanes_in * source.width
        registers += [Register("beat", arithmetic.beat_width), Register("facts", arithmetic.rom.width)]
        registers += [Register("a0_first", beat), Register("a0_second", beat)]
        registers += [Register(name, arithmetic.total_width, plan.lanes_out) for name in ("total", "product", "offset")]
        registers += [Register(name, arithmetic.lift_width, plan.lanes_out) for name in ("lift_product", "lift")]
    elif arithmetic is not None:
        registers.append(Register("total", arithmetic.total_width, plan.lanes_out))
    return tuple(registers)


def _choices(plan: PipePlan) -> tuple[Choice, ...]:
    phases = len(plan.uses)
    flags = (Choice("flags", (plan.inputs + 2,) * phases),) if phases > 1 else ()
    return (*flags, Choice("picked", (0,) * phases)) if plan.kind == "serialize" else flags


def _operations(facts: PipeFacts) -> tuple[Operation, ...]:
    plan, arithmetic = facts.plan, facts.arithmetic
    operations = [Operation("?")] if len(facts.phases) > 1 else []
    if plan.kind == "concatenate" and len(facts.sources) > 1:
        operations.append(Operation("?"))
    if isinstance(arithmetic, Scaling):
        operations += [Operation("?"), Operation("*", plan.lanes_out), Operation("+", plan.lanes_out)]
    elif isinstance(arithmetic, Total):
        operations.append(Operation(arithmetic.operator, plan.lanes_out))
    return tuple(operations)


def _products(facts: PipeFacts) -> tuple[Product, ...]:
    plan, sources = facts.plan, facts.sources
    factors = [source.width + (not source.signed) for source in sources]
    if isinstance(facts.arithmetic, Scaling):
        return (Product(factors[0], facts.arithmetic.scale_width, plan.lanes_out),)
    return (Product(factors[0], factors[1], plan.lanes_out),) if plan.kind == "multiply" else ()
