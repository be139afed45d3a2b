"""All steps of `fpgaq prune` in a row: groups, importance, search, rebuild, training, figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...base.data import Dataset
from ...base.errors import FitError, UsageError
from ...base.progress import within
from ...base.results import Result
from ...model.executor import run_float
from ...model.graph import Graph, Softmax
from .budget_search import Found
from .choice import choices_within, limits_of
from .figures import Figures, measure
from .groups import Group, find_groups
from .least_squares import refit
from .options import PruneOptions
from .shrinkage import rebuild
from .units import Units, find_units


@dataclass(frozen=True, eq=False, repr=False)
class PruneResult(Result):
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

    def headline(self) -> str:
        """How many channels of the groups are left, in one line."""
        kept, size = sum(self.found.counts), sum(group.size for group in self.groups)
        return f"{self.graph.name}: {kept:,} of {size:,} channels kept in {len(self.groups)} groups"

    def records(self) -> list[dict[str, Any]]:
        """A row for each group of channels."""
        return [
            {"layers": " + ".join(group.layers), "channels": group.size, "kept": kept}
            for group, kept in zip(self.groups, self.found.counts, strict=True)
        ]


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
        Samples to quantize with, and to choose by where no training samples are given.
    options : PruneOptions
    training, data : Dataset, optional
        Labelled samples: to choose by and to train on, and to give the accuracy of.
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
    samples = calibration if training is None else training.inputs
    choices = choices_within(limits_of(units, options, before), units, groups, samples, options, progress)
    found = _best(units, choices[: options.trials], training, options, progress)
    progress("rebuilding")
    pruned = _rebuilt(units, found, options, samples)
    if options.epochs and training is not None and training.labels is not None:
        progress("training")
        pruned = _trained(graph, pruned, training, options, options.epochs, progress)
    progress("measuring the pruned network")
    return PruneResult(pruned, groups, found, before, measure(pruned, calibration, data, options.multipliers, device))


def _best(
    units: Units, choices: list[Found], training: Dataset | None, options: PruneOptions, progress: Callable[[str], None]
) -> Found:
    """The choice whose network is least surprised by labels after a short training, on samples that it did not see."""
    if len(choices) == 1:
        return choices[0]
    assert training is not None and training.labels is not None
    seen, unseen = (training.select(rows) for rows in _split(training.frames))
    assert unseen.labels is not None
    surprises = []
    for number, found in enumerate(choices, 1):
        tell = within(f"trial {number} of {len(choices)}", progress)

        pruned = _rebuilt(units, found, options, seen.inputs)
        graph = _trained(units.graph, pruned, seen, options, options.trial_epochs, tell)
        surprises.append(_surprise(graph, unseen))
        tell(f"cross entropy {surprises[-1]:.4f} on unseen samples")
    return choices[int(np.argmin(surprises))]


def _surprise(graph: Graph, data: Dataset) -> float:
    """Mean cross entropy of labelled samples: it needs fewer of them than a count of errors to rank two networks."""
    assert data.labels is not None
    ((name, values),) = run_float(graph, data.inputs).items()
    rows = values.reshape(data.frames, -1).astype(np.float64)
    if not any(isinstance(op, Softmax) and op.output == name for op in graph.operators):
        rows = np.exp(rows - rows.max(axis=1, keepdims=True))
        rows /= rows.sum(axis=1, keepdims=True)
    return float(-np.log(rows[np.arange(data.frames), data.labels.ravel()] + 1e-9).mean())


def _rebuilt(units: Units, found: Found, options: PruneOptions, inputs: Mapping[str, NDArray[Any]]) -> Graph:
    """The smaller network, proved to be the masked one, and then fitted to the whole one if asked to."""
    pruned = rebuild(units, found.keep, inputs)
    return refit(units, found.keep, pruned, inputs) if options.refit else pruned


def _split(frames: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Nine tenths of the samples, and the rest: every tenth."""
    numbers = np.arange(frames)
    return numbers[numbers % 10 != 9], numbers[numbers % 10 == 9]


def _trained(
    graph: Graph,
    pruned: Graph,
    training: Dataset,
    options: PruneOptions,
    epochs: float,
    progress: Callable[[str], None],
) -> Graph:
    from ...nnabla.retraining import Recipe, retrain
    from ...nnabla.training import TrainOptions

    assert training.labels is not None
    recipe = Recipe(TrainOptions(epochs=epochs, rate=options.rate, weight_decay=1e-4))
    return retrain(pruned, training.inputs, training.labels, recipe, teacher=graph, progress=progress)
