"""The algebra of folding: a per-channel ``x * scale + offset`` after or before a layer with weights.

Computed in float64 and rounded to float32 once. Exact in real numbers, or not done.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..graph import Affine, Array, Convolution, Deconvolution, Shape

Vector: TypeAlias = NDArray[np.float64]
Linear: TypeAlias = Convolution | Affine | Deconvolution


def rounded(values: Vector) -> Array:
    """To float32; an overflow becomes infinite, which `graph.check` reports with layer and index."""
    with np.errstate(over="ignore"):
        return values.astype(np.float32)


def output_channels(op: Linear) -> int:
    """How many channels the layer has at its output."""
    return op.weight.shape[1] * op.groups if isinstance(op, Deconvolution) else op.weight.shape[0]


def _bias(op: Linear) -> Vector:
    return np.zeros(output_channels(op)) if op.bias is None else op.bias.astype(np.float64)


def fold_behind(op: Linear, scale: Vector, offset: Vector) -> Linear:
    """The layer that computes ``op(x) * scale + offset``, with one scale and offset for each output channel."""
    with np.errstate(over="ignore", invalid="ignore"):
        weight = op.weight.astype(np.float64)
        if isinstance(op, Deconvolution):
            grouped = weight.reshape(op.groups, -1, *weight.shape[1:]) * scale.reshape(op.groups, 1, -1, 1, 1)
            weight = grouped.reshape(weight.shape)
        else:
            weight = weight * scale.reshape(-1, *(1,) * (weight.ndim - 1))
        return replace(op, weight=rounded(weight), bias=rounded(_bias(op) * scale + offset))


def fold_before(op: Linear, shape: Shape, scale: Vector, offset: Vector) -> Linear | None:
    """The layer that computes ``op(x * scale + offset)``, with one scale and offset for each channel of `shape`.

    None where no layer does. Outside the image the layer in front adds nothing: a pixel there stays `padding_value`,
    which in terms of x is ``(padding_value - offset) / scale``; one such value must serve all channels. A transposed
    convolution has fewer taps at its border, so that it can take in scales alone.
    """
    weight = op.weight.astype(np.float64)
    if isinstance(op, Affine):
        repeats = int(np.prod(shape)) // len(scale)
        factors, terms = np.repeat(scale, repeats), np.repeat(offset, repeats)
        return replace(op, weight=rounded(weight * factors), bias=_moved_bias(op, weight @ terms))
    if isinstance(op, Deconvolution):
        return None if offset.any() else replace(op, weight=rounded(weight * scale[:, None, None, None]))
    padding_value = op.padding_value
    if any(op.padding):
        border = _border(op.padding_value, scale, offset)
        if border is None:
            return None
        padding_value = border
    per_group = op.weight.shape[1]
    outputs_per_group = op.weight.shape[0] // op.groups
    channels = np.arange(op.weight.shape[0])[:, None] // outputs_per_group * per_group + np.arange(per_group)
    added = (weight.sum(axis=(2, 3)) * offset[channels]).sum(axis=1)
    folded = rounded(weight * scale[channels][:, :, None, None])
    return replace(op, weight=folded, bias=_moved_bias(op, added), padding_value=padding_value)


def _border(value: float, scale: Vector, offset: Vector) -> float | None:
    """The value outside the image before ``x * scale + offset`` that becomes `value` after it, if there is one."""
    if not scale.all():
        return None
    with np.errstate(over="ignore"):
        values = (value - offset) / scale
    return float(values[0]) + 0.0 if np.isfinite(values).all() and (values == values[0]).all() else None


def _moved_bias(op: Linear, added: Vector) -> Array | None:
    return op.bias if op.bias is None and not added.any() else rounded(_bias(op) + added)
