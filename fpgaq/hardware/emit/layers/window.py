"""The module of a layer that walks windows: convolution, affine, pooling."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ....base.formats import Format
from ....integer.graph import (
    IntegerConvolution,
    IntegerGraph,
    IntegerMaxPooling,
    IntegerOperator,
    IntegerPad,
    IntegerSumPooling,
)
from ...schedule.cells import latency
from ...schedule.plans import WindowPlan
from ...schedule.widths import WindowWidths, index_width, window_widths
from ..design import Choice, Instance, Module
from ..instances import delay, fifo
from ..literals import decimal, pack, sized
from .division import Division, division_of


@dataclass(frozen=True)
class Table:
    """A combinational look-up: `values` differ from `default` at a few indices."""

    name: str
    width: int
    index: str
    default: str
    exceptions: tuple[tuple[str, str], ...]


def _table(name: str, index: str, index_bits: int, values: Sequence[int], width: int) -> Table:
    default = Counter(values).most_common(1)[0][0]
    exceptions = tuple(
        (decimal(place, index_bits), decimal(value, width)) for place, value in enumerate(values) if value != default
    )
    return Table(name, width, index, decimal(default, width), exceptions)


@dataclass(frozen=True)
class TapGroup:
    """The taps of a step: packed offsets of the lanes, which of them lie inside, and how many of these are constant."""

    index: str
    offsets: str
    inside: str
    constant: int


@dataclass(frozen=True)
class WindowBits:
    """Bits of buses: beats in and out, words of the line buffer, and the taps' offsets and elements of a step."""

    input: int
    output: int
    word: int
    offsets: int
    elements: int


@dataclass(frozen=True, kw_only=True)
class WindowFacts:
    """Everything that ``layers/window.v.j2`` and the templates that extend it place; the products are the engine's.

    `datapath` are the instances after the line buffer by their names.
    """

    label: str
    summary: str
    plan: WindowPlan
    widths: WindowWidths
    bits: WindowBits
    fetch_latency: int
    source: Format
    result: Format
    gather: Instance
    walker: Instance
    line_buffer: Instance
    delay_first: Instance
    delay_done: Instance
    datapath: Mapping[str, Instance]
    tables: tuple[Table, ...]
    row_used: bool
    taps: tuple[TapGroup, ...]
    outside: str
    padded: bool
    last_column: str
    no_need: str
    division: Division | None


def window_module(graph: IntegerGraph, op: IntegerOperator, plan: WindowPlan, names: tuple[str, str, str]) -> Module:
    """The module of an operator; `names` are the module's, a label and a summary for its comments."""
    name, label, summary = names
    source, result = graph.tensors[op.input].format, graph.tensors[op.output].format
    widths, padded = window_widths(plan), plan.padded
    tables = _walk_tables(plan, widths, padded)
    division = _division(op, plan, source, result)
    restarted, done = _flag_delays(plan)
    facts = WindowFacts(
        label=label,
        summary=summary,
        plan=plan,
        widths=widths,
        bits=_bits(plan, widths, source, result),
        fetch_latency=plan.fetch_latency,
        source=source,
        result=result,
        gather=_gather(plan, widths, source),
        walker=_walker(plan, widths),
        line_buffer=_line_buffer(plan, widths, source),
        delay_first=delay("delay_first", 2, restarted),
        delay_done=delay("delay_done", 1, done),
        datapath=_datapath(plan, source, result, division),
        tables=tables,
        row_used=any(table.index == "row" and table.exceptions for table in tables),
        taps=_taps(plan, padded),
        outside=sized(_outside(op, source), source.width),
        padded=padded,
        last_column=decimal(plan.output_image[1] - 1, widths.column),
        no_need=decimal((1 << widths.need) - 1, widths.need),
        division=division,
    )
    flagged = () if plan.multiplies else (facts.delay_first, facts.delay_done)
    return Module(
        name,
        f"verilog/layers/{'front' if plan.multiplies else plan.kind}.v.j2",
        facts,
        instances=(facts.gather, facts.walker, facts.line_buffer, *flagged, *facts.datapath.values()),
        registers=division.registers if division else (),
        choices=(*_choices(facts), *(division.choices if division else ())),
        operations=division.operations if division else (),
        padded=padded,
    )


