"""The way out of the results of an engine's layers: requantizers, shared by layers that requantize alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...base.formats import Format
from ...integer.graph import IntegerGraph, Requantize
from ..schedule.cells import WIDE
from ..schedule.widths import base_shift, sum_width
from .design import Instance
from .engine_roms import Served
from .instances import requantizer
from .memories import clip_cell, unlimited


@dataclass(frozen=True)
class ResultUnit:
    """The way of some layers' results: `lanes` of them side by side, of `width` bits each.

    `requantize` is None where a result is the low bits of its sum; `clip` holds results to limits that are loaded.
    """

    name: str
    lanes: int
    width: int
    total_width: int
    requantize: Instance | None
    clip: Instance | None = None

    @property
    def bits(self) -> int:
        """Of all lanes."""
        return self.lanes * self.width


def result_units(
    graph: IntegerGraph,
    layers: Sequence[Served],
    lifts: Sequence[Sequence[int]],
    lift_width: int,
    loadable: bool = False,
) -> tuple[tuple[ResultUnit, ...], list[str]]:
    """The requantizers, each for all layers that requantize alike, then layers without one; the unit of each layer."""
    shared: dict[tuple[object, ...], tuple[int, Requantize, Format, list[int]]] = {}
    narrowings, results = [], [""] * len(layers)
    for place, layer in enumerate(layers):
        requantize, result = layer.op.requantize, graph.tensors[layer.op.output].format
        if loadable and requantize is not None:
            requantize, result = unlimited(requantize, result)
        if requantize is None:
            results[place] = f"plain_{place}"
            narrowings.append(ResultUnit(results[place], layer.plan.made_lanes, result.width, result.width, None))
            continue
        fields = (result.width, result.signed, result.narrow)
        clip = requantize.clip(result)
        shift = base_shift(layer.op) if loadable else max(requantize.shift)
        key = (shift, requantize.rounding, requantize.relu, *fields, clip)
        shared.setdefault(key, (shift, requantize, result, []))[3].append(place)
    units = []
    for number, (shift, requantize, result, places) in enumerate(shared.values()):
        served = [layers[place] for place in places]
        lanes = max(layer.plan.made_lanes for layer in served)
        total_width = max(sum_width(layer.op) for layer in served)
        cell = requantizer(
            "requantize",
            total_width,
            shift,
            requantize.rounding,
            result,
            requantize.relu,
            clip=requantize.clip(result),
            lifts=(max(max(lifts[place]) for place in places), lift_width or 1),
            times=lanes,
            stages=WIDE,
        )
        held = clip_cell(result, lanes) if loadable else None
        units.append(ResultUnit(f"requantized_{number}", lanes, result.width, total_width, cell, held))
        for place in places:
            results[place] = units[-1].name
    return (*units, *narrowings), results
