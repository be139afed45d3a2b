"""A fast differential check of a network's Verilog: plain Icarus with memory files in and a log out, no cocotb.

It is for trials of hundreds of networks; users run the bench of `fpgaq.proof.bench`.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..base.child import Limits, run_tool
from ..base.errors import ToolError
from ..hardware.emit.literals import pack
from ..hardware.emit.printer import print_design
from ..hardware.emit.render import render
from ..hardware.emit.verilog import RTL, design_of
from ..hardware.lowering.wide import carried_shape, in_shape, plain_form
from ..hardware.schedule.beats import BeatModel
from ..hardware.schedule.memories import describe
from ..hardware.schedule.plans import WindowPlan
from ..hardware.schedule.schedule import Schedule
from ..integer.graph import IntegerArray, IntegerGraph
from ..integer.reference import run

BENCH = "file_bench.v"
LOG = "beats.log"
IDLE_SLACK = 1000
"""Cycles without a beat on any stream, beyond the predicted latency, after which the network counts as stuck."""
DRAIN = 40
"""Cycles without a beat, beyond a group's longest, to wait for surplus beats once all frames are out."""
TIMEOUT_SECONDS = 600


@dataclass(frozen=True)
class FileBenchResult:
    """The outcome of a run.

    Parameters
    ----------
    mismatch : str or None
        The first divergence in one line; None if every beat (and, in an unstalled run, every cycle) is as expected.
    interval : int or None
        Cycles between the last beats of successive output frames, once two successive values agree.
    latency : int or None
        Cycles from the first beat in to the last beat out of the first frame.
    cycles : int
        Cycles simulated.
    """

    mismatch: str | None
    interval: int | None
    latency: int | None
    cycles: int


@dataclass
class _Log:
    """The bench's output: beats and their cycles of each stream, the output ports last."""

    beats: list[list[str]]
    cycles: list[list[int]]
    error: str | None = None
    unknown: int | None = None
    end: int = 0


@dataclass(frozen=True)
class _Pace:
    """Predicted latency and mean interval, and the cycles of a layer's longest group."""

    latency: int
    interval: float
    longest: int


def run_file_bench(
    graph: IntegerGraph,
    schedule: Schedule,
    inputs: Mapping[str, IntegerArray],
    *,
    stall_seed: int | None = None,
    workdir: Path,
    simulator: str = "iverilog",
    netlist: Callable[[Path, Sequence[str]], Sequence[str]] | None = None,
) -> FileBenchResult:
    """Emit a network into `workdir`, simulate it, and compare every beat of every stream with the reference.

    Parameters
    ----------
    graph : IntegerGraph
    schedule : Schedule
    inputs : mapping of str to array of int
        (frames, height, width, channels) of each input; played over again where the prediction needs more frames.
    stall_seed : int, optional
        Seed of random gaps and stalls, which only the data are held against; None for a run without any, in which
        latency, interval and the end of every frame must be those of the beat model.
    workdir : Path
        A folder for the emitted files, the bench and its log.
    simulator : str
        The Icarus compiler's name or path.
    netlist : callable, optional
        Called with the folder and the Verilog files in it. It writes a module of the same name and ports that is
        simulated in their place, and returns Icarus's arguments for it. Only the beats of the ports are compared, since
        such a module has no streams inside.

    Raises
    ------
    ToolError
        If the simulator is missing, refuses the Verilog or does not end.
    """
    prediction = schedule.prediction
    frames = len(inputs[graph.inputs[0]])
    if stall_seed is None and prediction.interval is not None:
        frames = max(frames, prediction.frames)
    design = design_of(graph, schedule)
    files, manifest, interface = print_design(design), design.as_json(), design.interface()
    golden = run(plain_form(graph), inputs, keep=True)
    stimuli = {
        f"{port['port']}.hex": pack_frames(
            in_shape(golden[port["tensor"]], carried_shape(port)), port["lanes"], port["slot_bits"]
        )
        for port in interface["inputs"]
    }
    if netlist is not None:
        manifest["streams"] = [_port_stream(port) for port in interface["inputs"]]
    groups = [plan.steps + plan.result_latency for plan in schedule.plans if isinstance(plan, WindowPlan)]
    pace = _Pace(prediction.latency, prediction.mean_interval, max([0, *groups]))
    bench = _render_bench(pace, manifest, interface, frames, stimuli, stall_seed, gates=netlist is not None)
    words = {name: "".join(f"{word}\n" for word in stimulus) for name, stimulus in stimuli.items()}
    _write(workdir, {**files, **words, BENCH: bench})
    sources = ["-g2005", "-Wall", *manifest["files"]] if netlist is None else netlist(workdir, manifest["files"])
    spoken = _simulate(workdir, sources, simulator)
    outputs = interface["outputs"]
    log = _read_log(workdir / LOG, len(manifest["streams"]) + len(outputs))
    ends, latency = _frame_ends(log, len(graph.inputs), [port["beats_per_frame"] for port in outputs])
    steps = [late - early for early, late in zip(ends, ends[1:], strict=False)]
    interval = next((one for one, two in zip(steps, steps[1:], strict=False) if one == two), None)
    mismatch = spoken or _find_mismatch(log, manifest["streams"], outputs, golden, frames)
    if mismatch is None and stall_seed is None:
        mismatch = _find_wrong_cycle(graph, schedule, ends, latency, interval)
    return FileBenchResult(mismatch, interval, latency, log.end)


