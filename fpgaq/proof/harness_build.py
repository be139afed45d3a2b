"""Verilog networks compiled into one program by Verilator and a C++ compiler."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..base.child import Limits, ask_tool, first_error, last_line, run_tool
from ..base.errors import ToolError
from ..hardware.emit.design import Design
from ..hardware.emit.printer import print_design
from ..hardware.emit.render import render
from .lint import Verilator, find_verilator

PROGRAM = "harness"
ACTIVITY_FILE = "activity.saif"
"""Where a program that counts toggles leaves them, in the folder in which it runs."""
HALF_CYCLE = 5000
"""Picoseconds of half a cycle in that file: a clock of 100 MHz."""
RUNTIME = ("verilated.cpp", "verilated_threads.cpp")
COUNTERS = ("verilated_saif_c.cpp",)
"""What a program that counts toggles needs besides."""
WITHOUT_COMPILER = "--simulator icarus compiles no C++"


@dataclass(frozen=True)
class FlatDesign:
    """A network to compile: `folder` holds its files flat and is where it runs, with its ports' files."""

    folder: Path
    manifest: Mapping[str, Any]
    interface: Mapping[str, Any]


def flat_design(design: Design, folder: Path) -> FlatDesign:
    """Print a design into `folder` as the harness wants it."""
    return lay_flat(print_design(design), design.as_json(), design.interface(), folder)


def lay_flat(
    files: Mapping[str, str | bytes], manifest: Mapping[str, Any], interface: Mapping[str, Any], folder: Path
) -> FlatDesign:
    """Lay the sources and memory files that a manifest names into `folder`, side by side."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in (*manifest["files"], *manifest["memory_files"]):
        content = files[name]
        (folder / Path(name).name).write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return FlatDesign(folder, manifest, interface)


def compile_designs(
    designs: Sequence[FlatDesign], folder: Path, timeout: float, optimize: str = "-O2", toggles: bool = False
) -> Path:
    """Compile all designs into one program, whose first argument chooses among them.

    Parameters
    ----------
    designs : sequence of FlatDesign
    folder : Path
        For the program and its sources.
    timeout : float
        Seconds for each run of a tool.
    optimize : str
        The C++ compiler's option: short runs gain from ``-O0``, which compiles soonest.
    toggles : bool
        Count the toggles of every net in a run without stalls, from the end of the reset on, and write them as SAIF to
        `ACTIVITY_FILE` in the design's folder.

    Raises
    ------
    ToolError
        Verilator or the C++ compiler is missing or fails.
    """
    tool = find_verilator()
    if shutil.which("g++") is None:
        raise ToolError("g++: not found; install it to compile what Verilator writes")
    folder.mkdir(parents=True, exist_ok=True)
    sources = []
    for index, design in enumerate(designs):
        _verilate(tool, design, folder / f"V{index}", timeout, toggles)
        sources += sorted((folder / f"V{index}").glob("*.cpp"))
    facts = [
        {"prefix": f"V{index}", **{side: _in_bytes(design.interface[side]) for side in ("inputs", "outputs")}}
        for index, design in enumerate(designs)
    ]
    context = {"designs": facts, "activity_file": ACTIVITY_FILE if toggles else None, "half": HALF_CYCLE}
    (folder / f"{PROGRAM}.cpp").write_text(render("bench/harness.cpp.j2", context), encoding="utf-8")
    # One unit for all: each file alone would read the same headers again. Their precompiled form allows one design.
    lines = [f'#undef VL_PCH_INCLUDED\n#include "{path.relative_to(folder)}"\n' for path in sources]
    (folder / "networks.cpp").write_text("".join(lines), encoding="utf-8")
    include = runtime_folder(tool)
    runtime = (*RUNTIME, *(COUNTERS if toggles else ()))
    command = ["g++", optimize, "-std=c++17", f"-I{include}", f"-I{include / 'vltstd'}"]
    command += [f"-I{folder / f'V{index}'}" for index in range(len(designs))]
    command += [f"{PROGRAM}.cpp", "networks.cpp", *(str(include / name) for name in runtime), "-pthread", "-o", PROGRAM]
    _checked("g++", command, folder, timeout)
    return folder / PROGRAM


def _in_bytes(ports: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Ports with the bytes of a beat, which is how the harness hands it over."""
    return [{**port, "tdata_bytes": port["tdata_bits"] // 8} for port in ports]


def _verilate(tool: Verilator, design: FlatDesign, made: Path, timeout: float, toggles: bool) -> None:
    # The package's own folder must be named, and its program called without the Perl wrapper.
    command = [tool.program, "--cc", "--top-module", design.manifest["top"]]
    command += ["--prefix", made.name, "--Mdir", str(made.resolve()), "-O3", "-Wno-fatal", "-DFPGAQ_CHECKS"]
    command += ["--x-assign", "fast", "--x-initial", "fast", *(Path(name).name for name in design.manifest["files"])]
    command += ["--trace-saif"] if toggles else []
    _checked("verilator", command, design.folder, timeout, tool.environment)


def runtime_folder(tool: Verilator) -> Path:
    """Where the C++ sources are that every compiled network needs."""
    command = [tool.program, "--getenv", "VERILATOR_ROOT"]
    finished = ask_tool("verilator", command, tool.environment)
    include = Path(last_line(finished.output)) / "include"
    if finished.code or not (include / RUNTIME[0]).is_file():
        raise ToolError(f"verilator: its sources are not in {include}; install the system's package verilator whole")
    return include


def _checked(
    tool: str, command: list[str], folder: Path, timeout: float, environment: Mapping[str, str] | None = None
) -> None:
    finished = run_tool(tool, command, folder, Limits(timeout, remedy=WITHOUT_COMPILER), environment)
    if finished.code:
        shown = first_error(finished.output) or "it printed nothing"
        raise ToolError(f"{tool} failed with exit code {finished.code}: {shown[:200]}")
