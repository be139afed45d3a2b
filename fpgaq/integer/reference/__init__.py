"""The bit-exact reference: an IntegerGraph and input integers give output integers. Its result defines what is right.

Matrix products ride on BLAS. Sums of integers are exact in float32 while every partial sum stays within 2**24, in
float64 within 2**53, whatever the order of addition or the use of fused multiply-add; `accumulators` proves which
type is wide enough for each layer, and 64-bit integers serve where none is. Inside, a tensor is
(channels, height, width, frames): a convolution's matrix product writes the layout that it reads, a kernel tap
copies long runs, and an Affine needs no copy at all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...base.errors import ModelError, UsageError
from ...base.formats import Format
from ..graph import (
    IntegerAdd,
    IntegerAffine,
    IntegerArgMax,
    IntegerArray,
    IntegerConcatenate,
    IntegerConvolution,
    IntegerGraph,
    IntegerMaxPooling,
    IntegerMultiply,
    IntegerOperator,
    IntegerPad,
    IntegerRelu,
    IntegerReshape,
    IntegerScale,
    IntegerSlice,
    IntegerSumPooling,
    IntegerTable,
    IntegerTranspose,
    IntegerUpsample,
    Tensor,
)
from ..inputs import apply_transform
from . import elements, windows
from .layout import Layer, Work, requantize
from .products import prepare_affine, prepare_convolution, working_type

__all__ = [
    "apply_transform",
    "requantize",
    "run",
    "run_operator",
    "to_model_layout",
    "working_layout",
    "working_type",
    "working_types",
]

BATCH_ELEMENTS = 1 << 20
"""Elements of the largest temporary array of one batch; 4 MB of float32 measured fastest."""


def run(
    graph: IntegerGraph,
    inputs: Mapping[str, IntegerArray],
    keep: bool = False,
    batch_size: int | None = None,
    out: Mapping[str, NDArray[Any]] | None = None,
) -> dict[str, NDArray[Any]]:
    """Compute the network exactly.

    Parameters
    ----------
    graph : IntegerGraph
    inputs : mapping of str to array of int
        (frames, height, width, channels) for each input, within its format.
    keep : bool
        Return every tensor, not the outputs alone.
    batch_size : int, optional
        Frames computed at a time; by default the number that keeps temporary arrays in the cache.
    out : mapping of str to array of int, optional
        Where results go that are not to be allocated: (frames, height, width, channels), of any integer type that
        holds the tensor's format.

    Returns
    -------
    dict of str to array of int64
        (frames, height, width, channels) each; those of `out` are the given ones.

    Raises
    ------
    ModelError
        An input that is missing, misshapen or out of its format's range.
    UsageError
        An array in `out` that does not fit, or for a tensor that is not returned.
    VerificationError
        A sum that left the accumulator's proved width: the graph's widths are wrong.
    """
    frames = check_inputs(graph, inputs)
    layers = tuple(_prepare(op, graph.tensors) for op in graph.operators)
    step = batch_size or max(1, BATCH_ELEMENTS // max((layer.elements for layer in layers), default=1))
    names = tuple(graph.tensors) if keep else graph.outputs
    given = _check_out(graph, out or {}, names, frames)
    results: dict[str, NDArray[Any]] = {
        name: given[name] if name in given else np.empty((frames, *graph.tensors[name].shape), dtype=np.int64)
        for name in names
    }
    for start in range(0, frames, step):
        batch = {name: _inward(inputs[name][start : start + step], graph.tensors[name].format) for name in graph.inputs}
        for name, value in _run_batch(layers, batch, frozenset(names)).items():
            results[name][start : start + step] = value.transpose(3, 1, 2, 0)
    return results


def run_operator(op: IntegerOperator, tensors: Mapping[str, Tensor], values: Mapping[str, Work]) -> Work:
    """Compute one operator of a network that is still being made, in the working layout of `layers.Work`."""
    return _prepare(op, tensors).execute(*(values[name] for name in op.inputs))


def working_layout(images: IntegerArray, fmt: Format) -> Work:
    """Integers (frames, height, width, channels) as the executors of operators take them."""
    return _inward(images, fmt)


def to_model_layout(graph: IntegerGraph, output: str, values: NDArray[Any]) -> NDArray[Any]:
    """Bring an output from the stream's layout (frames, height, width, channels) to the model's own shape."""
    if graph.channels_last:
        return values.reshape(values.shape[0], *graph.output_shapes[output])
    return values.transpose(0, 3, 1, 2).reshape(values.shape[0], *graph.output_shapes[output])


def check_inputs(graph: IntegerGraph, inputs: Mapping[str, IntegerArray]) -> int:
    """The number of frames; ModelError for an input that is missing, misshapen or out of its format's range."""
    if set(inputs) != set(graph.inputs):
        raise ModelError(f"network {graph.name!r} has inputs {sorted(graph.inputs)}, the data {sorted(inputs)}")
    counts = set()
    for name in graph.inputs:
        array, tensor = inputs[name], graph.tensors[name]
        if array.ndim != 4 or array.shape[1:] != tensor.shape or array.dtype.kind not in "iu":
            raise ModelError(
                f"input {name!r}: found {array.dtype} of shape {array.shape}; integers of shape (frames,"
                f" {', '.join(map(str, tensor.shape))}) are needed: apply the graph's input transform first"
            )
        if array.size and (array.min() < tensor.format.minimum or array.max() > tensor.format.maximum):
            raise ModelError(
                f"input {name!r}: values {array.min()}..{array.max()} leave the range"
                f" {tensor.format.minimum}..{tensor.format.maximum} of format {tensor.format.describe()}"
            )
        counts.add(array.shape[0])
    if len(counts) != 1:
        raise ModelError(f"the inputs of network {graph.name!r} have different numbers of frames: {sorted(counts)}")
    return int(counts.pop())


