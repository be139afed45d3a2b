"""The whole network with everything that a mask drops set to 0: a rebuilt network is compared with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...model.executor import run_operator
from ...model.graph import Affine, Convolution, Deconvolution, Graph, Operator
from .groups import makes_channels
from .units import Mask, Units, is_depthwise


def run_masked(
    units: Units, keep: Mask, inputs: Mapping[str, NDArray[Any]], kind: type[np.floating[Any]] = np.float32
) -> dict[str, NDArray[Any]]:
    """The outputs when every element of a dropped unit is set to 0 after each operator.

    Parameters
    ----------
    units : Units
    keep : array of bool
        For each unit whether it is kept.
    inputs : mapping of str to array
        For each input of the graph, (batch, *shape); all at a time.
    kind : type
        As in `run_float`.

    Returns
    -------
    dict of str to array
        (batch, *shape).
    """
    graph = units.graph
    tensors: dict[str, NDArray[Any]] = {name: np.asarray(array, kind) for name, array in inputs.items()}
    last_use = {name: index for index, op in enumerate(graph.operators) for name in op.inputs}
    for index, op in enumerate(graph.operators):
        found = [tensors[name] for name in op.inputs]
        op = _without_border(op, units, keep)
        result = run_operator(op, found, graph.shapes[op.output])
        kept = keep[units.labels[op.output]]
        tensors[op.output] = result if kept.all() else np.where(kept, result, result.dtype.type(0))
        for name in op.inputs:
            if last_use[name] == index and name not in graph.outputs:
                tensors.pop(name, None)
    return {name: tensors[name] for name in graph.outputs}


def zeroed(units: Units, keep: Mask) -> Graph:
    """The whole network with the filters and biases of dropped units set to 0, normalization left as it is."""
    operators: list[Operator] = []
    for op in units.graph.operators:
        if isinstance(op, Convolution | Affine | Deconvolution) and makes_channels(op):
            kept = keep[units.channels(op.output)]
            bias = None if op.bias is None else np.where(kept, op.bias, np.float32(0))
            if isinstance(op, Deconvolution):
                # Rows are inputs here: those of a group see that group's outputs.
                own = kept.reshape(op.groups, -1).repeat(len(op.weight) // op.groups, axis=0)
                op = replace(op, weight=op.weight * own[:, :, None, None], bias=bias)
            else:
                op = replace(op, weight=op.weight * kept.reshape(-1, *(1,) * (op.weight.ndim - 1)), bias=bias)
        operators.append(op)
    return replace(units.graph, operators=tuple(operators))


def _without_border(op: Operator, units: Units, keep: Mask) -> Operator:
    """A dropped channel has no border either, where a convolution pads with something else than 0."""
    if not isinstance(op, Convolution) or not op.padding_value or is_depthwise(op):
        return op
    heard = keep[units.channels(op.input)].reshape(op.groups, -1)[0]
    return replace(op, weight=op.weight * heard[:, None, None])
