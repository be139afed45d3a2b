"""What a simulation that passed has measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..base.results import Result
from .activity import Activity
from .bus_bench import WrapperResult
from .chosen import Exercise


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
    wrapper : WrapperResult or None
        What was measured at the ports of a wrapper.
    waves : tuple of str
        The files of waves and views that were written.
    activity : Activity or None
        How often nets toggled, where that was asked for.
    """

    frames: int
    mismatches: int
    interval_cycles: int | None
    latency_cycles: int
    seconds: float
    message: str
    exercise: Exercise | None = None
    wrapper: WrapperResult | None = None
    waves: tuple[str, ...] = ()
    activity: Activity | None = None

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
