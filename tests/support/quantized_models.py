"""Quantized ONNX models as onnxruntime and PyTorch write them, with random weights."""

from __future__ import annotations

from random import Random

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

MICROSOFT = "com.microsoft"


class Writer:
    """A model that grows node by node; every method returns the name of what it made."""

    def __init__(self, seed: int = 0, kind: str = "uint8", opset: int = 13) -> None:
        self.chance = Random(seed)
        self.random = np.random.default_rng(seed)
        self.kind, self.opset = kind, opset
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self.inputs: list[onnx.ValueInfoProto] = []
        self.count = 0

    def name(self, base: str) -> str:
        self.count += 1
        return f"{base}{self.count}"

    def constant(self, array, base: str = "k") -> str:
        name = self.name(base)
        self.constants.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def node(self, kind: str, inputs, domain: str = "", **attributes) -> str:
        output = self.name(kind.lower())
        self.nodes.append(
            helper.make_node(kind, list(inputs), [output], name=f"{kind}_{output}", domain=domain, **attributes)
        )
        return output

    def input(self, shape, kind: int = TensorProto.FLOAT, name: str = "x") -> str:
        self.inputs.append(helper.make_tensor_value_info(name, kind, ["N", *shape]))
        return name

    def grid(self, scale: float | None = None, zero: int | None = None) -> tuple[str, str]:
        """A scale and a zero point."""
        info = np.iinfo(self.kind)
        scale = 2 ** self.chance.uniform(-6, -2) if scale is None else scale
        zero = self.chance.randint(info.min + 40, info.max - 40) if zero is None else zero
        return self.constant(np.float32(scale), "s"), self.constant(np.array(zero, self.kind), "z")

    def quantize(self, tensor: str, grid=None) -> tuple[str, tuple[str, str]]:
        grid = grid or self.grid()
        return self.node("QuantizeLinear", (tensor, *grid)), grid

    def qdq(self, tensor: str, grid=None) -> str:
        integers, grid = self.quantize(tensor, grid)
        return self.node("DequantizeLinear", (integers, *grid))

    def weight_parts(self, shape, axis: int | None = None, zero: int = 0, kind: str = "int8") -> tuple[str, str, str]:
        info = np.iinfo(kind)
        values = self.random.integers(info.min, info.max + 1, size=shape).astype(kind)
        count = () if axis is None else (shape[axis],)
        scale = np.float32(2 ** self.random.uniform(-9, -7, size=count))
        return self.constant(values, "w"), self.constant(scale), self.constant(np.full(count, zero, kind))

    def weight(self, shape, axis: int | None = None, zero: int = 0, kind: str = "int8") -> str:
        parts = self.weight_parts(shape, axis, zero, kind)
        attributes = {} if axis is None else {"axis": axis}
        return self.node("DequantizeLinear", parts, **attributes)

    def bytes(self, *outputs: str, kind: int = TensorProto.FLOAT) -> bytes:
        graph = helper.make_graph(
            self.nodes,
            "quantized",
            self.inputs,
            [helper.make_tensor_value_info(name, kind, None) for name in outputs],
            self.constants,
        )
        sets = [helper.make_opsetid("", self.opset), helper.make_opsetid(MICROSOFT, 1)]
        model = helper.make_model(graph, opset_imports=sets)
        model.ir_version = 8
        return model.SerializeToString()


def convolution(seed: int, kind: str = "uint8") -> bytes:
    """QDQ convolutions per channel, with an int32 bias, a ReLU, a real bias and groups; then max-pool, Gemm."""
    writer = Writer(seed, kind)
    tensor = writer.qdq(writer.input((2, 8, 7)), writer.grid(0.0217))
    first = writer.node("Conv", (tensor, writer.weight((4, 2, 3, 3), 0)), pads=[1, 0, 1, 2], strides=[1, 1])
    tensor = writer.qdq(writer.node("Relu", (first,)), writer.grid(0.0523, 0 if kind == "uint8" else -128))
    tensor = writer.qdq(writer.node("MaxPool", (tensor,), kernel_shape=[2, 2], strides=[2, 2]))
    bias = writer.constant(writer.random.normal(size=4).astype(np.float32))
    tensor = writer.qdq(
        writer.node("Conv", (tensor, writer.weight((4, 2, 2, 2), 0), bias), group=2), writer.grid(0.091)
    )
    tensor = writer.node("Flatten", (tensor,), axis=1)
    shape = (24, 5)
    weight = writer.weight(shape, None, 7, "int8")
    tensor = writer.node("Gemm", (tensor, weight))
    return writer.bytes(writer.qdq(tensor, writer.grid(0.53)))


