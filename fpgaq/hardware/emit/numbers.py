"""The numbers of a network that an image holds, and their places among those of all layers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeAlias

import numpy as np

from ...integer.check.carried import CLIPPED
from ...integer.file import digest
from ...integer.graph import (
    IntegerAffine,
    IntegerArray,
    IntegerConvolution,
    IntegerGraph,
    IntegerOperator,
    IntegerScale,
    IntegerTable,
)
from ..schedule.widths import base_shift, lift_limit

Starts: TypeAlias = Mapping[str, Mapping[str, int]]
"""For each layer and source of numbers where its own start among those of all layers."""

LIFTED = (IntegerConvolution, IntegerAffine, IntegerScale)
"""Operators whose shifts and sums an image may change; a lift is what a shift falls short of the greatest."""


def is_limited(op: IntegerOperator) -> bool:
    """Whether an image holds the limits of an operator's results."""
    return isinstance(op, CLIPPED) and op.requantize is not None


def numbers_of(op: IntegerOperator, graph: IntegerGraph, base: int) -> dict[str, IntegerArray]:
    """What an image holds of an operator, by source; lifts are what its shifts fall short of `base`."""
    found: dict[str, IntegerArray] = {}
    if isinstance(op, IntegerConvolution | IntegerAffine):
        found = {"weight": op.weight.reshape(-1), "bias": op.bias, "lift": lifts_below(op, base)}
    if isinstance(op, IntegerScale):
        found = {"scale": op.scale, "offset": op.offset, "lift": lifts_below(op, base)}
        if op.negative_scale is not None:
            found["negative"] = op.negative_scale
    if isinstance(op, IntegerTable):
        found = {"entry": entries_by_address(op)}
    if isinstance(op, CLIPPED) and op.requantize is not None:
        low, high = op.requantize.limits(graph.tensors[op.output].format)
        found |= {"low": np.array([low]), "high": np.array([high])}
    return found


def lifts_below(op: IntegerConvolution | IntegerAffine | IntegerScale, base: int) -> IntegerArray:
    """What the shift of each channel falls short of `base`; 0 where nothing is shifted."""
    channels = len(op.offset if isinstance(op, IntegerScale) else op.bias)
    if op.requantize is None:
        return np.zeros(channels, dtype=np.int64)
    lifts: IntegerArray = base - np.broadcast_to(np.asarray(op.requantize.shift, dtype=np.int64), (channels,))
    return lifts


def entries_by_address(op: IntegerTable) -> IntegerArray:
    """A table in the order of its addresses, the bits of the index: those of negative ones are the upper half."""
    fmt = op.index_format
    entries: IntegerArray = np.roll(op.table, fmt.minimum)
    return entries


def starts_of(graph: IntegerGraph) -> Starts:
    """Where the numbers of each layer start."""
    found: dict[str, dict[str, int]] = {}
    counts: dict[str, int] = {}
    for op in graph.operators:
        own = numbers_of(op, graph, 0)
        if own:
            found[op.name] = {source: counts.get(source, 0) for source in own}
            counts |= {source: counts.get(source, 0) + numbers.size for source, numbers in own.items()}
    return found


def limits_of(graph: IntegerGraph) -> dict[str, tuple[int, int, int]]:
    """For each layer with weights or scales: bits of a bias or offset, greatest shift (-1: none), greatest lift.

    Accumulators have a bit more than what is added to their products.
    """
    return {
        op.name: (op.accumulator_width - 1, -1 if op.requantize is None else base_shift(op), lift_limit(op))
        for op in graph.operators
        if isinstance(op, LIFTED)
    }


def structure_of(graph: IntegerGraph) -> str:
    """SHA-256 of a network without what an image changes."""
    operators = tuple(map(_without_numbers, graph.operators))
    samples = {name: values[:0] for name, values in graph.samples.items()}
    return digest(replace(graph, operators=operators, name="", samples=samples))


def _without_numbers(op: IntegerOperator) -> IntegerOperator:
    if isinstance(op, CLIPPED) and op.requantize is not None:
        shift = (0,) if isinstance(op, LIFTED) else op.requantize.shift
        op = replace(op, requantize=replace(op.requantize, shift=shift, relu=False, low=None, high=None))
    if isinstance(op, IntegerConvolution | IntegerAffine):
        fmt, steps = replace(op.weight_format, frac=0, narrow=False), (0,) * len(op.bias)
        op = replace(op, weight_frac=steps, weight_format=fmt)
        return replace(op, weight=np.zeros_like(op.weight), bias=np.zeros_like(op.bias))
    if isinstance(op, IntegerScale):
        negative = None if op.negative_scale is None else np.zeros_like(op.negative_scale)
        return replace(op, scale=np.zeros_like(op.scale), offset=np.zeros_like(op.offset), negative_scale=negative)
    return replace(op, table=np.zeros_like(op.table)) if isinstance(op, IntegerTable) else op
