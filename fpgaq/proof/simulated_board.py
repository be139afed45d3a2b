"""A board that is simulated: shell and core compiled by Verilator, the serial line a pseudo-terminal."""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ..base.child import Limits, first_error, run_tool
from ..base.errors import ToolError
from ..hardware.emit.render import render
from .harness_build import RUNTIME, runtime_folder
from .lint import find_verilator

BUILD_SECONDS = 1800.0
START_SECONDS = 60.0
PREFIX = "Vboard"


@contextmanager
def simulated_board(
    directory: Path, files: Sequence[str], memory_files: Sequence[str], board: Mapping[str, Any], latency: int
) -> Iterator[str]:
    """The path of the pseudo-terminal of a board while it is simulated.

    Parameters
    ----------
    directory : Path
        A folder that `fpgaq bitstream` wrote.
    files, memory_files : sequence of str
        Verilog in the order in which it can be compiled, and what it reads, by paths in the folder.
    board : mapping
        `board` of its manifest.json.
    latency : int
        Predicted cycles of a frame: while no byte moves for many times that, the simulation waits for the host.

    Raises
    ------
    ToolError
        Verilator or a C++ compiler is missing or fails.
    """
    with tempfile.TemporaryDirectory(prefix="fpgaq-board-") as temporary:
        folder = Path(temporary)
        for name in (*files, *memory_files):
            shutil.copyfile(directory / name, folder / Path(name).name)
        sources = [Path(name).name for name in files]
        facts = {"prefix": PREFIX, "divider": board["parameters"]["DIVIDER"], "quiet_cycles": 4 * latency + 10_000}
        program = _compile(folder, board["module"], sources, facts)
        with _running(program, folder) as terminal:
            yield terminal


def _compile(folder: Path, top: str, sources: Sequence[str], facts: Mapping[str, Any]) -> Path:
    tool = find_verilator()
    if shutil.which("g++") is None:
        raise ToolError("g++: not found; install it to compile what Verilator writes")
    command = [tool.program, "--cc", "--top-module", top, "--prefix", PREFIX, "--Mdir", "made", "-O3", "-Wno-fatal"]
    command += ["-DFPGAQ_CHECKS", "--x-assign", "fast", "--x-initial", "fast", *sources]
    _checked("verilator", command, folder, tool.environment)
    units = [f'#undef VL_PCH_INCLUDED\n#include "{path.relative_to(folder)}"\n'
             for path in sorted((folder / "made").glob("*.cpp"))]  # fmt: skip
    (folder / "board.cpp").write_text("".join(units) + render("bench/board.cpp.j2", facts), encoding="utf-8")
    include = runtime_folder(tool)
    command = ["g++", "-O1", "-std=c++17", f"-I{include}", f"-I{include / 'vltstd'}", "-Imade", "board.cpp"]
    _checked("g++", [*command, *(str(include / name) for name in RUNTIME), "-pthread", "-o", "board"], folder)
    return folder / "board"


def _checked(tool: str, command: list[str], folder: Path, environment: Mapping[str, str] | None = None) -> None:
    finished = run_tool(tool, command, folder, Limits(BUILD_SECONDS), environment)
    if finished.code:
        shown = first_error(finished.output) or "it printed nothing"
        raise ToolError(f"{tool} failed with exit code {finished.code}: {shown[:200]}")


@contextmanager
def _running(program: Path, folder: Path) -> Iterator[str]:
    """The name of the terminal that a simulation prints; it ends with the context."""
    with (folder / "board.log").open("wb") as log:
        child = subprocess.Popen([program], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
                                 start_new_session=True)  # fmt: skip
        try:
            assert child.stdout is not None and child.stdin is not None
            ready, _, _ = select.select([child.stdout], [], [], START_SECONDS)
            name = child.stdout.readline().decode().strip() if ready else ""
            if not name:
                raise ToolError("the simulated board did not start; `fpgaq doctor` shows which tools are there")
            yield name
        finally:
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()
            for stream in (child.stdin, child.stdout):
                if stream is not None:
                    with suppress(OSError):
                        stream.close()