def run_ports(
    workdir: Path,
    files: Mapping[str, bytes],
    manifest: Mapping[str, Any],
    interface: Mapping[str, Any],
    values: Mapping[str, IntegerArray],
    *,
    stall_seed: int | None,
    simulator: str = "iverilog",
) -> FileBenchResult:
    """Simulate a module of which only the ports are known, and compare their beats and the predicted cycles.

    Parameters
    ----------
    workdir : Path
    files : mapping of str to bytes
        Sources and memory files by path.
    manifest, interface : mapping
        ``top``, ``files``, ``prediction``; ``inputs``, ``outputs``: as in the files of these names.
    values : mapping of str to array of int
        (frames, height, width, channels) of the tensor of each port.
    stall_seed, simulator
        As for `run_file_bench`; ToolError as there.
    """
    prediction = manifest["prediction"]
    latency, interval = prediction["latency_cycles"], prediction["interval_cycles"]
    frames = len(next(iter(values.values())))
    if stall_seed is None and interval is not None:
        frames = max(frames, prediction["frames"])
    inputs, outputs = interface["inputs"], interface["outputs"]
    stimuli = {
        f"{port['port']}.hex": pack_frames(values[port["tensor"]], port["lanes"], port["slot_bits"]) for port in inputs
    }
    watched = {**manifest, "streams": [_port_stream(port) for port in inputs]}
    pace = _Pace(latency, interval or 4 * latency, latency)
    bench = _render_bench(pace, watched, interface, frames, stimuli, stall_seed, gates=False)
    words = {name: "".join(f"{word}\n" for word in stimulus) for name, stimulus in stimuli.items()}
    _write(workdir, {**files, **words, BENCH: bench})
    spoken = _simulate(workdir, ["-g2005", "-Wall", *manifest["files"]], simulator)
    log = _read_log(workdir / LOG, len(inputs) + len(outputs))
    ends, found = _frame_ends(log, len(inputs), [port["beats_per_frame"] for port in outputs])
    steps = [late - early for early, late in zip(ends, ends[1:], strict=False)]
    settled = next((one for one, two in zip(steps, steps[1:], strict=False) if one == two), None)
    mismatch = spoken or _find_mismatch(log, watched["streams"], outputs, values, frames)
    if mismatch is None and stall_seed is None:
        if found != latency:
            mismatch = f"latency: predicted {latency} cycles, simulated {found}"
        elif interval is not None and settled != interval:
            mismatch = f"interval: predicted {interval} cycles, simulated {settled}"
    return FileBenchResult(mismatch, settled, found, log.end)


