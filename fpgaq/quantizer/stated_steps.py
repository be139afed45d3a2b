"""Networks of nnabla whose quantizers have any step: the integer network that they state, by way of QDQ and QONNX.

FixedPointQuantize of a delta that is no power of two and MinMaxQuantize are quantizers as ONNX files have them. The
network is written as such a file, and read as any of them. nnabla rounds halves away from zero and the file to even,
so values that lie on a tie may differ by one step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..base.errors import UnsupportedError
from ..integer.graph import IntegerGraph
from ..model.graph import (
    Add,
    Affine,
    AveragePooling,
    BatchNormalization,
    Concatenate,
    Convolution,
    FixedPointQuantize,
    Graph,
    Identity,
    MaxPooling,
    Multiply,
    Operator,
    Pointwise,
    Relu,
    Reshape,
    Softmax,
    check,
)
from ..model.graph.fixed import by_channel, grid_integers, rounded
from .completion import Completion
from .onnx_integers.network import load_integer_onnx

QONNX = "qonnx.custom_op.general"
TYPES = {8: ("uint8", "int8"), 16: ("uint16", "int16")}
OPSET = 21


def states_steps(graph: Graph) -> bool:
    """Whether a quantizer or a parameter of the network has a step that is no power of two."""
    return any(
        getattr(op, "step", None) is not None or any(grid is not None and grid.step is not None for grid in _grids(op))
        for op in graph.operators
    )


def _grids(op: Operator) -> tuple[Any, ...]:
    return getattr(op, "weight_grid", None), getattr(op, "bias_grid", None)


def has_steps_form(graph: Graph) -> bool:
    """Whether every operator has a form between such quantizers."""
    return all(
        type(op) in WRITERS and (not isinstance(op, Pointwise) or op.function in POINTWISE) for op in graph.operators
    )


def quantize_steps(graph: Graph, completion: Completion | None = None) -> tuple[IntegerGraph, tuple[str, ...]]:
    """The integer network of a graph with such quantizers, and lines that tell of each requantizer.

    Parameters
    ----------
    graph : Graph
    completion : Completion, optional
        What quantizes where the network does not.

    Raises
    ------
    UnsupportedError
        A layer that nothing quantizes, or an operator that has no such form; by name.
    """
    return load_integer_onnx(_Sheet(check(graph)).model(), None, completion)


class _Sheet:
    """The ONNX model under construction."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def constant(self, array: Any, dtype: str = "float32") -> str:
        from onnx import numpy_helper

        name = f"constant{len(self.constants)}"
        while name in self.graph.shapes:
            name += "_"
        self.constants.append(numpy_helper.from_array(np.asarray(array).astype(dtype), name))
        return name

    def write(self, kind: str, inputs: tuple[str, ...], op: Operator, output: str = "", **attributes: Any) -> str:
        from onnx import helper

        output = output or op.output
        name = op.name if output == op.output else f"{op.name}/{output}"
        self.nodes.append(helper.make_node(kind, list(inputs), [output], name, **attributes))
        return output

    def fresh(self, op: Operator, suffix: str) -> str:
        name = f"{op.output}/{suffix}"
        while name in self.graph.shapes:
            name += "_"
        return name

    def model(self) -> bytes:
        from onnx import TensorProto, helper

        for op in self.graph.operators:
            writer = WRITERS.get(type(op))
            if writer is None:
                raise UnsupportedError(
                    f"layer {op.name!r}: {type(op).__name__} has no form between quantizers whose steps are no powers"
                    " of two; quantize the float model with --calibration"
                )
            writer(self, op)
        inputs, outputs = (
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", *self.graph.shapes[name]]) for name in names]
            for names in (self.graph.inputs, self.graph.outputs)
        )
        graph = helper.make_graph(self.nodes, self.graph.name, inputs, outputs, self.constants)
        sets = [helper.make_opsetid("", OPSET), helper.make_opsetid(QONNX, 1)]
        content: bytes = helper.make_model(graph, opset_imports=sets, ir_version=10).SerializeToString()
        return content


def _quantize(sheet: _Sheet, op: FixedPointQuantize) -> None:
    fmt, step = op.format, op.format.step if op.step is None else op.step
    scale = sheet.constant(np.float32(step))
    if op.zero_point % 2 == 0 and fmt.width <= 16:
        inputs = op.input, scale, sheet.constant(np.float32(op.zero_point)), sheet.constant(np.float32(fmt.width))
        narrow = int(fmt.signed and fmt.narrow)
        sheet.write("Quant", inputs, op, domain=QONNX, signed=int(fmt.signed), narrow=narrow, rounding_mode="ROUND")
        return
    # An odd zero point turns ties to even around in Quant, which adds it first.
    if fmt.width not in TYPES or fmt.narrow:
        raise UnsupportedError(
            f"layer {op.name!r}: {fmt.describe()} with zero point {op.zero_point}; supported: 8 or 16 bits, or even"
            " zero points"
        )
    zero = sheet.constant(op.zero_point, TYPES[fmt.width][fmt.signed])
    integers = sheet.write("QuantizeLinear", (op.input, scale, zero), op, sheet.fresh(op, "integers"))
    sheet.write("DequantizeLinear", (integers, scale, zero), op)


