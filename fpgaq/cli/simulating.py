"""The command that proves hardware: simulate."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated

from ..base.tables import columns
from ..base.text import printable
from .options import ArrayOptions, Frames, SimulatorName, Thorough
from .parameters import Argument, Option, command
from .settings import Settings
from .wrapper import shown, wrapper_run_lines

if TYPE_CHECKING:
    from ..proof.activity import Activity
    from ..proof.chosen import Exercise
    from ..proof.simulate import SimulationResult


@dataclass(frozen=True, kw_only=True)
class SimulateOptions:
    """The options of `fpgaq simulate`."""

    directory: Annotated[str, Argument("DIR")]
    frames: Frames = None
    data: Annotated[str | None, Option("Frames to simulate instead of those of the folder.", metavar="NPZ")] = None
    samples: ArrayOptions
    thorough: Thorough = False
    simulator: SimulatorName = "icarus"
    weights: Annotated[
        str | None,
        Option("Where weights are loadable: load those of this network instead of DIR's own.", metavar="FPGAQ"),
    ] = None
    jobs: Annotated[
        int | None, Option("Processes that share the frames of --simulator verilator.  [default: 1]", metavar="N")
    ] = None
    dask: Annotated[
        str | None, Option("A Dask scheduler whose workers share them, such as tcp://host:8786.", metavar="ADDRESS")
    ] = None
    waves: Annotated[
        str | None,
        Option("Write every signal as FST, with view files for GTKWave and Surfer beside it.", metavar="FILE"),
    ] = None
    activity: Annotated[
        str | None,
        Option(
            "Write how often each net toggles as SAIF, for a tool that estimates power; with --simulator verilator.",
            metavar="FILE",
        ),
    ] = None


@command(SimulateOptions, "fpgaq simulate out --frames 8 --data test.npz")
def simulate(settings: Settings, options: SimulateOptions) -> None:
    """Simulate the hardware and compare every beat.

    DIR is what `fpgaq generate` wrote, every file as its manifest.json says; the integer model defines what is right.
    The bench in DIR is Python that runs here: a folder from somewhere else is code, to be trusted like a program.
    """
    from .. import pipeline

    with settings.progress(f"simulating with {options.simulator}") as progress:
        result = pipeline.simulate(
            options.directory,
            frames=options.frames,
            data=options.samples.optional(options.data),
            simulator=options.simulator,
            thorough=options.thorough,
            weights=options.weights,
            jobs=1 if options.jobs is None else options.jobs,
            dask=options.dask,
            waves=options.waves,
            activity=options.activity,
            progress=progress,
        )
    settings.show(simulation_lines(result), asdict(result))


def simulation_lines(result: SimulationResult) -> list[str]:
    """What the simulation measured."""
    return [
        f"{printable(result.message)}; {result.mismatches:,} mismatches",
        *exercise_lines(result.exercise),
        f"measured: a frame every {shown(result.interval_cycles)} cycles, latency {shown(result.latency_cycles)}"
        f" cycles; {result.seconds:.1f} s",
        *wrapper_run_lines(result),
        *(f"written: {printable(path)}" for path in result.waves),
        *activity_lines(result.activity),
    ]


def activity_lines(activity: Activity | None) -> list[str]:
    """How often the nets of each module toggle in a frame."""
    if activity is None:
        return []
    rows = [(printable(row["module"]), row["nets"], f"{row['toggles_per_frame']:,.0f}") for row in activity.records()]
    return [
        f"toggles a frame: {activity.toggles_per_frame:,.0f}, on average over {activity.frames:,} frames; clocks apart",
        *columns(("module", "nets", "toggles a frame"), rows),
        f"written: {printable(activity.path)}",
    ]


def exercise_lines(exercise: Exercise | None) -> list[str]:
    """How many words of the memories a wrong lowest bit of which the frames would show."""
    if exercise is None:
        return []
    text = f"weights exercised {exercise.exercised:,} of {exercise.words:,} words; unreachable {exercise.unreachable:,}"
    if exercise.table_entries:
        text += (
            f"; entries of tables {exercise.table_entries_exercised:,} of {exercise.table_entries:,}; unreachable"
            f" {exercise.table_entries_unreachable:,}"
        )
    return [text]