def pack_frames(values: IntegerArray, lanes: int, slot: int) -> list[str]:
    """The beats of (frames, height, width, channels) as hexadecimal words, element 0 in the low bits."""
    digits = -(-lanes * slot // 4)
    channels = values.shape[3]
    pixels = values.reshape(-1, channels).tolist()
    return [
        f"{pack(pixel[first : first + lanes], slot):0{digits}x}"
        for pixel in pixels
        for first in range(0, channels, lanes)
    ]


def _port_stream(port: Mapping[str, Any]) -> dict[str, Any]:
    """An input port as a stream to be logged."""
    name = port["port"]
    signals = {"valid": f"{name}_tvalid", "ready": f"{name}_tready", "data": f"{name}_tdata"}
    return {**port, **signals, "layer": "input", "name": name, "width": port["slot_bits"]}


def _render_bench(
    pace: _Pace,
    manifest: Mapping[str, Any],
    interface: Mapping[str, Any],
    frames: int,
    stimuli: Mapping[str, Sequence[str]],
    stall_seed: int | None,
    gates: bool,
) -> str:
    chance = random.Random(stall_seed)
    gap, stall = (0, 0) if stall_seed is None else (chance.choice((0, 64, 128, 224)), chance.choice((64, 128, 224)))
    inputs, outputs = (
        [{**port, "total": frames * port["beats_per_frame"]} for port in interface[side]]
        for side in ("inputs", "outputs")
    )
    for port, (name, stimulus) in zip(inputs, stimuli.items(), strict=True):
        bits, words = port["tdata_bits"], -(-port["tdata_bits"] // 32)
        idle = f"{{{words}{{$random(seed)}}}}" if gates else f"{{{bits}{{1'bx}}}}"
        port.update(file=name, stored_beats=len(stimulus), idle=idle)
    for place, port in enumerate(outputs):
        port["monitor"] = len(manifest["streams"]) + place
    busy = pace.latency + frames * pace.interval + sum(port["total"] for port in inputs + outputs)
    facts = {
        "top": manifest["top"],
        "streams": manifest["streams"],
        "inputs": inputs,
        "outputs": outputs,
        "ports": inputs + outputs,
        "gap": gap,
        "stall": stall,
        "seed": chance.randrange(1 << 30) if stall_seed is not None else 1,
        "idle_limit": pace.latency + IDLE_SLACK + manifest.get("quiet_cycles", 0),
        "cycle_limit": int(20 * busy) + 20 * IDLE_SLACK + manifest.get("quiet_cycles", 0),
        "drain": DRAIN + pace.longest,
    }
    return render("bench/file_bench.v.j2", facts)


def _write(workdir: Path, files: Mapping[str, str | bytes]) -> None:
    for name, content in files.items():
        path = workdir / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))


def _simulate(workdir: Path, sources: Sequence[str], simulator: str) -> str | None:
    """Compile and run; return what the compiler warned of or the hardware complained of, None if nothing."""
    defines = ["-DFPGAQ_CHECKS", f'-DFPGAQ_ROM_DIR="{RTL}"']
    build = [simulator, *defines, "-s", "fpgaq_file_bench", "-o", "bench.vvp", BENCH, *sources]
    printed = _call(build, workdir)
    if printed:
        return f"{simulator} warns: {printed.splitlines()[0]}"
    printed = _call(["vvp", "-n", "bench.vvp"], workdir)
    return printed.splitlines()[0] if printed else None


def _call(command: Sequence[str], workdir: Path) -> str:
    """The output of the command, without the blanks around it; ToolError if it fails."""
    if shutil.which(command[0]) is None:
        raise ToolError(f"{command[0]}: not found; install the system's package iverilog")
    finished = run_tool(command[0], command, workdir, Limits(TIMEOUT_SECONDS), log=f"{command[0]}.log")
    text = finished.output.strip()
    if finished.code:
        raise ToolError(f"{command[0]}: ended with code {finished.code}: {text[:500]}")
    return text


def _read_log(path: Path, streams: int) -> _Log:
    log = _Log([[] for _ in range(streams)], [[] for _ in range(streams)])
    if not path.is_file():
        return log
    for line in path.read_text(encoding="ascii").splitlines():
        kind, cycle, *rest = line.split()
        if kind == "E":
            log.error = f"frame_error is {rest[0]} although all frames are well formed, at cycle {cycle}"
        elif kind == "X":
            log.unknown = int(cycle)
        elif kind == "F":
            log.end = int(cycle)
        else:
            log.beats[int(kind)].append(rest[0])
            log.cycles[int(kind)].append(int(cycle))
    return log


def _frame_ends(log: _Log, inputs: int, beats: Sequence[int]) -> tuple[list[int], int | None]:
    """When the last beat of each frame left by the last of the outputs, from the first beat in on, and the latency."""
    first = min((cycles[0] for cycles in log.cycles[:inputs] if cycles), default=None)
    if first is None:
        return [], None
    of_ports = zip(log.cycles[-len(beats) :], beats, strict=True)
    ports = [cycles[count - 1 :: count] for cycles, count in of_ports]
    ends = [max(together) - first for together in zip(*ports, strict=False)]
    return ends, ends[0] if ends else None


