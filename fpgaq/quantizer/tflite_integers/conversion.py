"""The integer graph of a TensorFlow Lite model under construction.

TensorFlow Lite keeps channels last, as the stream does: the elements of a tensor are in the order of its shape in both,
and a reshape moves nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ...base.errors import ModelError, UnsupportedError
from ...base.formats import Format
from ...integer.accumulators import operator_bounds, signed_width
from ...integer.graph import (
    HostSoftmax,
    ImageShape,
    InputTransform,
    IntegerArray,
    IntegerOperator,
    IntegerReshape,
    IntegerTable,
    IntegerUpsample,
    Requantize,
    Tensor,
)
from ...model.importers.tflite.file import Model, Node
from ...model.importers.tflite.file import Tensor as FileTensor
from .multipliers import activation_limits

FORMATS = {
    "int8": Format(8, 0),
    "uint8": Format(8, 0, False),
    "int16": Format(16, 0),
    "int32": Format(32, 0),
}
"""Types of quantized tensors; int32 at the input of a QUANTIZE alone."""
PLAIN = Requantize((0,), "half_up")


@dataclass(frozen=True)
class Stored:
    """A tensor of the integer graph as the model sees it: `shape` is without the batch."""

    tensor: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Real:
    """An input of real numbers, which a QUANTIZE has to take, or an output that DEQUANTIZE made of integers."""

    name: str
    shape: tuple[int, ...]
    source: Stored | None = None


@dataclass(frozen=True)
class Quantization:
    """How a computed tensor is quantized: one scale and zero point."""

    scale: np.float32
    zero_point: int
    format: Format

    @property
    def step(self) -> float:
        """The scale as a Python number."""
        return float(self.scale)


class Conversion:
    """The integer graph so far; `values` are the model's tensors by index."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.values: dict[int, Stored | Real] = {}
        self.tensors: dict[str, Tensor] = {}
        self.layers: list[IntegerOperator] = []
        self.transforms: dict[str, InputTransform] = {}
        self.softmax: dict[int, HostSoftmax] = {}
        self.remarks: list[str] = []
        self._names: set[str] = set()
        self._layer_names: set[str] = set()

    def fresh(self, name: str) -> str:
        """A tensor's name that no other has."""
        candidate, number = name, 1
        while candidate in self._names:
            number += 1
            candidate = f"{name}.{number}"
        self._names.add(candidate)
        return candidate

    def put(
        self, op: IntegerOperator, shape: ImageShape, quantization: Quantization | None, fmt: Format | None = None
    ) -> Stored:
        """Append an operator, its own and its output's name made unique.

        Without `quantization` the output holds integers of format `fmt` and scale 1, inside of what one operator of the
        model is made of.
        """
        output = self.fresh(op.output)
        name, number = op.name, 1
        while name in self._layer_names:
            number += 1
            name = f"{op.name}.{number}"
        self._layer_names.add(name)
        if quantization is None:
            assert fmt is not None
            tensor = Tensor(output, shape, fmt, output, 1.0)
        else:
            step = quantization.step
            tensor = Tensor(output, shape, quantization.format, output, step, quantization.zero_point)
        self.tensors[output] = tensor
        made = replace(op, name=name, output=output)
        if hasattr(op, "accumulator_width"):
            width = max(2, operator_bounds(op, *(self.tensors[source].format for source in op.inputs)).width)
            if width > 64:
                raise UnsupportedError(f"layer {op.name!r}: needs accumulators of {width} bits; to 64")
            made = replace(made, accumulator_width=width)  # type: ignore[call-arg]
        self.layers.append(made)
        return Stored(output, shape)


