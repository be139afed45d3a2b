"""Emitted Verilog and a driver in C++, compiled into one program by Verilator and g++."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from fpgaq.proof.harness_build import RUNTIME, runtime_folder
from fpgaq.proof.lint import find_verilator

SECONDS = 900


def compile_with(
    main: Path, folder: Path, files: Sequence[str], top: str, work: Path, defines: Mapping[str, object] | None = None
) -> Path:
    """Compile the files of an output folder, whose module `top` the driver `main` knows as ``Vmine``."""
    tool = find_verilator()
    command = [tool.program, "--cc", "--top-module", top, "--prefix", "Vmine", "--Mdir", str(work / "made")]
    command += ["-O3", "-Wno-fatal", "-DFPGAQ_CHECKS", "--x-assign", "fast", "--x-initial", "fast"]
    command += [f'-DFPGAQ_ROM_DIR="{folder / "rtl"}"', *(str(folder / name) for name in files)]
    environment = {**os.environ, **tool.environment}
    # Memory files are named by their paths in the output folder's rtl.
    subprocess.run(command, cwd=work, check=True, timeout=SECONDS, capture_output=True, env=environment)
    units = [f'#undef VL_PCH_INCLUDED\n#include "{path}"\n' for path in sorted((work / "made").glob("*.cpp"))]
    (work / "unit.cpp").write_text("".join(units), encoding="utf-8")
    include = runtime_folder(tool)
    command = ["g++", "-O2", "-std=c++17", f"-I{include}", f"-I{include / 'vltstd'}", "-Imade"]
    command += [f"-D{name}={value}" for name, value in (defines or {}).items()]
    command += [str(main), "unit.cpp", *(str(include / name) for name in RUNTIME), "-pthread", "-o", "program"]
    subprocess.run(command, cwd=work, check=True, timeout=SECONDS)
    return work / "program"
