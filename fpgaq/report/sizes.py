"""How large a network is: bytes of its parameters, operators of each kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from ..formats import Format
from ..graph import Graph
from ..integer_graph import (
    IntegerAffine,
    IntegerConvolution,
    IntegerGraph,
    IntegerOperator,
    IntegerScale,
    IntegerTable,
)
from .summary import summarize


def float_bytes(graph: Graph) -> int:
    """All parameters in single precision."""
    return 4 * summarize(graph).parameters


def integer_bytes(integer: IntegerGraph) -> int:
    """Weights and factors at their width, biases and offsets at the accumulator's, table entries at the output's."""
    counts = ((PARAMETER_BITS.get(type(op)), op, integer.tensors[op.output].format) for op in integer.operators)
    bits = sum(count(op, fmt) for count, op, fmt in counts if count is not None)
    return -(-bits // 8)


def _weight_bits(op: IntegerConvolution | IntegerAffine, written: Format) -> int:
    return op.weight.size * op.weight_format.width + op.bias.size * op.accumulator_width


def _factor_bits(op: IntegerScale, written: Format) -> int:
    factors = op.scale.size + (0 if op.negative_scale is None else op.negative_scale.size)
    return factors * op.scale_width + op.offset.size * op.accumulator_width


def _entry_bits(op: IntegerTable, written: Format) -> int:
    return op.table.size * written.width


PARAMETER_BITS: Mapping[type[IntegerOperator], Callable[[Any, Format], int]] = {
    IntegerConvolution: _weight_bits,
    IntegerAffine: _weight_bits,
    IntegerScale: _factor_bits,
    IntegerTable: _entry_bits,
}
"""Every operator with arrays: from it and the format that it writes to the bits of these arrays."""


def count_operators(network: Graph | IntegerGraph) -> Mapping[str, int]:
    """How often each kind of operator occurs, in the order of their first one; integer ones under the same names."""
    return dict(Counter(type(op).__name__.removeprefix("Integer") for op in network.operators))
