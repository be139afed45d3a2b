"""How large a network is: bits of its parameters by each way of counting them, operators of each kind.

- `float_bytes`, `integer_bytes`: every parameter once, as a file holds it;
- `scheduled_rom_bits`: the ROMs of the hardware, words filled up;
- `expected_parameter_bits`: the same before quantization, from counts alone;
- `weights_of_layers`, `products_of_layers`: what one more bit of the weights of a layer costs.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from ...base.formats import Format
from ...hardware.schedule import Schedule, WindowPlan
from ...integer.graph import (
    IntegerAffine,
    IntegerConvolution,
    IntegerGraph,
    IntegerOperator,
    IntegerScale,
    IntegerTable,
)
from ...model.graph import Affine, Convolution, Deconvolution, Graph
from .summary import summarize

EXPECTED_BIAS_BITS = 24
"""Bits of an accumulator: 8-bit networks of some thousand products a result need about this many."""


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


def scheduled_rom_bits(lowered: IntegerGraph, schedule: Schedule) -> int:
    """Words times width of the ROMs of weights, and biases as wide as the accumulators.

    More than `integer_bytes` where the lanes that the schedule chose do not divide a layer: their words are filled up.

    Parameters
    ----------
    lowered : IntegerGraph
        The form of the network that is built.
    schedule : Schedule
        Of that form.
    """
    plans = {plan.operator: plan for plan in schedule.plans}
    total = 0
    for op in lowered.operators:
        if not isinstance(op, IntegerConvolution | IntegerAffine):
            continue
        plan = plans[op.name]
        assert isinstance(plan, WindowPlan)
        total += plan.groups * plan.steps * plan.fold.multipliers * op.weight_format.width
        total += op.bias.size * op.accumulator_width
    return total


def expected_parameter_bits(weights: int, biases: int, weight_bits: int) -> int:
    """The bits that weights and biases will take, before quantization; biases at `EXPECTED_BIAS_BITS`."""
    return weights * weight_bits + biases * EXPECTED_BIAS_BITS


def weights_of_layers(graph: Graph) -> dict[str, int]:
    """For each layer with weights how many there are: the bits of memory that one more bit a weight takes."""
    layers = [op for op in graph.operators if isinstance(op, Convolution | Affine | Deconvolution)]
    return {op.name: op.weight.size for op in layers}


def products_of_layers(graph: Graph) -> dict[str, int]:
    """For each layer with weights how many products a frame has: its weights times the pixels of its output.

    A transposed convolution multiplies every tap too: the hardware spreads its input with zeros.
    """
    return {
        op.name: op.weight.size * math.prod(graph.shapes[op.output][1:])
        for op in graph.operators
        if isinstance(op, Convolution | Affine | Deconvolution)
    }


def count_operators(network: Graph | IntegerGraph) -> Mapping[str, int]:
    """How often each kind of operator occurs, in the order of their first one; integer ones under the same names."""
    return dict(Counter(type(op).__name__.removeprefix("Integer") for op in network.operators))