def _division(op: IntegerOperator, plan: WindowPlan, source: Format, result: Format) -> Division | None:
    if not isinstance(op, IntegerSumPooling):
        return None
    return division_of(op, source, result, plan.lanes_out, plan.groups)


def _bits(plan: WindowPlan, widths: WindowWidths, source: Format, result: Format) -> WindowBits:
    return WindowBits(
        input=plan.lanes_in * source.width,
        output=plan.lanes_out * result.width,
        word=plan.word_elements * source.width,
        offsets=plan.fold.taps * widths.address,
        elements=plan.fold.taps * plan.fold.channels * source.width,
    )


def _gather(plan: WindowPlan, widths: WindowWidths, source: Format) -> Instance:
    parameters = {
        "BEAT_WIDTH": plan.lanes_in * source.width,
        "BEATS_PER_WORD": plan.word_elements // plan.lanes_in,
        "BEATS_PER_PIXEL": plan.beats_per_pixel,
        "ADDRESS_WIDTH": widths.address,
    }
    return Instance("fpgaq_gather", "gather", parameters)


def _walker(plan: WindowPlan, widths: WindowWidths) -> Instance:
    parameters = {
        "ROWS": plan.output_image[0],
        "COLUMNS": plan.output_image[1],
        "GROUPS": plan.groups,
        "GROUPS_SHARING": plan.groups_sharing,
        "TAP_GROUPS": plan.tap_groups,
        "CHANNEL_GROUPS": plan.channel_groups,
        "SELECTS": plan.selects,
        "ADVANCE_WORDS": plan.advance_words,
        "ADVANCE_SELECTS": plan.advance_selects,
        "ROW_WIDTH": widths.row,
        "COLUMN_WIDTH": widths.column,
        "TAP_WIDTH": widths.tap,
        "SELECT_WIDTH": widths.select,
        "ADDRESS_WIDTH": widths.address,
        "NEED_WIDTH": widths.need,
        "FREE_WIDTH": widths.free,
        "ROW_MASK_WIDTH": widths.row_mask,
        "COLUMN_MASK_WIDTH": widths.column_mask,
        "BASE_START": plan.walk.base_start % (1 << plan.address_bits),
        "NEED_START": plan.walk.need_start,
        "ROOM_START": plan.capacity,
        "BEATS": plan.group_beats,
        "BEATS_LAST": plan.last_group_beats,
        "CREDITS": 1 << plan.fifo_bits,
        "CREDIT_WIDTH": widths.credit,
    }
    return Instance("fpgaq_walker", "walker", parameters)


def _line_buffer(plan: WindowPlan, widths: WindowWidths, source: Format) -> Instance:
    parameters = {
        "TAPS": plan.fold.taps,
        "CHANNELS": plan.fold.channels,
        "ELEMENT_WIDTH": source.width,
        "SELECTS": plan.selects,
        "SELECT_WIDTH": widths.select,
        "ADDRESS_WIDTH": widths.address,
        "STAGES": plan.fetch_stages,
    }
    return Instance("fpgaq_line_buffer", "line_buffer", parameters)


def _datapath(plan: WindowPlan, source: Format, result: Format, division: Division | None) -> dict[str, Instance]:
    """The instances from the line buffer's elements to the results; none where an engine takes them."""
    if plan.multiplies:
        return {}
    parts: list[Instance] = []
    lanes = {
        "TAPS": plan.fold.taps,
        "CHANNELS": plan.fold.channels,
        "ELEMENT_WIDTH": source.width,
        "ELEMENT_SIGNED": int(source.signed),
    }
    if plan.kind == "max":
        parts.append(Instance("fpgaq_max", "max", lanes))
    if division is not None:
        parts.append(Instance("fpgaq_sum", "window_sum", {**lanes, "SUM_WIDTH": division.total_width}))
        parts += [delay("delay_results", 1, latency("fpgaq_divide")), division.divide]
    parts.append(fifo("fifo", plan.lanes_out * result.width, plan.fifo_bits))
    return {part.name: part for part in parts}


