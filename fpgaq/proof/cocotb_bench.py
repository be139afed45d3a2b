"""The folder's own bench, run by cocotb in a temporary copy: every stream between the layers is compared."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from typing import Any

from numpy.typing import ArrayLike

from ..base.child import Limits, run_tool
from ..base.errors import ToolError, VerificationError
from ..base.progress import Step
from ..base.tools import require
from ..integer.inputs import transform_data
from .bench import bench_files
from .chosen import Exercise
from .folder import read_bench, read_interface
from .networks import load_networks, stored_frames
from .result import SimulationResult
from .vectors import RANDOM_FRAMES, limit_frames
from .waves import WAVES_FILE, keep_waves

SLOWEST_SIMULATION = 150
"""Cycles a second below which a simulation is taken to hang."""

SIMULATION_LOG = "simulation.log"
"""The log that tells of each test."""

LOGS = ("*.log", "fpgaq-*/*.log")
"""Files that cocotb's runner and the simulator write, below the folder of the bench."""

LOG_BYTES = 1 << 20
"""The end of a log in which the number of the running test is looked for."""


def simulate_bench(
    directory: Path,
    manifest: Mapping[str, Any],
    frames: int | None,
    data: Mapping[str, ArrayLike] | None,
    simulator: str,
    timeout: float | None,
    thorough: bool,
    progress: Callable[[str], None],
    waves: str | Path | None,
) -> SimulationResult:
    """The folder's own bench, in a copy."""
    require("cocotb", "iverilog")
    with tempfile.TemporaryDirectory(prefix="fpgaq-simulate-") as temporary:
        copy = Path(temporary)
        _copy_output(directory, manifest, copy)
        # A bench that was written before knows no waves.
        if frames is not None or data is not None or thorough or waves is not None:
            _replace_bench(directory, manifest, copy, frames, data, thorough)
        description = read_bench(copy)
        if timeout is None:
            timeout = _default_timeout(manifest["prediction"], len(description["frames"]), simulator)
        started = time.monotonic()
        # Its temporary folder is in ours, so that its logs are watched and nothing of it outlives us.
        command = [sys.executable, "run.py", "--simulator", simulator, *(["--waves"] if waves is not None else [])]
        limits = Limits(timeout, logs=LOGS, remedy="--frames takes fewer")
        environment = {"TMPDIR": str(copy / "bench")}
        count = len(description["frames"])
        watch = partial(_tell_tests, copy / "bench", f"simulating {count} frames with {simulator}", progress)
        run_tool(f"the simulation with {simulator}", command, copy / "bench", limits, environment, watch=watch)
        build, seconds = copy / "bench" / "build", time.monotonic() - started
        written = (
            () if waves is None else keep_waves(build / WAVES_FILE, Path(waves), manifest, read_interface(directory))
        )
        return replace(_read_outcome(build, seconds), waves=written)


def _tell_tests(bench: Path, stage: str, progress: Callable[[str], None]) -> None:
    """Tell how many of the bench's tests are done, by the simulator's log."""
    text = ""
    for log in bench.glob(f"fpgaq-*/{SIMULATION_LOG}"):
        # Of a log that grows without an end no more than a piece may be read: that never ends either.
        with contextlib.suppress(OSError), log.open("rb") as stream:
            stream.seek(max(0, os.fstat(stream.fileno()).st_size - LOG_BYTES))
            text = stream.read(LOG_BYTES).decode("utf-8", errors="replace")
    running = re.findall(r"running \S+ \((\d+)/(\d+)\)", text)
    if running:
        number, tests = map(int, running[-1])
        progress(Step(stage, number - 1, tests, " tests done"))
    else:
        progress(f"{stage}: compiling")


def _copy_output(directory: Path, manifest: Mapping[str, Any], copy: Path) -> None:
    """Copy what the bench needs: only files with a digest, where the manifest has them. Others are not ours to run."""
    named = manifest.get("digests") or [
        *("manifest.json", *manifest["files"], *manifest["memory_files"]),
        *(path.relative_to(directory).as_posix() for path in _bench_of_old(directory)),
    ]
    for name in dict.fromkeys(("manifest.json", *named)):
        target = copy / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(directory / name, target)


def _bench_of_old(directory: Path) -> list[Path]:
    """The bench's files in a folder whose manifest has no digests of them."""
    made = ("build", "__pycache__", "user")
    return [
        path
        for path in sorted((directory / "bench").rglob("*"))
        if path.is_file() and not set(path.relative_to(directory).parts[1:-1]) & set(made)
    ]


def _replace_bench(
    directory: Path,
    manifest: Mapping[str, Any],
    copy: Path,
    frames: int | None,
    data: Mapping[str, ArrayLike] | None,
    thorough: bool,
) -> None:
    """Write the bench anew in the copy, for other frames than those it was generated with."""
    graph, lowered = load_networks(directory)
    inputs = transform_data(graph, data) if data is not None else stored_frames(graph, copy)
    inputs = limit_frames(inputs, frames)
    present = len(next(iter(inputs.values())))
    random_frames = RANDOM_FRAMES + max((frames or 0) - present, 0)
    shutil.rmtree(copy / "bench")
    interface = read_interface(directory)
    for name, content in bench_files(graph, manifest, interface, inputs, random_frames, lowered, thorough).items():
        target = copy / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))


def _default_timeout(prediction: Mapping[str, Any], frames: int, simulator: str) -> float:
    latency = int(prediction["latency_cycles"])
    interval = int(prediction["interval_cycles"] or 4 * latency)
    cycles = (3 * frames + 20) * interval + 20 * latency
    return (1200 if simulator == "verilator" else 300) + cycles / SLOWEST_SIMULATION


def _read_outcome(build: Path, seconds: float) -> SimulationResult:
    try:
        outcome = json.loads((build / "outcome.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise ToolError("the simulation ended without an outcome; run `make` in the bench folder to see why") from None
    if outcome["status"] == 1:
        raise VerificationError(outcome["message"])
    if outcome["status"] != 0:
        raise ToolError(outcome["message"])
    return SimulationResult(
        frames=outcome["frames"],
        mismatches=outcome["mismatches"],
        interval_cycles=outcome["interval_cycles"],
        latency_cycles=outcome["latency_cycles"],
        seconds=seconds,
        message=f"every beat of {outcome['frames']} frames is equal in {len(outcome['tests'])} tests",
        exercise=_read_exercise(outcome.get("exercise")),
    )


def _read_exercise(found: Any) -> Exercise | None:
    """The words that the frames of bench.json exercise; None in a folder of version 0.1.0."""
    names = {field.name for field in fields(Exercise)}
    if not isinstance(found, dict) or set(found) != names or not all(type(value) is int for value in found.values()):
        return None
    return Exercise(**found)
