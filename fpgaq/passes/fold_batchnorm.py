"""Fold inference-mode batch normalization into the layer in front of it, or, where that is exact, behind it.

With s = scale / sqrt(variance + epsilon) and t = offset - mean * s, it computes x * s + t per channel.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..errors import UnsupportedError
from ..graph import Affine, BatchNormalization, Convolution, Graph, MaxPooling, Operator
from .linear import Vector, fold_before, fold_behind
from .rewrite import consumer_counts, fresh_name


def fold_batchnorm(graph: Graph) -> Graph:
    """Remove every BatchNormalization.

    Raises
    ------
    UnsupportedError
        Where it stands neither behind nor before a Convolution or Affine, where that layer's result has another
        reader, or where padding makes the fold inexact.
    """
    return _fold_before_layers(_fold_behind_layers(_exchange_with_pooling(graph)))


def factors(op: BatchNormalization) -> tuple[Vector, Vector]:
    """Scale and offset of each channel in float64."""
    scale = 1.0 / np.sqrt(op.variance.astype(np.float64) + op.epsilon)
    if op.scale is not None:
        scale = scale * op.scale
    offset = -op.mean.astype(np.float64) * scale
    return scale, offset if op.offset is None else offset + op.offset


def _exchange_with_pooling(graph: Graph) -> Graph:
    """MaxPooling then normalization becomes normalization then MaxPooling, exact for positive scales."""
    counts = consumer_counts(graph)
    shapes = dict(graph.shapes)
    kept: list[Operator] = []
    writers: dict[str, int] = {}
    for op in graph.operators:
        index = writers.get(op.input, -1)
        pool = kept[index] if index >= 0 else None
        behind_layer = False
        if isinstance(op, BatchNormalization) and isinstance(pool, MaxPooling) and counts[op.input] == 1:
            above = kept[writers[pool.input]] if pool.input in writers else None
            behind_layer = isinstance(above, Convolution | Affine) and counts[pool.input] == 1
        if behind_layer and pool is not None and isinstance(op, BatchNormalization) and (factors(op)[0] > 0).all():
            normalized = fresh_name(replace(graph, shapes=shapes), f"{pool.input}.normalized")
            shapes[normalized] = shapes[pool.input]
            kept[index] = replace(op, inputs=pool.inputs, output=normalized)
            writers[normalized] = index
            op = replace(pool, inputs=(normalized,), output=op.output)
        writers[op.output] = len(kept)
        kept.append(op)
    return replace(graph, shapes=shapes).with_operators(tuple(kept))


def _fold_behind_layers(graph: Graph) -> Graph:
    counts = consumer_counts(graph)
    kept: list[Operator] = []
    writers: dict[str, int] = {}
    for op in graph.operators:
        index = writers.get(op.input, -1)
        layer = kept[index] if index >= 0 else None
        if isinstance(op, BatchNormalization) and isinstance(layer, Convolution | Affine):
            if counts[op.input] > 1:
                raise UnsupportedError(
                    f"layer {op.name!r}: BatchNormalization cannot be folded into {layer.name!r}, whose result"
                    " another layer reads too; only a chain is supported"
                )
            kept[index] = replace(fold_behind(layer, *factors(op)), output=op.output)
            writers[op.output] = index
            continue
        writers[op.output] = len(kept)
        kept.append(op)
    return graph.with_operators(tuple(kept))


def _fold_before_layers(graph: Graph) -> Graph:
    counts = consumer_counts(graph)
    kept: list[Operator] = []
    readers: dict[str, int] = {}
    for op in reversed(graph.operators):
        if isinstance(op, BatchNormalization):
            index = readers.get(op.output, -1)
            layer = kept[index] if index >= 0 else None
            if counts[op.output] != 1 or not isinstance(layer, Convolution | Affine):
                raise UnsupportedError(
                    f"layer {op.name!r}: BatchNormalization stands neither directly behind nor directly before a"
                    " Convolution or Affine that could take it in; move it there"
                )
            folded = fold_before(layer, graph.shapes[op.output], *factors(op))
            kept[index] = replace(folded, inputs=op.inputs)
            readers[op.input] = index
            continue
        for name in op.inputs:
            readers[name] = len(kept)
        kept.append(op)
    return graph.with_operators(tuple(reversed(kept)))
