"""Finetuning in fixed point, and parity between the integer reference and nnabla."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import fpgaq
from fpgaq import pipeline
from fpgaq.base.errors import UsageError
from fpgaq.base.formats import Format
from fpgaq.cli import invoke
from fpgaq.model.exporters import dump_nnp
from fpgaq.model.graph import FixedPointQuantize, Graph
from fpgaq.model.graph.fixed import by_channel, grid_integers
from fpgaq.model.importers.nnp import load_nnp
from fpgaq.model.passes import standard_passes
from fpgaq.quantizer import quantize
from fpgaq.quantizer.config import QuantizeOptions
from fpgaq.quantizer.fixed import quantize_fixed
from fpgaq.quantizer.trainable import trainable_graph
from tests.support.random_graphs import random_graph, random_inputs

pytestmark = pytest.mark.nnabla
EXAMPLES = sorted(Path(__file__).parents[2].glob("examples/*/model.nnp"))
TABULAR = Path(__file__).parents[2] / "examples/digits_tabular"
NNABLA = {"rounding": "half_away"}


def trainable(path: Path, weights: int, activations: int, narrow: bool = False) -> tuple[Graph, dict[str, np.ndarray]]:
    graph = fpgaq.load_model(path)
    with np.load(path.with_name("test.npz")) as data:
        samples = {graph.inputs[0]: data["x"][:32]}
    options = QuantizeOptions(weight_bits=weights, activation_bits=activations, method="mse", narrow=narrow, **NNABLA)
    return load_nnp(dump_nnp(trainable_graph(graph, quantize(graph, samples, options)))), samples


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.parent.name)
@pytest.mark.parametrize("narrow", [False, True], ids=["whole", "narrow"])
def test_parity_on_the_examples(nnabla, path: Path, narrow: bool) -> None:
    from fpgaq.nnabla.parity import check_parity

    graph, samples = trainable(path, 4, 5, narrow)
    grids = [op.weight_grid for op in graph.operators if getattr(op, "weight_grid", None)]
    assert {grid.narrow for grid in grids} == {narrow}
    result = check_parity(graph, samples)
    assert result.differing == 0 and result.elements > 1000
    assert all(name.endswith((".spread", ".cut")) for name in result.internal)
    assert not [doubt for doubt in result.doubts if "2**24" in doubt]


def test_parity_on_random_graphs(nnabla) -> None:
    from fpgaq.base.errors import FpgaqError
    from fpgaq.nnabla.parity import check_parity

    done = 0
    for seed in range(40):
        graph = standard_passes(random_graph(seed))
        samples = random_inputs(graph)
        options = QuantizeOptions(
            weight_bits=5, activation_bits=6, per_channel=True, method="mse", narrow=bool(seed % 2), **NNABLA
        )
        try:
            graph = trainable_graph(graph, quantize(graph, samples, options))
        except FpgaqError:
            continue
        result = check_parity(graph, samples, batch_size=2)
        assert result.differing == 0, (seed, result)
        done += 1
    assert done >= 12


def test_parity_counts_what_float32_does_not_hold(nnabla) -> None:
    from fpgaq.nnabla.parity import check_parity

    graph, samples = trainable(TABULAR / "model.nnp", 16, 12)
    result = check_parity(graph, samples)
    assert any("2**24" in doubt for doubt in result.doubts)
    wrong = [tensor for tensor in result.tensors if tensor.differing]
    assert all(tensor.first for tensor in wrong)


def test_parity_finds_a_changed_graph(nnabla, monkeypatch) -> None:
    from fpgaq.nnabla import parity

    graph, samples = trainable(TABULAR / "model.nnp", 4, 5)
    changed = quantize_fixed(standard_passes(graph))
    layer = next(op for op in changed.operators if hasattr(op, "bias"))
    layer.bias[0] += 1
    monkeypatch.setattr(parity, "quantize_fixed", lambda _: changed)
    assert parity.check_parity(graph, samples).differing > 0


@pytest.mark.parametrize("deltas", ["frozen", "recalibrated", "learned"])
def test_training_recovers_and_its_file_reproduces_it(nnabla, tmp_path, deltas) -> None:
    from fpgaq.nnabla import TrainOptions
    from fpgaq.nnabla.parity import check_parity
    from fpgaq.pipeline.finetuning import finetune_model

    options = QuantizeOptions(weight_bits=2, activation_bits=4, method="mse")
    result = finetune_model(
        fpgaq.load_model(TABULAR / "model.nnp"), TABULAR / "test.npz", options, TrainOptions(epochs=6),
        test=TABULAR / "test.npz", deltas=deltas, batch_size=25,
    )  # fmt: skip
    assert result.figures["finetuned"] > max(80, result.figures["quantized"] + 8)
    assert result.epochs[-1].loss < result.epochs[0].loss
    path = tmp_path / "qat.nnp"
    fpgaq.model.exporters.save_nnp(result.graph, path)
    graph = fpgaq.load_model(path, passes=False)
    layers = [op for op in graph.operators if getattr(op, "weight_grid", None)]
    # Two bits are four integers, not three.
    assert {int(value) for op in layers for value in np.unique(grid_integers(by_channel(op), op.weight_grid))} == {
        -2, -1, 0, 1,
    }  # fmt: skip
    with np.load(TABULAR / "test.npz") as data:
        samples = {graph.inputs[0]: data["x"]}
        labels = data["y"]
    assert check_parity(graph, samples).differing == 0
    outputs, _ = next(iter(pipeline.run(fpgaq.quantize(path), samples).values()))
    accuracy = 100 * np.mean(outputs.reshape(len(labels), -1).argmax(axis=1) == labels)
    assert accuracy == pytest.approx(result.figures["finetuned"], abs=0.41)  # a table entry may differ by one step


@pytest.mark.parametrize(("rate", "kept"), [(1000.0, True), (0.002, False)])
def test_training_that_harms_gives_the_start(nnabla, rate: float, kept: bool) -> None:
    from fpgaq.nnabla import TrainOptions
    from fpgaq.pipeline.finetuning import finetune_model

    result = finetune_model(
        fpgaq.load_model(TABULAR / "model.nnp"), TABULAR / "test.npz", QuantizeOptions(2, 4),
        TrainOptions(epochs=1, rate=rate), test=TABULAR / "test.npz", batch_size=25,
    )  # fmt: skip
    assert result.held_out is not None and result.samples == 450
    assert result.kept == kept == (result.held_out[1] < result.held_out[0])
    assert (result.figures["finetuned"] == result.figures["quantized"]) == kept


def test_weights_of_few_bits_have_the_whole_range(nnabla) -> None:
    from fpgaq.nnabla.training import TrainOptions
    from fpgaq.pipeline.finetuning import finetune_model

    model = fpgaq.load_model(TABULAR / "model.nnp")
    name = next(op.name for op in model.operators if hasattr(op, "weight"))

    def narrow(**values) -> list[bool]:
        options = QuantizeOptions(method="mse", **values)
        result = finetune_model(model, TABULAR / "test.npz", options, TrainOptions(epochs=0.1), batch_size=25)
        return [op.weight_grid.narrow for op in result.graph.operators if getattr(op, "weight_grid", None)]

    assert set(narrow(weight_bits=3)) == {False}
    assert set(narrow(weight_bits=3, narrow=True)) == {True}
    assert set(narrow(weight_bits=4)) == {True}
    assert narrow(weight_bits=8, layers={name: {"weight_bits": 2}})[:2] == [False, True]


def test_balanced_channels_are_trained_on(nnabla, tmp_path) -> None:
    from fpgaq.nnabla.parity import check_parity
    from fpgaq.nnabla.training import TrainOptions
    from fpgaq.pipeline.finetuning import finetune_model

    mobile = TABULAR.parent / "fashion_mobile"
    options = QuantizeOptions(weight_bits=4, activation_bits=4, balance=True)
    result = finetune_model(
        fpgaq.load_model(mobile / "model.nnp"), mobile / "calibration.npz", options, TrainOptions(epochs=1)
    )
    assert any(tensor.endswith(".balanced") for tensor in result.graph.shapes)
    path = tmp_path / "qat.nnp"
    fpgaq.model.exporters.save_nnp(result.graph, path)
    graph = fpgaq.load_model(path, passes=False)
    with np.load(mobile / "test.npz") as data:
        samples = {graph.inputs[0]: data["x"][:100]}
    assert check_parity(graph, samples).differing == 0


def test_a_network_in_fixed_point_takes_no_options(nnabla, tmp_path) -> None:
    from fpgaq.nnabla.training import TrainOptions
    from fpgaq.pipeline.finetuning import finetune_model

    graph, _ = trainable(TABULAR / "model.nnp", 3, 3)
    for options, calibration in ((QuantizeOptions(balance=True), None), (QuantizeOptions(), TABULAR / "test.npz")):
        with pytest.raises(UsageError, match="states its own formats; leave out"):
            finetune_model(graph, TABULAR / "test.npz", options, TrainOptions(epochs=0.1), calibration=calibration)


def test_steps_stay_where_they_are_frozen_and_move_where_they_are_learned(nnabla) -> None:
    from fpgaq.nnabla.finetune import finetune
    from fpgaq.nnabla.training import TrainOptions

    graph, _ = trainable(TABULAR / "model.nnp", 3, 3)
    with np.load(TABULAR / "test.npz") as data:
        samples, labels = data["x"], data["y"]

    def formats(one: Graph) -> list[object]:
        return [op.format for op in one.operators if isinstance(op, FixedPointQuantize)] + [
            op.weight_grid for op in one.operators if getattr(op, "weight_grid", None)
        ]

    # Steps far too fine, so that values saturate: what is learned must grow.
    graph = graph.with_operators(
        tuple(
            replace(op, format=replace(op.format, frac=op.format.frac + 3)) if op.output.endswith("Tanh_out") else op
            for op in graph.operators
        )
    )
    options = TrainOptions(epochs=10, rate=0.05)
    frozen, learned = (
        finetune(graph, [samples], labels, options, deltas=deltas, batch_size=25) for deltas in ("frozen", "learned")
    )
    assert formats(frozen.graph) == formats(graph)
    assert formats(learned.graph) != formats(graph)


def test_training_goes_on_from_its_own_file(nnabla, tmp_path, capsys) -> None:
    arguments = ["--data", str(TABULAR / "test.npz"), "--test", str(TABULAR / "test.npz"), "--json"]
    first = ["finetune", str(TABULAR / "model.nnp"), *arguments, "--weight-bits", "3", "-o", str(tmp_path / "a.nnp")]
    assert invoke(first) == 0
    again = ["finetune", str(tmp_path / "a.nnp"), *arguments, "-o", str(tmp_path / "b.nnp")]
    assert invoke(again) == 0
    assert invoke(["quantize", str(tmp_path / "b.nnp"), "-o", str(tmp_path / "b.fpgaq"), "--quiet"]) == 0
    assert invoke(["parity", str(tmp_path / "b.nnp"), "--data", str(TABULAR / "test.npz")]) == 0
    assert "elements differ" in capsys.readouterr().out
    assert invoke(first) == 0
    once = (tmp_path / "a.nnp").read_bytes()
    assert invoke(first) == 0
    assert (tmp_path / "a.nnp").read_bytes() == once


def test_without_labels_the_float_network_teaches(nnabla, tmp_path) -> None:
    from fpgaq.nnabla import TrainOptions
    from fpgaq.pipeline.finetuning import finetune_model

    with np.load(TABULAR / "test.npz") as data:
        np.save(tmp_path / "x.npy", data["x"])
    result = finetune_model(
        fpgaq.load_model(TABULAR / "model.nnp"), tmp_path / "x.npy", QuantizeOptions(weight_bits=3),
        TrainOptions(epochs=10, rate=4e-3),
    )  # fmt: skip
    assert result.loss == "squared_error"
    assert result.epochs[-1].loss < result.epochs[0].loss


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--epochs", "0"], 2, "epochs is 0.0"),
        (["--rate", "nan"], 2, "rate is nan"),
        (["--batch-size", "0"], 2, "--batch-size 0: 1 or more"),
        (["--batch-size", "501"], 2, "450 samples do not fill one batch of 501"),
        (["-o", "x.h5"], 2, "written as .nnp"),
        (["--weight-bits", "1"], 2, "weight_bits"),
    ],
)
def test_refusals(nnabla, tmp_path, capsys, arguments, code, words) -> None:
    command = [
        "finetune",
        str(TABULAR / "model.nnp"),
        "--data",
        str(TABULAR / "test.npz"),
        "-o",
        str(tmp_path / "a.nnp"),
    ]
    assert invoke([*command, *arguments]) == code
    error = capsys.readouterr().err
    assert words in error and len([line for line in error.splitlines() if line.startswith("fpgaq")]) == 1
    assert not list(tmp_path.iterdir())


def test_factors_that_no_layer_takes_in_are_refused(nnabla) -> None:
    from fpgaq.base.errors import UnsupportedError
    from tests.nnabla.networks import build

    x, y = build(nnabla, "residual")
    graph = standard_passes(fpgaq.model.importers.nnp.from_nnabla(y))
    samples = {graph.inputs[0]: x.d}
    with pytest.raises(UnsupportedError, match="a factor for each channel that no layer takes in"):
        trainable_graph(graph, quantize(graph, samples, replace(QuantizeOptions(), **NNABLA)))


@pytest.mark.parametrize("sign", [True, False])
def test_a_learned_quantizer_is_nnablas_with_a_slope_for_its_exponent(nnabla, sign) -> None:
    import nnabla.functions as f

    from fpgaq.nnabla.learned import LearnedQuantize

    x, k = nnabla.Variable((3, 500), need_grad=True), nnabla.Variable((1,), need_grad=True)
    x.d = np.round(np.random.default_rng(0).normal(scale=2, size=x.shape) * 64) / 64  # with many ties
    k.d = -2.3
    gradient = np.random.default_rng(1).normal(size=x.shape).astype(np.float32)
    step = f.r_pow_scalar(f.round(f.reshape(k, (1, 1))), 2.0)
    composed = f.mul2(f.fixed_point_quantize(f.div2(x, step), sign, 4, 1.0), step)
    found = []
    for y in (LearnedQuantize(Format(4, 0, sign, narrow=sign))(x, k), composed):
        for variable in (x, k):
            variable.grad.zero()
        y.forward()
        y.backward(gradient)
        found.append((y.d + 0.0, x.g.copy(), float(k.g[0])))
    np.testing.assert_array_equal(found[0][0], found[1][0])
    np.testing.assert_array_equal(found[0][1], found[1][1])
    assert found[0][2] == pytest.approx(found[1][2], rel=1e-4)


def test_a_teacher_softens_the_targets(nnabla) -> None:
    from fpgaq.nnabla import TrainOptions
    from fpgaq.pipeline.finetuning import finetune_model, softened

    targets = softened(np.array([2, 0]), np.log(np.array([[1.0, 2, 1], [8, 1, 1]], np.float32)), 0.5)
    np.testing.assert_allclose(targets, [[0.125, 0.25, 0.625], [0.9, 0.05, 0.05]], rtol=1e-6)
    results = [
        finetune_model(
            fpgaq.load_model(TABULAR / "model.nnp"), TABULAR / "test.npz", QuantizeOptions(weight_bits=2),
            TrainOptions(epochs=10, rate=4e-3), test=TABULAR / "test.npz", teacher=share,
        )
        for share in (0.0, 0.5)
    ]  # fmt: skip
    assert all(result.figures["finetuned"] > result.figures["quantized"] for result in results)
    assert results[0].epochs != results[1].epochs
