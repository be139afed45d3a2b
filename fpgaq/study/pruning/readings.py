"""The inputs of a layer's weights, sample by sample: the unknowns of every least squares here are weights on these."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...model.executor.windows import column_blocks
from ...model.graph import Affine, Array, Convolution, Deconvolution, Graph

MOST_ELEMENTS = 1 << 27
"""Elements of the samples' largest tensor, which bound their number: half a gigabyte. A few are held at a time."""


def some_samples(graph: Graph, inputs: Mapping[str, NDArray[Any]], most: int) -> dict[str, Array]:
    """At most a number of samples, (n, *shape) for each input, and no more than memory holds. They are spread evenly,
    because they may come in the order of their classes.
    """
    most = min(most, max(2, MOST_ELEMENTS // max(math.prod(shape) for shape in graph.shapes.values())))
    result: dict[str, Array] = {}
    for name in graph.inputs:
        numbers = np.linspace(0, len(inputs[name]) - 1, min(len(inputs[name]), most)).astype(np.int64)
        result[name] = np.asarray(inputs[name][numbers], np.float32)
    return result


def columns(op: Convolution | Deconvolution | Affine, x: Array, pixels: int) -> Iterator[tuple[slice, Array]]:
    """The factors of each weight of an output, a block of samples at a time: (samples, groups, taps, pixels).

    Taps are in the order of the weights. Of a transposed convolution they are the channels of a group, at each pixel of
    its input.

    Parameters
    ----------
    op : Convolution, Deconvolution or Affine
    x : array
        Its input, (n, *shape).
    pixels : int
        Pixels of its output; 1 for an affine layer.
    """
    if isinstance(op, Convolution):
        yield from column_blocks(x, op, pixels)
    elif isinstance(op, Deconvolution):
        yield slice(None), x.reshape(len(x), op.groups, op.weight.shape[0] // op.groups, -1)
    else:
        yield slice(None), x.reshape(len(x), 1, -1, 1)
