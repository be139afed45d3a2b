"""Figures of merit beside accuracy: confusion, classes a pixel, several labels, numbers, reconstruction.

Which of them an output has follows from its shape and from what the data hold for it; `Metrics` says so for each.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ...base.data import Dataset
from ...model.graph import Graph, Pointwise

Task = Literal["classes", "classes a pixel", "several labels", "numbers", "reconstruction"]
Values = NDArray[np.float64]
Counts = NDArray[np.int64]

MOST_CLASSES = 64
"""Classes of which every pair is counted; of more, no page shows the matrix."""
MOST_DISAGREEMENTS = 12
NETWORKS = ("float", "integer")


@dataclass(frozen=True)
class Figure:
    """One figure of both networks; None where it does not exist. `share` marks a fraction of 1."""

    name: str
    float_value: float | None
    integer_value: float | None
    share: bool = False


@dataclass(frozen=True)
class OutputMetrics:
    """The figures of one output; `counted` is what they are over, `threshold` where a label counts as given."""

    output: str
    task: Task
    figures: tuple[Figure, ...]
    counted: int
    threshold: float | None = None


@dataclass(frozen=True)
class Confusion:
    """How often each class (a row) got each answer (a column), of both networks."""

    float_counts: tuple[tuple[int, ...], ...]
    integer_counts: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Disagreement:
    """A sample, by its place in the data, that the two networks answer differently; `label` is None without labels."""

    sample: int
    label: int | None
    float_answer: int
    integer_answer: int


def is_reconstruction(graph: Graph, dataset: Dataset) -> bool:
    """Whether labels 0 and 1 tell sound samples from others, which a network that gives back its input finds."""
    if dataset.labels is None or len(graph.inputs) != 1 or len(graph.outputs) != 1 or not dataset.labels.size:
        return False
    sizes = [math.prod(graph.shapes[name]) for name in (*graph.inputs, *graph.outputs)]
    return sizes[0] == sizes[1] > 2 and int(dataset.labels.max()) <= 1


def f1_score(right: int, wrong: int, missed: int) -> float | None:
    """The harmonic mean of precision and recall; None where nothing was given and nothing found."""
    total = 2 * right + wrong + missed
    return 2 * right / total if total else None


def area_under_curve(scores: Values, positive: NDArray[np.bool_]) -> float | None:
    """The chance that a positive sample scores above a negative one, ties counted half; None without both kinds."""
    positives, negatives = int(positive.sum()), int((~positive).sum())
    if not positives or not negatives:
        return None
    _, places, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    ranks = (ends - (counts - 1) / 2)[places.reshape(-1)]
    return float((ranks[positive].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def mean_overlap(counts: Counts) -> float | None:
    """The mean over classes that occur of intersection over union, from a confusion matrix."""
    inside = np.diag(counts)
    union = counts.sum(axis=0) + counts.sum(axis=1) - inside
    return float((inside[union > 0] / union[union > 0]).mean()) if (union > 0).any() else None


def _figure(name: str, values: Iterable[float | None], share: bool = False) -> Figure:
    first, second = values
    return Figure(name, first, second, share)


@dataclass
class _Errors:
    """Sums over one output's elements: absolute and squared errors of both networks, the targets' own spread."""

    count: int = 0
    absolute: list[float] = field(default_factory=lambda: [0.0, 0.0])
    squared: list[float] = field(default_factory=lambda: [0.0, 0.0])
    frames: int = 0
    total: Values | float = 0.0
    power: Values | float = 0.0

    def add(self, target: Values, values: tuple[Values, Values]) -> None:
        for place, own in enumerate(values):
            error = own - target
            self.absolute[place] += float(np.abs(error).sum())
            self.squared[place] += float((error**2).sum())
        self.count += target.size
        self.frames += len(target)
        self.total = self.total + target.sum(axis=0)
        self.power = self.power + (target**2).sum(axis=0)

    def results(self, output: str) -> OutputMetrics:
        spread = float(np.sum(self.power - np.square(self.total) / self.frames))
        around = [1.0 - error / spread if spread > 0 else None for error in self.squared]
        figures = (_figure("MAE", [error / self.count for error in self.absolute]), _figure("R2", around))
        return OutputMetrics(output, "numbers", figures, self.count)


@dataclass
class _Labels:
    """Right, wrong and missed labels of both networks."""

    threshold: float
    count: int = 0
    found: Counts = field(default_factory=lambda: np.zeros((2, 3), dtype=np.int64))
    equal: list[int] = field(default_factory=lambda: [0, 0])

    def add(self, target: Values, values: tuple[Values, Values]) -> None:
        wanted = target > 0.5
        self.count += wanted.size
        for place, own in enumerate(values):
            given = own > self.threshold
            self.found[place] += [(given & wanted).sum(), (given & ~wanted).sum(), (~given & wanted).sum()]
            self.equal[place] += int((given == wanted).sum())

    def results(self, output: str) -> OutputMetrics:
        scores = [f1_score(*(int(number) for number in row)) for row in self.found]
        figures = (
            _figure("F1", scores, share=True),
            _figure("right labels", [equal / self.count for equal in self.equal], share=True),
        )
        return OutputMetrics(output, "several labels", figures, self.count, self.threshold)


@dataclass
class _Pixels:
    """The confusion matrices of classes a pixel."""

    classes: int
    counts: list[Counts] = field(default_factory=list)

    def add(self, target: Counts, values: tuple[Values, Values]) -> None:
        self.counts = self.counts or [np.zeros((self.classes, self.classes), dtype=np.int64) for _ in NETWORKS]
        for counts, own in zip(self.counts, values, strict=True):
            counts += pairs(target.reshape(-1), own.argmax(axis=1).reshape(-1), self.classes)

    def results(self, output: str) -> OutputMetrics:
        total = int(self.counts[0].sum())
        right = [int(np.trace(counts)) / total for counts in self.counts]
        figures = (
            _figure("pixel accuracy", right, share=True),
            _figure("mean IoU", [mean_overlap(counts) for counts in self.counts], share=True),
        )
        return OutputMetrics(output, "classes a pixel", figures, total)


@dataclass
class _Reconstruction:
    """The errors of whole frames, and which of these are not sound."""

    scores: list[tuple[Values, Values]] = field(default_factory=list)
    positive: list[NDArray[np.bool_]] = field(default_factory=list)

    def add(self, image: Values, values: tuple[Values, Values], labels: Counts) -> None:
        first, second = (((own - image) ** 2).reshape(len(image), -1).mean(axis=1) for own in values)
        self.scores.append((first, second))
        self.positive.append(labels > 0)

    def results(self, output: str) -> OutputMetrics:
        positive = np.concatenate(self.positive)
        areas = [area_under_curve(np.concatenate([pair[place] for pair in self.scores]), positive) for place in (0, 1)]
        return OutputMetrics(output, "reconstruction", (_figure("AUC", areas, share=True),), len(positive))


def pairs(target: Counts, answer: Counts, classes: int) -> Counts:
    """How often each class got each answer, (classes, classes)."""
    found: Counts = np.bincount(target * classes + answer, minlength=classes * classes)
    return found.reshape(classes, classes)


class Metrics:
    """All figures of a comparison, taken in batch by batch."""

    def __init__(self, graph: Graph, dataset: Dataset, classes: int) -> None:
        self.outputs: dict[str, _Errors | _Labels] = {}
        self._pixels = {name: _Pixels(graph.shapes[name][0]) for name in dataset.maps}
        self._reconstruction = _Reconstruction() if is_reconstruction(graph, dataset) else None
        self._classes = classes
        counted = dataset.labels is not None and classes <= MOST_CLASSES and self._reconstruction is None
        self._confusion = [np.zeros((classes, classes), dtype=np.int64) for _ in NETWORKS] if counted else []
        self._disagreements: list[Disagreement] = []
        self._graph = graph
        for name, target in dataset.targets.items():
            if not graph.classifier:
                several = math.prod(graph.shapes[name]) == graph.shapes[name][0] > 1 and np.isin(target, (0, 1)).all()
                last = graph.producer(name)
                sigmoid = isinstance(last, Pointwise) and last.function == "sigmoid"
                self.outputs[name] = _Labels(0.5 if sigmoid else 0.0) if several else _Errors()

    def add(
        self, batch: Dataset, images: Mapping[str, NDArray[Any]], values: Mapping[str, tuple[Values, Values]]
    ) -> None:
        """Take in one batch: its targets, the float network's inputs, and both networks' values of each output."""
        for name, sums in self.outputs.items():
            sums.add(batch.targets[name].astype(np.float64).reshape(values[name][0].shape), values[name])
        for name, pixels in self._pixels.items():
            pixels.add(batch.maps[name], values[name])
        if self._reconstruction is not None and batch.labels is not None:
            (image,), output = images.values(), self._graph.outputs[0]
            flat = image.reshape(len(image), -1).astype(np.float64)
            first, second = (own.reshape(len(own), -1) for own in values[output])
            self._reconstruction.add(flat, (first, second), batch.labels)

    def answered(self, start: int, labels: Counts | None, answers: tuple[Counts, Counts]) -> None:
        """Take in the answers of a batch that begins at sample `start`."""
        if labels is not None:
            for counts, own in zip(self._confusion, answers, strict=False):
                counts += pairs(labels, own, self._classes)
        for place in np.flatnonzero(answers[0] != answers[1])[: MOST_DISAGREEMENTS - len(self._disagreements)]:
            label = None if labels is None else int(labels[place])
            first, second = (int(own[place]) for own in answers)
            self._disagreements.append(Disagreement(start + int(place), label, first, second))

    @property
    def reconstructs(self) -> bool:
        """Whether the answer is an error, so that there is no greatest output."""
        return self._reconstruction is not None

    def results(self) -> tuple[OutputMetrics, ...]:
        """The figures of each output for which the data hold something."""
        found = [sums.results(name) for name, sums in (*self.outputs.items(), *self._pixels.items())]
        if self._reconstruction is not None:
            found.append(self._reconstruction.results(self._graph.outputs[0]))
        return tuple(found)

    def confusion(self) -> Confusion | None:
        """Both matrices, where there are labels."""
        if not self._confusion:
            return None
        rows = [tuple(tuple(int(count) for count in row) for row in counts) for counts in self._confusion]
        return Confusion(rows[0], rows[1])

    def disagreements(self) -> tuple[Disagreement, ...]:
        """The first samples that the networks answer differently."""
        return tuple(self._disagreements)
