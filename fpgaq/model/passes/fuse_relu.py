"""Bring each ReLU directly after the layer that produces its values, where the quantizer takes it in."""

from __future__ import annotations

from dataclasses import replace

from ..graph import Graph, MaxPooling, Operator, Relu
from .remove_identities import remove_identities
from .rewrite import fresh_name, sole_consumers


def fuse_relu(graph: Graph) -> Graph:
    """Exchange MaxPooling followed by ReLU: the maximum of the positive parts is the positive part of the maximum."""
    consumers = sole_consumers(graph)
    shapes = dict(graph.shapes)
    exchanged: dict[str, tuple[Operator, ...]] = {}
    for op in graph.operators:
        if not isinstance(op, MaxPooling) or op.input not in consumers:
            continue
        pools, following = [op], consumers.get(op.output)
        while isinstance(following, MaxPooling):
            pools.append(following)
            following = consumers.get(following.output)
        if not isinstance(following, Relu) or op.output in exchanged:
            continue
        rectified = fresh_name(replace(graph, shapes=shapes), f"{op.input}.relu")
        shapes[rectified] = shapes[op.input]
        first = replace(following, inputs=op.inputs, output=rectified)
        moved: list[Operator] = [replace(op, inputs=(rectified,)), *pools[1:]]
        moved[-1] = replace(moved[-1], output=following.output)
        exchanged.update({pool.output: () for pool in pools})
        exchanged[op.output] = (first, *moved)
        exchanged[following.output] = ()
    if not exchanged:
        return graph
    operators = tuple(new for op in graph.operators for new in exchanged.get(op.output, (op,)))
    return remove_identities(replace(graph, shapes=shapes).with_operators(operators))
