"""Weights that are loaded: exact with those of two networks, between frames under stalls; wrong images are refused."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from cocotb_tools.check_results import get_results
from cocotb_tools.runner import get_runner

from fpgaq import pipeline
from fpgaq.base.errors import FpgaqError
from fpgaq.base.formats import Format
from fpgaq.hardware.emit.wrap import Wish
from fpgaq.hardware.schedule import Target
from fpgaq.integer.file import digest
from fpgaq.integer.graph import IntegerGraph
from fpgaq.integer.reference import run
from fpgaq.pipeline.images import weights_for
from fpgaq.proof.bus_bench import as_bytes
from fpgaq.proof.lint import lint
from tests.support.fuzz.networks import random_case
from tests.support.loadable import with_other_weights
from tests.support.network_builder import NetworkBuilder

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))
import make_registers

HERE = Path(__file__).parent
TESTS, FRAMES = 3, 8

pytestmark = [pytest.mark.once, pytest.mark.skipif(shutil.which("iverilog") is None, reason="needs iverilog")]


def small() -> IntegerGraph:
    return NetworkBuilder(9, (1, 1, 9), Format(8, 4)).affine(6).affine(3, relu=False).graph()


def frames_of(graph: IntegerGraph, seed: int, count: int) -> dict[str, np.ndarray]:
    (name,) = graph.inputs
    fmt, shape = graph.tensors[name].format, graph.tensors[name].shape
    return {name: np.random.default_rng(seed).integers(fmt.minimum, fmt.maximum + 1, size=(count, *shape))}


def test_loading(tmp_path: Path) -> None:
    folder, networks = tmp_path / "out", [small(), with_other_weights(small(), 5, shift=1)]
    pipeline.generate(networks[0], folder, Target(multipliers=3), frames=1, wish=Wish(32, loadable=True, top="mine"))
    manifest, interface = (json.loads((folder / f"{name}.json").read_text()) for name in ("manifest", "interface"))
    public, inputs = interface["wrapper"], frames_of(networks[0], 3, FRAMES)
    loaded = [weights_for(folder, manifest, graph) for graph in networks]
    case = {
        "images": [np.frombuffer(one.image, "<u4").tolist() for one in loaded],
        "digests": [digest(graph) for graph in networks],
        "inputs": [bytes(frame.ravel().astype(np.uint8)).hex()
                   for frame in as_bytes(*inputs.values(), public["input"])],
        "outputs": [
            [bytes(frame.ravel().astype(np.uint8)).hex() for frame in as_bytes(*run(graph, inputs).values(),
                                                                               public["output"])]
            for graph in networks
        ],
    }  # fmt: skip
    assert all(one != two for one, two in zip(*case["outputs"], strict=True))
    (tmp_path / "case.json").write_text(json.dumps(case), encoding="utf-8")
    offsets = {}
    for register in make_registers.read_registers():
        for index, word in enumerate(register.words):
            offsets[register.name if register.count == 1 else f"{register.name}{index}"] = 4 * word
    runner = get_runner("icarus")
    runner.build(sources=[folder / name for name in manifest["wrapper"]["files"]], hdl_toplevel="mine",
                 build_dir=tmp_path / "build", build_args=["-g2005", "-Wall", "-DFPGAQ_CHECKS"],
                 timescale=("1ns", "1ps"))  # fmt: skip
    settings = {"FPGAQ_OFFSETS": json.dumps(offsets), "FPGAQ_DIGEST": "", "FPGAQ_CASE": str(tmp_path / "case.json")}
    results = runner.test(hdl_toplevel="mine", test_module="loading_bench", build_dir=tmp_path / "build",
                          test_dir=HERE, results_xml=str(tmp_path / "results.xml"),
                          extra_env=settings | {"PYTHONPATH": f"{HERE}:{HERE.parents[1]}"})  # fmt: skip
    assert get_results(results) == (TESTS, 0)


def test_the_same_text_runs_either_network(tmp_path: Path) -> None:
    graph = NetworkBuilder(3, (5, 5, 3)).convolution(5).convolution(2, relu=False).graph()
    pipeline.generate(graph, tmp_path, Target(multipliers=12), frames=2, wish=Wish(64, loadable=True))
    assert lint(tmp_path) == ()
    for weights in (None, with_other_weights(graph, 8, shift=-1)):
        result = pipeline.simulate(tmp_path, weights=weights)
        assert result.mismatches == 0 and result.wrapper is not None


@pytest.mark.slow
def test_random_networks(tmp_path: Path) -> None:
    """Those with one input and one output whose requantizers shift; each with two sets of weights."""
    tried, refused = 0, []
    for seed in range(40):
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
        for weights in (None, with_other_weights(graph, seed)):
            result = pipeline.simulate(folder, weights=weights)
            assert result.mismatches == 0, seed
        tried += 1
    print(f"{tried} networks exact with two sets of weights each; {len(refused)} refused: {sorted(set(refused))[:5]}")
    assert tried >= 12
