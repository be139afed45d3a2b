"""What a schedule takes on a part, built as suits that part, and what the part lacks of it."""

from __future__ import annotations

import math
from dataclasses import replace

from ...base.errors import FitError
from ...integer.graph import IntegerAffine, IntegerConvolution, IntegerGraph
from ..emit.verilog import design_of
from ..schedule import Schedule
from ..synth.cells import Counts
from ..synth.devices import find_device
from ..synth.result import describe_excess
from .model import Estimate, estimate
from .multipliers import factor_bits, logic_bits


def estimate_schedule(graph: IntegerGraph, schedule: Schedule, device: str) -> Estimate:
    """What the hardware of a schedule will take."""
    return estimate(design_of(graph, schedule), device)


def with_cheap_products(graph: IntegerGraph, schedule: Schedule, device: str) -> tuple[Schedule, Estimate]:
    """A schedule whose products that take no DSP block are digits where that takes less logic, and what it takes."""
    guess = estimate_schedule(graph, schedule, device)
    bits = logic_bits(find_device(device).family)
    if schedule.logic_bits == 0 and _narrowest(graph) <= bits:
        other = replace(schedule, logic_bits=bits)
        found = estimate_schedule(graph, other, device)
        if found.counts.lut < guess.counts.lut:
            return other, found
    return schedule, guess


def _narrowest(graph: IntegerGraph) -> float:
    """Bits of both factors of the narrowest products by weights."""
    layers = [op for op in graph.operators if isinstance(op, IntegerConvolution | IntegerAffine)]
    widths = [graph.tensors[op.input].format.width + op.weight_format.width for op in layers]
    return min(widths, default=math.inf)


def adapt(graph: IntegerGraph, schedule: Schedule, device: str) -> tuple[Schedule, Estimate]:
    """A schedule as it is best built on a device, and what it takes: outputs share DSP blocks where these run out."""
    schedule, guess = with_cheap_products(graph, schedule, device)
    found = find_device(device)
    if found.capacity is not None and guess.counts.dsp > found.capacity.dsp:
        shared = replace(schedule, factor_bits=factor_bits(found.family))
        packed = estimate_schedule(graph, shared, device)
        if packed.counts.dsp < guess.counts.dsp:
            return shared, packed
    return schedule, guess


def excess_of(guess: Estimate, slack: float = 1.0) -> str:
    """What the device may lack, the estimate's error allowed for; empty if all fits.

    With `slack`: if it had so many times the logic.
    """
    counts = guess.counts
    margin = {name: (1 + guess.known.errors[name].percentile95) / slack for name in ("lut", "ff")}
    careful = Counts(
        lut=round(counts.lut * margin["lut"]), ff=round(counts.ff * margin["ff"]), dsp=counts.dsp, bram=counts.bram
    )
    excess = shortage(careful, guess.device)
    return f"{excess} (the estimate's error included)" if "LUT" in excess or "FF" in excess else excess


def shortage(counts: Counts, device: str) -> str:
    """What the device lacks of these, in words; empty if it has enough."""
    capacity_of(device)
    return describe_excess(counts, device)


def capacity_of(device: str) -> Counts:
    """What the device has; FitError for a family without a size."""
    capacity = find_device(device).capacity
    if capacity is None:
        raise FitError(f"{device} is a family without a size; name a part to fit to")
    return capacity
