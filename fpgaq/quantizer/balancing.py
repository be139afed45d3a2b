"""Balanced activations: channels that share one step get values that suit it.

Equalization (`equalization.py`) looks at weights. Where weights have a step for each output channel it is the
activations that share one, and with few bits a channel whose values are small or large has few of its integers in use.
Between two layers with weights each channel is divided by a factor and the weights that read it are multiplied by it.
It is the factor at which the tensor's step would have been the channel's best, or, where the reader mixes channels, its
square root: there a channel's weights share their step with those of the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..model.executor import run_float
from ..model.graph import Convolution, Graph, Pointwise, Relu
from .channel_pairs import WEIGHTED, Pair, Weighted, count_outputs, find_pairs, scale_inputs, scale_outputs, scaled
from .config import QuantizeOptions

SUFFIX = ".balanced"
"""Tensors whose channels were scaled bear other names: they are no longer those of the model."""
VALUES = 1 << 14
"""How many values of a channel are looked at."""
PARTS = 8
"""Factors are whole powers of 2**(1 / PARTS)."""
LARGEST = 2.0
"""Exponent of the largest factor."""
CLIPPING = 4
"""How many powers of two a step may lie below the one that clips nothing."""
SIX = 6.0
"""Where ReLU6 ends."""

Values = NDArray[np.float64]


@dataclass(frozen=True)
class _Chance:
    """A pair, the values of its channels after the ReLU, (channels, values), and the bits that they will get."""

    pair: Pair
    values: Values
    bits: int


def balance(graph: Graph, samples: Mapping[str, NDArray[Any]], options: QuantizeOptions) -> Graph:
    """Balance the values of the channels between neighbouring layers with a ReLU or ReLU6 between them.

    A ReLU6 becomes a ReLU, where no sample reaches its end or the format that the values will have ends before it.

    Parameters
    ----------
    graph : Graph
        As the standard passes left it.
    samples : mapping of str to array
        Calibration data for each input, (n, *shape).
    options : QuantizeOptions
        Tell the bits of each tensor.

    Returns
    -------
    Graph
        The same function of the inputs, but for rounding of floats and for values above 6 of such a ReLU6. Tensors
        between two layers that were balanced have the suffix `SUFFIX`.
    """
    chances = _chances(graph, samples, options)
    layers: dict[str, Weighted] = {op.name: op for op in graph.operators if isinstance(op, WEIGHTED)}
    tensors: set[str] = set()
    for chance in chances:
        pair, six = chance.pair, _has_six(graph, chance.pair)
        step = _best_exponents(chance.values.reshape(1, -1), chance.bits, 1)[0]
        top = float((2**chance.bits - 1) * np.exp2(-step))
        room = LARGEST
        if six and chance.values.max() >= SIX:
            if top > SIX:
                continue
            room = min(room, float(np.log2(SIX / top)))
        exponents = np.clip(step - _best_exponents(chance.values, chance.bits, PARTS), -LARGEST, room)
        exponents[chance.values.max(axis=1) == 0] = 0
        if not _is_depthwise(layers[pair.second]):
            exponents /= 2
        layers[pair.first] = scale_outputs(layers[pair.first], np.exp2(-exponents).astype(np.float32))
        layers[pair.second] = scale_inputs(layers[pair.second], np.exp2(exponents).astype(np.float32))
        tensors.update(pair.tensors)
    operators = tuple(
        Relu(op.name, op.inputs, op.output) if op.output in tensors and _is_six(op) else op for op in graph.operators
    )
    return scaled(replace(graph, operators=operators), layers, tensors, SUFFIX)


def _chances(graph: Graph, samples: Mapping[str, NDArray[Any]], options: QuantizeOptions) -> list[_Chance]:
    open_ended = replace(
        graph,
        operators=tuple(Relu(op.name, op.inputs, op.output) if _is_six(op) else op for op in graph.operators),
    )
    producers = {op.output: op for op in graph.operators}
    pairs = [
        pair
        for pair in find_pairs(open_ended)
        if any(isinstance(producers[name], Relu) or _is_six(producers[name]) for name in pair.tensors)
    ]
    if not pairs:
        return []
    names = tuple(dict.fromkeys(pair.tensors[0] for pair in pairs))
    found = run_float(replace(graph, outputs=names, classifier=False), samples)
    layers = {op.name: op for op in graph.operators if isinstance(op, WEIGHTED)}
    chances = []
    for pair in pairs:
        values = np.maximum(found[pair.tensors[0]], 0).astype(np.float64)
        if _has_six(graph, pair):
            values = np.minimum(values, SIX)
        channels = count_outputs(layers[pair.first])
        values = values.reshape(len(values), channels, -1).transpose(1, 0, 2).reshape(channels, -1)
        stride = -(-values.shape[1] // VALUES)
        chances.append(_Chance(pair, values[:, ::stride], options.for_layer(pair.first).activation_bits))
    return [chance for chance in chances if chance.values.max() > 0]


def _best_exponents(values: Values, bits: int, parts: int) -> Values:
    """For each row the exponent, in steps of 1 / parts, whose power of two scales it to integers of least error."""
    levels = 2**bits - 1
    widest = np.log2(levels / np.maximum(values.max(axis=1), 1e-30))
    best, least = np.zeros(len(values)), np.full(len(values), np.inf)
    for offset in range(CLIPPING * parts + 1):
        exponents = (np.floor(widest * parts) + offset) / parts
        scales = np.exp2(exponents)[:, None]
        error = ((np.minimum(np.floor(values * scales + 0.5), levels) / scales - values) ** 2).sum(axis=1)
        better = error < least
        best, least = np.where(better, exponents, best), np.where(better, error, least)
    return best


def _is_six(op: object) -> bool:
    return isinstance(op, Pointwise) and op.function == "relu6"


def _has_six(graph: Graph, pair: Pair) -> bool:
    return any(op.output in pair.tensors and _is_six(op) for op in graph.operators)


def _is_depthwise(op: Weighted) -> bool:
    """Whether each output channel reads one input channel."""
    return isinstance(op, Convolution) and op.weight.shape[1] == 1
