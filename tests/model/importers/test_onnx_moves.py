"""Movements of elements: many axes, permutations, slices with steps, gathers, concatenation, repeats."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from fpgaq.base.errors import ModelError, UnsupportedError
from tests.support.onnx_carried import carried
from tests.support.onnx_models import compare, ints, load_model, model, node, real


def between(nodes, shape, constants=None, opset=13):
    """Nodes from `x` to `y` alone, where the data is what is moved."""
    carried(model(nodes, {"x": (2, *shape)}, ["y"], constants, opset))


@pytest.mark.parametrize("groups", [2, 3, 4])
@pytest.mark.parametrize("shape", [(12, 4, 5), (12, 1, 1), (12, 3, 1), (24, 2, 2)])
@pytest.mark.parametrize("opset", [9, 13, 20])
def test_channels_are_shuffled(groups, shape, opset):
    channels, height, width = shape
    nodes = [
        node("Reshape", "x a", "p"),
        node("Transpose", "p", "q", perm=[0, 2, 1, 3, 4]),
        node("Reshape", "q b", "y"),
    ]
    constants = {"a": ints(2, groups, channels // groups, height, width), "b": ints(2, -1, height, width)}
    between(nodes, shape, constants, opset)


@pytest.mark.parametrize("mode", ["DCR", "CRD"])
@pytest.mark.parametrize(("block", "shape"), [(2, (8, 3, 4)), (2, (4, 2, 2)), (3, (9, 2, 3)), (2, (12, 1, 5))])
def test_depth_becomes_space_and_back(mode, block, shape):
    between(node("DepthToSpace", "x", blocksize=block, mode=mode), shape, opset=13)
    channels, height, width = shape
    wide = (max(1, channels // block**2), height * block, width * block)
    between(node("SpaceToDepth", "x", blocksize=block), wide)


@pytest.mark.parametrize("block", [2, 3])
@pytest.mark.parametrize("unshuffle", [False, True])
@pytest.mark.parametrize("size", [(3, 4), (2, 2), (1, 5)])
def test_pixels_are_shuffled_by_six_axes(block, unshuffle, size):
    height, width = size
    depth = 2
    if unshuffle:
        shape, middle, order = (
            (depth, height * block, width * block),
            (depth, height, block, width, block),
            (0, 2, 4, 1, 3),
        )
        last = (depth * block**2, height, width)
    else:
        shape, middle, order = (depth * block**2, height, width), (depth, block, block, height, width), (0, 3, 1, 4, 2)
        last = (depth, height * block, width * block)
    nodes = [
        node("Reshape", "x a", "p"),
        node("Transpose", "p", "q", perm=[0, *(axis + 1 for axis in order)]),
        node("Reshape", "q b", "y"),
    ]
    between(nodes, shape, {"a": ints(2, *middle), "b": ints(2, *last)})


@pytest.mark.parametrize("order", list(itertools.permutations(range(4)))[1:])
def test_every_order_of_four_axes_agrees(order):
    nodes = [
        node("Reshape", "x a", "p"),
        node("Transpose", "p", "q", perm=[0, *(axis + 1 for axis in order)]),
        node("Reshape", "q b", "y"),
    ]
    between(nodes, (6, 4, 5), {"a": ints(2, 2, 3, 4, 5), "b": ints(2, 12, -1)})


@pytest.mark.parametrize("inner", ["Relu", "Add", "Mul"])
@pytest.mark.parametrize("order", [(1, 0, 2, 3), (0, 2, 1, 3), (3, 1, 2, 0), (2, 0, 3, 1), (1, 2, 3, 0)])
def test_layers_between_many_axes_agree(inner, order):
    constants = {"a": ints(2, 2, 3, 4, 5), "b": ints(2, -1)}
    layer = node("Relu", "p", "r")
    if inner != "Relu":
        constants["c"] = real(3, 1, 1)
        layer = node(inner, "p c", "r")
    nodes = [node("Reshape", "x a", "p"), layer, node("Transpose", "r", "q", perm=[0, *(axis + 1 for axis in order)])]
    between([*nodes, node("Reshape", "q b", "y")], (6, 4, 5), constants)


@pytest.mark.parametrize("order", [(0, 2, 3, 1), (1, 0, 2, 3), (3, 2, 1, 0)])
@pytest.mark.parametrize("shape", [(6, 4, 5), (10, 2, 2)])
def test_an_output_of_many_axes_leaves_as_it_is(order, shape):
    nodes = [node("Reshape", "x a", "p"), node("Transpose", "p", "y", perm=[0, *(axis + 1 for axis in order)])]
    between(nodes, shape, {"a": ints(2, 2, -1, *shape[1:])})


@pytest.mark.parametrize("shape", [(3, 6, 7), (4, 9), (11,)])
@pytest.mark.parametrize("steps", [2, 3, -1, -2])
@pytest.mark.parametrize("axis", [1, 2, 3])
@pytest.mark.parametrize("opset", [10, 13])
def test_slices_with_steps_agree(shape, steps, axis, opset):
    if axis > len(shape):
        axis = len(shape)
    size = shape[axis - 1]
    first, last = (1, size) if steps > 0 else (size - 1, -(2**31))
    if steps > 1 and size < 4:
        first = 0
    constants = {"a": ints(first), "b": ints(last), "c": ints(axis), "d": ints(steps)}
    between(node("Slice", "x a b c d"), shape, constants, opset)


@pytest.mark.parametrize("shape", [(3, 8, 6), (1, 4, 4), (2, 6, 10)])
@pytest.mark.parametrize("joined", [1, 2])
def test_focus_agrees(shape, joined):
    nodes, parts = [], []
    constants = {
        "zero": ints(0),
        "one": ints(1),
        "end": ints(2**31),
        "two": ints(2),
        "rows": ints(2),
        "columns": ints(3),
    }
    for row, column in ((0, 0), (1, 0), (0, 1), (1, 1)):
        names = [("zero", "one")[row], ("zero", "one")[column]]
        part = f"p{row}{column}"
        nodes += [node("Slice", f"x {names[0]} end rows two", f"h{part}")]
        nodes += [node("Slice", f"h{part} {names[1]} end columns two", part)]
        parts.append(part)
    between([*nodes, node("Concat", parts, "y", axis=joined)], shape, constants)


INDICES = {
    "one": np.array(1),
    "list of one": ints(0),
    "turned": ints(2, 1, 0),
    "picked": ints(2, 0),
    "twice": ints(1, 1, 0),
    "last": np.array(-1),
    "matrix": np.array([[0, 1], [2, 1]]),
    "in order": ints(0, 1),
}


@pytest.mark.parametrize("indices", INDICES)
@pytest.mark.parametrize("axis", [1, 2, -1])
@pytest.mark.parametrize("shape", [(3, 4, 5), (3, 3), (4, 3, 3)])
def test_gathers_agree(indices, axis, shape):
    places = INDICES[indices].astype(np.int64)
    if places.ndim == 0 and len(shape) == 1:
        places = places.reshape(1)
    between(node("Gather", "x i", axis=axis), shape, {"i": places})


@pytest.mark.parametrize("count", [40, 70])
def test_long_gathers_in_no_order_agree(count):
    places = np.random.default_rng(count).permutation(count).astype(np.int64)
    between(node("Gather", "x i", axis=1), (count, 2, 2), {"i": places})


@pytest.mark.parametrize("axis", [1, 2, 3, -1])
@pytest.mark.parametrize("shape", [(2, 3, 4), (1, 3, 4), (4, 1, 1), (3, 2, 1)])
@pytest.mark.parametrize("other", [1, 3])
def test_concatenation_along_any_axis_agrees(axis, shape, other):
    second = list(shape)
    second[axis - 1 if axis > 0 else -1] = other
    inputs = {"a": (2, *shape), "b": (2, *second)}
    carried(model(node("Concat", "a b a", axis=axis), inputs))


@pytest.mark.parametrize("axis", [1, 2])
def test_concatenation_of_rows_and_vectors_agrees(axis):
    carried(model(node("Concat", "a b", axis=axis), {"a": (2, 3, 4), "b": (2, 3, 4)}))
    carried(model(node("Concat", "a b", axis=1), {"a": (2, 3), "b": (2, 5)}))


@pytest.mark.parametrize(
    ("shape", "sizes"),
    [
        ((3, 1, 1), (2, 3, 4, 5)),
        ((1, 4, 5), (1, 3, 4, 5)),
        ((3, 1, 5), (3, 4, 5)),
        ((3, 4, 1), (1, 1, 1, 5)),
        ((1,), (2, 6)),
        ((3, 1), (1, 3, 7)),
        ((1, 5), (3, 5)),
        ((1, 1, 1), (2, 3, 2, 2)),
    ],
)
def test_expansions_agree(shape, sizes):
    between(node("Expand", "x s"), shape, {"s": ints(*sizes)})


@pytest.mark.parametrize("times", [(1, 2, 1, 1), (1, 1, 3, 2), (1, 2, 2, 2), (1, 1, 1, 4)])
@pytest.mark.parametrize("shape", [(3, 2, 4), (1, 3, 1), (4, 1, 2)])
def test_tiles_agree(shape, times):
    between(node("Tile", "x t"), shape, {"t": ints(*times)})


@pytest.mark.parametrize("kind", ["Add", "Sub", "Mul"])
@pytest.mark.parametrize(
    "shapes",
    [
        ((3, 4, 5), (1, 4, 5)),
        ((3, 1, 5), (3, 4, 1)),
        ((1, 1, 1), (3, 4, 5)),
        ((3, 4), (1, 4)),
        ((1,), (6,)),
        ((3, 4, 1), (3, 4, 5)),
    ],
)
def test_tensors_broadcast_along_any_axis(kind, shapes):
    carried(model(node(kind, "a b"), {"a": (2, *shapes[0]), "b": (2, *shapes[1])}))


@pytest.mark.parametrize("kind", ["Add", "Sub", "Mul", "Div"])
@pytest.mark.parametrize("constant", [(3, 4, 5), (4, 5), (1, 4, 1), (5,), (1, 3, 1, 5), (1, 3, 4, 5), (4, 1)])
@pytest.mark.parametrize("front", [False, True])
def test_constants_over_space_agree(kind, constant, front):
    if kind == "Div" and front:
        front = False
    array = np.abs(real(*constant)) + np.float32(0.5)
    carried(model(node(kind, "c x" if front else "x c"), {"x": (2, 3, 4, 5)}, constants={"c": array}))


@pytest.mark.parametrize("kind", ["Add", "Mul"])
@pytest.mark.parametrize("rank", [2, 3])
def test_channels_last_constants_agree(kind, rank):
    """A bias or a scale along the last axis, as Keras's models have them after a transpose."""
    there, back = ([0, 3, 1, 2], [0, 2, 3, 1]) if rank == 3 else ([0, 2, 1], [0, 2, 1])
    weight = real(4, 3, 3, 3) if rank == 3 else real(4, 3, 3)
    nodes = [
        node("Transpose", "x", "a", perm=there), node("Conv", "a w", "b", pads=[1] * (2 * rank - 2)),
        node("Transpose", "b", "c", perm=back), node(kind, "c k", "d"), node("Relu", "d", "y"),
    ]  # fmt: skip
    shape = (2, 6, 6, 3) if rank == 3 else (2, 6, 3)
    carried(model(nodes, {"x": shape}, ["y"], {"w": weight, "k": real(4)}))


