"""Each operator of the integer graph in ONNX."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ...base.errors import FitError, UnsupportedError
from ..accumulators import operator_bounds
from ..graph import (
    IntegerAdd,
    IntegerAffine,
    IntegerArgMax,
    IntegerConcatenate,
    IntegerConvolution,
    IntegerMaxPooling,
    IntegerMultiply,
    IntegerOperator,
    IntegerPad,
    IntegerRelu,
    IntegerReshape,
    IntegerScale,
    IntegerSlice,
    IntegerSumPooling,
    IntegerTranspose,
    IntegerUpsample,
)
from .writer import Writer


def write_operator(writer: Writer, op: IntegerOperator) -> None:
    """Append the nodes of one operator."""
    write = OPERATORS.get(type(op))
    if write is None:
        kind = type(op).__name__.removeprefix("Integer").lower()
        raise UnsupportedError(
            f"layer {op.name!r}: a {kind} has no equal in standard ONNX, so the network is not written"
        )
    write(writer, op)


def _bounded(writer: Writer, op: IntegerOperator, rounded: bool) -> None:
    formats = (writer.graph.tensors[name].format for name in op.inputs)
    writer.bounded(op, operator_bounds(op, *formats).magnitude, rounded)


def _rounds(op: Any) -> bool:
    return op.requantize is not None and any(op.requantize.shift)


def _convolution(writer: Writer, op: IntegerConvolution) -> None:
    source, target = writer.graph.tensors[op.input], writer.graph.tensors[op.output]
    _bounded(writer, op, _rounds(op))
    value, pads = writer.image(op.input), op.padding
    if op.padding_value and any(pads):
        value = _padded(writer, op, value, op.padding_value * source.step)
        pads = (0, 0, 0, 0)
    fracs = tuple(source.format.frac + frac for frac in op.weight_frac)
    values = np.ascontiguousarray(op.weight.transpose(0, 3, 1, 2))
    weight = writer.weights(op, values, op.weight_frac, op.weight_format.width)
    bias = writer.constant(op.bias * np.ldexp(1.0, -np.array(fracs)), f"{op.name}.bias")
    top, bottom, left, right = pads
    made = writer.node(
        "Conv", (value, weight, bias), f"{op.name}.sums", kernel_shape=list(op.weight.shape[1:3]),
        strides=list(op.stride), pads=[top, left, bottom, right], dilations=list(op.dilation), group=op.groups,
    )  # fmt: skip
    _leave(writer, op, made, fracs, 4, target)


def _affine(writer: Writer, op: IntegerAffine) -> None:
    source, target = writer.graph.tensors[op.input], writer.graph.tensors[op.output]
    _bounded(writer, op, _rounds(op))
    height, width, channels = source.shape
    outputs = len(op.weight)
    values = op.weight.reshape(outputs, height, width, channels).transpose(0, 3, 1, 2).reshape(outputs, -1)
    fracs = tuple(source.format.frac + frac for frac in op.weight_frac)
    weight = writer.weights(op, np.ascontiguousarray(values), op.weight_frac, op.weight_format.width)
    bias = writer.constant(op.bias * np.ldexp(1.0, -np.array(fracs)), f"{op.name}.bias")
    made = writer.node("Gemm", (writer.flat(op.input), weight, bias), f"{op.name}.sums", transB=1)
    _leave(writer, op, made, fracs, 2, target)


def _leave(writer: Writer, op: Any, value: str, fracs: tuple[int, ...], rank: int, target: Any) -> None:
    """Accumulators as the output, or rounded."""
    if op.requantize is None:
        writer.real[op.output], writer.rank[op.output] = value, rank
    else:
        writer.rounded(op, value, op.requantize, fracs, target, rank)


def _padded(writer: Writer, op: Any, value: str, constant: float, mode: str = "constant") -> str:
    top, bottom, left, right = op.padding
    amounts = writer.constant([0, 0, top, left, 0, 0, bottom, right], f"{op.name}.amounts", np.int64)
    inputs = (value, amounts, writer.constant(constant, f"{op.name}.value")) if mode == "constant" else (value, amounts)
    return writer.node("Pad", inputs, f"{op.name}.padded", mode=mode)


def _keep(writer: Writer, op: IntegerOperator, value: str, rank: int = 4) -> None:
    """A result whose values are on the grid already: a quantizer that changes nothing says so."""
    writer.store(value, writer.graph.tensors[op.output], rank)


def _max_pooling(writer: Writer, op: IntegerMaxPooling) -> None:
    top, bottom, left, right = op.padding
    made = writer.node(
        "MaxPool", (writer.image(op.input),), f"{op.name}.greatest", kernel_shape=list(op.kernel),
        strides=list(op.stride), pads=[top, left, bottom, right],
    )  # fmt: skip
    _keep(writer, op, made)


def _sum_pooling(writer: Writer, op: IntegerSumPooling) -> None:
    """Sums by a convolution of ones, then a division that float32 rounds too finely to matter."""
    source, target = writer.graph.tensors[op.input], writer.graph.tensors[op.output]
    channels, rule = source.shape[2], op.requantize
    if len(op.divisor) != 1 or rule.rounding == "half_away":
        raise UnsupportedError(
            f"layer {op.name!r}: means of unequal numbers of pixels, or rounded half away; supported: one number, half"
            " up"
        )
    _bounded(writer, op, True)
    by = op.divisor[0] << rule.shift[0]
    greatest = operator_bounds(op, source.format).magnitude / by + 1
    if greatest * 2.0**-22 >= 0.25 / by:
        raise FitError(f"layer {op.name!r}: divides by {by}, which float32 does not round finely enough")
    ones = writer.constant(np.ones((channels, 1, *op.kernel)), f"{op.name}.ones.integers", np.int8)
    step, zero = writer.constant(1.0, f"{op.name}.step"), writer.constant(0, f"{op.name}.zero", np.int8)
    if writer.form == "qdq":
        weight = writer.node("DequantizeLinear", (ones, step, zero), f"{op.name}.ones")
    else:
        weight = writer.constant(np.ones((channels, 1, *op.kernel)), f"{op.name}.ones")
    top, bottom, left, right = op.padding
    sums = writer.node(
        "Conv", (writer.image(op.input), weight), f"{op.name}.sums", kernel_shape=list(op.kernel),
        strides=list(op.stride), pads=[top, left, bottom, right], group=channels,
    )  # fmt: skip
    moved = {"half_up": 0.25, "half_even": 0.0, "floor": 0.25 - by / 2}[rule.rounding] if by > 1 else 0.0
    if moved:
        sums = writer.node(
            "Add", (sums, writer.constant(moved * source.step, f"{op.name}.quarter")), f"{op.name}.moved"
        )
    made = writer.node("Div", (sums, writer.constant(float(op.divisor[0]), f"{op.name}.divisor")), f"{op.name}.mean")
    if rule.relu:
        made = writer.node("Relu", (made,), f"{op.name}.relu")
    writer.store(made, target)


def _relu(writer: Writer, op: IntegerRelu) -> None:
    _keep(writer, op, writer.node("Relu", (writer.image(op.input),), f"{op.name}.relu"))


def _add(writer: Writer, op: IntegerAdd) -> None:
    if op.factors:
        raise UnsupportedError(f"layer {op.name!r}: a sum of arbitrary scales")
    _bounded(writer, op, _rounds(op))
    order = sorted(range(len(op.inputs)), key=lambda place: -op.signs[place])
    if op.signs[order[0]] < 0:
        raise UnsupportedError(f"layer {op.name!r}: a sum of nothing but negative terms")
    value = writer.image(op.inputs[order[0]])
    for place in order[1:]:
        kind = "Add" if op.signs[place] > 0 else "Sub"
        value = writer.node(kind, (value, writer.image(op.inputs[place])), f"{op.name}.sum")
    frac = writer.graph.tensors[op.input].format.frac + op.align[0]
    writer.rounded(op, value, op.requantize, (frac,), writer.graph.tensors[op.output])


def _multiply(writer: Writer, op: IntegerMultiply) -> None:
    _bounded(writer, op, _rounds(op))
    value = writer.node("Mul", tuple(writer.image(name) for name in op.inputs), f"{op.name}.product")
    frac = sum(writer.graph.tensors[name].format.frac for name in op.inputs)
    writer.rounded(op, value, op.requantize, (frac,), writer.graph.tensors[op.output])


def _scale(writer: Writer, op: IntegerScale) -> None:
    """A factor a channel as a convolution of single pixels."""
    source, target = writer.graph.tensors[op.input], writer.graph.tensors[op.output]
    if op.negative_scale is not None or op.negative_offset or op.scale_width > 16:
        raise UnsupportedError(f"layer {op.name!r}: factors by sign or of {op.scale_width} bits; supported: one, to 16")
    _bounded(writer, op, _rounds(op))
    channels = source.shape[2]
    shifts = np.broadcast_to(np.array(op.requantize.shift), (channels,))
    # The fractional bits of the factors are those with which the shifts lead to the output.
    fracs = tuple(int(target.format.frac + shift) for shift in shifts)
    factor_fracs = tuple(frac - source.format.frac for frac in fracs)
    weight = writer.weights(op, op.scale.reshape(-1, 1, 1, 1), factor_fracs, op.scale_width)
    bias = writer.constant(op.offset * np.ldexp(1.0, [-frac for frac in fracs]), f"{op.name}.offsets")
    made = writer.node("Conv", (writer.image(op.input), weight, bias), f"{op.name}.sums", group=channels)
    writer.rounded(op, made, op.requantize, fracs, target)


def _concatenate(writer: Writer, op: IntegerConcatenate) -> None:
    _keep(writer, op, writer.node("Concat", [writer.image(name) for name in op.inputs], f"{op.name}.joined", axis=1))


def _slice(writer: Writer, op: IntegerSlice) -> None:
    (row, column, channel), (height, width, channels) = op.start, writer.graph.tensors[op.output].shape
    starts = [channel, row, column]
    ends = [channel + channels, row + height, column + width]
    parts = [
        writer.constant(values, f"{op.name}.{label}", np.int64)
        for label, values in (("starts", starts), ("ends", ends), ("axes", [1, 2, 3]))
    ]
    _keep(writer, op, writer.node("Slice", (writer.image(op.input), *parts), f"{op.name}.part"))


def _pad(writer: Writer, op: IntegerPad) -> None:
    modes = {"constant": "constant", "reflect": "reflect", "repeat": "edge"}
    step = writer.graph.tensors[op.input].step
    _keep(writer, op, _padded(writer, op, writer.image(op.input), op.value * step, modes[op.mode]))


def _upsample(writer: Writer, op: IntegerUpsample) -> None:
    if op.zeros:
        raise UnsupportedError(f"layer {op.name!r}: spreads zeros, the first half of a transposed convolution")
    scales = writer.constant([1, 1, *op.factor], f"{op.name}.scales")
    made = writer.node(
        "Resize", (writer.image(op.input), "", scales), f"{op.name}.repeated", mode="nearest",
        coordinate_transformation_mode="asymmetric", nearest_mode="floor",
    )  # fmt: skip
    _keep(writer, op, made)


def _transpose(writer: Writer, op: IntegerTranspose) -> None:
    if op.view:
        _keep(writer, op, _turned_view(writer, op))
        return
    # (height, width, channels) are axes 2, 3, 1 of an ONNX image.
    height, width, channels = ((2, 3, 1)[axis] for axis in op.axes)
    made = writer.node("Transpose", (writer.image(op.input),), f"{op.name}.turned", perm=[0, channels, height, width])
    _keep(writer, op, made)


def _turned_view(writer: Writer, op: IntegerTranspose) -> str:
    last = writer.node("Transpose", (writer.image(op.input),), f"{op.name}.last", perm=[0, 2, 3, 1])
    shape = writer.constant([-1, *op.view], f"{op.name}.seen", np.int64)
    viewed = writer.node("Reshape", (last, shape), f"{op.name}.apart")
    turned = writer.node("Transpose", (viewed,), f"{op.name}.turned", perm=[0, *(axis + 1 for axis in op.axes)])
    return _as_image(writer, op, turned)


def _reshape(writer: Writer, op: IntegerReshape) -> None:
    """The stream's order has the channels last."""
    last = writer.node("Transpose", (writer.image(op.input),), f"{op.name}.last", perm=[0, 2, 3, 1])
    _keep(writer, op, _as_image(writer, op, last))


