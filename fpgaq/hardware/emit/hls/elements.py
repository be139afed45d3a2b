"""Layers that work element by element."""

from __future__ import annotations

import numpy as np

from ....integer.graph import (
    IntegerAdd,
    IntegerArgMax,
    IntegerMultiply,
    IntegerRelu,
    IntegerScale,
    IntegerTable,
)
from .layer import Layer
from .text import LayerText, array, constants, element_type, list_member, number, rule_members, sum_bits, truth


def relu(layer: Layer, op: IntegerRelu) -> LayerText:
    """max(x, 0)."""
    return LayerText((f"fpgaq::relu({layer.sources[0]}, {layer.sink});",))


def table(layer: Layer, op: IntegerTable) -> LayerText:
    """A constant array, and the requantizer to its index."""
    source, target = layer.tensors[op.input].format, layer.tensors[op.output].format
    name = f"table_{layer.index:02d}"
    members = (
        constants({"entries": len(op.table), "least_index": op.index_format.minimum}),
        f"using Index = {element_type(op.index_format)};",
        *rule_members(op.requantize, op.index_format, sum_bits(source)),
    )
    call = f"fpgaq::look_up<{layer.struct}>({layer.sources[0]}, {layer.sink}, {name});"
    return LayerText((call,), layer.struct, members, (array(name, sum_bits(target), op.table),))


def add(layer: Layer, op: IntegerAdd) -> LayerText:
    """Aligned inputs, summed and rounded once."""
    negative = ", ".join("true" if sign < 0 else "false" for sign in op.signs)
    members = (
        *list_member("int", "align", op.align),
        f"static constexpr bool negative[] = {{{negative}}};",
        *rule_members(op.requantize, layer.tensors[op.output].format, op.accumulator_width),
    )
    call = f"fpgaq::add<{layer.struct}>({', '.join((layer.sink, *layer.sources))});"
    return LayerText((call,), layer.struct, members)


def multiply(layer: Layer, op: IntegerMultiply) -> LayerText:
    """Products of two inputs."""
    members = tuple(rule_members(op.requantize, layer.tensors[op.output].format, op.accumulator_width))
    call = f"fpgaq::multiply_elements<{layer.struct}>({', '.join((*layer.sources, layer.sink))});"
    return LayerText((call,), layer.struct, members)


def scale(layer: Layer, op: IntegerScale) -> LayerText:
    """A factor and an offset for each channel."""
    index, own = f"{layer.index:02d}", op.negative_scale is not None
    negative = op.negative_scale if op.negative_scale is not None else np.zeros(1, dtype=np.int64)
    members = (
        truth("own_negative", own),
        f"static constexpr long long negative_offset = {number(op.negative_offset)};",
        *rule_members(op.requantize, layer.tensors[op.output].format, op.accumulator_width),
    )
    arrays = (
        array(f"factors_{index}", op.scale_width, op.scale),
        array(f"negative_factors_{index}", op.scale_width, negative),
        array(f"offsets_{index}", op.accumulator_width, op.offset),
    )
    names = ", ".join(one.name for one in arrays)
    call = f"fpgaq::scale<{layer.struct}>({layer.sources[0]}, {layer.sink}, {names});"
    return LayerText((call,), layer.struct, members, arrays)


def arg_max(layer: Layer, op: IntegerArgMax) -> LayerText:
    """The index of the greatest channel."""
    return LayerText((f"fpgaq::greatest_channel({layer.sources[0]}, {layer.sink});",))
