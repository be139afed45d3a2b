"""Integer networks of well-known shapes with random weights, made without any training or quantization."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from fpgaq.base.formats import Format
from fpgaq.integer.accumulators import operator_bounds
from fpgaq.integer.graph import (
    ImageShape,
    IntegerAdd,
    IntegerAffine,
    IntegerConvolution,
    IntegerGraph,
    IntegerMaxPooling,
    IntegerOperator,
    IntegerSumPooling,
    Requantize,
    Tensor,
)
from tests.support.integer_networks import dag

ACTIVATION = Format(8, 0, False)


@dataclass
class Shape:
    """Grows a network of 8-bit weights and activations; each method returns the name of the tensor that it makes."""

    image: ImageShape
    seed: int = 0
    tensors: dict[str, Tensor] = field(default_factory=dict)
    operators: list[IntegerOperator] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.chance = np.random.default_rng(self.seed)
        self.tensors["x"] = Tensor("x", self.image, ACTIVATION)

    def _put(self, op: IntegerOperator, shape: ImageShape, fmt: Format = ACTIVATION) -> str:
        self.operators.append(op)
        self.tensors[op.output] = Tensor(op.output, shape, fmt)
        return op.output

    def _names(self, kind: str, *sources: str) -> tuple[str, tuple[str, ...], str]:
        count = len(self.operators)
        return f"{kind}{count}", sources, f"t{count}"

    def _multiplying(self, taps: tuple[int, ...]) -> dict[str, object]:
        return {
            "weight": self.chance.integers(-128, 128, size=taps), "bias": np.zeros(taps[0], dtype=np.int64),
            "weight_format": Format(8, 0), "weight_frac": (0,) * taps[0], "accumulator_width": 40,
            "requantize": Requantize((0,), "half_up"),
        }  # fmt: skip

    def _with_width(self, op: IntegerOperator, source: str) -> IntegerOperator:
        return replace(op, accumulator_width=operator_bounds(op, self.tensors[source].format).width)  # type: ignore[call-arg]

    def convolution(self, source: str, outputs: int, kernel: int = 3, stride: int = 1, groups: int = 1) -> str:
        height, width, channels = self.tensors[source].shape
        rows, columns = -(-height // stride), -(-width // stride)
        pad = []
        for size, count in ((height, rows), (width, columns)):
            both = max(0, (count - 1) * stride + kernel - size)
            pad += [both // 2, both - both // 2]
        op = IntegerConvolution(
            *self._names("conv", source), stride=(stride, stride), padding=(pad[0], pad[1], pad[2], pad[3]),
            dilation=(1, 1), groups=groups, padding_value=0,
            **self._multiplying((outputs, kernel, kernel, channels // groups)),  # type: ignore[arg-type]
        )  # fmt: skip
        return self._put(self._with_width(op, source), (rows, columns, outputs))

    def depthwise(self, source: str, stride: int = 1, kernel: int = 3) -> str:
        channels = self.tensors[source].shape[2]
        return self.convolution(source, channels, kernel, stride, channels)

    def affine(self, source: str, outputs: int) -> str:
        taps = (outputs, self.tensors[source].size)
        op = IntegerAffine(*self._names("affine", source), **self._multiplying(taps))  # type: ignore[arg-type]
        return self._put(self._with_width(op, source), (1, 1, outputs))

    def pool(self, source: str, size: int = 2, stride: int = 2, padding: int = 0) -> str:
        height, width, channels = self.tensors[source].shape
        rows, columns = ((side + 2 * padding - size) // stride + 1 for side in (height, width))
        op = IntegerMaxPooling(*self._names("pool", source), (size, size), (stride, stride), (padding,) * 4)
        return self._put(op, (rows, columns, channels))

    def mean(self, source: str) -> str:
        height, width, channels = self.tensors[source].shape
        op = IntegerSumPooling(
            *self._names("mean", source), (height, width), (height, width), (0, 0, 0, 0), (height * width,), 40,
            Requantize((0,), "half_up"),
        )  # fmt: skip
        return self._put(self._with_width(op, source), (1, 1, channels))

    def add(self, *sources: str) -> str:
        rule = Requantize((0,), "half_up")
        op = IntegerAdd(*self._names("add", *sources), (0,) * len(sources), (1,) * len(sources), 10, rule)
        return self._put(op, self.tensors[sources[0]].shape)

    def graph(self, output: str) -> IntegerGraph:
        return dag(self.operators, list(self.tensors.values()), ("x",), (output,), classifier=True)


def chain(layers: int, size: int = 8, channels: int = 2, kernel: int = 1) -> IntegerGraph:
    """Convolutions of equal shape one after another."""
    net = Shape((size, size, channels))
    tensor = "x"
    for _ in range(layers):
        tensor = net.convolution(tensor, channels, kernel)
    return net.graph(tensor)


def resnet8() -> IntegerGraph:
    """MLPerf Tiny's ResNet-8: 32x32x3, stages of 16, 32 and 64 channels, 12.5 M products."""
    net = Shape((32, 32, 3))
    tensor = net.convolution("x", 16)
    for channels, stride in ((16, 1), (32, 2), (64, 2)):
        tensor = _block(net, tensor, channels, stride)
    return net.graph(net.affine(net.mean(tensor), 10))


def _block(net: Shape, tensor: str, channels: int, stride: int) -> str:
    way = net.convolution(net.convolution(tensor, channels, 3, stride), channels)
    same = stride == 1 and net.tensors[tensor].shape[2] == channels
    return net.add(way, tensor if same else net.convolution(tensor, channels, 1, stride))


def resnet18(size: int = 224, width: int = 16, classes: int = 10) -> IntegerGraph:
    """torchvision's ResNet-18 of so many channels in its first stage (there 64)."""
    net = Shape((size, size, 3))
    tensor = net.pool(net.convolution("x", width, 7, 2), 3, 2, 1)
    for stage in range(4):
        for block in range(2):
            tensor = _block(net, tensor, width << stage, 2 if stage and not block else 1)
    return net.graph(net.affine(net.mean(tensor), classes))


def mobilenet(size: int = 96, width: int = 8, classes: int = 2) -> IntegerGraph:
    """MobileNetV1 of so many channels in its first layer (32 at multiplier 1; MLPerf Tiny has 8)."""
    net = Shape((size, size, 3))
    tensor = net.convolution("x", width, 3, 2)
    widths = [(2, 1), (4, 2), (4, 1), (8, 2), (8, 1), (16, 2), *[(16, 1)] * 5, (32, 2), (32, 1)]
    for times, stride in widths:
        tensor = net.convolution(net.depthwise(tensor, stride), times * width, 1)
    return net.graph(net.affine(net.mean(tensor), classes))


def ds_cnn() -> IntegerGraph:
    """MLPerf Tiny's DS-CNN: 49x10, 64 channels, 2.7 M products."""
    net = Shape((49, 10, 1))
    height, width = 25, 5
    op = IntegerConvolution(
        *net._names("conv", "x"), stride=(2, 2), padding=(4, 5, 1, 1), dilation=(1, 1), groups=1, padding_value=0,
        **net._multiplying((64, 10, 4, 1)),  # type: ignore[arg-type]
    )  # fmt: skip
    tensor = net._put(net._with_width(op, "x"), (height, width, 64))
    for _ in range(4):
        tensor = net.convolution(net.depthwise(tensor), 64, 1)
    return net.graph(net.affine(net.mean(tensor), 12))
