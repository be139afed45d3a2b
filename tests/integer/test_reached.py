"""Results of requantizers that frames reach, held against lists of all accumulators."""

from __future__ import annotations

import numpy as np
import pytest

from fpgaq.integer.accumulators import result_ranges
from fpgaq.integer.reached import Reached, reached_results
from fpgaq.integer.reference import run
from fpgaq.integer.requantizers import requantized
from tests.support.integer_networks import convolution_network


@pytest.mark.parametrize("shifts", [(4,), (3, 4, 5, 9)])
@pytest.mark.parametrize("seed", range(4))
def test_each_result_counts_once_in_each_channel(seed: int, shifts: tuple[int, ...]) -> None:
    graph = convolution_network(seed, channels=2, bits=5, weight_bits=4, shifts=shifts, kernel=(2, 2))
    (op,), tensors = graph.operators, run(graph, graph.samples, keep=True)
    values = tensors[op.output]
    spans = result_ranges(op, graph.tensors[op.input].format)
    low, high = min(low for low, _ in spans), max(high for _, high in spans)
    all_results = requantized(
        np.arange(low, high + 1)[np.newaxis].repeat(4, 0), op.requantize, graph.tensors[op.output].format
    )
    possible = sum(
        len(np.unique(all_results[channel, start - low : end + 1 - low])) for channel, (start, end) in enumerate(spans)
    )
    found = sum(len(np.unique(values[..., channel])) for channel in range(4))
    assert reached_results(graph, tensors) == Reached(found, possible)
    assert 0 < found <= possible


def test_what_has_no_requantizer_or_more_than_eight_bits_is_left_out() -> None:
    graph = convolution_network(final=True)
    assert reached_results(graph, run(graph, graph.samples, keep=True)) == Reached(0, 0)
