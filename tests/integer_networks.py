"""Random integer networks for tests, and a slow interpreter of them in Python integers only."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from fpgaq.accumulators import layer_bounds
from fpgaq.formats import Format
from fpgaq.graph import window_count
from fpgaq.integer_check import check
from fpgaq.integer_graph import (
    InputTransform,
    IntegerAffine,
    IntegerConvolution,
    IntegerGraph,
    IntegerMaxPooling,
    IntegerRelu,
    Requantize,
    Tensor,
)


def exact_round(value: Fraction, rounding: str) -> int:
    """Each rounding rule in words, on an exact fraction."""
    below = math.floor(value)
    rest = value - below
    if rounding == "floor" or rest < Fraction(1, 2):
        return below
    if rest > Fraction(1, 2):
        return below + 1
    ties = {"half_up": 1, "half_away": int(value > 0), "half_even": below % 2}
    return below + ties[rounding]


def slow_finish(op, total: int, channel: int, fmt: Format) -> int:
    """Bias and requantization of one sum."""
    total += int(op.bias[channel])
    if op.requantize is None:
        return total
    shift = op.requantize.shift[channel if len(op.requantize.shift) > 1 else 0]
    value = exact_round(Fraction(total, 1 << shift), op.requantize.rounding)
    if op.requantize.relu:
        value = max(value, 0)
    return min(max(value, fmt.minimum), fmt.maximum)


def slow_convolution(op: IntegerConvolution, image, shape, fmt: Format):
    outputs, kernel_height, kernel_width, depth = op.weight.shape
    height, width = len(image), len(image[0])
    result = [[[0] * outputs for _ in range(shape[1])] for _ in range(shape[0])]
    for y in range(shape[0]):
        for x in range(shape[1]):
            for channel in range(outputs):
                first = channel // (outputs // op.groups) * depth
                total = 0
                for i in range(kernel_height):
                    for j in range(kernel_width):
                        row = y * op.stride[0] + i * op.dilation[0] - op.padding[0]
                        column = x * op.stride[1] + j * op.dilation[1] - op.padding[2]
                        inside = 0 <= row < height and 0 <= column < width
                        for k in range(depth):
                            pixel = int(image[row][column][first + k]) if inside else op.padding_value
                            total += int(op.weight[channel, i, j, k]) * pixel
                result[y][x][channel] = slow_finish(op, total, channel, fmt)
    return result


def slow_affine(op: IntegerAffine, image, fmt: Format):
    features = [int(v) for row in image for pixel in row for v in pixel]
    sums = [sum(int(w) * v for w, v in zip(row, features, strict=True)) for row in op.weight]
    return [[[slow_finish(op, total, channel, fmt) for channel, total in enumerate(sums)]]]


def slow_pooling(op: IntegerMaxPooling, image, shape, fmt: Format):
    height, width, channels = len(image), len(image[0]), len(image[0][0])

    def pixel(row: int, column: int, channel: int) -> int:
        inside = 0 <= row < height and 0 <= column < width
        return int(image[row][column][channel]) if inside else fmt.minimum

    def window(y: int, x: int, channel: int) -> int:
        top, left = y * op.stride[0] - op.padding[0], x * op.stride[1] - op.padding[2]
        return max(pixel(top + i, left + j, channel) for i in range(op.kernel[0]) for j in range(op.kernel[1]))

    return [[[window(y, x, c) for c in range(channels)] for x in range(shape[1])] for y in range(shape[0])]


def slow_run(graph: IntegerGraph, frames) -> dict[str, np.ndarray]:
    """Every tensor for every frame of the only input, in Python integers."""
    results: dict[str, list] = {name: [] for name in graph.tensors}
    for frame in np.asarray(frames).tolist():
        values = {graph.inputs[0]: frame}
        for op in graph.operators:
            image, target = values[op.inputs[0]], graph.tensors[op.output]
            if isinstance(op, IntegerConvolution):
                values[op.output] = slow_convolution(op, image, target.shape, target.format)
            elif isinstance(op, IntegerAffine):
                values[op.output] = slow_affine(op, image, target.format)
            elif isinstance(op, IntegerMaxPooling):
                values[op.output] = slow_pooling(op, image, target.shape, target.format)
            else:
                assert isinstance(op, IntegerRelu)
                values[op.output] = [[[max(v, 0) for v in pixel] for pixel in row] for row in image]
        for name, value in values.items():
            results[name].append(value)
    return {name: np.array(value) for name, value in results.items()}


def one_layer(op, source: Tensor, target: Tensor, seed: int = 0) -> IntegerGraph:
    """A network of one operator."""
    return network((op,), (source, target), seed)


def network(operators, tensors, seed: int = 0, classifier: bool = False) -> IntegerGraph:
    """A checked chain over `tensors`, the first of which is the input and the last the output."""
    source, target = tensors[0], tensors[-1]
    height, width, channels = source.shape
    image = (channels, height, width)
    generator = np.random.default_rng(seed)
    samples = generator.integers(source.format.minimum, source.format.maximum, size=(3, *source.shape), endpoint=True)
    return check(
        IntegerGraph(
            name="test",
            inputs=(source.name,),
            outputs=(target.name,),
            tensors={tensor.name: tensor for tensor in tensors},
            operators=tuple(operators),
            transforms={source.name: InputTransform(1.0, 0.0, "half_up", image, image)},
            output_shapes={target.name: (target.shape[2], target.shape[0], target.shape[1])},
            samples={source.name: samples},
            classifier=classifier,
        )
    )


def convolution_network(
    seed: int = 0,
    size=(5, 6),
    channels: int = 4,
    outputs: int = 4,
    kernel=(3, 3),
    stride=(1, 1),
    padding=(1, 1, 1, 1),
    dilation=(1, 1),
    groups: int = 1,
    bits: int = 8,
    weight_bits: int = 8,
    signed: bool = True,
    rounding="half_up",
    shifts=(5,),
    relu: bool = False,
    final: bool = False,
) -> IntegerGraph:
    """One random convolution; `final` leaves the accumulator as the output."""
    generator = np.random.default_rng(seed)
    fmt, weight_format = Format(bits, 4, signed), Format(weight_bits, 6)
    weight = generator.integers(
        weight_format.minimum, weight_format.maximum, size=(outputs, *kernel, channels // groups), endpoint=True
    )
    bias = generator.integers(-1000, 1000, size=outputs)
    padding_value = int(generator.integers(fmt.minimum, fmt.maximum, endpoint=True))
    width = layer_bounds(weight, bias, fmt, padding_value).width
    shift = tuple(shifts) if len(shifts) in (1, outputs) else (shifts * outputs)[:outputs]
    # Equal output scale everywhere: a channel with a larger shift has finer weights.
    fracs = tuple(6 + shift[i % len(shift)] - shift[0] for i in range(outputs))
    target_format = Format(width, 10) if final else Format(bits, 10 - shift[0], not relu)
    if final:
        fracs = (6,) * outputs
    target = (
        window_count(size[0], kernel[0], stride[0], dilation[0], padding[0], padding[1]),
        window_count(size[1], kernel[1], stride[1], dilation[1], padding[2], padding[3]),
        outputs,
    )
    op = IntegerConvolution(
        "conv", ("x",), "y", weight, bias, weight_format, fracs, tuple(stride), tuple(padding), tuple(dilation), groups,
        padding_value, width, None if final else Requantize(shift, rounding, relu),
    )  # fmt: skip
    return one_layer(op, Tensor("x", (*size, channels), fmt), Tensor("y", target, target_format), seed)


def small_network(seed: int = 0, rounding="half_up") -> IntegerGraph:
    """Convolution with ReLU, pooling, convolution, ReLU on its own, affine: every operator once."""
    generator = np.random.default_rng(seed)

    def weights(*shape: int) -> np.ndarray:
        return generator.integers(-128, 128, size=shape)

    formats = [Format(8, 8, False), Format(8, 6, False), Format(8, 6, False), Format(8, 5), Format(7, 5, False)]
    shapes = [(8, 7, 1), (8, 7, 4), (4, 4, 4), (2, 2, 6), (2, 2, 6)]
    first, second, third = weights(4, 3, 3, 1), weights(6, 3, 3, 2), weights(5, 24)
    biases = [generator.integers(-2000, 2000, size=n) for n in (4, 6, 5)]
    bounds = [
        layer_bounds(first, biases[0], formats[0]),
        layer_bounds(second, biases[1], formats[2]),
        layer_bounds(third, biases[2], formats[4]),
    ]
    byte = Format(8, 7)
    operators = (
        IntegerConvolution(
            "c1", ("t0",), "t1", first, biases[0], byte, (7, 8, 7, 9), (1, 1), (1, 1, 1, 1), (1, 1), 1, 0,
            bounds[0].width, Requantize((9, 10, 9, 11), rounding, True),
        ),
        IntegerMaxPooling("p", ("t1",), "t2", (2, 2), (2, 2), (0, 0, 0, 1)),
        IntegerConvolution(
            "c2", ("t2",), "t3", second, biases[1], byte, (7,) * 6, (1, 1), (0, 0, 0, 0), (1, 1), 2, 0,
            bounds[1].width, Requantize((8,), rounding, False),
        ),
        IntegerRelu("r", ("t3",), "t4"),
        IntegerAffine("a", ("t4",), "t5", third, biases[2], byte, (7,) * 5, bounds[2].width, None),
    )  # fmt: skip
    tensors = [Tensor(f"t{i}", shape, fmt) for i, (shape, fmt) in enumerate(zip(shapes, formats, strict=True))]
    return network(operators, [*tensors, Tensor("t5", (1, 1, 5), Format(bounds[2].width, 12))], seed, classifier=True)
