"""The fastest schedule that a device holds, found by estimates."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ...base.errors import FitError
from ...base.progress import Step
from ...integer.graph import IntegerAffine, IntegerConvolution, IntegerGraph
from ..emit.verilog import design_of
from ..lowering import lower
from ..schedule import Schedule, Target, least_interval
from ..schedule.forms import draft_hardware
from ..schedule.planner import finish, shared_blocks, unshrunk
from ..schedule.widths import outputs_a_multiplier
from ..synth.cells import Counts
from ..synth.devices import find_device
from ..synth.result import describe_excess
from .model import Estimate, estimate
from .multipliers import factor_bits

MOST_MULTIPLIERS = 4096
_RATIO = 1.15
"""Budgets are tried in steps of this ratio first."""

FEWEST_TRIES, MOST_TRIES = 14, 80
"""Budgets that are tried for a large network and for a small one."""

SHARED_TRIES = 16
"""Budgets beyond the device's multipliers that are tried for the sake of outputs that share them."""

EFFORT = 4_000_000
"""Elements of all tensors times tries."""


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
    """Find the fastest hardware that the device holds.

    LUTs and flip-flops are held to what the estimate's error leaves: they fit even if the estimate is as far too low
    as in one of twenty networks. DSP blocks and block RAMs count as they are.

    Multipliers and logic grow with the budget, and bisection finds where they run out. Block RAM does not: a faster
    schedule may take less. So below that limit budgets are tried one after another, of a small network all that may
    be faster than what was found. DSP blocks that several outputs share do not either: a larger budget may divide such
    that far more share one. So beyond the limit those budgets are tried whose division would fit.

    Raises
    ------
    FitError
        If not even the smallest schedule fits; the message says what is short.
    """
    search = _Search(graph, device, progress)
    smallest = search.attempt(1)
    budgets = _budgets()
    limit = search.logic_limit(budgets)
    best = search.highest_that_fits([budget for budget in budgets if budget < limit])
    if best is None:
        raise FitError(
            f"the network does not fit {device}: with {budgets[0]} multipliers it is estimated to take"
            f" {smallest.excess}; choose a larger part"
        )
    best = search.refined(best, limit)
    best = search.shared(best, limit)
    best = search.with_fewest(best, budgets)
    assert best.fitted is not None
    return replace(best.fitted, limited_by=search.reason(best))


@dataclass(frozen=True)
class _Attempt:
    """The hardware of a budget where it fits, else what the device lacks."""

    budget: int
    fitted: Fitted | None
    excess: str = ""

    @property
    def interval(self) -> float:
        """Cycles of a frame; endless where it does not fit."""
        return math.inf if self.fitted is None else self.fitted.schedule.prediction.mean_interval

    @property
    def lacks_logic(self) -> bool:
        """Whether more than block RAM is short."""
        return any(name in self.excess for name in ("LUT", "FF", "DSP"))


