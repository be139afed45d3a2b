"""The few graph edits that passes share; all are linear in the number of operators."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ..graph import Graph, Operator


def consumer_counts(graph: Graph) -> dict[str, int]:
    """How often each tensor is read; being an output of the graph counts too."""
    counts = dict.fromkeys(graph.shapes, 0)
    for name in (*graph.outputs, *(name for op in graph.operators for name in op.inputs)):
        counts[name] += 1
    return counts


def sole_consumers(graph: Graph) -> dict[str, Operator]:
    """The operator after each tensor that exactly one operator reads and that is no output of the graph."""
    counts = consumer_counts(graph)
    return {name: op for op in graph.operators for name in op.inputs if counts[name] == 1}


def producers(graph: Graph) -> dict[str, Operator]:
    """The operator that writes each tensor."""
    return {op.output: op for op in graph.operators}


def fresh_name(graph: Graph, base: str) -> str:
    """A tensor name that the graph does not use yet."""
    name, number = base, 1
    while name in graph.shapes:
        name, number = f"{base}.{number}", number + 1
    return name


def renamed(op: Operator, names: dict[str, str]) -> Operator:
    """The operator on other tensors."""
    return replace(
        op, inputs=tuple(names.get(name, name) for name in op.inputs), output=names.get(op.output, op.output)
    )


def bypass(graph: Graph, removable: Callable[[Operator], bool]) -> Graph:
    """Drop operators that pass their first input on; the graph keeps the names of its outputs where it can."""
    alias: dict[str, str] = {}
    kept: list[Operator] = []
    for op in graph.operators:
        if removable(op):
            alias[op.output] = alias.get(op.input, op.input)
        else:
            kept.append(op)
    back: dict[str, str] = {}
    taken = {*graph.inputs, *graph.outputs}
    for name in graph.outputs:
        source = alias.get(name, name)
        if source != name and source not in taken:
            back[source] = name
            taken.add(source)
    final = {name: back.get(source, source) for name, source in alias.items()}
    final = {**final, **back}
    operators = tuple(renamed(op, final) for op in kept)
    outputs = tuple(final.get(name, name) for name in graph.outputs)
    return graph.with_operators(operators, outputs=outputs)
