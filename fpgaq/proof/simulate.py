"""Run the bench of an output folder in a simulator, in a temporary copy: the folder gets nothing but the record."""

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
from dataclasses import asdict, dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..base.child import Limits, run_tool
from ..base.choices import SIMULATORS
from ..base.errors import ModelError, ToolError, UsageError, VerificationError
from ..base.progress import Step
from ..base.results import Result
from ..base.tools import find_tool, require
from ..base.version import __version__
from ..hardware.lowering.wide import from_shape
from ..integer.graph import IntegerArray, IntegerGraph
from ..integer.inputs import transform_data
from .bench import bench_files
from .bus_bench import Loaded, WrapperResult, simulate_wrapper
from .chosen import Exercise
from .folder import check_digests, check_wrapper, read_bench, read_interface, read_manifest
from .harness import STALLED_FRAMES, run_harness
from .vectors import RANDOM_FRAMES, golden_vectors, limit_frames
from .verification import Run, manifest_digest, record_run

COMPILED_TIMEOUT = 3600.0
"""Seconds for each step with a compiled network."""

SLOWEST_SIMULATION = 150
"""Cycles a second below which a simulation is taken to hang."""
SIMULATION_LOG = "simulation.log"
"""The log that tells of each test."""
LOGS = ("*.log", "fpgaq-*/*.log")
LOG_BYTES = 1 << 20
"""The end of a log in which the number of the running test is looked for."""
"""Files that cocotb's runner and the simulator write, below the folder of the bench."""


@dataclass(frozen=True, repr=False)
class SimulationResult(Result):
    """The measurements of a simulation that passed.

    Parameters
    ----------
    frames : int
        Frames of the unstalled run; every beat of them was compared.
    mismatches : int
        Beats that differ; 0, since a mismatch raises VerificationError.
    interval_cycles : int or None
        Cycles between the last beats of successive frames; None if it neither settled nor was predicted.
    latency_cycles : int
        First input beat to last output beat of frame 0.
    seconds : float
        Wall time, compilation included.
    message : str
        The result in one line.
    exercise : Exercise or None
        How many words of the memories the frames exercise; None where the streams between the layers were not
        compared, or a folder's bench does not tell.
    """

    frames: int
    mismatches: int
    interval_cycles: int | None
    latency_cycles: int
    seconds: float
    message: str
    exercise: Exercise | None = None
    wrapper: WrapperResult | None = None

    def headline(self) -> str:
        """The verdict and the measured cycles, in one line."""
        interval = "-" if self.interval_cycles is None else f"{self.interval_cycles:,}"
        return f"{self.message}; a frame every {interval} cycles, latency {self.latency_cycles:,} cycles"

    def records(self) -> list[dict[str, Any]]:
        """One row of what was measured."""
        return [
            {
                "frames": self.frames,
                "mismatches": self.mismatches,
                "interval_cycles": self.interval_cycles,
                "latency_cycles": self.latency_cycles,
                "seconds": self.seconds,
            }
        ]


def simulate(
    directory: str | Path,
    frames: int | None = None,
    data: Mapping[str, ArrayLike] | None = None,
    simulator: str = "icarus",
    timeout: float | None = None,
    thorough: bool = False,
    progress: Callable[[str], None] = lambda stage: None,
    loaded: Loaded | None = None,
) -> SimulationResult:
    """Simulate the network of an output folder against its golden vectors.

    Parameters
    ----------
    directory : str or Path
        An output folder of `fpgaq generate`.
    frames : int, optional
        How many frames of the data are used; extreme and random ones come on top. Where the data hold fewer,
        random ones make up for it. By default all frames of the folder's own vectors, or of `data`.
    data : mapping of str to array, optional
        User data, (frames, *model shape) for each input; the folder's own golden vectors if None.
    simulator : {"icarus", "verilator"}
    timeout : float, optional
        Seconds after which the simulator is taken to hang; by default many times what the predicted cycles need.
    thorough : bool
        Choose as many frames as are needed to exercise every word of the memories that can be.
    progress : callable
        Called with what is being done, and how many tests are done.
    loaded : Loaded, optional
        Where the folder's core loads its weights: those of a network other than the folder's.

    Raises
    ------
    VerificationError
        The simulation and the golden vectors differ; the message names the first divergent layer. Or a file of the
        folder is not as it was generated.
    ToolError
        A simulator that is missing, too old, crashed, hung or flooded its output.
    ModelError
        A folder that is not a complete output.
    """
    directory = Path(directory)
    if simulator not in SIMULATORS:
        raise UsageError(f"--simulator {simulator}: {' and '.join(SIMULATORS)} are known")
    manifest = read_manifest(directory)
    check_digests(directory, manifest)
    _check_network(directory, manifest)
    digest, compiled = manifest_digest(directory), simulator == "verilator"
    inside = "" if compiled or "image" in manifest else " and between layers"
    record = partial(_record, directory, digest, simulator, f"every beat at the ports{inside}")
    try:
        if "image" in manifest:
            progress("loading the weights, simulating the wrapper")
            result = _simulate_loaded(directory, manifest, frames, data, compiled, loaded)
        elif compiled:
            result = _simulate_compiled(directory, manifest, frames, data, timeout, thorough, progress)
        else:
            result = _simulate_cocotb(directory, manifest, frames, data, simulator, timeout, thorough, progress)
        if "wrapper" in manifest and "image" not in manifest:
            progress("simulating the wrapper")
            result = replace(result, wrapper=_simulate_wrapper(directory, manifest, frames, data, compiled))
    except VerificationError as error:
        record(str(error), None)
        raise
    record(result.message, result)
    return result


