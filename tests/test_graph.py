from __future__ import annotations

from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest

from fpgaq.errors import ModelError
from fpgaq.graph import (
    OPERATORS,
    Affine,
    BatchNormalization,
    Convolution,
    Graph,
    MaxPooling,
    Operator,
    Relu,
    Reshape,
    check,
    window_count,
)


def ones(*dims: int) -> np.ndarray:
    return np.ones(dims, np.float32)


def convolution(**changes) -> Convolution:
    return replace(Convolution("c", ("x",), "y", ones(4, 1, 3, 2), ones(4), groups=2), **changes)


def single(op: Operator, input_shape: tuple[int, ...], output_shape: tuple[int, ...]) -> Graph:
    return Graph("n", ("x",), ("y",), (op,), {"x": input_shape, "y": output_shape})


def sound() -> Graph:
    operators = (convolution(output="h"), Relu("r", ("h",), "y"))
    return Graph("n", ("x",), ("y",), operators, {"x": (2, 5, 5), "h": (4, 3, 4), "y": (4, 3, 4)})


def test_sound_graphs_pass() -> None:
    graph = sound()
    assert check(graph) is graph
    check(single(convolution(stride=(2, 3), padding=(1, 0, 2, 0), dilation=(2, 1)), (2, 7, 6), (4, 2, 3)))
    check(single(MaxPooling("p", ("x",), "y", (1, 1), (3, 3)), (1, 1, 1), (1, 1, 1)))
    check(single(Affine("a", ("x",), "y", ones(2, 12), None), (3, 2, 2), (2,)))
    check(single(Reshape("f", ("x",), "y"), (3, 4), (2, 6)))


@pytest.mark.parametrize("kind", OPERATORS)
def test_operators_are_frozen(kind: type[Operator]) -> None:
    assert "frozen=True" in str(kind.__dataclass_params__)  # type: ignore[attr-defined]


def test_graph_is_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        sound().name = "other"  # type: ignore[misc]


def test_neighbours() -> None:
    graph = sound()
    conv, activation = graph.operators
    assert graph.producer("h") is conv and graph.producer("x") is None
    assert graph.consumers("h") == (activation,) and graph.consumers("y") == ()
    assert conv.input == "x"


def test_with_operators_drops_shapes_that_nobody_uses() -> None:
    graph = sound()
    changed = graph.with_operators((replace(graph.operators[0], output="y"),))
    assert set(changed.shapes) == {"x", "y"} and set(graph.shapes) == {"x", "h", "y"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"inputs": ()}, "network 'n' has 0 inputs and 1 outputs"),
        ({"outputs": ()}, "network 'n' has 1 inputs and 0 outputs"),
        ({"operators": ()}, "network 'n' is empty"),
        ({"outputs": ("z",)}, "output 'z' of network 'n' is written by no layer"),
        ({"operators": tuple(reversed(sound().operators))}, "layer 'r' reads 'h', which no earlier layer writes"),
        ({"shapes": {**sound().shapes, "y": (4, 3, 3)}}, r"declared \(4, 3, 3\) but computes \(4, 3, 4\)"),
        ({"operators": (*sound().operators, Relu("s", ("h",), "y"))}, "layer 's' writes 'y', which is already written"),
        ({"operators": (*sound().operators, Relu("s", ("h",), "x"))}, "layer 's' writes 'x', which is already written"),
    ],
)
def test_broken_structure(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        check(replace(sound(), **changes))


@pytest.mark.parametrize(
    ("op", "message"),
    [
        (convolution(stride=(0, 1)), "stride"),
        (convolution(dilation=(1, 0)), "dilation"),
        (convolution(padding=(0, 0, -1, 0)), "padding"),
        (convolution(groups=3), "3 groups do not divide 2 input and 4 output channels"),
        (convolution(groups=1), r"weight \(4, 1, 3, 2\) with 1 groups does not fit 2 channels"),
        (convolution(groups=0), "0 groups"),
        (convolution(dilation=(3, 1)), "larger than the padded input"),
        (convolution(bias=ones(3)), r"bias \(3,\) does not fit 4 outputs"),
        (Affine("c", ("x",), "y", ones(4, 49), None), r"weight \(4, 49\) does not fit an input of shape \(2, 5, 5\)"),
        (Affine("c", ("x",), "y", ones(4, 50), ones(5)), r"bias \(5,\) does not fit 4 outputs"),
        (MaxPooling("c", ("x",), "y", (6, 1), (1, 1)), "larger than the padded input"),
        (MaxPooling("c", ("x",), "y", (0, 1), (1, 1)), "kernel"),
        (Reshape("c", ("x",), "y"), r"cannot reshape \(2, 5, 5\) to \(4, 3, 4\)"),
    ],
)
def test_impossible_geometry(op: Operator, message: str) -> None:
    with pytest.raises(ModelError, match=message) as caught:
        shape = (4,) if isinstance(op, Affine) else (4, 3, 4)
        check(single(op, (2, 5, 5), shape))
    assert "layer 'c'" in str(caught.value) and "\n" not in str(caught.value)


def test_images_must_be_images() -> None:
    with pytest.raises(ModelError, match=r"input shape \(50,\) is not \(channels, height, width\)"):
        check(single(convolution(), (50,), (4, 3, 4)))


@pytest.mark.parametrize(("value", "place"), [(np.nan, (1, 0, 2, 1)), (np.inf, (0, 0, 0, 0)), (-np.inf, (3, 0, 0, 1))])
def test_weights_must_be_finite(value: float, place: tuple[int, ...]) -> None:
    weight = ones(4, 1, 3, 2)
    weight[place] = value
    index = ", ".join(map(str, place))
    with pytest.raises(ModelError, match=rf"layer 'c': weight\[{index}\] is {value}; parameters must be finite"):
        check(single(convolution(weight=weight), (2, 5, 5), (4, 3, 4)))


@pytest.mark.parametrize(("variance", "epsilon"), [(0.0, 0.0), (-1.0, 1e-5), (-2e-5, 1e-5)])
def test_variance_must_be_positive(variance: float, epsilon: float) -> None:
    values = np.array([1, variance], np.float32)
    op = BatchNormalization("b", ("x",), "y", ones(2), values, None, None, epsilon)
    with pytest.raises(ModelError, match=r"layer 'b': variance\[1\] = .* is not positive"):
        check(single(op, (2, 3, 3), (2, 3, 3)))


def test_batchnorm_parameters_fit_the_channels() -> None:
    op = BatchNormalization("b", ("x",), "y", ones(2), ones(2), ones(3), None, 1e-5)
    with pytest.raises(ModelError, match=r"layer 'b': scale \(3,\) does not fit 2 channels"):
        check(single(op, (2, 3, 3), (2, 3, 3)))


@pytest.mark.parametrize("seed", range(5))
def test_window_count_is_the_number_of_windows(seed: int) -> None:
    generator = np.random.default_rng(seed)
    for _ in range(100):
        size, kernel, stride, dilation = (int(value) for value in generator.integers(1, (12, 5, 5, 4)))
        before, after = (int(value) for value in generator.integers(0, 4, 2))
        span = dilation * (kernel - 1)
        windows = [start for start in range(-before, size + after, stride) if start + span < size + after]
        assert max(0, window_count(size, kernel, stride, dilation, before, after)) == len(windows)
