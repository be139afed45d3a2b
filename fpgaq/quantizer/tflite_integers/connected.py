"""FULLY_CONNECTED, whose kernel in LiteRT multiplies accumulators by the scale in float64 and rounds half away."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...base.errors import ModelError, UnsupportedError
from ...base.formats import Format, round_real
from ...integer.accumulators import operator_bounds, signed_width
from ...integer.graph import (
    ImageShape,
    IntegerAdd,
    IntegerAffine,
    IntegerArray,
    IntegerConvolution,
    IntegerScale,
    Requantize,
)
from ...integer.least_multipliers import without_idle_limits
from ...integer.staircase import Range
from ...integer.wide_multipliers import WideMultiplier
from .conversion import PLAIN, Call, Stored
from .multipliers import float_rule
from .products import Weights, check_results, proved_spans, read_bias, read_weights, weight_format, weight_steps


def fully_connected(call: Call) -> None:
    """FULLY_CONNECTED, on the whole frame or on each pixel."""
    call.count(2, 3)
    if call.options.integer("WeightsFormat"):
        raise UnsupportedError(f"{call.where}: shuffled weights; supported: weights in their plain order")
    call.options.skip("AsymmetricQuantizeInputs", "KeepNumDims")
    source, weights = call.value(0), read_weights(call, 1, 0)
    outputs, features = weights.integers.shape if weights.integers.ndim == 2 else (0, 0)
    total = int(np.prod(source.shape))
    if features < 1 or total % features:
        raise ModelError(
            f"{call.where}: weights of shape {list(weights.integers.shape)} for an input of {list(source.shape)}"
        )
    bias, _ = read_bias(call, 2, outputs)
    if total == features:
        made = _on_frame(call, source, weights, bias)
    else:
        made = _on_pixels(call, Stored(source.tensor, (1, total // features, features)), weights, bias)
    call.options.integer("QuantizedBiasType")
    call.write(made)


def _on_frame(call: Call, source: Stored, weights: Weights, bias: IntegerArray) -> Stored:
    tensor, values = call.owner.tensors[source.tensor], weights.integers
    op = IntegerAffine(
        call.name, (tensor.name,), call.name, values, bias - tensor.zero_point * values.sum(axis=1),
        weight_format(values), (0,) * len(values), 2, PLAIN, weight_steps(weights.scale),
    )  # fmt: skip
    return _rescaled(call, op, weights, (1, 1, len(values)))


def _on_pixels(call: Call, source: Stored, weights: Weights, bias: IntegerArray) -> Stored:
    image, values = call.as_image(source), weights.integers[:, np.newaxis, np.newaxis, :]
    tensor = call.owner.tensors[image.tensor]
    op = IntegerConvolution(
        call.name, (tensor.name,), call.name, values, bias - tensor.zero_point * values.sum(axis=(1, 2, 3)),
        weight_format(values), (0,) * len(values), (1, 1), (0, 0, 0, 0), (1, 1), 1, tensor.zero_point, 2, PLAIN,
        weight_steps(weights.scale),
    )  # fmt: skip
    return _rescaled(call, op, weights, (*tensor.shape[:2], len(values)))


def _rescaled(call: Call, op: IntegerAffine | IntegerConvolution, weights: Weights, shape: ImageShape) -> Stored:
    """The layer with its requantizer, or its accumulators and what multiplies them by more than 31 bits."""
    read, written = call.read, call.written
    scales = [read.step * float(scale) / written.step for scale in weights.scale]
    if not all(scale > 0 for scale in scales):
        raise UnsupportedError(f"{call.where}: weights with a scale of 0")
    spans = proved_spans(call, op, read.format)
    scales = scales * len(spans) if len(scales) == 1 else scales
    ends = np.array([[end * scale for end in span] for span, scale in zip(spans, scales, strict=True)])
    check_results(call, (int(end) for end in round_real(ends, "half_away").flat), written.zero_point)
    rule = float_rule(scales, spans, written.zero_point, call.limits(), written.format)
    if rule is None:
        raise UnsupportedError(f"{call.where}: no multiplier gives the steps that LiteRT's kernel has in float64")
    if isinstance(rule, Requantize):
        return call.owner.put(replace(op, requantize=rule), shape, written)
    return _in_two_parts(call, op, rule, spans, shape)


def _in_two_parts(
    call: Call,
    op: IntegerAffine | IntegerConvolution,
    wide: WideMultiplier,
    spans: tuple[Range, ...],
    shape: ImageShape,
) -> Stored:
    """Accumulators times a multiplier of more than 31 bits, in two factors that operators have.

    ``floor((a * (high * 2**bits + low) + half) / 2**shift)`` is, exactly,
    ``floor((a * high + floor(a * low / 2**bits) + half / 2**bits) / 2**(shift - bits))``.
    """
    owner, written, outputs = call.owner, call.written, shape[2]
    bits, rest = wide.low_bits, wide.shift - wide.low_bits
    half = ((1 << rest) >> 1) + (written.zero_point << rest)
    width = max(2, operator_bounds(op, call.read.format).width)
    bare = replace(op, requantize=None, output=f"{op.output}.sums", weight_scale=op.weight_scale[:1])
    sums = owner.put(bare, shape, None, Format(width, 0))
    parts: list[Stored] = []
    for part, offset, rule in (
        (wide.high, half, Requantize((0,), "floor")),
        (wide.low, 0, Requantize((bits,), "floor")),
    ):
        factors = np.broadcast_to(np.array(part, np.int64), outputs).copy()
        totals = [end * int(factor) + offset for span, factor in zip(spans, factors, strict=True) for end in (*span, 0)]
        if _width(totals) > 64:
            raise UnsupportedError(
                f"{call.where}: a multiplier of {wide.bits} bits for accumulators of {width}; each half of such a"
                " product has at most 64 bits"
            )
        fmt = Format(_width([total >> rule.shift[0] for total in totals]), 0)
        name = f"{call.name}.product{len(parts)}"
        scale = IntegerScale(
            name, (sums.tensor,), name, factors, np.full(outputs, offset, np.int64), None,
            max(2, int(factors.max()).bit_length() + 1), 2, rule,
        )  # fmt: skip
        parts.append(owner.put(scale, shape, None, fmt))
    low, high = call.limits()
    last = without_idle_limits(Requantize((rest,), "floor", low=low, high=high), written.format)
    names = (parts[0].tensor, parts[1].tensor)
    owner.remarks.append(f"{call.where}: a multiplier of {wide.bits} bits, in two parts")
    return owner.put(IntegerAdd(call.name, names, call.name, (0, 0), (1, 1), 2, last, (1, 1)), shape, written)


def _width(values: list[int]) -> int:
    """Signed bits that hold all values."""
    return max(2, signed_width(min(*values, 0), max(*values, 0)))
