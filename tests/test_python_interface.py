"""The Python interface: what `fpgaq` exports, networks that are called, results at a prompt and in a notebook."""

from __future__ import annotations

import importlib
import inspect
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

import fpgaq
from fpgaq import pipeline
from fpgaq.base.errors import ModelError, ToolError, UsageError
from fpgaq.base.results import MOST_ROWS, Result, html_table
from fpgaq.integer.graph import IntegerGraph
from fpgaq.model.graph import Affine, Graph
from fpgaq.quantizer.config import QuantizeOptions
from fpgaq.study.pruning.options import PruneOptions
from tests.compat.interface import NETWORKS

EXAMPLE = Path(__file__).parents[1] / "examples" / "digits_cnn"


@pytest.fixture(scope="module")
def network() -> IntegerGraph:
    return fpgaq.quantize(EXAMPLE / "model.nnp", EXAMPLE / "calibration.npz")


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return np.load(EXAMPLE / "test.npz")["x"][:20]


def test_stages_are_exported() -> None:
    for name in (
        "run",
        "build",
        "generate",
        "compare",
        "simulate",
        "quantize",
        "search",
        "sensitivity",
        "save_integer",
    ):
        assert getattr(fpgaq, name) is getattr(pipeline, name) or callable(getattr(fpgaq, name))
    assert fpgaq.QuantizeOptions is QuantizeOptions and fpgaq.Target(multipliers=4).multipliers == 4


