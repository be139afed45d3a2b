"""Fold inference-mode batch normalization into the layer before it, or after it, where that is exact.

With s = scale / sqrt(variance + epsilon) and t = offset - mean * s, it computes x * s + t per channel.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..graph import AveragePooling, BatchNormalization, Graph, MaxPooling, Operator
from .linear import Linear, Vector, fold_before, fold_behind
from .rewrite import consumer_counts, fresh_name


def fold_batchnorm(graph: Graph) -> Graph:
    """Fold every BatchNormalization for which that is exact.

    The others stay: where the layer before has other readers, where padding has no one border value, after a sum.
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
    """Pooling then normalization becomes the other order, where that is exact and the layer before takes it."""
    counts = consumer_counts(graph)
    shapes = dict(graph.shapes)
    kept: list[Operator] = []
    writers: dict[str, int] = {}
    for op in graph.operators:
        index = writers.get(op.input, -1)
        pool = kept[index] if index >= 0 else None
        if (
            isinstance(op, BatchNormalization)
            and isinstance(pool, MaxPooling | AveragePooling)
            and counts[op.input] == counts[pool.input] == 1
            and pool.input in writers
            and isinstance(kept[writers[pool.input]], Linear)
            and _exchangeable(pool, op)
        ):
            normalized = fresh_name(replace(graph, shapes=shapes), f"{pool.input}.normalized")
            shapes[normalized] = shapes[pool.input]
            kept[index] = replace(op, inputs=pool.inputs, output=normalized)
            writers[normalized] = index
            op = replace(pool, inputs=(normalized,), output=op.output)
        writers[op.output] = len(kept)
        kept.append(op)
    return replace(graph, shapes=shapes).with_operators(tuple(kept))


def _exchangeable(pool: MaxPooling | AveragePooling, op: BatchNormalization) -> bool:
    """A maximum wants positive scales; a mean must not count padding, whose zeros would be shifted too."""
    if isinstance(pool, MaxPooling):
        return bool((factors(op)[0] > 0).all())
    return not pool.sum_only and not (pool.count_padding and any(pool.padding))


def _fold_behind_layers(graph: Graph) -> Graph:
    counts = consumer_counts(graph)
    kept: list[Operator] = []
    writers: dict[str, int] = {}
    for op in graph.operators:
        index = writers.get(op.input, -1)
        layer = kept[index] if index >= 0 else None
        if isinstance(op, BatchNormalization) and isinstance(layer, Linear) and counts[op.input] == 1:
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
        index = readers.get(op.output, -1)
        layer = kept[index] if index >= 0 else None
        if isinstance(op, BatchNormalization) and isinstance(layer, Linear) and counts[op.output] == 1:
            folded = fold_before(layer, graph.shapes[op.output], *factors(op))
            if folded is not None:
                kept[index] = replace(folded, inputs=op.inputs)
                readers[op.input] = index
                continue
        for name in op.inputs:
            readers[name] = len(kept)
        kept.append(op)
    return graph.with_operators(tuple(reversed(kept)))
