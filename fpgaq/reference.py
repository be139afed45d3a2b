"""The bit-exact reference: an IntegerGraph and input integers give output integers. Its result defines what is right.

Matrix products ride on BLAS. Sums of integers are exact in float32 while every partial sum stays within 2**24, in
float64 within 2**53, whatever the order of addition or the use of fused multiply-add; `accumulators` proves which
type is wide enough for each layer, and 64-bit integers serve where none is. Inside, a tensor is
(channels, height, width, frames): a convolution's matrix product writes the layout that it reads, a kernel tap
copies long runs, and an Affine needs no copy at all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .accumulators import operator_bounds
from .data import fit_shape
from .errors import ModelError, VerificationError
from .formats import Format, Rounding, quantize_real, round_shift
from .integer_graph import (
    InputTransform,
    IntegerAffine,
    IntegerArray,
    IntegerConvolution,
    IntegerGraph,
    IntegerMaxPooling,
    IntegerOperator,
    IntegerRelu,
    Requantize,
    Tensor,
)

Work: TypeAlias = NDArray[Any]
"""Exact integers in float32, float64 or int64; axes (channels, height, width, frames)."""

BATCH_ELEMENTS = 1 << 20
"""Elements of the largest temporary array of one batch; 4 MB of float32 measured fastest."""


@dataclass(frozen=True)
class _Layer:
    """One operator with its executor and the temporary elements that it needs for one frame."""

    operator: IntegerOperator
    execute: Callable[[Work], Work]
    elements: int


def run(
    graph: IntegerGraph,
    inputs: Mapping[str, IntegerArray],
    keep: bool = False,
    batch_size: int | None = None,
) -> dict[str, IntegerArray]:
    """Compute the network exactly.

    Parameters
    ----------
    graph : IntegerGraph
    inputs : mapping of str to array of int
        (frames, height, width, channels) for each input, within its format.
    keep : bool
        Return every tensor, not the outputs alone.
    batch_size : int, optional
        Frames computed at a time; by default as many as keep temporary arrays in the cache.

    Returns
    -------
    dict of str to array of int64
        (frames, height, width, channels) each.

    Raises
    ------
    ModelError
        An input that is missing, misshapen or out of its format's range.
    VerificationError
        A sum that left the accumulator's proved width: the graph's widths are wrong.
    """
    frames = _check_inputs(graph, inputs)
    layers = tuple(_prepare(op, graph) for op in graph.operators)
    step = batch_size or max(1, BATCH_ELEMENTS // max((layer.elements for layer in layers), default=1))
    names = tuple(graph.tensors) if keep else graph.outputs
    results = {name: np.empty((frames, *graph.tensors[name].shape), dtype=np.int64) for name in names}
    for start in range(0, frames, step):
        batch = {name: _inward(inputs[name][start : start + step], graph.tensors[name].format) for name in graph.inputs}
        for name, value in _run_batch(layers, batch, frozenset(names)).items():
            results[name][start : start + step] = value.transpose(3, 1, 2, 0)
    return results


def apply_transform(transform: InputTransform, fmt: Format, data: ArrayLike) -> IntegerArray:
    """Turn user data into input integers, ``saturate(round((x * scale + offset) * 2**frac))``.

    Parameters
    ----------
    transform : InputTransform
    fmt : Format
        The input tensor's format.
    data : array_like
        (frames, *model_shape), any real or integer type; axes of length 1 may be missing.

    Returns
    -------
    array of int64
        (frames, height, width, channels).

    Raises
    ------
    ModelError
        A wrong shape or type, or a value that is not finite.
    """
    array = fit_shape(np.asarray(data), transform.model_shape, "input data")
    values = array.astype(np.float64) * transform.scale + transform.offset
    if not np.isfinite(values).all():
        index = [int(i) for i in np.argwhere(~np.isfinite(values))[0]]
        raise ModelError(f"input data: element {index} is not finite; remove NaN and infinite values")
    integers = quantize_real(values, fmt, transform.rounding)
    images = integers.reshape(array.shape[0], *transform.image_shape)
    return np.ascontiguousarray(images.transpose(0, 2, 3, 1))


def to_model_layout(graph: IntegerGraph, output: str, values: NDArray[Any]) -> NDArray[Any]:
    """Bring an output from the stream's layout (frames, height, width, channels) to the model's own shape."""
    return values.transpose(0, 3, 1, 2).reshape(values.shape[0], *graph.output_shapes[output])


def _check_inputs(graph: IntegerGraph, inputs: Mapping[str, IntegerArray]) -> int:
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


def _inward(images: IntegerArray, fmt: Format) -> Work:
    kind = np.float32 if fmt.width <= 24 else np.int64
    if images.shape[1:3] == (1, 1):
        # A BLAS reads vectors either way round: the view needs no copy in the new order.
        return images.astype(kind).transpose(3, 1, 2, 0)
    return images.transpose(3, 1, 2, 0).astype(kind, order="C")


def _run_batch(layers: tuple[_Layer, ...], tensors: dict[str, Work], names: frozenset[str]) -> dict[str, Work]:
    """Run one batch; a tensor is dropped once its last reader has run, unless it is asked for."""
    results = {name: value for name, value in tensors.items() if name in names}
    last_use = {name: index for index, layer in enumerate(layers) for name in layer.operator.inputs}
    for index, layer in enumerate(layers):
        op = layer.operator
        value = layer.execute(tensors[op.input])
        tensors[op.output] = value
        if op.output in names:
            results[op.output] = value
        for name in op.inputs:
            if last_use[name] == index:
                tensors.pop(name, None)
    return results


def _prepare(op: IntegerOperator, graph: IntegerGraph) -> _Layer:
    source, target = graph.tensors[op.input], graph.tensors[op.output]
    if isinstance(op, IntegerConvolution):
        return _prepare_convolution(op, source, target)
    if isinstance(op, IntegerAffine):
        return _prepare_affine(op, source, target)
    if isinstance(op, IntegerMaxPooling):
        return _Layer(op, lambda x: _max_pooling(op, source.format, target, x), source.size)
    if isinstance(op, IntegerRelu):
        return _Layer(op, lambda x: np.maximum(x, 0), source.size)
    raise TypeError(f"the reference has no operator {type(op).__name__}")


def working_type(op: IntegerConvolution | IntegerAffine, input_format: Format) -> type[np.generic]:
    """The fastest type in which the layer's sums and its rounding term are exact: float32, float64 or int64."""
    shifts = op.requantize.shift if op.requantize is not None else (0,)
    magnitude = operator_bounds(op, input_format).magnitude + (1 << max(shifts) >> 1)
    if magnitude <= 1 << 24:
        return np.float32
    return np.float64 if magnitude <= 1 << 53 else np.int64


