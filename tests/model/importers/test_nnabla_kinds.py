"""Functions of nnabla that come in by others: weights from functions, losses, repeats, reductions, constant maps."""

from __future__ import annotations

import numpy as np
import pytest

from fpgaq.model.executor import run_float
from fpgaq.model.importers import from_nnabla
from fpgaq.model.passes import standard_passes
from fpgaq.pipeline import quantize, run
from fpgaq.quantizer.config import QuantizeOptions


def agrees(nn, make, shape, *, tolerance=1e-5, batch=3, error=0.08):
    """Build with nnabla, read, compare in float before and after the passes, quantize and compare."""
    rng = np.random.default_rng(1)
    x = nn.Variable((batch, *shape))
    x.d = rng.normal(0, 1.5, x.shape)
    data = x.d.astype(np.float32)
    y = make(x)
    y.forward()
    expected = y.d.copy()
    graph = from_nnabla(y)
    name = graph.outputs[0]
    scale = np.abs(expected).max()
    found = run_float(graph, {graph.inputs[0]: data})[name]
    assert found.size == expected.size
    np.testing.assert_allclose(found.reshape(expected.shape), expected, atol=tolerance * scale)
    passed = standard_passes(graph)
    last = run_float(passed, {passed.inputs[0]: data})[passed.outputs[0]]
    np.testing.assert_allclose(last.reshape(expected.shape), expected, atol=10 * tolerance * scale)
    options = QuantizeOptions(weight_bits=12, activation_bits=12, method="max", table_bits=12)
    integer = quantize(passed, {passed.inputs[0]: data}, options)
    _, real = run(integer, {passed.inputs[0]: data}, engine="numpy")[passed.outputs[0]]
    assert np.abs(real.reshape(expected.shape) - expected).max() <= error * scale
    return graph


@pytest.mark.parametrize("outputs", [2, 5])
@pytest.mark.parametrize("shape", [(3, 6, 6), (2, 5, 7)])
@pytest.mark.parametrize("dim", [0, 1])
@pytest.mark.parametrize("kind", ["weight_normalization", "spectral_norm", "prune"])
def test_weights_by_functions_are_computed(nnabla, outputs, shape, dim, kind):
    from nnabla import functions
    from nnabla import parametric_functions as parametric

    rng = np.random.default_rng(2)

    def make(x):
        weight = nnabla.parameter.get_parameter_or_create(
            "W", (outputs, shape[0], 3, 3), lambda shape: rng.normal(0, 1, shape)
        )
        if kind == "prune":
            used = functions.prune(weight, rate=(0.3, 0.9)[dim])
        elif kind == "weight_normalization":
            count = weight.shape[dim]
            gain = nnabla.parameter.get_parameter_or_create("g", (count,), lambda shape: rng.normal(1, 0.2, shape))
            used = functions.weight_normalization(weight, gain, dim=dim)
        else:
            start = nnabla.parameter.get_parameter_or_create(
                "u", (weight.shape[dim],), lambda shape: rng.normal(0, 1, shape)
            )
            used = functions.spectral_norm(weight, start, dim=dim, itr=1 + dim, test=True)
        return parametric.affine(functions.relu(functions.convolution(x, used)), 4)

    agrees(nnabla, make, shape)


@pytest.mark.parametrize(
    "loss", ["squared_error", "sigmoid_cross_entropy", "absolute_error", "huber_loss", "binary_cross_entropy"]
)
@pytest.mark.parametrize("behind", ["", "mean", "scaled"])
@pytest.mark.parametrize("size", [1, 4])
def test_losses_are_cut_off(nnabla, loss, behind, size):
    from nnabla import functions
    from nnabla import parametric_functions as parametric

    x, target = nnabla.Variable((3, 5)), nnabla.Variable((3, size))
    y = functions.sigmoid(parametric.affine(x, size))
    arguments = {"delta": 1.0} if loss == "huber_loss" else {}
    found = getattr(functions, loss)(y, target, **arguments)
    found = functions.mean(found, axis=1) if behind == "mean" else found * 0.5 if behind == "scaled" else found
    graph = from_nnabla(found)
    assert any("the loss is cut off" in note for note in graph.notes)
    x.d = np.random.default_rng(0).normal(0, 1, x.shape)
    y.forward()
    actual = run_float(graph, {graph.inputs[0]: x.d.astype(np.float32)})
    np.testing.assert_allclose(actual[graph.outputs[0]], y.d, atol=1e-6)


@pytest.mark.parametrize("kind", ["softmax_cross_entropy", "categorical_cross_entropy"])
@pytest.mark.parametrize("size", [2, 3, 7, 10])
def test_losses_of_classes_are_cut_off(nnabla, kind, size):
    from nnabla import functions
    from nnabla import parametric_functions as parametric

    x, label = nnabla.Variable((3, 5)), nnabla.Variable((3, 1))
    y = parametric.affine(x, size)
    y = functions.softmax(y) if kind.startswith("cat") else y
    graph = standard_passes(from_nnabla(functions.mean(getattr(functions, kind)(y, label), axis=1)))
    assert graph.shapes[graph.outputs[0]] == (size,)
    assert len(graph.operators) == 1


@pytest.mark.parametrize("kind", ["max", "min", "mean", "sum"])
@pytest.mark.parametrize("axis", [1, 2, 3, (1, 2), (2, 3), (1, 2, 3)])
@pytest.mark.parametrize("keep", [False, True])
def test_reductions_agree(nnabla, kind, axis, keep):
    from nnabla import functions

    agrees(nnabla, lambda x: getattr(functions, kind)(x, axis=axis, keepdims=keep), (3, 4, 5))


