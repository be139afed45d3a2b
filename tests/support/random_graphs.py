"""Random float graphs that fork and join, over every operator of the float graph; every one passes `check`."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from fpgaq.model.graph import (
    Add,
    Affine,
    AveragePooling,
    BatchNormalization,
    Concatenate,
    Convolution,
    Deconvolution,
    Graph,
    Identity,
    MaxPooling,
    Multiply,
    Operator,
    Pad,
    Pointwise,
    Prelu,
    Relu,
    Reshape,
    ScaleOffset,
    Slice,
    Softmax,
    Transpose,
    Upsample,
    check,
    infer_shape,
)

FUNCTIONS = (
    ("relu6", ()),
    ("leaky_relu", (0.1,)),
    ("sigmoid", ()),
    ("tanh", ()),
    ("hard_swish", ()),
    ("hard_sigmoid", (0.25, 0.5)),
    ("clip", (-0.5, 1.5)),
    ("swish", ()),
    ("softplus", (2.0,)),
    ("square", ()),
    ("abs", ()),
)
MOST_ELEMENTS = 1500


@dataclass
class Grower:
    """A graph in the making; `chance` decides, `pool` holds the tensors that may be read."""

    seed: int
    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    operators: list[Operator] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        self.generator = np.random.default_rng(self.seed)

    def normal(self, *shape: int, scale: float = 1.0) -> np.ndarray:
        return (self.generator.normal(size=shape) * scale).astype(np.float32)

    def add(self, cls: type[Operator], inputs: tuple[str, ...], declared: tuple[int, ...] = (), **values) -> str:
        name, output = f"{cls.__name__.lower()}{len(self.operators)}", f"t{len(self.operators)}"
        op = cls(name, inputs, output, **values)
        first, *others = (self.shapes[name] for name in inputs)
        self.shapes[output] = infer_shape(op, first, declared, others)
        self.operators.append(op)
        return output

    def pick(self) -> str:
        recent = list(self.shapes)[-3:]
        return recent[-1] if self.chance.random() < 0.7 else self.chance.choice(recent)

    def pair(self, low: int, high: int) -> tuple[int, int]:
        return self.chance.randint(low, high), self.chance.randint(low, high)

    def weights(self, outputs: int, inputs: int, kernel: tuple[int, int]) -> np.ndarray:
        return self.normal(outputs, inputs, *kernel, scale=1 / math.sqrt(inputs * kernel[0] * kernel[1]))


def convolution(grow: Grower, name: str, outputs: int | None = None, plain: bool = False) -> str:
    channels, height, width = grow.shapes[name]
    chance = grow.chance
    divisors = [n for n in range(1, channels + 1) if channels % n == 0]
    groups = 1 if plain or chance.random() < 0.5 else chance.choice([channels, *divisors])
    outputs = outputs or groups * (chance.randint(1, 2) if groups > 1 else chance.randint(2, 6))
    kernel = (1, 1) if plain else (chance.randint(1, min(3, height)), chance.randint(1, min(3, width)))
    padding = (0, 0, 0, 0) if plain else (*(top := grow.pair(0, 1)), *(top if chance.random() < 0.5 else (1, 0)))
    bias = grow.normal(outputs) if chance.random() < 0.7 else None
    stride = (1, 1) if plain else grow.pair(1, 2)
    value = 0.0 if plain or chance.random() < 0.8 else 0.25
    weight = grow.weights(outputs, channels // groups, kernel)
    return grow.add(Convolution, (name,), weight=weight, bias=bias, stride=stride, padding=padding, groups=groups,
                    padding_value=value)  # fmt: skip


def deconvolution(grow: Grower, name: str) -> str:
    channels, _, _ = grow.shapes[name]
    groups = grow.chance.choice([1, 1, channels])
    outputs = grow.chance.randint(1, 2) if groups > 1 else grow.chance.randint(2, 5)
    weight = grow.weights(channels, outputs, (2, 3))
    pad = grow.chance.choice([(0, 0, 0, 0), (0, 0, 1, 1), (0, 0, 0, 1)])
    return grow.add(Deconvolution, (name,), weight=weight, bias=grow.normal(outputs * groups), stride=(2, 1),
                    padding=pad, groups=groups)  # fmt: skip


def affine(grow: Grower, name: str) -> str:
    features, outputs = math.prod(grow.shapes[name]), grow.chance.randint(2, 8)
    weight = grow.normal(outputs, features, scale=1 / math.sqrt(features))
    return grow.add(Affine, (name,), weight=weight, bias=grow.normal(outputs))


def pooling(grow: Grower, name: str) -> str:
    _, height, width = grow.shapes[name]
    kernel = (grow.chance.randint(1, min(3, height)), grow.chance.randint(1, min(3, width)))
    pad = (
        (0, 0, 0, 0) if min(kernel) < 2 or grow.chance.random() < 0.5 else grow.chance.choice([(1, 1) * 2, (0, 1) * 2])
    )
    if grow.chance.random() < 0.5:
        return grow.add(MaxPooling, (name,), kernel=kernel, stride=grow.pair(1, 2), padding=pad)
    sum_only = grow.chance.random() < 0.2
    return grow.add(AveragePooling, (name,), kernel=kernel, stride=kernel, padding=pad, sum_only=sum_only,
                    count_padding=grow.chance.random() < 0.6 or sum_only or pad[0] != pad[1])  # fmt: skip


def residual(grow: Grower, name: str) -> str:
    """A sum or a product with a convolution of the same shape; now and then of three."""
    channels = grow.shapes[name][0]
    others = [convolution(grow, name, channels, plain=True) for _ in range(grow.chance.randint(1, 2))]
    if grow.chance.random() < 0.3:
        return grow.add(Multiply, (name, others[0]))
    inputs = tuple(grow.chance.sample([name, *others], len(others) + 1))
    return grow.add(Add, inputs, signs=tuple(grow.chance.choice([1, 1, -1]) for _ in inputs))


def joined(grow: Grower, name: str) -> str:
    shape = grow.shapes[name]
    same = [other for other, size in grow.shapes.items() if size[1:] == shape[1:] and len(size) == len(shape)]
    inputs = (name, *(grow.chance.choice(same) for _ in range(grow.chance.randint(1, 2))))
    return grow.add(Concatenate, inputs)


def cut(grow: Grower, name: str) -> str:
    shape = grow.shapes[name]
    start = tuple(grow.chance.randint(0, size - 1) if grow.chance.random() < 0.5 else 0 for size in shape)
    extent = tuple(grow.chance.randint(1, size - first) for size, first in zip(shape, start, strict=True))
    return grow.add(Slice, (name,), extent, start=start)


def halves(grow: Grower, name: str) -> str:
    """The channels split in two, one half through a convolution, put together again."""
    channels, *rest = grow.shapes[name]
    middle = channels // 2
    if not middle:
        return name
    low = grow.add(Slice, (name,), (middle, *rest), start=(0, 0, 0))
    high = grow.add(Slice, (name,), (channels - middle, *rest), start=(middle, 0, 0))
    return grow.add(Concatenate, (convolution(grow, low, plain=True), high))


def padded(grow: Grower, name: str) -> str:
    _, height, width = grow.shapes[name]
    mode = grow.chance.choice(["constant", "repeat", "reflect"])
    most = min(2, height - 1, width - 1) if mode == "reflect" else 2
    padding = (*grow.pair(0, most), *grow.pair(0, most))
    return grow.add(Pad, (name,), padding=padding, mode=mode, value=0.5 if mode == "constant" else 0.0)


def transposed(grow: Grower, name: str) -> str:
    axes = list(range(len(grow.shapes[name])))
    grow.chance.shuffle(axes)
    return grow.add(Transpose, (name,), axes=tuple(axes))


def reshaped(grow: Grower, name: str) -> str:
    """Flattened, or a channel shuffle, or channels halved."""
    channels, height, width = grow.shapes[name]
    kind = grow.chance.choice(["flat", "shuffle", "halved"])
    if kind == "flat" or channels % 2:
        return grow.add(Reshape, (name,), (channels * height * width,))
    if kind == "halved":
        return grow.add(Reshape, (name,), (channels // 2, 2 * height, width))
    pairs = grow.add(Reshape, (name,), (2, channels // 2, height * width))
    swapped = grow.add(Transpose, (pairs,), axes=(1, 0, 2))
    return grow.add(Reshape, (swapped,), (channels, height, width))


def normalized(grow: Grower, name: str) -> str:
    channels = grow.shapes[name][0]
    scale, offset = (grow.normal(channels) if grow.chance.random() < 0.8 else None for _ in range(2))
    variance = grow.generator.uniform(0.3, 2, channels).astype(np.float32)
    return grow.add(BatchNormalization, (name,), mean=grow.normal(channels, scale=0.3), variance=variance,
                    scale=scale, offset=offset, epsilon=1e-5)  # fmt: skip


def pointwise(grow: Grower, name: str) -> str:
    function, parameters = grow.chance.choice(FUNCTIONS)
    return grow.add(Pointwise, (name,), function=function, parameters=parameters)


def prelu(grow: Grower, name: str) -> str:
    return grow.add(Prelu, (name,), slope=grow.normal(grow.chance.choice([1, grow.shapes[name][0]])))


OF_IMAGES: tuple[tuple[int, Callable[[Grower, str], str]], ...] = (
    (6, convolution),
    (2, pooling),
    (3, residual),
    (3, joined),
    (1, deconvolution),
    (1, padded),
    (2, halves),
    (1, reshaped),
    (1, lambda grow, name: grow.add(Upsample, (name,), factor=grow.pair(1, 2))),
)
OF_ALL: tuple[tuple[int, Callable[[Grower, str], str]], ...] = (
    (3, lambda grow, name: grow.add(Relu, (name,))),
    (3, normalized),
    (2, pointwise),
    (1, prelu),
    (1, cut),
    (1, transposed),
    (1, affine),
    (1, lambda grow, name: grow.add(ScaleOffset, (name,), scale=0.5, offset=grow.chance.choice([0.0, 0.25]))),
    (1, lambda grow, name: grow.add(Identity, (name,), kind="Identity")),
)


def random_graph(seed: int, least: int = 5, most: int = 14) -> Graph:
    """A graph of about `least` to `most` operators; what nobody reads is an output."""
    grow = Grower(seed)
    for index in range(2 if grow.chance.random() < 0.2 else 1):
        grow.shapes[f"x{index}"] = (grow.chance.randint(1, 4), *grow.pair(3, 7))
    inputs = tuple(grow.shapes)
    for name in inputs:
        convolution(grow, name, plain=True)
    wanted = grow.chance.randint(least, most)
    while len(grow.operators) < wanted:
        name = grow.pick()
        image = len(grow.shapes[name]) == 3
        weights, makers = zip(*(OF_ALL + (OF_IMAGES if image else ())), strict=True)
        before = dict(grow.shapes), list(grow.operators)
        grow.chance.choices(makers, weights)[0](grow, name)
        if max(math.prod(shape) for shape in grow.shapes.values()) > MOST_ELEMENTS:
            grow.shapes, grow.operators = before
    if grow.chance.random() < 0.6:
        head = affine(grow, list(grow.shapes)[-1])
        if grow.chance.random() < 0.5:
            grow.add(Softmax, (head,), axis=0)
    read = {name for op in grow.operators for name in op.inputs}
    outputs = tuple(op.output for op in grow.operators if op.output not in read)
    return check(Graph(f"random {seed}", inputs, outputs, tuple(grow.operators), grow.shapes))


def random_inputs(graph: Graph, count: int = 3, seed: int = 0) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(seed)
    return {name: generator.normal(size=(count, *graph.shapes[name])).astype(np.float32) for name in graph.inputs}
