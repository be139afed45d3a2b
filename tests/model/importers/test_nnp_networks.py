from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fpgaq.base.errors import ModelError, UnsupportedError
from fpgaq.model.importers import load
from fpgaq.model.importers.nnp import load_nnp
from tests.support.nnp_builder import (
    Layer,
    affine,
    build_nnp,
    chain_fields,
    executor_fields,
    message_text,
    pack_nnp,
    relu,
    shape,
)

GENERATOR = np.random.default_rng(5)
IMAGE = (2, 9, 8)


def kernel(*dims: int) -> np.ndarray:
    return GENERATOR.normal(size=dims).astype(np.float32)


def network_with(changes: dict[str, Any], layers: list[Layer] | None = None) -> tuple[dict[str, Any], dict[str, Any]]:
    fields, parameters = chain_fields(layers or [affine("a", kernel(4, 4)), relu("r")], (4,))
    return {**fields, **changes}, parameters


def load_network(fields: dict[str, Any], parameters: dict[str, Any], executor: bool = True, **root: Any):
    text = message_text({"network": fields, **({"executor": executor_fields()} if executor else {}), **root})
    return load_nnp(pack_nnp(text, parameters))


def function(name: str, inputs: list[str], output: str, kind: str = "ReLU") -> dict[str, Any]:
    return {"name": name, "type": kind, "input": inputs, "output": output}


def buffers(*names: str) -> list[dict[str, Any]]:
    return [{"name": name, "type": "Buffer", "shape": shape(-1, 4)} for name in names]


def test_cycles_are_printed() -> None:
    functions = [
        function("f", ["w"], "u"),
        function("g", ["u"], "v"),
        function("h", ["v"], "w"),
        function("o", ["w"], "y"),
    ]
    network = {"name": "n", "variable": buffers("x", "u", "v", "w", "y"), "function": functions}
    with pytest.raises(ModelError, match="network 'n' has a cycle: h -> f -> g -> h"):
        load_network(network, {}, executor=False)
    own = {"name": "n", "variable": buffers("x", "y"), "function": [function("f", ["y"], "y")]}
    with pytest.raises(ModelError, match="network 'n' has a cycle: f -> f"):
        load_network(own, {}, executor=False)


def test_order_in_the_file_does_not_matter() -> None:
    fields, parameters = network_with({})
    fields["function"] = list(reversed(fields["function"]))
    assert [op.name for op in load_network(fields, parameters).operators] == ["a", "r"]


def test_parts_that_no_output_needs_are_left_out() -> None:
    fields, parameters = network_with({})
    fields["variable"] = fields["variable"] + buffers("side", "label")
    loss = {"name": "loss", "type": "SquaredError", "input": ["y", "label"], "output": "side"}
    fields["function"] = fields["function"] + [loss]
    assert [op.name for op in load_network(fields, parameters).operators] == ["a", "r"]
    # Without an executor the loss is the output, which is cut off.
    graph = load_network(fields, parameters, executor=False)
    assert [op.name for op in graph.operators] == ["a", "r"] and "(SquaredError): the loss is cut off" in graph.notes[0]


USER = function("user", ["x", "a/W"], "a_out")
"""Reads the parameters of a network whose own functions were replaced."""


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"function": []}, "network 'main' is empty"),
        ({"function": [function("f", [], "y"), USER]}, "has no input"),
        ({"function": [function("f", ["z"], "y"), USER]}, "reads variable 'z', which it does not declare"),
        ({"function": [function("f", ["x"], "z")]}, "output 'y' of network 'main' is written by no layer"),
        ({"function": [function("f", ["x"], "y"), function("g", ["x"], "y")]}, "variable 'y' is written by layers 'f'"),
        ({"function": [function("f", ["x"], "a_out"), function("f", ["a_out"], "y")]}, "two layers named 'f'"),
        ({"function": [{"name": "f", "input": "x", "output": "y"}]}, "type ''; expected the name of a function"),
        ({"function": [function("f", ["x"], "y", "Re\nLU")]}, "type 'Re.+nLU'; expected the name of a function"),
        ({"function": [{"name": "f", "type": "ReLU", "input": "x"}]}, "has no output"),
        ({"variable": buffers("x", "x", "y")}, "declares variable 'x' twice"),
        ({"variable": [{"name": "x", "type": "Tensor"}]}, "type 'Tensor'; expected 'Buffer' or 'Parameter'"),
        ({"variable": [{"name": "x", "type": "Buffer", "shape": shape(-1, 0)}]}, "sizes are at least 1"),
        ({"variable": [{"name": "x", "type": "Buffer", "shape": shape(-1, -1)}]}, "sizes are at least 1"),
        ({"variable": [{"name": "x", "type": "Buffer", "shape": shape(-1, 2**31)}]}, "sizes are at least 1"),
        ({"variable": [{"name": "x", "type": "Buffer", "shape": shape(-1, 2**20, 2**20)}]}, "sizes are at least 1"),
        ({"variable": [{"name": "x", "type": "Buffer", "shape": shape(-7, 4)}]}, "batch -7"),
        ({"variable": [{"name": "x", "type": "Buffer", "shape": shape(-1, 10**30)}]}, "expected a 64-bit integer"),
        ({"variable": [{"name": "x", "type": "Buffer", "colour": "red"}]}, "variable 'x': field 'colour' is not known"),
        ({"flavour": 1}, "network 'main': field 'flavour' is not known"),
        ({"name": 5}, "field 'name' is '5'; expected a quoted string"),
        ({"variable": "x"}, "field 'variable' is 'x'; expected a message in braces"),
    ],
)
def test_malformed_networks(changes: dict[str, Any], message: str) -> None:
    fields, parameters = network_with(changes)
    with pytest.raises(ModelError, match=message) as caught:
        load_network(fields, parameters)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"repeat_info": {"id": "r", "times": 3}}, "has loops"),
        ({"function": [{**function("f", ["x"], "y"), "repeat_param": {"repeat_id": "r"}}]}, "belongs to a loop"),
        ({"function": [{**function("f", ["x"], "y"), "repeat_id": "r"}]}, "belongs to a loop"),
        ({"variable": [{"name": "x", "type": "Buffer", "repeat_id": "r"}]}, "belongs to a loop"),
    ],
)
def test_loops_are_refused(changes: dict[str, Any], message: str) -> None:
    fields, parameters = network_with(changes)
    with pytest.raises(UnsupportedError, match=message):
        load_network(fields, parameters)