@pytest.mark.parametrize("times", [(1, 2, 1, 1), (1, 1, 2, 3), (1, 3, 1, 2), (1, 1, 1, 4), (1, 2, 2, 2)])
@pytest.mark.parametrize("shape", [(3, 2, 2), (1, 4, 1), (2, 1, 1), (4, 1, 3)])
def test_tiles_agree(nnabla, times, shape):
    from nnabla import functions

    agrees(nnabla, lambda x: functions.tile(x, times), shape)


@pytest.mark.parametrize(
    ("shape", "wide"),
    [
        ((3, 1, 1), (3, 4, 5)),
        ((1, 4, 5), (3, 4, 5)),
        ((3, 1, 5), (3, 4, 5)),
        ((1, 1, 1), (2, 2, 2)),
        ((3, 4, 1), (3, 4, 2)),
    ],
)
@pytest.mark.parametrize("front", [False, True])
@pytest.mark.parametrize("batch", [2, 3])
def test_broadcasts_agree(nnabla, shape, wide, front, batch):
    from nnabla import functions

    agrees(nnabla, lambda x: functions.broadcast(functions.relu(x) if front else x, (batch, *wide)), shape, batch=batch)


@pytest.mark.parametrize("shape", [(3, 4, 5), (2, 1, 1), (6,), (1, 3, 3), (4, 7)])
@pytest.mark.parametrize("outputs", [1, 2, 3, 5])
def test_concatenated_relus_and_maxout_agree(nnabla, shape, outputs):
    from nnabla import functions
    from nnabla import parametric_functions as parametric

    agrees(nnabla, lambda x: parametric.affine(functions.crelu(x, axis=1), outputs), shape)
    nnabla.clear_parameters()
    agrees(
        nnabla,
        lambda x: functions.max(functions.reshape(parametric.affine(x, 4 * outputs), (3, outputs, 4)), axis=2),
        shape,
    )


@pytest.mark.parametrize("factor", [(2, 2), (3, 1), (1, 2), (4, 4), (2, 3)])
@pytest.mark.parametrize("shape", [(3, 4, 5), (1, 2, 2), (2, 1, 6), (2, 3, 1)])
def test_interpolation_to_the_nearest_agrees(nnabla, factor, shape):
    from nnabla import functions

    size = (shape[1] * factor[0], shape[2] * factor[1])
    agrees(nnabla, lambda x: functions.interpolate(x, output_size=size, mode="nearest", align_corners=False), shape)


@pytest.mark.parametrize("kind", ["add2", "sub2", "mul2"])
@pytest.mark.parametrize("constant", [(1, 1, 4, 5), (1, 3, 4, 5), (1, 1, 1, 5), (1, 3, 4, 1)])
@pytest.mark.parametrize("turned", [False, True])
def test_constants_over_space_agree(nnabla, kind, constant, turned):
    from nnabla import functions

    rng = np.random.default_rng(3)

    def make(x):
        pos = nnabla.parameter.get_parameter_or_create("pos", constant, lambda shape: rng.normal(0, 1, shape))
        return getattr(functions, kind)(*((pos, x) if turned and kind != "sub2" else (x, pos)))

    agrees(nnabla, make, (3, 4, 5))


@pytest.mark.parametrize("kind", ["binary_tanh", "binary_sigmoid", "round", "floor", "ceil", "sinh", "log_softmax"])
@pytest.mark.parametrize("shape", [(3, 4, 5), (6,), (2, 1, 1)])
def test_functions_of_one_number_agree(nnabla, kind, shape):
    from nnabla import functions

    if kind == "log_softmax":
        x = nnabla.Variable((3, *shape))
        x.d = np.random.default_rng(0).normal(0, 1, x.shape)
        y = functions.log_softmax(x, axis=1)
        y.forward()
        graph = from_nnabla(functions.log_softmax(functions.identity(x), axis=1))
        np.testing.assert_allclose(run_float(graph, {graph.inputs[0]: x.d})[graph.outputs[0]], y.d, atol=1e-5)
        return
    agrees(nnabla, getattr(functions, kind), shape, error=2.5 if kind != "sinh" else 0.08)


@pytest.mark.parametrize("mode", ["nearest", "linear"])
@pytest.mark.parametrize(
    "rule", [{}, {"half_pixel": True}, {"align_corners": True}, {"half_pixel_for_nn": True}], ids=str
)
def test_interpolation_to_any_size_takes_nnabla_s_pixels(nnabla, mode, rule):
    if mode == "linear" and "half_pixel_for_nn" in rule:
        rule = {"half_pixel": True, "align_corners": False}
    for size in (1, 2, 3, 5):
        for wanted in (1, 2, 3, 4, 7, 10):
            x = nnabla.Variable((1, 1, 1, size))
            x.d = np.arange(1, size + 1)
            y = nnabla.functions.interpolate(x, output_size=(1, wanted), mode=mode, **rule)
            y.forward()
            graph = from_nnabla(y)
            found = run_float(graph, {graph.inputs[0]: x.d.astype(np.float32)})[graph.outputs[0]]
            np.testing.assert_allclose(found.reshape(-1), y.d.reshape(-1), atol=1e-5 * size)