def _find_mismatch(
    log: _Log,
    streams: Sequence[Mapping[str, Any]],
    outputs: Sequence[Mapping[str, Any]],
    golden: Mapping[str, IntegerArray],
    frames: int,
) -> str | None:
    """The first stream, in topological order, that differs from the reference."""
    stuck: str | None = None
    for index, stream in enumerate((*streams, *outputs)):
        port = index >= len(streams)
        where = f"output {stream['port']}" if port else f"layer {stream['layer']!r} (stream {stream['name']})"
        values = in_shape(golden[stream["tensor"]], carried_shape(stream))
        expected = pack_frames(values, stream["lanes"], stream["slot_bits" if port else "width"])
        stored, beats = len(golden[stream["tensor"]]), len(expected) // len(golden[stream["tensor"]])
        if port:
            expected = [f"{int(place % beats == beats - 1)}{word}" for place, word in enumerate(expected)]
        whole = (expected * (-(-frames // stored)))[: frames * beats]
        found = log.beats[index]
        wrong = next((i for i, (one, two) in enumerate(zip(found, whole, strict=False)) if one != two), None)
        if wrong is not None:
            cycle = log.cycles[index][wrong]
            return f"{where}: {_place(stream, wrong, beats, whole[wrong], found[wrong], port)}, at cycle {cycle}"
        if len(found) > len(whole):
            return f"{where}: {len(found)} beats, {len(found) - len(whole)} more than {frames} frames hold"
        if len(found) < len(whole) and stuck is None:
            stuck = f"{where}: stuck or slow: {len(found)} of {len(whole)} beats after {log.end} cycles"
    if log.unknown is not None:
        return f"a valid or ready signal is unknown at cycle {log.unknown}"
    return stuck or log.error


def _place(stream: Mapping[str, Any], beat: int, beats: int, expected: str, found: str, port: bool) -> str:
    """Frame, pixel and channel of a beat that differs, in words."""
    frame, within = divmod(beat, beats)
    if port and expected[0] != found[0]:
        return f"frame {frame}, beat {within}: tlast: expected {expected[0]}, found {found[0]}"
    expected, found = expected[int(port) :], found[int(port) :]
    _, width, channels = carried_shape(stream)
    pixel, group = divmod(within, -(-channels // stream["lanes"]))
    row, column = divmod(pixel, width)
    place = f"frame {frame}, row {row}, column {column}"
    if any(digit not in "0123456789abcdef" for digit in found):
        return f"{place}, channels from {group * stream['lanes']}: expected {expected}, found {found}"
    slot = stream["slot_bits" if port else "width"]
    for lane in range(stream["lanes"]):
        wanted, got = ((int(word, 16) >> (lane * slot)) & ((1 << slot) - 1) for word in (expected, found))
        if wanted != got:
            if stream["signed"]:
                wanted, got = (value - ((value >> (slot - 1)) << slot) for value in (wanted, got))
            return f"{place}, channel {group * stream['lanes'] + lane}: expected {wanted}, found {got}"
    raise AssertionError("two equal beats were found unequal")


def _find_wrong_cycle(
    graph: IntegerGraph, schedule: Schedule, ends: Sequence[int], latency: int | None, interval: int | None
) -> str | None:
    """The first cycle of an unstalled run that is not as predicted."""
    prediction = schedule.prediction
    if latency != prediction.latency:
        return f"latency: predicted {prediction.latency} cycles, simulated {latency}"
    if prediction.interval is not None and interval != prediction.interval:
        return f"interval: predicted {prediction.interval} cycles, simulated {interval}"
    model = BeatModel(describe(graph, schedule.plans, schedule.edges, schedule.input_beats, schedule.engines))
    for _ in ends:
        model.add_frame()
    expected = [end - model.first_input for end in model.frame_ends()]
    if list(ends) != expected:
        frame = next(i for i, (one, two) in enumerate(zip(ends, expected, strict=True)) if one != two)
        return f"end of frame {frame}: predicted after {expected[frame]} cycles, simulated {ends[frame]}"
    return None
