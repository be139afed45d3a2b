"""New kinds of models down to Verilog: every beat of every tensor in Icarus equals the reference."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from fpgaq.hardware.schedule import Target, make_schedule
from fpgaq.proof.file_bench import run_file_bench
from tests.support.onnx_carried import carried
from tests.support.onnx_models import ints, model, node, real

pytestmark = pytest.mark.skipif(shutil.which("iverilog") is None, reason="needs iverilog")


def conv(source, target, weight="w"):
    return node("Conv", f"{source} {weight}", target, pads=[1, 1, 1, 1])


def networks():
    """Small networks of each kind, each with a layer before and after it."""
    weights = {"w": real(8, 2, 3, 3), "v": real(3, 8, 3, 3)}
    front = conv("x", "h")
    shuffle = [
        node("Reshape", "h a", "p"),
        node("Transpose", "p", "q", perm=[0, 2, 1, 3, 4]),
        node("Reshape", "q b", "r"),
    ]
    yield (
        "shuffle",
        [front, *shuffle, conv("r", "y", "v")],
        {**weights, "a": ints(2, 2, 4, 4, 6), "b": ints(2, 8, 4, 6)},
    )
    pixels = [node("DepthToSpace", "h", "r", blocksize=2), conv("r", "y", "u")]
    yield "pixel shuffle", [front, *pixels], {**weights, "u": real(3, 2, 3, 3)}
    focus = [node("SpaceToDepth", "x", "s", blocksize=2), conv("s", "y", "w8")]
    yield "focus", focus, {"w8": real(3, 8, 3, 3)}
    constants = {**weights, "m": real(8, 4, 6), "i": ints(3, 1, 1, 7)}
    yield "constant map", [front, node("Add", "h m", "r"), conv("r", "y", "v")], constants
    yield "gather", [front, node("Gather", "h i", "y", axis=1)], constants
    yield "linear", [front, node("Resize", "h  s", "y", mode="linear")], {**weights, "s": np.float32([1, 1, 2, 2])}
    nearest = node("Resize", "h  s", "y", coordinate_transformation_mode="asymmetric", nearest_mode="floor")
    yield "nearest", [front, nearest], {**weights, "s": np.float32([1, 1, 1.5, 1.5])}
    yield "mean of channels", [front, node("ReduceMean", "h", "y", axes=[1])], weights
    yield "dense", [front, node("MatMul", "h d", "y")], {**weights, "d": real(6, 3)}
    gelu = [
        node("Div", "h r", "a"),
        node("Erf", "a", "b"),
        node("Add", "b o", "c"),
        node("Mul", "h c", "d"),
        node("Mul", "d k", "e"),
    ]
    numbers = {"r": np.float32(2**0.5), "o": np.float32(1), "k": np.float32(0.5)}
    yield "gelu", [front, *gelu, conv("e", "y", "v")], {**weights, **numbers}
    yield "where", [front, node("Greater", "h t", "g"), node("Where", "g h t", "y")], {**weights, "t": np.float32(0.25)}
    yield "rows joined", [front, node("Concat", "h h", "y", axis=2)], weights
    yield (
        "expand",
        [front, node("GlobalMaxPool", "h", "g"), node("Expand", "g n", "e"), node("Mul", "h e", "y")],
        {
            **weights,
            "n": ints(1, 8, 4, 6),
        },
    )


@pytest.mark.parametrize("kind", [name for name, *_ in networks()])
def test_hardware_equals_the_reference(tmp_path, kind):
    nodes, constants = next((nodes, constants) for name, nodes, constants in networks() if name == kind)
    proto = model(nodes, {"x": (2, 2, 4, 6)}, ["y"], constants)
    _, integer = carried(proto, bits=8, error=0.5)
    schedule = make_schedule(integer, Target(multipliers=8))
    result = run_file_bench(integer, schedule, integer.samples, workdir=tmp_path)
    assert result.mismatch is None