def _record(
    directory: Path, digest: str, simulator: str, compared: str, message: str, result: SimulationResult | None
) -> None:
    """Keep in the folder how a simulation ended: with a result, or with a difference."""
    tool = find_tool({"icarus": "iverilog"}.get(simulator, simulator))
    run = Run(
        simulator=simulator,
        version=tool.version or "unknown",
        manifest=digest,
        fpgaq=__version__,
        outcome="different" if result is None else "equal",
        message=message,
        compared=compared,
        frames=0 if result is None else result.frames,
        mismatches=None if result is None else result.mismatches,
        interval_cycles=None if result is None else result.interval_cycles,
        latency_cycles=None if result is None else result.latency_cycles,
        exercise=None if result is None or result.exercise is None else asdict(result.exercise),
        wrapper=result is not None and result.wrapper is not None,
    )
    record_run(directory, run)


def _simulate_loaded(
    directory: Path,
    manifest: Mapping[str, Any],
    frames: int | None,
    data: Mapping[str, ArrayLike] | None,
    compiled: bool,
    loaded: Loaded | None,
) -> SimulationResult:
    """A core without weights runs in its wrapper only, once these are loaded."""
    started = time.monotonic()
    if loaded is not None and data is None:
        data_frames = loaded.network.samples
        wrapper = _simulate_wrapper(directory, manifest, frames, None, compiled, loaded, data_frames)
    else:
        wrapper = _simulate_wrapper(directory, manifest, frames, data, compiled, loaded)
    message = f"weights loaded through the wrapper; every byte of {wrapper.frames} frames is equal, with stalls too"
    seconds = time.monotonic() - started
    return SimulationResult(
        wrapper.frames, 0, wrapper.interval_cycles, wrapper.latency_cycles, seconds, message, wrapper=wrapper
    )


def _simulate_wrapper(
    directory: Path,
    manifest: Mapping[str, Any],
    frames: int | None,
    data: Mapping[str, ArrayLike] | None,
    compiled: bool,
    loaded: Loaded | None = None,
    stored: Mapping[str, IntegerArray] | None = None,
) -> WrapperResult:
    """The frames of the data through the wrapper; `stored` are integers instead of those of the folder."""
    graph, lowered = (loaded.network, loaded.lowered) if loaded is not None else _load_networks(directory)
    image = loaded.image if loaded is not None else None
    interface = read_interface(directory)
    check_wrapper(directory, manifest, interface)
    if stored is None:
        stored = transform_data(graph, data) if data is not None else _stored_frames(graph, directory)
    inputs = limit_frames(stored, frames)
    return simulate_wrapper(directory, manifest, interface, lowered, inputs, compiled, COMPILED_TIMEOUT, image)


