"""Which words of a network's memories some frames exercise: a wrong lowest bit would show in what the bench compares.

A word is a weight, a bias, a factor, an offset or an entry of a table. Inverting its lowest bit adds 1 to an even word
and takes 1 from an odd one. A frame exercises the word if its layer's output then differs in at least one element: the
bench compares the output of every layer. A greater error with the same sign moves the sum further and shows there too;
one with the other sign is as likely to show, but that is not proved.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..base.formats import Format, round_shift
from ..integer.graph import (
    IntegerAffine,
    IntegerArray,
    IntegerConvolution,
    IntegerOperator,
    IntegerScale,
    IntegerTable,
    Requantize,
    Tensor,
)
from ..integer.reference import requantize, working_layout, working_type
from ..integer.reference.windows import window_columns

Flags = NDArray[np.bool_]

POSITIONS = 64
"""Output pixels that are looked at together; most words need no more."""

CHUNK = 1 << 12
"""Words that are looked at together, so that temporary arrays stay in the cache."""

PRODUCTS_A_COMPARISON = 16
"""Products of the reference that take the time of one comparison."""

WORD = 16
"""Comparisons that take the time lost for each word of a chunk, however few pixels there are."""

NEVER = 1 << 30
"""More than a change of one in a word can move a sum."""


@dataclass(frozen=True, eq=False)
class Words:
    """The words of one layer: a change of word i adds ``delta[i] * rows[row[i], p]`` to ``sums[channel[i], p]``.

    The words of a table have no channel or delta: `row` is the index of the entry.
    """

    channel: NDArray[np.int32]
    row: NDArray[np.int32]
    delta: NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.row)

    def take(self, chosen: Flags) -> Words:
        """Some of the words."""
        if chosen.all():
            return self
        return Words(self.channel[chosen], self.row[chosen], self.delta[chosen])


@dataclass(frozen=True, eq=False)
class Evidence:
    """The factors and sums of one frame in one layer.

    Parameters
    ----------
    rows : array of integers, of any type that holds them
        (rows, pixels): the factor of each word; the last row is 1, for biases and offsets.
    sums : array of int64
        (channels, pixels): accumulators before requantization.
    """

    rows: NDArray[Any]
    sums: IntegerArray


class Budget:
    """How many comparisons are still allowed: a bound on the time that is the same on every machine."""

    def __init__(self, comparisons: int) -> None:
        self.left = comparisons

    def spend(self, comparisons: int) -> bool:
        """Take this many; false if fewer were left."""
        self.left -= comparisons
        return self.left >= 0


def words_of(op: IntegerOperator) -> Words:
    """All words of an operator's memories, weights first; none for an operator without any."""
    if isinstance(op, IntegerConvolution):
        outputs, taps = op.weight.shape[0], int(np.prod(op.weight.shape[1:]))
        group = np.arange(outputs) * op.groups // outputs
        rows = group[:, np.newaxis] * taps + np.arange(taps)
        return _matrix_words(op.weight.reshape(outputs, taps), op.bias, rows, op.groups * taps)
    if isinstance(op, IntegerAffine):
        rows = np.broadcast_to(np.arange(op.weight.shape[1]), op.weight.shape)
        return _matrix_words(op.weight, op.bias, rows, op.weight.shape[1])
    if isinstance(op, IntegerScale):
        factors = [op.scale] if op.negative_scale is None else [op.scale, op.negative_scale]
        count = len(op.scale)
        rows = np.arange(len(factors) * count).reshape(len(factors), count).T
        return _matrix_words(np.stack(factors, axis=1), op.offset, rows, len(factors) * count)
    if isinstance(op, IntegerTable):
        entries = np.arange(len(op.table), dtype=np.int32)
        return Words(np.zeros_like(entries), entries, np.ones(len(entries), dtype=np.int8))
    return Words(np.zeros(0, dtype=np.int32), np.zeros(0, dtype=np.int32), np.zeros(0, dtype=np.int8))


def _matrix_words(weight: IntegerArray, bias: IntegerArray, rows: IntegerArray, last: int) -> Words:
    """Words of (channels, terms) weights and (channels,) biases, whose row is the last one."""
    channel = np.repeat(np.arange(len(weight)), weight.shape[1])
    values = np.concatenate([weight.reshape(-1), bias])
    return Words(
        np.concatenate([channel, np.arange(len(bias))]).astype(np.int32),
        np.concatenate([rows.reshape(-1), np.full(len(bias), last)]).astype(np.int32),
        (1 - 2 * (values & 1)).astype(np.int8),
    )


