"""Remove operators that change nothing at inference."""

from __future__ import annotations

from ..graph import Graph, Identity, MaxPooling, Operator, Relu, Reshape, ScaleOffset
from .rewrite import bypass


def remove_identities(graph: Graph) -> Graph:
    """Drop Identity (Dropout and augmentation at rest), idle reshapes and scalars, and ReLU of positive values."""
    positive: set[str] = set()
    for op in graph.operators:
        if isinstance(op, Relu) or (isinstance(op, MaxPooling | Identity | Reshape) and op.input in positive):
            positive.add(op.output)

    def removable(op: Operator) -> bool:
        if isinstance(op, Reshape):
            return graph.shapes[op.input] == graph.shapes[op.output]
        if isinstance(op, ScaleOffset):
            return op.scale == 1.0 and op.offset == 0.0
        if isinstance(op, Relu):
            return op.input in positive
        return isinstance(op, Identity)

    return bypass(graph, removable)
