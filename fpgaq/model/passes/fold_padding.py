"""A constant border goes into the padding of the layer after it, where that pads with the same value."""

from __future__ import annotations

import math
from dataclasses import replace

from ..graph import AveragePooling, Convolution, Graph, MaxPooling, Operator, Pad
from .rewrite import sole_consumers


def fold_padding(graph: Graph) -> Graph:
    """Remove Pad operators directly before a convolution or pooling that can take them in."""
    consumers = sole_consumers(graph)
    gone: dict[str, Pad] = {}
    operators: list[Operator] = []
    for op in graph.operators:
        pad = gone.pop(op.input, None)
        if pad is not None:
            op = _padded(op, pad)
        if isinstance(op, Pad) and _fits(op, consumers.get(op.output)):
            gone[op.output] = op
        else:
            operators.append(op)
    return graph.with_operators(tuple(operators))


def _fits(pad: Pad, layer: Operator | None) -> bool:
    if pad.mode != "constant":
        return False
    if isinstance(layer, Convolution):
        return math.isfinite(pad.value) and (pad.value == layer.padding_value or not any(layer.padding))
    if isinstance(layer, AveragePooling):
        inside = not any(layer.padding)
        return pad.value == 0 and (inside or layer.count_padding or layer.sum_only)
    if isinstance(layer, Pad):
        return layer.mode == "constant" and layer.value == pad.value
    # The hardware's maximum takes no window that lies wholly in the padding.
    return isinstance(layer, MaxPooling) and pad.value == -math.inf and _covers(pad, layer)


def _covers(pad: Pad, layer: MaxPooling) -> bool:
    total = [a + b for a, b in zip(pad.padding, layer.padding, strict=True)]
    return max(total[:2]) < layer.kernel[0] and max(total[2:]) < layer.kernel[1]


def _padded(op: Operator, pad: Pad) -> Operator:
    assert isinstance(op, Convolution | AveragePooling | MaxPooling | Pad)
    a, b = pad.padding, op.padding
    padding = (a[0] + b[0], a[1] + b[1], a[2] + b[2], a[3] + b[3])
    if isinstance(op, Convolution):
        return replace(op, inputs=pad.inputs, padding=padding, padding_value=pad.value)
    if isinstance(op, AveragePooling):
        return replace(op, inputs=pad.inputs, padding=padding, count_padding=True)
    return replace(op, inputs=pad.inputs, padding=padding)
