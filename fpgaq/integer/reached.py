"""Which of the results that a network's requantizers can give occur in some frames: how far a comparison went."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from .accumulators import result_ranges
from .graph import IntegerArray, IntegerGraph, IntegerOperator, Requantize
from .staircase import staircases

WIDEST = 8
"""Bits of results that are counted: no few samples reach the 65,536 results of 16 bits, and to list them takes long."""


@dataclass(frozen=True)
class Reached:
    """Results of requantizers to at most eight bits, counted in each output channel apart.

    Parameters
    ----------
    reached : int
        Those that occur.
    possible : int
        Those that some accumulator in the proved range gives.
    """

    reached: int
    possible: int

    def __str__(self) -> str:
        return f"{self.reached:,} of the {self.possible:,} results that its requantizers can give occur"


def reached_results(graph: IntegerGraph, tensors: Mapping[str, IntegerArray]) -> Reached:
    """Count the results that occur in `tensors`, of which each is (frames, height, width, channels)."""
    reached = possible = 0
    for op in graph.operators:
        rule = getattr(op, "requantize", None)
        # A table's requantizer gives an index and not what the next layer reads.
        if isinstance(rule, Requantize) and op.output in tensors and not hasattr(op, "table"):
            counts = _of_operator(op, rule, graph, tensors[op.output])
            reached, possible = reached + counts[0], possible + counts[1]
    return Reached(reached, possible)


def _of_operator(op: IntegerOperator, rule: Requantize, graph: IntegerGraph, values: IntegerArray) -> tuple[int, int]:
    fmt = graph.tensors[op.output].format
    if fmt.width > WIDEST:
        return 0, 0
    spans = result_ranges(op, *(graph.tensors[name].format for name in op.inputs))
    channels = values.shape[-1] if len(spans) > 1 else 1
    codes = values.reshape(-1, channels) - fmt.minimum + (np.arange(channels) << fmt.width)
    found = np.count_nonzero(np.bincount(codes.reshape(-1)))
    return int(found), sum(len(set(steps.steps)) + 1 for steps in staircases(rule, spans, fmt))
