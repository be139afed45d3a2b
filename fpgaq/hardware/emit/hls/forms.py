"""The HLS form of every integer operator, by its class."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ....base.errors import UnsupportedError
from ....integer.graph import (
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
    IntegerTable,
    IntegerTranspose,
    IntegerUpsample,
)
from . import elements, movement, windows
from .layer import Layer
from .text import LayerText

FORMS: Mapping[type[IntegerOperator], Callable[[Layer, Any], LayerText]] = {
    IntegerConvolution: windows.convolution,
    IntegerAffine: windows.affine,
    IntegerMaxPooling: windows.max_pooling,
    IntegerRelu: elements.relu,
    IntegerSumPooling: windows.sum_pooling,
    IntegerTable: elements.table,
    IntegerAdd: elements.add,
    IntegerMultiply: elements.multiply,
    IntegerScale: elements.scale,
    IntegerConcatenate: movement.concatenate,
    IntegerSlice: movement.slice_,
    IntegerPad: movement.pad,
    IntegerUpsample: movement.upsample,
    IntegerTranspose: movement.transpose,
    IntegerReshape: movement.reshape,
    IntegerArgMax: elements.arg_max,
}
"""One for each of `integer_graph.OPERATORS`; a test holds the two equal."""


def layer_text(layer: Layer, op: IntegerOperator) -> LayerText:
    """The struct, arrays, streams and calls of an operator."""
    if type(op) not in FORMS:
        raise UnsupportedError(f"layer {op.name!r}: {type(op).__name__} has no HLS form; generate Verilog instead")
    return FORMS[type(op)](layer, op)
