"""Networks whose best schedules are known from an outside search."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fpgaq.base.formats import Format
from fpgaq.integer.accumulators import operator_bounds
from fpgaq.integer.graph import (
    IntegerAdd,
    IntegerAffine,
    IntegerConvolution,
    IntegerGraph,
    IntegerMaxPooling,
    IntegerUpsample,
    Requantize,
    Tensor,
)
from tests.support.integer_networks import dag, network
from tests.support.integer_operators import proved

ACTIVATION = Format(8, 0, False)


def build(image: tuple[int, int, int], layers: Sequence[tuple[str, int] | tuple[str, int, int, int]]) -> IntegerGraph:
    """Layers ("conv", kernel, outputs, padding), ("pool", size), ("up", factor) and ("affine", outputs) in a row."""
    chance = np.random.default_rng(0)
    tensors, operators = [Tensor("t0", image, ACTIVATION)], []
    for index, (kind, *numbers) in enumerate(layers):
        source, output = tensors[-1], f"t{index + 1}"
        height, width, channels = source.shape
        name, inputs = f"{kind}{index}", (source.name,)
        if kind == "pool":
            size = numbers[0]
            operators.append(IntegerMaxPooling(name, inputs, output, (size, size), (size, size), (0, 0, 0, 0)))
            tensors.append(Tensor(output, (height // size, width // size, channels), ACTIVATION))
            continue
        if kind == "up":
            operators.append(IntegerUpsample(name, inputs, output, (numbers[0], numbers[0]), False))
            tensors.append(Tensor(output, (height * numbers[0], width * numbers[0], channels), ACTIVATION))
            continue
        if kind == "conv":
            kernel, outputs, padding = numbers
            shape = (height + 2 * padding - kernel + 1, width + 2 * padding - kernel + 1, outputs)
            taps: tuple[int, ...] = (outputs, kernel, kernel, channels)
        else:
            outputs, padding, shape, taps = numbers[0], 0, (1, 1, numbers[0]), (numbers[0], source.size)
        parts = {
            "name": name, "inputs": inputs, "output": output, "weight": chance.integers(-128, 128, size=taps),
            "bias": chance.integers(-1000, 1000, size=outputs), "weight_format": Format(8, 0),
            "weight_frac": (0,) * outputs, "accumulator_width": 40, "requantize": Requantize((0,), "half_up"),
        }  # fmt: skip
        if kind == "conv":
            operators.append(
                IntegerConvolution(
                    stride=(1, 1), padding=(padding,) * 4, dilation=(1, 1), groups=1, padding_value=0, **parts
                )
            )  # fmt: skip
        else:
            operators.append(IntegerAffine(**parts))
        assert operator_bounds(operators[-1], source.format).width <= 40
        tensors.append(Tensor(output, shape, ACTIVATION))
    return network(operators, tensors)


def spread() -> IntegerGraph:
    """Few pixels become many between two convolutions: more beats of one channel than a frame may take cycles."""
    return build((8, 8, 1), [("conv", 3, 8, 1), ("up", 2), ("conv", 3, 1, 1)])


def lenet() -> IntegerGraph:
    return build(
        (28, 28, 1), [("conv", 5, 8, 0), ("pool", 2), ("conv", 5, 16, 0), ("pool", 2), ("affine", 64), ("affine", 10)]
    )


def same_padded() -> IntegerGraph:
    return build((28, 28, 1), [("conv", 3, 8, 1), ("pool", 2), ("conv", 3, 16, 1), ("pool", 2), ("affine", 10)])


def skip() -> IntegerGraph:
    """A convolution, then two more with a way around them, joined by an addition."""
    plain = build((12, 12, 2), [("conv", 3, 4, 1)] * 3)
    rule = Requantize((1,), "half_up")
    add = IntegerAdd("add", ("t3", "t1"), "t4", (0, 0), (1, 1), 10, rule)
    tensors = [*plain.tensors.values(), Tensor("t4", (12, 12, 4), Format(8, -1, False))]
    return dag((*plain.operators, add), tensors, ("t0",), ("t4",))


def scaled_convolutions() -> IntegerGraph:
    """A pointwise convolution, one of each channel and another pointwise one, whose requantizers multiply."""
    generator = np.random.default_rng(0)
    byte, size = Format(8, 0), (6, 6)
    tensors = [Tensor("t0", (*size, 8), byte, scale=0.1)]
    operators = []
    for index, (outputs, side, inputs) in enumerate(((24, 1, 8), (24, 3, 1), (8, 1, 24))):
        weight = generator.integers(-127, 128, (outputs, side, side, inputs))
        rule = Requantize((20,), "half_up", False, "multiply_shift", tuple(range(1000, 1000 + 10 * outputs, 10)), (0,))
        op = IntegerConvolution(
            f"layer{index}", (f"t{index}",), f"t{index + 1}", weight, np.arange(outputs), Format(8, 0), (0,) * outputs,
            (1, 1), (side // 2,) * 4, (1, 1), outputs if inputs == 1 else 1, 0, 0, rule, (0.1,) * outputs,
        )  # fmt: skip
        operators.append(proved(op, byte))
        tensors.append(Tensor(op.output, (*size, outputs), byte, scale=0.1))
    return network(operators, tensors)
