"""Networks that end with a shuffle of channels, whose output is pixels again.

A reshape at an output is none in hardware: the host sees the elements in the model's shape. So of a shuffle at the end,
a reshape, a transposition and a reshape, the last reshape is left out, and what leaves would be no pixels with all of
their channels but parts of them, one after another.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..integer.graph import IntegerGraph
from ..integer.movements import MAX_ELEMENTS, chains, order_of
from .fewer_movements import steps_of, written


def with_pixels_at_outputs(graph: IntegerGraph) -> IntegerGraph:
    """The network whose outputs have the pixels of what is shuffled; as it is where it ends with no shuffle."""
    for chain in chains(graph):
        source, target = graph.tensors[chain[0].input], graph.tensors[chain[-1].output]
        if target.name not in graph.outputs or source.shape == target.shape or source.size > MAX_ELEMENTS:
            continue
        height, width, channels = source.shape
        # Which element of the source each of the output is in the model's order: (channel, row, column).
        elements = order_of(chain, source, graph.tensors).reshape(target.shape).transpose(2, 0, 1)
        own = elements.reshape(channels, height * width)
        pixels = np.arange(height * width) * channels
        order = own[:, 0]
        moved = not np.array_equal(order, np.arange(channels))
        if not moved or order.max() >= channels or not np.array_equal(own, order[:, np.newaxis] + pixels):
            continue
        steps = steps_of((pixels[:, np.newaxis] + order).reshape(-1))
        if steps is None or len(steps) > 1:
            continue
        others = [op for op in graph.operators if op not in chain]
        inner = {op.output for op in chain}
        tensors = {name: tensor for name, tensor in graph.tensors.items() if name not in inner}
        result = replace(target, shape=source.shape)
        made = written(chain[-1], source, result, steps, ({op.name for op in others}, tensors))
        # Those before the chain keep their places.
        place = graph.operators.index(chain[0])
        operators = (*others[:place], *(op for op, _ in made), *others[place:])
        known = tensors | {tensor.name: tensor for _, tensor in made}
        names = (*graph.inputs, *(op.output for op in operators))
        graph = replace(graph, operators=operators, tensors={name: known[name] for name in names})
    return graph
