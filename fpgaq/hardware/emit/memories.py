"""Memories that are loaded: which number stands where in their words, and the cells that hold them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ...base.formats import Format
from ...integer.graph import IntegerArray, IntegerGraph, IntegerOperator, IntegerScale, IntegerTable, Requantize
from ..schedule.plans import PipePlan
from ..schedule.schedule import Engine
from ..schedule.widths import EngineWidths, lift_limit
from .design import Instance
from .engine_roms import Served, bias_beats, weight_rows
from .literals import index_width, pack
from .numbers import Starts, is_limited

PART = 32
"""Bits of a word of an image."""

LEAST_WORDS = 2
"""Of a memory."""


@dataclass(frozen=True, eq=False)
class Field:
    """Numbers side by side in the words of a memory.

    Parameters
    ----------
    source : {"weight", "bias", "lift", "scale", "negative", "offset", "entry", "low", "high"}
    width : int
        Bits of each.
    index : array of int64
        (words, numbers): the place of each among the numbers of all layers, from 1; 0 is the number 0.
    """

    source: str
    width: int
    index: IntegerArray


@dataclass(frozen=True)
class Memory:
    """A memory that is loaded: its fields from the low end."""

    fields: tuple[Field, ...]

    @property
    def words(self) -> int:
        """Of the memory."""
        return len(self.fields[0].index)

    @property
    def width(self) -> int:
        """Bits of a word."""
        return sum(field.width * field.index.shape[1] for field in self.fields)

    @property
    def parts(self) -> int:
        """Words of an image that fill it."""
        return self.words * -(-self.width // PART)

    @property
    def holds(self) -> tuple[str, ...]:
        """The sources of its numbers, each once."""
        return tuple(dict.fromkeys(field.source for field in self.fields))

    def contents(self, sources: Mapping[str, IntegerArray]) -> list[int]:
        """The words of an image for it, in the order in which they are sent."""
        parts = []
        values = [sources[field.source][field.index].tolist() for field in self.fields]
        for rows in zip(*values, strict=True):
            word, low = 0, 0
            for field, row in zip(self.fields, rows, strict=True):
                word |= pack(row, field.width) << low
                low += field.width * len(row)
            parts += [word >> start & 0xFFFFFFFF for start in range(0, self.width, PART)]
        return parts


@dataclass(frozen=True)
class Link:
    """A memory in the chain of those of a module: it waits for `turn`, and `full` says that its words are there."""

    cell: Instance
    turn: str
    full: str


def chained(cells: Sequence[Instance]) -> tuple[Link, ...]:
    """The memories of a module in the order in which they are loaded."""
    full = [*(f"{cell.name}_full" for cell in cells[:-1]), "load_full"]
    return tuple(Link(*link) for link in zip(cells, ["load_turn", *full[:-1]], full, strict=True)) if cells else ()


def memory_cell(name: str, words: int, width: int, times: int = 1) -> Instance:
    """The cell of a memory that is loaded."""
    held = max(LEAST_WORDS, words)
    parameters = {"WORDS": held, "ADDRESS_WIDTH": index_width(held), "WIDTH": width}
    return Instance("fpgaq_weights", name, parameters, times)


@dataclass(frozen=True)
class Limits:
    """The limits of results in a memory: `width` bits of the low one, above them the high one, a word a layer."""

    cell: Instance
    width: int

    @property
    def bits(self) -> int:
        """Bits of a word."""
        return 2 * self.width


def limits_of_results(graph: IntegerGraph, operators: Sequence[IntegerOperator]) -> Limits | None:
    """The memory for the limits of layers, a word for each; None where no layer has any."""
    widths = [graph.tensors[op.output].format.width for op in operators if is_limited(op)]
    if not widths:
        return None
    return Limits(memory_cell("limits_memory", len(operators), 2 * max(widths)), max(widths))


def unlimited(rule: Requantize, fmt: Format) -> tuple[Requantize, Format]:
    """A requantizer without its limits, and the format of all codes that it saturates to."""
    return replace(rule, relu=False, low=None, high=None), replace(fmt, narrow=False)


def clip_cell(fmt: Format, times: int) -> Instance:
    """What holds results to limits that are loaded."""
    return Instance("fpgaq_clip", "clip", {"WIDTH": fmt.width, "SIGNED": int(fmt.signed)}, times)


def engine_memories(
    graph: IntegerGraph, engine: Engine, layers: Sequence[Served], widths: EngineWidths, starts: Starts
) -> tuple[Memory, ...]:
    """The memories of an engine in the order in which they are loaded."""
    operators = [layer.op for layer in layers]
    weights = [_places(op, "weight", starts, op.weight.shape) for op in operators]
    rows, _ = weight_rows(engine, layers, weights)
    found = [Memory((Field("weight", widths.weight, _two_rows(rows)),))]
    fields = []
    for source, width in (("bias", widths.bias), ("lift", widths.lift)):
        own = [_places(op, source, starts, op.bias.shape) for op in operators]
        if width:
            fields.append(Field(source, width, _two_rows(bias_beats(engine, layers, own, widths.beat_index))))
    found.append(Memory(tuple(fields)))
    return (*found, *_limits(graph, operators, starts))


def pipe_memories(
    graph: IntegerGraph, op: IntegerOperator, plan: PipePlan, offset_width: int, starts: Starts
) -> tuple[Memory, ...]:
    """The memories of a layer without a line buffer; an offset of a scale has `offset_width` bits."""
    found = []
    if isinstance(op, IntegerTable):
        width = graph.tensors[op.output].format.width
        found.append(Memory((Field("entry", width, _places(op, "entry", starts, (op.table.size, 1))),)))
    if isinstance(op, IntegerScale):
        widths = {"scale": op.scale_width, "negative": op.scale_width, "offset": offset_width, "lift": lift_bits(op)}
        found.append(_facts_memory(op, plan, widths, starts))
    return (*found, *_limits(graph, [op], starts))


def lift_bits(op: IntegerScale) -> int:
    """Bits of a lift of a scale that is loaded."""
    return max(1, lift_limit(op).bit_length())


def _facts_memory(op: IntegerScale, plan: PipePlan, widths: Mapping[str, int], starts: Starts) -> Memory:
    """A beat of channels a word, of each its scales, offset and lift."""
    channels, lanes = len(op.scale), plan.lanes_in
    beats = -(-channels // lanes)
    fields = []
    for lane in range(lanes):
        for source in ("scale", "negative", "offset", "lift"):
            if source not in starts[op.name]:
                continue
            places = np.zeros(beats * lanes, dtype=np.int64)
            places[:channels] = _places(op, source, starts, (channels,))
            fields.append(Field(source, widths[source], _two_rows(places[lane::lanes, np.newaxis])))
    return Memory(tuple(fields))


def _limits(graph: IntegerGraph, operators: Sequence[IntegerOperator], starts: Starts) -> tuple[Memory, ...]:
    """The limits of layers, a word a layer; nothing where no layer has any."""
    limits = limits_of_results(graph, operators)
    if limits is None:
        return ()
    fields = []
    for source in ("low", "high"):
        places = [_places(op, source, starts, (1,)) if is_limited(op) else np.zeros(1, np.int64) for op in operators]
        fields.append(Field(source, limits.width, _two_rows(np.array(places))))
    return (Memory(tuple(fields)),)


def _places(op: IntegerOperator, source: str, starts: Starts, shape: tuple[int, ...]) -> IntegerArray:
    """The places of an operator's numbers among those of all layers, from 1."""
    first = starts[op.name][source] + 1
    return np.arange(first, first + int(np.prod(shape)), dtype=np.int64).reshape(shape)


def _two_rows(index: IntegerArray) -> IntegerArray:
    """The words of a memory, which has two at least."""
    return index if len(index) >= LEAST_WORDS else np.concatenate([index, np.zeros_like(index)])
