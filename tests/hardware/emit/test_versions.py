"""Folders of another version are refused in one line, and the command in that line works."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

import fpgaq
from fpgaq.base.errors import ModelError
from fpgaq.cli import invoke
from fpgaq.hardware.emit import versions
from fpgaq.hardware.emit.versions import MANIFEST_VERSION, check_version
from fpgaq.hardware.schedule import Target
from fpgaq.hardware.synth.project import read_project
from tests.support.network_builder import NetworkBuilder

COMMANDS = {"simulate": ("simulate",), "synth": ("synth", "--device", "ice40-hx8k", "--seeds", "0")}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small network's Verilog, in a folder whose name needs quotes."""
    path = tmp_path / "out of it"
    fpgaq.generate(NetworkBuilder(3, (1, 1, 4)).affine(3, requantize=False).graph(), path, Target(multipliers=2))
    return path


def test_what_is_generated_has_this_version(folder: Path) -> None:
    assert json.loads((folder / "manifest.json").read_text())["fpgaq"] == MANIFEST_VERSION


@pytest.mark.parametrize("command", COMMANDS)
def test_another_version_is_refused_with_a_remedy_that_works(
    command: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    name, *options = COMMANDS[command]
    with monkeypatch.context() as newer:
        newer.setattr(versions, "MANIFEST_VERSION", MANIFEST_VERSION + 1)
        assert invoke([name, str(folder), *options]) == 3
    (line,) = capsys.readouterr().err.splitlines()
    assert f"has version {MANIFEST_VERSION}, this fpgaq reads version {MANIFEST_VERSION + 1}; run `" in line
    program, *arguments = shlex.split(line.split("`")[1])
    assert program == "fpgaq"
    assert invoke(arguments) == 0
    assert read_project(folder).top


@pytest.mark.parametrize("version", [0, 2, "1", None, True, 1.0, "x" * 500])
def test_only_this_version_is_read(version: object) -> None:
    with pytest.raises(ModelError, match="this fpgaq reads version") as error:
        check_version(Path("out"), {"fpgaq": version})
    assert len(str(error.value)) < 200
    assert check_version(Path("out"), {"fpgaq": MANIFEST_VERSION}) is None
