"""Scalings, offsets, limits and borders go into layers, or stay."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fpgaq.base.errors import UnsupportedError
from fpgaq.model.graph import (
    Add,
    Affine,
    AveragePooling,
    BatchNormalization,
    Convolution,
    Graph,
    MaxPooling,
    Operator,
    Pad,
    Pointwise,
    Relu,
    ScaleOffset,
    check,
    infer_shape,
)
from fpgaq.model.passes import standard_passes
from tests.model.passes.networks import IMAGE, graph_of, kernel, norm, passed, same_result, types
from tests.support.nnp_builder import (
    Layer,
    add,
    affine,
    convolution,
    dropout,
    max_pooling,
    multiply,
    relu,
)


def test_input_scaling_goes_into_the_weights() -> None:
    conv = convolution("c", kernel(4, 2, 3, 3), kernel(4), pad=(1, 1))
    after = passed([multiply("m", 1 / 255), conv], [Convolution])
    np.testing.assert_array_equal(after.operators[0].weight, (conv.parameters["W"].astype(float) / 255).astype("f4"))
    np.testing.assert_array_equal(after.operators[0].bias, conv.parameters["b"])
    assert after.operators[0].padding_value == 0.0


@pytest.mark.parametrize("scale", [0.25, -3.0])
def test_offset_before_padding_becomes_the_padding_value(scale: float) -> None:
    """The border of conv(pad0(s * x + o)) is 0 = s * p + o, so in terms of x it is p = -o / s."""
    layers = [multiply("m", scale), add("o", -0.5), convolution("c", kernel(4, 2, 3, 3), pad=(2, 1))]
    after = passed(layers, [Convolution])
    assert after.operators[0].padding_value == 0.5 / scale
    wrong = replace(after.operators[0], padding_value=0.0)
    with pytest.raises(AssertionError):
        same_result(graph_of(layers), after.with_operators((wrong,)))


def test_offset_before_no_padding_goes_into_the_bias() -> None:
    layers = [add("o", -0.5), multiply("m", 2.0), convolution("c", kernel(4, 1, 3, 3), group=2)]
    assert passed(layers, [Convolution]).operators[0].padding_value == 0.0
    passed([add("o", 1.5), affine("a", kernel(96, 3))], [Affine])


def test_scalars_behind_and_across() -> None:
    conv = convolution("c", kernel(4, 2, 3, 3), pad=(1, 1))
    passed([conv, multiply("m", -2.0), add("o", 0.3)], [Convolution])
    passed([conv, max_pooling("p"), multiply("m", 0.5), add("o", 3.0), relu("r")], [Convolution, Relu, MaxPooling])
    passed([conv, relu("r"), multiply("m", 0.5)], [Convolution, Relu])
    passed([conv, relu("r"), max_pooling("p"), multiply("m", 0.5)], [Convolution, Relu, MaxPooling])
    passed([conv, relu("r"), add("o", 0.5), affine("a", kernel(192, 2))], [Convolution, Relu, Affine])
    passed([multiply("m", 0.5), max_pooling("p"), relu("r"), affine("a", kernel(24, 2))], [Relu, MaxPooling, Affine])
    passed([multiply("m", 0.5), add("o", 0.1), max_pooling("p"), affine("a", kernel(24, 2))], [MaxPooling, Affine])
    passed([multiply("m", 0.5), dropout("d"), multiply("n", 2.0), affine("a", kernel(96, 2))], [Affine])


def test_scalars_that_fold_nowhere_stay() -> None:
    conv = convolution("c", kernel(4, 2, 3, 3), pad=(1, 1))
    passed([conv, relu("r"), multiply("m", -1.0)], [Convolution, Relu, ScaleOffset])
    layers = [multiply("m", -1.0), max_pooling("p"), affine("a", kernel(24, 2))]
    passed(layers, [ScaleOffset, MaxPooling, Affine])
    passed([add("o", 1.0), relu("r"), affine("a", kernel(96, 2))], [ScaleOffset, Relu, Affine])
    passed([multiply("m", 0.0), add("o", 1.0), conv], [ScaleOffset, Convolution])
    passed([multiply("m", 0.0), convolution("c", kernel(4, 2, 3, 3))], [Convolution])
    passed([multiply("m", 2.0)], [ScaleOffset])
    passed([norm("b", 2), multiply("m", -2.0), add("o", 0.5)], [BatchNormalization])


def two_branches(*front: Operator) -> Graph:
    """Two convolutions read what `front` makes of the input; their sum is the output."""
    fork = front[-1].output
    operators = (
        *front,
        Convolution("c", (fork,), "p", kernel(4, 2, 3, 3), None, padding=(1, 1, 1, 1)),
        Convolution("d", (fork,), "q", kernel(4, 2, 1, 1), kernel(4)),
        Add("s", ("p", "q"), "y", (1, -1)),
    )
    shapes = {"x": IMAGE, "p": (4, 8, 6), "q": (4, 8, 6), "y": (4, 8, 6)} | {op.output: IMAGE for op in front}
    return check(Graph("n", ("x",), ("y",), operators, shapes))


def test_a_scalar_before_a_fork_goes_into_all_branches_or_none() -> None:
    graph = two_branches(ScaleOffset("m", ("x",), "h", 0.5, 0.0))
    after = standard_passes(graph)
    assert types(after) == [Convolution, Convolution, Add]
    same_result(graph, after)
    read = replace(graph, operators=(*graph.operators, Relu("r", ("h",), "z")), outputs=("y", "z"))
    read = check(replace(read, shapes={**read.shapes, "z": IMAGE}))
    kept = standard_passes(read)
    assert types(kept) == [ScaleOffset, Convolution, Convolution, Add, Relu]
    same_result(read, kept)


def test_scalars_before_a_join_stay_in_place() -> None:
    operators = (
        ScaleOffset("m", ("x",), "p", 0.5, 0.0),
        Relu("r", ("x",), "q"),
        ScaleOffset("o", ("q",), "h", 2.0, 1.0),
        Add("s", ("p", "h"), "y", (1, 1)),
    )
    graph = check(Graph("n", ("x",), ("y",), operators, dict.fromkeys(("x", "p", "q", "h", "y"), IMAGE)))
    after = standard_passes(graph)
    assert sorted(kind.__name__ for kind in types(after)) == ["Add", "Relu", "ScaleOffset", "ScaleOffset"]
    same_result(graph, after)


def test_clips_in_a_row_are_one() -> None:
    upper = Layer("MinimumScalar", "u", {"val": 6.0}, {}, "minimum_scalar_param")
    lower = Layer("MaximumScalar", "l", {"val": -1.0}, {}, "maximum_scalar_param")
    assert passed([relu("r"), upper], [Pointwise]).operators[0].function == "relu6"
    clip = passed([upper, lower], [Pointwise]).operators[0]
    assert (clip.function, clip.parameters) == ("clip", (-1.0, 6.0))
    passed([lower, relu("r")], [Relu])
    swapped = passed([replace(upper, arguments={"val": -2.0}), lower], [Pointwise]).operators[0]
    assert (swapped.function, swapped.parameters) == ("clip", (-1.0, -1.0))


def padded(kind: Operator, value: float, mode: str = "constant") -> tuple[Graph, Graph]:
    pad = Pad("pad", ("x",), "h", (1, 0, 0, 1), mode, value)
    layer = replace(kind, inputs=("h",), output="y")
    shapes = {"x": IMAGE, "h": (2, 9, 7)}
    graph = Graph("n", ("x",), ("y",), (pad, layer), {**shapes, "y": infer_shape(layer, shapes["h"], ())})
    return check(graph), standard_passes(graph)


def test_borders_go_into_layers_that_pad_alike() -> None:
    conv = Convolution("c", (), "", kernel(3, 2, 3, 3), None)
    pooling = MaxPooling("m", (), "", (3, 3), (2, 2))
    mean = AveragePooling("a", (), "", (3, 3), (2, 2))
    for layer, value in ((conv, 0.0), (conv, 1.5), (pooling, -np.inf), (mean, 0.0)):
        graph, after = padded(layer, value)
        assert types(after) == [type(layer)]
        same_result(graph, after)
    bordered = replace(conv, padding=(1, 1, 1, 1))
    for layer, value, mode in ((bordered, 1.5, "constant"), (pooling, 0.0, "constant"), (mean, 1.0, "constant"),
                               (conv, 0.0, "reflect")):  # fmt: skip
        graph, after = padded(layer, value, mode)
        assert types(after) == [Pad, type(layer)]
        same_result(graph, after)
    with pytest.raises(UnsupportedError, match="'pad': pads with -inf; supported: directly before MaxPooling"):
        padded(conv, -np.inf)


def test_a_scalar_that_moves_meets_the_next_one():
    """Three limits in a row, each an offset, a ReLU and the offset back: what moves past a ReLU finds another."""
    operators: list[Operator] = []
    for index, offset in enumerate((0.5, 0.5, 0.0)):
        source, target = f"t{index}" if index else "x", f"t{index + 1}" if index < 2 else "y"
        operators += [
            ScaleOffset(f"before {index}", (source,), f"a{index}", -1.0, offset),
            Relu(f"limit {index}", (f"a{index}",), f"r{index}"),
            ScaleOffset(f"after {index}", (f"r{index}",), target, -1.0, offset),
        ]
    graph = check(Graph("limits", ("x",), ("y",), tuple(operators), dict.fromkeys(_tensors(operators), IMAGE)))
    same_result(graph, standard_passes(graph))


def _tensors(operators):
    return {name for op in operators for name in (*op.inputs, op.output)}
