"""Random choices, and a small network that is written node by node in the spelling of its opset."""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass, field

import numpy as np

from tests.support.onnx_models import ints, model, node

OPSETS = (7, 8, 9, 10, 11, 12, 13, 14, 15, 17, 18, 19, 20, 21, 22)


@dataclass(frozen=True)
class Member:
    """One model. `cut`: its output is an answer that the passes cut off. `refused`: a word of the refusal's remedy."""

    proto: object
    cut: bool = False
    error: float = 0.05
    data: dict[str, np.ndarray] | None = None
    refused: str = ""
    float_error: float = 5e-6


class Draw:
    """Choices by a seed, other ones for each kind."""

    def __init__(self, kind: str, seed: int) -> None:
        self.seed = seed
        self.random = np.random.default_rng([zlib.crc32(kind.encode()), seed])

    def pick(self, *options):
        """One of the options."""
        return options[int(self.random.integers(len(options)))]

    def number(self, low, high):
        """A whole number, both ends included."""
        return int(self.random.integers(low, high + 1))

    def flag(self):
        """True or False."""
        return bool(self.random.integers(2))

    def order(self, count):
        """A permutation of 0, 1, 2, ..."""
        return [int(place) for place in self.random.permutation(count)]

    def real(self, *shape):
        """Standard normal numbers."""
        return self.random.normal(0, 1, shape).astype(np.float32)

    def opset(self, low=9, high=22):
        """An opset."""
        return self.pick(*(opset for opset in OPSETS if low <= opset <= high))

    def image(self, low=1, high=6):
        """(channels, height, width)."""
        return self.number(1, 6), self.number(low, high), self.number(low, high)

    def tensor(self):
        """An image, a row or a vector."""
        return self.image()[: self.pick(1, 2, 3, 3)]


@dataclass
class Net:
    """A network of one opset; `shape` is that of its last tensor, without the batch."""

    draw: Draw
    shape: tuple[int, ...]
    opset: int
    nodes: list = field(default_factory=list)
    constants: dict[str, np.ndarray] = field(default_factory=dict)
    inputs: dict[str, tuple] = field(default_factory=dict)

    def input(self, name="x", shape=None):
        """An input, its batch open, 1 or 2."""
        shape = shape or self.shape
        # One number alone has no range.
        several = (None, 1, 2) if math.prod(shape) > 1 else (None,)
        batch = next((given[0] for given in self.inputs.values()), self.draw.pick(*several))
        self.inputs[name] = (batch, *shape)
        return name

    def constant(self, array):
        """The name of a constant."""
        name = f"c{len(self.constants)}"
        self.constants[name] = np.asarray(array)
        return name

    def number(self, value):
        """The name of a constant of one number, with or without an axis."""
        return self.constant(np.float32(value) if self.draw.flag() else np.float32([value]))

    def emit(self, kind, inputs, count=1, **attributes):
        """Append a node; its output's name, or names."""
        names = [f"t{len(self.nodes)}_{index}" for index in range(count)]
        self.nodes.append(node(kind, inputs, names, **attributes))
        return names[0] if count == 1 else names

    def listed(self, kind, source, name, values, since, count=1, **attributes):
        """A node whose list of whole numbers is an attribute before opset `since`, else an input."""
        if self.opset < since:
            return self.emit(kind, [source], count, **{name: list(values)}, **attributes)
        return self.emit(kind, [source, self.constant(ints(*values))], count, **attributes)

    def reshape(self, source, *sizes):
        """Reshape to sizes after the batch, which is copied by 0 or stands as -1."""
        sizes = list(sizes)
        if self.draw.flag() and all(sizes):
            return self.emit("Reshape", [source, self.constant(ints(-1, *sizes))])
        place = self.draw.number(0, len(sizes))
        if place < len(sizes):
            sizes[place] = -1
        return self.emit("Reshape", [source, self.constant(ints(0, *sizes))])

    def clip(self, source, low, high):
        """Clip by attributes or by inputs."""
        if self.opset < 11:
            return self.emit("Clip", [source], min=float(low), max=float(high))
        return self.emit("Clip", [source, self.constant(np.float32(low)), self.constant(np.float32(high))])

    def slice(self, source, starts, ends, axes, steps=None):
        """Slice by attributes or by inputs."""
        if self.opset < 10:
            return self.emit("Slice", [source], starts=list(starts), ends=list(ends), axes=list(axes))
        lists = [starts, ends, axes, *([steps] if steps else [])]
        return self.emit("Slice", [source, *(self.constant(ints(*values)) for values in lists)])

    def reduce(self, kind, source, axes, keep):
        """A reduction."""
        return self.listed(kind, source, "axes", axes, 13 if kind == "ReduceSum" else 18, keepdims=int(keep))

    def squeeze(self, source, axes):
        """Squeeze."""
        return self.listed("Squeeze", source, "axes", axes, 13)

    def unsqueeze(self, source, axes):
        """Unsqueeze."""
        return self.listed("Unsqueeze", source, "axes", axes, 13)

    def layer(self, source, channels=None):
        """A layer with weights on a tensor of the present shape; convolutions keep the size of the image."""
        draw = self.draw
        channels = channels or draw.number(1, 6)
        if len(self.shape) == 1:
            weight = draw.real(*self.shape, channels) / np.float32(np.sqrt(self.shape[0]))
            self.shape = (channels,)
            return self.emit("Gemm", [source, self.constant(weight), self.constant(draw.real(channels))])
        kernel = [draw.pick(1, 3) for _ in self.shape[1:]]
        weight = draw.real(channels, self.shape[0], *kernel) / np.float32(np.sqrt(self.shape[0] * np.prod(kernel)))
        self.shape = (channels, *self.shape[1:])
        pads = [size // 2 for size in kernel] * 2
        return self.emit("Conv", [source, self.constant(weight), self.constant(draw.real(channels))], pads=pads)

    def maybe_layer(self, source):
        """A layer in half of the cases, else a ReLU: something to compute."""
        return self.layer(source) if self.draw.flag() else self.emit("Relu", [source])

    def finish(self, *outputs, **fields):
        """The member; an output may not be an input."""
        names = [self.emit("Identity", [name]) if name in self.inputs else name for name in outputs]
        proto = model(self.nodes, self.inputs, names, self.constants, self.opset)
        return Member(proto, **fields)


def begun(draw, shape, low=9, high=22, *, layered=None, opset=None):
    """A network whose last tensor has the shape: an input, or a layer on one; (network, name)."""
    net = Net(draw, shape, opset or draw.opset(low, high))
    if layered if layered is not None else draw.flag():
        net.shape = (draw.number(1, 4), *shape[1:])
        return net, net.layer(net.input(), shape[0])
    return net, net.input()
