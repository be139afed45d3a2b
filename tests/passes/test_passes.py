from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from fpgaq.errors import ModelError, UnsupportedError
from fpgaq.float_executor import run_float
from fpgaq.graph import (
    Add,
    Affine,
    AveragePooling,
    BatchNormalization,
    Convolution,
    Deconvolution,
    Graph,
    Identity,
    MaxPooling,
    Operator,
    Pad,
    Pointwise,
    Relu,
    Reshape,
    ScaleOffset,
    check,
    infer_shape,
)
from fpgaq.importers.nnp import load_nnp
from fpgaq.passes import standard_passes
from fpgaq.passes.fold_batchnorm import fold_batchnorm
from fpgaq.passes.fold_scalars import fold_scalars
from fpgaq.passes.remove_unused import remove_unused
from fpgaq.passes.rewrite import bypass
from tests.nnp_builder import (
    Layer,
    add,
    affine,
    batch_normalization,
    build_nnp,
    convolution,
    dropout,
    max_pooling,
    multiply,
    relu,
    reshape,
    shape,
    softmax,
)

GENERATOR = np.random.default_rng(11)
IMAGE = (2, 8, 6)


def kernel(*dims: int) -> np.ndarray:
    return GENERATOR.normal(size=dims).astype(np.float32)


def norm(
    name: str, channels: int, scale: bool = True, offset: bool = True, sign: int = 0, dimensions: int = 4
) -> Layer:
    """`sign` +1 makes all scales positive, 0 leaves both signs."""
    gammas = GENERATOR.uniform(0.3, 2, channels) * (1 if sign else GENERATOR.choice([-1, 1], channels))
    return batch_normalization(
        name,
        kernel(channels),
        GENERATOR.uniform(0.2, 3, channels),
        gammas if scale else None,
        kernel(channels) if offset else None,
        dimensions=dimensions,
    )


def graph_of(layers: Sequence[Layer], shape: tuple[int, ...] = IMAGE) -> Graph:
    return load_nnp(build_nnp(layers, shape))


def types(graph: Graph) -> list[type[Operator]]:
    return [type(op) for op in graph.operators]


def same_result(before: Graph, after: Graph, data: np.ndarray | None = None) -> None:
    if data is None:
        data = GENERATOR.normal(size=(9, *before.shapes["x"]))
    expected = run_float(before, {"x": data}, keep=True)
    cut = after.classifier or any("Softmax is cut off" in note for note in after.notes)
    logits = before.operators[-1].input if cut else before.outputs[0]
    found = run_float(after, {"x": data})[after.outputs[0]]
    np.testing.assert_allclose(found, expected[logits], rtol=0, atol=5e-6 * np.abs(expected[logits]).max())


def passed(layers: Sequence[Layer], expected: list[type[Operator]], shape: tuple[int, ...] = IMAGE) -> Graph:
    """The network after all passes: of these types, with the same result, the same ends, and the original untouched."""
    before = graph_of(layers, shape)
    weights = [op.weight.copy() for op in before.operators if isinstance(op, Convolution | Affine)]
    after = standard_passes(before)
    assert types(after) == expected
    assert after.inputs == ("x",) and after.outputs == ("y",)
    used = {name for op in after.operators for name in (*op.inputs, op.output)}
    assert set(after.shapes) == used
    same_result(before, after)
    kept = [op.weight for op in before.operators if isinstance(op, Convolution | Affine)]
    assert all((a == b).all() for a, b in zip(weights, kept, strict=True))
    assert all(op.weight.dtype == np.float32 for op in after.operators if isinstance(op, Convolution | Affine))
    return after


def refused(layers: Sequence[Layer], message: str, shape: tuple[int, ...] = IMAGE) -> None:
    with pytest.raises(UnsupportedError, match=message) as caught:
        standard_passes(graph_of(layers, shape))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("scale", [True, False])
@pytest.mark.parametrize("offset", [True, False])
@pytest.mark.parametrize("bias", [True, False])
def test_batchnorm_behind(scale: bool, offset: bool, bias: bool) -> None:
    conv = convolution("c", kernel(4, 1, 3, 3), kernel(4) if bias else None, pad=(1, 1), group=2)
    full = affine("a", kernel(192, 3), kernel(3) if bias else None)
    layers = [conv, norm("b", 4, scale, offset), full, norm("n", 3, scale, offset, dimensions=2)]
    passed(layers, [Convolution, Affine])


