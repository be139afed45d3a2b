"""Frames of the compiled simulation in parts, on the processes of this machine or on a Dask cluster.

Each part is a run of its own from reset, with its own stalled frames, so that parts need nothing of each other. A
worker may be another machine: it gets the core's files, and compiles them.
"""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ..base.errors import UsageError
from ..base.parallel import completed, usable_processors
from ..base.progress import Step
from ..integer.graph import IntegerArray, IntegerGraph
from .harness import run_harness

PART_FRAMES = 2000
"""Frames of a part on a cluster: about as long as it takes to compile the core."""


@dataclass(frozen=True)
class Workers:
    """Where the compiled simulation runs.

    Parameters
    ----------
    jobs : int or None
        Processes on this machine, each with a part of the frames; None takes one per processor.
    dask : str, optional
        Address of a Dask scheduler, such as ``tcp://host:8786``, whose workers have fpgaq and a simulator installed;
        `jobs` is then left aside.
    """

    jobs: int | None = 1
    dask: str | None = None

    def __post_init__(self) -> None:
        if self.jobs is not None and self.jobs < 1:
            raise UsageError(f"{self.jobs} jobs were asked for; at least 1 is needed")

    @property
    def several(self) -> bool:
        """Whether frames are divided at all."""
        return self.dask is not None or self.jobs != 1

    def parts(self, frames: int) -> int:
        """Parts of so many frames: one for each process, or of `PART_FRAMES` each on a cluster."""
        wanted = math.ceil(frames / PART_FRAMES) if self.dask is not None else self.jobs or usable_processors()
        return max(1, min(wanted, frames))


ALONE = Workers()
"""One run in this process."""


@dataclass(frozen=True, eq=False)
class _Core:
    """What a worker needs of an output folder."""

    files: Mapping[str, bytes]
    manifest: Mapping[str, Any]
    interface: Mapping[str, Any]
    graph: IntegerGraph


@dataclass(frozen=True, eq=False)
class _Part:
    """Successive frames, of which the first is number `first` of all."""

    first: int
    inputs: Mapping[str, IntegerArray]


def run_spread(
    directory: Path,
    manifest: Mapping[str, Any],
    interface: Mapping[str, Any],
    graph: IntegerGraph,
    inputs: Mapping[str, IntegerArray],
    timeout: float,
    workers: Workers,
    progress: Callable[[str], None],
) -> tuple[int, int | None, int, float]:
    """Do what `run_harness` does, in parts; arguments, result and errors are its own.

    A `VerificationError` names the frame by its number among all.
    """
    started = time.monotonic()
    frames = len(next(iter(inputs.values())))
    count = workers.parts(frames)
    bounds = [frames * index // count for index in range(count + 1)]
    tasks = [
        _Part(first, {name: values[first:end] for name, values in inputs.items()})
        for first, end in zip(bounds, bounds[1:], strict=False)
    ]
    names = (*manifest["files"], *manifest["memory_files"])
    core = _Core({name: (directory / name).read_bytes() for name in names}, manifest, interface, graph)
    cycles: list[tuple[int | None, int]] = []
    stage = f"simulating {frames:,} frames"
    progress(Step(stage, 0, count, " parts done"))
    for _, result in completed(partial(_run_part, core, timeout), tasks, jobs=workers.jobs, dask=workers.dask):
        cycles.append(result)
        progress(Step(stage, len(cycles), count, " parts done"))
    # Each part was held against the same prediction; one of a frame or two shows no interval.
    interval = next((interval for interval, _ in cycles if interval is not None), None)
    return frames, interval, cycles[0][1], time.monotonic() - started


def _run_part(core: _Core, timeout: float, part: _Part) -> tuple[int | None, int]:
    """Compile and run one part; return interval and latency."""
    with tempfile.TemporaryDirectory(prefix="fpgaq-part-") as temporary:
        folder = Path(temporary)
        for name, content in core.files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
        _, interval, latency, _ = run_harness(
            folder, core.manifest, core.interface, core.graph, part.inputs, timeout, part.first
        )
        return interval, latency


__all__ = ["ALONE", "Workers", "run_spread"]
