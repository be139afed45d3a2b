"""A network whose weights are loaded when it runs: accumulators proved for all weights and biases of their formats."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np

from ...base.errors import UnsupportedError, UsageError
from ...integer.accumulators import input_interval, signed_width
from ...integer.graph import IntegerAffine, IntegerConvolution, IntegerGraph, IntegerOperator, Requantize, Tensor

FREE = frozenset({"weight", "bias", "weight_frac", "requantize", "accumulator_width", "weight_format"})
"""Fields of a layer with weights that an image may change, or that are compared apart."""


def with_loadable_weights(graph: IntegerGraph) -> IntegerGraph:
    """The same network with accumulators as wide as any weights and biases of their formats need.

    A bias has as many bits as the products' sum, or as those that are there; the accumulator has one more.

    Raises
    ------
    UnsupportedError
        A layer that multiplies to requantize, or whose accumulators another layer reads.
    """
    read = {name for op in graph.operators for name in op.inputs}
    tensors, operators = dict(graph.tensors), []
    for op in graph.operators:
        if isinstance(op, IntegerConvolution | IntegerAffine):
            _check_requantizer(op, read)
            width = 1 + loadable_bias_width(op, graph.tensors[op.input])
            op = replace(op, accumulator_width=width)
            if op.requantize is None:
                target = tensors[op.output]
                tensors[op.output] = replace(target, format=replace(target.format, width=width))
        operators.append(op)
    return replace(graph, operators=tuple(operators), tensors=tensors)


def loadable_bias_width(op: IntegerConvolution | IntegerAffine, source: Tensor) -> int:
    """Bits of a bias that may be loaded."""
    interval = input_interval(source.format, getattr(op, "padding_value", 0))
    # All codes: whether a format leaves out the most negative one is a matter of the weights.
    full = replace(op.weight_format, narrow=False)
    ends = [weight * value for weight in (full.minimum, full.maximum) for value in interval]
    taps = int(op.weight[0].size)
    own = signed_width(int(np.min(op.bias)), int(np.max(op.bias)))
    return max(2, own, signed_width(min(*ends, 0) * taps, max(*ends, 0) * taps))


def _check_requantizer(op: IntegerConvolution | IntegerAffine, read: set[str]) -> None:
    rule = op.requantize
    if op.weight_scale or (rule is not None and not (rule.plain or rule.carried)):
        raise UnsupportedError(
            f"layer {op.name!r}: requantizes by a multiplier, which is chosen from its weights; weights that are loaded"
            " need powers of two as steps: quantize the model by fpgaq, or leave --weights loadable out"
        )
    if rule is None and op.output in read:
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
    for tensor in (*base.inputs, *(op.output for op in base.operators)):
        _check_tensor(name, new.tensors[tensor], base.tensors[tensor], tensor in base.outputs)
    for tensor in base.inputs:
        _same(name, f"transform of input {tensor!r}", new.transforms[tensor], base.transforms[tensor])


def _check_tensor(name: str, mine: Tensor, theirs: Tensor, is_output: bool) -> None:
    _same(name, f"shape of {mine.name!r}", mine.shape, theirs.shape)
    # An output that leaves as accumulators has their width, which the image's weights do not change.
    if mine.format != theirs.format and not (is_output and mine.format.frac == theirs.format.frac):
        _same(name, f"format of {mine.name!r}", mine.format.describe(), theirs.format.describe())
    _same(name, f"scale, zero point and offset of {mine.name!r}", _meaning(mine), _meaning(theirs))


def _meaning(tensor: Tensor) -> tuple[Any, ...]:
    return tensor.scale, tensor.zero_point, tensor.offset


def _check_layer(name: str, mine: IntegerOperator, theirs: IntegerOperator) -> None:
    _same(name, f"layer in the place of {theirs.name!r}", _kind(mine), _kind(theirs))
    weighted = isinstance(theirs, IntegerConvolution | IntegerAffine)
    for field in fields(theirs):
        found, wanted = getattr(mine, field.name), getattr(theirs, field.name)
        if weighted and field.name in FREE:
            continue
        if isinstance(wanted, np.ndarray):
            equal = isinstance(found, np.ndarray) and np.array_equal(found, wanted)
            _same(name, f"{field.name} of layer {theirs.name!r}", "others" if not equal else "", "")
        else:
            _same(name, f"{field.name} of layer {theirs.name!r}", found, wanted)
    if weighted:
        _check_weighted(name, mine, theirs)


def _check_weighted(name: str, mine: Any, theirs: Any) -> None:
    where = f"layer {theirs.name!r}"
    _same(name, f"shape of the weights of {where}", mine.weight.shape, theirs.weight.shape)
    _same(name, f"bits of the weights of {where}", mine.weight_format.width, theirs.weight_format.width)
    rules = [rule and replace(rule, shift=(0,)) for rule in (mine.requantize, theirs.requantize)]
    _same(name, f"requantizer of {where}, its shifts apart,", *map(_rule, rules))


def _rule(rule: Requantize | None) -> str:
    if rule is None:
        return "none"
    return f"{rule.rounding}, relu {rule.relu}, limits {rule.low} and {rule.high}"


def _kind(op: IntegerOperator) -> str:
    return f"{op.name} ({type(op).__name__.removeprefix('Integer').lower()})"


def _same(name: str, what: str, found: object, wanted: object) -> None:
    if found == wanted:
        return
    told = (
        f"{found}, the hardware has {wanted}" if wanted != "" else "others than in the hardware, where they are fixed"
    )
    raise UsageError(
        f"{name}: {what}: {str(told)[:300]}; an image changes weights, biases and shifts only: generate the hardware"
        " anew"
    )
