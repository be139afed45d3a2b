"""Networks that state their own formats: written, read back, and computed in integers as training computed them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import fpgaq
from fpgaq.base.errors import FitError, FpgaqError, UnsupportedError, UsageError
from fpgaq.base.formats import Format
from fpgaq.integer.inputs import transform_data
from fpgaq.integer.reference import run, working_types
from fpgaq.model.executor import run_float
from fpgaq.model.exporters import dump_nnp
from fpgaq.model.graph import Affine, FixedPointQuantize, Graph, Grid, MaxPooling, Relu, Reshape, Softmax
from fpgaq.model.importers.nnp import load_nnp
from fpgaq.model.passes import standard_passes
from fpgaq.quantizer import quantize
from fpgaq.quantizer.config import QuantizeOptions
from fpgaq.quantizer.fixed import quantize_fixed
from fpgaq.quantizer.trainable import trainable_graph
from tests.support.random_graphs import random_graph, random_inputs

EXAMPLES = sorted(Path(__file__).parents[2].glob("examples/*/model.nnp"))
GRID = Grid(5, True, (4,))
NNABLA = {"narrow": True, "rounding": "half_away", "method": "mse"}


def integers(network, samples):
    return run(network, transform_data(network, samples), keep=True)


def assert_same_values(raw: Graph, network, samples) -> int:
    """Every integer tensor against the tensor of its name in the float executor; returns how many were compared."""
    real = run_float(raw, samples, keep=True)
    logits = {op.output: op.input for op in raw.operators if isinstance(op, Softmax)}
    compared = 0
    for name, values in integers(network, samples).items():
        other = logits.get(name, name)
        if name in network.inputs or other not in real:
            continue
        found = np.ldexp(values.astype(np.float64), -network.tensors[name].format.frac).transpose(0, 3, 1, 2)
        np.testing.assert_array_equal(found.reshape(real[other].shape), real[other], err_msg=name)
        compared += 1
    return compared


@pytest.mark.parametrize("bits", [(2, 8), (4, 4), (8, 8)], ids=str)
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.parent.name)
def test_examples_come_back_with_the_quantizers_integers(path: Path, bits: tuple[int, int]) -> None:
    graph = fpgaq.load_model(path)
    with np.load(path.with_name("test.npz")) as data:
        samples = {graph.inputs[0]: data["x"][:40]}
    options = QuantizeOptions(weight_bits=bits[0], activation_bits=bits[1], **NNABLA)
    original = quantize(graph, samples, options)
    raw = load_nnp(dump_nnp(trainable_graph(graph, original)))
    network = quantize_fixed(standard_passes(raw))
    assert assert_same_values(raw, network, samples) >= len(original.tensors) - 3
    if any(op.__class__.__name__ == "IntegerTable" for op in network.operators):
        return  # the quantizer's tables round float64 values, ties to even; training's round float32 values
    for name, values in integers(original, samples).items():
        np.testing.assert_array_equal(values, integers(network, samples)[name], err_msg=name)


def test_random_graphs_come_back() -> None:
    done = 0
    for seed in (*range(40), 108):  # in the last a reshape follows a concatenation
        graph = standard_passes(random_graph(seed))
        samples = random_inputs(graph)
        options = QuantizeOptions(weight_bits=5, activation_bits=6, per_channel=True, **NNABLA)
        try:
            trainable = trainable_graph(graph, quantize(graph, samples, options))
        except FpgaqError:
            continue  # what cannot be quantized, or has factors that no layer takes in, is tested elsewhere
        raw = load_nnp(dump_nnp(trainable))
        network = quantize_fixed(standard_passes(raw))
        assert set(working_types(network)) == {"float32"}
        assert assert_same_values(raw, network, samples) >= 2
        done += 1
    assert done >= 12


def small(**changes) -> Graph:
    """x -> quantizer -> affine -> quantizer -> affine; `changes` replaces parts of it by name."""
    generator = np.random.default_rng(0)
    grid = Grid(5, True, (4,))
    parts = {
        "qx": FixedPointQuantize("qx", ("x",), "x_fixed", Format(8, 6, True, True)),
        "a": Affine(
            "a", ("x_fixed",), "h", weight(generator, 6, 4), np.ones(6, np.float32), grid, Grid(16, True, (10,))
        ),
        "r": Relu("r", ("h",), "hr"),
        "qh": FixedPointQuantize("qh", ("hr",), "h_fixed", Format(6, 3, False)),
        "b": Affine("b", ("h_fixed",), "y", weight(generator, 3, 6), None, grid),
    }
    parts.update(changes)
    operators = tuple(op for op in parts.values() if op is not None)
    shapes = {"x": (4,), "x_fixed": (4,), "h": (6,), "hr": (6,), "h_fixed": (6,), "y": (3,)}
    return Graph("net", ("x",), ("y",), operators, shapes)


def weight(generator, *shape):
    return generator.normal(0, 0.4, shape).astype(np.float32)


def samples():
    return {"x": np.random.default_rng(1).normal(size=(50, 4)).astype(np.float32)}


def test_small_network() -> None:
    graph = small()
    network = quantize_fixed(standard_passes(graph))
    assert assert_same_values(graph, network, samples()) == 2
    assert network.tensors["h_fixed"].format == Format(6, 3, False)
    assert network.samples["x"].shape == (8, 1, 1, 4)


def test_a_signed_quantizer_behind_relu_loses_its_sign_bit() -> None:
    graph = small(qh=FixedPointQuantize("qh", ("hr",), "h_fixed", Format(7, 3, True, True)))
    network = quantize_fixed(standard_passes(graph))
    assert network.tensors["h_fixed"].format == Format(6, 3, False)
    assert_same_values(graph, network, samples())


def test_quantizers_move_in_front_of_maxima() -> None:
    graph = small(
        r=None,
        s=Reshape("s", ("h",), "image"),
        p=MaxPooling("p", ("image",), "pooled", (1, 2), (1, 2)),
        qh=FixedPointQuantize("qh", ("pooled",), "h_fixed", Format(6, 3, True, True)),
        b=Affine("b", ("h_fixed",), "y", weight(np.random.default_rng(2), 3, 3), None, Grid(5, True, (4,))),
    )
    order = ("qx", "a", "s", "p", "qh", "b")
    named = {op.name: op for op in graph.operators}
    shapes = {**graph.shapes, "image": (1, 1, 6), "pooled": (1, 1, 3), "h_fixed": (1, 1, 3)}
    graph = replace(graph, shapes=shapes).with_operators(tuple(named[name] for name in order))
    network = quantize_fixed(standard_passes(graph))
    assert assert_same_values(graph, network, samples()) >= 2
    assert [type(op).__name__ for op in network.operators].count("IntegerReshape") == 1


def test_an_image_of_two_quantizers_is_refused_before_it_is_reshaped() -> None:
    graph = small(
        r=None,
        s=Reshape("s", ("h",), "image"),
        qh=FixedPointQuantize("qh", ("image",), "h_fixed", Format(6, 3, True, True)),
        other=FixedPointQuantize("other", ("image",), "other_fixed", Format(4, 1, True, True)),
        b=Affine("b", ("h_fixed",), "y", weight(np.random.default_rng(2), 3, 6), None, Grid(5, True, (4,))),
    )
    named = {op.name: op for op in graph.operators}
    shapes = {**graph.shapes, "image": (1, 1, 6), "h_fixed": (1, 1, 6), "other_fixed": (1, 1, 6)}
    graph = replace(graph, shapes=shapes, outputs=("y", "other_fixed"))
    graph = graph.with_operators(tuple(named[name] for name in ("qx", "a", "s", "qh", "other", "b")))
    with pytest.raises(UnsupportedError, match=r"layer 's': reshapes \(6,\) to \(1, 1, 6\) before it is quantized"):
        quantize_fixed(standard_passes(graph))


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"qh": None}, UnsupportedError, "nothing quantizes its output"),
        ({"qx": None}, UnsupportedError, "input 'x' is not quantized"),
        (
            {"b": Affine("b", ("h_fixed",), "y", np.ones((3, 6), np.float32), None)},
            UnsupportedError,
            "layer 'b': nothing quantizes its weight",
        ),
        (
            {"b": Affine("b", ("h_fixed",), "y", np.ones((3, 6), np.float32), np.ones(3, np.float32), GRID)},
            UnsupportedError,
            "layer 'b': nothing quantizes its bias",
        ),
        (
            {"qh": FixedPointQuantize("qh", ("hr",), "h_fixed", Format(6, 11, False))},
            FitError,
            "the quantizer 'qh' after it has 11 fractional bits, its accumulator 10; a step of 2**-10 or more",
        ),
        (
            {
                "b": Affine(
                    "b", ("h_fixed",), "y", np.ones((3, 6), np.float32), np.ones(3, np.float32), Grid(5, True, (4,)),
                    Grid(16, True, (9,)),
                )  # fmt: skip
            },
            FitError,
            "its bias has 2 more fractional bits than its accumulator; train it with a delta of 2**-7",
        ),
    ],
)  # fmt: skip
def test_what_states_no_network_is_refused(changes, error, words) -> None:
    parts = dict(changes)
    if parts.get("qh", 1) is None:
        parts["b"] = Affine("b", ("hr",), "y", np.ones((3, 6), np.float32), None, Grid(5, True, (4,)))
    if parts.get("qx", 1) is None:
        parts["a"] = replace(small().operators[1], inputs=("x",))
    with pytest.raises(error) as caught:
        quantize_fixed(standard_passes(small(**parts)))
    assert words in str(caught.value)


def test_quantize_takes_no_calibration_or_options_for_it(tmp_path: Path) -> None:
    path = tmp_path / "qat.nnp"
    path.write_bytes(dump_nnp(small()))
    network = fpgaq.quantize(path)
    assert assert_same_values(load_nnp(path.read_bytes()), network, samples()) == 2
    with pytest.raises(UsageError, match="states its own formats; leave out the calibration"):
        fpgaq.quantize(path, samples())
    with pytest.raises(UsageError, match="states its own formats"):
        fpgaq.quantize(path, options=QuantizeOptions(weight_bits=4))
    with pytest.raises(UsageError, match="has no FixedPointQuantize functions"):
        fpgaq.quantize(EXAMPLES[0])


def test_nothing_is_folded_into_weights_on_a_grid() -> None:
    graph = standard_passes(small())
    assert [type(op).__name__ for op in graph.operators] == [type(op).__name__ for op in small().operators]
    for before, after in zip(small().operators, graph.operators, strict=True):
        if isinstance(before, Affine):
            np.testing.assert_array_equal(before.weight, after.weight)
