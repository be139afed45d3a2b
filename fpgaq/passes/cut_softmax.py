"""Cut a trailing Softmax off: it keeps the order of its inputs, so the logits name the same class."""

from __future__ import annotations

import math
from dataclasses import replace

from ..errors import UnsupportedError
from ..graph import Graph, Softmax
from .rewrite import bypass, consumer_counts


def cut_softmax(graph: Graph) -> Graph:
    """Remove Softmax operators whose result is an output; any other is refused.

    `classifier` is set if the network has one output and the Softmax covers all of it. Otherwise, as with one class
    for each pixel, a note says that the output is logits.
    """
    counts = consumer_counts(graph)
    found = [op for op in graph.operators if isinstance(op, Softmax)]
    notes = []
    classifier = False
    for op in found:
        shape = graph.shapes[op.output]
        if op.output not in graph.outputs or counts[op.output] > 1:
            raise UnsupportedError(f"layer {op.name!r}: Softmax inside the network; supported: as the last layer")
        whole = shape[op.axis] == math.prod(shape)
        if op.axis != 0 and not whole:
            raise UnsupportedError(
                f"layer {op.name!r}: Softmax along axis {op.axis} of {shape}; supported: over the channels"
            )
        classifier = whole and len(graph.outputs) == 1
        if not classifier:
            notes.append(f"layer {op.name!r}: Softmax is cut off; output {op.output!r} is logits")
    if not found:
        return graph
    cut = bypass(graph, lambda op: isinstance(op, Softmax))
    return replace(cut, classifier=classifier, notes=(*graph.notes, *notes))
