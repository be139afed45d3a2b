"""Inside the network a (channels, length) tensor is an image of one row; its own shape stays at inputs and outputs."""

from __future__ import annotations

from dataclasses import replace

from ..graph import ArgMax, Graph, Operator, Reshape, Shape, Slice, Softmax, Transpose
from .rewrite import fresh_name, renamed


def rows_to_images(graph: Graph) -> Graph:
    """Give all two-dimensional tensors the shape (channels, 1, length), with reshapes at the network's ends."""
    rows = {name for name, shape in graph.shapes.items() if len(shape) == 2}
    if not rows:
        return graph
    shapes = {name: _image(shape) for name, shape in graph.shapes.items()}
    front: list[Operator] = []
    back: list[Operator] = []
    inner: dict[str, str] = {}
    for name in dict.fromkeys((*graph.inputs, *graph.outputs)):
        if name not in rows:
            continue
        inner[name] = fresh_name(replace(graph, shapes=shapes), f"{name}.row")
        shapes[inner[name]], shapes[name] = shapes[name], graph.shapes[name]
        if name in graph.inputs:
            front.append(Reshape(f"{name}.row", (name,), inner[name]))
        else:
            back.append(Reshape(f"{name}.row", (inner[name],), name))
    operators = [renamed(_adjusted(op, graph), inner) for op in graph.operators]
    return replace(graph, shapes=shapes).with_operators((*front, *operators, *back))


def _image(shape: Shape) -> Shape:
    return (shape[0], 1, shape[1]) if len(shape) == 2 else shape


def _adjusted(op: Operator, graph: Graph) -> Operator:
    """The operator on the new shapes: its axes after the channels move by one."""
    if len(graph.shapes[op.input]) != 2:
        return op
    if isinstance(op, Slice):
        return replace(op, start=(op.start[0], 0, op.start[1]))
    if isinstance(op, Transpose):
        return replace(op, axes=(2, 1, 0)) if op.axes == (1, 0) else replace(op, axes=(0, 1, 2))
    if isinstance(op, Softmax | ArgMax):
        return replace(op, axis=2 * op.axis)
    return op
