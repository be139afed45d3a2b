"""Operators that move, turn into others or go; and what all passes leave as it is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fpgaq.base.errors import ModelError, UnsupportedError
from fpgaq.model.graph import (
    Affine,
    Convolution,
    Graph,
    Identity,
    MaxPooling,
    Operator,
    Relu,
    Reshape,
    ScaleOffset,
    check,
)
from fpgaq.model.passes import standard_passes
from fpgaq.model.passes.fold_scalars import fold_scalars
from fpgaq.model.passes.remove_unused import remove_unused
from fpgaq.model.passes.rewrite import bypass
from tests.model.passes.networks import graph_of, kernel, norm, passed, refused, types
from tests.support.nnp_builder import (
    Layer,
    add,
    affine,
    convolution,
    dropout,
    max_pooling,
    multiply,
    relu,
    reshape,
    shape,
    softmax,
)
from tests.support.onnx_models import ints, load_model, model, node, real


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
    assert not passed([convolution("c", kernel(4, 2, 3, 3)), softmax("s", 2)], [Convolution]).classifier
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


def test_two_outputs_that_become_one_tensor_are_refused() -> None:
    """A slice of everything is an identity, and its removal would name the sum twice among the outputs."""
    nodes = [
        node("Gemm", "x w b", ("t4",)),
        node("Slice", "t4 start end axis", ("t12",)),
        node("Identity", "t4", ("t13",)),
    ]
    constants = {"w": real(4, 3), "b": real(3), "start": ints(0), "end": ints(3), "axis": ints(1)}
    for outputs, said in ((["t4", "t12"], "'t4' and 't12'"), (["t13", "t4"], "'t13' and 't4'")):
        graph = load_model(model(nodes, {"x": (1, 4)}, outputs=outputs, constants=constants))
        with pytest.raises(UnsupportedError, match=f"outputs {said} are the same values"):
            standard_passes(graph)
    assert standard_passes(load_model(model(nodes, {"x": (1, 4)}, outputs=["t12"], constants=constants))).outputs
