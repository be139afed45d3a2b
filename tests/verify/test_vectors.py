from __future__ import annotations

import numpy as np
import pytest
from small_network import SHAPE, make_graph

from fpgaq.errors import ModelError
from fpgaq.verify.vectors import golden_vectors, limit_frames, transform_data


def test_samples_extremes_and_random_frames() -> None:
    graph = make_graph()
    vectors = golden_vectors(graph)
    assert vectors.labels == ("data 0", "data 1", "all-minimum", "all-maximum", "random 0", "random 1")
    x = vectors.tensors["x"]
    assert x.shape == (6, *SHAPE)
    assert np.array_equal(x[:2], graph.samples["x"])
    assert np.all(x[2] == -128) and np.all(x[3] == 127)
    assert len(np.unique(x[4:])) > 40
    assert np.array_equal(vectors.tensors["a"], np.maximum(x, 0))
    assert np.array_equal(vectors.tensors["y"], vectors.tensors["a"])


def test_random_frames_are_the_same_each_time_and_in_every_numpy() -> None:
    first, second = (golden_vectors(make_graph()).tensors["x"] for _ in range(2))
    assert np.array_equal(first, second)
    assert first[4].ravel()[:5].tolist() == [12, -61, 22, 25, 13]


def test_given_inputs_replace_the_samples() -> None:
    inputs = {"x": np.ones((1, *SHAPE), dtype=np.int64)}
    vectors = golden_vectors(make_graph(), inputs, random_frames=3)
    assert vectors.labels == ("data 0", "all-minimum", "all-maximum", "random 0", "random 1", "random 2")
    assert np.all(vectors.tensors["y"][0] == 1)


def test_limit() -> None:
    inputs = {"x": np.zeros((4, *SHAPE), dtype=np.int64)}
    assert len(limit_frames(inputs, 3)["x"]) == 3
    assert len(limit_frames(inputs, None)["x"]) == 4


def test_user_data_pass_through_the_graphs_transform() -> None:
    data = np.linspace(-9, 9, 60).reshape(2, 5, 2, 3)
    found = transform_data(make_graph(), {"x": data})["x"]
    expected = np.clip(np.floor(data * 16 + 0.5), -128, 127).astype(np.int64).transpose(0, 2, 3, 1)
    assert np.array_equal(found, expected)


def test_missing_input_is_named() -> None:
    with pytest.raises(ModelError, match="lack input 'x'"):
        transform_data(make_graph(), {"z": np.zeros((1, 5, 2, 3))})
