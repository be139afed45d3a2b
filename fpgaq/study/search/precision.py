"""Bits for each layer's weights under a budget: sensitivities measured, the best combinations of them tried."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ...base.choices import COSTS
from ...base.errors import FitError, UsageError
from ...base.parallel import evaluate
from ...base.results import Result
from ...model.graph import Graph
from ..report.sizes import products_of_layers, weights_of_layers
from .measure import Quality, Workload, measure_candidate

WIDTHS = (2, 3, 4, 5, 6, 8)
MAX_STATES = 4000
"""Trade-offs that are kept while layers are added one by one."""
TRIED = 8
"""Mixed configurations that are measured, spread over the front, besides those near the budget."""


@dataclass(frozen=True)
class Candidate:
    """Bits of the weights of every layer, their cost, and the measured quality.

    `predicted` is the sum of the layers' own noises; None for uniform widths.
    """

    bits: Mapping[str, int]
    cost: int
    predicted: float | None
    quality: Quality

    @property
    def uniform(self) -> bool:
        """Whether all layers have one width."""
        return len(set(self.bits.values())) == 1


@dataclass(frozen=True, repr=False)
class SearchResult(Result):
    """All measured candidates from the cheapest to the dearest, and the best one within the budget."""

    cost: str
    budget: int
    samples: int
    candidates: tuple[Candidate, ...]
    chosen: Candidate
    alone: Mapping[str, Mapping[int, float | None]]

    def as_json(self) -> dict[str, Any]:
        """Plain values for `--json`."""
        return asdict(self)

    def headline(self) -> str:
        """What was chosen, in one line."""
        bits = " ".join(str(width) for width in self.chosen.bits.values())
        return (
            f"{len(self.candidates)} candidates on {self.samples:,} samples; chosen: weight bits {bits},"
            f" {self.chosen.cost:,} of {self.budget:,} {self.cost} bits"
        )

    def records(self) -> list[dict[str, Any]]:
        """A row for each candidate."""
        return [
            {
                "weight_bits": " ".join(str(width) for width in each.bits.values()),
                "cost": each.cost,
                **asdict(each.quality),
                "chosen": each is self.chosen,
            }
            for each in self.candidates
        ]


def layer_costs(graph: Graph, cost: str) -> dict[str, int]:
    """The cost of one more bit of each layer's weights: bits of memory, or bits of weights multiplied a frame."""
    return weights_of_layers(graph) if cost == "rom" else products_of_layers(graph)


def parse_budget(text: str, full: int) -> int:
    """A number of bits, or a percentage of what 8-bit weights cost."""
    try:
        value = float(text[:-1]) * full / 100 if text.endswith("%") else float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value >= 1):
        raise UsageError(f"--budget {text!r}: a number of bits, or a percentage such as 60%, is needed")
    return int(value)


