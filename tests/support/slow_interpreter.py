"""A slow interpreter of integer networks in Python integers and fractions only: the measure of the reference."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import numpy as np

from fpgaq.base.formats import Format
from fpgaq.integer.graph import (
    IntegerAdd,
    IntegerAffine,
    IntegerArgMax,
    IntegerConcatenate,
    IntegerConvolution,
    IntegerGraph,
    IntegerMaxPooling,
    IntegerMultiply,
    IntegerPad,
    IntegerRelu,
    IntegerReshape,
    IntegerScale,
    IntegerSlice,
    IntegerSumPooling,
    IntegerTable,
    IntegerTranspose,
    IntegerUpsample,
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


def slow_rounded(rule, value: Fraction, channel: int) -> int:
    """An exact rational, multiplied, shifted and rounded."""

    def of_channel(values):
        return values[channel if len(values) > 1 else 0]

    shift = of_channel(rule.shift)
    if rule.rule == "multiply_shift":
        value = value * of_channel(rule.multiplier) + of_channel(rule.offset)
    if rule.rule != "tflite_double":
        return exact_round(value / 2**shift, rule.rounding)
    # SaturatingRoundingDoublingHighMul and RoundingDivideByPOT of LiteRT, on C++'s truncating division.
    product = int(value) * 2 ** max(31 - shift, 0) * of_channel(rule.multiplier)
    nudged = product + (2**30 if product >= 0 else 1 - 2**30)
    high = abs(nudged) // 2**31 * (1 if nudged >= 0 else -1)
    right = max(shift - 31, 0)
    mask = 2**right - 1
    return (high >> right) + int((high & mask) > (mask >> 1) + int(high < 0))


def slow_requantize(rule, value: Fraction, channel: int, fmt: Format) -> int:
    """An exact rational, rounded and saturated."""
    rounded = slow_rounded(rule, value, channel)
    if rule.relu:
        rounded = max(rounded, 0)
    rounded += rule.zero_point
    least = fmt.minimum if rule.low is None else rule.low
    greatest = fmt.maximum if rule.high is None else rule.high
    return min(max(rounded, least), greatest)


def slow_finish(op, total: int, channel: int, fmt: Format) -> int:
    """Bias and requantization of one sum."""
    total += int(op.bias[channel])
    if op.requantize is None:
        return total
    return slow_requantize(op.requantize, Fraction(total), channel, fmt)


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


def slow_sum_pooling(op: IntegerSumPooling, image, shape, fmt: Format):
    height, width = len(image), len(image[0])

    def mean(y: int, x: int, channel: int) -> int:
        top, left = y * op.stride[0] - op.padding[0], x * op.stride[1] - op.padding[2]
        rows = [row for row in range(top, top + op.kernel[0]) if 0 <= row < height]
        columns = [column for column in range(left, left + op.kernel[1]) if 0 <= column < width]
        total = sum(image[row][column][channel] for row in rows for column in columns)
        divisor = op.divisor[y * shape[1] + x if len(op.divisor) > 1 else 0]
        return slow_requantize(op.requantize, Fraction(total, divisor), 0, fmt)

    return each_element(shape, mean)


def each_element(shape, function):
    return [[[function(y, x, c) for c in range(shape[2])] for x in range(shape[1])] for y in range(shape[0])]


def slow_pad(op: IntegerPad, image, shape):
    height, width = len(image), len(image[0])

    def inside(position: int, size: int) -> int:
        if op.mode == "repeat":
            return min(max(position, 0), size - 1)
        return -position if position < 0 else 2 * (size - 1) - position if position >= size else position

    def pixel(y: int, x: int, channel: int) -> int:
        row, column = y - op.padding[0], x - op.padding[2]
        if op.mode == "constant" and not (0 <= row < height and 0 <= column < width):
            return op.value
        return image[inside(row, height)][inside(column, width)][channel]

    return each_element(shape, pixel)


def slow_element(op, values, channel: int, fmt: Format) -> int:
    """One output element of an element-wise operator, from the inputs' elements."""
    if isinstance(op, IntegerRelu):
        return max(values[0], 0)
    if isinstance(op, IntegerTable):
        index = slow_requantize(op.requantize, Fraction(values[0]), 0, op.index_format)
        return int(op.table[index - op.index_format.minimum])
    if isinstance(op, IntegerAdd):
        total = sum(s * v * 2**a for s, v, a in zip(op.signs, values, op.align, strict=True))
        if op.factors:
            total = op.offset + sum(f * v for f, v in zip(op.factors, values, strict=True))
    elif isinstance(op, IntegerMultiply):
        total = (values[0] - op.zero_points[0]) * (values[1] - op.zero_points[1])
    else:
        assert isinstance(op, IntegerScale)
        negative = op.negative_scale is not None and values[0] < 0
        factor = op.negative_scale if negative else op.scale
        total = values[0] * int(factor[channel]) + int(op.offset[channel])
        total += op.negative_offset if values[0] < 0 else 0
    return slow_requantize(op.requantize, Fraction(total), channel, fmt)


