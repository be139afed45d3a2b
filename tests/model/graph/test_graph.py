from __future__ import annotations

from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest

from fpgaq.base.errors import ModelError
from fpgaq.model.graph import (
    OPERATORS,
    Add,
    Affine,
    AveragePooling,
    BatchNormalization,
    Concatenate,
    Convolution,
    Deconvolution,
    Graph,
    MaxPooling,
    Multiply,
    Operator,
    Pad,
    Pointwise,
    Prelu,
    Relu,
    Reshape,
    ScaleOffset,
    Slice,
    Transpose,
    Upsample,
    check,
    image_shape,
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


def joined(op: Operator, shapes: list[tuple[int, ...]], output: tuple[int, ...]) -> Graph:
    names = tuple(f"x{index}" for index in range(len(shapes)))
    return Graph(
        "n", names, ("y",), (replace(op, inputs=names),), {**dict(zip(names, shapes, strict=True)), "y": output}
    )


IMAGE = (4, 5, 6)


@pytest.mark.parametrize(
    ("op", "shapes", "output"),
    [
        (Deconvolution("d", (), "y", ones(4, 3, 2, 3), ones(6), (2, 3), (1, 0, 0, 1), (1, 2), 2, (1, 2)), [IMAGE],
         (6, 10, 21)),
        (AveragePooling("a", (), "y", (5, 6), (1, 1)), [IMAGE], (4, 1, 1)),
        (AveragePooling("a", (), "y", (2, 2), (2, 2), (1, 0, 0, 0), False), [IMAGE], (4, 3, 3)),
        (Upsample("u", (), "y", (2, 3)), [IMAGE], (4, 10, 18)),
        (Add("s", (), "y", (1, -1, 1)), [IMAGE] * 3, IMAGE),
        (Multiply("m", (), "y"), [(7,)] * 2, (7,)),
        (Concatenate("c", (), "y"), [IMAGE, (1, 5, 6), (2, 5, 6)], (7, 5, 6)),
        (Slice("s", (), "y", (1, 0, 2)), [IMAGE], (3, 5, 4)),
        (Pad("p", (), "y", (1, 2, 3, 4), "reflect"), [IMAGE], (4, 8, 13)),
        (Transpose("t", (), "y", (2, 0, 1)), [IMAGE], (6, 4, 5)),
        (Pointwise("f", (), "y", "elu", (0.5,)), [(4, 5)], (4, 5)),
        (Prelu("f", (), "y", ones(4)), [IMAGE], IMAGE),
    ],
)  # fmt: skip
def test_shapes_of_other_operators(op: Operator, shapes: list[tuple[int, ...]], output: tuple[int, ...]) -> None:
    check(joined(op, shapes, output))
    with pytest.raises(ModelError):
        check(joined(op, shapes, (*output[:-1], output[-1] + 9)))


@pytest.mark.parametrize(
    ("op", "shapes", "message"),
    [
        (Deconvolution("d", (), "y", ones(3, 3, 2, 2), None), [IMAGE], "does not fit 4 channels"),
        (Deconvolution("d", (), "y", ones(4, 3, 2, 2), ones(4)), [IMAGE], "declared"),
        (Deconvolution("d", (), "y", ones(4, 3, 1, 1), None, padding=(3, 3, 0, 0)), [IMAGE], "leaves nothing"),
        (AveragePooling("a", (), "y", (2, 2), (1, 1), (2, 0, 0, 0), False), [IMAGE], "wholly in the padding"),
        (Upsample("u", (), "y", (0, 1)), [IMAGE], "factor"),
        (Add("s", (), "y", (1, 2)), [IMAGE] * 2, "each is 1 or -1"),
        (Add("s", (), "y", (1,)), [IMAGE] * 2, "signs"),
        (Add("s", (), "y", (1, 1)), [IMAGE, (4, 1, 1)], "do not fit together"),
        (Multiply("m", (), "y"), [IMAGE] * 3, "a product has 2"),
        (Concatenate("c", (), "y"), [IMAGE, (4, 5, 5)], "do not fit together"),
        (Slice("s", (), "y", (1, 0, 0)), [IMAGE], "does not fit"),
        (Pad("p", (), "y", (5, 0, 0, 0), "reflect"), [IMAGE], "cannot reflect"),
        (Pad("p", (), "y", (1, 0, 0, 0), "wrap"), [IMAGE], "mode 'wrap'"),
        (Transpose("t", (), "y", (0, 1)), [IMAGE], "are no order of the axes"),
        (Pointwise("f", (), "y", "elu"), [IMAGE], "expected finite"),
        (Prelu("f", (), "y", ones(3)), [IMAGE], "does not fit 4 channels"),
        (Prelu("f", (), "y", ones(4) * np.nan), [IMAGE], "must be finite"),
        (ScaleOffset("f", (), "y", np.inf, 0.0), [IMAGE], "must be finite"),
        (Relu("r", (), "y"), [IMAGE] * 2, "2 inputs; Relu has 1"),
        (Relu("r", (), "y"), [], "has no input|0 inputs"),
    ],
)
def test_unfit_operators(op: Operator, shapes: list[tuple[int, ...]], message: str) -> None:
    with pytest.raises(ModelError, match=message) as caught:
        check(joined(op, shapes, IMAGE))
    assert "\n" not in str(caught.value)


def test_image_shapes() -> None:
    assert [image_shape(shape) for shape in ((5,), (5, 7), (5, 6, 7))] == [(5, 1, 1), (5, 1, 7), (5, 6, 7)]
    with pytest.raises(ModelError):
        image_shape((1, 2, 3, 4))