def test_batchnorm_before() -> None:
    passed([norm("b", 2), convolution("c", kernel(4, 1, 3, 3), kernel(4), group=2)], [Convolution])
    passed([norm("b", 2), norm("d", 2), convolution("c", kernel(3, 2, 3, 3), stride=(2, 1))], [Convolution])
    passed([norm("b", 2), affine("a", kernel(96, 3))], [Affine])
    passed([norm("b", 2), reshape("f", -1, 96), affine("a", kernel(96, 3))], [Affine])
    passed([relu("r"), norm("b", 2), convolution("c", kernel(4, 2, 1, 1))], [Relu, Convolution])


def test_batchnorm_between_takes_the_layer_before() -> None:
    layers = [convolution("c", kernel(4, 2, 1, 1)), norm("b", 4), convolution("d", kernel(2, 4, 3, 3), pad=(1, 1))]
    passed(layers, [Convolution, Convolution])


def test_batchnorm_across_pooling() -> None:
    conv = convolution("c", kernel(4, 2, 3, 3))
    pool = max_pooling("p", (2, 2), pad=(1, 1))
    passed([conv, pool, norm("b", 4, sign=1), relu("r")], [Convolution, Relu, MaxPooling])
    mixed = [conv, pool, norm("b", 4, sign=0), relu("r")]
    passed(mixed, [Convolution, MaxPooling, BatchNormalization, Relu])
    passed([conv, pool, norm("b", 4, sign=0), affine("a", kernel(48, 2))], [Convolution, MaxPooling, Affine])


def test_batchnorm_across_average_pooling() -> None:
    conv = convolution("c", kernel(4, 2, 3, 3))
    arguments = {"kernel": shape(2, 2), "stride": shape(2, 2), "pad": shape(0, 0), "ignore_border": True}
    pool = Layer("AveragePooling", "p", {**arguments, "including_pad": True}, {}, "average_pooling_param")
    passed([conv, pool, norm("b", 4, sign=0)], [Convolution, AveragePooling])
    padded = replace(pool, arguments={**pool.arguments, "pad": shape(1, 1)})
    passed([conv, padded, norm("b", 4)], [Convolution, AveragePooling, BatchNormalization])
    uncounted = replace(padded, arguments={**padded.arguments, "including_pad": False})
    passed([conv, uncounted, norm("b", 4)], [Convolution, AveragePooling])


def test_batchnorm_that_would_be_inexact_stays() -> None:
    padded = convolution("c", kernel(4, 2, 3, 3), pad=(0, 1))
    passed([norm("b", 2), padded], [BatchNormalization, Convolution])
    passed([norm("b", 2), relu("r"), padded], [BatchNormalization, Relu, Convolution])
    passed([padded, relu("r"), norm("b", 4)], [Convolution, Relu, BatchNormalization])


