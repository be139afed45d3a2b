"""What a network that was trained in fixed point in part leaves real: grids of its parameters, values of its layers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..base.formats import Format
from ..integer.accumulators import operator_bounds, result_ranges
from ..integer.graph import IntegerSumPooling, IntegerTable, Requantize, Tensor
from ..integer.reference import run_operator
from ..model.functions import evaluate
from ..model.graph import Affine, Convolution, Deconvolution, Grid
from ..model.graph.fixed import ROUNDING, by_channel
from .completion import Completion
from .fixed_layers import Draft

Real = NDArray[np.float64]
Weighted = TypeVar("Weighted", bound=Convolution | Affine | Deconvolution)


def with_grids(op: Weighted, source: Format, completion: Completion, ends: bool) -> Weighted:
    """A layer whose weight and bias lie on grids: its own, or those of the completion.

    Parameters
    ----------
    op : Convolution, Affine or Deconvolution
    source : Format
        Of its input.
    completion : Completion
    ends : bool
        Its accumulators are an output: one step for all.
    """
    if op.weight_grid is None:
        made = completion.weights(op.name, by_channel(op), ends)
        op = replace(op, weight_grid=Grid(made.format.width, True, _short(made.frac), made.format.narrow))
    assert op.weight_grid is not None
    if op.bias is None or op.bias_grid is not None or not op.bias.any() or op.weight_grid.step is not None:
        return op
    fracs = tuple(source.frac + frac for frac in op.weight_grid.frac)
    steps = np.abs(np.ldexp(op.bias.astype(np.float64), fracs)).max()
    completion.add("bias", op.name, "whole steps of its accumulator")
    return replace(op, bias_grid=Grid(max(2, int(steps + 1).bit_length() + 1), True, fracs))


def _short(fracs: tuple[int, ...]) -> tuple[int, ...]:
    return fracs[:1] if len(set(fracs)) == 1 else fracs


def real_values(draft: Draft, tensors: Mapping[str, Tensor], integers: Mapping[str, NDArray[Any]]) -> Real:
    """The values of a layer on calibration samples: (channels, height, width, frames)."""
    op = draft.operator
    source = tensors[op.input]
    if isinstance(op, IntegerTable):
        return _cut(draft, _function(draft, source, integers[op.input].astype(np.int64)))
    width = max(2, operator_bounds(op, *(tensors[name].format for name in op.inputs)).width)
    bare = replace(op, output="sums", requantize=Requantize((0,), ROUNDING))  # type: ignore[call-arg]
    known = {**tensors, "sums": Tensor("sums", draft.shape, Format(width, 0))}
    sums = run_operator(bare, known, integers).astype(np.float64)
    return _cut(draft, np.ldexp(sums, -np.array(draft.fracs).reshape(-1, 1, 1, 1)))


def _function(draft: Draft, source: Tensor, integers: NDArray[np.int64]) -> Real:
    with np.errstate(all="ignore"):
        found = np.asarray(evaluate(draft.function, draft.parameters, source.real(integers)), np.float64)
    return np.nan_to_num(found)


def _cut(draft: Draft, values: Real) -> Real:
    if draft.relu:
        values = np.maximum(values, 0)
    return values if draft.clip is None else np.clip(values, draft.clip.low, draft.clip.high)


def real_range(draft: Draft, tensors: Mapping[str, Tensor]) -> tuple[float, float]:
    """The least and the greatest value that a layer can have."""
    op = draft.operator
    source = tensors[op.input]
    if isinstance(op, IntegerTable):
        codes = np.arange(source.format.minimum, source.format.maximum + 1)
        values = _cut(draft, _function(draft, source, codes))
    elif isinstance(op, IntegerSumPooling):
        values = _cut(draft, source.real(np.array([source.format.minimum, source.format.maximum])))
    else:
        spans = result_ranges(op, *(tensors[name].format for name in op.inputs))
        fracs = draft.fracs * (len(spans) if len(draft.fracs) == 1 else 1)
        values = _cut(draft, np.array([np.ldexp(span, -frac) for span, frac in zip(spans, fracs, strict=True)]))
    return float(values.min()), float(values.max())
