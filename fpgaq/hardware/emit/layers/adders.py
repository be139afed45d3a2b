"""The products of an engine that uses the same weights in every cycle, as shared shift-and-add logic."""

from __future__ import annotations

import numpy as np

from ....base.formats import Format
from ....integer.graph import IntegerAffine, IntegerConvolution
from ...schedule.cells import latency
from ...schedule.plans import WindowPlan
from ...unrolled.adders.compress import compress
from ...unrolled.adders.graph import Interval
from ...unrolled.adders.search import find_sums
from ...unrolled.plan import UnrolledLayer
from ...unrolled.registers import cut, level_costs
from ..design import Module
from ..names import comment, summary
from .unrolled import unrolled_module
from .weights import step_weights


def adder_module(
    op: IntegerConvolution | IntegerAffine, plan: WindowPlan, source: Format, sum_width: int, name: str
) -> Module:
    """The module `name` that makes sums without biases of the elements of a step.

    There are as many registers from the elements to the sums as in `fpgaq_mac`.
    """
    matrix, *others = step_weights(op, plan)
    assert all(np.array_equal(matrix, other) for other in others), "adders multiply by the same weights in every step"
    inputs = (Interval(source.minimum, source.maximum),) * matrix.shape[1]
    graph = find_sums(matrix, np.zeros(len(matrix), dtype=np.int64), inputs)
    program = compress(graph)
    stages = latency("fpgaq_mac", LEVELS=plan.levels)
    costs = level_costs(program, requantized=False)
    cuts = cut(costs, min(stages, max(1, len(costs))), max(1, len(costs)))
    # Where levels are fewer than registers, the results pass the rest.
    cuts += (len(costs),) * (stages - 1 - len(cuts))
    layer = UnrolledLayer(op.name, graph, program, cuts, ())
    names = (name, comment(op.name), summary(op))
    return unrolled_module(None, layer, source, Format(sum_width, 0), names)
