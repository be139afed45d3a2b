"""The formula from user data to input integers."""

from __future__ import annotations

import numpy as np
import pytest

from fpgaq.base.errors import ModelError
from fpgaq.base.formats import Format
from fpgaq.integer.graph import InputTransform
from fpgaq.integer.inputs import apply_transform, transform_data
from tests.support.integer_networks import small_network


def test_transform_states_the_formula():
    transform = InputTransform(2.0, -1.0, "half_up", (2, 1, 2), (2, 1, 2))
    data = np.array([[[[0.5, 0.25]], [[0.1, 100.0]]]])
    # (x * 2 - 1) * 4 = 0, -2, -3.2, 796
    found = apply_transform(transform, Format(8, 2), data)
    assert found.tolist() == [[[[0, -3], [-2, 127]]]]


def test_transform_takes_bytes_and_missing_axes_of_one():
    transform = InputTransform(1.0, 0.0, "half_up", (1, 2, 2), (1, 2, 2))
    data = np.array([[[0, 255], [7, 8]]], dtype=np.uint8)
    assert apply_transform(transform, Format(8, 0, False), data).tolist() == [[[[0], [255]], [[7], [8]]]]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (np.full((1, 1, 2, 2), np.nan), r"element \[0, 0, 0, 0\] is not finite"),
        (np.full((1, 1, 2, 2), np.inf), "not finite"),
        (np.zeros((1, 4)), "does not fit"),
        (np.zeros((1, 2, 3)), "does not fit"),
        (np.zeros((2, 2)), "does not fit"),
        (np.array(["a"]), "not a number"),
    ],
)
def test_transform_refuses_what_does_not_fit(data, message):
    transform = InputTransform(1.0, 0.0, "half_up", (1, 2, 2), (1, 2, 2))
    with pytest.raises(ModelError, match=message):
        apply_transform(transform, Format(8, 0, False), data)


def test_user_data_pass_through_the_graphs_transform() -> None:
    graph = small_network()
    tensor = graph.tensors["t0"]
    height, width, channels = tensor.shape
    data = np.linspace(-9, 300, 2 * tensor.size).reshape(2, channels, height, width)
    found = transform_data(graph, {"t0": data, "a target": np.zeros(2)})
    rounded = np.floor(data * 2.0**tensor.format.frac + 0.5)
    expected = np.clip(rounded, tensor.format.minimum, tensor.format.maximum).astype(np.int64)
    assert list(found) == ["t0"] and np.array_equal(found["t0"], expected.transpose(0, 2, 3, 1))


def test_missing_input_is_named() -> None:
    with pytest.raises(ModelError, match="lack input 't0'"):
        transform_data(small_network(), {"z": np.zeros((1, 5, 2, 3))})
