"""A network whose streams carry several pixels a beat: what only hardware has, beside the operators of every network.

X successive pixels in raster order are one wide pixel of X times the channels. A tensor that is carried so has the
shape of its wide pixels, and its elements stand in the same order as before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ....integer.graph import ImageShape, IntegerArray, IntegerGraph, IntegerOperator


@dataclass(frozen=True, repr=False)
class WideGraph(IntegerGraph):
    """The form of a network that is built where a beat carries several pixels.

    Parameters
    ----------
    plain : IntegerGraph
        The network that it computes, each tensor with its own shape.
    pixels : mapping of str to int
        Pixels of a wide pixel of each tensor that is carried so.
    repeated : tuple of str
        Convolutions in groups that all have the same weights.
    maxima : mapping of str to (tuple of (tuple of int))
        Convolutions that give maxima over their own outputs, as a `LaneMaximum` after them would.
    """

    plain: IntegerGraph = field(kw_only=True)
    pixels: Mapping[str, int] = field(default_factory=dict)
    repeated: tuple[str, ...] = ()
    maxima: Mapping[str, tuple[tuple[int, ...], ...]] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class LaneMaximum(IntegerOperator):
    """The greatest of some channels of the same pixel: output channel o is that of the input channels ``taps[o]``.

    A pooling whose windows lie each in one wide pixel. All outputs have equally many taps.
    """

    taps: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, eq=False)
class Gather(IntegerOperator):
    """`pixels` successive pixels become one of as many times the channels."""

    pixels: int


HARDWARE_ONLY: tuple[type[IntegerOperator], ...] = (LaneMaximum, Gather)
"""Operators that no file has."""


def plain_form(graph: IntegerGraph) -> IntegerGraph:
    """The network with each tensor in its own shape: `graph` itself unless it is wide."""
    return graph.plain if isinstance(graph, WideGraph) else graph


def wide_shape(shape: ImageShape, pixels: int) -> ImageShape:
    """The shape of a tensor whose beats carry so many pixels: parts of a row, whole rows, or one after another."""
    height, width, channels = shape
    if pixels == 1:
        return shape
    if width % pixels == 0:
        return height, width // pixels, pixels * channels
    return -(-height * width // pixels), 1, pixels * channels


def in_shape(frames: IntegerArray, shape: ImageShape) -> IntegerArray:
    """Frames (count, height, width, channels) as the wide pixels of `shape`: zeros where the last has no pixel."""
    flat = frames.reshape(len(frames), -1)
    missing = shape[0] * shape[1] * shape[2] - flat.shape[1]
    return np.pad(flat, ((0, 0), (0, missing))).reshape(len(frames), *shape)


def from_shape(frames: IntegerArray, shape: Sequence[int]) -> IntegerArray:
    """Frames of wide pixels in their own shape (height, width, channels): `in_shape` undone."""
    height, width, channels = shape
    return frames.reshape(len(frames), -1)[:, : height * width * channels].reshape(-1, height, width, channels)


def carried_shape(stream: Mapping[str, Any]) -> ImageShape:
    """The shape in which a stream of ``manifest.json`` or a port of ``interface.json`` carries its frames."""
    height, width, channels = stream["shape"]
    return wide_shape((height, width, channels), stream.get("pixels", 1))
