"""Checks of windows, sums of products, accumulators and requantizers that several integer operators share."""

from __future__ import annotations

from typing import NoReturn

import numpy as np

from ..accumulators import operator_bounds
from ..errors import ModelError
from ..formats import MAX_WIDTH, ROUNDINGS, Format
from ..graph import window_count
from ..integer_graph import (
    IntegerAffine,
    IntegerConvolution,
    IntegerMaxPooling,
    IntegerOperator,
    IntegerSumPooling,
    Requantize,
    Tensor,
)

MAX_WEIGHT_WIDTH = 32


def refuse(kind: str, name: str, reason: str) -> NoReturn:
    """Raise ModelError about one layer, tensor or network."""
    raise ModelError(f"integer network: {kind} {name!r} {reason}")


def check_shape(op: IntegerOperator, computed: tuple[int, int, int], target: Tensor) -> None:
    """The shape that `op` computes against the declared one."""
    if computed != target.shape:
        refuse("layer", op.name, f"computes {computed} but its output is declared {target.shape}")


def windows(
    op: IntegerConvolution | IntegerMaxPooling | IntegerSumPooling, source: Tensor, channels: int
) -> tuple[int, int, int]:
    """The output shape, after a look at the geometry."""
    convolves = isinstance(op, IntegerConvolution)
    kernel = (op.weight.shape[1], op.weight.shape[2]) if isinstance(op, IntegerConvolution) else op.kernel
    dilation = op.dilation if isinstance(op, IntegerConvolution) else (1, 1)
    if (len(kernel), len(op.stride), len(dilation), len(op.padding)) != (2, 2, 2, 4):
        refuse("layer", op.name, "has kernel, stride, dilation or padding of a wrong length")
    if min(*kernel, *op.stride, *dilation) < 1 or min(op.padding) < 0:
        refuse("layer", op.name, "has a kernel, stride or dilation below 1 or a negative padding")
    top, bottom, left, right = op.padding
    if not convolves and (max(top, bottom) >= kernel[0] or max(left, right) >= kernel[1]):
        refuse("layer", op.name, f"has padding {op.padding} that fills a whole window of {kernel}")
    return (
        window_count(source.shape[0], kernel[0], op.stride[0], dilation[0], top, bottom),
        window_count(source.shape[1], kernel[1], op.stride[1], dilation[1], left, right),
        channels,
    )


def check_convolution(op: IntegerConvolution, source: Tensor, target: Tensor) -> None:
    """Geometry, groups and padding value."""
    outputs, _, _, depth = op.weight.shape
    check_shape(op, windows(op, source, outputs), target)
    if op.groups < 1 or outputs % op.groups or depth * op.groups != source.shape[2]:
        refuse("layer", op.name, f"has weights {op.weight.shape} in {op.groups} groups for {source.shape[2]} channels")
    if not source.format.minimum <= op.padding_value <= source.format.maximum:
        refuse("layer", op.name, f"pads with {op.padding_value}, which {source.format.describe()} does not hold")


def check_sums(op: IntegerConvolution | IntegerAffine, source: Tensor, target: Tensor) -> None:
    """Weights, biases, accumulator and requantizer."""
    outputs = op.weight.shape[0]
    if op.bias.shape != (outputs,) or len(op.weight_frac) != outputs or op.weight_frac[0] != op.weight_format.frac:
        refuse("layer", op.name, f"has biases or weight scales that do not fit {outputs} outputs")
    if op.weight.dtype != np.int64 or op.bias.dtype != np.int64:
        refuse("layer", op.name, f"has parameters of {op.weight.dtype} and {op.bias.dtype}; int64 is needed")
    if not op.weight_format.signed or op.weight_format.width > MAX_WEIGHT_WIDTH:
        refuse("layer", op.name, f"has weights of {op.weight_format.describe()}; signed, to {MAX_WEIGHT_WIDTH} bits")
    if op.weight.min() < op.weight_format.minimum or op.weight.max() > op.weight_format.maximum:
        refuse("layer", op.name, f"has weights beyond the range of {op.weight_format.describe()}")
    check_accumulator(op, op.accumulator_width, source.format)
    scales = tuple(source.format.frac + frac for frac in op.weight_frac)
    if op.requantize is not None:
        check_requantize(op, op.requantize, scales, target.format)
    elif len(set(scales)) != 1 or target.format != Format(op.accumulator_width, scales[0]):
        refuse("layer", op.name, f"leaves its accumulator as output, but that is declared {target.format.describe()}")


def check_accumulator(op: IntegerOperator, width: int, *formats: Format) -> None:
    """The stated width against the proof."""
    if not 1 <= width <= MAX_WIDTH:
        refuse("layer", op.name, f"has an accumulator of {width} bits; 1 to {MAX_WIDTH} are allowed")
    needed = operator_bounds(op, *formats).width
    if width < needed:
        refuse("layer", op.name, f"has an accumulator of {width} bits where {needed} are needed")


def check_rule(op: IntegerOperator, rule: Requantize | None, outputs: int) -> None:
    """A requantizer by itself: its rule, rounding, and shifts for `outputs` channels (or one for all)."""
    if not isinstance(rule, Requantize):
        refuse("layer", op.name, "lacks its requantizer")
    if rule.rule != "shift":
        refuse("layer", op.name, f"requantizes by {rule.rule!r}; only 'shift' is supported")
    if rule.rounding not in ROUNDINGS:
        refuse("layer", op.name, f"rounds by {rule.rounding!r}; allowed: {', '.join(ROUNDINGS)}")
    if len(rule.shift) not in (1, outputs):
        refuse("layer", op.name, f"has {len(rule.shift)} shifts for {outputs} outputs")
    if min(rule.shift) < 0 or max(rule.shift) >= MAX_WIDTH:
        refuse("layer", op.name, f"has shifts {min(rule.shift)}..{max(rule.shift)}; 0 to {MAX_WIDTH - 1} are allowed")


def check_requantize(op: IntegerOperator, rule: Requantize, scales: tuple[int, ...], fmt: Format) -> None:
    """A requantizer that leads from accumulators of the fractional bits `scales` to `fmt`."""
    check_rule(op, rule, len(scales))
    shifts = rule.shift * len(scales) if len(rule.shift) == 1 else rule.shift
    if any(scale - shift != fmt.frac for scale, shift in zip(scales, shifts, strict=True)):
        refuse("layer", op.name, f"has shifts that do not lead from its accumulators to {fmt.describe()}")
