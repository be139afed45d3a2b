"""Bits of counters, indices, masks and sums: what the plans of layers and engines need, computed in one place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...integer.graph import IntegerAffine, IntegerConvolution, IntegerGraph, IntegerScale
from .plans import PipePlan, WindowPlan
from .schedule import Engine
from .walk import window_needs


def index_width(count: int) -> int:
    """Bits of an index into `count` things, at least 1."""
    return max(1, (count - 1).bit_length())


def signed_width(least: int, greatest: int) -> int:
    """Bits of two's complement that hold all numbers between the two."""
    return max((-least - 1).bit_length() if least < 0 else 0, greatest.bit_length() if greatest > 0 else 0) + 1


def phase_width(plan: PipePlan) -> int:
    """Bits that count the phases of a layer without a line buffer."""
    return index_width(len(plan.uses))


@dataclass(frozen=True)
class WindowWidths:
    """Bits of the signals of a layer that walks windows.

    Parameters
    ----------
    row, column, tap, select : int
        Of the output's rows and columns, the tap groups and the channel groups in a word.
    address : int
        Of a word of the line buffer.
    need, free : int
        Of the words that are missing for the next window, and of those with room.
    row_mask, column_mask : int
        Kernel rows and columns that may lie outside the image.
    credit : int
        Of the beats that find room in the result FIFO.
    """

    row: int
    column: int
    tap: int
    select: int
    address: int
    need: int
    free: int
    row_mask: int
    column_mask: int
    credit: int


def window_widths(plan: WindowPlan) -> WindowWidths:
    """The widths of a layer that walks windows."""
    rows, columns, _ = plan.output_image
    padded = plan.padded
    return WindowWidths(
        row=index_width(rows),
        column=index_width(columns),
        tap=index_width(plan.tap_groups),
        select=index_width(plan.selects),
        address=plan.address_bits,
        need=signed_width(*_missing_range(plan)),
        free=signed_width(-1, plan.capacity - 1 + _unread_words(plan)),
        row_mask=plan.kernel[0] if padded else 1,
        column_mask=plan.kernel[1] if padded else 1,
        credit=signed_width(-plan.group_beats, (1 << plan.fifo_bits) - plan.group_beats),
    )


def _missing_range(plan: WindowPlan) -> tuple[int, int]:
    """Least and greatest of the words, less one, that are missing for the next window."""
    walk, columns = plan.walk, plan.output_image[1]
    needs, freed = window_needs(walk), np.cumsum((0, *walk.release))
    # While a window waits no more can have come than there is room for once all rows before it are done.
    least = min(need - int(freed[window // columns]) for window, need in enumerate(needs)) - plan.capacity - 1
    return least, max(walk.need_start, *walk.need_column, *walk.need_row) - 1


def _unread_words(plan: WindowPlan) -> int:
    """Words that are freed at most before they have come: those of the frame after the last that is read."""
    columns = plan.output_image[1]
    ends, freed = window_needs(plan.walk)[columns - 1 :: columns], np.cumsum(plan.walk.release)
    return max(0, *(int(words) - need for words, need in zip(freed, ends, strict=True)))


@dataclass(frozen=True)
class EngineWidths:
    """Bits of the signals of an engine.

    Parameters
    ----------
    owner : int
        Of the number of one of its layers.
    turn : int
        Of a place in the order of turns.
    element, weight : int
        Of what it multiplies; wide enough for the elements and weights of all of its layers.
    element_signed : bool
    sum, bias, lift : int
        Of its accumulators, of the biases, and of what a channel's shift falls short of its layer's largest (0: none).
    beat_index, place : int
        Of a beat of a pixel's results, and of a beat of a group's.
    """

    owner: int
    turn: int
    element: int
    weight: int
    element_signed: bool
    sum: int
    bias: int
    lift: int
    beat_index: int
    place: int


def engine_widths(
    graph: IntegerGraph,
    engine: Engine,
    operators: Sequence[IntegerConvolution | IntegerAffine],
    plans: Sequence[WindowPlan],
    loadable: bool = False,
) -> EngineWidths:
    """The widths of an engine that serves `operators`, whose plans are given in the same order.

    `loadable`: the weights are loaded, so that biases may have all bits but one of the accumulators.
    """
    sources = [graph.tensors[op.input].format for op in operators]
    signed = any(source.signed for source in sources)
    lifts = [lift_limit(op) if loadable else max(lifts_of(op)) for op in operators]
    return EngineWidths(
        owner=index_width(len(operators)),
        turn=index_width(len(engine.order or (0,))),
        element=max(source.width + (signed and not source.signed) for source in sources),
        weight=max(op.weight_format.width for op in operators),
        element_signed=signed,
        sum=max(sum_width(op) for op in operators),
        bias=max(op.accumulator_width - 1 if loadable else _bias_width(op) for op in operators),
        lift=max(lifts).bit_length(),
        beat_index=max(index_width(plan.beats_out_per_pixel) for plan in plans),
        place=index_width(engine.outputs // engine.lanes),
    )


def sum_width(op: IntegerConvolution | IntegerAffine) -> int:
    """Bits of the sums: the accumulator's, but the cells need a bit besides the sign, even if all weights are zero."""
    return max(2, op.accumulator_width)


def _bias_width(op: IntegerConvolution | IntegerAffine) -> int:
    """Bits of the biases, two at least: above them the sign is repeated, and it needs another bit besides it."""
    return max(2, signed_width(int(np.min(op.bias)), int(np.max(op.bias))))


def lifts_of(op: IntegerConvolution | IntegerAffine) -> tuple[int, ...]:
    """What each output's shift falls short of the layer's largest."""
    outputs = op.weight.shape[0]
    if op.requantize is None:
        return (0,) * outputs
    shifts = np.broadcast_to(np.asarray(op.requantize.shift, dtype=np.int64), (outputs,))
    return tuple(int(lift) for lift in shifts.max() - shifts)


SHIFT_MARGIN = 2
"""How far beyond its own shifts a layer whose weights are loaded can shift, on either side."""


def base_shift(op: IntegerConvolution | IntegerAffine | IntegerScale) -> int:
    """The greatest shift of a layer whose weights or scales are loaded; a lift takes from it."""
    return 0 if op.requantize is None else max(op.requantize.shift) + SHIFT_MARGIN


def lift_limit(op: IntegerConvolution | IntegerAffine | IntegerScale) -> int:
    """The greatest lift where weights or scales are loaded: to the least of its own shifts and a margin below it."""
    if op.requantize is None:
        return 0
    return base_shift(op) - max(0, min(op.requantize.shift) - SHIFT_MARGIN)


def outputs_a_multiplier(factor_bits: int, element_width: int, weight_width: int) -> int:
    """How many weights, a product's width apart, fit a factor of `factor_bits`; the lower ones borrow from the top."""
    return max(1, 1 + (factor_bits - weight_width - 1) // (element_width + weight_width))
