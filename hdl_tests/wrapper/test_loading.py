"""Weights that are loaded: exact with those of two networks, between frames under stalls; wrong images are refused."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cocotb_tools.check_results import get_results
from cocotb_tools.runner import get_runner

from fpgaq import pipeline
from fpgaq.base.errors import FpgaqError
from fpgaq.base.formats import Format
from fpgaq.hardware.emit.image import LAYOUT, Layout, read_layout
from fpgaq.hardware.emit.wrap import Wish
from fpgaq.hardware.schedule import Target
from fpgaq.integer.check import check
from fpgaq.integer.file import digest
from fpgaq.integer.graph import IntegerGraph
from fpgaq.integer.reference import run
from fpgaq.pipeline.images import weights_for
from fpgaq.proof.bus_bench import as_bytes
from fpgaq.proof.lint import lint
from tests.support.fuzz.networks import random_case
from tests.support.loadable import (
    IMPORTED_RULES,
    KINDS,
    every_kind,
    imported_chain,
    with_inverted_memory,
    with_other_weights,
    with_others,
)
from tests.support.network_builder import NetworkBuilder

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))
import make_registers

HERE = Path(__file__).parent
TESTS, FRAMES = 3, 8
MORE = (50, 63, 67, 82, 118)
"""Seeds of networks with scales, sums and products."""

pytestmark = [pytest.mark.once, pytest.mark.skipif(shutil.which("iverilog") is None, reason="needs iverilog")]


def small() -> IntegerGraph:
    return NetworkBuilder(9, (1, 1, 9), Format(8, 4)).affine(6).affine(3, relu=False).graph()


def frames_of(graph: IntegerGraph, seed: int, count: int) -> dict[str, np.ndarray]:
    (name,) = graph.inputs
    fmt, shape = graph.tensors[name].format, graph.tensors[name].shape
    return {name: np.random.default_rng(seed).integers(fmt.minimum, fmt.maximum + 1, size=(count, *shape))}


def build(tmp_path: Path, networks: list[IntegerGraph], target: Target) -> tuple[Path, list[bytes]]:
    """The folder of the first network, under the name "mine", and the images of all of them."""
    folder = tmp_path / "out"
    pipeline.generate(networks[0], folder, target, frames=1, wish=Wish(32, loadable=True, top="mine"))
    manifest = json.loads((folder / "manifest.json").read_text())
    return folder, [weights_for(folder, manifest, graph).image for graph in networks]


def bench(
    tmp_path: Path,
    folder: Path,
    networks: list[IntegerGraph],
    images: dict[str, list[bytes]],
    module: str,
    seed: int,
    frames: int = FRAMES,
) -> tuple[int, int]:
    """Run a cocotb bench on a folder: how many tests ran, and how many failed."""
    manifest, interface = (json.loads((folder / f"{name}.json").read_text()) for name in ("manifest", "interface"))
    public, inputs = interface["wrapper"], frames_of(networks[0], seed, frames)

    def texts(values: np.ndarray, port: dict[str, Any]) -> list[str]:
        return [bytes(frame.ravel().astype(np.uint8)).hex() for frame in as_bytes(values, port)]

    case = {
        **{name: [np.frombuffer(one, "<u4").tolist() for one in found] for name, found in images.items()},
        "digests": [digest(graph) for graph in networks],
        "inputs": texts(*inputs.values(), public["input"]),
        "outputs": [texts(*run(graph, inputs).values(), public["output"]) for graph in networks],
    }
    assert len({tuple(one) for one in case["outputs"]}) == len(networks)
    (tmp_path / "case.json").write_text(json.dumps(case), encoding="utf-8")
    offsets = {}
    for register in make_registers.read_registers():
        for index, word in enumerate(register.words):
            offsets[register.name if register.count == 1 else f"{register.name}{index}"] = 4 * word
    runner = get_runner("icarus")
    runner.build(sources=[folder / name for name in manifest["wrapper"]["files"]], hdl_toplevel="mine",
                 build_dir=tmp_path / "build", build_args=["-g2005", "-Wall", "-DFPGAQ_CHECKS"],
                 timescale=("1ns", "1ps"))  # fmt: skip
    settings = {"FPGAQ_OFFSETS": json.dumps(offsets), "FPGAQ_DIGEST": "", "FPGAQ_CASE": str(tmp_path / "case.json"),
                "COCOTB_LOG_LEVEL": "WARNING"}  # fmt: skip
    results = runner.test(hdl_toplevel="mine", test_module=module, build_dir=tmp_path / "build",
                          test_dir=HERE, results_xml=str(tmp_path / "results.xml"),
                          extra_env=settings | {"PYTHONPATH": f"{HERE}:{HERE.parents[1]}"})  # fmt: skip
    return get_results(results)


def test_loading(tmp_path: Path) -> None:
    networks = [small(), with_other_weights(small(), 5, shift=1)]
    folder, images = build(tmp_path, networks, Target(multipliers=3))
    assert bench(tmp_path, folder, networks, {"images": images}, "loading_bench", 3) == (TESTS, 0)


def test_every_kind_of_word(tmp_path: Path) -> None:
    """One core runs networks that differ in limits, tables or scales; a memory of each kind that is wrong shows."""
    first = every_kind(1)
    networks = [first, *(check(with_others(first, 5, (kind,), shift=1)) for kind in KINDS if kind != "weights")]
    folder, images = build(tmp_path, networks, Target(multipliers=1))
    assert lint(folder) == ()
    layout = layout_of(folder)
    held = {memory.holds: place for place, memory in enumerate(layout.memories)}
    kinds = [("low", "high"), ("entry",), ("scale", "negative", "offset", "lift")]
    faulty = [with_inverted_memory(images[0], layout, held[kind]) for kind in kinds]
    found = bench(tmp_path, folder, networks, {"images": images, "faulty": faulty}, "loaded_kinds_bench", 4, frames=3)
    assert found == (1, 0)


def layout_of(folder: Path) -> Layout:
    with (folder / LAYOUT).open("rb") as stream:
        return read_layout(stream, LAYOUT)


def test_the_same_text_runs_either_network(tmp_path: Path) -> None:
    graph = NetworkBuilder(3, (5, 5, 3)).convolution(5).convolution(2, relu=False).graph()
    pipeline.generate(graph, tmp_path, Target(multipliers=12), frames=2, wish=Wish(64, loadable=True))
    assert lint(tmp_path) == ()
    for weights in (None, with_other_weights(graph, 8, shift=-1)):
        result = pipeline.simulate(tmp_path, weights=weights)
        assert result.mismatches == 0 and result.wrapper is not None


@pytest.mark.parametrize("name", [name if place == 0 else pytest.param(name, marks=pytest.mark.slow)
                                  for place, name in enumerate(IMPORTED_RULES)])  # fmt: skip
def test_multipliers_of_imported_layers(name: str, tmp_path: Path) -> None:
    graph = imported_chain(5, IMPORTED_RULES[name])
    pipeline.generate(graph, tmp_path, Target(multipliers=8), frames=2, wish=Wish(32, loadable=True))
    result = pipeline.simulate(tmp_path, weights=with_other_weights(graph, 6, shift=-1))
    assert result.mismatches == 0 and result.wrapper is not None


@pytest.mark.slow
def test_random_networks(tmp_path: Path) -> None:
    """Those with one input and one output; each with two sets of all that an image holds."""
    tried, refused = 0, []
    for seed in (*range(40), *MORE):
        graph, folder = random_case(seed).graph, tmp_path / str(seed)
        try:
            pipeline.generate(
                graph,
                folder,
                Target(multipliers=(1, 5, 40)[seed % 3]),
                frames=2,
                wish=Wish((32, 64, 128)[seed % 3], loadable=True),
            )
        except FpgaqError as error:
            refused.append(str(error))
            continue
        assert lint(folder) == (), seed
        for weights in (None, with_others(graph, seed)):
            result = pipeline.simulate(folder, weights=weights)
            assert result.mismatches == 0, seed
        tried += 1
    print(f"{tried} networks exact with two sets of weights each; {len(refused)} refused: {sorted(set(refused))[:5]}")
    assert tried >= 25
