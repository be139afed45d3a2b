"""Bring each quantizer directly after the layer whose values it rounds, where hardware rounds them."""

from __future__ import annotations

from dataclasses import replace

from ..graph import FixedPointQuantize, Graph, MaxPooling, Operator, Reshape, Slice, Transpose, Upsample
from .rewrite import consumer_counts, fresh_name

MOVING = (MaxPooling, Reshape, Slice, Transpose, Upsample)
"""A maximum of rounded values is the rounded maximum; the others move values."""


def move_quantizers(graph: Graph) -> Graph:
    """Exchange maxima and movements with a quantizer that follows them alone."""
    while True:
        found = _next(graph)
        if found is None:
            return graph
        graph = _exchange(graph, *found)


def _next(graph: Graph) -> tuple[Operator, FixedPointQuantize] | None:
    counts = consumer_counts(graph)
    writers = {op.output: op for op in graph.operators}
    for op in graph.operators:
        before = writers.get(op.input)
        if not isinstance(op, FixedPointQuantize) or not isinstance(before, MOVING) or counts[op.input] != 1:
            continue
        source = writers.get(before.input)
        if counts[before.input] == 1 and source is not None and not isinstance(source, FixedPointQuantize):
            return before, op
    return None


def _exchange(graph: Graph, moving: Operator, quantizer: FixedPointQuantize) -> Graph:
    shapes = dict(graph.shapes)
    name = fresh_name(graph, f"{moving.input}.fixed")
    shapes[name] = shapes[moving.input]
    pair = (
        replace(quantizer, inputs=moving.inputs, output=name),
        replace(moving, inputs=(name,), output=quantizer.output),
    )
    operators = tuple(
        new for op in graph.operators for new in (pair if op is moving else () if op is quantizer else (op,))
    )
    return replace(graph, shapes=shapes).with_operators(operators)
