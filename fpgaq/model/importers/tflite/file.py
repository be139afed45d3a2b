"""A TensorFlow Lite file as plain records: tensors, operators with their options, and the values of constants.

The schema is that of the PyPI package `tflite`, and nothing of TensorFlow is needed. FlatBuffers' Python reader does
not verify a file, so each count is bounded by the file's size and each error of the reader means a damaged file.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from ....base.errors import ModelError, ToolError, UnsupportedError
from .options import Options, read_options

IDENTIFIER = b"TFL3"
MAX_DIMENSION = 1 << 31
MAX_OPERATORS = 10_000
MAX_TENSORS = 40_000
TYPES = {
    0: ("float32", "<f4"),
    1: ("float16", "<f2"),
    2: ("int32", "<i4"),
    3: ("uint8", "u1"),
    4: ("int64", "<i8"),
    6: ("bool", "?"),
    7: ("int16", "<i2"),
    9: ("int8", "i1"),
    10: ("float64", "<f8"),
    15: ("uint32", "<u4"),
    16: ("uint16", "<u2"),
}
"""Names and layouts of the element types that are read, by their number in the schema."""
DAMAGED = (struct.error, IndexError, ValueError, TypeError, OverflowError, AttributeError, MemoryError)
"""What FlatBuffers' reader raises on a file whose offsets or lengths lead astray."""


@dataclass(frozen=True, eq=False)
class Tensor:
    """A tensor of the file.

    Parameters
    ----------
    index : int
    name : str
    shape : tuple of int
        With the batch; sizes that the file leaves open are 1, as LiteRT allocates them.
    type : str
        float32, int8 and so on.
    data : array or None
        The values of a constant.
    scale : array of float32
        One for all elements, one for each along `axis`, or none.
    zero_point : array of int64
        As many as scales.
    axis : int
    """

    index: int
    name: str
    shape: tuple[int, ...]
    type: str
    data: NDArray[Any] | None
    scale: NDArray[np.float32]
    zero_point: NDArray[np.int64]
    axis: int


@dataclass(frozen=True, eq=False)
class Node:
    """An operator: its name in the schema, tensors by index (-1: left out), and its options."""

    index: int
    type: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Options

    @property
    def where(self) -> str:
        """For messages."""
        return f"operator {self.index} ({self.type})"