def search_precisions(
    workload: Workload,
    budget: str,
    cost: str = "rom",
    widths: Sequence[int] = WIDTHS,
    *,
    jobs: int | None = 1,
    dask: str | None = None,
    cache: str | Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> SearchResult:
    """Choose the weight bits of every layer.

    Parameters
    ----------
    workload : Workload
        Its options hold for all that is not searched.
    budget : str
        Bits, or a percentage of the cost of 8-bit weights.
    cost : {"rom", "multiplier"}
    widths : sequence of int
        Weight bits to choose from.

    Raises
    ------
    FitError
        A budget below the narrowest widths; the message says what they cost.
    UsageError
        An unknown cost, or widths that are no bits of weights.
    """
    run = partial(evaluate, partial(measure_candidate, workload), jobs=jobs, dask=dask, cache=cache, progress=progress)
    if cost not in COSTS:
        raise UsageError(f"cost {cost!r} is unknown; choose one of {', '.join(COSTS)}")
    costs = layer_costs(workload.graph, cost)
    if not costs:
        raise UsageError(f"network {workload.graph.name!r} has no layer with weights to choose bits for")
    widths = sorted(set(widths))
    if not widths or widths[0] < 2 or widths[-1] > 16:
        raise UsageError(f"--widths {','.join(map(str, widths))}: widths from 2 to 16 are needed")
    limit = parse_budget(budget, 8 * sum(costs.values()))
    least = widths[0] * sum(costs.values())
    if limit < least:
        raise FitError(f"--budget {budget}: {limit:,} bits, but {widths[0]}-bit weights alone take {least:,}")
    alone = _alone(run, costs, widths)
    uniform = [dict.fromkeys(costs, width) for width in widths]
    mixed = _promising(_front(alone, costs), limit)
    tasks = [{"layers": {name: {"weight_bits": bits} for name, bits in each.items()}} for each in [*uniform, *mixed]]
    results = run(tasks)
    candidates = [
        Candidate(bits, _price(bits, costs), _predict(bits, alone), Quality(**result))
        for bits, result in zip([*uniform, *mixed], results, strict=True)
    ]
    candidates.sort(key=lambda each: (each.cost, math.inf if each.quality.noise is None else each.quality.noise))
    affordable = [each for each in candidates if each.cost <= limit and each.quality.noise is not None]
    if not affordable:
        raise FitError(f"--budget {budget}: no combination of {widths} bits within {limit:,} bits can be quantized")
    chosen = min(affordable, key=lambda each: (each.quality.noise, each.cost))
    return SearchResult(cost, limit, len(workload.expected), tuple(candidates), chosen, alone)


def _alone(
    run: Callable[..., list[Any]], costs: Mapping[str, int], widths: Sequence[int]
) -> dict[str, dict[int, float | None]]:
    """The noise with one layer at each width and the others at the greatest."""
    widest = widths[-1]
    base = {name: {"weight_bits": widest} for name in costs}
    pairs = [(name, width) for name in costs for width in widths[:-1]]
    tasks = [{"layers": base}, *({"layers": {**base, name: {"weight_bits": width}}} for name, width in pairs)]
    whole, *results = run(tasks)
    floor = whole["noise"]
    alone: dict[str, dict[int, float | None]] = {name: {widest: 0.0} for name in costs}
    for (name, width), result in zip(pairs, results, strict=True):
        noise = result["noise"]
        # What the layer adds to the noise that is there anyway.
        alone[name][width] = None if noise is None or floor is None else max(0.0, noise - floor)
    return alone


def _front(
    alone: Mapping[str, Mapping[int, float | None]], costs: Mapping[str, int]
) -> list[tuple[int, float, dict[str, int]]]:
    """All combinations that no other one beats in cost and in the sum of noises, by cost."""
    states: list[tuple[int, float, dict[str, int]]] = [(0, 0.0, {})]
    for name, weight in costs.items():
        options = [(width, noise) for width, noise in alone[name].items() if noise is not None]
        grown = [
            (cost + width * weight, noise + more, {**bits, name: width})
            for cost, noise, bits in states
            for width, more in options
        ]
        grown.sort(key=lambda state: (state[0], state[1]))
        states = []
        for state in grown:
            if not states or state[1] < states[-1][1]:
                states.append(state)
        if len(states) > MAX_STATES:
            states = [states[round(i * (len(states) - 1) / (MAX_STATES - 1))] for i in range(MAX_STATES)]
    return states


def _promising(front: Sequence[tuple[int, float, dict[str, int]]], limit: int) -> list[dict[str, int]]:
    """Combinations spread over the front, and the last ones within the budget."""
    if not front:
        return []
    within = [index for index, state in enumerate(front) if state[0] <= limit]
    chosen = {round(i * (len(front) - 1) / (TRIED - 1)) for i in range(TRIED)} | set(within[-3:])
    combinations = [front[index][2] for index in sorted(chosen)]
    return [bits for bits in combinations if len(set(bits.values())) > 1]


def _price(bits: Mapping[str, int], costs: Mapping[str, int]) -> int:
    return sum(width * costs[name] for name, width in bits.items())


def _predict(bits: Mapping[str, int], alone: Mapping[str, Mapping[int, float | None]]) -> float | None:
    parts = [alone[name][width] for name, width in bits.items()]
    return None if None in parts else sum(part for part in parts if part is not None)
