"""Cut a trailing Softmax off: it keeps the order of its inputs, so the logits name the same class."""

from __future__ import annotations

import math
from dataclasses import replace

from ..errors import UnsupportedError
from ..graph import Graph, Softmax
from .rewrite import bypass, consumer_counts


def cut_softmax(graph: Graph) -> Graph:
    """Remove Softmax operators whose result is an output and set `classifier`; any other is refused."""
    counts = consumer_counts(graph)
    found = [op for op in graph.operators if isinstance(op, Softmax)]
    for op in found:
        shape = graph.shapes[op.output]
        if op.output not in graph.outputs or counts[op.output] > 1:
            raise UnsupportedError(f"layer {op.name!r}: Softmax inside the network; supported: as the last layer")
        if shape[op.axis] != math.prod(shape):
            raise UnsupportedError(
                f"layer {op.name!r}: Softmax along axis {op.axis} of {shape}; supported: over all of the output"
            )
    if not found:
        return graph
    return replace(bypass(graph, lambda op: isinstance(op, Softmax)), classifier=True)