class _Search:
    """Budgets that were tried on a device."""

    def __init__(self, graph: IntegerGraph, device: str, progress: Callable[[str], None]) -> None:
        self._graph, self._device, self._progress = graph, device, progress
        self._tried: dict[int, _Attempt] = {}
        self._tries = max(FEWEST_TRIES, min(MOST_TRIES, EFFORT // sum(t.size for t in graph.tensors.values())))

    def attempt(self, budget: int) -> _Attempt:
        """The hardware of a budget."""
        if budget not in self._tried:
            rest = f" budgets tried, now {budget:,} multipliers"
            self._progress(Step(f"fitting {self._device}", len(self._tried), self._tries, rest, about=True))
            lowered, begun = draft_hardware(self._graph, Target(multipliers=budget))
            # What lacks multipliers is not finished: the memories take most of the time.
            excess = lacking_blocks(adapt(lowered, unshrunk(begun), self._device)[1])
            fitted = None
            if not excess:
                schedule, guess = adapt(lowered, finish(begun), self._device)
                excess = excess_of(guess)
                fitted = None if excess else Fitted(lowered, schedule, guess)
            self._tried[budget] = _Attempt(budget, fitted, excess)
        return self._tried[budget]

    def bound(self, budget: int) -> int:
        """Cycles that no schedule of a budget is below."""
        return least_interval(self._graph, Target(multipliers=budget))

    def logic_limit(self, budgets: Sequence[int]) -> int:
        """The first of the budgets whose multipliers or logic the device lacks, or one more than the last.

        Starts at the budget of the device's DSP blocks. Ends early where more multipliers cannot be faster.
        """
        capacity = find_device(self._device).capacity
        most = capacity.dsp if capacity is not None else 0
        fastest = self.bound(budgets[-1])
        low, high = 0, len(budgets)
        place, step = max(1, bisect_right(budgets, most) - 1), 1
        while high - low > 1:
            tried = self.attempt(budgets[place])
            if tried.interval <= fastest:
                return budgets[place] + 1
            low, high = (low, place) if tried.lacks_logic else (place, high)
            # In growing steps as long as one side is unknown, then by halves.
            if high == len(budgets):
                place = min(low + step, len(budgets) - 1)
            else:
                place = max(high - step, 1) if low == 0 else (low + high) // 2
            step *= 2
        return budgets[high] if high < len(budgets) else budgets[-1] + 1

    def highest_that_fits(self, budgets: Sequence[int]) -> _Attempt | None:
        """The largest of the budgets that fits, looked for from above in steps that grow."""
        place, step = len(budgets) - 1, 1
        while place >= 0:
            tried = self.attempt(budgets[place])
            if tried.fitted is not None:
                return tried
            place = place - step if place == 0 else max(0, place - step)
            step += 1
        return None

    def refined(self, best: _Attempt, limit: int) -> _Attempt:
        """The fastest of the budgets between: by bisection, then those that may be faster from above."""
        best = min((tried for tried in self._tried.values() if tried.fitted is not None), key=_rank)
        low, high = best.budget, limit
        while high - low > 1 and self._left > 0:
            middle = (low + high) // 2
            if self.bound(middle) >= best.interval or self.attempt(middle).fitted is not None:
                low = middle
            else:
                high = middle
            best = min(best, self._tried.get(middle, best), key=_rank)
        # Below what lacks logic first; above it only the divisions of a few budgets may use fewer multipliers.
        lacking = min([limit, *(tried.budget for tried in self._tried.values() if tried.lacks_logic)])
        for budgets in (range(lacking - 1, 0, -1), range(lacking + 1, limit) if self._tries > FEWEST_TRIES else ()):
            for budget in budgets:
                if self._left <= 0 or self.bound(budget) >= best.interval:
                    break
                best = min(best, self.attempt(budget), key=_rank)
        return best

    def shared(self, best: _Attempt, limit: int) -> _Attempt:
        """The fastest of the budgets from `limit` on whose outputs share so many DSP blocks that they fit."""
        device = find_device(self._device)
        network = lower(self._graph)
        members = outputs_a_block(network, factor_bits(device.family))
        if device.capacity is None or members < 2:
            return best
        promising = []
        for budget in range(limit, members * device.capacity.dsp + 1):
            for interval, blocks in shared_blocks(network, budget, members):
                if interval < best.interval and blocks <= device.capacity.dsp:
                    promising.append((interval, budget))
        tried: set[int] = set()
        for interval, budget in sorted(promising):
            if interval >= best.interval or len(tried) == SHARED_TRIES:
                break
            # Of one division, which several budgets may have, the smallest budget.
            if interval not in tried:
                tried.add(interval)
                best = min(best, self.attempt(budget), key=_rank)
        return best

    @property
    def _left(self) -> int:
        return self._tries - len(self._tried)

    def with_fewest(self, best: _Attempt, budgets: Sequence[int]) -> _Attempt:
        """The fewest multipliers of the same speed."""
        for budget in [budget for budget in reversed(budgets) if budget < best.budget]:
            if self.bound(budget) > best.interval:
                break
            smaller = self.attempt(budget)
            if smaller.interval > best.interval:
                break
            best = smaller
        return best

    def reason(self, best: _Attempt) -> str:
        """What keeps the device from a faster schedule."""
        larger = [tried for tried in self._tried.values() if tried.fitted is None and tried.budget > best.budget]
        if not larger or best.interval <= self.bound(MOST_MULTIPLIERS):
            return "the network: more multipliers make it no faster"
        nearest = min(larger, key=lambda tried: tried.budget)
        return f"{nearest.excess} with {nearest.budget:,} multipliers"


def _rank(tried: _Attempt) -> tuple[float, int]:
    """The fastest first, of these the one of the fewest multipliers."""
    return tried.interval, tried.budget


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
    counts = guess.counts
    margin = {name: 1 + guess.known.errors[name].percentile95 for name in ("lut", "ff")}
    careful = Counts(
        lut=round(counts.lut * margin["lut"]), ff=round(counts.ff * margin["ff"]), dsp=counts.dsp, bram=counts.bram
    )
    excess = _excess(careful, guess.device)
    return f"{excess} (the estimate's error included)" if "LUT" in excess or "FF" in excess else excess


def lacking_blocks(guess: Estimate) -> str:
    """The DSP blocks that the device lacks; empty if it has enough."""
    return _excess(Counts(lut=0, ff=0, dsp=guess.counts.dsp, bram=0), guess.device)


def _excess(counts: Counts, device: str) -> str:
    if find_device(device).capacity is None:
        raise FitError(f"{device} is a family without a size; name a part to fit to")
    return describe_excess(counts, device)


def outputs_a_block(graph: IntegerGraph, bits: int) -> int:
    """How many outputs of some layer share a DSP block whose wider factor has so many bits."""
    widths = (
        (graph.tensors[op.input].format.width, op.weight_format.width)
        for op in graph.operators
        if isinstance(op, IntegerAffine | IntegerConvolution)
    )
    return max((outputs_a_multiplier(bits, *pair) for pair in widths), default=1)


def _budgets() -> list[int]:
    """The budgets to try, one multiplier first."""
    budgets = [1]
    while budgets[-1] < MOST_MULTIPLIERS:
        budgets.append(max(budgets[-1] + 1, int(budgets[-1] * _RATIO)))
    return budgets
