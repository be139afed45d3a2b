"""Float graphs written as .nnp: what our own reader and what nnabla makes of them."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import fpgaq
from fpgaq.base.errors import UnsupportedError, UsageError
from fpgaq.model.executor import run_float
from fpgaq.model.exporters import dump_nnp, save_nnp, with_parameters
from fpgaq.model.exporters.nnp_operators import WRITERS
from fpgaq.model.graph import (
    OPERATORS,
    AveragePooling,
    Convolution,
    FixedPointQuantize,
    Graph,
    Identity,
    Pointwise,
    Relu,
)
from fpgaq.model.importers.nnp import load_nnp
from fpgaq.model.importers.nnp.hdf5 import decode_parameters
from tests.support.float_networks import chain, convolution, small_cnn
from tests.support.random_graphs import random_graph, random_inputs

EXAMPLES = sorted(Path(__file__).parents[3].glob("examples/*/model.nnp"))
SEEDS = range(60)


def check_equal(expected: dict[str, np.ndarray], found: dict[str, np.ndarray]) -> None:
    """To 2e-6 of each output's largest magnitude."""
    assert list(expected) == list(found)
    for name, array in expected.items():
        assert array.shape == found[name].shape
        assert np.abs(array - found[name]).max() <= 2e-6 * max(np.abs(array).max(), 1e-30), name


def run_in_nnabla(nnabla, content: bytes, graph: Graph, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    from nnabla.utils.nnp_graph import NnpLoader

    nnabla.clear_parameters()
    loader = NnpLoader(io.BytesIO(content), extension=".nnp")
    batch = len(next(iter(inputs.values())))
    network = loader.get_network(graph.name, batch_size=batch)
    for name in graph.inputs:
        network.inputs[name].d = inputs[name]
    found = {}
    for name in graph.outputs:
        network.variables[name].forward()
        found[name] = np.array(network.variables[name].d)
    return found


@pytest.mark.parametrize("passes", [True, False])
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.parent.name)
def test_examples_come_back_as_they_were(path: Path, passes: bool) -> None:
    graph = fpgaq.load_model(path, passes=passes)
    again = load_nnp(dump_nnp(graph))
    assert (again.inputs, again.outputs, again.name) == (graph.inputs, graph.outputs, graph.name)
    assert again.shapes == graph.shapes
    inputs = {name: np.abs(array) * 100 for name, array in random_inputs(graph).items()}
    for name, array in run_float(graph, inputs).items():
        np.testing.assert_array_equal(run_float(again, inputs)[name], array)


@pytest.mark.parametrize("seed", SEEDS)
def test_random_graphs_come_back(seed: int) -> None:
    graph = random_graph(seed)
    inputs = random_inputs(graph)
    check_equal(run_float(graph, inputs), run_float(load_nnp(dump_nnp(graph)), inputs))


@pytest.mark.nnabla
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.parent.name)
def test_nnabla_computes_the_examples(nnabla, path: Path) -> None:
    graph = fpgaq.load_model(path, passes=False)
    inputs = {name: np.abs(array) * 100 for name, array in random_inputs(graph).items()}
    check_equal(run_float(graph, inputs), run_in_nnabla(nnabla, dump_nnp(graph), graph, inputs))


@pytest.mark.nnabla
def test_nnabla_computes_random_graphs(nnabla) -> None:
    for seed in SEEDS:
        graph = random_graph(seed)
        inputs = random_inputs(graph)
        check_equal(run_float(graph, inputs), run_in_nnabla(nnabla, dump_nnp(graph), graph, inputs))


@pytest.mark.nnabla
def test_solvers_leave_running_statistics_alone(nnabla, tmp_path: Path) -> None:
    path = tmp_path / "model.nnp"
    save_nnp(fpgaq.load_model(Path(__file__).parents[3] / "examples/series_conv/model.nnp", passes=False), path)
    nnabla.load_parameters(str(path))
    fixed = {name for name, value in nnabla.get_parameters(grad_only=False).items() if not value.need_grad}
    assert len(fixed) == 4 and all(name.endswith(("/mean", "/var")) for name in fixed)
    assert {name.split("/")[-1] for name in nnabla.get_parameters()} == {"W", "b", "beta", "gamma"}


def test_the_random_graphs_hold_every_operator() -> None:
    found = {type(op) for seed in range(150) for op in random_graph(seed).operators}
    assert found == {*WRITERS, Pointwise} - {FixedPointQuantize}  # tests/quantizer/test_fixed.py writes those


