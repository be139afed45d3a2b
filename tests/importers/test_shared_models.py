"""Real files: each one loads, or is refused for a reason that is stated here."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from fpgaq.errors import UnsupportedError
from fpgaq.float_executor import run_float
from fpgaq.graph import Graph
from fpgaq.importers import load
from fpgaq.passes import standard_passes

LOADABLE_FIXTURES = {
    "batch_norm", "clip_maxNone_minNone", "conv", "dropout_test", "identity", "maxpool", "maxpool_no_pad",
    "maxpool_p0_s2_k2", "maxpool_p0_s2_k3", "neg", "relu", "reshape", "softmax",
}  # fmt: skip

NAMELESS = {"conv", "dropout_test", "maxpool", "relu"}
"""Their functions have no name, on which nnabla 1.39 itself fails; a layer is then called after its output."""


def test_fixtures_load_or_are_refused_by_name(shared_models: Path) -> None:
    loaded = set()
    paths = sorted((shared_models / "nnabla_fixtures").glob("*.nnp"))
    for path in paths:
        try:
            assert isinstance(load(path), Graph)
            loaded.add(path.stem)
        except UnsupportedError as error:
            named = re.search(
                r"uses unsupported functions: [A-Z]\w+ \(layer .*; supported: AddScalar, Affine,", str(error)
            )
            assert named or "(Dropout) has 2 outputs; supported: 1" in str(error), error
    assert len(paths) == 74 and loaded == LOADABLE_FIXTURES


@pytest.mark.nnabla
@pytest.mark.parametrize("name", sorted(LOADABLE_FIXTURES - NAMELESS))
def test_fixtures_agree_with_nnabla(nnabla, shared_models: Path, name: str) -> None:
    from nnabla.utils.nnp_graph import NnpLoader

    path = shared_models / "nnabla_fixtures" / f"{name}.nnp"
    graph = load(path)
    loader = NnpLoader(str(path))
    network = loader.get_network(loader.get_network_names()[0])
    output = network.variables[graph.outputs[0]]
    output.forward()
    data = network.variables[graph.inputs[0]].d
    found = run_float(graph, {graph.inputs[0]: data})[graph.outputs[0]]
    assert np.abs(found - output.d).max() <= 2e-6 * np.abs(output.d).max()


@pytest.mark.parametrize(
    ("name", "network", "shape", "classes"),
    [
        ("lenet_010000.nnp", "runtime", (1, 28, 28), 10),
        ("nnc_mnist/20210411_000744.nnp", "MainRuntime", (1, 28, 28), 10),
        ("nnc_mnist/20210411_024134.nnp", "MainRuntime", (1, 28, 28), 10),
        ("nnc_titanic/20210410_155606.nnp", "MainRuntime", (7,), 2),
    ],
)
def test_trained_networks_load(
    shared_models: Path, name: str, network: str, shape: tuple[int, ...], classes: int
) -> None:
    graph = load(shared_models / name)
    assert graph.name == network and graph.shapes[graph.inputs[0]] == shape
    folded = standard_passes(graph)
    assert folded.shapes[folded.outputs[0]] == (classes,) and folded.outputs == graph.outputs


@pytest.mark.parametrize(
    ("name", "functions"),
    [
        ("nnc_lenet_goofmint_result2.nnp", "Tanh (layer 'Tanh_2')"),
        ("nnc_4v9_goofmint_result.nnp", "Sigmoid (layer"),
        ("nnc_mnist/20210411_001550.nnp", "DepthwiseConvolution (layer"),
        ("nnc_mnist/20210411_071553.nnp", "AveragePooling (layer"),
        ("nnc_titanic/20210410_155640.nnp", "SELU (layer"),
        ("nnc_titanic/20210410_155748.nnp", "Swish (layer"),
    ],
)
def test_other_functions_are_refused(shared_models: Path, name: str, functions: str) -> None:
    with pytest.raises(UnsupportedError, match="uses unsupported functions: " + re.escape(functions)):
        load(shared_models / name)


@pytest.mark.parametrize(("name", "least"), [("000744", 0.98), ("024134", 0.85)])
def test_console_networks_classify(shared_models: Path, name: str, least: float) -> None:
    graph = load(shared_models / f"nnc_mnist/20210411_{name}.nnp")
    data = np.load(shared_models / "mnist_t10k_even1000.npz")
    images = data["x"].reshape(-1, 1, 28, 28) / 255
    logits = standard_passes(graph)
    answers = run_float(graph, {"Input": images})["Softmax"].argmax(1)
    assert (answers == data["y"]).mean() >= least
    np.testing.assert_array_equal(run_float(logits, {"Input": images})["Softmax"].argmax(1), answers)
