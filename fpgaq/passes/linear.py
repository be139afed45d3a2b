"""The algebra of folding: a per-channel ``x * scale + offset`` behind or before a Convolution or Affine.

Computed in float64 and rounded to float32 once. Exact in real numbers, or refused.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..errors import UnsupportedError
from ..graph import Affine, Array, Convolution, Shape

Vector: TypeAlias = NDArray[np.float64]
Linear: TypeAlias = Convolution | Affine


def rounded(values: Vector) -> Array:
    """To float32; what overflows becomes infinite, which `graph.check` reports with layer and index."""
    with np.errstate(over="ignore"):
        return values.astype(np.float32)


def _bias(op: Linear) -> Vector:
    return np.zeros(op.weight.shape[0]) if op.bias is None else op.bias.astype(np.float64)


def fold_behind(op: Linear, scale: Vector, offset: Vector) -> Linear:
    """The layer that computes ``op(x) * scale + offset``, with one scale and offset for each output channel."""
    with np.errstate(over="ignore", invalid="ignore"):
        weight = op.weight.astype(np.float64) * scale.reshape(-1, *(1,) * (op.weight.ndim - 1))
        return replace(op, weight=rounded(weight), bias=rounded(_bias(op) * scale + offset))


def fold_before(op: Linear, shape: Shape, scale: Vector, offset: Vector) -> Linear:
    """The layer that computes ``op(x * scale + offset)``, with one scale and offset for each channel of `shape`.

    Outside the image the layer in front adds nothing: a pixel there stays `padding_value`, which in terms of x is
    ``(padding_value - offset) / scale``. One such value serves all channels, else the fold is refused.
    """
    if isinstance(op, Affine):
        features = int(np.prod(shape))
        repeats = features // len(scale)
        factors, terms = np.repeat(scale, repeats), np.repeat(offset, repeats)
        weight = op.weight.astype(np.float64)
        return replace(op, weight=rounded(weight * factors), bias=_moved_bias(op, weight @ terms))
    padding_value = op.padding_value
    if any(op.padding):
        if not scale.all():
            raise UnsupportedError(
                f"layer {op.name!r}: a scale of 0 before padding {op.padding} cannot be folded; remove that layer"
            )
        with np.errstate(over="ignore"):
            values = (op.padding_value - offset) / scale
        if not np.isfinite(values).all():
            raise UnsupportedError(f"layer {op.name!r}: a scale of {scale.min()} before padding cannot be folded")
        if (values != values[0]).any():
            raise UnsupportedError(
                f"layer {op.name!r}: a normalization before padding {op.padding} has a different border value in each"
                " channel, so folding it would be inexact; place it behind the convolution or use no padding"
            )
        padding_value = float(values[0]) + 0.0
    weight = op.weight.astype(np.float64)
    per_group = op.weight.shape[1]
    outputs_per_group = op.weight.shape[0] // op.groups
    channels = np.arange(op.weight.shape[0])[:, None] // outputs_per_group * per_group + np.arange(per_group)
    added = (weight.sum(axis=(2, 3)) * offset[channels]).sum(axis=1)
    folded = rounded(weight * scale[channels][:, :, None, None])
    return replace(op, weight=folded, bias=_moved_bias(op, added), padding_value=padding_value)


def _moved_bias(op: Linear, added: Vector) -> Array | None:
    return op.bias if op.bias is None and not added.any() else rounded(_bias(op) + added)
