"""Frames for matrix products on the input itself: steered until sums lie at the edge of a rounding step.

Such a layer has one output pixel, so a frame shows a changed weight only if a single sum is near an edge: by chance
that takes hundreds of frames. Here elements are moved one by one, each time the one that brings all channels' sums
nearest to their edges (matching pursuit), in integers that floats hold exactly: the same frames on every machine.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ..integer.graph import IntegerAffine, IntegerArray, IntegerGraph, Tensor
from .exercise import NEVER, Budget, slack, weighted_sums

MOST_FEATURES = 2048
"""Beyond which the products of all pairs of columns take too much memory."""

MOVES = 2000
"""Elements moved in one frame, at most."""


def steerable(graph: IntegerGraph) -> list[IntegerAffine]:
    """The matrix products that read an input of the network, round, and are not too wide."""
    return [
        op
        for op in graph.operators
        if isinstance(op, IntegerAffine)
        and op.input in graph.inputs
        and op.requantize is not None
        and max(op.requantize.shift) > 0
        and op.weight.shape[1] <= MOST_FEATURES
        and graph.tensors[op.input].format.width <= 16
    ]


def steer(
    op: IntegerAffine,
    tensors: Mapping[str, Tensor],
    start: IntegerArray,
    margin: int,
    upper: bool,
    budget: Budget,
) -> IntegerArray:
    """Move a frame (height, width, channels) until sums lie `margin` from the upper or lower edge of their step."""
    source, rule = tensors[op.input].format, op.requantize
    assert rule is not None
    frame = start.reshape(-1).copy()
    sums = weighted_sums(op, source, frame[:, np.newaxis], frame[:, np.newaxis])
    up, down = (side[:, 0] for side in slack(sums, rule, tensors[op.output].format))
    # To the edge of this step, or of the neighbour's where that is nearer; what saturates far away stays where it is.
    inward, outward = (up, down) if upper else (down, up)
    distance = np.where(inward <= outward, inward - margin, -(outward + 1) - margin)
    distance = np.where(inward == NEVER, 0, distance) * (1 if upper else -1)
    steps = 8 << np.broadcast_to(np.asarray(rule.shift), len(sums))
    wanted = (inward != NEVER) & (abs(distance) <= steps)
    if not wanted.any() or not budget.spend(op.weight.shape[1] ** 2 * int(wanted.sum()) // 64 + MOVES * len(frame)):
        return start
    _pursue(
        frame, op.weight[wanted].astype(np.float64), distance[wanted].astype(np.float64), source.minimum, source.maximum
    )
    return frame.reshape(start.shape)


def awaken(op: IntegerAffine, source: Tensor, signs: IntegerArray, values: IntegerArray) -> IntegerArray:
    """A frame of large elements that pushes the sums of channels up where `signs` is 1, down where it is -1.

    Results that a rectifier holds at 0 show no small change: a frame and its opposite bring each channel to life once.
    `values` are random integers from 0 to a quarter of the range, (height, width, channels).
    """
    push = (signs @ op.weight).reshape(source.shape)
    least, greatest = source.format.minimum, source.format.maximum
    low = least if least < 0 else greatest // 4
    return np.where(push > 0, greatest - values, low + values)


def _pursue(
    frame: IntegerArray, weight: NDArray[np.float64], distance: NDArray[np.float64], least: int, greatest: int
) -> None:
    """Change elements of a frame in place, until no single move brings ``weight @ change`` nearer to `distance`."""
    pairs, pull = weight.T @ weight, weight.T @ distance
    norm = np.maximum(pairs.diagonal(), 1)
    for _ in range(MOVES):
        step = np.clip(np.rint(pull / norm), least - frame, greatest - frame)
        gain = step * (2 * pull - step * norm)
        best = int(gain.argmax())
        if gain[best] <= 0:
            return
        frame[best] += int(step[best])
        pull -= step[best] * pairs[best]
