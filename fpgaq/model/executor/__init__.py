"""The float graph run in numpy, in float32 unless asked otherwise.

It is the yardstick that the integer network's accuracy is held against.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...base.errors import ModelError
from ..functions import evaluate
from ..graph import (
    Add,
    Affine,
    ArgMax,
    Array,
    AveragePooling,
    BatchNormalization,
    Concatenate,
    Convolution,
    Deconvolution,
    FixedPointQuantize,
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
    Shape,
    Slice,
    Softmax,
    Transpose,
    Upsample,
)
from ..graph.fixed import quantized_values, rounded
from .windows import average_pool, convolve, deconvolve, max_pool, pad, with_bias


def run_float(
    graph: Graph,
    inputs: Mapping[str, NDArray[Any]],
    keep: bool = False,
    batch_size: int = 256,
    kind: type[np.floating[Any]] = np.float32,
) -> dict[str, NDArray[Any]]:
    """Compute a graph in float32, or in float64 where the order of sums must not matter.

    Parameters
    ----------
    graph : Graph
    inputs : mapping of str to array
        For each input of the graph, (batch, *shape).
    keep : bool
        Return every tensor, inputs included, instead of the outputs alone.
    batch_size : int
        Samples computed at a time; bounds the memory.
    kind : type
        numpy.float32 or numpy.float64: of all tensors; parameters stay float32 numbers.

    Returns
    -------
    dict of str to array
        Of that type, (batch, *shape).

    Raises
    ------
    ModelError
        If an input is missing, unknown, of another shape, or if batches differ.
    """
    arrays = _checked(graph, inputs)
    batch = len(next(iter(arrays.values())))
    wanted = list(graph.shapes) if keep else list(graph.outputs)
    results = {name: np.empty((batch, *graph.shapes[name]), kind) for name in wanted}
    for start in range(0, batch, batch_size):
        part = slice(start, start + batch_size)
        tensors = {name: array[part].astype(kind) for name, array in arrays.items()}
        for name in results.keys() & tensors.keys():
            results[name][part] = tensors[name]
        for op in steps(graph, tensors):
            if op.output in results:
                results[op.output][part] = tensors[op.output]
    return results


def steps(graph: Graph, tensors: dict[str, Array]) -> Iterator[Operator]:
    """Each operator, once its output is in `tensors` with its inputs; tensors without other readers are dropped then.

    Parameters
    ----------
    graph : Graph
    tensors : dict of str to array
        The network's inputs, (batch, *shape), all at a time; it takes the other tensors.
    """
    last_use = {name: index for index, op in enumerate(graph.operators) for name in op.inputs}
    for index, op in enumerate(graph.operators):
        tensors[op.output] = run_operator(op, [tensors[name] for name in op.inputs], graph.shapes[op.output])
        yield op
        for name in op.inputs:
            if last_use[name] == index:
                tensors.pop(name, None)


def _checked(graph: Graph, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    if set(inputs) != set(graph.inputs):
        raise ModelError(f"data for inputs {sorted(inputs)} given; network {graph.name!r} has {sorted(graph.inputs)}")
    arrays = {name: np.asarray(inputs[name]) for name in graph.inputs}
    batches = set()
    for name, array in arrays.items():
        if array.ndim < 1 or array.shape[1:] != tuple(graph.shapes[name]):
            raise ModelError(
                f"data for input {name!r} has shape {array.shape}; expected (batch, *{graph.shapes[name]})"
            )
        batches.add(len(array))
    if len(batches) > 1:
        raise ModelError(f"the inputs have batches of {sorted(batches)}; expected one size")
    return arrays


def run_operator(op: Operator, inputs: Sequence[Array], shape: Shape) -> Array:
    """The output of one operator, (batch, *shape), in the type of its inputs."""
    return IMPLEMENTATIONS[type(op)](rounded(op), inputs, shape)


def _affine(op: Affine, inputs: Sequence[Array], shape: Shape) -> Array:
    x = inputs[0]
    return with_bias(x.reshape(len(x), -1) @ op.weight.T, op.bias)


def _softmax(op: Softmax, inputs: Sequence[Array], shape: Shape) -> Array:
    axis = op.axis + 1
    if op.log:
        below = inputs[0] - inputs[0].max(axis=axis, keepdims=True)
        logarithms: Array = below - np.log(np.exp(below).sum(axis=axis, keepdims=True))
        return logarithms
    powers: Array = np.exp(inputs[0] - inputs[0].max(axis=axis, keepdims=True))
    powers /= powers.sum(axis=axis, keepdims=True)
    return powers


def _normalize(op: BatchNormalization, inputs: Sequence[Array], shape: Shape) -> Array:
    spread = (-1, *(1,) * (len(shape) - 1))
    deviation = np.sqrt(op.variance + np.float32(op.epsilon)).reshape(spread)
    result: Array = (inputs[0] - op.mean.reshape(spread)) / deviation
    if op.scale is not None:
        result *= op.scale.reshape(spread)
    if op.offset is not None:
        result += op.offset.reshape(spread)
    return result


def _add(op: Add, inputs: Sequence[Array], shape: Shape) -> Array:
    result = np.zeros_like(inputs[0])
    for sign, x in zip(op.signs, inputs, strict=True):
        result = result + x if sign > 0 else result - x
    return result


def _slice(op: Slice, inputs: Sequence[Array], shape: Shape) -> Array:
    extents = (slice(start, start + size) for start, size in zip(op.start, shape, strict=True))
    index = (slice(None), *extents)
    return inputs[0][index]


def _upsample(op: Upsample, inputs: Sequence[Array], shape: Shape) -> Array:
    return inputs[0].repeat(op.factor[0], axis=2).repeat(op.factor[1], axis=3)


def _prelu(op: Prelu, inputs: Sequence[Array], shape: Shape) -> Array:
    slope = op.slope.reshape(-1, *(1,) * (len(shape) - 1))
    return np.where(inputs[0] > 0, inputs[0], inputs[0] * slope)


def _pointwise(op: Pointwise, inputs: Sequence[Array], shape: Shape) -> Array:
    with np.errstate(over="ignore"):
        return evaluate(op.function, op.parameters, inputs[0]).astype(inputs[0].dtype)


IMPLEMENTATIONS: Mapping[type[Operator], Callable[[Any, Sequence[Array], Shape], Array]] = {
    Convolution: lambda op, inputs, shape: convolve(inputs[0], op, shape),
    Affine: _affine,
    MaxPooling: lambda op, inputs, shape: max_pool(inputs[0], op, shape),
    Deconvolution: lambda op, inputs, shape: deconvolve(inputs[0], op, shape),
    AveragePooling: lambda op, inputs, shape: average_pool(inputs[0], op, shape),
    Upsample: _upsample,
    Add: _add,
    Multiply: lambda op, inputs, shape: inputs[0] * inputs[1],
    Concatenate: lambda op, inputs, shape: np.concatenate(inputs, axis=1),
    Slice: _slice,
    Pad: lambda op, inputs, shape: pad(inputs[0], op),
    Transpose: lambda op, inputs, shape: inputs[0].transpose(0, *(axis + 1 for axis in op.axes)),
    Pointwise: _pointwise,
    Prelu: _prelu,
    Relu: lambda op, inputs, shape: np.maximum(inputs[0], np.float32(0)),
    BatchNormalization: _normalize,
    ScaleOffset: lambda op, inputs, shape: inputs[0] * np.float32(op.scale) + np.float32(op.offset),
    Reshape: lambda op, inputs, shape: inputs[0].reshape(len(inputs[0]), *shape),
    Softmax: _softmax,
    ArgMax: lambda op, inputs, shape: np.argmax(inputs[0], op.axis + 1, keepdims=True).astype(inputs[0].dtype),
    FixedPointQuantize: lambda op, inputs, shape: quantized_values(op, inputs[0]).astype(inputs[0].dtype, copy=False),
    Identity: lambda op, inputs, shape: inputs[0],
}
"""How each operator is computed, from its inputs and the shape of its output."""
