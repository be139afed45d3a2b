"""How much a unit matters: one number for each, by norms, batch normalization, distances or measured activations.

A new measure is a function of the units and the statistics. Measures on weights are divided by their mean in each
layer, so that layers compare; a unit of several layers gets the mean over them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ...base.errors import UsageError
from ...model.executor import run_float
from ...model.graph import Affine, BatchNormalization, Convolution, Deconvolution, Operator
from ...model.passes.rewrite import sole_consumers
from .groups import makes_channels
from .partition import Labels
from .units import Units

Scores: TypeAlias = NDArray[np.float64]
"""One number for each unit; nan for one that no layer makes."""


@dataclass(frozen=True)
class Statistics:
    """Data for measures in addition to the graph: samples of the network's inputs, (n, *shape)."""

    inputs: Mapping[str, NDArray[Any]] | None = None


Importance: TypeAlias = Callable[[Units, Statistics], Scores]


def l1_norm(units: Units, statistics: Statistics) -> Scores:
    """Sum of the magnitudes of a filter's weights."""
    return _of_filters(units, lambda filters: np.abs(filters).sum(axis=1))


def l2_norm(units: Units, statistics: Statistics) -> Scores:
    """Euclidean length of a filter."""
    return _of_filters(units, lambda filters: np.sqrt((filters**2).sum(axis=1)))


def geometric_median(units: Units, statistics: Statistics) -> Scores:
    """Sum of a filter's distances to the others of its layer: one in their midst can be replaced by them.

    He et al., "Filter Pruning via Geometric Median for Deep Convolutional Neural Networks Acceleration", 2019.
    """
    return _of_filters(units, lambda filters: np.sqrt(_squared_distances(filters)).sum(axis=1))


def normalization_scale(units: Units, statistics: Statistics) -> Scores:
    """Magnitude of the factor of batch normalization, as it is.

    Liu et al., "Learning Efficient Convolutional Networks through Network Slimming", 2017.

    Raises
    ------
    UsageError
        If a unit that could go has no batch normalization.
    """
    collect = _Mean(units)
    for op in units.graph.operators:
        if isinstance(op, BatchNormalization):
            channels = units.channels(op.output)
            collect.add(channels, np.ones(len(channels)) if op.scale is None else np.abs(op.scale))
    scores = collect.scores()
    for op in units.graph.operators:
        missing = [u for u in units.labels[op.output].ravel().tolist() if np.isnan(scores[u]) and u not in units.fixed]
        if missing and makes_channels(op):
            raise UsageError(f"layer {op.name!r} has no batch normalization after it; take another measure")
    return scores


def mean_activation(units: Units, statistics: Statistics) -> Scores:
    """Mean magnitude of a unit as its readers see it on the samples, relative to the mean of the tensor.

    Raises
    ------
    UsageError
        Without samples.
    """
    if not statistics.inputs:
        raise UsageError("the measure of activations needs samples; give calibration data")
    tensors = run_float(units.graph, statistics.inputs, keep=True)
    collect = _Mean(units)
    for name in dict.fromkeys(op.input for op in units.graph.operators if _has_weights(op)):
        magnitudes = np.abs(tensors[name]).mean(axis=0, dtype=np.float64)
        collect.add(units.labels[name].ravel(), _relative(magnitudes.ravel()))
    return collect.scores()


def _has_weights(op: Operator) -> bool:
    return isinstance(op, Convolution | Deconvolution | Affine)


class _Mean:
    """The mean of all values that were recorded for a unit."""

    def __init__(self, units: Units) -> None:
        self.sums, self.counts = np.zeros(units.count), np.zeros(units.count)

    def add(self, labels: Labels, values: Scores) -> None:
        np.add.at(self.sums, labels, values)
        np.add.at(self.counts, labels, 1)

    def scores(self) -> Scores:
        with np.errstate(invalid="ignore"):
            result: Scores = self.sums / self.counts
        return result


def _relative(values: Scores) -> Scores:
    mean = values.mean()
    return values / mean if mean > 0 else values


def _of_filters(units: Units, measure: Callable[[Scores], Scores]) -> Scores:
    """A measure on the filters of each layer as they act: with the factor of a batch normalization after them."""
    collect = _Mean(units)
    readers = sole_consumers(units.graph)
    for op in units.graph.operators:
        if not makes_channels(op):
            continue
        filters = _filters(op)
        follower = readers.get(op.output)
        if isinstance(follower, BatchNormalization):
            factor = 1 / np.sqrt(follower.variance.astype(np.float64) + follower.epsilon)
            filters = filters * (factor * (1 if follower.scale is None else follower.scale))[:, None]
        collect.add(units.channels(op.output), _relative(measure(filters)))
    return collect.scores()


def _filters(op: Operator) -> Scores:
    """(outputs, weights of each)."""
    if isinstance(op, Deconvolution):
        channels, outputs, *kernel = op.weight.shape
        grouped = op.weight.reshape(op.groups, channels // op.groups, outputs, *kernel)
        return grouped.swapaxes(1, 2).reshape(op.groups * outputs, -1).astype(np.float64)
    assert isinstance(op, Convolution | Affine)
    return op.weight.reshape(len(op.weight), -1).astype(np.float64)


def _squared_distances(filters: Scores) -> Scores:
    lengths = (filters**2).sum(axis=1)
    result: Scores = np.maximum(lengths[:, None] + lengths - 2 * filters @ filters.T, 0)
    return result