def test_declared_shapes_are_checked() -> None:
    fields, parameters = network_with({})
    fields["variable"][-1]["shape"] = shape(-1, 5)
    with pytest.raises(ModelError, match=r"output 'y' is declared \(5,\) but computes \(4,\)"):
        load_network(fields, parameters)


def test_unknown_top_level_section() -> None:
    fields, parameters = network_with({})
    skipped = {
        "dataset": {"uri": "x"},
        "optimizer": {"anything": 1},
        "training_config": {"max_epoch": 1},
        "monitor": {},
    }
    assert load_network(fields, parameters, **skipped).name == "main"
    with pytest.raises(ModelError, match=r"network.nntxt:\d+:\d+: model: field 'extra' is not known"):
        load_network(fields, parameters, extra={"a": 1})


def test_executor_faults() -> None:
    fields, parameters = network_with({})

    def with_executor(**changes: Any):
        text = message_text({"network": fields, "executor": {**executor_fields(), **changes}})
        return load_nnp(pack_nnp(text, parameters))

    with pytest.raises(ModelError, match="executor 'runtime' names network 'other'; the file has 'main'"):
        with_executor(network_name="other")
    with pytest.raises(ModelError, match="output 'q' of network 'main' is written by no layer"):
        with_executor(output_variable=[{"variable_name": "q"}])
    with pytest.raises(UnsupportedError, match="variable 'x' is neither written by a layer nor a data variable"):
        with_executor(data_variable=[{"variable_name": "z"}])
    with pytest.raises(ModelError, match="output_variable names one variable twice"):
        with_executor(output_variable=[{"variable_name": "y"}] * 2)
    with pytest.raises(UnsupportedError, match="generates input data"):
        with_executor(generator_variable=[{"variable_name": "x", "type": "Constant"}])
    assert with_executor(output_variable=[{"variable_name": "a_out"}]).outputs == ("a_out",)


def test_several_networks() -> None:
    first, parameters = network_with({"name": "training"}, [affine("a", kernel(4, 4)), Layer("Sort", "t")])
    second, more = network_with({"name": "runtime"}, [affine("b", kernel(4, 2))])
    both = {**parameters, **more}
    text = message_text({"network": [first, second], "executor": executor_fields("runtime")})
    assert load_nnp(pack_nnp(text, both)).name == "runtime"
    with pytest.raises(UnsupportedError, match="Sort"):
        load_nnp(pack_nnp(text, both), "training")
    bare = message_text({"network": [first, second]})
    with pytest.raises(ModelError, match="2 networks and no executor; choose one of 'training', 'runtime'"):
        load_nnp(pack_nnp(bare, both))
    assert load_nnp(pack_nnp(bare, both), "runtime").outputs == ("y",)
    with pytest.raises(ModelError, match="no network or executor 'x'; the file has 'training', 'runtime'"):
        load_nnp(pack_nnp(bare, both), "x")
    with pytest.raises(ModelError, match="network 'runtime' is there twice"):
        load_nnp(pack_nnp(message_text({"network": [second, second]}), both))


def test_syntax_error_has_a_place(tmp_path: Path) -> None:
    path = tmp_path / "bad.nnp"
    path.write_bytes(pack_nnp("network {\n  name: \n}", {}, network_member="net.prototxt"))
    with pytest.raises(ModelError, match=r"bad.nnp: net.prototxt:3:1: found '}'; expected a value of 'name'"):
        load(path)


@pytest.mark.parametrize(
    "name",
    [
        'x; initial $system("touch owned")',
        "a*/ b",
        "line\nbreak",
        'q"\\',
        "reg",
        "",
        "A" * 5000,
        "名前",
        "\u202e",
        "{{7*7}}",
        "../x",
    ],
)
def test_names_are_opaque(name: str) -> None:
    graph = load_nnp(build_nnp([affine("a", kernel(4, 2)), relu(name)], (4,), network=name or "n"))
    assert graph.operators[1].name == (name or "y") and graph.name == (name or "n")
    with pytest.raises(UnsupportedError) as caught:
        load_nnp(build_nnp([Layer("Sort", name)], (4,), network=name or "n"))
    assert "\n" not in str(caught.value)


def test_a_chain_of_5000_layers() -> None:
    data = build_nnp([relu(f"r{index}") for index in range(5000)], (4,))
    start = time.process_time()
    assert len(load_nnp(data).operators) == 5000
    assert time.process_time() - start < 5


def test_line_ends_and_byte_order_mark() -> None:
    fields, parameters = network_with({})
    text = "\ufeff" + message_text({"network": fields, "executor": executor_fields()}).replace("\n", "\r\n")
    assert load_nnp(pack_nnp(text, parameters)).outputs == ("y",)