def _weight(sheet: _Sheet, op: Convolution | Affine) -> str:
    grid = op.weight_grid
    if grid is None:
        return sheet.constant(op.weight)
    if grid.bits > 16:
        raise UnsupportedError(f"layer {op.name!r}: weights of {grid.bits} bits; supported: to 16")
    integers = grid_integers(by_channel(op), grid).reshape(op.weight.shape)
    steps = np.array([2.0**-frac for frac in grid.frac] if grid.step is None else [grid.step], np.float32)
    scale = steps.reshape(-1, *(1,) * (integers.ndim - 1)) if len(steps) > 1 else steps[0]
    inputs = ((integers - grid.zero_point) * scale.astype(np.float64), scale, grid.zero_point, grid.bits)
    names = tuple(sheet.constant(array) for array in inputs)
    return sheet.write("Quant", names, op, sheet.fresh(op, "weight"), domain=QONNX, signed=int(grid.signed))


def _bias(op: Convolution | Affine, sheet: _Sheet) -> tuple[str, ...]:
    kept = rounded(op)
    assert isinstance(kept, Convolution | Affine)
    return () if kept.bias is None else (sheet.constant(kept.bias),)


def _convolution(sheet: _Sheet, op: Convolution) -> None:
    if op.padding_value:
        raise UnsupportedError(f"layer {op.name!r}: a padding of {op.padding_value:g}; supported: zero")
    top, bottom, left, right = op.padding
    sheet.write(
        "Conv", (op.input, _weight(sheet, op), *_bias(op, sheet)), op, kernel_shape=list(op.weight.shape[2:]),
        strides=list(op.stride), pads=[top, left, bottom, right], dilations=list(op.dilation), group=op.groups,
    )  # fmt: skip


def _affine(sheet: _Sheet, op: Affine) -> None:
    source = op.input
    if len(sheet.graph.shapes[source]) > 1:
        source = sheet.write("Flatten", (source,), op, sheet.fresh(op, "flat"), axis=1)
    sheet.write("Gemm", (source, _weight(sheet, op), *_bias(op, sheet)), op, transB=1)


def _pooling(kind: str) -> Callable[[_Sheet, Any], None]:
    def write(sheet: _Sheet, op: MaxPooling | AveragePooling) -> None:
        if isinstance(op, AveragePooling) and op.sum_only:
            raise UnsupportedError(f"layer {op.name!r}: sums of windows; supported: means")
        top, bottom, left, right = op.padding
        more: dict[str, Any] = {"count_include_pad": int(op.count_padding)} if isinstance(op, AveragePooling) else {}
        sheet.write(
            kind, (op.input,), op, kernel_shape=list(op.kernel), strides=list(op.stride),
            pads=[top, left, bottom, right], **more,
        )  # fmt: skip

    return write


def _normalization(sheet: _Sheet, op: BatchNormalization) -> None:
    count = len(op.mean)
    scale = np.ones(count) if op.scale is None else op.scale
    offset = np.zeros(count) if op.offset is None else op.offset
    inputs = tuple(sheet.constant(array) for array in (scale, offset, op.mean, op.variance))
    sheet.write("BatchNormalization", (op.input, *inputs), op, epsilon=float(op.epsilon))


def _add(sheet: _Sheet, op: Add) -> None:
    if op.signs not in ((1, 1), (1, -1)):
        raise UnsupportedError(f"layer {op.name!r}: a sum with signs {op.signs}; supported: of two, the first positive")
    sheet.write("Add" if op.signs == (1, 1) else "Sub", op.inputs, op)


def _same(kind: str) -> Callable[[_Sheet, Any], None]:
    """An operator without attributes."""

    def write(sheet: _Sheet, op: Operator) -> None:
        sheet.write(kind, op.inputs, op)

    return write


def _concatenate(sheet: _Sheet, op: Concatenate) -> None:
    sheet.write("Concat", op.inputs, op, axis=1)


def _softmax(sheet: _Sheet, op: Softmax) -> None:
    sheet.write("Softmax", op.inputs, op, axis=op.axis + 1)


def _reshape(sheet: _Sheet, op: Reshape) -> None:
    shape = sheet.constant([0, *sheet.graph.shapes[op.output]], "int64")
    sheet.write("Reshape", (op.input, shape), op)


POINTWISE: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "elu": ("Elu", ("alpha",)),
    "leaky_relu": ("LeakyRelu", ("alpha",)),
    "sigmoid": ("Sigmoid", ()),
    # Its attribute is no one of ONNX; this reader knows it.
    "sign": ("Sign", ("at_zero",)),
    "tanh": ("Tanh", ()),
}
"""Functions by their ONNX operator and the names of their parameters."""


def _pointwise(sheet: _Sheet, op: Pointwise) -> None:
    if op.function not in POINTWISE:
        raise UnsupportedError(
            f"layer {op.name!r}: {op.function} has no form between quantizers whose steps are no powers of two;"
            " quantize the float model with --calibration"
        )
    kind, names = POINTWISE[op.function]
    attributes: dict[str, Any] = dict(zip(names, map(float, op.parameters), strict=False))
    sheet.write(kind, (op.input,), op, **attributes)


WRITERS: Mapping[type[Operator], Callable[[_Sheet, Any], None]] = {
    Add: _add,
    Affine: _affine,
    AveragePooling: _pooling("AveragePool"),
    BatchNormalization: _normalization,
    Concatenate: _concatenate,
    Convolution: _convolution,
    FixedPointQuantize: _quantize,
    Identity: _same("Identity"),
    MaxPooling: _pooling("MaxPool"),
    Multiply: _same("Mul"),
    Pointwise: _pointwise,
    Relu: _same("Relu"),
    Reshape: _reshape,
    Softmax: _softmax,
}
"""Operators that have a form; the others are refused by name."""
