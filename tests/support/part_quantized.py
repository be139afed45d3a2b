"""Models of which a part is quantized: random QDQ networks without some quantizers, and the same completed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

import numpy as np

from fpgaq.integer.graph import IntegerGraph
from tests.support.quantized_models import MICROSOFT, Writer


@dataclass
class Part:
    """A model with quantizers left out.

    `values` are tensors without a quantizer, `weights` the layers whose weights have none, and `bias` the name of an
    output that leaves as accumulators and its float bias.
    """

    data: bytes
    values: list[str] = field(default_factory=list)
    weights: list[str] = field(default_factory=list)
    biases: list[str] = field(default_factory=list)


class PartWriter(Writer):
    """Each quantizer is there with the chance `stated`; those that are not come from `whole`, if that is given."""

    def __init__(self, seed: int, stated: float, whole: IntegerGraph | None = None) -> None:
        super().__init__(seed, Random(seed).choice(("uint8", "int8")))
        self.choice, self.stated, self.whole = Random(seed + 1000), stated, whole
        self.part = Part(b"")

    def named(self, kind: str, inputs, name: str, domain: str = "", **attributes) -> str:
        output = self.node(kind, inputs, domain, **attributes)
        self.nodes[-1].output[0] = name
        self.nodes[-1].name = name if kind in ("Conv", "Gemm", "MatMul") else f"{kind}_{name}"
        return output and name

    def value(self, tensor: str, scale: float) -> str:
        """A tensor through its quantizer; as exporters of PyTorch write it, its numbers stand in nodes."""
        grid = self.grid(scale, self.chance.randint(100, 140) if self.kind == "uint8" else self.chance.randint(-20, 20))
        if self.choice.random() < self.stated:
            return self.pair(tensor, f"{tensor}.integers", grid)
        self.part.values.append(tensor)
        if self.whole is None:
            return tensor
        names = (tensor,) if tensor in self.whole.inputs else (f"{tensor}.rounded", "flat.rounded")
        found = next((self.whole.tensors[name] for name in names if name in self.whole.tensors), None)
        if found is None:
            # Integers that were moved or chosen need no quantizer.
            return tensor
        fmt = found.format
        wide = fmt.width > 8
        kind = ("int" if fmt.signed else "uint") + ("16" if wide else "8")
        ends = [self.constant(np.float32((end - found.zero_point) * found.step)) for end in (fmt.minimum, fmt.maximum)]
        held = self.node("Min", (self.node("Max", (tensor, ends[0])), ends[1]))
        grid = self.constant(np.float32(found.step)), self.constant(np.array(found.zero_point, kind))
        return self.pair(held, f"{tensor}.rounded", grid, MICROSOFT if wide else "")

    def pair(self, tensor: str, integers: str, grid, domain: str = "") -> str:
        self.named("QuantizeLinear", (tensor, *grid), integers, domain)
        return self.node("DequantizeLinear", (integers, *grid), domain)

    def parameter(self, shape, axis: int, layer: str) -> str:
        """Weights through a quantizer of one step or of one for each output, or without."""
        real = (self.random.normal(size=shape) * 0.3).astype(np.float32)
        separate = self.chance.random() < 0.5
        count = shape[axis] if separate else ()
        scale = np.float32(self.random.uniform(0.006, 0.01, size=count))
        if self.choice.random() < self.stated:
            grid = self.constant(scale), self.constant(np.zeros(count, np.int8))
            name = self.constant(real)
            integers = self.node("QuantizeLinear", (name, *grid), axis=axis)
            return self.node("DequantizeLinear", (integers, *grid), axis=axis)
        self.part.weights.append(layer)
        if self.whole is None:
            return self.constant(real)
        op = next(op for op in self.whole.operators if op.name == layer)
        taps = op.weight
        if taps.ndim == 2:
            # A matrix stands in the order of the stream, channels last.
            height, width, channels = self.whole.tensors[op.input].shape
            taps = taps.reshape(-1, height, width, channels)
        taps = taps.transpose(0, 3, 1, 2)
        steps = np.array(op.weight_scale).reshape(-1, *(1,) * (taps.ndim - 1))
        return self.constant(
            np.moveaxis((taps * steps).reshape(np.moveaxis(real, axis, 0).shape), 0, axis).astype(np.float32)
        )

    def bias(self, count: int, layer: str, output: str = "") -> str:
        real = (self.random.normal(size=count) * 0.2).astype(np.float32)
        if self.whole is not None and output in self.whole.outputs:
            tensor = self.whole.tensors[output]
            if tensor.format.width > 16 or layer in self.part.biases:
                real = (np.rint(real / tensor.step) * tensor.step).astype(np.float32)
        return self.constant(real)


def part_quantized(seed: int, stated: float = 0.5, whole: IntegerGraph | None = None) -> Part:
    """A small network of convolutions, pooling, sums and a dense layer, with some of its quantizers."""
    writer = PartWriter(seed, stated, whole)
    chance = writer.chance
    channels, size, outputs = chance.choice((2, 4)), chance.choice((5, 6, 8)), chance.choice((3, 5))
    tensor = writer.value(writer.input((channels, size, size)), 0.021)
    groups = chance.choice((1, 2))
    weight = writer.parameter((4, channels // groups, 3, 3), 0, "first")
    tensor = writer.named("Conv", (tensor, weight, writer.bias(4, "first")), "first", pads=[1, 1, 1, 1], group=groups)
    if chance.random() < 0.6:
        tensor = writer.named("Relu", (tensor,), "positive")
    tensor = writer.value(tensor, 0.031)
    shortcut = tensor
    if chance.random() < 0.5:
        weight = writer.parameter((4, 4, 3, 3), 0, "second")
        tensor = writer.named("Conv", (tensor, weight), "second", pads=[1, 1, 1, 1])
        tensor = writer.value(tensor, 0.037)
        tensor = writer.value(writer.named("Add", (tensor, shortcut), "total"), 0.052)
    kind = chance.choice(("MaxPool", "AveragePool", "Sigmoid"))
    if kind == "Sigmoid":
        tensor = writer.value(writer.named("Sigmoid", (tensor,), "squashed"), 0.0089)
    else:
        tensor = writer.named(kind, (tensor,), "pooled", kernel_shape=[2, 2], strides=[2, 2])
        size //= 2
        tensor = writer.value(tensor, 0.043)
    tensor = writer.named("Flatten", (tensor,), "flat")
    weight = writer.parameter((outputs, 4 * size * size), 0, "last")
    tensor = writer.named("Gemm", (tensor, weight, writer.bias(outputs, "last", "last")), "last", transB=1)
    if chance.random() < 0.5:
        scale = writer.grid(0.11, 120 if writer.kind == "uint8" else 0)
        tensor = writer.pair(tensor, "last.integers", scale)
        writer.nodes[-1].output[0] = "result"
        tensor = "result"
    writer.part.data = writer.bytes(tensor)
    return writer.part


def samples(data: bytes, frames: int, seed: int = 0) -> dict[str, np.ndarray]:
    """Random real samples of each input."""
    import onnx

    random = np.random.default_rng(seed)
    graph = onnx.ModelProto.FromString(data).graph
    shapes: Mapping[str, Any] = {
        value.name: [dim.dim_value for dim in value.type.tensor_type.shape.dim][1:] for value in graph.input
    }
    return {name: random.normal(size=(frames, *shape)).astype(np.float32) for name, shape in shapes.items()}
