"""The products of an engine that uses the same weights in every cycle, as shared shift-and-add logic."""

from __future__ import annotations

import numpy as np

from ....base.formats import Format
from ....integer.graph import IntegerAffine, IntegerArray, IntegerConvolution
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


def rounding_constants(
    op: IntegerConvolution | IntegerAffine, plan: WindowPlan, source: Format, sum_width: int
) -> IntegerArray | None:
    """What the adders of a step may add at once: biases, and the half of rounding; None where they may not.

    Every step must have the same ones, the rule must add a half, and all sums must fit their width.
    """
    rule = op.requantize
    outputs = plan.fold.outputs
    groups = op.bias.reshape(-1, outputs) if len(op.bias) % outputs == 0 else op.bias[:0].reshape(0, 1)
    if rule is None or rule.rounding != "half_up" or not len(groups) or (groups != groups[0]).any():
        return None
    shifts = np.broadcast_to(np.asarray(rule.shift, dtype=np.int64), op.bias.shape).reshape(-1, outputs)
    if (shifts != shifts[0]).any():
        return None
    constants = groups[0] + np.where(shifts[0] > 0, 1 << np.maximum(shifts[0] - 1, 0), 0)
    matrix = step_weights(op, plan)[0]
    ends = matrix * source.minimum, matrix * source.maximum
    most = np.maximum(*ends).sum(axis=1) + constants
    least = np.minimum(*ends).sum(axis=1) + constants
    limit = 1 << (sum_width - 1)
    return np.asarray(constants, dtype=np.int64) if most.max() < limit and least.min() >= -limit else None


def adder_module(
    op: IntegerConvolution | IntegerAffine,
    plan: WindowPlan,
    source: Format,
    sum_width: int,
    name: str,
    constants: IntegerArray | None = None,
) -> Module:
    """The module `name` that makes sums of the elements of a step and of `constants`, without biases if they are None.

    There are as many registers from the elements to the sums as in `fpgaq_mac`.
    """
    matrix, *others = step_weights(op, plan)
    assert all(np.array_equal(matrix, other) for other in others), "adders multiply by the same weights in every step"
    inputs = (Interval(source.minimum, source.maximum),) * matrix.shape[1]
    graph = find_sums(matrix, np.zeros(len(matrix), dtype=np.int64) if constants is None else constants, inputs)
    program = compress(graph)
    stages = latency("fpgaq_mac", LEVELS=plan.levels)
    costs = level_costs(program, requantized=False)
    cuts = cut(costs, min(stages, max(1, len(costs))), max(1, len(costs)))
    # Where levels are fewer than registers, the results pass the rest.
    cuts += (len(costs),) * (stages - 1 - len(cuts))
    layer = UnrolledLayer(op.name, graph, program, cuts, ())
    names = (name, comment(op.name), summary(op))
    return unrolled_module(None, layer, source, Format(sum_width, 0), names)
