"""A visual-wake-words network like MLPerf Tiny's: MobileNet v1 of width 0.25 at 96x96, as an int8 .tflite file.

    python benchmarks/visual_wake_words.py FILE

Its layers, shapes, types and fused activations are the official model's; its weights are random, so it has no accuracy.
The scales are chosen as a converter does: from the ranges that real numbers reach on random pictures.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.support.tflite_builder import TfliteBuilder

SIZE = 96
PICTURES = 8
STRIDES = (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1)
CHANNELS = (16, 32, 32, 64, 64, 128, 128, 128, 128, 128, 128, 256, 256)
FIRST, CLASSES = 8, 2
RELU6, SAME, VALID = 3, 0, 1
Images = NDArray[np.float64]
"""(pictures, rows, columns, channels)."""


@dataclass(frozen=True)
class Value:
    """A tensor of the file with its scale, zero point and real values on the pictures."""

    tensor: int
    scale: float
    zero_point: int
    real: Images


class Maker:
    """The model under construction."""

    def __init__(self) -> None:
        self.model, self.random = TfliteBuilder(), np.random.default_rng(0)

    def input(self) -> Value:
        """Pictures from -1 to 1."""
        real = self.random.uniform(-1, 1, (PICTURES, SIZE, SIZE, 3))
        scale, zero = 2 / 255, -1
        return Value(self.model.input((1, SIZE, SIZE, 3), "int8", scale, zero, name="input"), scale, zero, real)

    def weights(self, shape: tuple[int, ...], axis: int, source: Value) -> tuple[int, int, Images, Images]:
        """Weights and biases: tensors, and the real numbers that their integers stand for; a scale for each output."""
        outputs = shape[axis]
        others = tuple(other for other in range(len(shape)) if other != axis)
        taps = int(np.prod([shape[other] for other in others]))
        real = self.random.normal(0, np.sqrt(2 / taps), shape)
        scale = (np.abs(real).max(axis=others) / 127).astype(np.float32)
        grid = scale.astype(np.float64).reshape([-1 if other == axis else 1 for other in range(len(shape))])
        integers = np.clip(np.round(real / grid), -127, 127)
        weight = self.model.tensor(shape, "int8", scale, np.zeros(outputs), integers, axis)
        steps = (np.float32(source.scale) * scale).astype(np.float32)
        biases = np.round(self.random.normal(0, 0.1, outputs) / steps)
        bias = self.model.tensor((outputs,), "int32", steps, np.zeros(outputs), biases)
        return weight, bias, integers * grid, biases * steps

    def relu6(self, shape: tuple[int, ...], real: Images) -> Value:
        """A tensor after a ReLU6, over the range that is reached."""
        real = np.clip(real, 0, 6)
        scale = float(np.float32(max(real.max(), 1e-3) / 255))
        return Value(self.model.tensor((1, *shape), "int8", scale, -128), scale, -128, real)

    def convolution(self, source: Value, outputs: int, kernel: int, stride: int, *, depthwise: bool = False) -> Value:
        """CONV_2D or DEPTHWISE_CONV_2D with a fused ReLU6."""
        channels = source.real.shape[3]
        shape = (1, kernel, kernel, channels) if depthwise else (outputs, kernel, kernel, channels)
        weight, bias, real, offset = self.weights(shape, 3 if depthwise else 0, source)
        sums = convolved(source.real, real[0] if depthwise else real, stride, depthwise) + offset
        made = self.relu6(sums.shape[1:], sums)
        options = {"DepthMultiplier": 1} if depthwise else {}
        kind = "DEPTHWISE_CONV_2D" if depthwise else "CONV_2D"
        self.model.node(
            kind, (source.tensor, weight, bias), (made.tensor,),
            "DepthwiseConv2DOptions" if depthwise else "Conv2DOptions", Padding=SAME, StrideH=stride, StrideW=stride,
            DilationHFactor=1, DilationWFactor=1, FusedActivationFunction=RELU6, **options,
        )  # fmt: skip
        return made

    def classes(self, source: Value) -> None:
        """The mean of the pixels, a matrix product and a softmax."""
        rows, columns, channels = source.real.shape[1:]
        pooled = self.model.tensor((1, 1, 1, channels), "int8", source.scale, source.zero_point)
        self.model.node(
            "AVERAGE_POOL_2D", (source.tensor,), (pooled,), "Pool2DOptions", Padding=VALID, StrideH=rows,
            StrideW=columns, FilterHeight=rows, FilterWidth=columns,
        )  # fmt: skip
        flat = self.model.tensor((1, channels), "int8", source.scale, source.zero_point)
        self.model.node("RESHAPE", (pooled,), (flat,), "ReshapeOptions", NewShape=[1, channels])
        weight, bias, real, offset = self.weights((CLASSES, channels), 0, source)
        sums = source.real.mean(axis=(1, 2)) @ real.T + offset
        scale = float(np.float32(np.ptp(sums) * 1.2 / 255))
        zero = int(np.round(-128 - (sums.min() - 0.1 * np.ptp(sums)) / scale))
        logits = self.model.tensor((1, CLASSES), "int8", scale, int(np.clip(zero, -128, 127)))
        self.model.node("FULLY_CONNECTED", (flat, weight, bias), (logits,), "FullyConnectedOptions")
        self.model.outputs = [self.model.tensor((1, CLASSES), "int8", 1 / 256, -128, name="Identity")]
        self.model.node("SOFTMAX", (logits,), self.model.outputs, "SoftmaxOptions", Beta=1.0)


def convolved(images: Images, weight: Images, stride: int, depthwise: bool) -> Images:
    """A convolution with the padding that TensorFlow calls SAME; weights (outputs, rows, columns, channels)."""
    kernel = weight.shape[0] if depthwise else weight.shape[1]
    size = [-(-extent // stride) for extent in images.shape[1:3]]
    extents = zip(size, images.shape[1:3], strict=True)
    missing = [max((count - 1) * stride + kernel - extent, 0) for count, extent in extents]
    padded = np.pad(images, ((0, 0), *((total // 2, total - total // 2) for total in missing), (0, 0)))
    outputs = weight.shape[2] if depthwise else weight.shape[0]
    sums = np.zeros((len(images), *size, outputs))
    for row in range(kernel):
        for column in range(kernel):
            part = padded[:, row::stride, column::stride][:, : size[0], : size[1]]
            sums += part * weight[row, column] if depthwise else part @ weight[:, row, column].T
    return sums


def build() -> bytes:
    """The file."""
    maker = Maker()
    value = maker.convolution(maker.input(), FIRST, 3, 2)
    for stride, outputs in zip(STRIDES, CHANNELS, strict=True):
        value = maker.convolution(value, value.real.shape[3], 3, stride, depthwise=True)
        value = maker.convolution(value, outputs, 1, 1)
    maker.classes(value)
    return maker.model.build()


if __name__ == "__main__":
    Path(sys.argv[1]).write_bytes(build())