def _check_out(
    graph: IntegerGraph, out: Mapping[str, NDArray[Any]], names: tuple[str, ...], frames: int
) -> Mapping[str, NDArray[Any]]:
    """The arrays that a caller gave for results, if each can take them."""
    for name, array in out.items():
        if name not in names:
            raise UsageError(f"out has an array for {name!r}; results are {', '.join(map(repr, names))}")
        tensor = graph.tensors[name]
        shape = (frames, *tensor.shape)
        kind = array.dtype
        holds = kind.kind in "iu" and (
            np.iinfo(kind).min <= tensor.format.minimum and tensor.format.maximum <= np.iinfo(kind).max
        )
        if array.shape != shape or not holds or not array.flags.writeable:
            raise UsageError(
                f"out[{name!r}] is {kind} of shape {array.shape}; a writable integer array of shape {shape} that holds"
                f" {tensor.format.minimum}..{tensor.format.maximum} is needed"
            )
    return out


def _inward(images: IntegerArray, fmt: Format) -> Work:
    kind = np.float32 if fmt.width <= 24 else np.int64
    if images.shape[1:3] == (1, 1):
        # A BLAS reads vectors either way round: the view needs no copy in the new order.
        return images.astype(kind).transpose(3, 1, 2, 0)
    return images.transpose(3, 1, 2, 0).astype(kind, order="C")


def _run_batch(layers: tuple[Layer, ...], tensors: dict[str, Work], names: frozenset[str]) -> dict[str, Work]:
    """Run one batch; a tensor is dropped once its last reader has run, unless it is asked for."""
    results = {name: value for name, value in tensors.items() if name in names}
    last_use = {name: index for index, layer in enumerate(layers) for name in layer.operator.inputs}
    for index, layer in enumerate(layers):
        op = layer.operator
        value = layer.execute(*(tensors[name] for name in op.inputs))
        tensors[op.output] = value
        if op.output in names:
            results[op.output] = value
        for name in op.inputs:
            if last_use[name] == index:
                tensors.pop(name, None)
    return results


def _prepare(op: IntegerOperator, tensors: Mapping[str, Tensor]) -> Layer:
    source, target = tensors[op.input], tensors[op.output]
    if isinstance(op, IntegerConvolution):
        return prepare_convolution(op, source, target)
    if isinstance(op, IntegerAffine):
        return prepare_affine(op, source, target)
    return Layer(op, _executor(op, source, target), max(source.size, target.size))


def _executor(op: IntegerOperator, source: Tensor, target: Tensor) -> Callable[..., Work]:
    if isinstance(op, IntegerMaxPooling):
        return partial(windows.max_pooling, op, source.format, target)
    if isinstance(op, IntegerRelu):
        return lambda x: np.maximum(x, 0)
    if isinstance(op, IntegerConcatenate):
        return windows.concatenate
    if isinstance(op, IntegerPad):
        return partial(windows.pad, op)
    if isinstance(op, IntegerTable):
        return partial(elements.table, op)
    if isinstance(op, IntegerArgMax):
        return partial(elements.argmax, op)
    if type(op) not in _TO_TARGET:
        raise TypeError(f"the reference has no operator {type(op).__name__}")
    return partial(_TO_TARGET[type(op)], op, target)


_TO_TARGET: dict[type[IntegerOperator], Callable[..., Work]] = {
    IntegerSumPooling: windows.sum_pooling,
    IntegerUpsample: windows.upsample,
    IntegerSlice: windows.take,
    IntegerReshape: windows.reshape,
    IntegerTranspose: windows.transpose,
    IntegerAdd: elements.add,
    IntegerMultiply: elements.multiply,
    IntegerScale: elements.scale,
}
"""Executors that need the format or shape of their output."""


def working_types(graph: IntegerGraph) -> tuple[str, ...]:
    """The working type of each layer with weights, in order."""
    return tuple(
        working_type(op, graph.tensors[op.input].format).__name__
        for op in graph.operators
        if isinstance(op, IntegerConvolution | IntegerAffine)
    )
