"""Names of a model that try to leave the text they stand in, through every emitter, each product in its reader."""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fpgaq import cli, pipeline
from fpgaq.hardware.emit.wrap import Wish
from fpgaq.hardware.package import TOOLS
from fpgaq.hardware.schedule import Target
from fpgaq.integer.file import save
from fpgaq.integer.graph import IntegerGraph
from tests.support.network_builder import NetworkBuilder

NAMES = (
    'x; initial $system("touch owned")', "]; exec touch owned; [", "$(touch owned)", "`touch owned`",
    "a*/ int owned; /*",
    "new\nline\ttab", "]]>&lt;owned/><owned a='\"'>", "</script><script>owned()</script>", "{{7*7}}{% owned %}",
    "'''\nimport owned\n'''", '"""', "back\\slash\\", "../../owned", "\u202etxt\u0000nul", "x" * 5000,
    "${owned}\n\towned:",
    "module", "CON", "a/b", "a_b", "A", "a", "", "\u00fc\u4e2d", "%n%s", "# owned", "-rf", "!owned", "- &owned [*owned",
)  # fmt: skip
"""Verilog, Tcl, shell, C, lines, XML, HTML, Jinja, Python, paths, Make, reserved words, YAML."""


def hostile_network() -> IntegerGraph:
    builder = NetworkBuilder(5, (4, 4, 2)).convolution(2)
    for _ in range(len(NAMES) - 2):
        builder = builder.relu()
    graph = builder.affine(3, relu=False).graph()
    assert len(graph.operators) == len(NAMES)
    renamed = dict(
        zip(graph.tensors, (f"{name} {index}" for index, name in enumerate((NAMES[0], *NAMES))), strict=False)
    )
    operators = tuple(
        replace(op, name=name, inputs=tuple(renamed[one] for one in op.inputs), output=renamed[op.output])
        for op, name in zip(graph.operators, NAMES, strict=True)
    )

    def keys(values: Any) -> dict[str, Any]:
        return {renamed[name]: value for name, value in values.items()}

    return replace(
        graph,
        name=" ".join(NAMES[:16]),
        inputs=tuple(renamed[name] for name in graph.inputs),
        outputs=tuple(renamed[name] for name in graph.outputs),
        tensors={renamed[name]: replace(tensor, name=renamed[name]) for name, tensor in graph.tensors.items()},
        operators=operators,
        transforms=keys(graph.transforms),
        output_shapes=keys(graph.output_shapes),
        samples=keys(graph.samples),
    )


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("hostile") / "network.fpgaq"
    save(hostile_network(), path)
    return path


@pytest.fixture(scope="module")
def core(network: Path) -> Iterator[Path]:
    folder = network.with_name("core")
    pipeline.generate(network, folder, Target(multipliers=4), frames=2, wish=Wish(32, top="eye"))
    yield folder
    assert not list(network.parent.rglob("owned*"))


def read_tcl(path: Path) -> None:
    """Each command is complete for Tcl's own reader where it is here, and has balanced brackets anywhere."""
    text = path.read_text(encoding="utf-8")
    assert text.count("{") == text.count("}") and text.count("[") == text.count("]")
    if shutil.which("tclsh"):
        said = subprocess.run(["tclsh"], input=f"puts [info complete {{{text}}}]", capture_output=True, text=True)
        assert said.stdout.strip() == "1", path


def read_python(path: Path) -> None:
    ast.parse(path.read_text(encoding="utf-8"))


def read_c(path: Path) -> None:
    if shutil.which("gcc"):
        command = ["gcc", "-std=c99", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", str(path)]
        assert subprocess.run(command, capture_output=True, text=True).stderr == ""


def read_make(path: Path) -> None:
    if shutil.which("make"):
        command = ["make", "-n", "-p", "-q", "-f", str(path), "nothing_of_this_name"]
        said = subprocess.run(command, capture_output=True, text=True, cwd=path.parent)
        assert "owned" not in said.stdout and "missing separator" not in said.stderr


READERS = {
    ".tcl": read_tcl,
    ".py": read_python,
    ".c": read_c,
    ".h": read_c,
    ".xml": ElementTree.parse,
    ".svg": ElementTree.parse,
    ".json": lambda path: json.loads(path.read_text(encoding="utf-8")),
    ".mk": read_make,
    "Makefile": read_make,
}
PLAIN = {".core", ".f", ".hex", ".md", ".v", ".npy", ".fpgaq", ".gitignore", ".bin", ".sdc", ".vhd", ".xdc"}


def read_all(folder: Path) -> set[str]:
    """Hand every file to the reader of its kind; returns the kinds. Texts but JSON are ASCII and of short lines."""
    kinds = set()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.name.startswith(".fpgaq"):
            kind = path.name if path.name in READERS else path.suffix
            assert kind in READERS or kind in PLAIN, path
            READERS.get(kind, lambda path: None)(path)
            kinds.add(kind)
            assert re.fullmatch(r"[A-Za-z0-9_.-]+", path.name), path
            if kind in (".v", ".vhd", ".core", ".f", ".tcl", ".xml", ".mk", "Makefile", ".c", ".h", ".py"):
                text = path.read_text(encoding="utf-8")
                assert text.isascii() and "x" * 300 not in text, path
    return kinds


@pytest.mark.once
@pytest.mark.parametrize("tool", TOOLS)
def test_packages_are_parsed_by_their_readers(tool: str, core: Path, tmp_path: Path) -> None:
    package = pipeline.package(core, tool, tmp_path / "package").directory
    kinds = read_all(package)
    assert {".v", ".c", ".h", ".py"} <= kinds
    for path in package.rglob("*.core"):
        yaml = pytest.importorskip("yaml", reason="reads a FuseSoC core where PyYAML is here")
        assert set(yaml.safe_load(path.read_text(encoding="utf-8").partition("\n")[2])) >= {"name", "filesets"}


@pytest.mark.once
def test_every_file_of_the_core_is_parsed(core: Path, network: Path, tmp_path: Path) -> None:
    assert {".v", ".py", ".json", "Makefile"} <= read_all(core)
    names = [layer["layer"] for layer in json.loads((core / "manifest.json").read_text(encoding="utf-8"))["layers"]]
    assert names == list(NAMES)
    pipeline.generate(network, tmp_path / "hls", Target(multipliers=4), frames=2, language="hls")
    assert not [path for path in (tmp_path / "hls").rglob("*") if "owned" in path.name]


@pytest.mark.once
def test_what_is_printed_is_one_line(network: Path, core: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A table keeps its rows, no escape reaches the terminal, and JSON is JSON."""
    assert cli.invoke(["generate", str(network), "-o", str(core.with_name("again")), "--multipliers", "4"]) == 0
    said = capsys.readouterr()
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\u202e]", said.out + said.err)
    assert sum("\\nline" in line for line in said.out.splitlines()) >= 1 and "\nline" not in said.out
    assert (
        cli.invoke(["generate", str(network), "-o", str(core.with_name("again")), "--multipliers", "4", "--json"]) == 0
    )
    assert json.loads(capsys.readouterr().out)["schema"] == 1
