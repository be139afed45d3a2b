"""All steps of `fpgaq prune` in a row: groups, importance, search, rebuild, training, figures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..data import Dataset
from ..errors import FitError, UsageError
from ..float_executor import run_float
from ..graph import Graph
from ..report.summary import summarize
from .budget_search import Found, alike, measure_sensitivity, ranked
from .cost import Budget, cost_of
from .figures import Figures, measure
from .groups import Group, find_groups
from .importance import MEASURES, Statistics
from .least_squares import refit
from .masks import Limits
from .shrinkage import rebuild
from .units import Units, find_units

MOST_ATTEMPTS = 4
"""How often a budget is tightened if the real schedule takes more cycles than its folds alone."""
MOST_MISSES = 4
"""How many choices for each trial may turn out not to fit before no more are looked for."""


@dataclass(frozen=True)
class PruneOptions:
    """What is asked for.

    Parameters
    ----------
    macs, rom_bits, cycles : float, optional
        Limits: up to 1 a share of what the network takes, above that a number. At least one is set.
    multipliers : int
        What cycles are taken at.
    measure : str
        One of `MEASURES`.
    limits : Limits
    jobs : int or None
        Processes that measure sensitivities.
    epochs : float
        Of training behind the cut, with nnabla; 0 for none.
    rate : float
        Of that training, at its start.
    trials : int
        Of so many choices of least harm, the one is taken whose network answers best after a short training, on a
        tenth of the training samples that it did not see. Harm is measured without training, and misjudges what
        training mends.
    trial_epochs : float
        Of each short training.
    refit : bool
        Fit the layers behind the cut to what the whole network puts out, on the training or calibration samples.
    """

    macs: float | None = None
    rom_bits: float | None = None
    cycles: float | None = None
    multipliers: int = 64
    measure: str = "l2"
    limits: Limits = field(default_factory=Limits)
    jobs: int | None = 1
    epochs: float = 0.0
    rate: float = 3e-3
    trials: int = 1
    trial_epochs: float = 4.0
    refit: bool = True

    def __post_init__(self) -> None:
        for name in ("macs", "rom_bits", "cycles"):
            value = getattr(self, name)
            if value is not None and not 0 < value < float("inf"):
                raise UsageError(f"a budget of {value:g}; give a share up to 1, or a number above")
        if self.macs is None and self.rom_bits is None and self.cycles is None:
            raise UsageError("no budget is set; name multiplications, ROM bits or cycles")
        if self.measure not in MEASURES:
            raise UsageError(f"measure {self.measure!r} is unknown; choose one of {', '.join(MEASURES)}")
        if self.multipliers < 1:
            raise UsageError(f"{self.multipliers} multipliers; at least 1 is needed")
        if not 0 <= self.epochs < float("inf"):
            raise UsageError(f"{self.epochs:g} epochs; 0 or more are needed")
        if self.trials < 1 or not 0 < self.trial_epochs < float("inf"):
            raise UsageError(
                f"{self.trials} trials of {self.trial_epochs:g} epochs; at least one of some length is needed"
            )


@dataclass(frozen=True, eq=False)
class PruneResult:
    """The pruned network, how it came about, and the figures of both."""

    graph: Graph
    groups: tuple[Group, ...]
    found: Found
    before: Figures
    after: Figures

    def as_json(self) -> dict[str, Any]:
        """Plain values for `--json`."""
        groups = [{**group.as_json(), "kept": kept} for group, kept in zip(self.groups, self.found.counts, strict=True)]
        return {"groups": groups, "before": self.before.as_json(), "after": self.after.as_json()}


def prune_graph(
    graph: Graph,
    calibration: Mapping[str, NDArray[Any]],
    options: PruneOptions,
    *,
    training: Dataset | None = None,
    data: Dataset | None = None,
    device: str | None = None,
    progress: Callable[[str], None] = lambda text: None,
) -> PruneResult:
    """Cut a network to a budget, train it if asked to, and measure both.

    Parameters
    ----------
    graph : Graph
        As it was read, before passes.
    calibration : mapping of str to array
        Samples for measuring and for quantizing.
    options : PruneOptions
    training, data : Dataset, optional
        Labelled samples: to train on, and to give the accuracy of.
    device : str, optional
        Synthesize both for it.
    """
    if (options.epochs or options.trials > 1) and (training is None or training.labels is None):
        raise UsageError("training needs labelled samples: give --train, or leave --finetune and --trials out")
    units = find_units(graph)
    groups = find_groups(units)
    if not any(group.units for group in groups):
        raise FitError(f"nothing of network {graph.name!r} can be pruned: {groups[0].reason if groups else 'no layer'}")
    progress("measuring the network")
    before = measure(graph, calibration, data, options.multipliers, device)
    choices = _within_budget(units, groups, calibration, options, before, progress)
    found = choices[0] if training is None else _best(units, choices, training, options, progress)
    progress("rebuilding")
    pruned = _rebuilt(units, found, options, calibration if training is None else training.inputs)
    if options.epochs and training is not None and training.labels is not None:
        progress("training")
        pruned = _trained(graph, pruned, training, options, options.epochs, progress)
    progress("measuring the pruned network")
    return PruneResult(pruned, groups, found, before, measure(pruned, calibration, data, options.multipliers, device))


def _within_budget(
    units: Units,
    groups: tuple[Group, ...],
    calibration: Mapping[str, NDArray[Any]],
    options: PruneOptions,
    before: Figures,
    progress: Callable[[str], None],
) -> list[Found]:
    """The least harmful choices whose real schedules keep to the cycles too, as many as are tried."""
    scores = MEASURES[options.measure](units, Statistics(calibration))

    def show(done: int, total: int) -> None:
        progress(f"measuring sensitivities: {done} of {total}")

    sensitivity = measure_sensitivity(
        units, groups, scores, calibration, options.limits, jobs=options.jobs, progress=show
    )
    budget = limits = _limits(units, options, before)

    def excess(found: Found) -> int:
        """Cycles of the real schedule over those allowed."""
        if limits.cycles is None:
            return 0
        pruned = rebuild(units, found.keep, calibration)
        interval = measure(pruned, calibration, None, options.multipliers).interval
        return 0 if 0 < interval <= limits.cycles else max(1, interval - limits.cycles)

    for _ in range(MOST_ATTEMPTS):
        progress("searching")
        ranking = ranked(units, groups, scores, sensitivity, budget, more=options.trials > 1)
        best = next(ranking)
        over = excess(best)
        if not over:
            return _with_others(best, ranking, excess, tuple(group.size for group in groups), options.trials)
        # Queues and pixel rates can cost cycles that the folds do not know of.
        allowed = budget.cycles or 0
        budget = replace(budget, cycles=min(allowed, best.cost.cycles or allowed) - over)
    raise FitError(f"no pruning was found whose schedule takes at most {limits.cycles:,} cycles; allow more")


def _with_others(
    best: Found, ranking: Iterator[Found], excess: Callable[[Found], int], full: tuple[int, ...], most: int
) -> list[Found]:
    """The best choice and those behind it that are worth a trial of their own, up to `most`."""
    chosen, misses = [best], 0
    while len(chosen) < most and misses < MOST_MISSES * most and (found := next(ranking, None)) is not None:
        if any(alike(found.counts, one.counts, full) for one in chosen):
            continue
        if excess(found):
            misses += 1
        else:
            chosen.append(found)
    return chosen


def _best(
    units: Units, choices: list[Found], training: Dataset, options: PruneOptions, progress: Callable[[str], None]
) -> Found:
    """The choice whose network answers best after a short training, on samples that it did not see."""
    if len(choices) == 1:
        return choices[0]
    assert training.labels is not None
    seen, unseen = (training.select(rows) for rows in _split(training.frames))
    assert unseen.labels is not None
    scores = []
    for number, found in enumerate(choices, 1):

        def tell(text: str, number: int = number) -> None:
            progress(f"trial {number} of {len(choices)}: {text}")

        pruned = _rebuilt(units, found, options, seen.inputs)
        graph = _trained(units.graph, pruned, seen, options, options.trial_epochs, tell)
        (values,) = run_float(graph, unseen.inputs).values()
        scores.append(float(np.mean(values.reshape(unseen.frames, -1).argmax(axis=1) == unseen.labels)))
        tell(f"{100 * scores[-1]:.2f} % of unseen samples right")
    return choices[int(np.argmax(scores))]


def _rebuilt(units: Units, found: Found, options: PruneOptions, inputs: Mapping[str, NDArray[Any]]) -> Graph:
    """The smaller network, proved to be the masked one, and then fitted to the whole one if asked to."""
    pruned = rebuild(units, found.keep, inputs)
    return refit(units, found.keep, pruned, inputs) if options.refit else pruned


def _split(frames: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Nine tenths of the samples, and the rest: every tenth."""
    numbers = np.arange(frames)
    return numbers[numbers % 10 != 9], numbers[numbers % 10 == 9]


def _limits(units: Units, options: PruneOptions, before: Figures) -> Budget:
    """Shares turned into numbers."""
    whole = cost_of(units, units.everything(), Budget(macs=1))
    summary = summarize(units.graph)

    def number(value: float | None, of: int) -> int | None:
        if value is None:
            return None
        return max(1, int(value * of if value <= 1 else value))

    return Budget(
        number(options.macs, summary.macs),
        number(options.rom_bits, whole.rom_bits),
        number(options.cycles, before.interval),
        options.multipliers,
    )


def _trained(
    graph: Graph,
    pruned: Graph,
    training: Dataset,
    options: PruneOptions,
    epochs: float,
    progress: Callable[[str], None],
) -> Graph:
    from ..nnabla.training import TrainOptions
    from .training import Recipe, retrain

    assert training.labels is not None
    recipe = Recipe(TrainOptions(epochs=epochs, rate=options.rate, weight_decay=1e-4))
    return retrain(pruned, training.inputs, training.labels, recipe, teacher=graph, progress=progress)
