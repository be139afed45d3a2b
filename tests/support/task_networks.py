"""Small networks of every task that a report has figures for: random features, and a last layer that is fitted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fpgaq import pipeline
from fpgaq.hardware.schedule import Target
from fpgaq.model.graph import Graph, check
from fpgaq.model.graph.operators import Affine, Convolution, Operator, Pointwise, Relu
from fpgaq.model.passes import standard_passes

SAMPLES, CALIBRATION = 240, 64
IMAGE, FEATURES = (12, 16), 16
Values = NDArray[np.float64]


class Task(NamedTuple):
    """A network with the files of its samples."""

    graph: Graph
    calibration: Path
    test: Path


def _fit(features: Values, wanted: Values) -> Values:
    """Weights (outputs, features) of least squares, held small."""
    matrix = features.T @ features + 1e-2 * np.eye(features.shape[1])
    solved: Values = np.linalg.solve(matrix, features.T @ wanted).T
    return solved


def _graph(name: str, operators: list[Operator], shapes: dict[str, tuple[int, ...]]) -> Graph:
    return standard_passes(check(Graph(name, ("x",), (operators[-1].output,), tuple(operators), shapes)))


def _pixels(chance: np.random.Generator) -> tuple[Graph, Values, Values]:
    """Bright and dark rectangles on grey: a class for each pixel."""
    classes = np.zeros((SAMPLES, *IMAGE), dtype=np.int64)
    for sample in classes:
        for kind in (1, 2):
            top, left = chance.integers(0, 8), chance.integers(0, 11)
            sample[top : top + chance.integers(3, 6), left : left + chance.integers(3, 6)] = kind
    images = np.array([0.5, 0.9, 0.1])[classes] + chance.normal(0, 0.12, classes.shape)
    weight = chance.normal(0, 0.5, (12, 1, 3, 3))
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1)))
    taps = np.stack([padded[:, y : y + IMAGE[0], x : x + IMAGE[1]] for y in range(3) for x in range(3)], axis=-1)
    bias = -taps.reshape(-1, 9).mean(axis=0) @ weight.reshape(12, 9).T
    hidden = np.maximum(taps @ weight.reshape(12, 9).T + bias, 0).reshape(-1, 12)
    scores = _fit(np.hstack([hidden, np.ones((len(hidden), 1))]), np.eye(3)[classes.reshape(-1)])
    operators: list[Operator] = [
        Convolution("features", ("x",), "c", weight, bias, padding=(1, 1, 1, 1)),
        Relu("rectified", ("c",), "r"),
        Convolution("classes", ("r",), "y", scores[:, :12, np.newaxis, np.newaxis], scores[:, 12]),
    ]
    shapes = {"x": (1, *IMAGE), "c": (12, *IMAGE), "r": (12, *IMAGE), "y": (3, *IMAGE)}
    return _graph("segmentation", operators, shapes), images[:, np.newaxis], classes


def _vectors(name: str, inputs: Values, targets: Values, chance: np.random.Generator, sigmoid: bool) -> Graph:
    """A perceptron of one hidden layer."""
    weight = chance.normal(0, 0.4, (24, FEATURES))
    hidden = np.maximum(inputs @ weight.T, 0)
    last = _fit(np.hstack([hidden, np.ones((len(hidden), 1))]), targets)
    operators: list[Operator] = [
        Affine("hidden", ("x",), "h", weight, np.zeros(24)),
        Relu("rectified", ("h",), "r"),
        Affine("last", ("r",), "s" if sigmoid else "y", last[:, :24], last[:, 24]),
    ]
    count = targets.shape[1]
    shapes: dict[str, tuple[int, ...]] = {"x": (FEATURES,), "h": (24,), "r": (24,), "s": (count,), "y": (count,)}
    if sigmoid:
        operators.append(Pointwise("share", ("s",), "y", "sigmoid"))
    else:
        del shapes["s"]
    return _graph(name, operators, shapes)


def _labels(chance: np.random.Generator) -> tuple[Graph, Values, Values]:
    """Five labels, each given where a sum of features is above 0."""
    inputs = chance.normal(0, 1, (SAMPLES, FEATURES))
    given = (inputs @ chance.normal(0, 1, (FEATURES, 5)) > 0).astype(np.int64)
    return _vectors("several_labels", inputs, 8.0 * given - 4.0, chance, sigmoid=True), inputs, given


def _number(chance: np.random.Generator) -> tuple[Graph, Values, Values]:
    """A number that follows from the features, and noise."""
    inputs = chance.normal(0, 1, (SAMPLES, FEATURES))
    targets = np.abs(inputs[:, :3]).sum(axis=1, keepdims=True) + inputs[:, 3:4] + chance.normal(0, 0.2, (SAMPLES, 1))
    return _vectors("one_number", inputs, targets, chance, sigmoid=False), inputs, targets


def _reconstruction(chance: np.random.Generator) -> tuple[Graph, Values, Values]:
    """Sound samples lie near a plane of four dimensions, one in four does not."""
    plane = np.linalg.qr(chance.normal(0, 1, (FEATURES, 4)))[0]
    odd = np.arange(SAMPLES) % 4 == 3
    inputs = chance.normal(0, 1, (SAMPLES, 4)) @ plane.T + chance.normal(0, 0.1, (SAMPLES, FEATURES))
    inputs[odd] += chance.normal(0, 0.15, (int(odd.sum()), FEATURES))
    operators: list[Operator] = [
        Affine("encoder", ("x",), "code", plane.T.copy(), np.zeros(4)),
        Affine("decoder", ("code",), "y", plane, np.zeros(FEATURES)),
    ]
    graph = _graph("reconstruction", operators, {"x": (FEATURES,), "code": (4,), "y": (FEATURES,)})
    return graph, inputs, odd.astype(np.int64)


TASKS: dict[str, Callable[[np.random.Generator], tuple[Graph, Values, Values]]] = {
    "classes a pixel": _pixels,
    "several labels": _labels,
    "numbers": _number,
    "reconstruction": _reconstruction,
}


def make_task(name: str, folder: Path, seed: int = 0) -> Task:
    """The network of a task; its samples are written into a folder, the first for calibration."""
    graph, inputs, targets = TASKS[name](np.random.default_rng(seed))
    folder.mkdir(parents=True, exist_ok=True)
    paths: dict[str, Path] = {}
    rows: dict[str, Any] = {"calibration": slice(0, CALIBRATION), "test": slice(CALIBRATION, None)}
    for kind, chosen in rows.items():
        paths[kind] = folder / f"{kind}.npz"
        np.savez(paths[kind], x=inputs[chosen].astype(np.float32), y=targets[chosen])
    return Task(graph, paths["calibration"], paths["test"])


def report_of(name: str, folder: Path) -> pipeline.Report:
    """The report of a task's hardware, which nobody simulated."""
    task = make_task(name, folder)
    integer = pipeline.quantize(task.graph, task.calibration)
    pipeline.generate(integer, folder / "out", Target(multipliers=8), device="ecp5-25k", frames=1)
    return pipeline.gather(folder / "out", task.graph, task.test, clock=50.0)
