"""Nodes on constants alone: whatever computes a weight, a shape or a pad at import."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from fpgaq.base.errors import FpgaqError
from tests.support.onnx_models import compare, ints, load_model, model, node, real

W = real(6, 4)
P = np.abs(real(6, 4)) + np.float32(0.5)


def f(number):
    return np.float32(number)


# Nodes that end in `w`, a constant that the network adds up with its data, with the constants that they read.
ARITHMETIC = {
    "weight norm": (
        [node("ReduceL2", "v", "n", axes=[1]), node("Div", "v n", "q"), node("Mul", "q g", "w")],
        {"v": W, "g": real(6, 1)},
    ),
    "spectral": ([node("MatMul", "u v", "s"), node("Div", "v s", "w")], {"u": np.abs(real(1, 6)), "v": P}),
    "flip": (
        [node("Slice", "v a b c d", "w")],
        {"v": W, "a": ints(-1), "b": ints(-(2**63)), "c": ints(0), "d": ints(-1)},
    ),
    "every second": (
        [node("Slice", "v a b c d", "w")],
        {"v": real(12, 4), "a": ints(0), "b": ints(12), "c": ints(0), "d": ints(2)},
    ),
    "tile": ([node("Tile", "v r", "w")], {"v": real(3, 2), "r": ints(2, 2)}),
    "expand": ([node("Expand", "v r", "w")], {"v": real(6, 1), "r": ints(6, 4)}),
    "where": ([node("Greater", "v z", "m"), node("Where", "m v z", "w")], {"v": W, "z": f(0)}),
    "where not": ([node("Less", "v z", "m"), node("Not", "m", "n"), node("Where", "n v z", "w")], {"v": W, "z": f(0)}),
    "range": (
        [node("Range", "a b c", "r"), node("Cast", "r", "s", to=1), node("Reshape", "s t", "w")],
        {"a": np.int64(0), "b": np.int64(24), "c": np.int64(1), "t": ints(6, 4)},
    ),
    "scatter": ([node("ScatterND", "v i u", "w")], {"v": W, "i": ints([0], [5]), "u": real(2, 4)}),
    "gather nd": ([node("GatherND", "v i", "w")], {"v": W, "i": ints([5], [4], [3], [2], [1], [0])}),
    "trilu": ([node("Trilu", "v", "w", upper=0)], {"v": W}),
    "power": ([node("Pow", "v e", "w")], {"v": P, "e": f(1.5)}),
    "exponential": ([node("Exp", "v", "e"), node("Log", "e", "w")], {"v": W}),
    "sigmoid": ([node("Sigmoid", "v", "w")], {"v": W}),
    "erf": ([node("Erf", "v", "w")], {"v": W}),
    "root": ([node("Sqrt", "v", "r"), node("Reciprocal", "r", "w")], {"v": P}),
    "sign": ([node("Sign", "v", "s"), node("Abs", "v", "a"), node("Mul", "s a", "w")], {"v": W}),
    "rounded": (
        [node("Div", "v s", "d"), node("Round", "d", "r"), node("Clip", "r l h", "c"), node("Mul", "c s", "w")],
        {"v": W, "s": f(0.25), "l": f(-4), "h": f(3)},
    ),
    "floor": ([node("Floor", "v", "a"), node("Ceil", "v", "b"), node("Add", "a b", "w")], {"v": W}),
    "mean": ([node("ReduceMean", "v", "m", axes=[0]), node("Sub", "v m", "w")], {"v": W}),
    "greatest": ([node("ReduceMax", "v", "m", axes=[0, 1]), node("Div", "v m", "w")], {"v": P}),
    "softmax": ([node("Softmax", "v", "w", axis=1)], {"v": W}),
    "fold": ([node("Einsum", "v u", "w", equation="ij,jk->ik")], {"v": real(6, 3), "u": real(3, 4)}),
    "gemm": ([node("Gemm", "v u", "w", transB=1)], {"v": real(6, 3), "u": real(4, 3)}),
    "split": ([node("Split", "v", "a b", axis=0), node("Concat", "b a", "w", axis=0)], {"v": W}),
    "pad": ([node("Pad", "v p", "w")], {"v": real(4, 4), "p": ints(1, 0, 1, 0)}),
    "convolution": (
        [node("Conv", "v k", "c"), node("Reshape", "c t", "w")],
        {"v": real(1, 2, 6, 4), "k": real(1, 2, 1, 1), "t": ints(6, 4)},
    ),
    "one hot": ([node("OneHot", "i d v", "w", axis=-1)], {"i": ints(0, 1, 2, 3, 0, 1), "d": np.int64(4), "v": real(2)}),
    "sum": ([node("CumSum", "v a", "w")], {"v": W, "a": np.int64(1)}),
    "fill": ([node("ConstantOfShape", "s", "c"), node("Add", "c v", "w")], {"s": ints(6, 4), "v": W}),
    "double": ([node("Cast", "v", "d", to=11), node("Mul", "d d", "e"), node("Cast", "e", "w", to=1)], {"v": W}),
    "max of three": ([node("Max", "v u t", "w")], {"v": W, "u": real(6, 4), "t": f(0.1)}),
    "compare": (
        [node("Equal", "i j", "m"), node("Cast", "m", "k", to=1), node("Mul", "k v", "w")],
        {"i": ints(1, 2, 3, 4), "j": ints(1, 0, 3, 0), "v": W},
    ),
    "not zero": (
        [node("NonZero", "v", "i"), node("Cast", "i", "k", to=1), node("Reshape", "k t", "w")],
        {"v": np.ones((3, 4), np.float32), "t": ints(6, 4)},
    ),
    "depth": (
        [node("DepthToSpace", "v", "c", blocksize=2), node("Reshape", "c t", "w")],
        {"v": real(1, 4, 3, 2), "t": ints(6, 4)},
    ),
}


@pytest.mark.parametrize("kind", ARITHMETIC)
@pytest.mark.parametrize("opset", [11, 12, 13])
def test_arithmetic_on_constants_agrees(kind, opset):
    nodes, constants = ARITHMETIC[kind]
    opset = max(opset, {"trilu": 14, "fold": 12}.get(kind, 0))
    last = [node("MatMul", "x w", "hidden"), node("Relu", "hidden", "y")]
    compare(model([*nodes, *last], {"x": (2, 6)}, ["y"], constants, opset))


@pytest.mark.parametrize("opset", [18, 20, 21, 22])
@pytest.mark.parametrize(
    "kind", [kind for kind in ARITHMETIC if kind not in ("weight norm", "split", "mean", "greatest")]
)
def test_arithmetic_on_constants_of_newer_opsets_agrees(kind, opset):
    if opset > onnx.defs.onnx_opset_version():
        pytest.skip("this onnx package does not have it")
    nodes, constants = ARITHMETIC[kind]
    compare(model([*nodes, node("MatMul", "x w", "y")], {"x": (2, 6)}, ["y"], constants, opset))


@pytest.mark.parametrize("opset", [11, 12, 13, 16, 17])
@pytest.mark.parametrize("pads", [(1, 1, 1, 1), (2, 0, 1, 3), (0, 1, 0, 0), (3, 3, 2, 2)])
@pytest.mark.parametrize("mode", ["constant", "reflect", "edge"])
def test_pads_as_torch_computes_them_agree(opset, pads, mode):
    """F.pad lists the last axis first; the exporter turns the list round by a slice with steps of -1."""
    nodes = [
        node("ConstantOfShape", "count", "zeros"),
        node("Concat", "pads zeros", "all", axis=0),
        node("Reshape", "all two", "pairs"),
        node("Slice", "pairs last first zero back", "turned"),
        node("Transpose", "turned", "across", perm=[1, 0]),
        node("Reshape", "across flat", "list"),
        node("Cast", "list", "amounts", to=7),
        node("Pad", "x amounts", "y", mode=mode),
    ]
    zeros = onnx.numpy_helper.from_array(np.zeros(1, np.int64))
    nodes[0].attribute.append(onnx.helper.make_attribute("value", zeros))
    constants = {
        "count": ints(4),
        "pads": ints(*pads),
        "two": ints(-1, 2),
        "last": ints(-1),
        "first": ints(-(2**63) + 1),
        "zero": ints(0),
        "back": ints(-1),
        "flat": ints(-1),
    }
    compare(model(nodes, {"x": (2, 3, 5, 6)}, ["y"], constants, opset))


@pytest.mark.parametrize(
    ("nodes", "constants", "words"),
    [
        ([node("Expand", "v s", "w")], {"v": f(1), "s": ints(1 << 20, 1 << 20)}, "makes more than"),
        ([node("Tile", "v s", "w")], {"v": real(4, 4), "s": ints(1 << 20, 1 << 20)}, "makes more than"),
        (
            [node("Range", "a b c", "w")],
            {"a": np.int64(0), "b": np.int64(1 << 40), "c": np.int64(1)},
            "makes more than",
        ),
        ([node("Pad", "v p", "w")], {"v": real(4), "p": ints(1 << 40, 0)}, "makes more than|cannot be computed"),
        ([node("RandomNormalLike", "v", "w")], {"v": real(4, 4)}, "on constants alone; fold it"),
        ([node("Bernoulli", "v", "w")], {"v": P}, "on constants alone; fold it"),
        (
            [node("Einsum", "v v v v v", "w", equation="ab,cd,ef,gh,ij->a")],
            {"v": real(64, 64)},
            "elements of constants",
        ),
        (
            [node("Conv", "v k", "w", pads=[500, 500, 500, 500])],
            {"v": real(1, 1, 4, 4), "k": real(1, 1, 500, 500)},
            "elements of constants",
        ),
        ([node("MatMul", "v v", "w")], {"v": real(6, 4)}, "cannot be computed"),
        ([node("NoSuchThing", "v", "w")], {"v": real(6, 4)}, "unsupported operators: NoSuchThing"),
        ([node("Gather", "v i", "w")], {"v": real(6, 4), "i": ints(9)}, "cannot be computed"),
    ],
)
def test_constants_that_cannot_be_computed_are_refused_in_one_line(nodes, constants, words):
    proto = model([*nodes, node("MatMul", "x w", "y")], {"x": (2, 6)}, ["y"], constants, 15)
    with pytest.raises(FpgaqError, match=words) as caught:
        load_model(proto)
    assert "\n" not in str(caught.value)
