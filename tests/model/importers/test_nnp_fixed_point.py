"""Fixed-point functions of .nnp files, by nnabla itself."""

from __future__ import annotations

import io

import numpy as np
import pytest

from fpgaq.base.errors import UnsupportedError
from fpgaq.base.formats import Format
from fpgaq.model.executor import run_float
from fpgaq.model.graph import FixedPointQuantize, Grid
from fpgaq.model.graph.fixed import grid_integers, rounded
from fpgaq.model.importers.nnp import from_nnabla, load_nnp
from fpgaq.model.importers.nnp.coarse_weights import grid_of_powers

pytestmark = pytest.mark.nnabla


def test_weights_that_are_powers_of_two_get_the_grid_of_the_fewest_bits() -> None:
    for values, wanted in (
        ([1, -1, 1], (2, 0)),
        ([0.25, -2, 0, 0.5], (5, 2)),
        ([2.0**-20, 2.0**-20], (2, 20)),
        ([1, 2.0**-14], (16, 14)),
    ):
        grid = grid_of_powers(np.array(values, np.float32))
        assert grid is not None and (grid.bits, int(grid.frac)) == wanted
        rows = np.array(values, np.float32)[np.newaxis]
        assert np.array_equal(
            grid_integers(rows, grid.by_channel(np.full((1, 1), grid.frac), "")) * 2.0 ** -wanted[1], rows
        )
    assert grid_of_powers(np.array([1, 2.0**-15], np.float32)) is None
    assert grid_of_powers(np.array([0.75, 1], np.float32)) is None
    assert grid_of_powers(np.zeros(3, np.float32)) is None


@pytest.fixture
def net(nnabla):
    import nnabla.functions as f
    import nnabla.parametric_functions as pf

    return nnabla, f, pf


def test_activations_of_all_kinds(net) -> None:
    nn, f, _ = net
    x = nn.Variable((400, 5))
    x.d = np.concatenate([np.random.default_rng(0).normal(0, 3, (399, 5)), [[0.125, -0.125, 0.375, -0.375, 100]]])
    for sign, n, delta in ((True, 8, 2.0**-4), (False, 8, 0.25), (True, 2, 0.25), (False, 1, 2.0), (True, 16, 2.0**-9)):
        y = f.fixed_point_quantize(x, sign, n, delta)
        y.forward()
        graph = from_nnabla(y)
        (op,) = graph.operators
        assert isinstance(op, FixedPointQuantize)
        assert op.format == Format(n, -int(np.log2(delta)), sign, narrow=sign)
        np.testing.assert_array_equal(run_float(graph, {"x": x.d})["y"], y.d)


@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize("kind", ["affine", "convolution", "depthwise", "deconvolution", "row"])
def test_parameters_keep_their_values_and_get_grids(net, kind, per_channel) -> None:
    from fpgaq.nnabla import convert_fixed_point

    nn, f, pf = net
    shape = (2, 4, 9) if kind == "row" else (2, 4, 6, 5)
    x = nn.Variable(shape)
    x.d = np.random.default_rng(0).normal(size=shape)
    y = {
        "affine": lambda: pf.affine(x, 6, name="l"),
        "convolution": lambda: pf.convolution(x, 6, (3, 2), group=2, name="l"),
        "depthwise": lambda: pf.depthwise_convolution(x, (3, 2), multiplier=2, name="l"),
        "deconvolution": lambda: pf.deconvolution(x, 6, (3, 2), group=2, name="l"),
        "row": lambda: pf.convolution(x, 6, (3,), name="l"),
    }[kind]()
    for parameter in nn.get_parameters().values():
        parameter.d = np.random.default_rng(1).normal(0, 0.3, parameter.shape)
    new = convert_fixed_point(y, per_channel=per_channel, args_fpq={"n_w": 5})
    new.forward()
    graph = from_nnabla(new)
    op = next(op for op in graph.operators if hasattr(op, "weight_grid"))
    assert isinstance(op.weight_grid, Grid)
    assert (op.weight_grid.bits, op.weight_grid.signed, op.bias_grid.bits) == (5, True, 16)
    assert (len(op.weight_grid.frac) > 1) <= per_channel
    weight = next(p.d for name, p in nn.get_parameters().items() if name.endswith("/W"))
    assert sorted(op.weight.reshape(-1)) == sorted(weight.astype(np.float32).reshape(-1))
    assert np.abs(run_float(graph, {"x": x.d})["y"] - new.d).max() < 3e-6


def _bounded(f, value, bits: int, delta: float, least: float, most: float):
    bounded = f.minimum_scalar(f.maximum_scalar(value, least), most)
    return f.fixed_point_quantize(bounded, True, bits, delta)


@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize("bits", [2, 4])
def test_bounds_before_a_quantizer_make_the_whole_range_of_one_bit_less(net, bits, per_channel) -> None:
    nn, f, _ = net
    x = nn.Variable((2, 4))
    x.d = np.random.default_rng(0).normal(size=x.shape)
    delta = 1.0 if per_channel else 0.25
    values = np.random.default_rng(1).normal(scale=2**bits * delta, size=(4, 60))
    weight = nn.parameter.get_parameter_or_create("W", values.shape, values)
    least, most = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    ends = (least - 0.25) * delta, (most + 0.25) * delta
    if per_channel:
        scales = 2.0 ** np.random.default_rng(2).integers(-1, 2, (1, 60))
        s = nn.parameter.get_parameter_or_create("s", scales.shape, scales)
        t = nn.parameter.get_parameter_or_create("t", scales.shape, 1 / scales)
        fixed = f.mul2(_bounded(f, f.mul2(weight, s), bits + 1, delta, *ends), t)
    else:
        fixed = _bounded(f, weight, bits + 1, delta, *ends)
    y = f.affine(x, fixed)
    nn.forward_all([y, fixed])
    graph = from_nnabla(y)
    (op,) = graph.operators
    assert (op.weight_grid.bits, op.weight_grid.narrow) == (bits, False)
    np.testing.assert_array_equal(rounded(op).weight, fixed.d.T)
    integers = grid_integers(op.weight, op.weight_grid)
    assert (integers.min(), integers.max()) == (least, most)


