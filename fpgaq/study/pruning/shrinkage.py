"""From a graph and a mask to a smaller graph: weights really shrink in every layer that a unit runs through."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...base.errors import UsageError, VerificationError
from ...model.executor import run_float
from ...model.graph import (
    Affine,
    Array,
    BatchNormalization,
    Convolution,
    Deconvolution,
    Graph,
    Operator,
    Prelu,
    Slice,
    check,
)
from .masked import run_masked
from .units import Mask, Units, illegal, is_depthwise

TOLERANCE = 1e-9
"""Most that the order of sums changes, relative to an output's largest magnitude, in float64 (float32: over 2e-6)."""

_FRAMES = 4
_SEED = 0


def rebuild(units: Units, keep: Mask, inputs: Mapping[str, NDArray[Any]] | None = None) -> Graph:
    """The graph without the units that `keep` drops, compared with the masked network.

    Parameters
    ----------
    units : Units
        Units of the graph, which stays as it is.
    keep : array of bool
        For each unit whether it is kept.
    inputs : mapping of str to array, optional
        Samples for the comparison; noise by default. A few are taken.

    Returns
    -------
    Graph
        Its outputs are those of the masked network to `TOLERANCE` of their largest magnitude.

    Raises
    ------
    UsageError
        A mask that drops units that must stay, or all of a tensor.
    VerificationError
        If the two networks differ, which would be a bug.
    """
    reason = illegal(units, keep)
    if reason is not None:
        raise UsageError(f"network {units.graph.name!r} cannot be pruned so: {reason}")
    graph = units.graph
    kept = {name: keep[labels] for name, labels in units.labels.items()}
    shapes = {name: _kept_shape(kept[name], units.axes[name]) for name in graph.shapes}
    operators = tuple(_SHRINK.get(type(op), _unchanged)(op, kept) for op in graph.operators)
    pruned = check(replace(graph, operators=operators, shapes=shapes))
    _verify(units, keep, pruned, inputs)
    return pruned


def _kept_shape(kept: Mask, axis: int) -> tuple[int, ...]:
    others = tuple(other for other in range(kept.ndim) if other != axis)
    size = int(kept.any(axis=others).sum())
    return tuple(size if other == axis else extent for other, extent in enumerate(kept.shape))


def _verify(units: Units, keep: Mask, pruned: Graph, inputs: Mapping[str, NDArray[Any]] | None) -> None:
    if inputs is None:
        random = np.random.default_rng(_SEED)
        inputs = {name: random.normal(size=(_FRAMES, *units.graph.shapes[name])) for name in units.graph.inputs}
    samples = {name: np.asarray(array)[:_FRAMES] for name, array in inputs.items()}
    expected = run_masked(units, keep, samples, np.float64)
    found = run_float(pruned, samples, kind=np.float64)
    for name, array in expected.items():
        largest = float(np.abs(array).max())
        difference = float(np.abs(found[name] - array).max())
        if not difference <= TOLERANCE * largest:
            raise VerificationError(
                f"output {name!r} of the pruned network differs from the masked one by {difference:g}; at most"
                f" {TOLERANCE:g} of {largest:g} is allowed; report this"
            )


Kept = Mapping[str, Mask]


def _channels(kept: Mask) -> Mask:
    """The indices of axis 0 at which something is kept."""
    result: Mask = kept.reshape(len(kept), -1).any(axis=1)
    return result


def _picked(array: Array | None, kept: Mask) -> Array | None:
    return None if array is None else array[kept]


def _convolution(op: Convolution | Deconvolution, kept: Kept) -> Operator:
    inputs, outputs = _channels(kept[op.input]), _channels(kept[op.output])
    first, second = (outputs, inputs) if isinstance(op, Convolution) else (inputs, outputs)
    weight, groups = op.weight[first], op.groups
    if is_depthwise(op):
        groups = int(inputs.sum())
    else:
        weight = weight[:, second.reshape(groups, -1)[0]]
    return replace(op, weight=weight, bias=_picked(op.bias, outputs), groups=groups)


def _affine(op: Affine, kept: Kept) -> Operator:
    inputs, outputs = kept[op.input].ravel(), kept[op.output]
    return replace(op, weight=op.weight[outputs][:, inputs], bias=_picked(op.bias, outputs))


def _normalization(op: BatchNormalization, kept: Kept) -> Operator:
    channels = _channels(kept[op.input])
    return replace(
        op,
        mean=op.mean[channels],
        variance=op.variance[channels],
        scale=_picked(op.scale, channels),
        offset=_picked(op.offset, channels),
    )


def _prelu(op: Prelu, kept: Kept) -> Operator:
    return op if op.slope.size == 1 else replace(op, slope=op.slope[_channels(kept[op.input])])


def _slice(op: Slice, kept: Kept) -> Operator:
    """As many before the start as were kept of them."""
    mask = kept[op.input]
    starts = []
    for axis, start in enumerate(op.start):
        line = mask.any(axis=tuple(other for other in range(mask.ndim) if other != axis))
        starts.append(int(line[:start].sum()))
    return replace(op, start=tuple(starts))


def _unchanged(op: Operator, kept: Kept) -> Operator:
    return op


_SHRINK: Mapping[type[Operator], Callable[[Any, Kept], Operator]] = {
    Convolution: _convolution,
    Deconvolution: _convolution,
    Affine: _affine,
    BatchNormalization: _normalization,
    Prelu: _prelu,
    Slice: _slice,
}
"""Operators with parameters that shrink; of the others only the shapes do."""
