"""Facts of a layer that walks windows: convolution, affine, pooling."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ...formats import Format
from ...integer_graph import (
    IntegerConvolution,
    IntegerGraph,
    IntegerMaxPooling,
    IntegerOperator,
    IntegerPad,
    IntegerSumPooling,
)
from ...schedule.plans import WindowPlan
from ...schedule.walk import window_needs
from ..literals import decimal, index_width, pack, signed_width, sized
from .division import division_facts


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


def window_facts(graph: IntegerGraph, op: IntegerOperator, plan: WindowPlan) -> Mapping[str, object]:
    """Everything that ``layers/window.v.j2`` and the templates that extend it place; the products are the engine's."""
    source = graph.tensors[op.input].format
    result = graph.tensors[op.output].format
    rows, columns, _ = plan.output_image
    full = ((1 << plan.kernel[0]) - 1, (1 << plan.kernel[1]) - 1)
    padded = any(mask != full[0] for mask in plan.walk.rows_inside) or any(
        mask != full[1] for mask in plan.walk.columns_inside
    )
    padded = padded or (plan.kind == "sum" and plan.kernel[0] * plan.kernel[1] % plan.fold.taps > 0)
    widths = {
        "row": index_width(rows),
        "column": index_width(columns),
        "tap": index_width(plan.tap_groups),
        "select": index_width(plan.selects),
        "address": plan.address_bits,
        "need": signed_width(*_missing_range(plan)),
        "free": signed_width(-1, plan.capacity - 1 + _unread_words(plan)),
        "row_mask": plan.kernel[0] if padded else 1,
        "column_mask": plan.kernel[1] if padded else 1,
        "credit": signed_width(-plan.group_beats, (1 << plan.fifo_bits) - plan.group_beats),
        "element": source.width,
        "result": result.width,
    }
    tables = _walk_tables(plan, widths, padded)
    facts: dict[str, object] = {
        "plan": plan,
        "widths": widths,
        "source": source,
        "result": result,
        "tables": tables,
        "row_used": any(table.index == "row" and table.exceptions for table in tables),
        "taps": _taps(plan, padded),
        "outside": sized(_outside(op, source), source.width),
        "base_start": plan.walk.base_start % (1 << plan.address_bits),
        "padded": padded,
        "last_column": decimal(columns - 1, widths["column"]),
        "no_need": decimal((1 << widths["need"]) - 1, widths["need"]),
        "beats_per_word": plan.word_elements // plan.lanes_in,
        "fifo_words": 1 << plan.fifo_bits,
        "flag_delays": _flag_delays(plan),
    }
    if isinstance(op, IntegerSumPooling):
        facts["division"] = division_facts(op, plan, source, result)
    return facts


def _outside(op: IntegerOperator, source: Format) -> int:
    """What stands outside the image."""
    if isinstance(op, IntegerConvolution):
        return op.padding_value
    if isinstance(op, IntegerMaxPooling):
        return source.minimum
    return op.value if isinstance(op, IntegerPad) else 0


def _walk_tables(plan: WindowPlan, widths: Mapping[str, int], padded: bool) -> list[Table]:
    walk, need, free, address = plan.walk, widths["need"], widths["free"], widths["address"]
    row_bits, column_bits, size = widths["row"], widths["column"], 1 << widths["address"]
    tables = [
        _table("need_column", "column", column_bits, _less_one((*walk.need_column, 0), need), need),
        _table("need_row", "row", row_bits, _less_one(walk.need_row, need), need),
        _table("row_reaches", "row", row_bits, [int(reaches) for reaches in walk.row_reaches], 1),
        _table("release_words", "row", row_bits, _less_one(walk.release, free), free),
        _table("base_column", "column", column_bits, [step % size for step in walk.base_column] or [0], address),
        _table("base_row", "row", row_bits, [step % size for step in walk.base_row], address),
    ]
    if padded:
        tables.append(_table("row_inside", "row", row_bits, walk.rows_inside, widths["row_mask"]))
        tables.append(_table("column_inside", "column", column_bits, walk.columns_inside, widths["column_mask"]))
    return tables


def _less_one(counts: Sequence[int], width: int) -> list[int]:
    return [(count - 1) % (1 << width) for count in counts]


def _missing_range(plan: WindowPlan) -> tuple[int, int]:
    """Least and greatest of the words, less one, that are missing for the next window."""
    walk, columns = plan.walk, plan.output_image[1]
    needs, freed = window_needs(walk), np.cumsum((0, *walk.release))
    # While a window waits no more can have come than there is room for once all rows before it are done.
    least = min(need - int(freed[window // columns]) for window, need in enumerate(needs)) - plan.capacity - 1
    return least, max(walk.need_start, *walk.need_column, *walk.need_row) - 1


def _unread_words(plan: WindowPlan) -> int:
    """Words that are freed at most before they have come: those of the frame behind the last that is read."""
    columns = plan.output_image[1]
    ends, freed = window_needs(plan.walk)[columns - 1 :: columns], np.cumsum(plan.walk.release)
    return max(0, *(int(words) - need for words, need in zip(freed, ends, strict=True)))


def _taps(plan: WindowPlan, padded: bool) -> list[dict[str, str]]:
    """For each tap group the packed offsets of the lanes and the expression of which lie inside the image.

    Lanes beyond the last tap repeat it: their weights are zero.
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
            {
                "index": decimal(group, index_width(plan.tap_groups)),
                "offsets": sized(pack(offsets, bits), bits * plan.fold.taps),
                "inside": "{" + ", ".join(reversed(inside)) + "}",
            }
        )
    return entries


def _flag_delays(plan: WindowPlan) -> dict[str, int]:
    """Cycles from a step to where its flags are used; elements arrive after 3."""
    if plan.kind == "copy":
        return {"first": 3, "done": 3}
    return {"first": 4, "done": 5}
