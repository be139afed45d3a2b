"""The candidates: networks times bits times multipliers, and those of them that no other beats in everything."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ...base.errors import FitError, UsageError
from ...base.parallel import evaluate
from ...base.results import Result
from ...hardware.estimate import Knowledge, adapt, excess_of, known_error
from ...hardware.schedule import Target, plan_hardware
from ...hardware.synth.devices import find_device
from ...quantizer import quantize
from ...quantizer.refinement import refine
from ..search.measure import Quality, Workload, changed, judge

LEAST_BITS, MOST_BITS = 2, 16


@dataclass(frozen=True)
class Point:
    """One network with one width of weights and activations, on one budget of multipliers.

    Parameters
    ----------
    model : str
        Which of the networks.
    bits : int
        Bits of weights and activations.
    budget, multipliers : int
        The budget, and the part of it that is used.
    cycles : float
        Cycles between frames, predicted.
    lut, ff, dsp, bram : int
        Estimated for the device.
    quality : Quality
        Measured.
    fits : bool
        Whether the device holds it, the estimate's error allowed for; true where a family without a size was named.
    """

    model: str
    bits: int
    budget: int
    multipliers: int
    cycles: float
    lut: int
    ff: int
    dsp: int
    bram: int
    quality: Quality
    fits: bool

    @property
    def costs(self) -> tuple[float, ...]:
        """All figures where less is better, the lost accuracy last."""
        return (self.cycles, self.lut, self.bram, self.dsp, -self.accuracy)

    @property
    def accuracy(self) -> float:
        """Top-1 if there are labels, else agreement with the float network, else signal to noise in dB."""
        quality = self.quality
        if quality.top1 is not None:
            return quality.top1
        if quality.agreement is not None:
            return quality.agreement
        ratio = quality.signal_to_noise
        assert ratio is not None, "networks that cannot be quantized are no points"
        return ratio


@dataclass(frozen=True, repr=False)
class Exploration(Result):
    """All points and those of the front.

    Parameters
    ----------
    device : str
    points : tuple of Point
        In the order of networks, bits and multipliers.
    front : tuple of Point
        Those that fit and that no other that fits equals or beats in cycles, LUTs, block RAMs, DSP blocks and accuracy
        at once.
    known : Knowledge
        How good the estimates are.
    samples : int
        On which the accuracy was measured.
    """

    device: str
    points: tuple[Point, ...]
    front: tuple[Point, ...]
    known: Knowledge
    samples: int

    @property
    def accuracy_name(self) -> str:
        """The name of the figure in `Point.accuracy`."""
        quality = self.points[0].quality
        if quality.top1 is not None:
            return "top-1"
        return "agreement" if quality.agreement is not None else "dB"

    def as_json(self) -> dict[str, Any]:
        """Plain values for `--json`."""
        return {
            "device": self.device,
            "samples": self.samples,
            "known": asdict(self.known),
            "points": [{**asdict(point), "front": point in self.front} for point in self.points],
        }

    def headline(self) -> str:
        """How many points there are, and where."""
        return (
            f"{len(self.points)} points on {self.device}, {len(self.front)} of them on the front;"
            f" {self.accuracy_name} on {self.samples:,} samples"
        )

    def records(self) -> list[dict[str, Any]]:
        """A row for each point."""
        rows = []
        for point in self.points:
            row = asdict(point)
            rows.append({**row, **row.pop("quality"), "front": point in self.front})
        return [{name: value for name, value in row.items() if name != "quality"} for row in rows]


def explore(
    workloads: Mapping[str, Workload],
    device: str,
    bits: Sequence[int],
    multipliers: Sequence[int],
    *,
    jobs: int | None = 1,
    dask: str | None = None,
    cache: str | Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Exploration:
    """Measure and estimate every candidate.

    Parameters
    ----------
    workloads : mapping of str to Workload
        Networks by name, with the data that they are measured on.
    device : str
        One of `fpgaq.hardware.synth.DEVICES` that has an estimator.
    bits, multipliers : sequence of int
        The values to try.
    jobs, dask, cache, progress
        As in `parallel.evaluate`; a task is one network at one width, with all its budgets.

    Raises
    ------
    UsageError
        Widths or budgets that make no sense.
    FitError
        If no candidate can be built.
    """
    for what, values, least, most in (
        ("bits", bits, LEAST_BITS, MOST_BITS),
        ("multipliers", multipliers, 1, 1 << 16),
    ):
        wrong = [value for value in values if not least <= value <= most]
        if wrong or not values:
            found = wrong[0] if wrong else "none"
            raise UsageError(f"--{what}: {found} was given; numbers from {least} to {most:,} are needed")
    known = known_error(device)
    tasks: list[dict[str, Any]] = [
        {"model": name, "bits": width} for name in workloads for width in dict.fromkeys(bits)
    ]
    function = partial(_measure, dict(workloads), device, tuple(sorted(set(multipliers))))
    results = evaluate(function, tasks, jobs=jobs, dask=dask, cache=cache, progress=progress)
    points = tuple(
        Point(task["model"], task["bits"], **{**built, "quality": Quality(**result["quality"])})
        for task, result in zip(tasks, results, strict=True)
        for built in result["built"]
    )
    if not points:
        raise FitError("none of the networks can be quantized and built so; try more bits or more multipliers")
    samples = min(len(workload.expected) for workload in workloads.values())
    return Exploration(device, points, best_points(points), known, samples)


def best_points(points: Sequence[Point]) -> tuple[Point, ...]:
    """The points of the front, fastest first; of equal ones the first."""
    front = []
    fitting = [point for point in points if point.fits]
    for place, point in enumerate(fitting):
        beaten = any(
            all(theirs <= own for theirs, own in zip(other.costs, point.costs, strict=True))
            and (other.costs != point.costs or earlier < place)
            for earlier, other in enumerate(fitting)
        )
        if not beaten:
            front.append(point)
    return tuple(sorted(front, key=lambda point: point.costs))


def _measure(
    workloads: Mapping[str, Workload], device: str, budgets: Sequence[int], task: Mapping[str, Any]
) -> dict[str, Any]:
    """One network at one width: its quality, and its resources on every budget that can be met."""
    workload = workloads[task["model"]]
    bits = {"weight_bits": task["bits"], "activation_bits": task["bits"]}
    try:
        # As `quantize` does it, so that a point is what its commands give.
        chosen = refine(workload.graph, workload.calibration, changed(workload.options, bits)).options
        network = quantize(workload.graph, workload.calibration, chosen)
    except FitError:
        return {"quality": asdict(Quality(None, None, None)), "built": []}
    built = []
    sized = find_device(device).capacity is not None
    for budget in budgets:
        try:
            lowered, schedule = plan_hardware(network, Target(multipliers=budget))
        except FitError:
            continue
        schedule, guess = adapt(lowered, schedule, device)
        built.append(
            {
                "budget": budget,
                "multipliers": schedule.multipliers,
                "cycles": schedule.prediction.mean_interval,
                **{name: getattr(guess.counts, name) for name in ("lut", "ff", "dsp", "bram")},
                "fits": not sized or not excess_of(guess),
            }
        )
    return {"quality": judge(network, workload), "built": built}
