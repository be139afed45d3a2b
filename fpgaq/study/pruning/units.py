"""Elements that must shrink together: every element of every tensor gets the unit that it goes with.

A layer with weights makes a label for each of its output channels; other operators hand labels on, element by element,
and join those that one of them cannot distinguish. Slices, transposes and reshapes need no rules of their own then: the
labels are sliced, transposed and reshaped. A unit is a set of joined labels: removing it removes all its elements from
every tensor, and the rest of each tensor is again an array.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ...model.graph import (
    Add,
    Affine,
    AveragePooling,
    BatchNormalization,
    Concatenate,
    Convolution,
    Deconvolution,
    Graph,
    Identity,
    MaxPooling,
    Multiply,
    Operator,
    Pad,
    Pointwise,
    Prelu,
    Relu,
    Reshape,
    ScaleOffset,
    Slice,
    Softmax,
    Transpose,
    Upsample,
    check,
)
from .partition import Labels, Partition

Mask: TypeAlias = NDArray[np.bool_]
"""For each unit whether it is kept."""


@dataclass(frozen=True, eq=False)
class Units:
    """The units of a graph.

    Parameters
    ----------
    graph : Graph
    count : int
    labels : mapping of str to array of int
        For each tensor, in its shape, the unit of each element.
    axes : mapping of str to int
        Along which axis each tensor shrinks.
    fixed : mapping of int to str
        The units that must stay, and why.
    """

    graph: Graph
    count: int
    labels: Mapping[str, Labels]
    axes: Mapping[str, int]
    fixed: Mapping[int, str]

    def along(self, tensor: str) -> Labels:
        """The unit of each index along the axis on which a tensor shrinks."""
        labels = np.moveaxis(self.labels[tensor], self.axes[tensor], 0)
        return labels.reshape(len(labels), -1)[:, 0]

    def channels(self, tensor: str) -> Labels:
        """The units along axis 0, where a channel is of one unit."""
        labels = self.labels[tensor]
        return labels.reshape(len(labels), -1)[:, 0]

    def everything(self) -> Mask:
        """The mask that keeps all."""
        return np.ones(self.count, np.bool_)


def is_depthwise(op: Convolution | Deconvolution) -> bool:
    """Whether each group has one input channel, so that outputs go with their input."""
    inputs = op.weight.shape[0] // op.groups if isinstance(op, Deconvolution) else op.weight.shape[1]
    return op.groups > 1 and inputs == 1


def find_units(graph: Graph) -> Units:
    """Analyse a graph.

    Parameters
    ----------
    graph : Graph
        As it was read, or after passes.

    Returns
    -------
    Units
        Inputs and outputs of operators that the analysis does not know must stay.
    """
    check(graph)
    partition, labels = Partition(), {}
    for name in graph.inputs:
        labels[name] = np.broadcast_to(partition.new(1), graph.shapes[name])
        partition.keep(labels[name], f"it belongs to input {name!r} of the network")
    for op in graph.operators:
        state = _State(partition, op, tuple(graph.shapes[op.output]), op.output in graph.outputs)
        labels[op.output] = _RULES.get(type(op), _unknown)(state, [labels[name] for name in op.inputs])
    for name in graph.outputs:
        partition.keep(labels[name], f"it belongs to output {name!r} of the network")
    axes = {name: _shrinking_axis(partition, array) for name, array in labels.items()}
    return _compact(graph, partition, labels, axes)


def _compact(graph: Graph, partition: Partition, labels: Mapping[str, Labels], axes: Mapping[str, int]) -> Units:
    """Numbers without gaps, in the order of the tensors; a unit that is all of a tensor must stay."""
    numbers: dict[int, int] = {}
    found: dict[str, Labels] = {}
    for name, array in labels.items():
        roots = partition.roots(array)
        for root in dict.fromkeys(roots.ravel().tolist()):
            numbers.setdefault(root, len(numbers))
        distinct, where = np.unique(roots, return_inverse=True)
        found[name] = np.array([numbers[root] for root in distinct.tolist()])[where.reshape(roots.shape)]
        if len(distinct) == 1:
            partition.keep(distinct, f"nothing of tensor {name!r} would be left: it is one channel, or all of it moves"
                           " together")  # fmt: skip
    fixed = {number: reason for root, number in numbers.items() if (reason := partition.reason(root)) is not None}
    return Units(graph, len(numbers), found, axes, fixed)


def _shrinking_axis(partition: Partition, labels: Labels) -> int:
    """The axis along which alone the labels vary; else the one with most sets once each index of it is joined."""
    roots = partition.roots(labels)
    for axis in range(roots.ndim):
        rows = np.moveaxis(roots, axis, 0).reshape(roots.shape[axis], -1)
        if (rows == rows[:, :1]).all():
            return axis
    counts = []
    for axis in range(roots.ndim):
        trial = partition.copy()
        _join_within(trial, labels, axis)
        counts.append(len(np.unique(trial.roots(labels))))
    best = int(np.argmax(counts))
    _join_within(partition, labels, best)
    return best


def _join_within(partition: Partition, labels: Labels, axis: int) -> Labels:
    """Join all elements of each index of an axis; one label for each index."""
    rows = np.moveaxis(labels, axis, 0).reshape(labels.shape[axis], -1)
    partition.join(np.broadcast_to(rows[:, :1], rows.shape), rows)
    return rows[:, 0]


@dataclass(frozen=True)
class _State:
    """The input of a rule: the sets so far, the operator, the shape of its output, whether that is the network's."""

    partition: Partition
    op: Any
    shape: tuple[int, ...]
    last: bool

    def spread(self, channels: Labels) -> Labels:
        """A label for each channel over the output's shape."""
        return np.broadcast_to(channels.reshape(-1, *(1,) * (len(self.shape) - 1)), self.shape)

    def channels(self, labels: Labels) -> Labels:
        """One label for each channel: the operator takes a channel as a whole."""
        return _join_within(self.partition, labels, 0)


