"""What the conversion of one ONNX node works with: its tensors, constants and attributes, and the growing graph.

Tensors of the model have a batch in front, which is left out here. A 1-D tensor (channels, length) is an image
(channels, 1, length) in the graph, whatever operator it comes from; `Tensor.shape` is the model's view of it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....base.errors import ModelError, UnsupportedError
from ...graph import Array, Identity, Operator, Reshape, Shape
from .attributes import Attributes

MAX_TENSOR_ELEMENTS = 1 << 28


@dataclass(frozen=True)
class Tensor:
    """A tensor of the graph and its shape in the model, without the batch."""

    name: str
    shape: Shape


@dataclass(frozen=True)
class Node:
    """One ONNX node, its name made unique and never empty."""

    name: str
    type: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Any

    @property
    def where(self) -> str:
        """What errors call it."""
        return f"layer {self.name!r} ({self.type})"


def graph_shape(shape: Shape) -> Shape:
    """The shape in the graph of a tensor that the model sees as `shape`: the first and the last axis stay."""
    if len(shape) == 2:
        return shape[0], 1, shape[1]
    if len(shape) > 3:
        return shape[0], math.prod(shape[1:-1]), shape[-1]
    return shape or (1,)


class Builder:
    """The graph so far. `batch` is 1 where the model leaves it open (`open_batch`)."""

    def __init__(self, opset: int, batch: int, open_batch: bool, reserved: set[str]) -> None:
        self.opset = opset
        self.batch = batch
        self.open_batch = open_batch
        self.tensors: dict[str, Tensor] = {}
        self.constants: dict[str, NDArray[Any]] = {}
        self.operators: list[Operator] = []
        self.shapes: dict[str, Shape] = {}
        self.writers: dict[str, Node] = {}
        self.failed: dict[str, UnsupportedError] = {}
        """Why a tensor cannot be computed by itself; a composition that contains it may be known as a whole."""
        self.integers: set[str] = set()
        """Tensors of whole numbers: pixels and indices."""
        self.whole: set[str] = set()
        """Tensors of real type whose values were whole numbers before a Cast."""
        self.merged: set[str] = set()
        """Tensors (batch * rows, features) in the model, the rows of all samples one after another; (rows, features)
        here."""
        self.stacked: set[str] = set()
        """Tensors (size, batch, ...) in the model, steps or members in front of the batch; (size, ...) here."""
        self.labels: dict[str, list[object]] = {}
        """The labels that stand for the indices of a tensor, where they are not the indices themselves."""
        self.read: set[str] = set()
        """The names that nodes or outputs read."""
        self.unknown: list[Node] = []
        self.notes: list[str] = []
        self.reshaped: dict[str, Tensor] = {}
        """What a reshape to more than three axes was made of, so that the next one begins there."""
        self._reserved = set(reserved)

    def fresh(self, name: str) -> str:
        """A tensor name like `name` that neither the model nor the graph has."""
        candidate, number = name, 1
        while candidate in self._reserved:
            number += 1
            candidate = f"{name}{number}"
        self._reserved.add(candidate)
        return candidate

    def call(self, node: Node) -> Call:
        """The conversion of one node."""
        return Call(self, node)


class Call:
    """One node under conversion."""

    def __init__(self, builder: Builder, node: Node) -> None:
        self.builder = builder
        self.node = node
        self.opset = builder.opset
        self.where = node.where
        self.attributes = Attributes(node.attributes, node.where)
        self.stacked = False
        """Whether the batch stands after the first axis, in what the node reads or writes."""
        self._steps = 0

    def count(self, least: int, most: int) -> int:
        """The number of inputs, checked."""
        count = len(self.node.inputs)
        if not least <= count <= most:
            allowed = str(least) if least == most else f"{least} to {most}"
            raise ModelError(f"{self.where}: {count} inputs; expected {allowed}")
        return count

    def has(self, index: int) -> bool:
        """Whether an optional input is there."""
        return index < len(self.node.inputs) and bool(self.node.inputs[index])

    def is_constant(self, index: int) -> bool:
        """Whether an input is a constant."""
        return self.has(index) and self.node.inputs[index] in self.builder.constants

    def tensor(self, index: int = 0) -> Tensor:
        """An input that is computed or data."""
        name = self.node.inputs[index] if self.has(index) else ""
        if name in self.builder.tensors:
            return self.builder.tensors[name]
        if name in self.builder.failed:
            raise self.builder.failed[name]
        if name in self.builder.constants:
            raise UnsupportedError(
                f"{self.where}: input {index}, {name!r}, is a constant; supported: a computed tensor;"
                " compute what depends on constants alone before exporting"
            )
        raise ModelError(f"{self.where}: input {index}, {name!r}, is not there; no node writes it and no data feeds it")

    def constant(self, index: int) -> NDArray[Any]:
        """An input that is an initializer or was computed from such."""
        name = self.node.inputs[index] if self.has(index) else ""
        if name in self.builder.constants:
            return self.builder.constants[name]
        if name in self.builder.failed:
            raise self.builder.failed[name]
        if name in self.builder.tensors:
            raise UnsupportedError(
                f"{self.where}: input {index}, {name!r}, is computed or data; supported: a"
                " constant; store it as a parameter, or end the model before it (--outputs NAME)"
            )
        raise ModelError(f"{self.where}: input {index}, {name!r}, is not there; expected a constant")

    def parameter(self, index: int) -> Array:
        """A constant of finite real numbers."""
        array = self.constant(index)
        if array.dtype != np.float32:
            raise UnsupportedError(
                f"{self.where}: input {index} is of type {array.dtype}; supported: real numbers;"
                " export with float32 parameters"
            )
        bad = np.argwhere(~np.isfinite(array))
        if len(bad):
            place = [int(i) for i in bad[0]]
            raise ModelError(
                f"{self.where}: input {index}, {self.node.inputs[index]!r}{place}, is {array[tuple(bad[0])]};"
                " parameters must be finite"
            )
        return array

    def integers(self, index: int) -> list[int]:
        """A constant list of integers, such as a shape."""
        array = self.constant(index)
        if array.dtype.kind != "i" or array.ndim > 1 or array.size > 64:
            raise ModelError(
                f"{self.where}: input {index} is of type {array.dtype} and shape {array.shape}; expected integers"
            )
        return [int(value) for value in array.reshape(-1)]

    def image(self, index: int = 0) -> Tensor:
        """An input with one or two spatial axes."""
        tensor = self.tensor(index)
        if len(tensor.shape) not in (2, 3):
            cubes = "use Conv2d in place of Conv3d, the depth among the channels"
            remedy = cubes if len(tensor.shape) == 4 else "reshape before it, or use another layer"
            raise UnsupportedError(
                f"{self.where}: input shape {tensor.shape}; supported: (channels, length) and (channels, height, width)"
                f"; {remedy}"
            )
        return tensor

    def axis(self, axis: int, rank: int) -> int:
        """An axis of a tensor of `rank` axes without the batch; the batch itself is refused."""
        position = axis + rank + 1 if axis < 0 else axis
        if not 0 <= position <= rank:
            raise ModelError(f"{self.where}: axis {axis} of a tensor with {rank + 1} axes")
        if self.stacked and position < 2:
            position = 1 - position
        if position == 0:
            raise UnsupportedError(
                f"{self.where}: axis {axis} is the batch; supported: the others; leave the batch as it is"
            )
        return position - 1

    def emit(
        self, operator: type[Operator], inputs: tuple[Tensor, ...], shape: Shape, last: int = 0, /, **fields: Any
    ) -> Tensor:
        """Append an operator; `last` is the node's output that it writes, -1 for a tensor in between."""
        if min(shape, default=1) < 1 or math.prod(shape) > MAX_TENSOR_ELEMENTS:
            raise ModelError(
                f"{self.where}: the output would have shape {shape}; sizes are at least 1, elements at most"
                f" {MAX_TENSOR_ELEMENTS}"
            )
        self._steps += 1
        outputs = self.node.outputs
        model_name = outputs[last] if last >= 0 else ""
        name = model_name or self.builder.fresh(f"{outputs[0]}.{self._steps}")
        label = self.node.name if last == 0 else f"{self.node.name}.{self._steps}"
        source = tuple(tensor.name for tensor in inputs)
        self.builder.operators.append(operator(label, source, name, **fields))
        self.builder.shapes[name] = graph_shape(shape)
        result = Tensor(name, shape)
        if model_name:
            self.builder.tensors[name] = result
        return result

    def reshape(self, tensor: Tensor, shape: Shape, last: int = 0) -> Tensor:
        """Another view of the same elements; an Identity where the graph does not see the difference."""
        tensor = self.builder.reshaped.get(tensor.name, tensor) if len(tensor.shape) > 3 else tensor
        if graph_shape(tensor.shape) == graph_shape(shape):
            return self.emit(Identity, (tensor,), shape, last, kind=self.node.type)
        if math.prod(tensor.shape) != math.prod(shape):
            raise ModelError(f"{self.where}: cannot reshape {tensor.shape} to {shape}: element counts differ")
        result = self.emit(Reshape, (tensor,), shape, last)
        if len(shape) > 3:
            self.builder.reshaped[result.name] = tensor
        return result

    def view(self, tensor: Tensor, shape: Shape) -> Tensor:
        """The same elements in between, without an operator where the graph does not see the difference."""
        tensor = self.builder.reshaped.get(tensor.name, tensor) if len(tensor.shape) > 3 else tensor
        if graph_shape(tensor.shape) == graph_shape(shape):
            return Tensor(tensor.name, shape)
        return self.reshape(tensor, shape, -1)

    def writer(self, index: int, kind: str = "") -> Node | None:
        """The node that writes an input, if it is of a kind."""
        node = self.builder.writers.get(self.node.inputs[index]) if self.has(index) else None
        return node if node is None or not kind or node.type == kind else None

    def note(self, text: str) -> None:
        """Tell the user what the reading decided."""
        self.builder.notes.append(f"{self.where}: {text}")