def gather_evidence(op: IntegerOperator, tensors: Mapping[str, Tensor], x: IntegerArray) -> Evidence:
    """The evidence of a frame (height, width, channels) at the input of an operator with weights."""
    rows = factor_rows(op, tensors, x)
    return Evidence(_with_ones(rows), weighted_sums(op, tensors[op.input].format, rows, rows))


def factor_rows(op: IntegerOperator, tensors: Mapping[str, Tensor], x: IntegerArray) -> NDArray[Any]:
    """The elements that each weight or factor is multiplied by, (rows, pixels)."""
    if isinstance(op, IntegerAffine):
        return x.reshape(-1, 1)
    if isinstance(op, IntegerConvolution):
        image = working_layout(x[np.newaxis], tensors[op.input].format)
        columns = window_columns(
            image,
            (op.weight.shape[1], op.weight.shape[2]),
            op.groups,
            op.stride,
            op.padding,
            op.dilation,
            op.padding_value,
        )
        return columns.reshape(-1, columns.shape[2])
    assert isinstance(op, IntegerScale)
    pixels = x.reshape(-1, x.shape[2]).T
    if op.negative_scale is None:
        return pixels
    return np.concatenate([np.maximum(pixels, 0), np.minimum(pixels, 0)])


def weighted_sums(op: IntegerOperator, fmt: Format, rows: NDArray[Any], negative_rows: NDArray[Any]) -> IntegerArray:
    """The accumulators (channels, pixels), where negative weights see `negative_rows`: the same, or other bounds."""
    if isinstance(op, IntegerScale):
        factors = op.scale if op.negative_scale is None else np.concatenate([op.scale, op.negative_scale])
        terms = np.where(factors[:, np.newaxis] < 0, negative_rows, rows) * factors[:, np.newaxis]
        scaled: IntegerArray = terms.reshape(-1, len(op.scale), terms.shape[1]).sum(axis=0) + op.offset[:, np.newaxis]
        if op.negative_offset and op.negative_scale is None:
            scaled = scaled + np.where(rows < 0, op.negative_offset, 0)
        return scaled
    assert isinstance(op, IntegerConvolution | IntegerAffine)
    groups = op.groups if isinstance(op, IntegerConvolution) else 1
    kind = working_type(op, fmt)
    weight = op.weight.reshape(groups, len(op.weight) // groups, -1)
    sides = [(weight, rows)]
    if negative_rows is not rows:
        sides = [(np.maximum(weight, 0), rows), (np.minimum(weight, 0), negative_rows)]
    sums = sum(
        np.matmul(part.astype(kind), side.reshape(groups, -1, side.shape[1]).astype(kind, copy=False)).astype(np.int64)
        for part, side in sides
    )
    result: IntegerArray = np.asarray(sums).reshape(len(op.weight), -1) + op.bias[:, np.newaxis]
    return result


def _with_ones(rows: NDArray[Any]) -> NDArray[Any]:
    return np.concatenate([rows, np.ones((1, rows.shape[1]), dtype=rows.dtype)])


def requantizer_of(op: IntegerOperator) -> Requantize | None:
    """The requantizer of an operator with weights."""
    assert isinstance(op, IntegerConvolution | IntegerAffine | IntegerScale)
    return op.requantize


def slack(sums: IntegerArray, rule: Requantize | None, fmt: Format) -> tuple[IntegerArray, IntegerArray]:
    """How far each sum (channels, pixels) can rise and how far fall before its result changes; NEVER: without end."""
    if rule is None:
        return np.zeros_like(sums), np.zeros_like(sums)
    result = requantize(sums, rule, fmt)
    shift = np.asarray(rule.shift, dtype=np.int64)[:, np.newaxis]
    least, greatest = rule.limits(fmt)
    up = _first_sum(result + 1, shift, rule) - 1 - sums
    down = sums - _first_sum(result, shift, rule)
    up = np.where(result == greatest, NEVER, np.minimum(up, NEVER))
    return up, np.where(result == least, NEVER, np.minimum(down, NEVER))


def _first_sum(result: IntegerArray, shift: IntegerArray, rule: Requantize) -> IntegerArray:
    """The least sum that is rounded to `result`: half a step below it, or one more where a tie goes down."""
    half = (np.int64(1) << shift) >> 1
    first = (result << shift) - (0 if rule.rounding == "floor" else half)
    too_small: Flags = round_shift(first, shift, rule.rounding) < result
    return np.where(too_small, first + 1, first)


def count_products(op: IntegerOperator, tensors: Mapping[str, Tensor]) -> int:
    """How many products with weights an operator computes in one frame."""
    height, width, channels = tensors[op.output].shape
    if isinstance(op, IntegerConvolution | IntegerAffine):
        return height * width * op.weight.size
    return height * width * channels


def frame_exercises(
    op: IntegerOperator, tensors: Mapping[str, Tensor], x: IntegerArray, words: Words, budget: Budget
) -> Flags:
    """Which of `words` one frame (height, width, channels) at the operator's input exercises."""
    if not len(words) or budget.left <= 0:
        return np.zeros(len(words), dtype=bool)
    if isinstance(op, IntegerTable):
        index = requantize(x.reshape(1, -1).astype(np.int64), op.requantize, op.index_format)
        reached: Flags = np.isin(words.row, index - op.index_format.minimum)
        return reached
    products = count_products(op, tensors)
    if not budget.spend(products // PRODUCTS_A_COMPARISON):
        return np.zeros(len(words), dtype=bool)
    evidence = gather_evidence(op, tensors, x)
    rule, fmt = requantizer_of(op), tensors[op.output].format
    up, down = slack(evidence.sums, rule, fmt)

    def confirm(some: IntegerArray, pixels: IntegerArray) -> Flags:
        return _changes(evidence, rule, fmt, words, some, pixels)

    return find_exercised(evidence.rows, (up, down), words, budget, confirm)


def find_exercised(
    rows: NDArray[Any],
    slacks: tuple[IntegerArray, IntegerArray],
    words: Words,
    budget: Budget,
    confirm: Callable[[IntegerArray, IntegerArray], Flags] | None = None,
) -> Flags:
    """Which words move their sum beyond its slack (up, down) at any pixel; no more of them than the budget allows.

    `confirm` is asked about indices of words and the pixel that was found for each.
    """
    found = np.zeros(len(words), dtype=bool)
    order = _scattered(rows.shape[1])
    both = np.concatenate(slacks).astype(np.int32)
    # Floats hold no more than 24 bits here.
    factors = (np.clip(rows, -NEVER, NEVER) if rows.dtype.kind == "i" else rows).astype(np.int32)
    for start in range(0, len(order), POSITIONS):
        pixels = order[start : start + POSITIONS]
        parts = np.ascontiguousarray(factors[:, pixels]), np.ascontiguousarray(both[:, pixels])
        unfound = np.flatnonzero(~found)
        for first in range(0, len(unfound), CHUNK):
            some = unfound[first : first + CHUNK]
            if not budget.spend(len(some) * (len(pixels) + WORD)):
                return found
            hits = _beyond(*parts, words, some)
            hit = hits.any(axis=1)
            if hit.any():
                some, witness = some[hit], pixels[hits[hit].argmax(axis=1)]
                found[some] = True if confirm is None else confirm(some, witness)
    return found


def _beyond(factors: NDArray[np.int32], both: NDArray[np.int32], words: Words, some: IntegerArray) -> Flags:
    """Where, (words, pixels), a change of these words moves a sum beyond its slack; `both` is up, then down."""
    up = words.channel[some] + np.where(words.delta[some] > 0, 0, len(both) // 2)
    moved = factors[words.row[some]]
    hits: Flags = moved > both[up]
    if moved.min(initial=0) < 0:
        down = words.channel[some] + np.where(words.delta[some] > 0, len(both) // 2, 0)
        hits |= -moved > both[down]
    return hits


def _scattered(pixels: int) -> IntegerArray:
    """All pixels in an order in which the first few lie all over the image."""
    step = max(1, int(pixels * 0.618))
    while np.gcd(step, pixels) != 1:
        step += 1
    return np.arange(pixels) * step % pixels


def _changes(
    evidence: Evidence,
    rule: Requantize | None,
    fmt: Format,
    words: Words,
    some: IntegerArray,
    pixels: IntegerArray,
) -> Flags:
    """Whether the reference's own requantizer gives another result for the changed words' sums."""
    channel = words.channel[some]
    before = evidence.sums[channel, pixels]
    after = before + words.delta[some] * evidence.rows[words.row[some], pixels].astype(np.int64)
    if rule is None:
        moved: Flags = after != before
        return moved
    shift = np.broadcast_to(np.asarray(rule.shift), len(evidence.sums))[channel]
    own = replace(rule, shift=tuple(shift.tolist()))
    pair = requantize(np.stack([before, after], axis=1), own, fmt)
    changed: Flags = pair[:, 0] != pair[:, 1]
    return changed
