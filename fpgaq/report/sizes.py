"""How large a network is: bytes of its parameters, operators of each kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from ..graph import Graph
from ..integer_graph import IntegerAffine, IntegerConvolution, IntegerGraph, IntegerScale, IntegerTable
from .summary import summarize


def float_bytes(graph: Graph) -> int:
    """All parameters in single precision."""
    return 4 * summarize(graph).parameters


def integer_bytes(integer: IntegerGraph) -> int:
    """Weights and factors at their width, biases and offsets at the accumulator's, table entries at the output's."""
    bits = 0
    for op in integer.operators:
        if isinstance(op, IntegerConvolution | IntegerAffine):
            bits += op.weight.size * op.weight_format.width + op.bias.size * op.accumulator_width
        elif isinstance(op, IntegerScale):
            factors = op.scale.size + (0 if op.negative_scale is None else op.negative_scale.size)
            bits += factors * op.scale_width + op.offset.size * op.accumulator_width
        elif isinstance(op, IntegerTable):
            bits += op.table.size * integer.tensors[op.output].format.width
    return -(-bits // 8)


def count_operators(network: Graph | IntegerGraph) -> Mapping[str, int]:
    """How often each kind of operator occurs, in the order of their first one; integer ones under the same names."""
    return dict(Counter(type(op).__name__.removeprefix("Integer") for op in network.operators))
