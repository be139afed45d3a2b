"""Operators of the float graph as nnabla functions; where nnabla lacks a case, as several of them.

What nnabla pads alike on both sides is unequal here: a Pad function then stands in front.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from ..graph import (
    Add,
    Affine,
    Array,
    AveragePooling,
    BatchNormalization,
    Concatenate,
    Convolution,
    Deconvolution,
    FixedPointQuantize,
    Grid,
    Identity,
    MaxPooling,
    Multiply,
    Operator,
    Pad,
    Prelu,
    Relu,
    Reshape,
    ScaleOffset,
    Slice,
    Softmax,
    Transpose,
    Upsample,
)
from ..passes.linear import Linear
from .nnp_function import Sheet, dims, refusal

MARGIN = 0.25
"""How far beyond the ends of a range a weight is bounded, in steps: nnabla passes no gradient at a bound itself."""


def _write_layer(
    sheet: Sheet,
    op: Linear,
    kind: str,
    arguments: Mapping[str, Any],
    weight: Array,
    inputs: tuple[str, ...] | None = None,
    output: str | None = None,
) -> None:
    """A layer on its parameters, in nnabla's layout, or on what fixed-point functions make of them."""
    given = {"W": (weight, op.weight_grid)}
    if op.bias is not None:
        given["b"] = (op.bias, op.bias_grid)
    plain: dict[str, Array] = {}
    inputs = op.inputs if inputs is None else inputs
    for position, (key, (values, grid)) in enumerate(given.items()):
        if grid is None and not plain and any(later is not None for _, later in list(given.values())[position + 1 :]):
            raise refusal(op, "a bias in fixed point with a float weight")
        if grid is None:
            plain[key] = values
        else:
            inputs = (*inputs, _on_grid(sheet, op, key, values, grid))
    sheet.write(op, kind, arguments, plain, inputs, output)


def _on_grid(sheet: Sheet, op: Linear, key: str, values: Array, grid: Grid) -> str:
    """The tensor of a parameter rounded to fixed point."""

    def constant(suffix: str) -> str:
        name = sheet.fresh(op, f"{key}_{suffix}", values.shape)
        sheet.constants.add(name)
        return name

    if grid.step is not None:
        raise refusal(op, f"parameters in steps of {grid.step:g}, no power of two")
    helper = replace(op, name=f"{op.name}/{key}")
    single = len(grid.frac) == 1
    functions = _rounding(grid, 2.0 ** -grid.frac[0] if single else 1.0)
    parameters: dict[str, Array] = {key: values}
    if not single:
        scale = _spread(op, key, values, np.asarray(grid.frac))
        parameters[f"{key}_scale"] = np.exp2(scale)
        functions = [("scaled", "Mul2", {}), *functions]
    inputs: tuple[str, ...] = ()
    for suffix, kind, arguments in functions:
        name = constant("integers" if suffix == "fixed" and not single else suffix)
        sheet.write(helper, kind, arguments, parameters, inputs, name)
        inputs, parameters = (name,), {}
    if single:
        return name
    name = constant("fixed")
    sheet.write(helper, "Mul2", None, {f"{key}_step": np.exp2(-scale)}, inputs, name)
    return name


def _rounding(grid: Grid, delta: float) -> list[tuple[str, str, dict[str, Any]]]:
    """Functions that round to a grid of one step: the suffix of each function's output, its kind, and its arguments."""
    fmt = grid.formats()[0]
    bits, bounds = fmt.width, []
    if fmt.signed and not fmt.narrow:
        # nnabla's function is symmetric: of one bit more it has the most negative code. Bounds in front, which round
        # to the ends of the range, keep it to that.
        bits += 1
        bounds = [
            ("least", "MaximumScalar", {"val": (fmt.minimum - MARGIN) * delta}),
            ("most", "MinimumScalar", {"val": (fmt.maximum + MARGIN) * delta}),
        ]
    # Gradients pass everywhere here, or a clipped weight would never come back.
    return [*bounds, ("fixed", "FixedPointQuantize", {"sign": fmt.signed, "n": bits, "delta": delta})]


