"""The folds of one layer that are worth having: lanes over kernel taps, input channels and outputs.

Folds that cannot be better (another has no more cycles and no more multipliers) are dropped.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from .plans import Fold


@dataclass(frozen=True)
class FoldRange:
    """What of a layer can be folded.

    `windows` output pixels; `taps` of the kernel; `channels` and `outputs` of one convolution group; `groups`
    convolution groups. In a `lanewise` layer (pooling, depthwise convolution) every channel is on its own: its lanes
    are channels and outputs at once. Only layers that multiply count against a budget. No fold has fewer lanes for
    outputs than `least_outputs`.
    """

    operator: str
    windows: int
    taps: int
    channels: int
    outputs: int
    groups: int = 1
    lanewise: bool = False
    multiplies: bool = True
    least_outputs: int = 1

    @property
    def macs(self) -> int:
        """Products of a frame."""
        if not self.multiplies:
            return 0
        outputs = 1 if self.lanewise else self.outputs
        return self.windows * self.taps * self.channels * outputs * self.groups

    @property
    def results(self) -> int:
        """Results of a pixel."""
        return self.channels if self.lanewise else self.outputs * self.groups

    def steps(self, fold: Fold) -> int:
        """Cycles of a group under `fold`."""
        taps = -(-self.taps // fold.taps)
        return taps if self.lanewise else taps * -(-self.channels // fold.channels)

    def cycles(self, fold: Fold) -> int:
        """Cycles of a frame under `fold`."""
        groups = -(-self.channels // fold.channels) if self.lanewise else -(-self.outputs // fold.outputs) * self.groups
        return self.windows * self.steps(fold) * groups


def fold_sizes(size: int, dividing: bool) -> list[int]:
    """The least lane count for each number of steps that `size` can take; only divisors if `dividing`."""
    counts = sorted({-(-size // steps) for steps in range(1, size + 1)}) if size < 64 else _sparse_lanes(size)
    return [lanes for lanes in counts if not dividing or size % lanes == 0]


def _sparse_lanes(size: int) -> list[int]:
    # Rounded up: of lanes and steps that both exceeded it, one would be more than needed.
    root = math.isqrt(size - 1) + 1
    small = set(range(1, root + 1))
    return sorted({-(-size // -(-size // lanes)) for lanes in small} | {-(-size // steps) for steps in small})


@lru_cache(maxsize=4096)
def folds(layer: FoldRange) -> tuple[tuple[int, Fold], ...]:
    """The folds of a layer worth having, as (cycles, fold): fewest cycles first, multipliers falling.

    Among equals a fold with fewer tap lanes wins (each has its own copy of the line buffer), then one with fewer
    input lanes (a narrower memory).
    """
    return _folds(replace(layer, operator=""))


@lru_cache(maxsize=1024)
def _folds(layer: FoldRange) -> tuple[tuple[int, Fold], ...]:
    """The same for all layers of a shape."""
    grouped = layer.groups > 1
    best: dict[int, tuple[tuple[int, int, int], Fold]] = {}
    outputs = [1] if layer.lanewise else fold_sizes(layer.outputs, grouped)
    for taps in fold_sizes(layer.taps, False):
        for channels in fold_sizes(layer.channels, grouped):
            for lanes in outputs:
                products = taps * channels * lanes
                fold = Fold(taps, channels, channels if layer.lanewise else lanes, products if layer.multiplies else 0)
                cost = (products, taps, channels)
                cycles = layer.cycles(fold)
                if fold.outputs < layer.least_outputs:
                    continue
                if cycles not in best or cost < best[cycles][0]:
                    best[cycles] = (cost, fold)
    kept: list[tuple[int, Fold]] = []
    cheapest: int | None = None
    for cycles in sorted(best):
        cost, fold = best[cycles]
        if cheapest is None or cost[0] < cheapest:
            kept.append((cycles, fold))
            cheapest = cost[0]
    return tuple(kept)


def cheapest_within(options: Sequence[tuple[int, Fold]], cycles: int) -> Fold:
    """The cheapest fold of at most `cycles`, of which there must be one."""
    return [fold for busy, fold in options if busy <= cycles][-1]
