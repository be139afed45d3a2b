"""Movements of elements in a row: which element each of the result is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from .graph import IntegerGraph, IntegerOperator, IntegerReshape, IntegerTranspose, Tensor

MAX_ELEMENTS = 1 << 22
"""Of a frame; the order of a larger one is not looked at."""

Moving = IntegerReshape | IntegerTranspose


def chains(graph: IntegerGraph) -> Iterator[list[Moving]]:
    """Movements one after another, of whose tensors in between nobody else reads one."""
    reads = Counter(graph.outputs)
    readers: dict[str, IntegerOperator] = {}
    for op in graph.operators:
        reads.update(op.inputs)
        readers.update(dict.fromkeys(op.inputs, op))
    inside: set[str] = set()
    for op in graph.operators:
        if not isinstance(op, Moving) or op.name in inside:
            continue
        chain: list[Moving] = [op]
        while reads[chain[-1].output] == 1 and isinstance(after := readers.get(chain[-1].output), Moving):
            chain.append(after)
        inside.update(part.name for part in chain)
        yield chain


def order_of(chain: Sequence[Moving], source: Tensor, tensors: Mapping[str, Tensor]) -> NDArray[np.int64]:
    """Which element of the source each element of the result is, both in the stream's order."""
    index = np.arange(source.size).reshape(source.shape)
    for op in chain:
        if isinstance(op, IntegerTranspose):
            index = np.transpose(index.reshape(op.view or index.shape), op.axes)
        index = index.reshape(tensors[op.output].shape)
    return index.reshape(-1)