@pytest.mark.parametrize(("name", "stage"), [("explore", "explore"), ("synth", "synthesize")])
def test_two_names_are_functions_and_packages(name: str, stage: str) -> None:
    code = f"""
import inspect, fpgaq
from fpgaq import {name}
from fpgaq.pipeline import {stage} as stage
assert {name} is fpgaq.{name} and callable({name}) and inspect.signature({name}) == inspect.signature(stage)
print(sorted(set(dir({name})) & {{"Exploration", "DEVICES"}}))
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == {"explore": "['Exploration']", "synth": "['DEVICES']"}[name]


def test_quantize_takes_options_by_name(network: IntegerGraph) -> None:
    arguments = (EXAMPLE / "model.nnp", EXAMPLE / "calibration.npz")
    found = fpgaq.quantize(*arguments, weight_bits=3, output_bits=12)
    assert digest(found) == digest(fpgaq.quantize(*arguments, QuantizeOptions(weight_bits=3, output_bits=12)))
    assert digest(found) != digest(network)
    together = fpgaq.quantize(*arguments, QuantizeOptions(weight_bits=8, output_bits=12), weight_bits=3)
    assert digest(together) == digest(found)
    with pytest.raises(UsageError, match="option weight_bits is 1; an integer from 2 to 16"):
        fpgaq.quantize(*arguments, weight_bits=1)


def digest(network: IntegerGraph) -> str:
    from fpgaq.integer.file import digest as digest_of

    return digest_of(network)


def test_the_keywords_of_quantize_are_the_options() -> None:
    """A new field of QuantizeOptions is a keyword of `fpgaq.pipeline.quantize` too, None where it is not given."""
    parameters = inspect.signature(pipeline.quantize).parameters
    known = {field.name: str(field.type) for field in fields(QuantizeOptions)}
    assert [name for name in parameters if name in known] == list(known)
    for name, kind in known.items():
        assert parameters[name].default is None and parameters[name].kind is inspect.Parameter.KEYWORD_ONLY
        assert {*parameters[name].annotation.split(" | ")} == {*kind.split(" | "), "None"}, name


def test_a_network_is_run_and_called(network: IntegerGraph, images: np.ndarray) -> None:
    (integers, real) = network.run(images)["y"]
    expected = fpgaq.run(network, images)["y"]
    assert np.array_equal(integers, expected[0]) and np.array_equal(real, expected[1])
    assert integers.dtype == np.int64 and real.shape == (20, 10)
    assert np.array_equal(network(images), real) and np.array_equal(network({"x": images}), real)
    assert (network(images).argmax(1) == np.load(EXAMPLE / "test.npz")["y"][:20]).mean() > 0.8
    with pytest.raises(ModelError, match="input data"):
        network(images[:, :, :7])
    with pytest.raises(ModelError, match="the data lack input 'x'"):
        network({"y": images})


def test_networks_with_several_inputs_or_outputs() -> None:
    network = fpgaq.load_integer(NETWORKS / "every_operator.fpgaq")
    data = {name: np.zeros((2, *transform.model_shape)) for name, transform in network.transforms.items()}
    if len(network.inputs) > 1:
        with pytest.raises(UsageError, match="give a mapping of name to array"):
            network(next(iter(data.values())))
    found, expected = network(data), fpgaq.run(network, data)
    found = found if isinstance(found, dict) else {network.outputs[0]: found}
    assert all(np.array_equal(found[name], expected[name][1]) for name in network.outputs)


def test_reprs_are_one_short_line_and_notebooks_get_tables(network: IntegerGraph) -> None:
    graph = fpgaq.load_model(EXAMPLE / "model.nnp")
    for shown in (graph, network):
        assert len(repr(shown)) < 120 and repr(shown).startswith("<") and "\n" not in repr(shown)
        table = shown._repr_html_()
        assert table.count("<tr>") == len(shown.operators) + 1
        assert all(f"<td>{op.name}</td>" in table for op in shown.operators)
    output = network.tensors["y"].format.describe()
    assert repr(network) == f"<IntegerGraph: runtime, x 8x8x1 u8.0 -> y 1x1x10 {output}, 5 integer operators>"


def test_names_from_files_are_escaped() -> None:
    bad = "<script>\x1b[2J"
    weight = np.ones((1, 1), dtype=np.float32)
    graph = Graph(bad, ("x",), ("y",), (Affine(bad, ("x",), "y", weight, None),), {"x": (1,), "y": (1,)})
    assert "\x1b" not in repr(graph) and "<script>" not in graph._repr_html_()
    assert html_table("a", [{"n": index} for index in range(MOST_ROWS + 5)]).endswith("<p>and 5 more</p>")


@pytest.fixture(scope="module")
def results(network: IntegerGraph, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Result]:
    from fpgaq.study.report.summary import summarize

    graph = fpgaq.load_model(EXAMPLE / "model.nnp")
    calibration, folder = EXAMPLE / "calibration.npz", tmp_path_factory.mktemp("made") / "out"
    return {
        "Summary": summarize(graph),
        "Comparison": fpgaq.compare(graph, network, EXAMPLE / "test.npz"),
        "GenerateResult": fpgaq.generate(network, folder, fpgaq.Target(multipliers=4)),
        "Exploration": fpgaq.explore({"d": graph}, calibration, device="xc7", bits=(8,), multipliers=(1, 2)),
        "Sensitivity": fpgaq.sensitivity(graph, calibration),
        "SearchResult": fpgaq.search(graph, calibration, budget="60%", widths=(4, 8)),
        "UnrollResult": pipeline.unroll(NETWORKS / "perceptron.fpgaq", folder.parent / "unrolled"),
        "PruneResult": fpgaq.prune(
            fpgaq.load_model(EXAMPLE / "model.nnp", passes=False), calibration, PruneOptions(macs=0.9, measure="l1")
        ),
    }


NAMES = (
    *("Summary", "Comparison", "GenerateResult", "Exploration", "Sensitivity", "SearchResult"),
    *("UnrollResult", "PruneResult"),
)


@pytest.mark.parametrize("name", NAMES)
def test_results_are_short_and_become_dicts_and_frames(name: str, results: dict[str, Any]) -> None:
    result = results[name]
    assert repr(result).startswith(f"<{name}: ") and len(repr(result)) < 240 and "\n" not in repr(result)
    assert result.to_dict() == result.as_json()
    records = result.records()
    assert records and all(set(record) == set(records[0]) for record in records)
    assert all(isinstance(value, str | int | float | bool | list | tuple | None) for value in records[0].values())
    assert result._repr_html_().count("<tr>") == min(len(records), MOST_ROWS) + 1


@pytest.mark.parametrize("name", NAMES)
def test_frames_are_made_of_the_rows(name: str, results: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    pandas: Any = ModuleType("pandas")
    pandas.DataFrame = SimpleNamespace(from_records=lambda records: ("a frame", records))
    monkeypatch.setitem(sys.modules, "pandas", pandas)
    assert results[name].to_pandas() == ("a frame", results[name].records())


def test_without_pandas_the_remedy_is_named(results: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ToolError, match="pip install pandas"):
        results["Summary"].to_pandas()


def test_results_of_simulation_and_synthesis_are_shown_alike() -> None:
    from fpgaq.hardware.synth import Counts, SynthResult
    from fpgaq.proof.simulate import SimulationResult

    simulated = SimulationResult(9, 0, 128, 420, 3.5, "every beat of 9 frames is equal in 4 tests")
    assert repr(simulated).endswith("in 4 tests; a frame every 128 cycles, latency 420 cycles>")
    assert simulated.to_dict()["frames"] == simulated.records()[0]["frames"] == 9
    counts = Counts(lut=10, ff=20, dsp=1, bram=2)
    made = SynthResult("ecp5-25k", "top", counts, (("layer", counts),), ((1, 98.5),), ("pyosys 0.70",), 1.0)
    assert repr(made) == "<SynthResult: top on ecp5-25k: 10 LUT, 20 FF, 1 DSP, 2 block RAM, 98.5 MHz>"
    assert [row["module"] for row in made.records()] == ["layer", "top"]


def test_importing_fpgaq_stays_light() -> None:
    assert importlib.import_module("fpgaq").__all__ == sorted(fpgaq.__all__)
