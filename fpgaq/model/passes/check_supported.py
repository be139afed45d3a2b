"""The last pass: refuse by name everything that no hardware can do, whatever the quantizer would do with it."""

from __future__ import annotations

import math

from ...base.errors import UnsupportedError
from ..graph import ArgMax, Graph, Identity, Operator, Pad, Reshape, Softmax


def check_supported(graph: Graph) -> Graph:
    """Return the graph if all tensors are vectors, rows or images, and no operator is one that the passes remove."""
    ends = {op.output for op in graph.operators if isinstance(op, Reshape)} & set(graph.outputs)
    ends |= {op.input for op in graph.operators if isinstance(op, Reshape)} & set(graph.inputs)
    for name, shape in graph.shapes.items():
        # At the network's ends a reshape is no hardware.
        if len(shape) > 3 and name not in ends:
            writer = graph.producer(name)
            where = f"layer {writer.name!r}" if writer else f"input {name!r}"
            raise UnsupportedError(
                f"{where}: tensor {name!r} has shape {shape}; supported inside the network: up to three dimensions,"
                " (channels, height, width); merge axes (reshape), or end the model before it (--outputs NAME)"
            )
    for op in graph.operators:
        _check_operator(op)
    return graph


def _check_operator(op: Operator) -> None:
    if isinstance(op, Pad) and not math.isfinite(op.value):
        raise UnsupportedError(
            f"layer {op.name!r}: pads with {op.value}; supported: directly before MaxPooling;"
            " pad with a finite number elsewhere"
        )
    if isinstance(op, Softmax | ArgMax | Identity):
        raise UnsupportedError(
            f"layer {op.name!r}: {type(op).__name__} is not supported inside the network;"
            " end the model before it (--outputs NAME)"
        )