class Call:
    """One operator of the model while it is converted: its tensors, options, and what it writes."""

    def __init__(self, owner: Conversion, node: Node) -> None:
        self.owner, self.node, self.options, self.where = owner, node, node.options, node.where

    @property
    def name(self) -> str:
        """The layer's name: that of its output, the first of those that a converter joined."""
        return self.file(self.node.outputs[0]).name.split(";")[0]

    def file(self, index: int) -> FileTensor:
        """A tensor of the file."""
        return self.owner.model.tensors[index]

    def count(self, least: int, most: int, outputs: int = 1) -> None:
        """Refuse another number of inputs or outputs."""
        found = len(self.node.inputs)
        if not least <= found <= most or len(self.node.outputs) != outputs:
            raise ModelError(
                f"{self.where}: {found} inputs and {len(self.node.outputs)} outputs; expected {least} to {most} and"
                f" {outputs}"
            )

    def has(self, place: int) -> bool:
        """Whether an input is there."""
        return place < len(self.node.inputs) and self.node.inputs[place] >= 0

    def constant(self, place: int) -> FileTensor:
        """A constant input."""
        tensor = self.file(self.node.inputs[place]) if self.has(place) else None
        if tensor is None or tensor.data is None:
            raise UnsupportedError(f"{self.where}: input {place} is computed or missing; supported: constants")
        return tensor

    def is_constant(self, place: int) -> bool:
        """Whether an input is a constant."""
        return self.has(place) and self.file(self.node.inputs[place]).data is not None

    def integers(self, place: int) -> list[int]:
        """A constant input of whole numbers."""
        data = self.constant(place).data
        assert data is not None
        if data.dtype.kind not in "iu":
            raise ModelError(f"{self.where}: input {place} is of type {data.dtype}; whole numbers are needed")
        return [int(value) for value in data.reshape(-1)]

    def value(self, place: int) -> Stored:
        """A computed input of integers."""
        found = self.owner.values.get(self.node.inputs[place]) if self.has(place) else None
        if not isinstance(found, Stored):
            name = self.file(self.node.inputs[place]).name if self.has(place) else ""
            raise UnsupportedError(
                f"{self.where}: reads {name!r}, which is no computed tensor of integers; convert the whole model to"
                " integers (full integer quantization), or quantize the float model by calibration"
            )
        return found

    def image(self, place: int) -> Stored:
        """A computed input whose stored tensor has the shape (height, width, channels) that the model sees."""
        return self.as_image(self.value(place))

    def as_image(self, value: Stored) -> Stored:
        """The value stored as an image of its own shape."""
        tensor, shape = self.owner.tensors[value.tensor], image_of(value.shape, self.where)
        if tensor.shape == shape:
            return value
        view = IntegerReshape(f"{self.name}.view", (tensor.name,), f"{value.tensor}.view")
        written = self.owner.put(view, shape, self.stored_quantization(value))
        return Stored(written.tensor, value.shape)

    def stored_quantization(self, value: Stored) -> Quantization:
        """The quantization of a tensor of the integer graph."""
        tensor = self.owner.tensors[value.tensor]
        return Quantization(np.float32(tensor.step), tensor.zero_point, tensor.format)

    def quantization(self, index: int) -> Quantization:
        """How a tensor of the file is quantized."""
        return quantization_of(self.file(index), self.where)

    @property
    def read(self) -> Quantization:
        """The quantization of the first input."""
        return self.quantization(self.node.inputs[0])

    @property
    def written(self) -> Quantization:
        """The quantization of the output."""
        return self.quantization(self.node.outputs[0])

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the output without the batch, as the file states it."""
        return without_batch(self.file(self.node.outputs[0]), self.where)

    def limits(self) -> tuple[int, int]:
        """The least and greatest result, of the fused activation."""
        written = self.written
        return activation_limits(self.options.activation(), written.scale, written.zero_point, written.format)

    def same_quantization(self) -> None:
        """Refuse an output that is not quantized as the input is."""
        read, written = self.read, self.written
        near = abs(read.step - written.step) <= 1e-6 * read.step
        if read.format != written.format or read.zero_point != written.zero_point or not near:
            raise UnsupportedError(
                f"{self.where}: input and output have different scales, zero points or types; supported: the same"
            )

    def clipped(self, value: Stored, limits: tuple[int, int]) -> Stored:
        """A clip of stored integers, where it is one."""
        tensor = self.owner.tensors[value.tensor]
        fmt = tensor.format
        if limits == (fmt.minimum, fmt.maximum):
            return value
        if fmt.width > 8:
            raise UnsupportedError(f"{self.where}: a fused activation on {fmt.width} bits; supported: 8")
        table = np.clip(np.arange(fmt.minimum, fmt.maximum + 1, dtype=np.int64), *limits)
        return self.table(value, table, self.stored_quantization(value), ".clip")

    def table(self, value: Stored, table: IntegerArray, written: Quantization, end: str = "") -> Stored:
        """A function of one stored integer of 8 bits."""
        tensor = self.owner.tensors[value.tensor]
        op = IntegerTable(f"{self.name}{end}", (tensor.name,), f"{self.name}{end}", table, tensor.format, PLAIN)
        made = self.owner.put(op, tensor.shape, written)
        return Stored(made.tensor, value.shape)

    def inner_table(self, value: Stored, table: IntegerArray, end: str) -> Stored:
        """The same with a result inside of what the operator is made of."""
        tensor = self.owner.tensors[value.tensor]
        least, greatest = int(table.min()), int(table.max())
        fmt = Format(max(2, signed_width(min(least, 0), max(greatest, 0))), 0)
        op = IntegerTable(f"{self.name}{end}", (tensor.name,), f"{self.name}{end}", table, tensor.format, PLAIN)
        return Stored(self.owner.put(op, tensor.shape, None, fmt).tensor, value.shape)

    def spread(self, value: Stored, shape: ImageShape) -> Stored:
        """A value of one pixel, or of a row or column, repeated over an image."""
        image = self.as_image(value)
        tensor = self.owner.tensors[image.tensor]
        if tensor.shape == shape:
            return image
        rows, columns = (wanted // size for wanted, size in zip(shape[:2], tensor.shape[:2], strict=True))
        repeated = (tensor.shape[0] * rows, tensor.shape[1] * columns, tensor.shape[2])
        if repeated != shape or any(
            size not in (1, wanted) for size, wanted in zip(tensor.shape[:2], shape[:2], strict=True)
        ):
            raise UnsupportedError(
                f"{self.where}: joins shapes {value.shape} and {shape}; supported: equal ones, and one pixel for each"
                " channel"
            )
        op = IntegerUpsample(f"{self.name}.spread", (tensor.name,), f"{self.name}.spread", (rows, columns), False)
        return self.owner.put(op, shape, self.stored_quantization(image))

    def write(self, value: Stored, place: int = 0) -> None:
        """The value of an output, in the shape that the file states."""
        index = self.node.outputs[place]
        shape = without_batch(self.file(index), self.where)
        if math.prod(shape) != self.owner.tensors[value.tensor].size:
            raise ModelError(
                f"{self.where}: computes {math.prod(value.shape)} elements; the file states shape {list(shape)}"
            )
        self.owner.values[index] = Stored(value.tensor, shape)


def without_batch(tensor: FileTensor, where: str) -> tuple[int, ...]:
    """The shape without a batch of 1."""
    if len(tensor.shape) < 2:
        return tensor.shape
    if tensor.shape[0] != 1:
        raise UnsupportedError(
            f"{where}: tensor {tensor.name!r} of shape {list(tensor.shape)} has a batch of {tensor.shape[0]}; convert"
            " the model with a batch of 1"
        )
    return tensor.shape[1:]


def image_of(shape: Sequence[int], where: str) -> ImageShape:
    """(height, width, channels) of a shape without the batch."""
    if len(shape) > 3:
        raise UnsupportedError(f"{where}: a tensor of shape {list(shape)} after the batch; supported: to three axes")
    if any(size < 1 for size in shape):
        raise ModelError(f"{where}: a tensor of shape {list(shape)}; sizes are at least 1")
    full = (1,) * (3 - len(shape)) + tuple(shape)
    return full[0], full[1], full[2]


def quantization_of(tensor: FileTensor, where: str) -> Quantization:
    """The one scale and zero point of a computed tensor."""
    fmt = FORMATS.get(tensor.type)
    if fmt is None:
        raise UnsupportedError(
            f"{where}: tensor {tensor.name!r} is of type {tensor.type}; supported: {', '.join(FORMATS)}; convert the"
            " whole model to integers"
        )
    if tensor.scale.size != 1 or not tensor.scale[0] > 0:
        raise UnsupportedError(
            f"{where}: tensor {tensor.name!r} has {tensor.scale.size} scales; supported: one that is positive"
        )
    zero = int(tensor.zero_point[0])
    if not fmt.minimum <= zero <= fmt.maximum:
        raise ModelError(f"{where}: tensor {tensor.name!r} of type {tensor.type} has zero point {zero}")
    return Quantization(np.float32(tensor.scale[0]), zero, fmt)
