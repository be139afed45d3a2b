"""Cut trailing Softmax and ArgMax off: the logits name the same class."""

from __future__ import annotations

import math
from dataclasses import replace

from ...base.errors import UnsupportedError
from ..graph import ArgMax, Graph, Identity, Operator, Pointwise, Reshape, Softmax, Transpose
from .remove_unused import remove_unused
from .rewrite import bypass, producers

Moving = Reshape | Transpose | Identity


def cut_softmax(graph: Graph) -> Graph:
    """Remove ArgMax and Softmax operators whose results are outputs; any others are refused.

    `classifier` is set if the network has one output and they cover all of it. Otherwise, as with one class for each
    pixel, a note says that the output is logits. The index is an output of its own only where nothing else gives it.
    """
    for op in graph.operators:
        if isinstance(op, ArgMax):
            graph = _without_index(graph, op)
    return _without_softmax(graph)


def _without_softmax(graph: Graph) -> Graph:
    found = [op for op in graph.operators if isinstance(op, Softmax)]
    notes = []
    classifier = graph.classifier
    for op in found:
        shape = graph.shapes[op.output]
        ends = [name for name in _moved(graph, op, f"layer {op.name!r}: Softmax") if name in graph.outputs]
        whole = shape[op.axis] == math.prod(shape)
        classifier = whole and len(graph.outputs) == 1
        if not classifier:
            notes += [f"layer {op.name!r}: Softmax is cut off; output {name!r} is logits" for name in ends]
    if not found:
        return graph
    cut = bypass(graph, lambda op: isinstance(op, Softmax))
    return replace(cut, classifier=classifier, notes=(*graph.notes, *notes))


def _moved(graph: Graph, op: Operator, what: str) -> dict[str, None]:
    """The tensors that hold an operator's result, its elements moved at most; no other operator may read them."""
    names = {op.output: None}
    for later in graph.operators:
        if later.input in names and isinstance(later, Moving):
            names[later.output] = None
        elif not names.keys().isdisjoint(later.inputs):
            raise UnsupportedError(
                f"{what} inside the network, read by {later.name!r}; supported: at its end; train with a sigmoid there,"
                f" or end the model before it (--outputs NAME)"
            )
    return names


def _without_index(graph: Graph, op: ArgMax) -> Graph:
    """The logits in place of the index of the greatest."""
    names = _moved(graph, op, f"layer {op.name!r}: ArgMax")
    ends = [name for name in graph.outputs if name in names]
    source, writers = op.input, producers(graph)
    scored = [
        name for name in graph.outputs if name not in names and _scores(name, writers) == _scores(source, writers)
    ]
    gone = {op.output, *names}
    rest = tuple(other for other in graph.operators if other.output not in gone)
    shape = graph.shapes[source]
    if scored or not ends:
        notes = [f"layer {op.name!r}: output {name!r} is left out; it is the index of the greatest of {scored[0]!r}"
                 for name in ends]  # fmt: skip
        outputs = tuple(name for name in graph.outputs if name not in ends)
        return remove_unused(replace(graph.with_operators(rest, outputs=outputs), notes=(*graph.notes, *notes)))
    note = f"layer {op.name!r}: ArgMax is cut off; output {ends[0]!r} is what it reads; --argmax gives the index"
    outputs = tuple(name for name in graph.outputs if name not in ends[1:])
    shapes = {**graph.shapes, ends[0]: shape}
    classifier = len(outputs) == 1 and shape[op.axis] == math.prod(shape)
    whole = replace(graph, shapes=shapes, classifier=classifier, notes=(*graph.notes, note))
    # The tensor keeps the output's name, by an operator that the next pass removes.
    kept = (*rest, Identity(op.name, (source,), ends[0], "ArgMax"))
    return bypass(whole.with_operators(kept, outputs=outputs), lambda other: other is kept[-1])


def _scores(name: str, writers: dict[str, Operator]) -> str:
    """The tensor before softmax, sigmoid and movements, whose greatest element is the same."""
    while (op := writers.get(name)) is not None:
        sigmoid = isinstance(op, Pointwise) and op.function == "sigmoid"
        if not (sigmoid or isinstance(op, Softmax | Moving)):
            break
        name = op.input
    return name
