"""Movements of elements that go into the weights of the layer after or before them, so that no hardware moves them.

A matrix product takes its inputs in any order. A convolution takes its channels in any order, and gives them so, as
long as the pixels stay where they are: a shuffle of channels between two convolutions is free. One in groups does as
long as no channel leaves its group. A layer that works on each channel alone, such as a depthwise convolution, lets an
order pass to the layer after or before it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..integer.graph import (
    IntegerAffine,
    IntegerConvolution,
    IntegerGraph,
    IntegerOperator,
    IntegerReshape,
    IntegerTranspose,
    Tensor,
)
from ..integer.movements import MAX_ELEMENTS, Moving, chains, order_of
from .channel_orders import Changes, after, back, before, giving, taking


def absorb_permutations(graph: IntegerGraph) -> IntegerGraph:
    """Remove chains of movements that one layer with weights after or before them can take in."""
    for chain in chains(graph):
        source, target = graph.tensors[chain[0].input], graph.tensors[chain[-1].output]
        if source.size > MAX_ELEMENTS:
            continue
        reads = Counter((*graph.outputs, *(name for op in graph.operators for name in op.inputs)))
        order = order_of(chain, source, graph.tensors)
        readers = [op for op in graph.operators if target.name in op.inputs]
        writer = next((op for op in graph.operators if op.output == source.name), None)
        alone = len(readers) == reads[target.name] == 1
        replaced = _reading(readers[0], source, target, order) if alone else None
        if replaced is not None:
            graph = _without(graph, chain, readers[0], replaced)
            continue
        channels = _channels(source, target, order)
        passed = None if channels is None or not alone else after(graph, source.name, readers[0], channels, reads)
        if passed is not None:
            graph = _passed(graph, chain, passed)
            continue
        if writer is not None and reads[source.name] == 1:
            replaced = _writing(writer, source, target, order)
            if replaced is not None:
                graph = _without(graph, chain, writer, replaced)
                continue
            passed = None if channels is None else before(graph, writer, target.name, channels, reads)
            if passed is not None:
                graph = _passed(graph, chain, passed)
                continue
            graph, chain = _begun(graph, chain, writer)
        if alone:
            graph = _ended(graph, chain, readers[0])
    return graph


def _begun(graph: IntegerGraph, chain: list[Moving], writer: IntegerOperator) -> tuple[IntegerGraph, list[Moving]]:
    """The longest beginning of a chain that keeps pixels goes into the convolution before it."""
    source = graph.tensors[chain[0].input]
    for count in range(len(chain) - 1, 0, -1):
        part, rest = chain[:count], chain[count:]
        channels = _in_pixels(order_of(part, source, graph.tensors), source.shape[2])
        name = _fresh(f"{source.name}.order", graph.tensors)
        turned = None if channels is None else giving(writer, channels, name)
        if turned is None or not any(isinstance(op, IntegerTranspose) for op in part):
            continue
        if isinstance(rest[0], IntegerReshape):
            made: list[Moving] = [replace(rest[0], inputs=(name,)), *rest[1:]]
        else:
            made = [IntegerReshape(part[-1].name, (name,), part[-1].output), *rest]
        tensors = {**graph.tensors, name: replace(source, name=name, label="")}
        return _exchanged(replace(graph, tensors=tensors), chain, made, writer, turned), made
    return graph, chain


def _ended(graph: IntegerGraph, chain: list[Moving], reader: IntegerOperator) -> IntegerGraph:
    """The longest end of a chain that keeps pixels goes into the convolution after it."""
    target = graph.tensors[chain[-1].output]
    if not isinstance(reader, IntegerConvolution) or reader.groups != 1:
        return graph
    for count in range(1, len(chain)):
        rest, part = chain[:count], chain[count:]
        channels = _in_pixels(order_of(part, graph.tensors[part[0].input], graph.tensors), target.shape[2])
        if channels is None or not any(isinstance(op, IntegerTranspose) for op in part):
            continue
        name = _fresh(f"{target.name}.order", graph.tensors)
        if isinstance(rest[-1], IntegerReshape):
            made: list[Moving] = [*rest[:-1], replace(rest[-1], output=name)]
        else:
            made = [*rest, IntegerReshape(part[-1].name, (part[0].input,), name)]
        tensors = {**graph.tensors, name: replace(target, name=name, label="")}
        turned = replace(reader, inputs=(name,), weight=back(reader.weight, channels))
        return _exchanged(replace(graph, tensors=tensors), chain, made, reader, turned)
    return graph


def _exchanged(
    graph: IntegerGraph, chain: Sequence[Moving], made: Sequence[Moving], old: IntegerOperator, new: IntegerOperator
) -> IntegerGraph:
    """The graph with other movements in place of a chain, and with another layer."""
    operators: list[IntegerOperator] = []
    for op in graph.operators:
        if op is chain[-1]:
            operators += made
        elif op not in chain:
            operators.append(new if op is old else op)
    return _used(replace(graph, operators=tuple(operators)))


def _fresh(base: str, taken: Container[str]) -> str:
    while base in taken:
        base += "_"
    return base


def _without(graph: IntegerGraph, chain: Sequence[Moving], old: IntegerOperator, new: IntegerOperator) -> IntegerGraph:
    """The graph without a chain, and with another layer."""
    operators = tuple(new if op is old else op for op in graph.operators if op not in chain)
    return _used(replace(graph, operators=operators))


def _passed(graph: IntegerGraph, chain: Sequence[Moving], changes: Changes) -> IntegerGraph:
    """The graph without a chain, and with other layers that have their channels in another order."""
    named = {old.name: new for old, new in changes}
    tensors = dict(graph.tensors)
    for old, new in changes:
        # What stands in another order than the model's has a name of its own, and no place in comparisons with it.
        if new.output not in tensors:
            tensors[new.output] = replace(tensors[old.output], name=new.output, label="")
    operators = tuple(named.get(op.name, op) for op in graph.operators if op not in chain)
    # Tensors in the order in which they are written.
    written = (*graph.inputs, *(op.output for op in operators))
    return _used(replace(graph, operators=operators, tensors={name: tensors[name] for name in written}))


def _used(graph: IntegerGraph) -> IntegerGraph:
    """Without tensors that nobody writes or reads."""
    used = {*graph.inputs, *graph.outputs, *(name for op in graph.operators for name in (*op.inputs, op.output))}
    return replace(graph, tensors={name: tensor for name, tensor in graph.tensors.items() if name in used})


def _channels(source: Tensor, target: Tensor, order: NDArray[np.int64]) -> NDArray[np.int64] | None:
    """Which channel of the source each of the target is, if every pixel keeps its place and all do the same."""
    return _in_pixels(order, source.shape[2]) if source.shape == target.shape else None


def _in_pixels(order: NDArray[np.int64], count: int) -> NDArray[np.int64] | None:
    """The order of the channels, of which there are `count`, if it is the same in each pixel and none changes place."""
    pixels = order.reshape(-1, count)
    same = pixels[0] + np.arange(len(pixels))[:, np.newaxis] * count
    return pixels[0] if np.array_equal(pixels, same) and pixels[0].max() < count else None


def _reading(op: IntegerOperator, source: Tensor, target: Tensor, order: NDArray[np.int64]) -> IntegerOperator | None:
    """The layer after the movements, on what is before them."""
    if isinstance(op, IntegerAffine):
        return replace(op, inputs=(source.name,), weight=back(op.weight, order))
    channels = _channels(source, target, order)
    return None if channels is None else taking(op, source.name, channels)


def _writing(op: IntegerOperator, source: Tensor, target: Tensor, order: NDArray[np.int64]) -> IntegerOperator | None:
    """The layer before the movements, writing what is after them."""
    channels = _channels(source, target, order)
    return None if channels is None else giving(op, channels, target.name)
