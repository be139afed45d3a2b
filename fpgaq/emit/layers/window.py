"""Facts of a layer that walks windows: convolution, affine, pooling."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ...formats import ROUNDINGS, Format
from ...integer_graph import (
    IntegerAffine,
    IntegerArray,
    IntegerConvolution,
    IntegerGraph,
    IntegerMaxPooling,
    IntegerOperator,
    IntegerPad,
    IntegerSumPooling,
)
from ...schedule.plans import WindowPlan
from ..literals import decimal, index_width, pack, sized
from ..names import rom_module
from ..roms import Rom
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


def window_facts(graph: IntegerGraph, op: IntegerOperator, plan: WindowPlan, index: int) -> Mapping[str, object]:
    """Everything that ``layers/window.v.j2`` and the templates that extend it place."""
    source = graph.tensors[op.input].format
    result = graph.tensors[op.output].format
    rows, columns, _ = plan.output_image
    full = ((1 << plan.kernel[0]) - 1, (1 << plan.kernel[1]) - 1)
    padded = any(mask != full[0] for mask in plan.walk.rows_inside) or any(
        mask != full[1] for mask in plan.walk.columns_inside
    )
    padded = padded or (plan.kind == "sum" and plan.kernel[0] * plan.kernel[1] % plan.fold.taps > 0)
    count_width = (plan.capacity + 2 * plan.frame_words).bit_length() + 1
    widths = {
        "row": index_width(rows),
        "column": index_width(columns),
        "tap": index_width(plan.tap_groups),
        "select": index_width(plan.selects),
        "rom": index_width(plan.groups * plan.steps),
        "address": plan.address_bits,
        "count": count_width,
        "row_mask": plan.kernel[0] if padded else 1,
        "column_mask": plan.kernel[1] if padded else 1,
        "credit": (1 << plan.fifo_bits).bit_length() + 1,
        "element": source.width,
        "result": result.width,
        "beat_index": index_width(plan.beats_out_per_pixel),
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
        "zero_count": decimal(0, count_width),
        "beats_per_word": plan.word_elements // plan.lanes_in,
        "products": plan.fold.taps * (plan.fold.channels if plan.kind == "mac" else 1),
        "fifo_words": 1 << plan.fifo_bits,
        "flag_delays": _flag_delays(plan),
    }
    if isinstance(op, IntegerConvolution | IntegerAffine):
        facts["arithmetic"] = _arithmetic(op, plan, result, index)
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
    walk, count, address = plan.walk, widths["count"], widths["address"]
    row_bits, column_bits, size = widths["row"], widths["column"], 1 << widths["address"]
    tables = [
        _table("need_column", "column", column_bits, (*walk.need_column, 0), count),
        _table("need_row", "row", row_bits, walk.need_row, count),
        _table("row_reaches", "row", row_bits, [int(reaches) for reaches in walk.row_reaches], 1),
        _table("release_words", "row", row_bits, walk.release, count),
        _table("base_column", "column", column_bits, [step % size for step in walk.base_column] or [0], address),
        _table("base_row", "row", row_bits, [step % size for step in walk.base_row], address),
    ]
    if padded:
        tables.append(_table("row_inside", "row", row_bits, walk.rows_inside, widths["row_mask"]))
        tables.append(_table("column_inside", "column", column_bits, walk.columns_inside, widths["column_mask"]))
    return tables


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
    if plan.kind in ("max", "sum"):
        return {"first": 4, "done": 5}
    return {"first": 4 + plan.levels, "done": 5 + plan.levels}


def _arithmetic(
    op: IntegerConvolution | IntegerAffine, plan: WindowPlan, result: Format, index: int
) -> dict[str, object]:
    """Facts of multiplication, bias and requantization."""
    weights = _weight_rom(op, plan, index)
    requantize = op.requantize
    outputs = plan.output_image[2]
    shifts = np.zeros(outputs, dtype=np.int64)
    if requantize is not None:
        shifts = np.broadcast_to(np.asarray(requantize.shift, dtype=np.int64), (outputs,))
    largest = int(shifts.max())
    raises = [int(largest - shift) for shift in shifts]
    raise_width = max(1, max(raises).bit_length())
    biases = _bias_rom(op, plan, raises, raise_width, index)
    return {
        "weight_width": op.weight_format.width,
        "sum_width": _sum_width(op),
        "weights": weights,
        "biases": biases,
        "raise_max": max(raises),
        "raise_width": raise_width,
        "has_raise": max(raises) > 0,
        "shift": largest,
        "rounding": ROUNDINGS.index(requantize.rounding) if requantize else 0,
        "rounding_name": requantize.rounding if requantize else "",
        "relu": int(requantize.relu) if requantize else 0,
        "requantized": requantize is not None,
        "result_delay": 2 if requantize is not None else 1,
    }


def _sum_width(op: IntegerConvolution | IntegerAffine) -> int:
    """Bits of the sums: the accumulator's, but the cells need a bit beside the sign, even if all weights are zero."""
    return max(2, op.accumulator_width)


