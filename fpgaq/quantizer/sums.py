"""Sums in place of means, and with bits enough.

A mean of integers is rounded to a step no finer than theirs, and lies far below their maximum: of 49 four-bit values
two bits of information were left. A sum has the bits that the division would drop, so that its step can be chosen to
suit; and the hardware has nothing to divide by. The division goes into the weights of the next layer.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np

from ..model.graph import (
    Add,
    Affine,
    AveragePooling,
    BatchNormalization,
    Convolution,
    Deconvolution,
    Graph,
    MaxPooling,
    Operator,
    Prelu,
    Relu,
    Reshape,
    ScaleOffset,
    check,
)
from ..model.passes.linear import fold_before
from ..model.passes.rewrite import producers, renamed, sole_consumers
from .config import QuantizeOptions
from .input_format import MIN_INPUT_BITS
from .methods import FEW_BITS

SUFFIX = ".sum"
"""Tensors that hold a sum bear other names: they are no longer those of the model."""


def sums_for_means(graph: Graph, options: QuantizeOptions) -> Graph:
    """Replace means by sums where one layer with weights reads them (by 0.1.0's rules, if they are over few bits).

    Returns
    -------
    Graph
        The same function of the inputs, up to the rounding of weights to float32; `graph` itself if nothing changes.
    """
    pools = [op for op in graph.operators if isinstance(op, AveragePooling)]
    chosen = {op.name for op in pools if not options.first_edition or _bits_of(graph, op.input, options) <= FEW_BITS}
    return with_sums(graph, chosen)


def _bits_of(graph: Graph, tensor: str, options: QuantizeOptions) -> int:
    """Bits that a tensor will have."""
    known = producers(graph)
    op = known.get(tensor)
    while isinstance(op, Relu | MaxPooling | Reshape):
        op = known.get(op.input)
    if op is None:
        return options.input_bits or max(MIN_INPUT_BITS, options.activation_bits)
    return options.for_layer(op.name).activation_bits


def with_sum_bits(graph: Graph, options: QuantizeOptions) -> QuantizeOptions:
    """The options with at least `sum_bits` for what no big multiplication reads, unless a layer has bits of its own.

    That is what only additions read (no multiplier gets wider by it), what only a PReLU or a factor per channel reads
    (its own result is rounded to few bits, and need not be twice), and sums of pooled pixels (a few of a frame).
    """
    light = (Add,) if options.first_edition else (Add, Prelu, BatchNormalization, ScaleOffset)
    layers = {name: dict(own) for name, own in options.layers.items()}
    for op in graph.operators:
        tensor, readers = op.output, graph.consumers(op.output)
        while len(readers) == 1 and isinstance(readers[0], Relu):
            tensor = readers[0].output
            readers = graph.consumers(tensor)
        added = bool(readers) and all(isinstance(reader, light) for reader in readers) and tensor not in graph.outputs
        if not added and not (isinstance(op, AveragePooling) and op.sum_only):
            continue
        if options.for_layer(op.name).activation_bits < options.sum_bits:
            layers.setdefault(op.name, {}).setdefault("activation_bits", options.sum_bits)
    return replace(options, layers=layers)


def with_sums(graph: Graph, chosen: Collection[str]) -> Graph:
    """Replace means by sums in the named layers, where a layer with weights after them takes the division in."""
    following = sole_consumers(graph)
    changed: dict[int, Operator] = {}
    names: dict[str, str] = {}
    for op in graph.operators:
        if not isinstance(op, AveragePooling) or op.sum_only or op.name not in chosen:
            continue
        if any(op.padding) and not op.count_padding:
            continue
        tensors, reader = [op.output], following.get(op.output)
        while isinstance(reader, Reshape):
            tensors.append(reader.output)
            reader = following.get(reader.output)
        if not isinstance(reader, Affine | Convolution | Deconvolution):
            continue
        shape = graph.shapes[reader.input]
        scale = np.full(shape[0], 1 / (op.kernel[0] * op.kernel[1]))
        folded = fold_before(reader, shape, scale, np.zeros_like(scale))
        if folded is not None:
            changed.update({id(op): replace(op, sum_only=True), id(reader): folded})
            names.update({name: name + SUFFIX for name in tensors})
    if not changed:
        return graph
    operators = tuple(renamed(changed.get(id(op), op), names) for op in graph.operators)
    shapes = {names.get(name, name): shape for name, shape in graph.shapes.items()}
    return check(replace(graph, operators=operators, shapes=shapes))
