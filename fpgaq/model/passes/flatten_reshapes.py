"""Reshapes: those before an Affine fall away (it flattens by itself), one at the input moves to the very front."""

from __future__ import annotations

from dataclasses import replace

from ..graph import Affine, Graph, Operator, Pointwise, Relu, Reshape, ScaleOffset
from .rewrite import bypass, fresh_name, sole_consumers


def flatten_reshapes(graph: Graph) -> Graph:
    """Remove and move reshapes where the result stays the same."""
    graph = _merge(graph)
    graph = _sink(graph)
    consumers = sole_consumers(graph)
    graph = bypass(graph, lambda op: isinstance(op, Reshape) and isinstance(consumers.get(op.output), Affine))
    return _raise_to_input(graph)


def _merge(graph: Graph) -> Graph:
    """Only the last of several reshapes in a row counts."""
    consumers = sole_consumers(graph)
    return bypass(graph, lambda op: isinstance(op, Reshape) and isinstance(consumers.get(op.output), Reshape))


def _sink(graph: Graph) -> Graph:
    """Move a reshape after the elementwise operators that follow it, if an Affine stands at their end."""
    consumers = sole_consumers(graph)
    shapes = dict(graph.shapes)
    replacement: dict[str, tuple[Operator, ...]] = {}
    for op in graph.operators:
        if not isinstance(op, Reshape):
            continue
        chain, following = [], consumers.get(op.output)
        while isinstance(following, Relu | ScaleOffset | Pointwise):
            chain.append(following)
            following = consumers.get(following.output)
        if chain and isinstance(following, Affine):
            replacement[op.output] = ()
            source = op.input
            for index, link in enumerate(chain):
                moved = fresh_name(replace(graph, shapes=shapes), f"{link.output}.unflattened")
                shapes[moved] = shapes[op.input]
                operators: tuple[Operator, ...] = (replace(link, inputs=(source,), output=moved),)
                if index == len(chain) - 1:
                    operators += (replace(op, inputs=(moved,), output=link.output),)
                replacement[link.output] = operators
                source = moved
    if not replacement:
        return graph
    operators = tuple(new for op in graph.operators for new in replacement.get(op.output, (op,)))
    return replace(graph, shapes=shapes).with_operators(operators)


def _raise_to_input(graph: Graph) -> Graph:
    """Move a reshape before the elementwise operators between it and the graph's input."""
    consumers = sole_consumers(graph)
    for name in graph.inputs:
        chain, following = [], consumers.get(name)
        while isinstance(following, Relu | ScaleOffset | Pointwise):
            chain.append(following)
            following = consumers.get(following.output)
        if not chain or not isinstance(following, Reshape):
            continue
        shapes = dict(graph.shapes)
        front = fresh_name(graph, f"{name}.reshaped")
        shapes[front] = shapes[following.output]
        moved: list[Operator] = [replace(following, inputs=(name,), output=front)]
        source = front
        for link in chain:
            last = link is chain[-1]
            target = following.output if last else link.output
            shapes[target] = shapes[front]
            moved.append(replace(link, inputs=(source,), output=target))
            source = target
        gone = {id(op) for op in (*chain, following)}
        rest = tuple(op for op in graph.operators if id(op) not in gone)
        graph = replace(graph, shapes=shapes).with_operators((*moved, *rest))
        consumers = sole_consumers(graph)
    return graph
