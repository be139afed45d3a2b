"""The ways to compute a case in addition to the reference. Each gives the fault of every case, or None.

A way takes cases and an empty folder. One that yields arrays compares them by `first_difference`; a bench that sees
more (inner streams, cycles) says what it found itself. A new way is a function here and a line in `WAYS`.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np

from fpgaq.base.errors import FpgaqError
from fpgaq.hardware.emit.hls import describe, scheduled
from fpgaq.hardware.emit.printer import print_design
from fpgaq.hardware.emit.verilog import design_of
from fpgaq.proof.bench import bench_files
from fpgaq.proof.compiled import Library, compile_networks
from fpgaq.proof.file_bench import run_file_bench
from fpgaq.proof.harness import check_cycles, drive
from fpgaq.proof.harness_build import FlatDesign, compile_designs, flat_design
from tests.support.fuzz.case import Case, first_difference
from tests.support.slow_interpreter import slow_run

Way: TypeAlias = Callable[[Sequence[Case], Path], list["str | None"]]

TIMEOUT = 600.0
FAULTS = (FpgaqError, AssertionError, ArithmeticError, ValueError, LookupError)
"""Errors that a case may raise where a stage fails; any other is a fault of the fuzz itself."""


def interpreter(cases: Sequence[Case], folder: Path) -> list[str | None]:
    """Python integers and fractions, one element after another: written apart from the reference."""
    return [first_difference(case, slow_run(case.graph, case.inputs)) for case in cases]


def icarus(cases: Sequence[Case], folder: Path) -> list[str | None]:
    """Plain Icarus Verilog: every beat of every stream, and without stalls every predicted cycle."""
    return [_icarus(case, folder / str(index)) for index, case in enumerate(cases)]


def _icarus(case: Case, folder: Path) -> str | None:
    try:
        result = run_file_bench(case.graph, case.schedule, case.inputs, stall_seed=case.stall_seed, workdir=folder)
    except FAULTS as error:
        return f"{type(error).__name__}: {error}"
    return result.mismatch


def verilator(cases: Sequence[Case], folder: Path) -> list[str | None]:
    """All cases in one program of Verilator: every beat of every output, and without stalls the cycles."""
    designs = [flat_design(design_of(case.graph, case.schedule), folder / str(i)) for i, case in enumerate(cases)]
    program = compile_designs(designs, folder / "build", TIMEOUT, "-O0")
    return [_drive(program, i, design, case) for i, (design, case) in enumerate(zip(designs, cases, strict=True))]


def _drive(program: Path, index: int, design: FlatDesign, case: Case) -> str | None:
    prediction = case.schedule.prediction
    stalled = case.stall_seed is not None
    frames = len(next(iter(case.inputs.values())))
    if not stalled and prediction.interval is not None:
        frames = max(frames, prediction.frames)
    inputs, golden = _repeated(case.inputs, frames), _repeated(case.golden, frames)
    # Seed 0 means no stalls to the harness.
    seed = case.stall_seed + 1 if case.stall_seed is not None else 0
    try:
        latency, ends = drive(program, index, design, inputs, golden, frames, seed, TIMEOUT)
        if not stalled:
            check_cycles(design.manifest["prediction"], latency, ends)
    except FAULTS as error:
        return f"{type(error).__name__}: {error}"
    return None


def _repeated(arrays: Mapping[str, np.ndarray], frames: int) -> dict[str, np.ndarray]:
    return {name: values[np.arange(frames) % len(values)] for name, values in arrays.items()}


def cocotb(cases: Sequence[Case], folder: Path) -> list[str | None]:
    """The bench that a user gets, in Icarus: every beat of every stream, stalled and not, and the cycles."""
    return [_cocotb(case, folder / str(index)) for index, case in enumerate(cases)]


def _cocotb(case: Case, folder: Path) -> str | None:
    design = design_of(case.graph, case.schedule)
    bench = bench_files(case.graph, design.as_json(), design.interface(), case.inputs)
    for name, content in {**print_design(design), **bench}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    bench = folder / "bench"
    process = subprocess.run(
        [sys.executable, "run.py"], cwd=bench, capture_output=True, text=True, timeout=TIMEOUT, check=False
    )
    outcome = bench / "build" / "outcome.json"
    if not outcome.is_file():
        return f"the bench ended with code {process.returncode} and without an outcome: {process.stderr.strip()[-200:]}"
    found = json.loads(outcome.read_text(encoding="utf-8"))
    return None if found["status"] == 0 and process.returncode == 0 else str(found["message"])


def hls(cases: Sequence[Case], folder: Path) -> list[str | None]:
    """HLS C++ of the scheduled folds, all cases in one library, with every proved width checked: the outputs."""
    graphs = [case.graph for case in cases]
    networks = [describe(case.graph, scheduled(case.schedule), f"network_{i}") for i, case in enumerate(cases)]
    library = compile_networks(networks, graphs, folder, options=("-O0", "-DFPGAQ_CHECKS"), timeout=TIMEOUT)
    return [_call(library, index, case) for index, case in enumerate(cases)]


def _call(library: Library, index: int, case: Case) -> str | None:
    try:
        return first_difference(case, library.run(case.inputs, index))
    except FAULTS as error:
        return f"{type(error).__name__}: {error}"


WAYS: dict[str, Way] = {
    "interpreter": interpreter,
    "icarus": icarus,
    "verilator": verilator,
    "cocotb": cocotb,
    "hls": hls,
}
SAMPLED = frozenset({"cocotb"})
"""Ways that take seconds for a case: a run of the fuzz tries a sample in them."""
