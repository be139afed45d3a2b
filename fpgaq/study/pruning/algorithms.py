"""Ways to a smaller network that train with nnabla (CPython 3.10): each a small class over mask, rebuild and training.

One of these is called with a graph as it was read (batch normalization still in it), samples and targets, and returns
a smaller graph. How to choose is a function from units and statistics to a mask; any will do.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from numpy.typing import NDArray

from ...base.errors import UsageError
from ...model.graph import Graph
from ...nnabla.retraining import Recipe, Samples, Trainee, retrain
from .budget_search import counts_within, measure_harms
from .cost import Budget, cost_of
from .elimination import both_cuts
from .groups import find_groups
from .harm import SAMPLES, Harm
from .importance import Importance, Scores, Statistics, l2_norm, normalization_scale
from .least_squares import refit
from .masked import zeroed
from .masks import Limits, by_global_ratio, by_ratio
from .readings import some_samples
from .shrinkage import rebuild
from .surgeon import lasting_loss
from .units import Mask, Units, find_units

Choice: TypeAlias = Callable[[Units, Statistics], Mask]
"""The parts to keep."""

Progress: TypeAlias = Callable[[str], None]


def _quiet(text: str) -> None:
    pass


def _statistics(graph: Graph, samples: Samples) -> Statistics:
    return Statistics(some_samples(graph, samples, SAMPLES))


@dataclass(frozen=True)
class OneShot:
    """Cut a network once, fit the rest, then train that on the labels and on the answers of the whole network."""

    choose: Choice
    recipe: Recipe = field(default_factory=Recipe)

    def __call__(self, graph: Graph, samples: Samples, targets: NDArray[Any], progress: Progress = _quiet) -> Graph:
        """The smaller graph."""
        units = find_units(graph)
        keep = self.choose(units, _statistics(graph, samples))
        fitted = refit(units, keep, rebuild(units, keep, samples), samples)
        return retrain(fitted, samples, targets, self.recipe, teacher=graph, progress=progress)


@dataclass(frozen=True)
class WithinBudget:
    """A choice for `OneShot`: the one within a budget that does the least harm, as measured."""

    budget: Budget
    importance: Importance = lasting_loss
    limits: Limits = field(default_factory=Limits)
    jobs: int | None = 1

    def __call__(self, units: Units, statistics: Statistics) -> Mask:
        """The mask."""
        if not statistics.inputs:
            raise UsageError("a budget is searched by what is measured on samples; give some")
        groups, scores = find_groups(units), self.importance(units, statistics)
        harm = Harm(units, statistics.inputs)
        harm_table = measure_harms(harm, groups, scores, self.limits, jobs=self.jobs)
        counts = counts_within(units, groups, scores, harm_table, self.budget).counts
        cuts = both_cuts(harm, groups, scores, counts)
        # Units of one group may differ in cost; those that importance chose are within the budget.
        fitting = [cut for cut in cuts if cost_of(units, cut.keep, self.budget).within(self.budget)]
        return min(fitting, key=lambda cut: cut.harm).keep


@dataclass(frozen=True)
class NetworkSlimming:
    """Train with a penalty on the factors of batch normalization, drop the smallest of the whole network, train again.

    Liu et al., "Learning Efficient Convolutional Networks through Network Slimming", 2017. With several rounds each
    drops an equal part of the channels.

    Parameters
    ----------
    ratio : float
        Share of all channels that can go, to be dropped in all rounds together.
    penalty : float
        Weight of the sum of the factors' magnitudes.
    sparse, recipe : Recipe
        Epochs of the training with the penalty, and of the training after each cut.
    rounds : int
    limits : Limits
    """

    ratio: float
    penalty: float = 1e-4
    sparse: Recipe = field(default_factory=Recipe)
    recipe: Recipe = field(default_factory=Recipe)
    rounds: int = 1
    limits: Limits = field(default_factory=Limits)

    def __call__(self, graph: Graph, samples: Samples, targets: NDArray[Any], progress: Progress = _quiet) -> Graph:
        """The smaller graph."""
        if not 0 <= self.ratio < 1 or self.rounds < 1:
            raise UsageError(f"a ratio of {self.ratio:g} in {self.rounds} rounds; it lies below 1, in at least 1 round")
        share = 1 - (1 - self.ratio) ** (1 / self.rounds)
        for _ in range(self.rounds):
            graph = retrain(graph, samples, targets, self.sparse, scale_penalty=self.penalty, progress=progress)
            units = find_units(graph)
            scores = normalization_scale(units, Statistics())
            keep = by_global_ratio(units, find_groups(units), scores, share, self.limits)
            pruned = rebuild(units, keep, samples)
            graph = retrain(pruned, samples, targets, self.recipe, teacher=graph, progress=progress)
        return graph


@dataclass(frozen=True)
class SoftPruning:
    """Set the least filters of each layer to 0 now and then while training, which may revive them; cut at the end.

    He et al., "Soft Filter Pruning for Accelerating Deep Convolutional Neural Networks", 2018; `progressive` lets the
    share grow from 0 over the first three quarters of the steps: He et al., "Asymptotic Soft Filter Pruning", 2019.

    Parameters
    ----------
    ratio : float
        Share of each group that goes.
    soft, recipe : Recipe
        Epochs of the training in which filters are set to 0, and of the training after the cut.
    every : int
        Steps between two choices.
    """

    ratio: float
    importance: Importance = l2_norm
    soft: Recipe = field(default_factory=Recipe)
    recipe: Recipe = field(default_factory=Recipe)
    every: int = 100
    progressive: bool = False
    limits: Limits = field(default_factory=Limits)

    def __call__(self, graph: Graph, samples: Samples, targets: NDArray[Any], progress: Progress = _quiet) -> Graph:
        """The smaller graph."""
        total = max(1, round(self.soft.options.epochs * (len(targets) // self.soft.batch_size)))

        def soften(trainee: Trainee, step: int) -> None:
            if (step + 1) % self.every == 0 or step + 1 == total:
                share = self.ratio * (min(1.0, (step + 1) / (0.75 * total)) if self.progressive else 1.0)
                units = find_units(trainee.graph())
                trainee.set(zeroed(units, self._mask(units, share)))

        trained = retrain(graph, samples, targets, self.soft, after_step=soften, progress=progress)
        units = find_units(trained)
        pruned = rebuild(units, self._mask(units, self.ratio), samples)
        return retrain(pruned, samples, targets, self.recipe, progress=progress)

    def _mask(self, units: Units, share: float) -> Mask:
        scores: Scores = self.importance(units, Statistics())
        return by_ratio(units, find_groups(units), scores, share, self.limits)
