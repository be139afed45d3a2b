"""Remove operators that no output depends on."""

from __future__ import annotations

from ..graph import Graph, Operator


def remove_unused(graph: Graph) -> Graph:
    """Keep the operators and inputs that some output needs."""
    needed = set(graph.outputs)
    kept: list[Operator] = []
    for op in reversed(graph.operators):
        if op.output in needed:
            kept.append(op)
            needed.update(op.inputs)
    inputs = tuple(name for name in graph.inputs if name in needed)
    return graph.with_operators(tuple(reversed(kept)), inputs=inputs)
