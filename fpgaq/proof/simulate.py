"""Simulate an output folder in one of the ways, and keep in it how that ended; it gets nothing but the record."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

from numpy.typing import ArrayLike

from ..base.choices import SIMULATORS
from ..base.errors import UsageError, VerificationError
from ..base.tools import find_tool
from ..base.version import __version__
from ..integer.graph import IntegerArray
from ..integer.inputs import transform_data
from .activity import check_activity, read_activity
from .bus_bench import Loaded, WrapperResult, simulate_wrapper
from .cocotb_bench import simulate_bench
from .folder import check_digests, check_wrapper, read_interface, read_manifest
from .harness import STALLED_FRAMES, run_harness
from .networks import check_network, load_networks, stored_frames
from .result import SimulationResult
from .spread import ALONE, Workers, run_spread
from .vectors import RANDOM_FRAMES, golden_vectors, limit_frames
from .verification import Run, manifest_digest, record_run
from .waves import check_waves

COMPILED_TIMEOUT = 3600.0
"""Seconds for each step with a compiled network."""


def simulate(
    directory: str | Path,
    frames: int | None = None,
    data: Mapping[str, ArrayLike] | None = None,
    simulator: str = "icarus",
    timeout: float | None = None,
    thorough: bool = False,
    progress: Callable[[str], None] = lambda stage: None,
    loaded: Loaded | None = None,
    workers: Workers = ALONE,
    waves: str | Path | None = None,
    activity: str | Path | None = None,
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
    workers : Workers
        Where the frames of the compiled simulation are computed.
    waves : str or Path, optional
        A file for every signal of the core and its bench as FST, which needs Icarus; view files are written beside it.
        They are written where a beat differs too.
    activity : str or Path, optional
        A file for the toggles of every net of the core as SAIF, counted by Verilator at full speed.

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
    if workers.several and (simulator != "verilator" or "image" in manifest):
        reason = "a core that loads its weights runs as one" if "image" in manifest else "add --simulator verilator"
        raise UsageError(f"--jobs and --dask divide the frames of the compiled simulation; {reason}")
    if waves is not None:
        check_waves(waves, simulator, manifest)
    if activity is not None:
        check_activity(activity, simulator, manifest, workers.several)
    check_digests(directory, manifest)
    check_network(directory, manifest)
    digest, compiled = manifest_digest(directory), simulator == "verilator"
    inside = "" if compiled or "image" in manifest else " and between layers"
    record = partial(_record, directory, digest, simulator, f"every beat at the ports{inside}")
    try:
        if "image" in manifest:
            progress("loading the weights, simulating the wrapper")
            result = _simulate_loaded(directory, manifest, frames, data, compiled, loaded)
        elif compiled:
            result = _simulate_compiled(
                directory, manifest, frames, data, timeout, thorough, progress, workers, activity
            )
        else:
            result = simulate_bench(directory, manifest, frames, data, simulator, timeout, thorough, progress, waves)
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
    graph, lowered = (loaded.network, loaded.lowered) if loaded is not None else load_networks(directory)
    image = loaded.image if loaded is not None else None
    interface = read_interface(directory)
    check_wrapper(directory, manifest, interface)
    if stored is None:
        stored = transform_data(graph, data) if data is not None else stored_frames(graph, directory)
    inputs = limit_frames(stored, frames)
    return simulate_wrapper(directory, manifest, interface, lowered, inputs, compiled, COMPILED_TIMEOUT, image)


def _simulate_compiled(
    directory: Path,
    manifest: Mapping[str, Any],
    frames: int | None,
    data: Mapping[str, ArrayLike] | None,
    timeout: float | None,
    thorough: bool,
    progress: Callable[[str], None],
    workers: Workers,
    activity: str | Path | None,
) -> SimulationResult:
    """All frames of the data through the network compiled to C++; only its ports are compared."""
    graph, lowered = load_networks(directory)
    interface = read_interface(directory)
    stored = transform_data(graph, data) if data is not None else stored_frames(graph, directory)
    count = frames if frames is not None else len(next(iter(stored.values())))
    vectors = golden_vectors(graph, limit_frames(stored, count), RANDOM_FRAMES, lowered, thorough)
    inputs = {name: vectors.tensors[name] for name in graph.inputs}
    progress(f"compiling the network, then {len(next(iter(inputs.values()))):,} frames")
    core = (directory, manifest, interface, lowered, inputs, timeout or COMPILED_TIMEOUT)
    saif = None if activity is None else Path(activity)
    if workers.several:
        total, interval, latency, seconds = run_spread(*core, workers, progress)
    else:
        total, interval, latency, seconds = run_harness(*core, saif=saif)
    return SimulationResult(
        frames=total,
        mismatches=0,
        interval_cycles=interval,
        latency_cycles=latency,
        seconds=seconds,
        message=f"every output beat of {total} frames is equal, and of {min(total, STALLED_FRAMES)} with stalls",
        activity=None if saif is None else read_activity(saif, total),
    )


__all__ = ["SimulationResult", "simulate"]
