"""A network whose weights are loaded when it runs: accumulators proved for every number that an image may hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np

from ...base.errors import UnsupportedError, UsageError
from ...base.formats import MAX_WIDTH, Format
from ...integer.accumulators import input_interval, signed_width
from ...integer.check.carried import CLIPPED
from ...integer.graph import (
    IntegerAdd,
    IntegerAffine,
    IntegerConvolution,
    IntegerGraph,
    IntegerMultiply,
    IntegerOperator,
    IntegerScale,
    IntegerTable,
    Requantize,
    Tensor,
)

_WEIGHTED = frozenset(
    {"weight", "bias", "weight_frac", "weight_scale", "requantize", "accumulator_width", "weight_format"}
)
FREE: Mapping[type[IntegerOperator], frozenset[str]] = {
    IntegerConvolution: _WEIGHTED,
    IntegerAffine: _WEIGHTED,
    IntegerScale: frozenset({"scale", "offset", "negative_scale", "requantize", "accumulator_width"}),
    IntegerTable: frozenset({"table"}),
    IntegerAdd: frozenset({"requantize"}),
    IntegerMultiply: frozenset({"requantize"}),
}
"""Fields of operators that an image may change, or that are compared apart."""


def with_loadable_weights(graph: IntegerGraph) -> IntegerGraph:
    """The same network with accumulators as wide as any weights, biases, scales and offsets of their formats need.

    A bias has as many bits as the products' sum, or as those that are there; the accumulator has one more. So has an
    offset.

    Raises
    ------
    UnsupportedError
        A layer that multiplies to requantize (see `fpgaq.hardware.lowering.factors`), or whose accumulators a layer
        other than a scale reads.
    """
    readers: dict[str, list[IntegerOperator]] = {}
    for op in graph.operators:
        for name in op.inputs:
            readers.setdefault(name, []).append(op)
    tensors, operators = dict(graph.tensors), []
    for op in graph.operators:
        if isinstance(op, IntegerConvolution | IntegerAffine):
            _check_requantizer(op, readers.get(op.output, []))
            width = _checked(1 + loadable_bias_width(op, tensors[op.input]), op, "weights")
            op = replace(op, accumulator_width=width)
            if op.requantize is None:
                target = tensors[op.output]
                tensors[op.output] = replace(target, format=replace(target.format, width=width))
        if isinstance(op, IntegerScale):
            width = _checked(1 + loadable_offset_width(op, tensors[op.input]), op, f"scales of {op.scale_width} bits")
            op = replace(op, accumulator_width=width)
        operators.append(op)
    return replace(graph, operators=tuple(operators), tensors=tensors)


def _checked(width: int, op: IntegerOperator, what: str) -> int:
    if width > MAX_WIDTH:
        raise UnsupportedError(
            f"layer {op.name!r}: needs {width} bits for any {what}; to {MAX_WIDTH}: leave --weights loadable out"
        )
    return width


def loadable_offset_width(op: IntegerScale, source: Tensor) -> int:
    """Bits of an offset of a scale that may be loaded, which hold every product too."""
    fmt, most = source.format, 1 << (op.scale_width - 1)
    ends = [scale * value for scale in (-most, most - 1) for value in (fmt.minimum, fmt.maximum)]
    ends += [scale * fmt.minimum + op.negative_offset for scale in (-most, most - 1)]
    own = (int(np.min(op.offset)), int(np.max(op.offset)))
    return max(2, signed_width(min(*ends, 0), max(*ends, 0)), signed_width(min(*own, 0), max(*own, 0)))


def loadable_bias_width(op: IntegerConvolution | IntegerAffine, source: Tensor) -> int:
    """Bits of a bias that may be loaded."""
    interval = input_interval(source.format, getattr(op, "padding_value", 0))
    # All codes: whether a format leaves out the most negative one is a matter of the weights.
    full = replace(op.weight_format, narrow=False)
    ends = [weight * value for weight in (full.minimum, full.maximum) for value in interval]
    taps = int(op.weight[0].size)
    own = signed_width(int(np.min(op.bias)), int(np.max(op.bias)))
    return max(2, own, signed_width(min(*ends, 0) * taps, max(*ends, 0) * taps))


def _check_requantizer(op: IntegerConvolution | IntegerAffine, readers: Sequence[IntegerOperator]) -> None:
    rule = op.requantize
    if rule is not None and (op.weight_scale or not (rule.plain or rule.carried)):
        raise UnsupportedError(
            f"layer {op.name!r}: requantizes by a multiplier in a form that follows from its weights; leave --weights"
            " loadable out"
        )
    if rule is None and not all(isinstance(reader, IntegerScale) for reader in readers):
        raise UnsupportedError(
            f"layer {op.name!r}: its accumulators go to another layer, whose widths follow from the weights; leave"
            " --weights loadable out"
        )


def check_same(new: IntegerGraph, base: IntegerGraph, name: str) -> None:
    """Raise UsageError, which names the first difference, unless hardware of `base` runs an image of `new`.

    Weights, biases, the steps of weights and shifts may differ. `name` says in messages where `new` comes from.
    """
    _same(name, "number of layers", len(new.operators), len(base.operators))
    _same(name, "inputs", tuple(new.inputs), tuple(base.inputs))
    _same(name, "outputs", tuple(new.outputs), tuple(base.outputs))
    for mine, theirs in zip(new.operators, base.operators, strict=True):
        _check_layer(name, mine, theirs)
    raw = {op.output for op in base.operators if getattr(op, "requantize", 0) is None}
    ports = {*base.inputs, *base.outputs}
    for tensor in (*base.inputs, *(op.output for op in base.operators)):
        _check_tensor(name, new.tensors[tensor], base.tensors[tensor], tensor in raw, tensor in ports)
    for tensor in base.inputs:
        _same(name, f"transform of input {tensor!r}", new.transforms[tensor], base.transforms[tensor])


def _check_tensor(name: str, mine: Tensor, theirs: Tensor, is_raw: bool, is_port: bool) -> None:
    _same(name, f"shape of {mine.name!r}", mine.shape, theirs.shape)
    # Accumulators have the width of the hardware's, which the image's weights do not change.
    if mine.format != theirs.format and not (is_raw and mine.format.frac == theirs.format.frac):
        _same(name, f"format of {mine.name!r}", _format(mine.format), _format(theirs.format))
    # What an integer inside stands for is a matter of the multipliers; at the ports interface.json tells it.
    meanings = [(one.scale if is_port else one.scale is None, one.zero_point, one.offset) for one in (mine, theirs)]
    _same(name, f"scale, zero point and offset of {mine.name!r}", *meanings)


def _format(fmt: Format) -> str:
    return fmt.describe() + (" without its least code" if fmt.narrow else "")


def _check_layer(name: str, mine: IntegerOperator, theirs: IntegerOperator) -> None:
    where = f"layer {theirs.name!r}"
    _same(name, f"layer in the place of {theirs.name!r}", _kind(mine), _kind(theirs))
    free = FREE.get(type(theirs), frozenset())
    for field in fields(theirs):
        found, wanted = getattr(mine, field.name), getattr(theirs, field.name)
        if field.name in free:
            continue
        if isinstance(wanted, np.ndarray):
            equal = isinstance(found, np.ndarray) and np.array_equal(found, wanted)
            _same(name, f"{field.name} of {where}", "others" if not equal else "", "")
        else:
            _same(name, f"{field.name} of {where}", found, wanted)
    if isinstance(theirs, IntegerConvolution | IntegerAffine):
        _check_weighted(name, mine, theirs, where)
    if isinstance(theirs, IntegerScale):
        signs = [one.negative_scale is not None for one in (mine, theirs)]  # type: ignore[attr-defined]
        _same(name, f"scales of their own for negative elements of {where}", *signs)
    if isinstance(theirs, CLIPPED):
        shifts = not isinstance(theirs, IntegerAdd | IntegerMultiply)
        rules = [_rule(one.requantize, shifts) for one in (mine, theirs)]  # type: ignore[attr-defined]
        _same(name, f"requantizer of {where},{' its shifts and limits' if shifts else ' its limits'} apart,", *rules)


def _check_weighted(name: str, mine: Any, theirs: Any, where: str) -> None:
    _same(name, f"shape of the weights of {where}", mine.weight.shape, theirs.weight.shape)
    _same(name, f"bits of the weights of {where}", mine.weight_format.width, theirs.weight_format.width)


def _rule(rule: Requantize | None, shifts: bool) -> str:
    """A requantizer without its limits, and without its shifts where an image changes them."""
    if rule is None:
        return "none"
    return rule.rounding if shifts else f"{rule.rounding}, shift {rule.shift[0]}"


def _kind(op: IntegerOperator) -> str:
    return f"{op.name} ({type(op).__name__.removeprefix('Integer').lower()})"


def _same(name: str, what: str, found: object, wanted: object) -> None:
    if found == wanted:
        return
    told = (
        f"{found}, the hardware has {wanted}" if wanted != "" else "others than in the hardware, where they are fixed"
    )
    raise UsageError(
        f"{name}: {what}: {str(told)[:300]}; an image changes weights, biases, scales, offsets, tables, shifts and"
        " limits only: generate the hardware anew"
    )