def test_every_operator_is_written_or_refused() -> None:
    for kind in OPERATORS:
        if kind in WRITERS or kind is Pointwise:
            continue
        graph = Graph("net", ("x",), ("y",), (Identity("i", ("x",), "y", "Identity"),), {"x": (1,), "y": (1,)})
        unknown = kind.__new__(kind)
        for field, entry in {"name": "layer", "inputs": ("x",), "output": "y", "axis": 0}.items():
            object.__setattr__(unknown, field, entry)
        with pytest.raises(UnsupportedError, match=kind.__name__):
            dump_nnp(replace(graph, operators=(unknown,)))


def test_names_of_all_kinds() -> None:
    names = ['x"; \\ \n', "a/b", "ä", "00_a_b/W", "{{7*7}}"]
    graph = small_cnn()
    tensors = {old: f"{names[index % len(names)]}{index}" for index, old in enumerate(graph.shapes)}
    operators = tuple(
        replace(op, name=names[1], inputs=tuple(tensors[name] for name in op.inputs), output=tensors[op.output])
        for op in graph.operators
    )
    shapes = {tensors[name]: shape for name, shape in graph.shapes.items()}
    named = Graph("n", (tensors["t0"],), (tensors[graph.outputs[0]],), operators, shapes)
    again = load_nnp(dump_nnp(named))
    assert again.outputs == named.outputs
    x = random_inputs(named)
    np.testing.assert_array_equal(run_float(again, x)[named.outputs[0]], run_float(named, x)[named.outputs[0]])


def test_the_bytes_are_the_same_each_time() -> None:
    graph = small_cnn()
    assert dump_nnp(graph) == dump_nnp(graph)
    with zipfile.ZipFile(io.BytesIO(dump_nnp(graph))) as archive:
        assert archive.namelist() == ["nnp_version.txt", "network.nntxt", "parameter.h5"]


def test_padding_on_one_side() -> None:
    for padding in ((1, 0, 0, 2), (0, 2, 1, 1)):
        graph = chain((2, 6, 5), convolution(3, 2, 1, padding=padding, padding_value=0.5))
        again = load_nnp(dump_nnp(graph))
        assert [type(op).__name__ for op in again.operators] == ["Pad", "Convolution"]
        assert again.operators[1].padding == (0, 0, 0, 0)
        inputs = random_inputs(graph)
        check_equal(run_float(graph, inputs), run_float(again, inputs))


def test_what_nnabla_has_no_function_for() -> None:
    graph = chain((2, 4, 4), Pointwise("g", ("",), "", "gelu_exact"))
    with pytest.raises(UnsupportedError, match=r"layer 'g' \(Pointwise\) cannot be written as .nnp: the function"):
        dump_nnp(graph)
    pooled = chain((2, 4, 4), AveragePooling("m", ("",), "", (2, 2), (2, 2), (1, 0, 0, 1), False))
    with pytest.raises(UnsupportedError, match="a mean that leaves out the padding"):
        dump_nnp(pooled)


def test_files(tmp_path: Path) -> None:
    graph = chain((4,), Relu("r", ("",), ""))
    save_nnp(graph, tmp_path / "net.nnp")
    assert fpgaq.load_model(tmp_path / "net.nnp", passes=False).shapes == graph.shapes
    with pytest.raises(UsageError, match="give a name that ends so"):
        save_nnp(graph, tmp_path / "net.onnx")
    with pytest.raises(UsageError):
        save_nnp(graph, tmp_path / "none" / "net.nnp")


def test_depthwise_layers_keep_their_type() -> None:
    graph = chain((4, 6, 6), convolution(8, 4, 1, groups=4))
    with zipfile.ZipFile(io.BytesIO(dump_nnp(graph))) as archive:
        assert b"DepthwiseConvolution" in archive.read("network.nntxt")
    again = load_nnp(dump_nnp(graph)).operators[0]
    assert isinstance(again, Convolution)
    np.testing.assert_array_equal(again.weight, graph.operators[0].weight)


@pytest.mark.parametrize("seed", SEEDS[:20])
def test_other_numbers_in_the_same_layers(seed: int) -> None:
    graph = random_graph(seed)
    content = dump_nnp(graph)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        values = dict(decode_parameters(archive.read("parameter.h5")))
    assert dump_nnp(with_parameters(graph, values)) == content
    doubled = with_parameters(graph, {name: 2 * value for name, value in values.items()})
    inputs = random_inputs(graph)
    found = load_nnp(dump_nnp(doubled))
    check_equal(run_float(doubled, inputs), run_float(found, inputs))
    weights = [op.weight for op in graph.operators if isinstance(op, Convolution)]
    for weight, op in zip(weights, (op for op in doubled.operators if isinstance(op, Convolution)), strict=True):
        np.testing.assert_array_equal(op.weight, 2 * weight)
