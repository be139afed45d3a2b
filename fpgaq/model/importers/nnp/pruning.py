"""nnabla's Prune of computed values: the smallest of each frame by magnitude become zero.

An element stays if it is not below the one at place k of all magnitudes in order, counted from 0: if more than k of
them are at most as large. That compares all pairs, which no small memory and any order of the stream can do.
"""

from __future__ import annotations

import math

import numpy as np

from ....base.errors import ModelError, UnsupportedError
from ...graph import Add, AveragePooling, Multiply, Operator, Pointwise, Reshape, Shape, Upsample
from .function import Converted, Converter, Function, parameter_count
from .proto_fields import Fields

MOST_ELEMENTS = 1024
"""Of a frame: its pairs take a cycle each."""


def prune_place(rate: float, count: int) -> int:
    """The place of the least magnitude that stays among all in order, as nnabla 1.39 computes it."""
    return int((count - 1) * np.float32(rate))


def _prune(function: Function, arguments: Fields) -> Converted:
    parameter_count(function, 0, 0)
    rate, shape, count = arguments.real("rate"), function.shape, math.prod(function.shape)
    if not 0 <= rate < 1:
        raise ModelError(f"{function.where}: rate {rate}; supported: 0 to below 1")
    if count > MOST_ELEMENTS:
        raise UnsupportedError(
            f"{function.where}: prunes {count} computed values, which are compared pair by pair; supported: at most"
            f" {MOST_ELEMENTS} a frame; prune parameters instead"
        )
    function.note("prunes each frame by itself, as nnabla does with a batch of 1")
    found: Converted = []

    def put(kind: type[Operator], name: str, inputs: tuple[str, ...], made: Shape, **fields: object) -> str:
        written = function.output if name == "" else function.fresh(name)
        label = function.name if name == "" else f"{function.name}/{name}"
        found.append((kind(label, inputs, written, **fields), made))
        return written

    magnitudes = put(Pointwise, "magnitudes", function.inputs, shape, function="abs")
    column = put(Reshape, "column", (magnitudes,), (1, count, 1))
    row = put(Reshape, "row", (magnitudes,), (1, 1, count))
    own = put(Upsample, "own", (column,), (1, count, count), factor=(1, count))
    others = put(Upsample, "others", (row,), (1, count, count), factor=(count, 1))
    beyond = put(Add, "beyond", (own, others), (1, count, count), signs=(1, -1))
    smaller = put(Pointwise, "smaller", (beyond,), (1, count, count), function="at_least", parameters=(0.0,))
    window = (1, count)
    rank = put(AveragePooling, "rank", (smaller,), (1, count, 1), kernel=window, stride=window, sum_only=True)
    limit = prune_place(rate, count) + 0.5
    stays = put(Pointwise, "stays", (rank,), (1, count, 1), function="above", parameters=(limit,))
    mask = put(Reshape, "mask", (stays,), shape)
    put(Multiply, "", (function.data, mask), shape)
    return found


PRUNING: dict[str, tuple[str, Converter]] = {"Prune": ("prune_param", _prune)}