def test_bounds_at_the_ends_of_a_quantizer_change_nothing(net) -> None:
    nn, f, _ = net
    x, weight = nn.Variable((2, 4)), nn.parameter.get_parameter_or_create("W", (4, 3))
    graph = from_nnabla(f.affine(x, _bounded(f, weight, 4, 0.25, -1.75, 9.0)))
    assert graph.operators[0].weight_grid == Grid(4, True, (2,), narrow=True)


@pytest.mark.parametrize(("least", "most"), [(-0.5, 0.5), (-0.5, 0.75), (-1.25, 0.75)])
def test_other_bounds_before_a_quantizer_are_refused(net, least, most) -> None:
    nn, f, _ = net
    x, weight = nn.Variable((2, 4)), nn.parameter.get_parameter_or_create("W", (4, 3))
    with pytest.raises(UnsupportedError, match=r"bounds before it leave.*-7 to 7, or -4 to 3"):
        from_nnabla(f.affine(x, _bounded(f, weight, 4, 0.25, least, most)))


@pytest.mark.parametrize("delta", [2e-4, 0.3])
def test_deltas_that_are_no_powers_of_two_are_steps(net, delta) -> None:
    nn, f, pf = net
    x = nn.Variable((2, 4))
    (op,) = from_nnabla(f.fixed_point_quantize(x, True, 8, delta)).operators
    assert (op.step, op.zero_point, op.format) == (float(np.float32(delta)), 0, Format(8, 0, True, narrow=True))
    weight = nn.parameter.get_parameter_or_create("W", (4, 3))
    (layer,) = from_nnabla(f.affine(x, f.fixed_point_quantize(weight, True, 8, delta))).operators
    assert (layer.weight_grid.step, layer.weight_grid.bits) == (float(np.float32(delta)), 8)
    with pytest.raises(UnsupportedError, match="scales or bounds around a delta of"):
        from_nnabla(f.affine(x, _bounded(f, weight, 4, delta, -1.0, 1.0)))


def test_scales_that_do_not_cancel_are_refused(net) -> None:
    nn, f, _ = net
    x = nn.Variable((2, 4))
    weight = nn.parameter.get_parameter_or_create("W", (4, 3))
    for before, after, words in ((2.0, 2.0, "do not cancel"), (3.0, 1 / 3.0, "cancel|no power of two")):
        s = nn.parameter.get_parameter_or_create(f"s{before}", (1, 3), np.full((1, 3), before))
        t = nn.parameter.get_parameter_or_create(f"t{before}", (1, 3), np.full((1, 3), after))
        with pytest.raises(UnsupportedError, match=words):
            from_nnabla(f.affine(x, f.mul2(f.fixed_point_quantize(f.mul2(weight, s), True, 8, 1.0), t)))


def test_other_quantizers_are_refused_by_name_with_a_remedy(net) -> None:
    nn, f, pf = net
    x = nn.Variable((2, 4))
    with pytest.raises(UnsupportedError, match="Pow2Quantize.*use FixedPointQuantize"):
        from_nnabla(f.pow2_quantize(x))
    from fpgaq.nnabla import quantize_activations

    y = quantize_activations(pf.affine(x, 3), np.random.default_rng(0).normal(size=(8, 4)), method="min_max")
    ranged = [op for op in from_nnabla(y).operators if isinstance(op, FixedPointQuantize)]
    assert ranged and all(op.step and op.format == Format(8, 0, False) for op in ranged)


def test_a_parameter_read_with_and_without_a_quantizer(net) -> None:
    nn, f, _ = net
    x = nn.Variable((2, 3))
    x.d = np.random.default_rng(0).normal(size=(2, 3))
    weight = nn.parameter.get_parameter_or_create("W", (3, 3), np.random.default_rng(1).normal(size=(3, 3)))
    y = f.affine(f.affine(x, f.fixed_point_quantize(weight, True, 4, 0.25)), weight)
    y.forward()
    graph = from_nnabla(y)
    first, second = graph.operators
    assert first.weight_grid == Grid(4, True, (2,)) and second.weight_grid is None
    assert np.abs(run_float(graph, {"x": x.d})["y"] - y.d).max() < 1e-6


def test_the_reader_needs_the_values(net) -> None:
    nn, f, pf = net
    from nnabla.utils.save import save

    from fpgaq.nnabla import convert_fixed_point

    x = nn.Variable((2, 4))
    y = convert_fixed_point(pf.affine(x, 3, name="a"))
    stream = io.BytesIO()
    save(
        stream, {"networks": [{"name": "n", "batch_size": 2, "outputs": {"y": y}, "names": {"x": x}}]}, extension=".nnp"
    )
    graph = load_nnp(stream.getvalue())
    assert graph.operators[0].weight_grid.bits == 8
