"""Parameters of models that were trained in fixed point, as training computed with them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...base.formats import Format, Rounding, dequantize, quantize_real
from .operators import Affine, Array, Convolution, Deconvolution, FixedPointQuantize, Grid, Operator

if TYPE_CHECKING:
    from . import Graph

ROUNDING: Rounding = "half_away"
"""The rule of nnabla's fixed-point functions, for parameters and activations."""


def by_channel(op: Convolution | Affine | Deconvolution) -> NDArray[np.float32]:
    """The weight with its output channels first, (outputs, taps)."""
    if not isinstance(op, Deconvolution):
        return op.weight.reshape(op.weight.shape[0], -1)
    depth = op.weight.shape[0] // op.groups
    grouped = op.weight.reshape(op.groups, depth, op.weight.shape[1], -1).transpose(0, 2, 1, 3)
    return grouped.reshape(op.groups * op.weight.shape[1], -1)


def from_channels(op: Convolution | Affine | Deconvolution, rows: NDArray[np.float32]) -> Array:
    """The inverse of `by_channel`: rows (outputs, taps) in the shape of the weight."""
    if not isinstance(op, Deconvolution):
        return rows.reshape(op.weight.shape)
    depth = op.weight.shape[0] // op.groups
    grouped = rows.reshape(op.groups, op.weight.shape[1], depth, -1).transpose(0, 2, 1, 3)
    return np.ascontiguousarray(grouped).reshape(op.weight.shape)


def grid_integers(rows: NDArray[np.float32], grid: Grid) -> NDArray[np.int64]:
    """Rows (outputs, ...) as integers of the grid."""
    formats = grid.formats()
    if grid.step is not None:
        return step_integers(rows, formats[0], grid.step, grid.zero_point)
    if len(formats) == 1:
        return quantize_real(rows, formats[0], ROUNDING)
    return np.stack([quantize_real(row, fmt, ROUNDING) for row, fmt in zip(rows, formats, strict=True)])


def grid_values(rows: NDArray[np.float32], grid: Grid) -> Array:
    """Rows (outputs, ...) rounded to the grid."""
    if grid.step is not None:
        return step_values(grid_integers(rows, grid), grid.step, grid.zero_point)
    frac = np.asarray(grid.frac).reshape(-1, *(1,) * (rows.ndim - 1))
    return np.ldexp(grid_integers(rows, grid).astype(np.float64), -frac).astype(np.float32)


def step_integers(values: NDArray[Any], fmt: Format, step: float, zero_point: int) -> NDArray[np.int64]:
    """Integers of a format by a step that is no power of two, in float32 as nnabla computes them.

    FixedPointQuantize rounds ``|x| / step`` half up; MinMaxQuantize counts from its least value and does the same.
    """
    single, one, half = np.asarray(values, np.float32), np.float32(step), np.float32(0.5)
    if fmt.signed:
        whole = np.sign(single) * np.floor(np.abs(single) / one + half)
        return np.asarray(np.clip(whole, fmt.minimum, fmt.maximum), np.int64)
    least, most = (np.float32(end - zero_point) * one for end in (fmt.minimum, fmt.maximum))
    return np.asarray(np.floor((np.clip(single, least, most) - least) / one + half), np.int64) + fmt.minimum


def step_values(integers: NDArray[np.int64], step: float, zero_point: int) -> Array:
    """The real numbers of such integers, in float32."""
    return (integers - zero_point).astype(np.float32) * np.float32(step)


def without_grids(graph: Graph) -> Graph:
    """The network with its parameters as training computed with them, where nothing else is quantized."""
    return graph.with_operators(tuple(rounded(op) for op in graph.operators))


def states_formats(operators: tuple[Operator, ...]) -> bool:
    """Whether a network quantizes its activations too."""
    return any(isinstance(op, FixedPointQuantize) for op in operators)


def rounded(op: Operator) -> Operator:
    """The operator with its parameters as training computed with them."""
    if not isinstance(op, Convolution | Affine | Deconvolution):
        return op
    if op.weight_grid is not None:
        op = replace(op, weight=from_channels(op, grid_values(by_channel(op), op.weight_grid)), weight_grid=None)
    if op.bias_grid is not None and op.bias is not None:
        op = replace(op, bias=grid_values(op.bias, op.bias_grid), bias_grid=None)
    return op


def quantized_values(op: FixedPointQuantize, x: Array) -> Array:
    """The output of a quantizer."""
    if op.step is not None:
        return step_values(step_integers(x, op.format, op.step, op.zero_point), op.step, op.zero_point)
    return dequantize(quantize_real(x, op.format, ROUNDING), op.format).astype(np.float32)


def is_fixed(operators: tuple[Operator, ...]) -> bool:
    """Whether a network states fixed-point formats of its own."""
    return any(
        isinstance(op, FixedPointQuantize) or getattr(op, "weight_grid", None) or getattr(op, "bias_grid", None)
        for op in operators
    )
