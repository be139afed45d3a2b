"""The form in which a network that takes or gives several pixels a beat is built, and its hardware."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

from ...base.errors import FitError
from ...integer.graph import IntegerGraph
from ..lowering.wide import WideGraph, wide_forms
from .operator_plans import fold_range
from .planner import Draft, draft
from .plans import Target


def draft_wide(graph: IntegerGraph, target: Target, narrow: IntegerGraph) -> tuple[IntegerGraph, Draft]:
    """The fastest of the forms of a lowered network with the target's pixels a beat; of equals that with less logic.

    `narrow` is the form of it that is tried where a beat carries one pixel after the ports.

    Raises
    ------
    FitError
        If no form meets the target.
    UsageError
        Pixels that a frame does not have.
    """
    best: tuple[WideGraph, Draft] | None = None
    refused: FitError | None = None
    for form in _forms(graph, target, narrow):
        try:
            found = draft(form, target)
        except FitError as error:
            refused = refused or error
            continue
        if best is None or _rank(form, found) < _rank(*best):
            best = form, found
    if best is None:
        assert refused is not None
        raise refused
    _check_cycles(best[1])
    # Products by zero are no work that has to be done.
    macs = sum(layer.macs for op in graph.operators if (layer := fold_range(graph, op)) is not None)
    return best[0], replace(best[1], macs=macs)


def _forms(graph: IntegerGraph, target: Target, narrow: IntegerGraph) -> Iterator[WideGraph]:
    wanted = target.pixels, target.output_pixels
    yield from wide_forms(graph, *wanted, fused=not target.sharing)
    if narrow is not graph:
        yield next(wide_forms(narrow, *wanted, fused=not target.sharing))


def _rank(form: WideGraph, found: Draft) -> tuple[float, int, int]:
    """What is compared of forms: cycles beyond those that are given, multipliers, layers."""
    multipliers = sum(engine.products * engine.outputs for engine in found.sized.network.engines)
    return max(found.interval, found.target.cycles or 0), multipliers, len(form.operators)


def _check_cycles(found: Draft) -> None:
    wanted = found.target.cycles
    if wanted is not None and found.interval > wanted:
        least = math.ceil(found.interval)
        raise FitError(
            f"a frame in {wanted} cycles cannot be reached with {found.target.pixels} pixels a beat in and"
            f" {found.target.output_pixels} out: the fastest form found takes {least}; ask for --cycles {least} or"
            " more, or for other pixels"
        )
