"""The workloads that fpgaq is measured on: He-normal weights of seed 0, 8 bits, power-of-two steps, bytes in.

W1 is a perceptron 784-64-10, W2 and W3 are small convolutional networks, `resnet8` has the shape of MLPerf Tiny's.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fpgaq.integer.graph import IntegerGraph
from fpgaq.model.graph import Graph, check
from fpgaq.model.graph.operators import (
    Add,
    Affine,
    AveragePooling,
    Convolution,
    MaxPooling,
    Operator,
    Relu,
)
from fpgaq.model.passes import standard_passes
from fpgaq.quantizer import quantize
from fpgaq.quantizer.config import QuantizeOptions


class _Builder:
    """A float network, layer by layer; every method returns the tensor that it makes."""

    def __init__(self, name: str, shape: tuple[int, ...]) -> None:
        self.name = name
        self.shapes: dict[str, tuple[int, ...]] = {"x": shape}
        self.operators: list[Operator] = []
        self._chance = np.random.default_rng(0)

    def _add(self, op: Operator, shape: tuple[int, ...]) -> str:
        self.operators.append(op)
        self.shapes[op.output] = shape
        return op.output

    def _next(self, kind: str) -> tuple[str, str]:
        return f"{kind}{len(self.operators)}", f"t{len(self.operators)}"

    def convolution(self, source: str, outputs: int, kernel: int = 3, stride: int = 1) -> str:
        channels, height, width = self.shapes[source]
        scale = np.sqrt(2 / (channels * kernel * kernel))
        weight = self._chance.normal(0, scale, (outputs, channels, kernel, kernel))
        before = max(0, kernel - stride - (height - 1) % stride) // 2 if stride > 1 else kernel // 2
        after = kernel // 2 if stride == 1 else max(0, kernel - stride - before)
        name, output = self._next("conv")
        op = Convolution(
            name, (source,), output, weight, np.zeros(outputs), (stride, stride), (before, after, before, after)
        )
        return self._add(op, (outputs, -(-height // stride), -(-width // stride)))

    def relu(self, source: str) -> str:
        name, output = self._next("relu")
        return self._add(Relu(name, (source,), output), self.shapes[source])

    def pool(self, source: str) -> str:
        channels, height, width = self.shapes[source]
        name, output = self._next("pool")
        return self._add(MaxPooling(name, (source,), output, (2, 2), (2, 2)), (channels, height // 2, width // 2))

    def mean(self, source: str) -> str:
        channels, height, width = self.shapes[source]
        name, output = self._next("mean")
        op = AveragePooling(name, (source,), output, (height, width), (height, width))
        return self._add(op, (channels, 1, 1))

    def affine(self, source: str, outputs: int) -> str:
        features = int(np.prod(self.shapes[source]))
        weight = self._chance.normal(0, np.sqrt(2 / features), (outputs, features))
        name, output = self._next("affine")
        return self._add(Affine(name, (source,), output, weight, np.zeros(outputs)), (outputs,))

    def add(self, *sources: str) -> str:
        name, output = self._next("add")
        return self._add(Add(name, sources, output, (1,) * len(sources)), self.shapes[sources[0]])

    def quantized(self, output: str) -> IntegerGraph:
        graph = Graph(self.name, ("x",), (output,), tuple(self.operators), self.shapes)
        check(graph)
        samples = {"x": np.random.default_rng(1).integers(0, 256, (8, *self.shapes["x"])) / 255.0}
        return quantize(standard_passes(graph), samples, QuantizeOptions())


def w1() -> IntegerGraph:
    """MLP 784-64-10."""
    net = _Builder("w1", (784,))
    return net.quantized(net.affine(net.relu(net.affine("x", 64)), 10))


def w2() -> IntegerGraph:
    """28x28x1: convolution 3x3x8, pool, convolution 3x3x16, pool, affine 10."""
    return _chain(_Builder("w2", (1, 28, 28)), (8, 16))


def w3() -> IntegerGraph:
    """32x32x3: convolutions 3x3x16, x32, x32, a pool after each, affine 10."""
    return _chain(_Builder("w3", (3, 32, 32)), (16, 32, 32))


def _chain(net: _Builder, outputs: tuple[int, ...]) -> IntegerGraph:
    tensor = "x"
    for count in outputs:
        tensor = net.pool(net.relu(net.convolution(tensor, count)))
    return net.quantized(net.affine(tensor, 10))


def resnet8() -> IntegerGraph:
    """The shape of MLPerf Tiny's ResNet-8: 32x32x3, three stages of 16, 32 and 64 channels, a mean, affine 10."""
    net = _Builder("resnet8", (3, 32, 32))
    tensor = net.relu(net.convolution("x", 16))
    for channels, stride in ((16, 1), (32, 2), (64, 2)):
        way = net.convolution(net.relu(net.convolution(tensor, channels, 3, stride)), channels)
        short = tensor if stride == 1 else net.convolution(tensor, channels, 1, stride)
        tensor = net.relu(net.add(way, short))
    return net.quantized(net.affine(net.mean(tensor), 10))


WORKLOADS: dict[str, Callable[[], IntegerGraph]] = {"w1": w1, "w2": w2, "w3": w3, "resnet8": resnet8}
