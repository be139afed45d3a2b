"""Whole networks behind a bus: exact, in the predicted cycles, at several budgets; two of them in one design."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fpgaq import pipeline
from fpgaq.base.formats import Format
from fpgaq.hardware.emit.wrap import Wish
from fpgaq.hardware.schedule import Target
from fpgaq.integer.graph import IntegerGraph
from fpgaq.integer.reference import run
from fpgaq.proof.bus_bench import adapter_text, as_bytes, byte_port, simulate_wrapper
from fpgaq.proof.file_bench import run_ports
from fpgaq.proof.lint import lint
from tests.support.network_builder import NetworkBuilder

pytestmark = [pytest.mark.once, pytest.mark.skipif(shutil.which("iverilog") is None, reason="needs iverilog")]


def pictures() -> IntegerGraph:
    return NetworkBuilder(3, (6, 5, 3)).convolution(5).convolution(3, relu=False).graph()


def vector() -> IntegerGraph:
    return NetworkBuilder(9, (1, 1, 7), Format(12, 4)).affine(30).affine(5, relu=False).graph()


def frames_of(graph: IntegerGraph, seed: int, count: int = 3) -> dict[str, Any]:
    fmt = graph.tensors[graph.inputs[0]].format
    shape = graph.tensors[graph.inputs[0]].shape
    chance = np.random.default_rng(seed)
    return {graph.inputs[0]: chance.integers(fmt.minimum, fmt.maximum + 1, size=(count, *shape))}


def read(folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    manifest, interface = ((folder / f"{name}.json").read_text(encoding="utf-8") for name in ("manifest", "interface"))
    return json.loads(manifest), json.loads(interface)


@pytest.mark.parametrize("budget", [1, 12, 200])
@pytest.mark.parametrize("wish", [Wish(32), Wish(64, buffered=True), Wish(128, top="mine")], ids=lambda wish: wish.bus)
@pytest.mark.parametrize("network", [pictures, vector])
def test_exact_in_the_predicted_cycles(network: Any, wish: Wish, budget: int, tmp_path: Path) -> None:
    result = pipeline.generate(network(), tmp_path, Target(multipliers=budget), frames=1, wish=wish)
    assert result.wrapper is not None
    manifest, interface = read(tmp_path)
    inputs = frames_of(result.network, budget)
    found = simulate_wrapper(tmp_path, manifest, interface, result.network, inputs, compiled=False, timeout=300)
    prediction = result.wrapper.prediction
    assert (found.interval_cycles, found.latency_cycles) == (prediction.interval, prediction.latency)
    if budget == 12:
        assert lint(tmp_path) == ()


def test_simulate_covers_the_wrapper(tmp_path: Path) -> None:
    result = pipeline.generate(vector(), tmp_path, Target(multipliers=4), frames=1, wish=Wish(32, top="mine"))
    found = pipeline.simulate(tmp_path, frames=1)
    assert result.wrapper is not None and found.wrapper is not None
    prediction = result.wrapper.prediction
    assert (found.wrapper.interval_cycles, found.wrapper.latency_cycles) == (prediction.interval, prediction.latency)


PAIR = """`default_nettype none
module pair (
    input wire clk, input wire rst, {ports},
    output wire frame_error
);
    wire a_error, b_error;
    assign frame_error = a_error | b_error;
    a_adapter a ({a}, .frame_error(a_error));
    b_adapter b ({b}, .frame_error(b_error));
endmodule
`default_nettype wire
"""


def test_two_networks_in_one_design(tmp_path: Path) -> None:
    """Both wrappers, each with ROM files and cells of its own, in one simulation and at once."""
    files: dict[str, bytes] = {}
    sources: list[str] = []
    memories: list[str] = []
    ports: dict[str, list[dict[str, Any]]] = {"inputs": [], "outputs": []}
    values: dict[str, Any] = {}
    one = NetworkBuilder(5, (6, 6, 4)).convolution(8).affine(20, relu=False).graph()
    for name, network, bus in (("a", one, 32), ("b", pictures(), 64)):
        wish = Wish(bus, top=name)
        result = pipeline.generate(network, tmp_path / name, Target(multipliers=1), frames=1, wish=wish)
        manifest, interface = read(tmp_path / name)
        for path in (*manifest["wrapper"]["files"], *manifest["memory_files"]):
            assert path not in files
            files[path] = (tmp_path / name / path).read_bytes()
        sources += manifest["wrapper"]["files"]
        memories += manifest["memory_files"]
        public = interface["wrapper"]
        files[f"{name}_adapter.v"] = adapter_text(f"{name}_adapter", public).encode()
        sources.append(f"{name}_adapter.v")
        inputs = frames_of(result.network, 1, 2)
        for side, arrays in (("inputs", inputs), ("outputs", run(result.network, inputs))):
            port = byte_port(interface, side)
            tensor = f"{name}.{port['tensor']}"
            values[tensor] = as_bytes(arrays[port["tensor"]], public[side[:-1]])
            ports[side].append({**port, "tensor": tensor, "port": f"{port['port']}_{name}"})
    assert memories
    files["pair.v"] = pair_text(ports).encode()
    prediction = {"interval_cycles": None, "latency_cycles": 20000, "frames": 3}
    design = {"top": "pair", "files": [*sources, "pair.v"], "memory_files": memories, "prediction": prediction}
    workdir = tmp_path / "pair"
    workdir.mkdir()
    assert run_ports(workdir, files, design, ports, values, stall_seed=3).mismatch is None


def pair_text(ports: dict[str, list[dict[str, Any]]]) -> str:
    declared, joined = [], {"a": [".clk(clk)", ".rst(rst)"], "b": [".clk(clk)", ".rst(rst)"]}
    for side, members in ports.items():
        for port in members:
            prefix, name = port["port"].rsplit("_", 1)
            for signal, bits, forward in (("tdata", port["tdata_bits"], True), ("tvalid", 1, True),
                                          ("tready", 1, False), ("tlast", 1, True)):  # fmt: skip
                inward = forward == (side == "inputs")
                width = f"[{bits - 1}:0] " if bits > 1 else ""
                declared.append(f"{'input' if inward else 'output'} wire {width}{port['port']}_{signal}")
                joined[name].append(f".{prefix}_{signal}({port['port']}_{signal})")
    return PAIR.format(ports=", ".join(declared), a=", ".join(joined["a"]), b=", ".join(joined["b"]))


@pytest.mark.parametrize(
    ("inputs", "outputs", "wish"),
    [(7, 5, Wish(32)), (3, 12, Wish(64, buffered=True, top="mine")), (24, 2, Wish(128))],
    ids=["32", "64", "128"],
)
def test_unrolled_networks(inputs: int, outputs: int, wish: Wish, tmp_path: Path) -> None:
    """A frame a beat at the core: the bus decides how often, in the predicted cycles."""
    network = NetworkBuilder(inputs, (1, 1, inputs)).affine(6).affine(outputs, relu=False).graph()
    result = pipeline.unroll(network, tmp_path, frames=1, wish=wish)
    assert result.wrapper is not None
    manifest, interface = read(tmp_path)
    found = simulate_wrapper(
        tmp_path, manifest, interface, network, frames_of(network, 1, 8), compiled=False, timeout=300
    )
    prediction = result.wrapper.prediction
    assert (found.interval_cycles, found.latency_cycles) == (prediction.interval, prediction.latency)
    if wish.bus == 64:
        assert lint(tmp_path) == ()
