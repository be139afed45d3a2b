"""The network's values on calibration samples while it is being quantized: integers so far, floats throughout.

A layer's weights can then be chosen on the inputs that it will really see, with the errors of all layers before it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..integer.graph import IntegerArray, IntegerOperator, Tensor
from ..integer.reference import run_operator, working_layout
from ..integer.reference.layout import Work
from ..integer.reference.windows import window_columns
from ..model.executor import run_float
from ..model.graph import Affine, Convolution, Graph

Values = NDArray[np.float64]

MAX_ELEMENTS = 1 << 25
"""Elements of all tensors of the samples that are traced."""
MAX_COLUMNS = 1 << 22
"""Elements of the matrix of inputs (taps by positions) that a layer's moments are taken over."""
MAX_TAPS = 4096
"""Layers of more taps have no moments: their matrix would not fit."""


@dataclass(frozen=True, eq=False)
class Moments:
    """Second moments of a layer's integer inputs, and of what its float weights would leave wrong on them.

    Output is in units of the input's step: ``y = weight @ x`` with integers x. G groups, O outputs, K taps a group.

    Parameters
    ----------
    inputs : array
        (G, K, K), the covariance of the taps, or their mean product where the bias is not free.
    cross : array
        (G, O / G, K), the same of the error of each output with the taps.
    mean : array
        (G, K), of the taps.
    error : array
        (G, O / G), the mean error of each output, which the bias lacks with the float weights.
    positions : int
        How many values each is a mean over.
    samples : array, optional
        (G, K, positions), of which `inputs` are the products, kept where positions are fewer than taps.
    """

    inputs: Values
    cross: Values
    mean: Values
    error: Values
    positions: int
    samples: Values | None = None


class Trace:
    """The values of all tensors on some samples."""

    def __init__(self, graph: Graph, samples: Mapping[str, NDArray[Any]]) -> None:
        elements = sum(math.prod(shape) for shape in graph.shapes.values())
        self.frames = max(1, MAX_ELEMENTS // elements)
        images = {name: array[: self.frames].astype(np.float32) for name, array in samples.items()}
        self.floats = {**images, **run_float(graph, images, keep=True)}
        self.integers: dict[str, Work] = {}

    def start(self, tensor: Tensor, integers: IntegerArray) -> None:
        """An input's integers, (frames, height, width, channels)."""
        self.integers[tensor.name] = working_layout(integers[: self.frames], tensor.format)

    def advance(self, op: IntegerOperator, tensors: Mapping[str, Tensor]) -> None:
        """Compute the operator that was just added."""
        self.integers[op.output] = run_operator(op, tensors, self.integers)

    def moments(
        self, op: Convolution | Affine, source: Tensor, weight: Values, bias: Values, padding: int, centered: bool
    ) -> Moments | None:
        """Moments of a layer with real parameters as its integer input sees them; None above MAX_TAPS taps.

        `weight` has output channels first and channels last, `padding` is the integer outside the image.
        """
        groups = op.groups if isinstance(op, Convolution) else 1
        outputs, taps = weight.shape[0], weight[0].size
        if taps > MAX_TAPS:
            return None
        targets = self._targets(op.output, outputs)
        columns = self._columns(op, self.integers[source.name], weight.shape, padding)
        chosen = _choose(math.prod(columns.shape[2:]), max(MAX_COLUMNS // (groups * taps), 4 * taps))
        x = columns.reshape(groups, taps, -1)[:, :, chosen].astype(np.float64)
        y = targets.reshape(groups, outputs // groups, -1)[:, :, chosen].astype(np.float64)
        real = y - bias.reshape(groups, -1, 1)
        error = np.ldexp(real, source.format.frac) - weight.reshape(groups, -1, taps) @ x
        count = x.shape[2]
        mean, mean_error = x.mean(axis=2), error.mean(axis=2)
        if centered:
            x -= mean[:, :, np.newaxis]
        products = x @ x.transpose(0, 2, 1) / count
        return Moments(
            products, error @ x.transpose(0, 2, 1) / count, mean, mean_error, count, x if count < taps else None
        )

    def _targets(self, tensor: str, outputs: int) -> NDArray[np.float32]:
        """The values of the float network after the layer: (outputs, positions of a frame, frames)."""
        values = self.floats[tensor]
        return values.reshape(len(values), outputs, -1).transpose(1, 2, 0)

    @staticmethod
    def _columns(op: Convolution | Affine, x: Work, shape: tuple[int, ...], padding: int) -> Work:
        """The inputs of every output: (groups, taps, positions of a frame, frames)."""
        if isinstance(op, Affine):
            return x.transpose(1, 2, 0, 3).reshape(1, -1, 1, x.shape[3])
        return window_columns(x, (shape[1], shape[2]), op.groups, op.stride, op.padding, op.dilation, padding)


def _choose(count: int, most: int) -> Any:
    """Indices of at most `most` of `count` positions, drawn evenly, the same every time."""
    if count <= most:
        return slice(None)
    return np.sort(np.random.default_rng(0).choice(count, most, replace=False))
