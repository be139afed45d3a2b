"""From a float TensorFlow Lite model to a `Graph`, whose images are (channels, height, width).

Quantized constants are taken as the real numbers that they stand for; a note says so, since LiteRT would quantize the
inputs of such layers anew for each frame.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....base.errors import ModelError, UnsupportedError
from ...graph import Array, Graph, Identity, Operator, Reshape, Shape, Transpose, check
from .advice import advice_for
from .file import Model, Node, Tensor

REAL = ("float32", "float16", "float64")
WHOLE = ("int32", "int64", "int8", "uint8", "int16")


@dataclass(frozen=True)
class Value:
    """A computed tensor: its name in the graph, where it is `stored`, and the model's `shape` without the batch.

    The elements in the model's order are those of `stored` with the channels last.
    """

    name: str
    stored: Shape
    shape: tuple[int, ...]


class Builder:
    """The graph so far; `values` are the model's computed tensors by index."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.values: dict[int, Value] = {}
        self.constants: dict[int, NDArray[Any]] = {}
        self.operators: list[Operator] = []
        self.shapes: dict[str, Shape] = {}
        self.notes: list[str] = []
        self._names = {tensor.name for tensor in model.tensors}
        self._layers: set[str] = set()

    def fresh(self, name: str) -> str:
        """A tensor's name that no other has."""
        candidate, number = name, 1
        while candidate in self._names or candidate in self.shapes:
            number += 1
            candidate = f"{name}.{number}"
        return candidate

    def put(self, op: Operator, shape: Shape) -> str:
        """Append an operator, its own and its output's name made unique."""
        name, number = op.name, 1
        while name in self._layers:
            number += 1
            name = f"{op.name}.{number}"
        self._layers.add(name)
        output = self.fresh(op.output)
        self.operators.append(replace(op, name=name, output=output))
        self.shapes[output] = shape
        return output


