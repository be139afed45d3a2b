"""The design is a value of its own: no fact about the hardware comes from its text, and the text may take any form."""

from __future__ import annotations

import ast
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import fpgaq
import fpgaq.hardware.estimate
import fpgaq.hardware.synth
import fpgaq.proof
import fpgaq.study.explore
import fpgaq.study.search
from fpgaq.base.formats import Format
from fpgaq.hardware.emit import printer, render
from fpgaq.hardware.emit.cells import CELLS
from fpgaq.hardware.emit.hls import emit as emit_hls
from fpgaq.hardware.emit.printer import print_design
from fpgaq.hardware.emit.unrolled import unrolled_design
from fpgaq.hardware.emit.verilog import design_of
from fpgaq.hardware.estimate import estimate
from fpgaq.hardware.schedule import Target, make_schedule
from fpgaq.hardware.synth.project import read_project
from fpgaq.hardware.unrolled import Unrolling, plan_network
from fpgaq.integer.graph import IntegerGraph
from fpgaq.proof.file_bench import run_file_bench
from fpgaq.proof.vectors import golden_vectors
from tests.support.fuzz.case import random_inputs
from tests.support.integer_operators import residual_network
from tests.support.network_builder import NetworkBuilder

BOUND_TO_BYTES = ("digests", "memory_digests")
"""Keys of the manifest that hold digests of the files themselves."""

KEYS = {"schema", "target", "top", "files", "digest", "prediction", "streams", "layers", "engines", "modules", "roms"}

LOG_READERS = frozenset({"cocotb_bench"})
"""Modules that may use patterns, for what tools print: cocotb says which test of how many runs."""


def perceptron() -> IntegerGraph:
    return NetworkBuilder(4, (1, 1, 6), Format(8, 7, False)).affine(7, per_channel=True).affine(3).graph()


def facts(folder: Path) -> dict[str, Any]:
    """The files that an output folder should hold."""
    manifest = json.loads((folder / "manifest.json").read_text())
    bench = json.loads((folder / "bench" / "bench.json").read_text())
    project = read_project(folder)
    return {
        "manifest": {key: value for key, value in manifest.items() if key not in BOUND_TO_BYTES},
        "interface": json.loads((folder / "interface.json").read_text()),
        "bench": bench,
        "build list": project.files,
        "layer names": project.instances,
    }


def test_nobody_reads_the_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network = residual_network()
    results, found = [], []
    for name in ("printed", "empty"):
        if name == "empty":
            monkeypatch.setattr(printer, "render", lambda *arguments: "")
            monkeypatch.setattr(printer, "print_cell", lambda cell: "")
        results.append(fpgaq.generate(network, tmp_path / name, Target(multipliers=2), device="xc7"))
        found.append(facts(tmp_path / name))
    sizes = [(tmp_path / "empty" / path).stat().st_size for path in found[1]["build list"]]
    assert len(sizes) > 20 and not any(sizes)
    assert found[0] == found[1] and found[0]["layer names"]["engine_00"] == "engine_00_array"
    assert results[0].estimate == results[1].estimate is not None


def cosmetic(text: str) -> str:
    """A template of Verilog with other spaces, indents and line breaks, and its comments in other words."""
    lines = []
    for line in text.splitlines():
        body = line.lstrip()
        indent = line[: len(line) - len(body)]
        if body.startswith("//"):
            body = body.replace(" of ", " out of ").replace(" words ", " entries ")
        if not body.startswith(("{%", "{#")):
            body = body.replace("reg [", "reg  [").replace(") begin", f")\n{indent}begin")
            body = body.replace("({{ value }})", "( {{ value }} )")
            indent = indent * 2
        lines.append(indent + body)
    return "\n".join(lines) + "\n"


@pytest.fixture
def other_form(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Templates of another form, and ROM words in decimal."""
    folder = tmp_path / "templates"
    shutil.copytree(render.templates_folder(), folder)
    for path in (folder / "verilog").rglob("*.j2"):
        path.write_text(cosmetic(path.read_text()))
    monkeypatch.setattr(render, "templates_folder", lambda: folder)
    monkeypatch.setattr(printer, "sized", printer.decimal)
    render.environment.cache_clear()
    yield
    render.environment.cache_clear()


@pytest.mark.skipif(shutil.which("iverilog") is None, reason="needs iverilog")
def test_the_form_of_the_text_is_free(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    network = residual_network()
    schedule = make_schedule(network, Target(multipliers=2))
    inputs = random_inputs(network, 2)

    def observe(folder: Path) -> tuple[dict[str, str], list[object]]:
        design = design_of(network, schedule)
        files = print_design(design)
        manifest = {key: value for key, value in design.as_json().items() if key not in BOUND_TO_BYTES}
        estimates = [estimate(design, device) for device in ("xc7", "ecp5-85k", "ice40-up5k")]
        simulated = run_file_bench(network, schedule, inputs, workdir=folder)
        assert simulated.mismatch is None
        return {path: str(text) for path, text in files.items()}, [manifest, estimates, simulated]

    texts, before = observe(tmp_path / "before")
    request.getfixturevalue("other_form")
    others, after = observe(tmp_path / "after")
    assert after == before
    generated = [path for path in texts if path.endswith(".v") and Path(path).stem not in CELLS]
    assert all(others[path] != texts[path] for path in generated)


def test_cells_instantiate_what_the_table_says() -> None:
    for cell, inner in CELLS.items():
        text = render.static_text(f"verilog/cells/{cell}.v")
        words = [line.split()[0] for line in text.splitlines() if line.split()]
        assert {word for word in words if word in CELLS} == set(inner), cell


def hls_files(network: IntegerGraph) -> Mapping[str, str | bytes]:
    return emit_hls(network, make_schedule(network, Target(multipliers=4)), golden_vectors(network).tensors)


EMITTERS: dict[str, Callable[[IntegerGraph], Mapping[str, str | bytes]]] = {
    "verilog": lambda network: print_design(design_of(network, make_schedule(network, Target(multipliers=4)))),
    "unrolled": lambda network: print_design(unrolled_design(network, plan_network(network, Unrolling()))),
    "hls": hls_files,
}


@pytest.mark.parametrize("name", EMITTERS)
def test_every_manifest_has_the_same_keys(name: str) -> None:
    files = EMITTERS[name](perceptron())
    manifest = json.loads(files["manifest.json"])
    assert manifest.keys() >= KEYS | {"memory_files", "memory_digests", "rom_directory", "fpgaq"}
    assert set(manifest["files"]) <= set(files)
    assert [stream["layer"] for stream in manifest["streams"]] == ["input", "layer0", "layer1"]
    if name != "hls":
        tops = [module for module in manifest["modules"] if module["module"] == manifest["top"]]
        assert len(tops) == 1 and manifest["prediction"]["latency_cycles"] > 0


ROOMS = (fpgaq.hardware.estimate, fpgaq.proof, fpgaq.hardware.synth, fpgaq.study.explore, fpgaq.study.search)


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.__name__)
def test_no_patterns_read_our_own_text(room: ModuleType) -> None:
    (folder,) = room.__path__
    paths = sorted(Path(folder).rglob("*.py"))
    assert paths
    for path in paths:
        nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
        imported = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
        imported |= {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}
        assert "re" not in imported or path.stem in LOG_READERS, path