def refused(proto, kind, words):
    with pytest.raises(kind, match=words):
        load_model(proto)


PICKS = ([0], [2], [-1], [2, 1, 0], [0, 2], [1, 1, 0], [0, 1, 2])


@pytest.mark.parametrize("kind", ["GatherND", "Gather"])
@pytest.mark.parametrize("places", PICKS, ids=str)
@pytest.mark.parametrize(("axis", "rank"), [(1, 3), (2, 3), (1, 4), (2, 4), (3, 4), (1, 2)])
def test_an_axis_in_front_for_its_gather(kind, places, axis, rank):
    """As PyTorch writes x[:, [2, 1, 0]]: the axis changes places with the batch, is gathered, and goes back."""
    order = [axis, *(other for other in range(rank) if other != axis)]
    shape = [5, 4, 6][: rank - 1]
    shape[axis - 1] = 3
    nodes = [
        node("Transpose", "x", "a", perm=order),
        node(kind, "a i", "b", **({} if kind == "GatherND" else {"axis": 0})),
        node("Transpose", "b", "y", perm=[order.index(place) for place in range(rank)]),
    ]
    indices = np.array(places)[:, None] if kind == "GatherND" else np.array(places)
    for batch in (1, "N"):
        compare(model(nodes, {"x": (batch, *shape)}, constants={"i": indices}))


