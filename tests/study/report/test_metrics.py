"""Figures of merit against values worked out by hand, and what the data hold for them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fpgaq.base.data import Dataset, load_data
from fpgaq.base.errors import ModelError
from fpgaq.model.graph import Graph, Pointwise, Relu
from fpgaq.study.report.metrics import Metrics, area_under_curve, f1_score, mean_overlap

pytestmark = pytest.mark.once


def graph_of(shape: tuple[int, ...], function: str | None = None) -> Graph:
    op = Relu("a", ("x",), "y") if function is None else Pointwise("a", ("x",), "y", function)
    return Graph("g", ("x",), ("y",), (op,), {"x": shape, "y": shape})


def figures(graph: Graph, data: Dataset, values: tuple[np.ndarray, np.ndarray]) -> dict[str, tuple[float, float]]:
    metrics = Metrics(graph, data, 1)
    for rows in (slice(0, 1), slice(1, None)):  # in two batches
        images = {"x": data.inputs["x"][rows]}
        metrics.add(data.select(rows), images, {"y": (values[0][rows], values[1][rows])})
    (found,) = metrics.results()
    return {figure.name: (figure.float_value, figure.integer_value) for figure in found.figures}


def test_one_number_has_mean_absolute_error_and_r2() -> None:
    target = np.array([[1.0], [2.0], [3.0]])
    data = Dataset({"x": np.zeros((3, 1))}, None, {"y": target})
    found = figures(graph_of((1,)), data, (target, np.array([[1.5], [2.0], [2.5]])))
    assert found == {"MAE": (0.0, 1 / 3), "R2": (1.0, 1 - 0.5 / 2.0)}


@pytest.mark.parametrize(("function", "shift"), [("sigmoid", 0.5), (None, 0.0)])
def test_several_labels_have_f1(function: str | None, shift: float) -> None:
    target = np.array([[1.0, 0.0, 1.0], [0.0, 1.0, 1.0]])
    data = Dataset({"x": np.zeros((2, 3))}, None, {"y": target})
    right = np.where(target > 0, 0.1, -0.1) + shift
    wrong = right.copy()
    wrong[0] = np.array([-0.1, 0.1, 0.1]) + shift  # one missed, one too many
    found = figures(graph_of((3,), function), data, (right, wrong))
    assert found == {"F1": (1.0, 2 * 3 / (2 * 3 + 1 + 1)), "right labels": (1.0, 4 / 6)}


def test_classes_a_pixel_have_accuracy_and_mean_overlap() -> None:
    pixels = np.array([[[0, 1], [1, 1]], [[0, 0], [1, 1]]])
    data = Dataset({"x": np.zeros((2, 2, 2, 2))}, None, maps={"y": pixels})
    right = np.stack([1 - pixels, pixels], axis=1).astype(float)
    wrong = right.copy()
    wrong[0, :, 0, 0] = (0, 1)  # a pixel of class 0 taken for class 1
    found = figures(graph_of((2, 2, 2)), data, (right, wrong))
    assert found == {"pixel accuracy": (1.0, 7 / 8), "mean IoU": (1.0, (2 / 3 + 5 / 6) / 2)}


def test_reconstruction_has_the_area_under_the_curve() -> None:
    image = np.zeros((4, 3))
    data = Dataset({"x": image}, np.array([0, 0, 1, 1]))
    errors = np.array([0.0, 2.0, 1.0, 3.0])[:, np.newaxis] * np.ones(3)
    found = figures(graph_of((3,)), data, (errors, np.zeros((4, 3))))
    assert found == {"AUC": (3 / 4, 1 / 2)}


def test_figures_that_do_not_exist_are_none() -> None:
    assert f1_score(0, 0, 0) is None
    assert area_under_curve(np.array([1.0, 2.0]), np.array([True, True])) is None
    assert mean_overlap(np.zeros((2, 2), dtype=np.int64)) is None


def test_classes_of_pixels_and_several_labels_are_read(tmp_path: Path) -> None:
    path = tmp_path / "data.npz"
    for shape in ((2, 4, 4), (2, 1, 4, 4)):
        np.savez(path, x=np.zeros((2, 1, 4, 4)), y=np.ones(shape, dtype=np.uint8))
        found = load_data(path, ("x",), outputs=("y",), shapes={"x": (1, 4, 4), "y": (3, 4, 4)})
        assert found.labels is None and found.maps["y"].shape == (2, 4, 4)
        assert found.slice(0, 1).maps["y"].shape == (1, 4, 4)
    np.savez(path, x=np.zeros((2, 1, 4, 4)), y=np.full((2, 4, 4), 3))
    with pytest.raises(ModelError, match="classes of pixels go from 3 to 3; output 'y' has the classes 0 to 2"):
        load_data(path, ("x",), outputs=("y",), shapes={"x": (1, 4, 4), "y": (3, 4, 4)})
    np.savez(path, x=np.zeros((2, 3)), y=np.array([[1, 1, 0], [0, 0, 0]]))
    found = load_data(path, ("x",), outputs=("y",), shapes={"x": (3,), "y": (3,)})
    assert found.labels is None and found.targets["y"].dtype == np.float64
