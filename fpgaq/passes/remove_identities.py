"""Remove operators that change nothing at inference."""

from __future__ import annotations

from ..graph import Graph, Identity, Operator, Relu, Reshape, ScaleOffset
from .rewrite import bypass, producers


def remove_identities(graph: Graph) -> Graph:
    """Drop Identity (Dropout and augmentation at rest), reshapes to the same shape, ``x * 1 + 0`` and a second ReLU."""
    writers = producers(graph)

    def removable(op: Operator) -> bool:
        if isinstance(op, Reshape):
            return graph.shapes[op.input] == graph.shapes[op.output]
        if isinstance(op, ScaleOffset):
            return op.scale == 1.0 and op.offset == 0.0
        if isinstance(op, Relu):
            return isinstance(writers.get(op.input), Relu)
        return isinstance(op, Identity)

    return bypass(graph, removable)
