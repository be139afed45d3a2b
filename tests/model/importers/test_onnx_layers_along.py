"""Layers along other axes than usual: matrix products, reductions, interpolation, averages that count their padding."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest

from tests.support.onnx_carried import carried
from tests.support.onnx_models import ints, model, node, one, real

LATER_RUNTIME = tuple(map(int, onnxruntime.__version__.split(".")[:2])) > (1, 23)
"""It computes partial windows by the rules of opset 19 whatever the opset, so that it is no yardstick before."""


@pytest.mark.parametrize("shape", [(3, 4), (5, 1), (1, 6), (2, 3, 4), (4, 1, 5), (2, 2, 2, 3)])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("opset", [9, 13, 20])
def test_dense_along_the_last_axis_agrees(shape, bias, opset):
    nodes = [node("MatMul", "x w", "m")]
    constants = {"w": real(shape[-1], 5)}
    if bias:
        nodes.append(node("Add", "b m", "a"))
        constants["b"] = real(5)
    nodes.append(node("Relu", nodes[-1].output[0], "y"))
    carried(model(nodes, {"x": (2, *shape)}, ["y"], constants, opset))


@pytest.mark.parametrize("shape", [(3, 4), (6, 1), (2, 3, 4), (3, 1, 1)])
@pytest.mark.parametrize("batched", [False, True])
def test_constants_times_columns_agree(shape, batched):
    weight = real(1, 5, shape[-2]) if batched else real(5, shape[-2])
    carried(model(node("MatMul", "w x"), {"x": (2, *shape)}, constants={"w": weight}))


@pytest.mark.parametrize("transposed", [0, 1])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("perm", [True, False])
def test_a_transpose_before_a_transposed_gemm_goes(transposed, bias, perm):
    weight = real(3, 6) if transposed else real(6, 3)
    constants = {"w": weight, **({"c": real(3)} if bias else {})}
    turn = node("Transpose", "x", "t", **({"perm": [1, 0]} if perm else {}))
    nodes = [turn, node("Gemm", "t w c" if bias else "t w", "y", transA=1, transB=transposed)]
    carried(model(nodes, {"x": (2, 6)}, ["y"], constants))


REDUCTIONS = ("ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceL1", "ReduceL2", "ReduceSumSquare")


@pytest.mark.parametrize("kind", REDUCTIONS)
@pytest.mark.parametrize("axes", [[1], [1, 2], [1, 3], [-3], [2], [3, 2, 1], [-1]])
@pytest.mark.parametrize("keep", [0, 1])
@pytest.mark.parametrize("opset", [11, 13, 18])
def test_reductions_along_any_axes_agree(kind, axes, keep, opset):
    as_input = opset >= (13 if kind == "ReduceSum" else 18)
    constants = [ints(*axes)] if as_input else []
    attributes = {} if as_input else {"axes": axes}
    carried(one(kind, (2, 3, 4, 5), constants, opset, keepdims=keep, **attributes), error=0.08)


@pytest.mark.parametrize("kind", REDUCTIONS)
@pytest.mark.parametrize(("shape", "axes"), [((7,), [1]), ((3, 5), [1]), ((3, 5), [2]), ((1, 5), [1, 2])])
def test_reductions_of_rows_and_vectors_agree(kind, shape, axes):
    as_input = kind == "ReduceSum"
    carried(
        one(kind, (2, *shape), [ints(*axes)] if as_input else [], 13, **({} if as_input else {"axes": axes})),
        error=0.08,
    )


@pytest.mark.parametrize("factor", [(2, 2), (3, 3), (2, 1), (1, 4), (4, 2)])
@pytest.mark.parametrize("size", [(4, 5), (2, 2), (3, 6)])
@pytest.mark.parametrize("coordinates", ["half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric"])
def test_linear_interpolation_agrees(factor, size, coordinates):
    scales = np.float32([1, 1, *factor])
    attributes = {"mode": "linear", "coordinate_transformation_mode": coordinates}
    carried(one("Resize", (2, 3, *size), [None, scales], **attributes))


@pytest.mark.parametrize("scales", [(1.5, 1.5), (2.5, 1), (0.5, 0.5), (0.75, 2), (1, 0.25)])
@pytest.mark.parametrize("size", [(4, 8), (8, 4)])
@pytest.mark.parametrize("mode", ["nearest", "linear"])
@pytest.mark.parametrize("coordinates", ["half_pixel", "asymmetric", "align_corners"])
def test_other_factors_agree(scales, size, mode, coordinates):
    attributes = {"mode": mode, "coordinate_transformation_mode": coordinates}
    if mode == "nearest":
        attributes["nearest_mode"] = "floor"
    carried(one("Resize", (2, 3, *size), [None, np.float32([1, 1, *scales])], **attributes))


@pytest.mark.parametrize("sizes", [(6, 6), (7, 5), (3, 3), (8, 2)])
@pytest.mark.parametrize("opset", [11, 13, 18])
def test_sizes_in_place_of_factors_agree(sizes, opset):
    for mode in ("nearest", "linear"):
        attributes = {"mode": mode, "coordinate_transformation_mode": "asymmetric"}
        if mode == "nearest":
            attributes["nearest_mode"] = "floor"
        constants = [np.zeros(0, np.float32), np.zeros(0, np.float32), ints(2, 3, *sizes)]
        carried(one("Resize", (2, 3, 4, 4), constants, opset, **attributes))


@pytest.mark.parametrize("scale", [2.0, 1.5, 3.0])
@pytest.mark.parametrize("mode", ["nearest", "linear"])
def test_rows_are_resized(scale, mode):
    attributes = {"mode": mode, "coordinate_transformation_mode": "asymmetric"}
    if mode == "nearest":
        attributes["nearest_mode"] = "floor"
    carried(one("Resize", (2, 3, 6), [None, np.float32([1, 1, scale])], **attributes))


@pytest.mark.skipif(LATER_RUNTIME, reason="onnxruntime after 1.23 counts partial windows by opset 19 in older models")
@pytest.mark.parametrize("size", [(6, 6), (7, 5), (5, 8), (9, 9)])
@pytest.mark.parametrize(("kernel", "stride", "pad"), [(3, 2, 1), (3, 2, 0), (2, 2, 0), (3, 3, 1), (2, 3, 1)])
@pytest.mark.parametrize("counted", [0, 1])
def test_averages_of_partial_windows_agree_before_opset_19(size, kernel, stride, pad, counted):
    attributes = {"kernel_shape": [kernel] * 2, "strides": [stride] * 2, "pads": [pad] * 4}
    carried(one("AveragePool", (2, 3, *size), opset=13, ceil_mode=1, count_include_pad=counted, **attributes))


@pytest.mark.parametrize("size", [(6, 6), (7, 5), (5, 8), (9, 9)])
@pytest.mark.parametrize(("kernel", "stride", "pad"), [(3, 2, 1), (3, 2, 0), (2, 2, 0), (3, 3, 1), (2, 3, 1)])
@pytest.mark.parametrize("counted", [0, 1])
def test_averages_of_partial_windows_agree(size, kernel, stride, pad, counted):
    """Since opset 19 the overhang does not count; before, it does if the padding does."""
    from fpgaq.model.executor import run_float
    from tests.support.onnx_models import load_model

    attributes = {"kernel_shape": [kernel] * 2, "strides": [stride] * 2, "pads": [pad] * 4}
    proto = one("AveragePool", (2, 3, *size), opset=19, ceil_mode=1, count_include_pad=counted, **attributes)
    graph = load_model(proto)
    x = real(2, 3, *size)
    found = run_float(graph, {"x": x})["y"]
    for row in range(found.shape[2]):
        for column in range(found.shape[3]):
            top, left = row * stride - pad, column * stride - pad
            rows = range(top, min(top + kernel, size[0] + pad))
            columns = range(left, min(left + kernel, size[1] + pad))
            inside = [(r, c) for r in rows for c in columns if 0 <= r < size[0] and 0 <= c < size[1]]
            count = len(rows) * len(columns) if counted else len(inside)
            mean = sum(x[:, :, r, c] for r, c in inside) / count
            np.testing.assert_allclose(found[:, :, row, column], mean, rtol=1e-5, atol=1e-6)
