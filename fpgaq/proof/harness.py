"""Thousands of frames: the network compiled to C++ by Verilator, every beat of its outputs compared by equality.

Much faster than the cocotb bench and shallower: only the ports are looked at.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..base.child import Limits, last_line, run_tool
from ..base.errors import ToolError, VerificationError
from ..base.output import write_file
from ..hardware.lowering.wide import carried_shape, in_shape
from ..integer.graph import IntegerArray, IntegerGraph
from ..integer.reference import run
from .harness_build import ACTIVITY_FILE, FlatDesign, compile_designs, lay_flat

STALLED_FRAMES = 16
"""Frames of the second run, with gaps and stalls."""

STALL_SEED = 20261


def run_harness(
    directory: Path,
    manifest: Mapping[str, Any],
    interface: Mapping[str, Any],
    graph: IntegerGraph,
    inputs: Mapping[str, IntegerArray],
    timeout: float,
    first: int = 0,
    saif: Path | None = None,
) -> tuple[int, int | None, int, float]:
    """Compile and run; compare all outputs, and the cycles with those predicted.

    Parameters
    ----------
    directory : Path
        A folder that `fpgaq generate` wrote.
    manifest, interface : mapping
        The contents of its JSON files.
    graph : IntegerGraph
    inputs : mapping of str to array of int64
        (frames, height, width, channels) for each input.
    timeout : float
        Seconds for each run of a tool.
    first : int
        The number that messages give the first frame.
    saif : Path, optional
        Where to write how often each net toggled in the run at full speed.

    Returns
    -------
    tuple of (int, int or None, int, float)
        Frames, interval, latency, seconds.

    Raises
    ------
    VerificationError
        A beat or a cycle count that differs.
    ToolError
        Verilator or a C++ compiler is missing or fails.
    """
    started = time.monotonic()
    golden = run(graph, inputs)
    with tempfile.TemporaryDirectory(prefix="fpgaq-harness-") as temporary:
        files = {name: (directory / name).read_bytes() for name in (*manifest["files"], *manifest["memory_files"])}
        design = lay_flat(files, manifest, interface, Path(temporary) / "design")
        program = compile_designs([design], Path(temporary) / "build", timeout, toggles=saif is not None)
        frames = len(next(iter(inputs.values())))
        latency, ends = drive(program, 0, design, inputs, golden, frames, 0, timeout, first)
        if saif is not None:
            write_file(saif, (design.folder / ACTIVITY_FILE).read_bytes())
        drive(program, 0, design, inputs, golden, min(frames, STALLED_FRAMES), STALL_SEED, timeout, first)
    interval = check_cycles(manifest["prediction"], latency, ends)
    return frames, interval, latency, time.monotonic() - started


def check_cycles(predicted: Mapping[str, Any], latency: int, ends: Sequence[int]) -> int | None:
    """Hold latency and interval of an unstalled run against the prediction; return the interval if it settled."""
    interval = _settled([late - early for early, late in zip(ends, ends[1:], strict=False)])
    if latency != predicted["latency_cycles"]:
        raise VerificationError(f"latency is {latency} cycles, predicted {predicted['latency_cycles']}")
    if interval is not None and predicted["interval_cycles"] is not None and interval != predicted["interval_cycles"]:
        raise VerificationError(f"interval is {interval} cycles, predicted {predicted['interval_cycles']}")
    return interval


def drive(
    program: Path,
    index: int,
    design: FlatDesign,
    inputs: Mapping[str, IntegerArray],
    golden: Mapping[str, IntegerArray],
    frames: int,
    stall_seed: int,
    timeout: float,
    first: int = 0,
) -> tuple[int, list[int]]:
    """Run one design of a compiled program and compare its outputs; return latency and the end of every frame.

    `stall_seed` 0 runs at full speed; the first `frames` frames of `inputs` are used, and messages count them
    from `first`. Raises as `run_harness` does.
    """
    folder, interface = design.folder, design.interface
    for port in interface["inputs"]:
        (folder / f"{port['port']}.bin").write_bytes(pack_beats(inputs[port["tensor"]][:frames], port).tobytes())
    predicted = design.manifest["prediction"]
    idle_limit = 8 * (predicted["latency_cycles"] + (predicted["interval_cycles"] or 0)) + 1000
    # Before the first beat an image of weights may be loaded.
    idle_limit += design.manifest.get("quiet_cycles", 0)
    command = [str(program), str(index), str(frames), str(stall_seed), str(idle_limit)]
    finished = run_tool("the compiled simulation", command, folder, Limits(timeout, remedy="--frames takes fewer"))
    manner = "with gaps and stalls" if stall_seed else "at full speed"
    words = {line.split()[0]: line.split()[1:] for line in finished.output.splitlines() if line.split()}
    if finished.code == 4:
        raise VerificationError(f"{manner}: {finished.output.strip().splitlines()[0]}")
    if finished.code or "latency" not in words:
        said = last_line(finished.output)[:200] or "it printed nothing"
        raise ToolError(f"the compiled simulation ended with code {finished.code}: {said}")
    for port in interface["outputs"]:
        expected = pack_beats(golden[port["tensor"]][:frames], port)
        found = np.fromfile(folder / f"{port['port']}.bin", dtype=np.uint8).reshape(-1, port["tdata_bits"] // 8)
        _compare(port, expected, found, manner, first)
    return int(words["latency"][0]), [int(end) for end in words["ends"]]


def _compare(
    port: Mapping[str, Any], expected: NDArray[np.uint8], found: NDArray[np.uint8], manner: str, first: int
) -> None:
    if found.shape == expected.shape and (found == expected).all():
        return
    if found.shape != expected.shape:
        raise VerificationError(f"{manner}: {port['port']} gave {len(found)} beats, expected {len(expected)}")
    beat = int(np.argmax((found != expected).any(axis=1)))
    frame, place = divmod(beat, port["beats_per_frame"])
    raise VerificationError(
        f"{manner}: {port['port']}: frame {first + frame}, beat {place}: expected {bytes(expected[beat]).hex()},"
        f" found {bytes(found[beat]).hex()} (bytes, lowest first)"
    )


def pack_beats(values: IntegerArray, port: Mapping[str, Any]) -> NDArray[np.uint8]:
    """Integers (frames, height, width, channels) as beats of a port: (beats, bytes of tdata)."""
    values = in_shape(values, carried_shape(port))
    frames, height, width, channels = values.shape
    lanes, slot = port["lanes"], port["slot_bits"] // 8
    beats = -(-channels // lanes)
    padded = np.zeros((frames, height, width, beats * lanes), dtype="<i8")
    padded[..., :channels] = values
    octets = padded.view(np.uint8).reshape(-1, lanes, 8)[:, :, :slot]
    return np.ascontiguousarray(octets).reshape(-1, lanes * slot)


def _settled(intervals: list[int]) -> int | None:
    for first, second in zip(intervals, intervals[1:], strict=False):
        if first == second:
            return first
    return None


__all__ = ["check_cycles", "drive", "pack_beats", "run_harness"]