def slow_movement(op, images, shape):
    """One output image of an operator that moves elements."""
    image = images[0]
    if isinstance(op, IntegerConcatenate):
        joined = [[[] for _ in range(shape[1])] for _ in range(shape[0])]
        for y in range(shape[0]):
            for x in range(shape[1]):
                joined[y][x] = [value for source in images for value in source[y][x]]
        return joined
    if isinstance(op, IntegerSlice):
        return each_element(shape, lambda y, x, c: image[y + op.start[0]][x + op.start[1]][c + op.start[2]])
    if isinstance(op, IntegerPad):
        return slow_pad(op, image, shape)
    if isinstance(op, IntegerUpsample):

        def pixel(y: int, x: int, c: int) -> int:
            first = y % op.factor[0] == 0 and x % op.factor[1] == 0
            return image[y // op.factor[0]][x // op.factor[1]][c] if first or not op.zeros else 0

        return each_element(shape, pixel)
    if isinstance(op, IntegerReshape):
        elements = iter([value for row in image for pixel in row for value in pixel])
        return each_element(shape, lambda y, x, c: next(elements))
    assert isinstance(op, IntegerTranspose)
    if op.view:
        elements = [value for row in image for pixel in row for value in pixel]
        sizes = [op.view[axis] for axis in op.axes]
        moves = (
            sum(place * math.prod(op.view[axis + 1 :]) for axis, place in zip(op.axes, places, strict=True))
            for places in itertools.product(*map(range, sizes))
        )
        return each_element(shape, lambda y, x, c: elements[next(moves)])

    def moved(*position: int) -> int:
        source = [0, 0, 0]
        for axis, place in zip(op.axes, position, strict=True):
            source[axis] = place
        return image[source[0]][source[1]][source[2]]

    return each_element(shape, moved)


def slow_operator(op, images, sources, target):
    """One operator on one frame."""
    image, shape, fmt = images[0], target.shape, target.format
    if isinstance(op, IntegerConvolution):
        return slow_convolution(op, image, shape, fmt)
    if isinstance(op, IntegerAffine):
        return slow_affine(op, image, fmt)
    if isinstance(op, IntegerMaxPooling):
        return slow_pooling(op, image, shape, fmt)
    if isinstance(op, IntegerSumPooling):
        return slow_sum_pooling(op, image, shape, fmt)
    if isinstance(op, IntegerArgMax):
        return [[[pixel.index(max(pixel))] for pixel in row] for row in image]
    if isinstance(op, IntegerRelu | IntegerTable | IntegerAdd | IntegerMultiply | IntegerScale):
        return each_element(shape, lambda y, x, c: slow_element(op, [source[y][x][c] for source in images], c, fmt))
    return slow_movement(op, images, shape)


def slow_run(graph: IntegerGraph, inputs) -> dict[str, np.ndarray]:
    """Every tensor for every frame (of the only input, or of a mapping of all), in Python integers."""
    data = inputs if isinstance(inputs, dict) else {graph.inputs[0]: inputs}
    frames = {name: np.asarray(value).tolist() for name, value in data.items()}
    results: dict[str, list] = {name: [] for name in graph.tensors}
    for index in range(len(frames[graph.inputs[0]])):
        values = {name: frames[name][index] for name in graph.inputs}
        for op in graph.operators:
            sources = [graph.tensors[name] for name in op.inputs]
            images = [values[name] for name in op.inputs]
            values[op.output] = slow_operator(op, images, sources, graph.tensors[op.output])
        for name, value in values.items():
            results[name].append(value)
    return {name: np.array(value) for name, value in results.items()}
