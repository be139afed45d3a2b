from __future__ import annotations

import numpy as np
from small_network import SHAPE, make_graph

from fpgaq.proof.vectors import golden_vectors, limit_frames


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