def _convolution(state: _State, inputs: list[Labels]) -> Labels:
    op, channels = state.op, state.channels(inputs[0])
    outputs = state.shape[0]
    if op.groups == 1:
        return state.spread(state.partition.new(outputs))
    if is_depthwise(op):
        return state.spread(channels.repeat(outputs // op.groups))
    # The groups must stay alike: the same channel goes from each.
    groups = channels.reshape(op.groups, -1)
    state.partition.join(np.broadcast_to(groups[:1], groups.shape), groups)
    return state.spread(np.tile(state.partition.new(outputs // op.groups), op.groups))


def _affine(state: _State, inputs: list[Labels]) -> Labels:
    return state.partition.new(state.shape[0])


def _joined(state: _State, inputs: list[Labels]) -> Labels:
    for other in inputs[1:]:
        state.partition.join(inputs[0], other)
    return inputs[0]


def _of_channels(state: _State, inputs: list[Labels]) -> Labels:
    return state.spread(state.channels(inputs[0]))


def _slice(state: _State, inputs: list[Labels]) -> Labels:
    return inputs[0][tuple(slice(start, start + size) for start, size in zip(state.op.start, state.shape, strict=True))]


def _softmax(state: _State, inputs: list[Labels]) -> Labels:
    if not state.last:
        state.partition.keep(inputs[0], f"layer {state.op.name!r} (Softmax) weighs all of its input against each other")
    return inputs[0]


def _unknown(state: _State, inputs: list[Labels]) -> Labels:
    reason = f"pruning does not know layer {state.op.name!r} ({type(state.op).__name__})"
    output = np.broadcast_to(state.partition.new(1), state.shape)
    for labels in (*inputs, output):
        state.partition.keep(labels, reason)
    return output


def _same(state: _State, inputs: list[Labels]) -> Labels:
    return inputs[0]


_RULES: Mapping[type[Operator], Callable[[_State, list[Labels]], Labels]] = {
    Convolution: _convolution,
    Deconvolution: _convolution,
    Affine: _affine,
    MaxPooling: _of_channels,
    AveragePooling: _of_channels,
    Upsample: _of_channels,
    Pad: _of_channels,
    Add: _joined,
    Multiply: _joined,
    Concatenate: lambda state, inputs: np.concatenate(inputs),
    Slice: _slice,
    Transpose: lambda state, inputs: inputs[0].transpose(state.op.axes),
    Reshape: lambda state, inputs: inputs[0].reshape(state.shape),
    Softmax: _softmax,
    Pointwise: _same,
    Prelu: _same,
    Relu: _same,
    BatchNormalization: _same,
    ScaleOffset: _same,
    Identity: _same,
}


def illegal(units: Units, keep: Mask) -> str | None:
    """Why a mask cannot be applied, in words; None if it can."""
    if keep.shape != (units.count,):
        return f"the mask has {keep.size} entries for {units.count} units"
    for unit, reason in units.fixed.items():
        if not keep[unit]:
            return f"unit {unit} must stay: {reason}"
    for name, labels in units.labels.items():
        if not keep[labels].any():
            return f"nothing of tensor {name!r} would be left"
    return None
