"""Who works and who waits, and for what, while a steady frame passes: read off the events of the beat model."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .beats import MAXIMUM_FRAMES, BeatModel, BeatNetwork
from .pipe_processes import PipeProcess
from .plans import WindowPlan
from .window_processes import WindowProcess

PARTS = 64
"""Equal parts of a frame for which busy cycles are told apart."""

EXTRA_FRAMES = 2
"""Frames that follow those which the first layers have begun when the interval ends."""


@dataclass(frozen=True)
class LayerTime:
    """One layer during one frame interval.

    Parameters
    ----------
    layer : str
    kind : {"window", "pipe"}
        A window layer is busy while the steps of a group run; a pipe in the cycles in which a result leaves it.
    busy : tuple of float
        The busy share of each part of the interval, from 0 to 1.
    busy_cycles : int
    input_cycles, room_cycles, turn_cycles : int or None
        Cycles in which a window layer could start nothing: since words that it needs had not come, since the results
        had no room, or since another layer of its engine had its turn. None for a pipe.
    sources, readers : tuple of str
        Who writes what it reads ("input" for the network's), and who reads what it writes ("output").
    """

    layer: str
    kind: str
    busy: tuple[float, ...]
    busy_cycles: int
    input_cycles: int | None
    room_cycles: int | None
    turn_cycles: int | None
    sources: tuple[str, ...]
    readers: tuple[str, ...]


@dataclass(frozen=True)
class Timeline:
    """All layers between the last output beats of two successive frames; `cycles` is that interval."""

    cycles: int
    frame: int
    layers: tuple[LayerTime, ...]


def follow_frame(network: BeatNetwork, frames: int) -> Timeline:
    """Follow one frame of a network whose interval is steady after so many frames.

    Parameters
    ----------
    network : BeatNetwork
        One that does not deadlock.
    frames : int
        `Prediction.frames`.
    """
    model = BeatModel(network)
    for _ in range(frames):
        model.add_frame()
    ends = model.frame_ends()
    interval = ends[-1] - ends[-2]
    # The first layers are frames ahead: they are steady in this interval only if frames go on coming.
    for _ in range(math.ceil((ends[0] - model.first_input) / interval) + EXTRA_FRAMES):
        model.add_frame()
    last = frames - 1
    while last < MAXIMUM_FRAMES and not _is_steady(network, model, last):
        # Memories still fill.
        model.add_frame()
        last += 1
    before, end = model.frame_ends()[last - 1 : last + 1]
    ways = _ways(network)
    layers = [
        _layer(plan.operator, process, (before, end), *ways[place])
        for place, (plan, process) in enumerate(zip(network.plans, model.layers, strict=True))
    ]
    return Timeline(end - before, last, tuple(layers))


def _is_steady(network: BeatNetwork, model: BeatModel, last: int) -> bool:
    """Whether every layer does the work of one frame between the ends of this frame and of the one before."""
    before, end = model.frame_ends()[last - 1 : last + 1]
    for plan, process in zip(network.plans, model.layers, strict=True):
        if isinstance(plan, WindowPlan) and isinstance(process, WindowProcess):
            rows, columns, _ = plan.output_image
            starts = process.conditions()[0]
            if np.searchsorted(starts, end) - np.searchsorted(starts, before) != rows * columns * plan.groups:
                return False
    return True


def _ways(network: BeatNetwork) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    """For each plan who writes what it reads, and who reads what it writes."""
    names = [plan.operator for plan in network.plans]
    writers = dict(zip(network.outputs_of, names, strict=True))
    sources: list[dict[str, None]] = [{} for _ in names]
    readers: dict[str, dict[str, None]] = {name: {} for name in names}
    for edge in network.edges:
        writer = writers.get(edge.tensor)
        if edge.reader is not None:
            sources[edge.reader][writer or "input"] = None
        if writer is not None:
            readers[writer]["output" if edge.reader is None else names[edge.reader]] = None
    return [(tuple(own), tuple(readers[name])) for own, name in zip(sources, names, strict=True)]


def _layer(
    name: str,
    process: WindowProcess | PipeProcess,
    span: tuple[int, int],
    sources: tuple[str, ...],
    readers: tuple[str, ...],
) -> LayerTime:
    if isinstance(process, PipeProcess):
        busy, cycles = _busy(np.array(process.left, dtype=np.int64), 1, span)
        return LayerTime(name, "pipe", busy, cycles, None, None, None, sources, readers)
    starts, words, room = process.conditions()
    busy, cycles = _busy(starts + 1, process.steps, span)
    # From the end of the group before, or the start of the interval, to this group's start nothing of it runs.
    idle_from = np.concatenate([[0], starts[:-1] + process.steps])
    waits = [(words, room), (room, words)]
    by_input, by_room = (_waited(idle_from, starts, own, other, span) for own, other in waits)
    idle = span[1] - span[0] - cycles
    # A layer that has an engine alone waits for nothing else; what is left then is the end of its last group.
    by_turn = idle - by_input - by_room if process.engine is not None else 0
    return LayerTime(name, "window", busy, cycles, by_input, by_room, max(0, by_turn), sources, readers)


def _busy(first: NDArray[np.int64], length: int, span: tuple[int, int]) -> tuple[tuple[float, ...], int]:
    """The busy share of each part of a span, and busy cycles, of intervals of one length that do not overlap."""
    begin, end = span
    borders = begin + (end - begin) * np.arange(PARTS + 1) / PARTS
    # Busy cycles up to each border: those of all intervals that began, cut off at it.
    before = np.searchsorted(first, borders)
    whole = np.maximum(before - 1, 0) * length
    last = np.where(before > 0, np.clip(borders - first[np.maximum(before - 1, 0)], 0, length), 0) if len(first) else 0
    until = np.asarray(whole + last, dtype=np.float64)
    shares = np.diff(until) / np.diff(borders)
    return tuple(round(float(share), 4) for share in shares), round(float(until[-1] - until[0]))


def _waited(
    idle_from: NDArray[np.int64],
    starts: NDArray[np.int64],
    own: NDArray[np.int64],
    other: NDArray[np.int64],
    span: tuple[int, int],
) -> int:
    """Cycles of a span in which groups waited for one condition, the later of two; the first wins a tie."""
    begin = np.clip(idle_from, *span)
    until = np.clip(np.minimum(own, starts), *span)
    return int(np.maximum(until - begin, 0)[own > other].sum())