def _as_image(writer: Writer, op: IntegerReshape | IntegerTranspose, elements: str) -> str:
    """Elements in the stream's order as the image that an operator gives."""
    height, width, channels = writer.graph.tensors[op.output].shape
    shape = writer.constant([-1, height, width, channels], f"{op.name}.shape", np.int64)
    viewed = writer.node("Reshape", (elements, shape), f"{op.name}.view")
    return writer.node("Transpose", (viewed,), f"{op.name}.first", perm=[0, 3, 1, 2])


def _arg_max(writer: Writer, op: IntegerArgMax) -> None:
    if op.output not in writer.graph.outputs:
        raise UnsupportedError(f"layer {op.name!r}: an index that other layers read")
    found = writer.node("ArgMax", (writer.image(op.input),), f"{op.name}.index", axis=1, keepdims=1)
    writer.real[op.output], writer.rank[op.output] = found, 0


OPERATORS: Mapping[type[IntegerOperator], Callable[[Writer, Any], None]] = {
    IntegerConvolution: _convolution,
    IntegerAffine: _affine,
    IntegerMaxPooling: _max_pooling,
    IntegerRelu: _relu,
    IntegerSumPooling: _sum_pooling,
    IntegerAdd: _add,
    IntegerMultiply: _multiply,
    IntegerScale: _scale,
    IntegerConcatenate: _concatenate,
    IntegerSlice: _slice,
    IntegerPad: _pad,
    IntegerUpsample: _upsample,
    IntegerTranspose: _transpose,
    IntegerReshape: _reshape,
    IntegerArgMax: _arg_max,
}
"""Every operator that standard ONNX can state; a table is none of them."""
