"""Where the registers of an unrolled network stand: between levels of carry chains, the slowest stage made fast."""

from __future__ import annotations

from collections.abc import Sequence

from .adders.chains import ChainProgram

# Cost of a level in addition to the positions of its longest chain, in such positions: wires and tables before it.
LEVEL_COST = 25


def level_costs(program: ChainProgram, requantized: bool) -> tuple[int, ...]:
    """An estimate of the delay of each level of a layer, the requantizer's at the end, in positions of a chain."""
    widths = [0] * program.depth
    for chain in program.chains:
        widths[chain.level - 1] = max(widths[chain.level - 1], chain.width)
    return (*(LEVEL_COST + width for width in widths), *((LEVEL_COST,) if requantized else ()))


def cut(costs: Sequence[int], stages: int, limit: int) -> tuple[int, ...]:
    """Levels (counted from 1) after which registers stand, so that the slowest of `stages` stages takes least.

    No stage has more than `limit` levels; the register after the last level is not among the cuts.
    """
    depth = len(costs)
    # For the first `end` levels in each number of stages: what the slowest takes, and where the last stage begins.
    best: list[tuple[int, int] | None] = [(0, 0)] + [None] * depth
    begins: list[list[int]] = []
    for _ in range(stages):
        found: list[tuple[int, int] | None] = [None] * (depth + 1)
        for end in range(1, depth + 1):
            for begin in range(max(0, end - limit), end):
                before = best[begin]
                if before is None:
                    continue
                slowest = max(before[0], sum(costs[begin:end]))
                known = found[end]
                if known is None or slowest < known[0]:
                    found[end] = (slowest, begin)
        begins.append([entry[1] if entry else -1 for entry in found])
        best = found
    cuts: list[int] = []
    end = depth
    for stage in range(stages - 1, 0, -1):
        end = begins[stage][end]
        cuts.insert(0, end)
    return tuple(cuts)


def slowest_stage(costs: Sequence[int], cuts: Sequence[int]) -> int:
    """The estimate of the slowest stage."""
    bounds = (0, *cuts, len(costs))
    return max(sum(costs[begin:end]) for begin, end in zip(bounds, bounds[1:], strict=False))


def spread(costs: Sequence[Sequence[int]], stages: int) -> list[tuple[int, ...]]:
    """Cuts of each layer: a stage for each at least, and at most `stages` in all, given to whoever is slowest."""
    cuts: list[tuple[int, ...]] = [() for _ in costs]
    for _ in range(stages - len(costs)):
        times = [slowest_stage(layer, known) for layer, known in zip(costs, cuts, strict=True)]
        divisible = [index for index, layer in enumerate(costs) if len(cuts[index]) + 1 < len(layer)]
        if not divisible:
            break
        worst = max(divisible, key=lambda index: times[index])
        cuts[worst] = cut(costs[worst], len(cuts[worst]) + 2, len(costs[worst]))
    return cuts
