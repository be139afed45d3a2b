"""Real files: each one loads and agrees with nnabla, or is refused for a reason that is stated here."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import numpy as np
import pytest

from fpgaq.base.errors import UnsupportedError
from fpgaq.model.executor import run_float
from fpgaq.model.graph import Graph, Softmax
from fpgaq.model.importers import load
from fpgaq.model.passes import standard_passes

LOADABLE_FIXTURES = {
    "abs", "add_no_broadcast", "average_pool", "batch_norm", "clip_max1.0_min-1.0", "clip_max1.0_minNone",
    "clip_maxNone_min-1.0", "clip_maxNone_minNone", "concat", "conv", "dropout_test", "elu", "exp", "gap", "gemm",
    "identity", "leaky_relu", "log", "max", "maxpool", "maxpool_no_pad", "maxpool_p0_0_1_1_s1_k2",
    "maxpool_p0_s2_k2", "maxpool_p0_s2_k3", "min", "mul_no_broadcast", "neg", "prelu_c1", "prelu_c3", "reciprocal",
    "reduce_max", "reduce_min", "relu", "reshape", "selu", "sigmoid", "softmax", "softplus",
    "sub_no_broadcast", "sum", "tanh",
}  # fmt: skip

REFUSED_FIXTURES = {
    "BroadcastTo": 12,  # a constant that differs within a channel
    "LogicalAnd": 1, "LogicalOr": 1, "LogicalXor": 1, "LogicalNot": 1, "Equal": 2, "Greater": 1, "Less": 1,  # booleans
    "Div2": 4, "Pow2": 1,  # of two tensors (softsign and lrn divide, too)
    "BatchMatmul": 1,  # of two tensors
    "Prod": 1,  # a reduction
    "axes": 2,  # sums and means over axes that are not successive
    "shapes": 1,  # log_softmax takes a vector of one off the others
    "moves": 1, "channels": 1,  # a transpose of the batch axis, a border around the channels
    "outputs": 1,  # a dropout that returns its mask
}  # fmt: skip

NAMELESS = {"concat", "conv", "dropout_test", "maxpool", "relu"}
"""Their functions have no name, on which nnabla 1.39 itself fails; a layer is then called after its output."""


def reason(message: str) -> str:
    """The key of `REFUSED_FIXTURES` that a refusal falls under."""
    unsupported = re.search(r"uses unsupported functions: ([A-Z]\w+) \(layer ", message)
    if unsupported:
        return unsupported.group(1)
    others = {
        r"\((Sum|Mean)\): axes .* are not successive": "axes",
        r"\(Sub2\): inputs of shapes": "shapes",
        r"\(Transpose\): axes .* move the batch": "moves",
        r"\(Pad\): .* pads the batch or the channels": "channels",
        r"\(Dropout\) has 2 outputs; supported: 1": "outputs",
    }
    return next(key for pattern, key in others.items() if re.search(pattern, message))


def test_fixtures_load_or_are_refused_by_name(shared_models: Path) -> None:
    loaded, refused = set(), dict.fromkeys(REFUSED_FIXTURES, 0)
    paths = sorted((shared_models / "nnabla_fixtures").glob("*.nnp"))
    for path in paths:
        try:
            assert isinstance(load(path), Graph)
            loaded.add(path.stem)
            print(f"{path.stem:40} loads")
        except UnsupportedError as error:
            refused[reason(str(error))] += 1
            print(f"{path.stem:40} {str(error).split(': ', 1)[1].split('; supported')[0]}")
    assert len(paths) == 74
    assert loaded == LOADABLE_FIXTURES
    assert refused == REFUSED_FIXTURES and sum(refused.values()) == 33


def nnabla_network(path: Path, name: str | None = None, **options):
    from nnabla.utils.nnp_graph import NnpLoader

    loader = NnpLoader(str(path))
    return loader.get_network(name or loader.get_network_names()[0], **options)


def agrees(found: np.ndarray, expected: np.ndarray) -> bool:
    np.testing.assert_array_equal(np.isfinite(found), np.isfinite(expected))
    finite = np.isfinite(expected)
    return bool(np.abs(found - expected)[finite].max() <= 2e-6 * np.abs(expected[finite]).max())


@pytest.mark.nnabla
@pytest.mark.parametrize("name", sorted(LOADABLE_FIXTURES - NAMELESS))
def test_fixtures_agree_with_nnabla(nnabla, shared_models: Path, name: str) -> None:
    path = shared_models / "nnabla_fixtures" / f"{name}.nnp"
    graph = load(path)
    network = nnabla_network(path)
    output = network.variables[graph.outputs[0]]
    output.forward()
    data = {name: network.variables[name].d for name in graph.inputs}
    assert agrees(run_float(graph, data)[graph.outputs[0]], output.d)


TRAINED = {
    "lenet_010000.nnp": ("runtime", (1, 28, 28), 10),
    "nnc_lenet_goofmint_result2.nnp": ("MainRuntime", (1, 28, 28), 10),
    "nnc_4v9_goofmint_result.nnp": ("MainRuntime", (1, 28, 28), 1),
    "nnc_mnist/20210411_000744.nnp": ("MainRuntime", (1, 28, 28), 10),
    "nnc_mnist/20210411_001550.nnp": ("MainRuntime", (1, 28, 28), 10),
    "nnc_mnist/20210411_024134.nnp": ("MainRuntime", (1, 28, 28), 10),
    "nnc_mnist/20210411_071553.nnp": ("MainRuntime", (1, 28, 28), 10),
    "nnc_titanic/20210410_155606.nnp": ("MainRuntime", (7,), 2),
    "nnc_titanic/20210410_155640.nnp": ("MainRuntime", (7,), 2),
    "nnc_titanic/20210410_155748.nnp": ("MainRuntime", (7,), 2),
}


@pytest.mark.parametrize("name", TRAINED)
def test_trained_networks_load(shared_models: Path, name: str) -> None:
    network, shape, classes = TRAINED[name]
    graph = load(shared_models / name)
    assert graph.name == network and graph.shapes[graph.inputs[0]] == shape
    folded = standard_passes(graph)
    assert folded.shapes[folded.outputs[0]] == (classes,) and folded.outputs == graph.outputs
    assert folded.classifier == any(isinstance(op, Softmax) for op in graph.operators)


@pytest.mark.nnabla
@pytest.mark.parametrize("name", TRAINED)
def test_trained_networks_agree_with_nnabla(nnabla, shared_models: Path, name: str) -> None:
    """nnabla's own loader picks the network; every tensor that both name is compared, and the passes' result."""
    graph = load(shared_models / name)
    data = images(shared_models, name)[:20]
    network = nnabla_network(shared_models / name, TRAINED[name][0], batch_size=20)
    network.variables[graph.inputs[0]].d = data
    shared = {key: variable for key, variable in network.variables.items() if key in graph.shapes}
    for variable in shared.values():
        variable.persistent = True
    network.variables[graph.outputs[0]].forward()
    found = run_float(graph, {graph.inputs[0]: data}, keep=True)
    assert agrees(found[graph.outputs[0]], network.variables[graph.outputs[0]].d)
    folded = standard_passes(graph)
    last = graph.operators[-1].input if folded.classifier else graph.outputs[0]
    after = run_float(folded, {graph.inputs[0]: data})[graph.outputs[0]]
    assert np.abs(after - found[last]).max() <= 1e-5 * np.abs(found[last]).max()


def images(shared_models: Path, name: str) -> np.ndarray:
    """Real inputs of a network in the range that it was trained on."""
    if "titanic" in name:
        return titanic(shared_models)[0]
    data = np.load(shared_models / "mnist_t10k_even1000.npz")["x"].reshape(-1, 1, 28, 28)
    return data if "lenet_010000" in name else data / 255


def titanic(shared_models: Path) -> tuple[np.ndarray, np.ndarray]:
    """Features and labels of the validation table."""
    with open(shared_models / "nnc_titanic" / "validation.csv", newline="", encoding="utf-8") as stream:
        rows = np.array([[float(value) for value in row] for row in list(csv.reader(stream))[1:]])
    return rows[:, 1:], rows[:, 0]


@pytest.mark.parametrize(("name", "least"), [("000744", 0.98), ("001550", 0.98), ("024134", 0.85), ("071553", 0.85)])
def test_console_networks_classify(shared_models: Path, name: str, least: float) -> None:
    graph = load(shared_models / f"nnc_mnist/20210411_{name}.nnp")
    data = np.load(shared_models / "mnist_t10k_even1000.npz")
    pictures = data["x"].reshape(-1, 1, 28, 28) / 255
    logits = standard_passes(graph)
    answers = run_float(graph, {"Input": pictures})["Softmax"].argmax(1)
    assert (answers == data["y"]).mean() >= least
    np.testing.assert_array_equal(run_float(logits, {"Input": pictures})["Softmax"].argmax(1), answers)