def _simulate_cocotb(
    directory: Path,
    manifest: Mapping[str, Any],
    frames: int | None,
    data: Mapping[str, ArrayLike] | None,
    simulator: str,
    timeout: float | None,
    thorough: bool,
    progress: Callable[[str], None],
) -> SimulationResult:
    """The folder's own bench, in a copy."""
    require("cocotb", "iverilog")
    with tempfile.TemporaryDirectory(prefix="fpgaq-simulate-") as temporary:
        copy = Path(temporary)
        _copy_output(directory, manifest, copy)
        if frames is not None or data is not None or thorough:
            _replace_bench(directory, manifest, copy, frames, data, thorough)
        description = read_bench(copy)
        if timeout is None:
            timeout = _default_timeout(manifest["prediction"], len(description["frames"]), simulator)
        started = time.monotonic()
        # Its temporary folder is in ours, so that its logs are watched and nothing of it outlives us.
        command = [sys.executable, "run.py", "--simulator", simulator]
        limits = Limits(timeout, logs=LOGS, remedy="--frames takes fewer")
        environment = {"TMPDIR": str(copy / "bench")}
        count = len(description["frames"])
        watch = partial(_tell_tests, copy / "bench", f"simulating {count} frames with {simulator}", progress)
        run_tool(f"the simulation with {simulator}", command, copy / "bench", limits, environment, watch=watch)
        return _read_outcome(copy / "bench" / "build", time.monotonic() - started)


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


def _simulate_compiled(
    directory: Path,
    manifest: Mapping[str, Any],
    frames: int | None,
    data: Mapping[str, ArrayLike] | None,
    timeout: float | None,
    thorough: bool,
    progress: Callable[[str], None],
) -> SimulationResult:
    """All frames of the data through the network compiled to C++; only its ports are compared."""
    graph, lowered = _load_networks(directory)
    interface = read_interface(directory)
    stored = transform_data(graph, data) if data is not None else _stored_frames(graph, directory)
    count = frames if frames is not None else len(next(iter(stored.values())))
    vectors = golden_vectors(graph, limit_frames(stored, count), RANDOM_FRAMES, lowered, thorough)
    inputs = {name: vectors.tensors[name] for name in graph.inputs}
    progress(f"compiling the network, then {len(next(iter(inputs.values()))):,} frames")
    total, interval, latency, seconds = run_harness(
        directory, manifest, interface, lowered, inputs, timeout or COMPILED_TIMEOUT
    )
    return SimulationResult(
        frames=total,
        mismatches=0,
        interval_cycles=interval,
        latency_cycles=latency,
        seconds=seconds,
        message=f"every output beat of {total} frames is equal, and of {min(total, STALLED_FRAMES)} with stalls",
    )


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
    graph, lowered = _load_networks(directory)
    inputs = transform_data(graph, data) if data is not None else _stored_frames(graph, copy)
    inputs = limit_frames(inputs, frames)
    present = len(next(iter(inputs.values())))
    random_frames = RANDOM_FRAMES + max((frames or 0) - present, 0)
    shutil.rmtree(copy / "bench")
    interface = read_interface(directory)
    for name, content in bench_files(graph, manifest, interface, inputs, random_frames, lowered, thorough).items():
        target = copy / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))


def _load_networks(directory: Path) -> tuple[IntegerGraph, IntegerGraph]:
    """The network of a folder, and the form of it that was built."""
    from ..integer.file import load

    network, lowered = load(directory / "network.fpgaq"), directory / "lowered.fpgaq"
    return network, load(lowered) if lowered.is_file() else network


def _check_network(directory: Path, manifest: Mapping[str, Any]) -> None:
    """In a folder without digests of all files, hold the network against its own digest."""
    from ..integer.file import digest

    if "digests" not in manifest and digest(_load_networks(directory)[1]) != manifest.get("digest"):
        raise VerificationError(
            f"{directory / 'network.fpgaq'}: is not the network that manifest.json names; generate the folder anew"
        )


def _stored_frames(graph: IntegerGraph, copy: Path) -> dict[str, IntegerArray]:
    """The data frames among the bench's own golden vectors."""
    description = read_bench(copy)
    chosen = [index for index, label in enumerate(description["frames"]) if label.startswith("data ")]
    inputs = {}
    for stream in description["streams"]:
        if stream["kind"] == "input":
            path = copy / "bench" / stream["vectors"]
            try:
                kept = np.load(path, allow_pickle=False)[chosen].astype(np.int64)
                inputs[stream["tensor"]] = from_shape(kept, graph.tensors[stream["tensor"]].shape)
            except (OSError, ValueError, EOFError, IndexError) as error:
                reason = " ".join(str(error).split())
                raise ModelError(f"{path}: no golden vectors ({reason}); generate the folder anew") from None
    if set(inputs) != set(graph.inputs):
        raise ModelError(f"bench.json feeds {sorted(inputs)}, the network has {sorted(graph.inputs)}")
    return inputs


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
