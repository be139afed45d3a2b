"""Layers that move elements and change none."""

from __future__ import annotations

from ....base.errors import UnsupportedError
from ....integer.graph import (
    IntegerConcatenate,
    IntegerPad,
    IntegerReshape,
    IntegerSlice,
    IntegerTranspose,
    IntegerUpsample,
)
from .layer import Layer
from .text import LayerText, constants, list_member, truth


def concatenate(layer: Layer, op: IntegerConcatenate) -> LayerText:
    """The channels of all inputs one after another."""
    return LayerText((f"fpgaq::concatenate({', '.join((layer.sink, *layer.sources))});",))


def slice_(layer: Layer, op: IntegerSlice) -> LayerText:
    """A part of each frame."""
    row, column, channel = op.start
    return _with_constants(layer, "slice", constants({"row": row, "column": column, "channel": channel}))


def pad(layer: Layer, op: IntegerPad) -> LayerText:
    """Pixels around the image."""
    corner = {"top": op.padding[0], "left": op.padding[2]}
    if op.mode == "constant":
        value = f"static constexpr long long value = {op.value};"
        return _with_constants(layer, "pad", constants(corner), value)
    return _with_constants(layer, "pad_folded", constants(corner), truth("mirrored", op.mode == "reflect"))


def upsample(layer: Layer, op: IntegerUpsample) -> LayerText:
    """Blocks of pixels."""
    factor = constants({"rows": op.factor[0], "columns": op.factor[1]})
    return _with_constants(layer, "spread" if op.zeros else "upsample", factor)


def transpose(layer: Layer, op: IntegerTranspose) -> LayerText:
    """Axes in another order, by the strides of the stored frame."""
    if op.view:
        raise UnsupportedError(
            f"layer {op.name!r}: an order of channels, which is a form for Verilog; generate Verilog, or HLS C++ of the"
            " network before it was lowered"
        )
    _, width, channels = layer.tensors[op.input].shape
    stored = -(-channels // layer.fold.lanes_in) * layer.fold.lanes_in
    strides = (width * stored, stored, 1)
    return _with_constants(layer, "transpose", *list_member("int", "strides", [strides[axis] for axis in op.axes]))


def reshape(layer: Layer, op: IntegerReshape) -> LayerText:
    """The same beats of an image of another shape."""
    return LayerText((f"fpgaq::reshape({layer.sources[0]}, {layer.sink});",))


def _with_constants(layer: Layer, function: str, *members: str) -> LayerText:
    call = f"fpgaq::{function}<{layer.struct}>({layer.sources[0]}, {layer.sink});"
    return LayerText((call,), layer.struct, members)
