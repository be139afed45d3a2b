"""Fold ``x * scale + offset`` with constants, as preprocessing leaves it, into the neighbouring layers.

An offset before a padded convolution cannot go into its bias alone: the border would change. It becomes the
convolution's padding value, which is exact in real numbers; the quantizer decides whether it can be represented.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..graph import (
    AveragePooling,
    BatchNormalization,
    Graph,
    MaxPooling,
    Operator,
    Pad,
    Pointwise,
    Relu,
    Reshape,
    ScaleOffset,
    Shape,
    Slice,
    Transpose,
    Upsample,
)
from .fold_batchnorm import factors
from .linear import Linear, fold_before, fold_behind, output_channels, rounded
from .rewrite import consumer_counts, fresh_name


def fold_scalars(graph: Graph) -> Graph:
    """Remove ScaleOffset operators; those that nothing can take in stay.

    A chain becomes one operator first. Then it goes into the layer before it, or else into the layers after it. On the
    way it changes places with operators that move elements (reshapes, slices), with pooling, and with ReLU (positive
    scale, no offset).
    """
    return _forwards(_backwards(graph))


def _passes_through(op: Operator | None, scalar: ScaleOffset) -> bool:
    """Whether ``op(x * scale + offset)`` equals ``op(x) * scale + offset``."""
    if isinstance(op, MaxPooling):
        return scalar.scale > 0
    if isinstance(op, AveragePooling):
        return scalar.offset == 0 or not (op.sum_only or (op.count_padding and any(op.padding)))
    if isinstance(op, Pad):
        return op.mode != "constant" or (op.value == 0 and scalar.offset == 0)
    if isinstance(op, Relu) or (isinstance(op, Pointwise) and op.function == "leaky_relu"):
        return scalar.scale > 0 and scalar.offset == 0
    return isinstance(op, Upsample | Slice | Transpose | Reshape)


def _backwards(graph: Graph) -> Graph:
    """Fold each scalar into the layer before it, across operators that it can change places with."""
    counts = consumer_counts(graph)
    shapes = dict(graph.shapes)
    kept: list[Operator] = []
    writers: dict[str, int] = {}
    for op in graph.operators:
        if isinstance(op, ScaleOffset):
            path, name = [], op.input
            while name in writers and counts[name] == 1 and _passes_through(kept[writers[name]], op):
                path.append(writers[name])
                name = kept[writers[name]].input
            target = kept[writers[name]] if name in writers and counts[name] == 1 else None
            if isinstance(target, Linear | ScaleOffset | BatchNormalization):
                index = writers[name]
                kept[index] = _behind(target, op)
                # The values of every tensor on the way change, so that each gets a new name; the last keeps its own.
                for position in (index, *reversed(path)):
                    last = position == (path[0] if path else index)
                    old = kept[position].output
                    new = op.output if last else fresh_name(replace(graph, shapes=shapes), f"{old}.scaled")
                    shapes[new] = shapes[old]
                    counts[new], writers[new] = counts[op.output] if last else 1, position
                    kept[position] = replace(kept[position], output=new)
                    for later in path:
                        kept[later] = _rewired(kept[later], old, new)
                continue
        writers[op.output] = len(kept)
        kept.append(op)
    return replace(graph, shapes=shapes).with_operators(tuple(kept))


def _rewired(op: Operator, old: str, new: str) -> Operator:
    return replace(op, inputs=(new,)) if op.inputs == (old,) else op


def _behind(target: Linear | ScaleOffset | BatchNormalization, op: ScaleOffset) -> Operator:
    if isinstance(target, ScaleOffset):
        return replace(target, scale=target.scale * op.scale, offset=target.offset * op.scale + op.offset)
    if isinstance(target, BatchNormalization):
        scale, offset = factors(target)
        ones, zeros = np.ones(len(scale), np.float32), np.zeros(len(scale), np.float32)
        scales, offsets = rounded(scale * op.scale), rounded(offset * op.scale + op.offset)
        return replace(target, mean=zeros, variance=ones, scale=scales, offset=offsets, epsilon=0.0)
    channels = output_channels(target)
    return fold_behind(target, np.full(channels, op.scale), np.full(channels, op.offset))


def _forwards(graph: Graph) -> Graph:
    """Fold each scalar that is left, such as one at the input, into the layers after it: into all of them or none."""
    counts = consumer_counts(graph)
    shapes = dict(graph.shapes)
    kept: list[Operator] = []
    pending: dict[str, ScaleOffset] = {}
    for op in graph.operators:
        if isinstance(op, ScaleOffset) and op.input in pending:
            # One that has moved here, and has no other reader.
            before = pending[op.input]
            op = replace(
                op, inputs=before.inputs, scale=before.scale * op.scale, offset=before.offset * op.scale + op.offset
            )
        if isinstance(op, ScaleOffset) and _all_take(graph, op, shapes, counts[op.output]):
            pending[op.output] = op
            continue
        scalars = [pending[name] for name in op.inputs if name in pending]
        folded = _ahead(op, scalars[0], shapes) if len(scalars) == len(op.inputs) == 1 else None
        if folded is not None:
            kept.append(folded)
        elif scalars and _passes_through(op, scalars[0]) and counts[op.output] == 1 and op.output not in graph.outputs:
            moved = fresh_name(replace(graph, shapes=shapes), f"{op.output}.unscaled")
            shapes[moved] = shapes[op.output]
            kept.append(replace(op, inputs=scalars[0].inputs, output=moved))
            pending[op.output] = replace(scalars[0], inputs=(moved,), output=op.output)
        else:
            kept += [*scalars, op]
    return replace(graph, shapes=shapes).with_operators(tuple(kept))


def _all_take(graph: Graph, op: ScaleOffset, shapes: dict[str, Shape], count: int) -> bool:
    """Whether the scalar can leave its place: its one reader decides later, several must all be layers that take it."""
    if op.output in graph.outputs:
        return False
    if count == 1:
        return True
    readers = graph.consumers(op.output)
    return all(_ahead(reader, op, shapes) is not None for reader in readers)


def _ahead(op: Operator, scalar: ScaleOffset, shapes: dict[str, Shape]) -> Operator | None:
    """The layer with the scalar before it taken in."""
    if not isinstance(op, Linear):
        return None
    shape = shapes[op.input]
    folded = fold_before(op, shape, np.full(shape[0], scalar.scale), np.full(shape[0], scalar.offset))
    return None if folded is None else replace(folded, inputs=scalar.inputs)