class Call:
    """One operator of the model while it is converted."""

    def __init__(self, builder: Builder, node: Node) -> None:
        self.builder, self.node, self.options, self.where = builder, node, node.options, node.where

    @property
    def name(self) -> str:
        """The layer's name: that of its output, the first of those that a converter joined."""
        return self.builder.model.tensors[self.node.outputs[0]].name.split(";")[0]

    @property
    def shape(self) -> tuple[int, ...]:
        """The output's shape as the file states it, without the batch."""
        return without_batch(self.builder.model.tensors[self.node.outputs[0]], self.where)

    def has(self, place: int) -> bool:
        """Whether an input is there."""
        return place < len(self.node.inputs) and self.node.inputs[place] >= 0

    def is_constant(self, place: int) -> bool:
        """Whether an input is a constant."""
        index = self.node.inputs[place] if self.has(place) else -1
        return index >= 0 and (index in self.builder.constants or self.builder.model.tensors[index].data is not None)

    def constant(self, place: int) -> Array:
        """A constant of real numbers, dequantized if need be."""
        if not self.is_constant(place):
            raise UnsupportedError(
                f"{self.where}: input {place} is computed or missing; supported: constants; make it a weight"
            )
        index = self.node.inputs[place]
        if index in self.builder.constants:
            return self.builder.constants[index].astype(np.float32)
        tensor = self.builder.model.tensors[index]
        assert tensor.data is not None
        if tensor.type in REAL:
            return tensor.data.astype(np.float32)
        if not tensor.scale.size:
            raise UnsupportedError(
                f"{self.where}: input {place} of type {tensor.type}; supported: real numbers;"
                " convert with weights of float32"
            )
        note = "weights that are quantized in the file are taken as the real numbers that they stand for"
        if note not in self.builder.notes:
            self.builder.notes.append(note)
        return dequantized(tensor)

    def integers(self, place: int) -> list[int]:
        """A constant of whole numbers."""
        tensor = self.builder.model.tensors[self.node.inputs[place]] if self.has(place) else None
        if tensor is None or tensor.data is None or tensor.data.dtype.kind not in "iu":
            raise UnsupportedError(
                f"{self.where}: input {place} is no constant of whole numbers; convert with fixed sizes (a batch of 1)"
            )
        return [int(value) for value in tensor.data.reshape(-1)]

    def value(self, place: int) -> Value:
        """A computed input."""
        found = self.builder.values.get(self.node.inputs[place]) if self.has(place) else None
        if found is None:
            raise UnsupportedError(
                f"{self.where}: input {place} is a constant; supported: a computed tensor;"
                " convert again, which folds constants"
            )
        return found

    def image(self, place: int) -> Value:
        """A computed input stored as (channels, height, width) of its own shape; a vector as (features,)."""
        return self.viewed(self.value(place))

    def viewed(self, value: Value) -> Value:
        """The value stored in its own shape."""
        wanted = stored_shape(value.shape, self.where)
        if value.stored == wanted:
            return value
        name = value.name
        rows = value.stored[1:] if len(value.stored) == 3 else (1, 1)
        if len(value.stored) == 3 and value.stored[0] > 1 and math.prod(rows) > 1:
            turned = (*rows, value.stored[0])
            name = self.builder.put(Transpose(f"{self.name}.last", (name,), f"{name}.last", (1, 2, 0)), turned)
        last = value.shape if len(value.shape) == 3 else (1, *value.shape) if len(value.shape) == 2 else value.shape
        if len(last) == 3 and last[2] > 1 and last[0] * last[1] > 1:
            name = self.builder.put(Reshape(f"{self.name}.view", (name,), f"{name}.view"), last)
            name = self.builder.put(Transpose(f"{self.name}.first", (name,), f"{name}.first", (2, 0, 1)), wanted)
        else:
            name = self.builder.put(Reshape(f"{self.name}.view", (name,), f"{name}.view"), wanted)
        return Value(name, wanted, value.shape)

    def put(self, kind: type[Operator], sources: tuple[str, ...], stored: Shape, end: str = "", **fields: Any) -> str:
        """Append an operator of this layer."""
        return self.builder.put(kind(f"{self.name}{end}", sources, f"{self.name}{end}", **fields), stored)

    def write(self, name: str, stored: Shape, place: int = 0) -> None:
        """The value of an output, in the shape that the file states."""
        index = self.node.outputs[place]
        shape = without_batch(self.builder.model.tensors[index], self.where)
        if math.prod(shape) != math.prod(stored):
            raise ModelError(f"{self.where}: computes {math.prod(stored)} elements; the file states {list(shape)}")
        self.builder.values[index] = Value(name, stored, shape)


def stored_shape(shape: tuple[int, ...], where: str) -> Shape:
    """(channels, height, width) of an image, (channels, 1, length) of a row, (features,) of a vector."""
    if len(shape) > 3:
        raise UnsupportedError(
            f"{where}: a tensor of shape {list(shape)} after the batch; supported: to three"
            " axes; merge axes before it (Reshape)"
        )
    if len(shape) < 2:
        return shape or (1,)
    full = (1, *shape) if len(shape) == 2 else shape
    return full[2], full[0], full[1]


def without_batch(tensor: Tensor, where: str) -> tuple[int, ...]:
    """The shape without a batch of 1."""
    if len(tensor.shape) < 2:
        return tensor.shape
    if tensor.shape[0] != 1:
        raise UnsupportedError(
            f"{where}: tensor {tensor.name!r} of shape {list(tensor.shape)} has a batch of {tensor.shape[0]}; convert"
            " the model with a batch of 1"
        )
    if any(size < 1 for size in tensor.shape):
        raise ModelError(f"{where}: tensor {tensor.name!r} of shape {list(tensor.shape)}; sizes are at least 1")
    return tensor.shape[1:]


