"""The fastest schedule that a device holds, found by estimates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from ..emit.verilog import design_of
from ..errors import FitError
from ..integer_graph import IntegerGraph
from ..schedule import Schedule, Target, plan_hardware
from ..synth.cells import Counts
from ..synth.devices import find_device
from ..synth.result import describe_excess
from .model import Estimate, estimate
from .multipliers import factor_bits

MOST_MULTIPLIERS = 4096
# Budgets are tried in steps of this ratio: finer ones differ by less than an estimate's error.
_RATIO = 1.15


@dataclass(frozen=True)
class Fitted:
    """The form of a network, its schedule, what that is estimated to take, and why it is not faster, in words."""

    network: IntegerGraph
    schedule: Schedule
    estimate: Estimate
    limited_by: str = ""


def estimate_schedule(graph: IntegerGraph, schedule: Schedule, device: str) -> Estimate:
    """What the hardware of a schedule will take."""
    return estimate(design_of(graph, schedule), device)


def fit_device(graph: IntegerGraph, device: str, progress: Callable[[str], None] = lambda stage: None) -> Fitted:
    """Find the most multipliers whose hardware the device holds.

    LUTs and flip-flops are held to what the estimate's error leaves: they fit even if the estimate is as far too low
    as in one of twenty networks. DSP blocks and block RAMs count as they are.

    Raises
    ------
    FitError
        If not even the smallest schedule fits; the message says what is short.
    """
    budgets = _budgets()
    tried: dict[int, Fitted | str] = {}

    def attempt(place: int) -> Fitted | str:
        """The hardware of a budget, or what of it the device lacks."""
        if place not in tried:
            progress(f"fitting {device}: trying {budgets[place]:,} multipliers")
            lowered, wanted = plan_hardware(graph, Target(multipliers=budgets[place]))
            schedule, guess = adapt(lowered, wanted, device)
            tried[place] = excess_of(guess) or Fitted(lowered, schedule, guess)
        return tried[place]

    smallest = attempt(0)
    if isinstance(smallest, str):
        raise FitError(
            f"the network does not fit {device}: with {budgets[0]} multipliers it is estimated to take {smallest};"
            " choose a larger part"
        )
    low, high = 0, len(budgets)
    while high - low > 1:
        middle = (low + high) // 2
        if isinstance(attempt(middle), str):
            high = middle
        else:
            low = middle
    best = attempt(low)
    assert isinstance(best, Fitted)
    if high == len(budgets):
        limit = "the network: more multipliers make it no faster"
    else:
        limit = f"{attempt(high)} with {budgets[high]:,} multipliers"
    # The fewest multipliers of the same speed.
    interval = best.schedule.prediction.mean_interval
    while low > 0:
        smaller = attempt(low - 1)
        if isinstance(smaller, str) or smaller.schedule.prediction.mean_interval > interval:
            break
        best, low = smaller, low - 1
    return replace(best, limited_by=limit)


def adapt(graph: IntegerGraph, schedule: Schedule, device: str) -> tuple[Schedule, Estimate]:
    """A schedule as it is best built on a device, and what it takes: outputs share DSP blocks where these run out."""
    guess = estimate_schedule(graph, schedule, device)
    found = find_device(device)
    if found.capacity is not None and guess.counts.dsp > found.capacity.dsp:
        shared = replace(schedule, factor_bits=factor_bits(found.family))
        packed = estimate_schedule(graph, shared, device)
        if packed.counts.dsp < guess.counts.dsp:
            return shared, packed
    return schedule, guess


def excess_of(guess: Estimate) -> str:
    """What the device may lack, the estimate's error allowed for; empty if all fits."""
    capacity = find_device(guess.device).capacity
    if capacity is None:
        raise FitError(f"{guess.device} is a family without a size; name a part to fit to")
    counts = guess.counts
    margin = {name: 1 + guess.known.errors[name].percentile95 for name in ("lut", "ff")}
    careful = Counts(
        lut=round(counts.lut * margin["lut"]), ff=round(counts.ff * margin["ff"]), dsp=counts.dsp, bram=counts.bram
    )
    excess = describe_excess(careful, guess.device)
    return f"{excess} (the estimate's error included)" if "LUT" in excess or "FF" in excess else excess


def _budgets() -> list[int]:
    """The budgets to try, one multiplier first."""
    budgets = [1]
    while budgets[-1] < MOST_MULTIPLIERS:
        budgets.append(max(budgets[-1] + 1, int(budgets[-1] * _RATIO)))
    return budgets