def test_an_axis_that_does_not_go_back_is_refused():
    nodes = [
        node("Transpose", "x", "a", perm=[1, 0, 2]), node("GatherND", "a i", "b"),
        node("Transpose", "b", "y", perm=[1, 2, 0]),
    ]  # fmt: skip
    refused(model(nodes, {"x": (1, 3, 4)}, constants={"i": np.array([[1], [0]])}), UnsupportedError, "GatherND")
    nodes = [node("Transpose", "x", "a", perm=[1, 0, 2]), node("GatherND", "a i", "b"),
             node("Transpose", "b", "y", perm=[1, 0, 2])]  # fmt: skip
    refused(model(nodes, {"x": (1, 3, 4)}, constants={"i": np.array([[3]])}), ModelError, "indices .3. of axis 1")


@pytest.mark.parametrize("end", [2**31 - 1, 2**63 - 1])
@pytest.mark.parametrize("axes", [(0,), (0, 1), (0, 2, 1), (1, 0, 2)], ids=str)
def test_a_slice_may_take_the_whole_of_an_open_batch(end, axes):
    starts, ends = np.zeros(len(axes), np.int64), np.full(len(axes), end)
    if len(axes) > 1:
        starts[axes.index(1)] = 1
    constants = {"s": starts, "e": ends, "a": np.array(axes)}
    compare(model(node("Slice", "x s e a"), {"x": ("N", 3, 4)}, constants=constants, opset=13))
    constants["e"] = np.where(np.array(axes) == 0, 1, end)
    refused(
        model(node("Slice", "x s e a"), {"x": ("N", 3, 4)}, constants=constants), UnsupportedError, "cuts the batch"
    )


@pytest.mark.parametrize(
    ("batch", "shape"), [("N", (0, -1, 4, 2)), (1, (0, -1, 4, 2)), (1, (1, -1, 4, 2)), (2, (0, -1, 4, 2))], ids=str
)
def test_a_size_that_is_left_over_is_one_of_the_image_where_the_batch_is_in_front(batch, shape):
    nodes = [node("Reshape", "x s", "a"), node("Conv", "a w", "y", pads=[1, 1, 1, 1])]
    constants = {"s": ints(*shape), "w": real(3, 1, 3, 3)}
    compare(model(nodes, {"x": (batch, 8)}, constants=constants))


def test_a_size_that_is_left_over_after_one_is_an_open_batch():
    nodes = [node("Reshape", "x s", "a"), node("Conv", "a w", "y", pads=[1, 1, 1, 1])]
    constants = {"s": ints(1, -1, 4, 2), "w": real(3, 1, 3, 3)}
    refused(model(nodes, {"x": ("N", 8)}, constants=constants), UnsupportedError, "batch is its second axis")
