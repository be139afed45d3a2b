"""The float graph run in numpy float32: the yardstick that the integer network's accuracy is held against.

Convolutions are im2col (a strided view, copied once in blocks) and a matrix product, so that BLAS does the work.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import ModelError
from .graph import (
    Affine,
    Array,
    BatchNormalization,
    Convolution,
    Graph,
    Identity,
    MaxPooling,
    Operator,
    Relu,
    Reshape,
    ScaleOffset,
    Shape,
    Softmax,
)

COLUMN_ELEMENTS = 1 << 22
"""Elements of one block of im2col columns: 16 MiB, which stays near the cache and bounds the memory."""


def run_float(
    graph: Graph, inputs: Mapping[str, NDArray[Any]], keep: bool = False, batch_size: int = 256
) -> dict[str, Array]:
    """Compute a graph in float32.

    Parameters
    ----------
    graph : Graph
    inputs : mapping of str to array
        For each input of the graph, (batch, *shape).
    keep : bool
        Return every tensor, inputs included, instead of the outputs alone.
    batch_size : int
        Samples computed at a time; bounds the memory.

    Returns
    -------
    dict of str to array
        float32, (batch, *shape).

    Raises
    ------
    ModelError
        If an input is missing, unknown, of another shape, or if batches differ.
    """
    arrays = _checked(graph, inputs)
    batch = len(next(iter(arrays.values())))
    wanted = list(graph.shapes) if keep else list(graph.outputs)
    results = {name: np.empty((batch, *graph.shapes[name]), np.float32) for name in wanted}
    last_use = {name: index for index, op in enumerate(graph.operators) for name in op.inputs}
    for start in range(0, batch, batch_size):
        part = slice(start, start + batch_size)
        tensors = {name: array[part].astype(np.float32) for name, array in arrays.items()}
        for index, op in enumerate(graph.operators):
            tensors[op.output] = _run_operator(op, tensors[op.input], graph.shapes[op.output])
            if op.output in results:
                results[op.output][part] = tensors[op.output]
            for name in op.inputs:
                if last_use[name] == index and name not in arrays:
                    tensors.pop(name, None)
        for name in arrays:
            if name in results:
                results[name][part] = tensors[name]
    return results


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


def _run_operator(op: Operator, x: Array, shape: Shape) -> Array:
    if isinstance(op, Convolution):
        return convolve(x, op, shape)
    if isinstance(op, Affine):
        return _with_bias(x.reshape(len(x), -1) @ op.weight.T, op.bias)
    if isinstance(op, MaxPooling):
        return _max_pool(x, op, shape)
    if isinstance(op, Relu):
        return np.maximum(x, np.float32(0))
    if isinstance(op, BatchNormalization):
        return _normalize(x, op)
    if isinstance(op, ScaleOffset):
        return x * np.float32(op.scale) + np.float32(op.offset)
    if isinstance(op, Reshape):
        return x.reshape(len(x), *shape)
    if isinstance(op, Softmax):
        return _softmax(x, op.axis + 1)
    if isinstance(op, Identity):
        return x
    raise TypeError(f"no float implementation of {type(op).__name__}")


def _softmax(x: Array, axis: int) -> Array:
    powers: Array = np.exp(x - x.max(axis=axis, keepdims=True))
    powers /= powers.sum(axis=axis, keepdims=True)
    return powers


def _with_bias(product: Array, bias: Array | None) -> Array:
    if bias is not None:
        product += bias
    return product


def _padded(x: Array, padding: tuple[int, int, int, int], value: float) -> Array:
    if not any(padding):
        return x
    top, bottom, left, right = padding
    return np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)), constant_values=np.float32(value))


def convolve(x: Array, op: Convolution, shape: Shape) -> Array:
    """Cross-correlation of (batch, channels, height, width) into (batch, *shape)."""
    kernel_height, kernel_width = op.weight.shape[2:]
    outputs, height, width = shape
    down, across = op.dilation
    image = _padded(x, op.padding, op.padding_value)
    window = (down * (kernel_height - 1) + 1, across * (kernel_width - 1) + 1)
    view = np.lib.stride_tricks.sliding_window_view(image, (1, 1, *window))
    view = view[:, :, :: op.stride[0], :: op.stride[1], 0, 0, ::down, ::across].transpose(0, 1, 4, 5, 2, 3)
    taps = op.weight[0].size
    weight = op.weight.reshape(op.groups, outputs // op.groups, taps)
    result = np.empty((len(x), op.groups, outputs // op.groups, height * width), np.float32)
    block = max(1, COLUMN_ELEMENTS // (op.groups * taps * height * width))
    for start in range(0, len(x), block):
        columns = view[start : start + block].reshape(-1, op.groups, taps, height * width)
        np.matmul(weight, columns, out=result[start : start + block])
    result = result.reshape(len(x), *shape)
    return _with_bias(result, None if op.bias is None else op.bias[:, None, None])


def _max_pool(x: Array, op: MaxPooling, shape: Shape) -> Array:
    image = _padded(x, op.padding, -np.inf)
    (down, across), (height, width) = op.stride, shape[1:]
    result = np.full((len(x), *shape), -np.inf, np.float32)
    for row in range(op.kernel[0]):
        for column in range(op.kernel[1]):
            taps = image[:, :, row : row + down * (height - 1) + 1 : down]
            np.maximum(result, taps[..., column : column + across * (width - 1) + 1 : across], out=result)
    return result


def _normalize(x: Array, op: BatchNormalization) -> Array:
    shape = (-1, *(1,) * (x.ndim - 2))
    result: Array = (x - op.mean.reshape(shape)) / np.sqrt(op.variance + np.float32(op.epsilon)).reshape(shape)
    if op.scale is not None:
        result *= op.scale.reshape(shape)
    if op.offset is not None:
        result += op.offset.reshape(shape)
    return result