def elements(seed: int, kind: str = "uint8") -> bytes:
    """QDQ sums, products, functions, means and concatenation."""
    writer = Writer(seed, kind)
    first, second = (writer.qdq(writer.input((3, 4, 4), name=name), writer.grid(0.0213)) for name in ("a", "b"))
    total = writer.qdq(writer.node("Add", (first, second)), writer.grid(0.0437))
    difference = writer.qdq(writer.node("Sub", (total, first)), writer.grid(0.0631))
    product = writer.qdq(writer.node("Mul", (total, second)), writer.grid(0.117))
    squashed = writer.qdq(writer.node("Sigmoid", (difference,)), writer.grid(1 / 256, 0 if kind == "uint8" else -128))
    leaky = writer.qdq(writer.node("LeakyRelu", (product,), alpha=0.1), writer.grid(0.0911))
    joined = writer.qdq(writer.node("Concat", (squashed, leaky, total), axis=1), writer.grid(0.0977))
    mean = writer.qdq(writer.node("AveragePool", (joined,), kernel_shape=[2, 2], strides=[1, 1]), writer.grid(0.0613))
    return writer.bytes(writer.qdq(writer.node("GlobalAveragePool", (mean,)), writer.grid(0.0237)))


def qoperators(seed: int, kind: str = "uint8") -> bytes:
    """QLinearConv, QLinearMatMul and the operators of onnxruntime between a quantizer and a dequantizer."""
    writer = Writer(seed, kind)
    tensor, grid = writer.quantize(writer.input((2, 6, 6)), writer.grid(0.02))
    weight, target = writer.weight_parts((3, 2, 3, 3), 0), writer.grid(0.04)
    bias = writer.constant(writer.random.integers(-3000, 3000, size=3).astype(np.int32))
    first = writer.node("QLinearConv", (tensor, *grid, *weight, *target, bias), pads=[1, 1, 1, 1])
    grid = target
    squashed_grid = writer.grid(1 / 256, 0 if kind == "uint8" else -128)
    squashed = writer.node("QLinearSigmoid", (first, *grid, *squashed_grid), MICROSOFT)
    leaky_grid = writer.grid(0.05)
    leaky = writer.node("QLinearLeakyRelu", (first, *grid, *leaky_grid), MICROSOFT, alpha=0.2)
    sum_grid, product_grid, joined_grid = writer.grid(0.0737), writer.grid(0.0613), writer.grid(0.0791)
    total = writer.node("QLinearAdd", (first, *grid, leaky, *leaky_grid, *sum_grid), MICROSOFT)
    product = writer.node("QLinearMul", (total, *sum_grid, squashed, *squashed_grid, *product_grid), MICROSOFT)
    joined = writer.node("QLinearConcat", (*joined_grid, total, *sum_grid, product, *product_grid), MICROSOFT, axis=1)
    pooled_grid, mean_grid = writer.grid(0.05), writer.grid(0.02)
    pooled = writer.node(
        "QLinearAveragePool", (joined, *joined_grid, *pooled_grid), MICROSOFT, kernel_shape=[3, 3], strides=[3, 3]
    )
    mean = writer.node("QLinearGlobalAveragePool", (pooled, *pooled_grid, *mean_grid), MICROSOFT)
    shape = writer.constant(np.array([0, 6]))
    vector, dense_grid, last_grid = writer.node("Reshape", (mean, shape)), writer.grid(0.05), writer.grid(0.07)
    # onnxruntime multiplies matrices of int8 by int8 weights alone.
    dense = writer.node("QLinearMatMul", (vector, *mean_grid, *writer.weight_parts((6, 4)), *dense_grid))
    none = writer.constant(writer.random.integers(-900, 900, size=5).astype(np.int32))
    last = writer.node(
        "QGemm", (dense, *dense_grid, *writer.weight_parts((5, 4), 0), none, *last_grid), MICROSOFT, transB=1
    )
    return writer.bytes(writer.node("DequantizeLinear", (last, *last_grid)))


def whole_numbers(zero: int = 3) -> bytes:
    """An input of bytes, ConvInteger with asymmetric weights, accumulators as the output."""
    writer = Writer(5)
    tensor = writer.input((2, 5, 5), TensorProto.UINT8)
    weight = writer.constant(writer.random.integers(0, 256, size=(3, 2, 3, 3)).astype(np.uint8))
    zeros = writer.constant(np.array(zero, np.uint8)), writer.constant(np.array(130, np.uint8))
    output = writer.node("ConvInteger", (tensor, weight, *zeros), pads=[1, 1, 1, 1])
    return writer.bytes(output, kind=TensorProto.INT32)
