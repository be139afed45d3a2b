"""Networks of one movement of elements, as the quantizer writes it: reshapes and a transposition."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from fpgaq.base.formats import Format
from fpgaq.integer.accumulators import layer_bounds
from fpgaq.integer.graph import (
    ImageShape,
    IntegerConvolution,
    IntegerGraph,
    IntegerReshape,
    IntegerTranspose,
    Requantize,
    Tensor,
)
from tests.support.integer_networks import dag


def moved(shape: ImageShape, view: ImageShape, axes: Sequence[int], fmt: Format | None = None) -> IntegerGraph:
    """An image seen in another shape whose axes change places, and in its own shape again."""
    first, second, third = (view[axis] for axis in axes)
    fmt = fmt or Format(8, 3)
    operators = [
        IntegerReshape("apart", ("x",), "a"),
        IntegerTranspose("turned", ("a",), "b", tuple(axes)),
        IntegerReshape("together", ("b",), "y"),
    ]
    shapes = {"x": shape, "a": view, "b": (first, second, third), "y": shape}
    return dag(operators, [Tensor(name, size, fmt) for name, size in shapes.items()], ("x",), ("y",), 0)


def shuffled(parts: int, shape: ImageShape, fmt: Format) -> IntegerGraph:
    """A shuffle of channels: the like ones of all parts of a pixel come together."""
    view = (math.prod(shape[:2]), parts, shape[2] // parts)
    return moved(shape, view, (0, 2, 1), fmt)


def between_groups(channels: int, groups: int, size: tuple[int, int]) -> IntegerGraph:
    """Two grouped convolutions of one tap with a shuffle of channels between them."""
    fmt, shape = Format(8, 5), (*size, channels)
    chain = shuffled(groups, shape, fmt)
    generator = np.random.default_rng(channels)

    def layer(name: str, source: str, target: str) -> IntegerConvolution:
        weight = generator.integers(-128, 128, size=(channels, 1, 1, channels // groups))
        bias = generator.integers(-900, 900, size=channels)
        width = layer_bounds(weight, bias, fmt).width
        return IntegerConvolution(
            name, (source,), target, weight, bias, Format(8, 7), (7,) * channels, (1, 1), (0, 0, 0, 0), (1, 1), groups,
            0, width, Requantize((7,), "half_up", True),
        )  # fmt: skip

    movements = [replace(op, inputs=("r",)) if op.inputs == ("x",) else op for op in chain.operators]
    movements = [replace(op, output="m") if op.output == "y" else op for op in movements]
    tensors = [Tensor("x", shape, fmt), Tensor("r", shape, fmt)]
    tensors += [replace(chain.tensors[name], name=name) for name in ("a", "b")]
    tensors += [Tensor("m", shape, fmt), Tensor("y", shape, fmt)]
    operators = [layer("first", "x", "r"), *movements, layer("second", "m", "y")]
    return dag(operators, tensors, ("x",), ("y",), channels)
