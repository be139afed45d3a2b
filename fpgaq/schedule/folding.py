"""How many lanes each layer gets: the folds with the best interval for a budget of multipliers.

The search is exhaustive over S = taps x channels and outputs of every multiplying layer: for an interval T each layer
takes its cheapest fold of at most T cycles, and T is the least for which the sum fits. Folds that cannot be better
(another has no more cycles and no more multipliers) are dropped beforehand.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import FitError
from .plans import Fold, Target


@dataclass(frozen=True)
class FoldRange:
    """What of a layer can be folded.

    `windows` output pixels; `taps` of the kernel; `channels` and `outputs` of one convolution group; `groups`
    convolution groups. In a `lanewise` layer (pooling, depthwise convolution) every channel is on its own: its lanes
    are channels and outputs at once. Only layers that multiply count against a budget.
    """

    operator: str
    windows: int
    taps: int
    channels: int
    outputs: int
    groups: int = 1
    lanewise: bool = False
    multiplies: bool = True

    @property
    def macs(self) -> int:
        """Products of a frame."""
        if not self.multiplies:
            return 0
        outputs = 1 if self.lanewise else self.outputs
        return self.windows * self.taps * self.channels * outputs * self.groups

    def cycles(self, fold: Fold) -> int:
        """Cycles of a frame under `fold`."""
        steps = -(-self.taps // fold.taps)
        if self.lanewise:
            return self.windows * steps * -(-self.channels // fold.channels)
        return (
            self.windows * steps * -(-self.channels // fold.channels) * -(-self.outputs // fold.outputs) * self.groups
        )


def _lanes(size: int, dividing: bool) -> list[int]:
    """The least lane count for each number of steps that `size` can take; only divisors if `dividing`."""
    counts = sorted({-(-size // steps) for steps in range(1, size + 1)}) if size < 64 else _sparse_lanes(size)
    return [lanes for lanes in counts if not dividing or size % lanes == 0]


def _sparse_lanes(size: int) -> list[int]:
    # Rounded up: of lanes and steps that both exceeded it, one would be more than needed.
    root = math.isqrt(size - 1) + 1
    small = set(range(1, root + 1))
    return sorted({-(-size // -(-size // lanes)) for lanes in small} | {-(-size // steps) for steps in small})


def folds(layer: FoldRange) -> list[tuple[int, Fold]]:
    """The folds of a layer worth having, as (cycles, fold): fewest cycles first, multipliers falling.

    Among equals a fold with fewer tap lanes wins (each has its own copy of the line buffer), then one with fewer
    input lanes (a narrower memory).
    """
    grouped = layer.groups > 1
    best: dict[int, tuple[tuple[int, int, int], Fold]] = {}
    outputs = [1] if layer.lanewise else _lanes(layer.outputs, grouped)
    for taps in _lanes(layer.taps, False):
        for channels in _lanes(layer.channels, grouped):
            for lanes in outputs:
                products = taps * channels * lanes
                fold = Fold(taps, channels, channels if layer.lanewise else lanes, products if layer.multiplies else 0)
                cost = (products, taps, channels)
                cycles = layer.cycles(fold)
                if cycles not in best or cost < best[cycles][0]:
                    best[cycles] = (cost, fold)
    kept: list[tuple[int, Fold]] = []
    cheapest: int | None = None
    for cycles in sorted(best):
        cost, fold = best[cycles]
        if cheapest is None or cost[0] < cheapest:
            kept.append((cycles, fold))
            cheapest = cost[0]
    return kept


def _within(options: Sequence[tuple[int, Fold]], cycles: int) -> Fold | None:
    """The cheapest fold of at most `cycles`."""
    fitting = [fold for busy, fold in options if busy <= cycles]
    return fitting[-1] if fitting else None


def choose_folds(layers: Sequence[FoldRange], target: Target, least_interval: int) -> dict[str, Fold]:
    """A fold for each layer.

    Parameters
    ----------
    layers : sequence of FoldRange
    target : Target
        A budget of multipliers, or of cycles.
    least_interval : int
        Cycles below which no fold helps: the beats of the network's input or output.

    Raises
    ------
    FitError
        If the target cannot be met; the message says what can.
    """
    options = {layer.operator: folds(layer) for layer in layers}
    fastest = max([least_interval, *(choices[0][0] for choices in options.values())])

    def fitted(cycles: int) -> dict[str, Fold] | None:
        chosen = {name: _within(choices, cycles) for name, choices in options.items()}
        if any(fold is None for fold in chosen.values()):
            return None
        return {name: fold for name, fold in chosen.items() if fold is not None}

    def multipliers(cycles: int) -> int:
        chosen = fitted(cycles)
        return 1 << 62 if chosen is None else sum(fold.multipliers for fold in chosen.values())

    if target.cycles is not None:
        chosen = fitted(target.cycles)
        if chosen is None or target.cycles < least_interval:
            raise FitError(
                f"a frame in {target.cycles} cycles cannot be reached: at least {fastest} cycles are needed"
                f" (with {multipliers(fastest)} multipliers); ask for --cycles {fastest} or more"
            )
        return chosen
    budget = target.multipliers
    if budget is None:
        raise ValueError("a target names multipliers or cycles")
    least = sum(choices[-1][1].multipliers for choices in options.values())
    if budget < least:
        raise FitError(
            f"{budget} multipliers are fewer than the {least} layers that multiply, each of which needs one;"
            f" ask for --multipliers {least} or more"
        )
    candidates = sorted(
        {cycles for choices in options.values() for cycles, _ in choices if cycles >= fastest} | {fastest}
    )
    # Multipliers fall as the allowed cycles grow, so the first candidate that fits is the fastest.
    position = bisect_left(candidates, True, key=lambda cycles: multipliers(cycles) <= budget)
    chosen = fitted(candidates[position])
    assert chosen is not None
    return chosen