def _weight_rom(op: IntegerConvolution | IntegerAffine, plan: WindowPlan, index: int) -> Rom:
    """The weights of each step in the order of the walk; lanes beyond taps, channels or outputs are zero.

    A word holds, from its low end: for each output lane, for each tap lane, each channel lane.
    """
    width = op.weight_format.width
    dense = _weights_as_seen(op, plan)  # (outputs, taps, channels)
    if plan.kind == "lanewise":
        return _lanewise_rom(op, plan, dense, index)
    outputs, taps, channels = dense.shape
    conv_groups = plan.groups // plan.groups_sharing
    group_outputs = outputs // conv_groups
    fold = plan.fold
    padded = np.zeros(
        (
            conv_groups,
            plan.groups_sharing * fold.outputs,
            plan.tap_groups * fold.taps,
            plan.channel_groups * fold.channels,
        ),
        dtype=np.int64,
    )
    padded[:, :group_outputs, :taps, :channels] = dense.reshape(conv_groups, group_outputs, taps, channels)
    steps = padded.reshape(
        plan.groups, fold.outputs, plan.tap_groups, fold.taps, plan.channel_groups, fold.channels
    ).transpose(0, 2, 4, 1, 3, 5)
    flat = steps.reshape(plan.groups * plan.steps, -1)
    words = tuple(pack((int(v) for v in row), width) for row in flat)
    return Rom(rom_module(index, op.name, "weights"), "weights in the order of the steps", words, width * flat.shape[1])


def _lanewise_rom(op: IntegerOperator, plan: WindowPlan, dense: IntegerArray, index: int) -> Rom:
    """Weights of lanes that are channels: (groups, lanes, tap groups, taps), in the order of the steps."""
    outputs, taps, _ = dense.shape
    width = op.weight_format.width if isinstance(op, IntegerConvolution) else 0
    fold = plan.fold
    padded = np.zeros((plan.groups * fold.outputs, plan.tap_groups * fold.taps), dtype=np.int64)
    padded[:outputs, :taps] = dense[:, :, 0]
    steps = padded.reshape(plan.groups, fold.outputs, plan.tap_groups, fold.taps).transpose(0, 2, 1, 3)
    flat = steps.reshape(plan.groups * plan.steps, -1)
    words = tuple(pack((int(v) for v in row), width) for row in flat)
    return Rom(rom_module(index, op.name, "weights"), "weights in the order of the steps", words, width * flat.shape[1])


def _weights_as_seen(op: IntegerConvolution | IntegerAffine, plan: WindowPlan) -> IntegerArray:
    """Weights as (outputs, taps, channels) of the image that the layer sees: unused lanes of its input get zeros."""
    if isinstance(op, IntegerConvolution):
        outputs, height, width, channels = op.weight.shape
        return op.weight.reshape(outputs, height * width, channels)
    return op.weight[:, None, :] if op.weight.shape[1] == plan.image[2] else _spread(op, plan)


def _spread(op: IntegerAffine, plan: WindowPlan) -> IntegerArray:
    """Affine weights with zeros where the last beat of each input pixel has unused lanes."""
    outputs, features = op.weight.shape
    channels = plan.input_channels
    beats = -(-channels // plan.lanes_in)
    spread = np.zeros((outputs, features // channels, beats * plan.lanes_in), dtype=np.int64)
    spread[:, :, :channels] = op.weight.reshape(outputs, -1, channels)
    return spread.reshape(outputs, 1, -1)


def _bias_rom(
    op: IntegerConvolution | IntegerAffine, plan: WindowPlan, raises: Sequence[int], raise_width: int, index: int
) -> Rom:
    """One word for each beat of results: the biases of its lanes, above them their raises where there are any."""
    beats, lanes = plan.beats_out_per_pixel, plan.lanes_out
    slack = [0] * (beats * lanes - len(raises))
    biases = [int(b) for b in op.bias] + slack
    raised = list(raises) + slack
    sum_width = _sum_width(op)
    has_raise = max(raises) > 0
    words = []
    for beat in range(beats):
        part = slice(beat * lanes, (beat + 1) * lanes)
        word = pack(biases[part], sum_width)
        if has_raise:
            word |= pack(raised[part], raise_width) << (sum_width * lanes)
        words.append(word)
    width = (sum_width + (raise_width if has_raise else 0)) * lanes
    return Rom(rom_module(index, op.name, "biases"), "biases in the order of the results", tuple(words), width)
