"""The whole network with what a mask drops set to 0: what a rebuilt network is held against."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..float_executor import IMPLEMENTATIONS
from ..graph import Array, BatchNormalization, Convolution, Operator
from .units import Mask, Units, is_depthwise


def run_masked(
    units: Units, keep: Mask, inputs: Mapping[str, NDArray[Any]], renormalize: bool = False
) -> dict[str, Array]:
    """The outputs when every element of a dropped unit is set to 0 behind each operator.

    Parameters
    ----------
    units : Units
    keep : array of bool
        For each unit whether it is kept.
    inputs : mapping of str to array
        For each input of the graph, (batch, *shape); all at a time.
    renormalize : bool
        Let batch normalization take the statistics of these samples in place of its own: what a few steps of training
        would do first.

    Returns
    -------
    dict of str to array
        float32, (batch, *shape).
    """
    graph = units.graph
    tensors: dict[str, Array] = {name: np.asarray(array, np.float32) for name, array in inputs.items()}
    last_use = {name: index for index, op in enumerate(graph.operators) for name in op.inputs}
    for index, op in enumerate(graph.operators):
        found = [tensors[name] for name in op.inputs]
        if renormalize and isinstance(op, BatchNormalization):
            op = with_statistics(op, found[0])
        op = _without_border(op, units, keep)
        result = IMPLEMENTATIONS[type(op)](op, found, graph.shapes[op.output])
        kept = keep[units.labels[op.output]]
        tensors[op.output] = result if kept.all() else np.where(kept, result, np.float32(0))
        for name in op.inputs:
            if last_use[name] == index and name not in graph.outputs:
                tensors.pop(name, None)
    return {name: tensors[name] for name in graph.outputs}


def with_statistics(op: BatchNormalization, x: Array) -> BatchNormalization:
    """The operator with the mean and variance of a batch of its inputs."""
    axes = (0, *range(2, x.ndim))
    return replace(op, mean=x.mean(axis=axes), variance=x.var(axis=axes))


def _without_border(op: Operator, units: Units, keep: Mask) -> Operator:
    """A dropped channel has no border either, where a convolution pads with something else than 0."""
    if not isinstance(op, Convolution) or not op.padding_value or is_depthwise(op):
        return op
    heard = keep[units.channels(op.input)].reshape(op.groups, -1)[0]
    return replace(op, weight=op.weight * heard[:, None, None])