def _spread(op: Linear, key: str, values: Array, frac: Array) -> Array:
    """One number for each output channel in a shape that broadcasts to the parameter, in nnabla's layout."""
    if key == "b":
        return frac.astype(np.float32)
    if isinstance(op, Affine):
        return frac.reshape(1, -1).astype(np.float32)
    if isinstance(op, Deconvolution):
        rows = np.repeat(frac.reshape(op.groups, 1, -1), op.weight.shape[0] // op.groups, axis=1)
        return rows.reshape(*op.weight.shape[:2], 1, 1).astype(np.float32)
    return frac.reshape(-1, *(1,) * (values.ndim - 1)).astype(np.float32)


def _padded(sheet: Sheet, op: Convolution | MaxPooling | AveragePooling, value: float) -> tuple[str, ...]:
    """The input with a border of `value`, as wide as the operator's padding."""
    channels, height, width = sheet.shape(op.input)
    top, bottom, left, right = op.padding
    name = sheet.fresh(op, "padded", (channels, height + top + bottom, width + left + right))
    border = Pad(f"{op.name}/pad", op.inputs, name, op.padding, "constant", value)
    _pad(sheet, border)
    return (name,)


def _convolution(sheet: Sheet, op: Convolution) -> None:
    top, bottom, left, right = op.padding
    pad, inputs = (top, left), op.inputs
    if top != bottom or left != right or (op.padding_value and any(op.padding)):
        pad, inputs = (0, 0), _padded(sheet, op, op.padding_value)
    arguments: dict[str, Any] = {
        "base_axis": 1,
        "pad": dims(*pad),
        "stride": dims(*op.stride),
        "dilation": dims(*op.dilation),
    }
    if op.groups > 1 and op.weight.shape[1] == 1:
        arguments["multiplier"] = op.weight.shape[0] // op.groups
        _write_layer(sheet, op, "DepthwiseConvolution", arguments, op.weight[:, 0], inputs)
        return
    _write_layer(sheet, op, "Convolution", {**arguments, "group": op.groups}, op.weight, inputs)


def _affine(sheet: Sheet, op: Affine) -> None:
    _write_layer(sheet, op, "Affine", {"base_axis": 1}, np.ascontiguousarray(op.weight.T))


def _deconvolution(sheet: Sheet, op: Deconvolution) -> None:
    """With unequal padding: all of it, and a slice of that."""
    top, bottom, left, right = op.padding
    pad, extra, output = (top, left), op.output_padding, op.output
    whole = top != bottom or left != right
    if whole:
        channels, rows, columns = sheet.shape(op.output)
        over = (max(0, op.output_padding[0] - bottom), max(0, op.output_padding[1] - right))
        full = tuple(
            (size - 1) * stride + dilation * (kernel - 1) + 1 + more
            for size, stride, dilation, kernel, more in zip(
                sheet.shape(op.input)[1:], op.stride, op.dilation, op.weight.shape[2:], over, strict=True
            )
        )
        pad, extra, output = (0, 0), over, sheet.fresh(op, "whole", (channels, *full))
    arguments = {
        "base_axis": 1,
        "pad": dims(*pad),
        "stride": dims(*op.stride),
        "dilation": dims(*op.dilation),
        "group": op.groups,
        "output_padding": dims(*extra),
    }
    _write_layer(sheet, op, "Deconvolution", arguments, op.weight, output=output)
    if whole:
        _slice(sheet, Slice(f"{op.name}/slice", (output,), op.output, (0, top, left)))


def _overhangs(sheet: Sheet, op: MaxPooling | AveragePooling) -> bool:
    """Whether nnabla pools these windows itself where the last one hangs over the edge."""
    _, *sizes = sheet.shape(op.input)
    for axis, size in enumerate(sizes):
        before, after = op.padding[2 * axis : 2 * axis + 2]
        count = -((size + before) // -op.stride[axis])
        if max(0, (count - 1) * op.stride[axis] + op.kernel[axis] - size - before) != after:
            return False
    return True


def _pooling(sheet: Sheet, op: MaxPooling | AveragePooling) -> None:
    """Equal padding, or an overhang that nnabla makes itself; else a border in front."""
    kind, counts = "MaxPooling", False
    if isinstance(op, AveragePooling):
        counts = op.count_padding and not op.sum_only
        kind = "SumPooling" if op.sum_only else "AveragePooling"
    top, bottom, left, right = op.padding
    pad, inputs, ignore = (top, left), op.inputs, True
    if top != bottom or left != right:
        # nnabla never counts an overhang in a mean, and the reader makes one of it that does not count either.
        if _overhangs(sheet, op) and not counts:
            ignore = False
        elif kind == "AveragePooling" and not counts:
            raise refusal(op, f"a mean that leaves out the padding {op.padding}; make it equal on both sides")
        else:
            pad, inputs = (0, 0), _padded(sheet, op, -math.inf if kind == "MaxPooling" else 0.0)
    arguments: dict[str, Any] = {"kernel": dims(*op.kernel), "stride": dims(*op.stride), "pad": dims(*pad)}
    arguments["ignore_border"] = ignore
    if kind == "AveragePooling":
        arguments["including_pad"] = counts
    sheet.write(op, kind, arguments, inputs=inputs)


def _add(sheet: Sheet, op: Add) -> None:
    shape = sheet.shape(op.output)
    plus, minus = (
        tuple(name for name, sign in zip(op.inputs, op.signs, strict=True) if sign == wanted) for wanted in (1, -1)
    )

    def total(names: tuple[str, ...], suffix: str, output: str | None) -> str:
        if len(names) == 1 and output is None:
            return names[0]
        output = output or sheet.fresh(op, suffix, shape)
        sheet.write(op, "Add2" if len(names) == 2 else "AddN", inputs=names, output=output)
        return output

    if not minus:
        total(plus, "plus", op.output)
    elif not plus:
        sheet.write(op, "MulScalar", {"val": -1.0}, inputs=(total(minus, "minus", None),))
    else:
        sheet.write(op, "Sub2", inputs=(total(plus, "plus", None), total(minus, "minus", None)))


def _slice(sheet: Sheet, op: Slice) -> None:
    stop = [start + size for start, size in zip(op.start, sheet.shape(op.output), strict=True)]
    sheet.write(op, "Slice", {"start": list(op.start), "stop": stop, "step": [1] * len(stop)})


def _pad(sheet: Sheet, op: Pad) -> None:
    sheet.write(op, "Pad", {"pad_width": list(op.padding), "mode": op.mode, "constant_value": op.value})


def _normalize(sheet: Sheet, op: BatchNormalization) -> None:
    spread = (1, -1, *(1,) * (len(sheet.shape(op.input)) - 1))
    given = {"beta": op.offset, "gamma": op.scale, "mean": op.mean, "var": op.variance}
    parameters = {key: value.reshape(spread) for key, value in given.items() if value is not None}
    arguments = {
        "axes": [1],
        "decay_rate": 0.9,
        "eps": float(op.epsilon),
        "batch_stat": False,
        "no_scale": op.scale is None,
        "no_bias": op.offset is None,
    }
    sheet.write(op, "BatchNormalization", arguments, parameters)


def _scale_offset(sheet: Sheet, op: ScaleOffset) -> None:
    if op.scale == -1.0 and op.offset:
        sheet.write(op, "RSubScalar", {"val": op.offset})
    elif op.scale == 1.0:
        sheet.write(op, "AddScalar", {"val": op.offset})
    elif not op.offset:
        sheet.write(op, "MulScalar", {"val": op.scale})
    else:
        scaled = sheet.fresh(op, "scaled", sheet.shape(op.output))
        sheet.write(op, "MulScalar", {"val": op.scale}, output=scaled)
        sheet.write(replace(op, name=f"{op.name}/offset"), "AddScalar", {"val": op.offset}, inputs=(scaled,))


def _quantize(sheet: Sheet, op: FixedPointQuantize) -> None:
    fmt, delta = op.format, op.format.step if op.step is None else op.step
    if op.zero_point:
        raise refusal(op, "a quantizer with a zero point")
    if fmt.signed != fmt.narrow:
        raise refusal(op, f"the range of {fmt.describe()}; a signed one is symmetric there")
    sheet.write(
        op,
        "FixedPointQuantize",
        {"sign": fmt.signed, "n": fmt.width, "delta": delta, "ste_fine_grained": True},
    )


WRITERS: Mapping[type[Operator], Callable[[Sheet, Any], None]] = {
    Convolution: _convolution,
    Affine: _affine,
    MaxPooling: _pooling,
    Deconvolution: _deconvolution,
    AveragePooling: _pooling,
    Upsample: lambda sheet, op: sheet.write(op, "Unpooling", {"kernel": dims(*op.factor)}),
    Add: _add,
    Multiply: lambda sheet, op: sheet.write(op, "Mul2"),
    Concatenate: lambda sheet, op: sheet.write(op, "Concatenate", {"axis": 1}),
    Slice: _slice,
    Pad: _pad,
    Transpose: lambda sheet, op: sheet.write(op, "Transpose", {"axes": [0, *(axis + 1 for axis in op.axes)]}),
    Prelu: lambda sheet, op: sheet.write(op, "PReLU", {"base_axis": 1}, {"slope": op.slope}),
    Relu: lambda sheet, op: sheet.write(op, "ReLU"),
    BatchNormalization: _normalize,
    ScaleOffset: _scale_offset,
    Reshape: lambda sheet, op: sheet.write(op, "Reshape", {"shape": dims(-1, *sheet.shape(op.output))}),
    Softmax: lambda sheet, op: sheet.write(op, "LogSoftmax" if op.log else "Softmax", {"axis": op.axis + 1}),
    FixedPointQuantize: _quantize,
    Identity: lambda sheet, op: sheet.write(op, "Identity"),
}
"""All operators but Pointwise, whose functions are in `nnp_functions`."""
