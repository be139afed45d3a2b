"""Checks of windows, sums of products, accumulators and requantizers that several integer operators share."""

from __future__ import annotations

import math
from typing import NoReturn

import numpy as np

from ...base.errors import ModelError
from ...base.formats import MAX_WIDTH, ROUNDINGS, Format
from ...model.graph import window_count
from ..accumulators import Bounds, operator_bounds
from ..graph import (
    RULES,
    IntegerAffine,
    IntegerConvolution,
    IntegerMaxPooling,
    IntegerOperator,
    IntegerSumPooling,
    Requantize,
    Tensor,
)
from ..requantizers import MAX_PRODUCT_BITS, product_bits

MAX_WEIGHT_WIDTH = 32
MAX_MULTIPLIER_BITS = 31


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
    check_weight_scale(op, source)
    bounds = check_accumulator(op, op.accumulator_width, source.format)
    scales = tuple(source.format.frac + frac for frac in op.weight_frac)
    if op.requantize is not None:
        # The biases may hold the output's zero point.
        check_requantize(op, op.requantize, scales, target, bounds, (source,), _adds_zero(op.requantize))
    elif len(set(scales)) != 1 or target.format != Format(op.accumulator_width, scales[0]) or target.zero_point:
        refuse("layer", op.name, f"leaves its accumulator as output, but that is declared {target.format.describe()}")


def _adds_zero(rule: Requantize) -> bool:
    """Whether a requantizer adds the output's zero point itself."""
    return isinstance(rule, Requantize) and rule.zero_point != 0


def check_weight_scale(op: IntegerConvolution | IntegerAffine, source: Tensor) -> None:
    """Steps of weights that are no powers of two stand where those of the input are none."""
    outputs = op.weight.shape[0]
    if (source.scale is None) != (not op.weight_scale):
        refuse("layer", op.name, "has arbitrary scales of the input or of the weights alone; both or neither is needed")
    if op.weight_scale and (len(op.weight_scale) not in (1, outputs) or any(op.weight_frac)):
        refuse("layer", op.name, f"has {len(op.weight_scale)} weight scales, or fractional bits as well, for {outputs}")
    if not all(math.isfinite(scale) and scale > 0 for scale in op.weight_scale):
        refuse("layer", op.name, "has weight scales that are not positive numbers")
    if op.requantize is None and len(set(op.weight_scale)) > 1:
        refuse("layer", op.name, "leaves its accumulator as output, whose channels have different scales")


def check_accumulator(op: IntegerOperator, width: int, *formats: Format) -> Bounds:
    """The stated width against the proof, which is returned."""
    if not 1 <= width <= MAX_WIDTH:
        refuse("layer", op.name, f"has an accumulator of {width} bits; 1 to {MAX_WIDTH} are allowed")
    bounds = operator_bounds(op, *formats)
    if width < bounds.width:
        refuse("layer", op.name, f"has an accumulator of {width} bits where {bounds.width} are needed")
    return bounds


def check_rule(op: IntegerOperator, rule: Requantize | None, outputs: int, fmt: Format, bounds: Bounds) -> None:
    """A requantizer by itself, for `outputs` channels: its rule, rounding, shifts, limits, and no overflow."""
    if not isinstance(rule, Requantize):
        refuse("layer", op.name, "lacks its requantizer")
    if rule.rule not in RULES:
        refuse("layer", op.name, f"requantizes by {rule.rule!r}; allowed: {', '.join(RULES)}")
    if rule.rounding not in ROUNDINGS:
        refuse("layer", op.name, f"rounds by {rule.rounding!r}; allowed: {', '.join(ROUNDINGS)}")
    if len(rule.shift) not in (1, outputs):
        refuse("layer", op.name, f"has {len(rule.shift)} shifts for {outputs} outputs")
    if min(rule.shift) < 0 or max(rule.shift) >= MAX_WIDTH:
        refuse("layer", op.name, f"has shifts {min(rule.shift)}..{max(rule.shift)}; 0 to {MAX_WIDTH - 1} are allowed")
    _check_multipliers(op, rule, outputs, bounds)
    least, greatest = rule.limits(fmt)
    ends = [end for end in (rule.low, rule.high, rule.zero_point) if end is not None]
    if least > greatest or any(not fmt.minimum <= end <= fmt.maximum for end in ends):
        refuse(
            "layer",
            op.name,
            f"clips at {rule.low}..{rule.high} around zero point {rule.zero_point}, beyond {fmt.describe()}",
        )
    if rule.relu and (rule.zero_point or rule.low is not None):
        refuse("layer", op.name, "has both a relu and a zero point or lower limit; the limit alone is needed")


def _check_multipliers(op: IntegerOperator, rule: Requantize, outputs: int, bounds: Bounds) -> None:
    if rule.rule == "shift":
        if rule.multiplier != (1,) or rule.offset != (0,):
            refuse("layer", op.name, "has multipliers or offsets, which the rule 'shift' does not have")
        return
    if len(rule.multiplier) not in (1, outputs) or len(rule.offset) not in (1, outputs):
        refuse("layer", op.name, f"has {len(rule.multiplier)} multipliers, {len(rule.offset)} offsets for {outputs}")
    if min(rule.multiplier) < 1 or max(rule.multiplier) >= 1 << MAX_MULTIPLIER_BITS:
        refuse("layer", op.name, f"has multipliers beyond 1..2**{MAX_MULTIPLIER_BITS} - 1")
    if rule.rule == "tflite_double":
        left = max(31 - min(rule.shift), 0)
        if rule.offset != (0,) or rule.rounding != "half_up":
            refuse("layer", op.name, "has an offset or a rounding that the rule 'tflite_double' does not have")
        if bounds.width + left > 32:
            refuse("layer", op.name, f"has accumulators of {bounds.width} bits and {left} more; LiteRT's have 32")
    bits = product_bits(rule, bounds.lower, bounds.upper)
    if bits > MAX_PRODUCT_BITS:
        refuse("layer", op.name, f"needs {bits} bits for accumulator times multiplier; to {MAX_PRODUCT_BITS}")


def check_requantize(
    op: IntegerOperator,
    rule: Requantize,
    scales: tuple[int, ...],
    target: Tensor,
    bounds: Bounds,
    sources: tuple[Tensor, ...],
    adds: bool = True,
) -> None:
    """A requantizer that leads from accumulators of the fractional bits `scales` to the output.

    Without `adds` the output's zero point is in an input already. Where scales are arbitrary, the importer has chosen
    multipliers by the scales of the file; there is nothing to hold them against here.
    """
    fmt = target.format
    check_rule(op, rule, len(scales), fmt, bounds)
    if adds and rule.zero_point != target.zero_point:
        refuse("layer", op.name, f"adds {rule.zero_point} where the output's zero point is {target.zero_point}")
    if any(tensor.scale is not None for tensor in (*sources, target)):
        return
    if rule.rule != "shift":
        refuse("layer", op.name, f"requantizes by {rule.rule!r} between powers of two, where only 'shift' is allowed")
    shifts = rule.shift * len(scales) if len(rule.shift) == 1 else rule.shift
    if any(scale - shift != fmt.frac for scale, shift in zip(scales, shifts, strict=True)):
        refuse("layer", op.name, f"has shifts that do not lead from its accumulators to {fmt.describe()}")