def dequantized(tensor: Tensor) -> Array:
    """The real numbers of a quantized constant."""
    assert tensor.data is not None
    shape = [1] * tensor.data.ndim
    if tensor.scale.size > 1:
        if tensor.axis >= tensor.data.ndim or tensor.data.shape[tensor.axis] != tensor.scale.size:
            raise ModelError(f"tensor {tensor.name!r}: {tensor.scale.size} scales for shape {list(tensor.shape)}")
        shape[tensor.axis] = -1
    values = tensor.data.astype(np.float32) - tensor.zero_point.astype(np.float32).reshape(shape)
    result: Array = (values * tensor.scale.reshape(shape)).astype(np.float32)
    return result


def load_tflite(model: Model) -> Graph:
    """The float network of a model.

    Raises
    ------
    UnsupportedError
        For operators, options and types that are not carried, by name.
    """
    from .operators import CONVERTERS

    builder = Builder(model)
    for index in model.inputs:
        _start(builder, index)
    for node in model.nodes:
        call = Call(builder, node)
        if node.type not in CONVERTERS:
            error = UnsupportedError(f"{node.where}: not carried{advice_for(node.type)}")
            raise error from UnsupportedError(f"supported: {', '.join(sorted(CONVERTERS))}")
        CONVERTERS[node.type](call)
        node.options.finish()
    outputs = tuple(_finish(builder, index) for index in dict.fromkeys(model.outputs))
    inputs = tuple(model.tensors[index].name for index in model.inputs)
    graph = Graph(model.name, inputs, outputs, tuple(builder.operators), builder.shapes, notes=tuple(builder.notes))
    return check(_needed(graph))


def _start(builder: Builder, index: int) -> None:
    """An input in the model's own shape, and its image."""
    tensor = builder.model.tensors[index]
    where = f"input {tensor.name!r}"
    if tensor.type != "float32":
        raise UnsupportedError(
            f"{where} is of type {tensor.type} in a model of real numbers; supported: float32;"
            " convert with inputs of float32, or quantize the whole model"
        )
    shape = without_batch(tensor, where)
    if tensor.name in builder.shapes or not shape:
        raise ModelError(f"{where} has the name of another input or no sizes")
    builder.shapes[tensor.name] = shape
    wanted = stored_shape(shape, where)
    if len(shape) == 1:
        builder.values[index] = Value(tensor.name, shape, shape)
        return
    name, source = f"{tensor.name}.image", tensor.name
    if shape[-1] > 1 and math.prod(shape[:-1]) > 1:
        if len(shape) == 2:
            source = builder.put(Reshape(f"{name}.row", (source,), f"{name}.row"), (1, *shape))
        name = builder.put(Transpose(name, (source,), name, (2, 0, 1)), wanted)
    else:
        name = builder.put(Reshape(name, (tensor.name,), name), wanted)
    builder.values[index] = Value(name, wanted, shape)


def _finish(builder: Builder, index: int) -> str:
    """The graph's tensor of an output, in the model's own shape and with its name."""
    tensor = builder.model.tensors[index]
    value = builder.values.get(index)
    if value is None:
        raise UnsupportedError(
            f"output {tensor.name!r} is a constant: the data does not reach it; leave it out of the outputs"
        )
    name, stored, shape = value.name, value.stored, value.shape or (1,)
    if len(stored) == 3 and stored[0] > 1 and stored[1] * stored[2] > 1:
        stored = (*stored[1:], stored[0])
        name = builder.put(Transpose(f"{tensor.name}.last", (name,), f"{tensor.name}.last", (1, 2, 0)), stored)
    if stored != shape:
        name = builder.put(Reshape(f"{tensor.name}.view", (name,), f"{tensor.name}.view"), shape)
    last = Identity(f"{tensor.name}.output", (name,), tensor.name, "Identity")
    builder.operators.append(last)
    builder.shapes[tensor.name] = shape
    return tensor.name


def _needed(graph: Graph) -> Graph:
    """Without the operators that no output needs."""
    needed, kept = set(graph.outputs), []
    for op in reversed(graph.operators):
        if op.output in needed:
            needed.update(op.inputs)
            kept.append(op)
    return graph.with_operators(tuple(reversed(kept)))
