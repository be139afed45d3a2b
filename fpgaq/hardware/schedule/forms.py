"""From an integer network and a target to the form of the network that is built, and its schedule."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from itertools import islice

from ...base.errors import FitError
from ...integer.graph import IntegerGraph, IntegerTranspose
from ..lowering import FEWEST_BITS, MOST_BITS, lower
from .candidates import most_bits
from .dividing import DIVIDED_BELOW, DividedForms
from .lanes import choose_lanes
from .merging import MergedForms
from .planner import Draft, draft, finish, fold_ranges, port_beats
from .plans import Target
from .schedule import Schedule, auxiliary_multipliers
from .storage import buffer_bits
from .wide import draft_wide

EFFICIENT = 0.9
"""Efficiency from which on no other form is tried."""

WORTHWHILE = 1.03
"""How many times faster another form has to be: it takes a buffer more, and products by zero."""

AS_FAST = 1.01
"""How many times slower a form may be that takes less logic."""

MOST_FORMS = 4
"""Other forms of a network that are scheduled at most: the first of those that may be fast enough."""

MOST_DIVIDED = 2
"""Forms with a layer divided between two arrays that are scheduled at most: the first of those by their divisions."""

MOST_MULTIPLIERS = 4096
"""Beyond these no budget is tried."""


def plan_hardware(graph: IntegerGraph, target: Target) -> tuple[IntegerGraph, Schedule]:
    """The form of a network with which a target is met fastest, and the hardware of its layers.

    Without products by zero between pixels (`fpgaq.hardware.lowering.lower`) in any case. Where that leaves many
    multipliers idle, layers that compute two columns at a time are tried too, one after another: those that the budget
    could do in a single step a pixel, for which there is nothing between one step and two. Where no division among
    arrays uses nearly all multipliers, a layer whose outputs two arrays divide is tried.

    Raises
    ------
    FitError
        If the target cannot be met; the message says what can.
    """
    if target.multipliers is None and target.cycles is None and target.latency is not None:
        return _with_fewest_multipliers(graph, target)
    if target.every and target.multipliers is not None:
        return _with_every_multiplier(graph, target, target.multipliers)
    chosen, best = draft_hardware(graph, target)
    return chosen, finish(best)


def _with_every_multiplier(graph: IntegerGraph, target: Target, most: int) -> tuple[IntegerGraph, Schedule]:
    """What keeps to `most` multipliers, those beside the arrays included: the arrays get as many as these leave."""
    budget = most
    while budget > 0:
        chosen, best = draft_hardware(graph, replace(target, multipliers=budget, every=False))
        network = best.sized.network
        beside = auxiliary_multipliers(network.plans)
        excess = sum(engine.multipliers for engine in network.engines) + beside - most
        if excess <= 0:
            return chosen, finish(replace(best, target=target))
        budget -= excess
    raise FitError(
        f"{most:,} multipliers do not hold this network's means, scales and products too, which take {beside:,} beside"
        f" one for its weights; give --multipliers {beside + 1} or more, or leave --all-multipliers out"
    )


def draft_hardware(graph: IntegerGraph, target: Target) -> tuple[IntegerGraph, Draft]:
    """The same before its memories are shrunk, which is most of the work."""
    lowered = lower(graph)
    if target.is_wide:
        return draft_wide(lowered, target, _narrow_form(graph, lowered, target))
    lowered, base = _shuffled(graph, lowered, draft(lowered, target))
    chosen, best = _merged(lowered, base)
    if base.limit < DIVIDED_BELOW * base.interval:
        chosen, best = _divided(lowered, chosen, best)
    # Products by zero are no work that has to be done.
    return chosen, replace(best, macs=base.macs)


def _merged(lowered: IntegerGraph, base: Draft) -> tuple[IntegerGraph, Draft]:
    """A form and its draft, or those with a layer that computes two columns at a time if that is faster."""
    chosen, best, target = lowered, base, base.target
    if target.multipliers is not None and target.sharing and base.limit < EFFICIENT * base.interval:
        faster = MergedForms(lowered).faster(target, base.interval / WORTHWHILE)
        for merged in islice(faster, MOST_FORMS):
            with suppress(FitError):  # it reaches no latency that the network itself reaches
                other = draft(merged, target)
                if other.interval * WORTHWHILE < best.interval:
                    chosen, best = merged, other
    return chosen, best


def _divided(lowered: IntegerGraph, chosen: IntegerGraph, best: Draft) -> tuple[IntegerGraph, Draft]:
    """The form chosen so far and its draft, or those with a layer of the lowered network on two arrays if faster.

    Of forms that are as fast the one with the least memory, which is never much more than without.
    """
    most = most_bits(_bits(chosen, best))
    found = []
    for divided in islice(DividedForms(lowered).faster(best.target, best.interval / WORTHWHILE), MOST_DIVIDED):
        with suppress(FitError):
            other = draft(divided, best.target)
            if other.interval * WORTHWHILE < best.interval and _bits(divided, other) <= most:
                found.append((divided, other))
    return min(found, key=lambda pair: (pair[1].interval, _bits(*pair)), default=(chosen, best))


def _bits(form: IntegerGraph, found: Draft) -> int:
    """Bits of line buffers and queues."""
    return buffer_bits(form, found.sized.network.plans, found.sized.network.edges)


def _shuffled(graph: IntegerGraph, lowered: IntegerGraph, base: Draft) -> tuple[IntegerGraph, Draft]:
    """A form and its draft, or those with shuffles of fewer channels at a time if as fast, or of more if faster.

    Layers after a shuffle take its beats, so that wide ones cost more than the wires.
    """
    if not _views(lowered):
        return lowered, base
    for bits, slower in ((FEWEST_BITS, AS_FAST), (MOST_BITS, 1 / WORTHWHILE)):
        form = lower(graph, bits)
        if _views(form) == _views(lowered):
            continue
        least = choose_lanes(fold_ranges(lowered), base.target, port_beats(lowered)).interval
        if slower < 1 and base.interval <= WORTHWHILE * least:
            continue
        with suppress(FitError):
            other = draft(form, base.target)
            if other.interval <= slower * base.interval:
                return form, other
    return lowered, base


def _views(form: IntegerGraph) -> list[tuple[int, ...]]:
    """The blocks in which a form shuffles channels."""
    return [op.view for op in form.operators if isinstance(op, IntegerTranspose) and op.view]


def _narrow_form(graph: IntegerGraph, lowered: IntegerGraph, target: Target) -> IntegerGraph:
    """The form that is fastest with a pixel a beat: of those it is inside too, whatever its ports carry."""
    if target.multipliers is None or not target.sharing:
        return lowered
    try:
        return draft_hardware(graph, replace(target, pixels=1, output_pixels=1))[0]
    except FitError:  # a latency that only wide beats reach
        return lowered


def _with_fewest_multipliers(graph: IntegerGraph, target: Target) -> tuple[IntegerGraph, Schedule]:
    """What reaches a latency with about the fewest multipliers: doubled until they do, then by halves of a step."""
    found: tuple[IntegerGraph, Schedule] | None = None
    refused: FitError | None = None
    low, high = 0, 1
    while found is None or high - low > max(1, high // 32):
        budget = high if found is None else (low + high) // 2
        try:
            reached = plan_hardware(graph, replace(target, multipliers=budget))
        except FitError as error:
            refused, low = error, budget
            if found is None and budget >= MOST_MULTIPLIERS:
                raise refused from None
            high = high if found is not None else 2 * high
        else:
            found, high = reached, budget
    return found


def least_interval(graph: IntegerGraph, target: Target) -> int:
    """Cycles that no schedule of a network is below for a budget, whatever its form: known without one."""
    lowered = lower(graph)
    return DividedForms(lowered).least_interval(target, MergedForms(lowered).least_interval(target))
