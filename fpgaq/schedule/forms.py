"""From an integer network and a target to the form of the network that is built, and its schedule."""

from __future__ import annotations

from dataclasses import replace

from ..integer_graph import IntegerConvolution, IntegerGraph
from ..lowering import can_merge, lower, with_merged_columns
from .planner import make_schedule
from .plans import Target
from .structure import Schedule

EFFICIENT = 0.9
"""Efficiency from which on no other form is tried."""

WORTHWHILE = 1.03
"""How many times faster another form has to be: it takes a buffer more, and products by zero."""


def plan_hardware(graph: IntegerGraph, target: Target) -> tuple[IntegerGraph, Schedule]:
    """The form of a network with which a target is met fastest, and the hardware of its layers.

    Without products by zero between pixels (`fpgaq.lowering.lower`) in any case. Where that leaves many multipliers
    idle, layers that compute two columns at a time are tried too, one after another: those that the budget could do in
    a single step a pixel, for which there is nothing between one step and two.

    Raises
    ------
    FitError
        If the target cannot be met; the message says what can.
    """
    lowered = lower(graph)
    best = base = make_schedule(lowered, target)
    chosen = lowered
    if target.multipliers is None or not target.sharing or base.limit >= EFFICIENT * base.prediction.mean_interval:
        return lowered, base
    for op in lowered.operators:
        if not can_merge(op, lowered) or not isinstance(op, IntegerConvolution) or op.weight.size > target.multipliers:
            continue
        merged = with_merged_columns(lowered, op.name)
        schedule = make_schedule(merged, target)
        if schedule.prediction.mean_interval * WORTHWHILE < best.prediction.mean_interval:
            # Products by zero are no work that has to be done.
            chosen, best = merged, replace(schedule, macs=base.macs, limit=base.limit)
    return chosen, best
