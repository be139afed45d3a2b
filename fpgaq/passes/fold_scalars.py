"""Fold ``x * scale + offset`` with constants, as preprocessing leaves it, into the neighbouring layers.

An offset before a padded convolution cannot go into its bias alone: the border would change. It becomes the
convolution's padding value, which is exact in real numbers; the quantizer decides whether it can be represented.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..graph import Affine, Convolution, Graph, MaxPooling, Operator, Relu, ScaleOffset
from .linear import Linear, fold_before, fold_behind
from .rewrite import consumer_counts, fresh_name


def fold_scalars(graph: Graph) -> Graph:
    """Remove ScaleOffset operators; those that nothing can take in stay and `check_supported` refuses them.

    A chain becomes one operator first; then it goes into the layer in front, else into the layer behind, on the way
    exchanged with MaxPooling (positive scale) and ReLU (positive scale, no offset).
    """
    return _forwards(_backwards(graph))


def _passes_through(op: Operator | None, scalar: ScaleOffset) -> bool:
    """Whether ``op(x * scale + offset)`` equals ``op(x) * scale + offset``."""
    if isinstance(op, MaxPooling):
        return scalar.scale > 0
    return isinstance(op, Relu) and scalar.scale > 0 and scalar.offset == 0


def _backwards(graph: Graph) -> Graph:
    """Fold each scalar into the layer before it, across what it can be exchanged with."""
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
            if isinstance(target, Convolution | Affine | ScaleOffset):
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


def _behind(target: Linear | ScaleOffset, op: ScaleOffset) -> Linear | ScaleOffset:
    if isinstance(target, ScaleOffset):
        return replace(target, scale=target.scale * op.scale, offset=target.offset * op.scale + op.offset)
    channels = target.weight.shape[0]
    return fold_behind(target, np.full(channels, op.scale), np.full(channels, op.offset))


def _forwards(graph: Graph) -> Graph:
    """Fold each scalar that is left, such as one at the input, into the layer after it."""
    counts = consumer_counts(graph)
    shapes = dict(graph.shapes)
    kept: list[Operator] = []
    pending: dict[str, ScaleOffset] = {}
    for op in graph.operators:
        if isinstance(op, ScaleOffset) and counts[op.output] == 1 and op.output not in graph.outputs:
            pending[op.output] = op
            continue
        scalar = pending.pop(op.input, None)
        if scalar is None:
            kept.append(op)
        elif isinstance(op, Convolution | Affine):
            channels = shapes[op.input][0]
            scales, offsets = np.full(channels, scalar.scale), np.full(channels, scalar.offset)
            kept.append(replace(fold_before(op, shapes[op.input], scales, offsets), inputs=scalar.inputs))
        elif _passes_through(op, scalar) and counts[op.output] == 1 and op.output not in graph.outputs:
            moved = fresh_name(replace(graph, shapes=shapes), f"{op.output}.unscaled")
            shapes[moved] = shapes[op.output]
            kept.append(replace(op, inputs=scalar.inputs, output=moved))
            pending[op.output] = replace(scalar, inputs=(moved,), output=op.output)
        else:
            kept += [scalar, op]
    return replace(graph, shapes=shapes).with_operators(tuple(kept))
