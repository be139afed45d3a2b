"""The last pass: refuse by name whatever the quantizer could not read."""

from __future__ import annotations

from ..errors import UnsupportedError
from ..graph import Affine, BatchNormalization, Convolution, Graph, MaxPooling, Operator, Relu, Reshape, ScaleOffset
from .rewrite import consumer_counts


def check_supported(graph: Graph) -> Graph:
    """Return the graph if it is a chain of supported operators with one input and one output."""
    for kind, names in (("inputs", graph.inputs), ("outputs", graph.outputs)):
        if len(names) != 1:
            listed = ", ".join(repr(name) for name in names)
            raise UnsupportedError(f"network {graph.name!r} has {len(names)} {kind} ({listed}); supported: 1")
    for name, count in consumer_counts(graph).items():
        if count > 1:
            readers = [repr(op.name) for op in graph.consumers(name)]
            readers += ["the network's output"] if name in graph.outputs else []
            raise UnsupportedError(f"tensor {name!r} forks: {', '.join(readers)} read it; supported: a single chain")
    for op in graph.operators:
        _check_operator(graph, op)
    return graph


def _check_operator(graph: Graph, op: Operator) -> None:
    if isinstance(op, Convolution | Affine | MaxPooling | Relu):
        return
    if isinstance(op, Reshape):
        if op.input not in graph.inputs:
            raise UnsupportedError(
                f"layer {op.name!r}: reshapes {graph.shapes[op.input]} to {graph.shapes[op.output]} inside the network;"
                " supported: at the input and before Affine"
            )
        return
    if isinstance(op, ScaleOffset):
        raise UnsupportedError(
            f"layer {op.name!r}: x * {op.scale} + {op.offset} folds into no layer here; supported: before or behind"
            " Convolution and Affine, also across MaxPooling"
        )
    if isinstance(op, BatchNormalization):
        raise UnsupportedError(f"layer {op.name!r}: BatchNormalization that could not be folded")
    raise UnsupportedError(f"layer {op.name!r}: {type(op).__name__} is not supported inside the network")