@dataclass(frozen=True, eq=False)
class Model:
    """The first subgraph of a file, which LiteRT runs."""

    name: str
    tensors: tuple[Tensor, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    nodes: tuple[Node, ...]


def read_tflite(data: bytes, network: str | None = None) -> Model:
    """Read a .tflite file.

    Raises
    ------
    ToolError
        If the package `tflite` is not installed.
    ModelError
        A file that is damaged or inconsistent.
    UnsupportedError
        Features of the container that are not carried, by name.
    """
    try:
        import tflite
    except ImportError:
        raise ToolError(
            "reading .tflite files needs the package 'tflite'; install it: pip install 'fpgaq[tflite]'"
        ) from None
    if len(data) < 8 or data[4:8] != IDENTIFIER:
        raise ModelError("is no TensorFlow Lite model: the bytes 'TFL3' are missing; save the model again")
    try:
        return _Reader(tflite, data).model(network)
    except DAMAGED as error:
        raise ModelError(f"damaged TensorFlow Lite file ({_one_line(error)}); save the model again") from None


class _Reader:
    """Reads one file; errors of FlatBuffers pass through."""

    def __init__(self, schema: Any, data: bytes) -> None:
        self.schema, self.size = schema, len(data)
        self.root = schema.Model.GetRootAs(data, 0)

    def model(self, network: str | None) -> Model:
        if self.root.Version() != 3:
            raise UnsupportedError(
                f"TensorFlow Lite schema version {self.root.Version()}; supported: 3; convert the model again"
            )
        if self.root.SubgraphsLength() < 1:
            raise ModelError("the file has no network")
        graph = self.root.Subgraphs(0)
        name = _text(graph.Name(), "the network's name") or "main"
        if network is not None and network != name:
            raise ModelError(f"no network {network!r}; the file has {name!r}")
        tensors = tuple(
            self._tensor(graph.Tensors(index), index) for index in self._each(graph.TensorsLength, MAX_TENSORS)
        )
        nodes = tuple(
            self._node(graph.Operators(index), index, len(tensors))
            for index in self._each(graph.OperatorsLength, MAX_OPERATORS)
        )
        inputs, outputs = (
            tuple(int(value) for value in self._vector(found, "inputs or outputs of the network"))
            for found in (graph.InputsAsNumpy(), graph.OutputsAsNumpy())
        )
        _check_indices((*inputs, *outputs), len(tensors), "the network", 0)
        if not inputs or not outputs:
            raise ModelError(f"the network has {len(inputs)} inputs and {len(outputs)} outputs")
        _check_order(nodes, tensors, inputs, outputs)
        return Model(name, tensors, inputs, outputs, nodes)

    def _each(self, length: Callable[[], int], most: int) -> range:
        count = length()
        # An entry takes four bytes at least.
        if count > min(most, self.size // 4):
            raise ModelError(f"declares {count} tensors or operators; the file has {self.size} bytes, at most {most}")
        return range(count)

    def _vector(self, values: Any, what: str) -> NDArray[Any]:
        if isinstance(values, int):  # FlatBuffers' answer for a vector that is left out
            return np.zeros(0, np.int64)
        if values.nbytes > self.size:
            raise ModelError(f"{what}: longer than the file")
        return np.asarray(values)

    def _tensor(self, tensor: Any, index: int) -> Tensor:
        name = _text(tensor.Name(), f"the name of tensor {index}") or f"tensor{index}"
        where = f"tensor {name!r}"
        if tensor.Type() not in TYPES:
            known = ", ".join(kind for kind, _ in TYPES.values())
            raise UnsupportedError(
                f"{where}: elements of type number {tensor.Type()}; supported: {known}; convert the model with such"
            )
        kind, layout = TYPES[tensor.Type()]
        if tensor.IsVariable():
            raise UnsupportedError(
                f"{where}: keeps its value from frame to frame; supported: networks without"
                " state; convert the inference function alone"
            )
        if tensor.Sparsity() is not None:
            raise UnsupportedError(f"{where}: stored sparsely; convert the model without sparsity")
        shape = tuple(int(size) for size in self._vector(tensor.ShapeAsNumpy(), where))
        if any(not 0 <= size < MAX_DIMENSION for size in shape) or math.prod(shape) >= MAX_DIMENSION:
            raise ModelError(f"{where} has shape {list(shape)}; sizes lie between 0 and 2**31")
        signature = [int(size) for size in self._vector(tensor.ShapeSignatureAsNumpy(), where)]
        if len(signature) == len(shape) and any(size < 0 for size in signature[1:]):
            raise UnsupportedError(f"{where} has open sizes {signature} after the batch; convert it with fixed sizes")
        scale, zero, axis = self._quantization(tensor.Quantization(), where)
        return Tensor(index, name, shape, kind, self._data(tensor, shape, layout, where), scale, zero, axis)

    def _quantization(self, found: Any, where: str) -> tuple[NDArray[np.float32], NDArray[np.int64], int]:
        if found is None:
            return np.zeros(0, np.float32), np.zeros(0, np.int64), 0
        if found.DetailsType():
            raise UnsupportedError(
                f"{where}: custom or blockwise quantization; supported: scales and zero"
                " points; convert the model with the standard quantization"
            )
        scale = self._vector(found.ScaleAsNumpy(), where).astype(np.float32)
        zero = self._vector(found.ZeroPointAsNumpy(), where).astype(np.int64)
        if scale.size and (not np.isfinite(scale).all() or (scale < 0).any()):
            raise ModelError(f"{where} has scales {scale[:4].tolist()}; they must be finite and not negative")
        if zero.size == 0:
            zero = np.zeros(scale.size, np.int64)
        if zero.size == 1 and scale.size > 1:
            zero = np.repeat(zero, scale.size)
        if scale.size != zero.size and scale.size:
            raise ModelError(f"{where} has {scale.size} scales and {zero.size} zero points")
        if zero.size and (zero.min() < -(1 << 31) or zero.max() >= 1 << 31):
            raise ModelError(f"{where} has zero points beyond 32 bits")
        return scale, zero, int(found.QuantizedDimension())

    def _data(self, tensor: Any, shape: tuple[int, ...], layout: str, where: str) -> NDArray[Any] | None:
        if tensor.Buffer() == 0:
            return None
        if tensor.Buffer() >= self.root.BuffersLength():
            raise ModelError(f"{where} reads buffer {tensor.Buffer()}; the file has {self.root.BuffersLength()}")
        buffer = self.root.Buffers(tensor.Buffer())
        if buffer.Offset() > 1 or buffer.Size() > 1:
            raise UnsupportedError(
                f"{where}: its values stand after the model's 2 GB; no FPGA holds such a network: make it smaller"
            )
        values = self._vector(buffer.DataAsNumpy(), where)
        if values.size == 0:
            return None
        wanted = math.prod(shape) * np.dtype(layout).itemsize
        if values.nbytes != wanted:
            raise ModelError(f"{where} of shape {list(shape)} needs {wanted} bytes; its buffer has {values.nbytes}")
        return np.frombuffer(values.tobytes(), dtype=layout).reshape(shape)

    def _node(self, operator: Any, index: int, tensors: int) -> Node:
        if operator.OpcodeIndex() >= self.root.OperatorCodesLength():
            raise ModelError(f"operator {index} has code {operator.OpcodeIndex()}, which the file does not declare")
        code = self.root.OperatorCodes(operator.OpcodeIndex())
        number = max(int(code.DeprecatedBuiltinCode()), int(code.BuiltinCode()))
        custom = _text(code.CustomCode(), f"the custom code of operator {index}")
        kind = self.schema.BUILTIN_OPCODE2NAME.get(number, f"number {number}")
        if custom or kind == "CUSTOM":
            kind = f"CUSTOM {custom!r}"
        inputs, outputs, kept = (
            tuple(int(value) for value in self._vector(found, f"operator {index}"))
            for found in (operator.InputsAsNumpy(), operator.OutputsAsNumpy(), operator.IntermediatesAsNumpy())
        )
        _check_indices((*inputs, *outputs), tensors, f"operator {index} ({kind})", -1)
        if kept:
            raise UnsupportedError(
                f"operator {index} ({kind}): has tensors of an inner state; supported: none; use convolutions over time"
            )
        return Node(index, kind, inputs, outputs, read_options(self.schema, operator, f"operator {index} ({kind})"))


def _check_indices(values: tuple[int, ...], tensors: int, where: str, least: int) -> None:
    for value in values:
        if not least <= value < tensors:
            raise ModelError(f"{where} names tensor {value}; the file has {tensors}")


def _check_order(
    nodes: tuple[Node, ...], tensors: tuple[Tensor, ...], inputs: tuple[int, ...], outputs: tuple[int, ...]
) -> None:
    """Every tensor is written once and before it is read."""

    def refuse(where: str, index: int, reason: str) -> NoReturn:
        raise ModelError(f"{where} {reason} tensor {tensors[index].name!r}")

    known = {*inputs, *(tensor.index for tensor in tensors if tensor.data is not None)}
    for node in nodes:
        for index in node.inputs:
            if index >= 0 and index not in known:
                refuse(node.where, index, "reads before anything writes it")
        for index in node.outputs:
            if index < 0 or index in known:
                refuse(node.where, index, "writes a second time")
            known.add(index)
    for index in outputs:
        if index not in known:
            refuse("the network", index, "ends with a value that nothing writes:")


def _text(value: bytes | None, what: str) -> str:
    try:
        return "" if value is None else value.decode()
    except UnicodeDecodeError:
        raise ModelError(f"{what} is not valid UTF-8; save the model again") from None


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__


def constants_of(model: Model, node: Node) -> Iterator[Tensor]:
    """The constant inputs of an operator."""
    return (model.tensors[index] for index in node.inputs if index >= 0 and model.tensors[index].data is not None)