def deconvolution(name: str, weight: np.ndarray, bias: np.ndarray | None, stride: tuple[int, int], group: int) -> Layer:
    arguments = {"base_axis": 1, "pad": shape(1, 0), "stride": shape(*stride), "dilation": shape(1, 1), "group": group}
    parameters = {"W": weight} if bias is None else {"W": weight, "b": bias}
    return Layer("Deconvolution", name, arguments, parameters, "deconvolution_param")


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("group", [1, 2])
def test_batchnorm_behind_a_transposed_convolution(bias: bool, group: int) -> None:
    layer = deconvolution("d", kernel(2, 6 // group, 3, 2), kernel(6) if bias else None, (2, 3), group)
    passed([layer, norm("b", 6)], [Deconvolution])


def test_batchnorm_before_a_transposed_convolution() -> None:
    layer = deconvolution("d", kernel(2, 6, 3, 2), kernel(6), (2, 3), 1)
    passed([norm("b", 2), layer], [BatchNormalization, Deconvolution])
    centred = batch_normalization("b", np.zeros(2), np.full(2, 4.0), np.array([2.0, -3.0]), None, eps=0.0)
    passed([centred, layer], [Deconvolution])


@pytest.mark.parametrize("multiplier", [1, 3])
def test_batchnorm_behind_a_depthwise_convolution(multiplier: int) -> None:
    arguments = {"base_axis": 1, "pad": shape(1, 1), "stride": shape(1, 1), "dilation": shape(1, 1)}
    parameters = {"W": kernel(2 * multiplier, 3, 3)}
    layer = Layer(
        "DepthwiseConvolution", "d", {**arguments, "multiplier": multiplier}, parameters, "depthwise_convolution_param"
    )
    after = passed([layer, norm("b", 2 * multiplier)], [Convolution])
    assert after.operators[0].groups == 2


def test_batchnorm_before_padding_with_one_border_value() -> None:
    """All channels alike: the border has one value, so that the fold is exact."""
    alike = batch_normalization("b", [0.5, 0.5], [4.0, 4.0], [2.0, 2.0], [0.25, 0.25], eps=0.0)
    after = passed([alike, convolution("c", kernel(4, 2, 3, 3), kernel(4), pad=(1, 2))], [Convolution])
    assert after.operators[0].padding_value == 0.25


def test_batchnorm_behind_a_fork_stays() -> None:
    graph = graph_of([convolution("c", kernel(4, 2, 1, 1)), norm("b", 4), relu("r")])
    after = standard_passes(replace(graph, outputs=("y", "c_out")))
    assert types(after) == [Convolution, BatchNormalization, Relu]


def test_folding_rounds_once() -> None:
    layers = [convolution("c", kernel(4, 2, 3, 3), kernel(4)), norm("b", 4)]
    before, after = graph_of(layers), fold_batchnorm(graph_of(layers))
    conv, bn = before.operators
    assert isinstance(conv, Convolution) and isinstance(after.operators[0], Convolution)
    scale = bn.scale.astype(np.float64) / np.sqrt(bn.variance.astype(np.float64) + bn.epsilon)
    expected = conv.weight * scale[:, None, None, None]
    np.testing.assert_array_equal(after.operators[0].weight, expected.astype(np.float32))
    bias = bn.offset + (conv.bias.astype(np.float64) - bn.mean) * scale
    np.testing.assert_allclose(after.operators[0].bias, bias, rtol=6e-8, atol=1e-12)


def test_a_fold_that_overflows_is_an_error() -> None:
    tiny = batch_normalization("b", np.zeros(4), np.full(4, 1e-38), np.full(4, 1e30), eps=0.0)
    with pytest.raises(ModelError, match=r"layer 'c': weight\[0, 0, 0, 0\]"):
        standard_passes(graph_of([convolution("c", np.full((4, 2, 1, 1), 1e20)), tiny]))


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


def test_identities_and_second_relus() -> None:
    layers = [dropout("d"), affine("a", kernel(96, 3)), relu("r"), dropout("e"), relu("s"), dropout("f")]
    passed(layers, [Affine, Relu])
    assert passed([affine("a", kernel(96, 3)), dropout("e"), softmax("s")], [Affine]).classifier


def test_relu_moves_in_front_of_pooling() -> None:
    conv = convolution("c", kernel(4, 2, 3, 3))
    passed(
        [conv, max_pooling("p", (2, 2), (1, 1)), max_pooling("q"), relu("r")],
        [Convolution, Relu, MaxPooling, MaxPooling],
    )
    passed([conv, relu("s"), max_pooling("p"), relu("r")], [Convolution, Relu, MaxPooling])
    passed([max_pooling("p"), relu("r"), affine("a", kernel(24, 2))], [Relu, MaxPooling, Affine])


def test_softmax() -> None:
    after = passed([affine("a", kernel(96, 5)), softmax("s")], [Affine])
    assert after.classifier and not passed([affine("a", kernel(96, 5))], [Affine]).classifier
    assert passed([convolution("c", kernel(4, 2, 8, 6)), softmax("s")], [Convolution]).classifier
    refused([softmax("s"), affine("a", kernel(96, 5))], "'s': Softmax inside the network")
    refused([convolution("c", kernel(4, 2, 3, 3)), softmax("s", 2)], "'s': Softmax along axis 1 of")
    pixels = passed([convolution("c", kernel(4, 2, 3, 3)), softmax("s")], [Convolution])
    assert not pixels.classifier and "Softmax is cut off" in pixels.notes[0]


def test_reshapes() -> None:
    head = affine("a", kernel(96, 3))
    passed([reshape("f", -1, 96), head], [Affine])
    passed([convolution("c", kernel(2, 2, 1, 1)), reshape("f", -1, 96), relu("r"), head], [Convolution, Relu, Affine])
    passed([reshape("g", -1, 4, 24), reshape("f", -1, 96), dropout("d"), head], [Affine])
    passed([reshape("g", -1, 2, 8, 6), convolution("c", kernel(2, 2, 1, 1))], [Reshape, Convolution], (96,))
    scaled = [multiply("m", 0.5), reshape("g", -1, 2, 8, 6), convolution("c", kernel(2, 2, 1, 1))]
    passed(scaled, [Reshape, Convolution], (96,))
    passed([relu("r"), *scaled], [Reshape, Relu, Convolution], (96,))
    passed([convolution("c", kernel(2, 2, 1, 1)), reshape("g", -1, 96)], [Convolution, Reshape])
    passed([head, reshape("g", -1, 3, 1, 1), convolution("c", kernel(2, 3, 1, 1))], [Affine, Reshape, Convolution])
    refused([reshape("g", -1, 2, 2, 4, 6), relu("r")], r"'g': tensor .* has shape \(2, 2, 4, 6\); supported")


def test_rows_become_images() -> None:
    arguments = {"base_axis": 1, "pad": shape(1), "stride": shape(2), "dilation": shape(1), "group": 1}
    conv = Layer("Convolution", "c", arguments, {"W": kernel(4, 3, 3), "b": kernel(4)}, "convolution_param")
    pool = Layer("MaxPooling", "p", {"kernel": shape(1, 2), "stride": shape(1, 2), "pad": shape(0, 0)}, {},
                 "max_pooling_param")  # fmt: skip
    again = replace(conv, name="e", parameters={"W": kernel(2, 4, 3)})
    layers = [conv, norm("b", 4, dimensions=3), relu("r"), pool, again]
    after = passed(layers, [Reshape, Convolution, Relu, MaxPooling, Convolution, Reshape], (3, 20))
    assert all(len(after.shapes[name]) == 3 for op in after.operators[1:-1] for name in (*op.inputs, op.output))
    assert after.shapes["x"] == (3, 20) and after.shapes["y"] == (2, 3)
    passed([*layers[:4], affine("a", kernel(20, 2))], [Reshape, Convolution, Relu, MaxPooling, Affine], (3, 20))


def forked_graph() -> Graph:
    """Two affine layers on one tensor."""
    operators = (
        Relu("r", ("x",), "h"),
        Affine("a", ("h",), "y", kernel(3, 4), None),
        Affine("b", ("h",), "z", kernel(2, 4), None),
    )
    return check(Graph("n", ("x",), ("y", "z"), operators, {"x": (4,), "h": (4,), "y": (3,), "z": (2,)}))


def test_forks_and_several_ends_pass() -> None:
    graph = forked_graph()
    after = standard_passes(graph)
    assert types(after) == [Relu, Affine, Affine] and after.outputs == ("y", "z")
    pruned = standard_passes(replace(graph, outputs=("z",)))
    assert types(pruned) == [Relu, Affine] and set(pruned.shapes) == {"x", "h", "z"}


def test_prune_drops_inputs() -> None:
    graph = forked_graph()
    more = replace(graph, inputs=("x", "unused"), shapes={**graph.shapes, "unused": (1,)})
    assert remove_unused(more).inputs == ("x",)


def test_a_network_of_nothing_is_refused() -> None:
    with pytest.raises(ModelError, match="is empty: it has no layer"):
        standard_passes(graph_of([dropout("d")]))


def test_bypass_keeps_names_of_outputs() -> None:
    operators = (Relu("r", ("x",), "h"), Identity("i", ("h",), "y", "Identity"), Relu("s", ("h",), "z"))
    graph = Graph("n", ("x",), ("y", "z"), operators, dict.fromkeys(("x", "h", "y", "z"), (4,)))
    after = check(bypass(graph, lambda op: isinstance(op, Identity)))
    assert after.outputs == ("y", "z") and [op.output for op in after.operators] == ["y", "z"]
    assert after.operators[1].inputs == ("y",)


def test_long_chains_are_linear() -> None:
    import time

    shapes = {f"t{index}": (2, 1, 1) for index in range(5001)}
    operators: list[Operator] = []
    weight = np.eye(2, dtype=np.float32).reshape(2, 2, 1, 1)
    for index in range(5000):
        ends = ((f"t{index}",), f"t{index + 1}")
        kind = index % 4
        if kind == 0:
            operators.append(Convolution(f"o{index}", *ends, weight, None))
        elif kind == 1:
            operators.append(ScaleOffset(f"o{index}", *ends, 1.5, 0.25))
        else:
            operators.append(Relu(f"o{index}", *ends) if kind == 2 else MaxPooling(f"o{index}", *ends, (1, 1), (1, 1)))
    graph = Graph("n", ("t0",), ("t5000",), tuple(operators), shapes)
    start = time.process_time()
    assert len(standard_passes(graph).operators) == 3750
    assert time.process_time() - start < 5


def test_scalars_at_an_output_become_one() -> None:
    graph = graph_of([multiply("m", 2.0), add("o", 1.0)])
    assert types(fold_scalars(graph)) == [ScaleOffset]