def _choices(facts: WindowFacts) -> tuple[Choice, ...]:
    tables = tuple(
        Choice(table.name, (table.width,) * (len(table.exceptions) + 1)) for table in facts.tables if table.exceptions
    )
    first, *others = facts.taps
    if not others:
        return tables
    bits = facts.plan.fold.taps * facts.widths.address
    offsets = Choice("offsets", (bits,) * len(facts.taps))
    if not facts.padded:
        return (*tables, offsets)
    return (*tables, offsets, Choice("taps_inside", tuple(tap.constant for tap in (*others, first))))


def _outside(op: IntegerOperator, source: Format) -> int:
    """What stands outside the image."""
    if isinstance(op, IntegerConvolution):
        return op.padding_value
    if isinstance(op, IntegerMaxPooling):
        return source.minimum
    return op.value if isinstance(op, IntegerPad) else 0


def _walk_tables(plan: WindowPlan, widths: WindowWidths, padded: bool) -> tuple[Table, ...]:
    walk, need, free, address = plan.walk, widths.need, widths.free, widths.address
    row_bits, column_bits, size = widths.row, widths.column, 1 << widths.address
    tables = [
        _table("need_column", "column", column_bits, _less_one((*walk.need_column, 0), need), need),
        _table("need_row", "row", row_bits, _less_one(walk.need_row, need), need),
        _table("row_reaches", "row", row_bits, [int(reaches) for reaches in walk.row_reaches], 1),
        _table("release_words", "row", row_bits, _less_one(walk.release, free), free),
        _table("base_column", "column", column_bits, [step % size for step in walk.base_column] or [0], address),
        _table("base_row", "row", row_bits, [step % size for step in walk.base_row], address),
    ]
    if padded:
        tables.append(_table("row_inside", "row", row_bits, walk.rows_inside, widths.row_mask))
        tables.append(_table("column_inside", "column", column_bits, walk.columns_inside, widths.column_mask))
    return tuple(tables)


def _less_one(counts: Sequence[int], width: int) -> list[int]:
    return [(count - 1) % (1 << width) for count in counts]


def _taps(plan: WindowPlan, padded: bool) -> tuple[TapGroup, ...]:
    """For each tap group the packed offsets of the taps, and which of them lie inside the image, as an expression.

    Places after the last tap repeat it: their weights are zero.
    """
    kernel_taps = plan.kernel[0] * plan.kernel[1]
    row_words = plan.image[1] * plan.words_per_pixel
    bits = plan.address_bits
    entries = []
    for group in range(plan.tap_groups):
        offsets, inside = [], []
        for lane in range(plan.fold.taps):
            tap = group * plan.fold.taps + lane
            y, x = divmod(min(tap, kernel_taps - 1), plan.kernel[1])
            offset = y * plan.dilation[0] * row_words + x * plan.dilation[1] * plan.words_per_pixel
            offsets.append(offset % (1 << bits))
            # A sum has no weights that could drop a repeated tap: it counts as outside, where there is zero.
            repeated = plan.kind == "sum" and tap >= kernel_taps
            inside.append("1'b0" if repeated else f"rows[{y}] & columns[{x}]" if padded else "1'b1")
        entries.append(
            TapGroup(
                index=decimal(group, index_width(plan.tap_groups)),
                offsets=sized(pack(offsets, bits), bits * plan.fold.taps),
                inside="{" + ", ".join(reversed(inside)) + "}",
                constant=sum("'" in one for one in inside),
            )
        )
    return tuple(entries)


def _flag_delays(plan: WindowPlan) -> tuple[int, int]:
    """Cycles from a step to where its results restart, in their last register, and to where they are there."""
    fetched = plan.fetch_latency
    if plan.kind == "copy":
        return fetched, fetched
    reduced = latency("fpgaq_sum" if plan.kind == "sum" else "fpgaq_max")
    return fetched + reduced - latency("register"), fetched + reduced