def working_types(graph: IntegerGraph) -> tuple[str, ...]:
    """The working type of each layer with weights, in order."""
    return tuple(
        working_type(op, graph.tensors[op.input].format).__name__
        for op in graph.operators
        if isinstance(op, IntegerConvolution | IntegerAffine)
    )


def _prepare_convolution(op: IntegerConvolution, source: Tensor, target: Tensor) -> _Layer:
    kind = working_type(op, source.format)
    outputs, kernel_height, kernel_width, depth = op.weight.shape
    taps = depth * kernel_height * kernel_width
    weight = op.weight.transpose(0, 3, 1, 2).reshape(op.groups, outputs // op.groups, taps).astype(kind)
    finish = _finisher(op, target.format, kind)
    height, width, _ = target.shape

    def execute(x: Work) -> Work:
        columns = _gather(op, _pad(x, op.padding, op.padding_value, kind), target)
        sums = np.matmul(weight, columns.reshape(op.groups, taps, -1))
        return finish(sums.reshape(outputs, -1)).reshape(outputs, height, width, x.shape[3])

    return _Layer(op, execute, height * width * taps * op.groups)


def _gather(op: IntegerConvolution, padded: Work, target: Tensor) -> Work:
    """The im2col matrix (channels, kernel height, kernel width, height, width, frames)."""
    channels, frames = padded.shape[0], padded.shape[3]
    height, width, _ = target.shape
    _, kernel_height, kernel_width, _ = op.weight.shape
    columns = np.empty((channels, kernel_height, kernel_width, height, width, frames), dtype=padded.dtype)
    for row in range(kernel_height):
        for column in range(kernel_width):
            columns[:, row, column] = _window(
                padded, row * op.dilation[0], column * op.dilation[1], op.stride, height, width
            )
    return columns


def _window(x: Work, top: int, left: int, stride: tuple[int, int], height: int, width: int) -> Work:
    """The pixel that one kernel tap reads for each of height * width output pixels."""
    bottom, right = top + stride[0] * (height - 1) + 1, left + stride[1] * (width - 1) + 1
    return x[:, top : bottom : stride[0], left : right : stride[1]]


def _pad(x: Work, padding: tuple[int, int, int, int], value: int, kind: type[np.generic]) -> Work:
    if not any(padding):
        return x.astype(kind, copy=False)
    top, bottom, left, right = padding
    channels, height, width, frames = x.shape
    padded = np.full((channels, height + top + bottom, width + left + right, frames), value, dtype=kind)
    padded[:, top : top + height, left : left + width] = x
    return padded


def _prepare_affine(op: IntegerAffine, source: Tensor, target: Tensor) -> _Layer:
    kind = working_type(op, source.format)
    height, width, channels = source.shape
    # The working layout has channels first: bring the weights' columns from (h, w, c) to (c, h, w) once.
    weight = op.weight.reshape(-1, height, width, channels).transpose(0, 3, 1, 2).reshape(op.weight.shape).astype(kind)
    finish = _finisher(op, target.format, kind)

    def execute(x: Work) -> Work:
        frames = x.shape[3]
        return finish(np.matmul(weight, x.reshape(-1, frames).astype(kind, copy=False))).reshape(-1, 1, 1, frames)

    return _Layer(op, execute, source.size)


def _finisher(op: IntegerConvolution | IntegerAffine, fmt: Format, kind: type[np.generic]) -> Callable[[Work], Work]:
    """Bias, the check of the accumulator, and requantization of sums (outputs, pixels), in place where possible."""
    bias = op.bias[:, np.newaxis].astype(kind)
    limit = 1 << (op.accumulator_width - 1)

    def finish(sums: Work) -> Work:
        sums += bias
        if sums.size and (int(sums.min()) < -limit or int(sums.max()) >= limit):
            raise VerificationError(
                f"layer {op.name!r}: a sum lies outside its accumulator of {op.accumulator_width} bits"
                f" ({int(sums.min())}..{int(sums.max())}); the graph was not made by this quantizer or is damaged"
            )
        if op.requantize is None:
            return sums
        return requantize(sums, op.requantize, fmt)

    return finish


def requantize(sums: Work, rule: Requantize, fmt: Format) -> Work:
    """Apply a requantizer to accumulators (outputs, pixels) of any working type; floats are changed in place.

    A float accumulator must leave room for the rounding term, as `working_type` sees to.
    """
    shift = np.asarray(rule.shift, dtype=np.int64)[:, np.newaxis]
    least = max(fmt.minimum, 0) if rule.relu else fmt.minimum
    if sums.dtype.kind == "i":
        return np.clip(round_shift(sums, shift, rule.rounding), least, fmt.maximum)
    if shift.any():
        sums *= np.ldexp(1.0, -shift).astype(sums.dtype)
        _round_in_place(sums, rule.rounding)
    # A limit beyond the type's exact integers is never reached; rounding it to the type then changes nothing.
    return np.clip(sums, sums.dtype.type(least), sums.dtype.type(fmt.maximum), out=sums)


def _round_in_place(values: Work, rounding: Rounding) -> None:
    """Round exact dyadic floats; `formats.round_shift` states the rules, a test holds the two equal."""
    if rounding == "half_even":
        np.rint(values, out=values)
        return
    if rounding == "half_away":
        values += np.copysign(values.dtype.type(0.5), values)
        np.trunc(values, out=values)
        return
    if rounding == "half_up":
        values += values.dtype.type(0.5)
    np.floor(values, out=values)


def _max_pooling(op: IntegerMaxPooling, fmt: Format, target: Tensor, x: Work) -> Work:
    height, width, _ = target.shape
    padded = _pad(x, op.padding, fmt.minimum, x.dtype.type)
    result: Work | None = None
    for row in range(op.kernel[0]):
        for column in range(op.kernel[1]):
            view = _window(padded, row, column, op.stride, height, width)
            result = view.copy() if result is None else np.maximum(result, view, out=result)
    assert result is not None
    return result
