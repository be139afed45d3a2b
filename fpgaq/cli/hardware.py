"""The commands about hardware: generate, simulate, build, synth."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any

import click

from ..choices import Language
from ..errors import FitError, UsageError
from ..report.text import columns, percent, printable, shorten
from .numbers import integer_lines, note_lines
from .options import (
    DEVICE,
    Calibration,
    Folder,
    Frames,
    Keep,
    ModelOptions,
    QuantizeFlags,
    SimulatorName,
    TargetOptions,
    Thorough,
)
from .parameters import Argument, Option, command
from .settings import Settings
from .unrolled import UnrollOptions, chosen_target, chosen_unrolling, show_unrolled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..estimate import Knowledge
    from ..pipeline import GenerateResult
    from ..schedule import BufferReport, Schedule
    from ..synth import Counts, SynthResult
    from ..verify.chosen import Exercise
    from ..verify.simulate import SimulationResult


@dataclass(frozen=True, kw_only=True)
class GenerateOptions:
    """The options of `fpgaq generate`."""

    integer: Annotated[str, Argument("FPGAQ")]
    output: Folder
    language: Annotated[
        Language,
        Option("Language of the output: Verilog, or HLS C++; --target is the old name.", "--language", "--target"),
    ] = "verilog"
    target: TargetOptions
    data: Annotated[
        str | None,
        Option("Frames for the bench; by default the samples inside FPGAQ.", metavar="NPZ"),
    ] = None
    frames: Frames = None
    thorough: Thorough = False
    factor_bits: Annotated[
        int | None,
        Option(
            "Let outputs share multipliers of a factor of BITS: 25 on AMD's series 7, 27 on UltraScale+, 18 on ECP5.",
            "--pack",
            metavar="BITS",
            kind=click.IntRange(8, 48),
        ),
    ] = None
    buffers: Annotated[bool, Option("Also show what the sizes of line buffers and queues buy.")] = False
    unrolling: UnrollOptions
    keep: Keep = ()


@command(GenerateOptions, "fpgaq generate model.fpgaq -o out --fps 1000 --clock 50")
def generate(settings: Settings, options: GenerateOptions) -> None:
    """Write Verilog or HLS C++ for an integer network.

    The folder also holds a bench, which proves the hardware without fpgaq.
    """
    unrolling = chosen_unrolling(options)
    if unrolling is not None:
        from .. import pipeline

        with settings.progress("searching adder graphs, generating hardware"):
            unrolled = pipeline.unroll(
                options.integer,
                options.output,
                unrolling,
                data=options.data,
                frames=options.frames,
                thorough=options.thorough,
                keep=options.keep,
            )
        show_unrolled(settings, unrolled)
        return
    if options.buffers and options.language == "hls":
        raise UsageError("--buffers tells of the Verilog's line buffers; leave it out with --language hls")
    target = chosen_target(options)
    from .. import pipeline
    from ..schedule import report_buffers

    with settings.progress("generating hardware") as progress:
        result = pipeline.generate(
            pipeline.load_integer(options.integer),
            options.output,
            target,
            data=options.data,
            frames=options.frames,
            language=options.language,
            device=options.target.device,
            factor_bits=options.factor_bits or 0,
            thorough=options.thorough,
            keep=options.keep,
            progress=progress,
        )
        reports = report_buffers(result.network, result.schedule) if options.buffers else ()
    shown = hls_lines(result) if options.language == "hls" else generate_lines(result)
    lines = [*shown, *(["", *buffer_lines(reports)] if options.buffers else [])]
    parts = {"layers": schedule_json(result.schedule), "buffers": [asdict(report) for report in reports]}
    settings.show(lines, {**result.as_json(), **parts})


@dataclass(frozen=True, kw_only=True)
class SimulateOptions:
    """The options of `fpgaq simulate`."""

    directory: Annotated[str, Argument("DIR")]
    frames: Frames = None
    data: Annotated[str | None, Option("Frames to simulate instead of those of the folder.", metavar="NPZ")] = None
    thorough: Thorough = False
    simulator: SimulatorName = "icarus"


@command(SimulateOptions, "fpgaq simulate out --frames 8 --data test.npz")
def simulate(settings: Settings, options: SimulateOptions) -> None:
    """Simulate the hardware and compare every beat.

    DIR is what `fpgaq generate` wrote, every file as its manifest.json says; the integer model defines what is right.
    The bench in DIR is Python that runs here: a folder from somewhere else is code, to be trusted like a program.
    """
    from .. import pipeline

    with settings.progress(f"simulating with {options.simulator}"):
        result = pipeline.simulate(
            options.directory,
            frames=options.frames,
            data=options.data,
            simulator=options.simulator,
            thorough=options.thorough,
        )
    settings.show(simulation_lines(result), asdict(result))


@dataclass(frozen=True, kw_only=True)
class BuildOptions:
    """The options of `fpgaq build`."""

    model: Annotated[str, Argument()]
    calibration: Calibration
    data: Annotated[str, Option("Labelled samples for the comparison and the bench.", metavar="NPZ")]
    output: Folder
    quantizing: QuantizeFlags
    reading: ModelOptions
    target: TargetOptions
    frames: Frames = None
    keep: Keep = ()
    simulator: SimulatorName = "icarus"


@command(BuildOptions, "fpgaq build model.nnp --calibration train.npz --data test.npz -o out --multipliers 64")
def build(settings: Settings, options: BuildOptions) -> None:
    """Quantize, compare, generate and simulate MODEL.

    This runs the commands quantize, compare, generate and simulate one after another.
    """
    wanted, target = options.quantizing.options(), options.target.target()
    from .. import pipeline
    from ..report.comparison_table import table
    from ..report.scales import unfolded_scales

    with settings.progress("starting") as progress:
        result = pipeline.build(
            options.model,
            options.calibration,
            options.data,
            options.output,
            wanted,
            target,
            network=options.reading.network,
            refuse_batch_statistics=options.reading.refuse_batch_statistics,
            input_shapes=options.reading.input_shapes(),
            outputs=options.reading.output_names(),
            frames=options.frames,
            device=options.target.device,
            simulator=options.simulator,
            keep=options.keep,
            progress=progress,
        )
    scales = unfolded_scales(result.graph, result.integer)
    lines = [
        "== Integer network",
        *integer_lines(result.integer),
        *note_lines([*result.graph.notes, *(scale.line() for scale in scales)]),
        "",
        "== Integer against float",
        *table(result.compared).splitlines(),
        "",
        "== Hardware",
        *generate_lines(result.generated),
        "",
        "== Simulation",
        *simulation_lines(result.simulated),
    ]
    parts = {
        "generate": {**result.generated.as_json(), "layers": schedule_json(result.generated.schedule)},
        "simulate": asdict(result.simulated),
        "compare": result.compared.as_json(),
        "notes": list(result.graph.notes),
        "unfolded": [asdict(scale) for scale in scales],
    }
    settings.show(lines, parts)


@dataclass(frozen=True, kw_only=True)
class SynthOptions:
    """The options of `fpgaq synth`."""

    directory: Annotated[str, Argument("DIR")]
    device: Annotated[str, Option("The device or family.", kind=DEVICE)] = "xc7"
    seeds: Annotated[int, Option("Number of runs of nextpnr, for the median clock; 0 for none.", metavar="N")] = 5
    no_layers: Annotated[bool, Option("Count only the whole design, in half the time.")] = False
    timeout: Annotated[float, Option("Time limit of each run in seconds.", metavar="S")] = 1800.0
    netlist: Annotated[
        str | None, Option("Write the device's cells as JSON, for a nextpnr of your own.", metavar="FILE")
    ] = None


@command(SynthOptions, "fpgaq synth out --device ecp5-25k --seeds 1")
def synth(settings: Settings, options: SynthOptions) -> None:
    """Measure what the hardware takes and how fast it is.

    Yosys counts LUTs, flip-flops, DSP blocks and memories of the Verilog in DIR, whole and for each layer. Lattice and
    Gowin parts are also placed and routed, which gives the clock. Results are kept: the same files are not run twice.
    """
    from .. import pipeline

    device = options.device
    with settings.progress(f"synthesizing for {device}") as progress:
        result = pipeline.synthesize(
            options.directory,
            device,
            seeds=options.seeds,
            layers=not options.no_layers,
            timeout=options.timeout,
            netlist=options.netlist,
            progress=progress,
        )
    settings.show(synth_lines(result), result.as_json())
    if result.excess:
        raise FitError(f"the design does not fit {device}: it takes {result.excess}; choose a larger part or less")


def schedule_json(schedule: Schedule) -> list[dict[str, Any]]:
    """What the schedule chose for each layer; `queue_words` are beats of the queues at its inputs."""
    layers = []
    queues = Counter({edge.reader: 0 for edge in schedule.edges})
    for edge in schedule.edges:
        queues[edge.reader] += 1 << edge.queue_bits if edge.queue_bits is not None else 0
    for index, plan in enumerate(schedule.plans):
        fold = getattr(plan, "fold", None)
        layers.append(
            {
                "name": plan.operator,
                "multipliers": fold.multipliers if fold else 0,
                "lanes": [fold.taps, fold.channels, fold.outputs] if fold else None,
                "cycles": getattr(plan, "cycles", None),
                "buffer_words": getattr(plan, "capacity", None),
                "queue_words": queues[index] or None,
            }
        )
    return layers


def generate_lines(result: GenerateResult) -> list[str]:
    """A line for each layer's hardware, then what was predicted."""
    rows = [
        (
            shorten(layer["name"]),
            layer["multipliers"],
            "x".join(map(str, layer["lanes"])) if layer["lanes"] else "-",
            layer["cycles"],
            layer["buffer_words"],
            layer["queue_words"],
        )
        for layer in schedule_json(result.schedule)
    ]
    schedule, prediction = result.schedule, result.schedule.prediction
    return [
        *columns(
            ("layer", "multipliers", "taps x channels x outputs", "busy cycles", "buffer words", "queue words"), rows
        ),
        f"{schedule.multipliers:,} multipliers of {schedule.budget:,}; predicted: a frame every"
        f" {_count(prediction.interval)} cycles, latency {_count(prediction.latency)} cycles, efficiency"
        f" {percent(schedule.efficiency)}",
        *(
            f"adders instead of multipliers: {shorten(engine.layers[0])}"
            for engine in schedule.engines
            if engine.adders
        ),
        *estimate_lines(result),
        f"written: {printable(str(result.directory))} ({len(result.files)} files)",
    ]


def hls_lines(result: GenerateResult) -> list[str]:
    """A line for each layer's lanes; cycles are for the vendor's tool to tell."""
    rows = [
        (shorten(layer["name"]), layer["multipliers"], "x".join(map(str, layer["lanes"])) if layer["lanes"] else "-")
        for layer in schedule_json(result.schedule)
    ]
    return [
        *columns(("layer", "multipliers", "taps x channels x outputs"), rows),
        f"{result.schedule.multipliers:,} multipliers of {result.schedule.budget:,}; `make` in the folder compiles it"
        " and compares every golden value",
        f"written: {printable(str(result.directory))} ({len(result.files)} files)",
    ]


def estimate_lines(result: GenerateResult) -> list[str]:
    """What the hardware is estimated to take, how good such estimates are, and what limits the speed."""
    guess = result.estimate
    if guess is None:
        return []
    counts = guess.counts
    lines = [
        f"estimated for {guess.device}: {counts.lut:,} LUT, {counts.ff:,} FF, {counts.dsp:,} DSP,"
        f" {counts.bram:,} block RAM",
        error_line(guess.known),
    ]
    if result.limited_by:
        lines.append(f"limited by {printable(result.limited_by)}")
    return lines


def error_line(known: Knowledge) -> str:
    """How far such estimates were from what Yosys counted."""
    errors = "; ".join(
        f"{name} {percent(error.median)} in the median, {percent(error.percentile95)} for 19 of 20"
        for name, error in (("LUT", known.errors["lut"]), ("FF", known.errors["ff"]))
    )
    right = ", ".join(
        f"{name} right for {percent(known.exact[key])}" for key, name in (("dsp", "DSP"), ("bram", "block RAM"))
    )
    return f"known error, over {known.designs} networks held out: {errors}; {right}"


def buffer_lines(reports: Sequence[BufferReport]) -> list[str]:
    """A line for each line buffer and queue: least sizes, what was built, and the cycles that more words buy."""
    headers = ("buffer", "of", "row words", "least to run", "least at full rate", "built", "cycles a frame by words")
    rows = [
        (
            report.kind,
            shorten(report.operator),
            report.row_words,
            report.live_words,
            report.full_rate_words,
            report.words,
            ", ".join(f"{words:,}: {interval:,.0f}" for words, interval in report.intervals),
        )
        for report in reports
    ]
    return columns(headers, rows)


def simulation_lines(result: SimulationResult) -> list[str]:
    """What the simulation measured."""
    return [
        f"{printable(result.message)}; {result.mismatches:,} mismatches",
        *exercise_lines(result.exercise),
        f"measured: a frame every {_count(result.interval_cycles)} cycles, latency {_count(result.latency_cycles)}"
        f" cycles; {result.seconds:.1f} s",
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


def synth_lines(result: SynthResult) -> list[str]:
    """A line for each layer's resources, the whole, what of the device that is, and the clock."""
    headers = ("layer", "LUT", "of them RAM", "FF", "carry", "DSP", "block RAM")
    rows: list[tuple[object, ...]] = [(shorten(name), *_resources(counts)) for name, counts in result.layers]
    rows.append(("whole, flattened", *_resources(result.counts)))
    shares = result.shares
    if shares:
        share = {name: percent(shares[name]) if name in shares else "-" for name in ("lut", "ff", "dsp", "bram")}
        rows.append((f"share of {result.device}", share["lut"], "", share["ff"], "", share["dsp"], share["bram"]))
    lines = columns(headers, rows)
    if result.fmax_mhz is not None:
        seeds = ", ".join(f"{clock:.1f}" for _, clock in result.fmax)
        lines.append(
            f"{result.fmax_mhz:.1f} MHz after routing, median of {len(result.fmax)} seeds ({seeds});"
            f" ports behind registers on four pins{'; a block RAM reads no faster' if result.held_by_ram else ''}"
        )
    return [*lines, f"{result.device}: {', '.join(result.tools)}; {result.seconds:.1f} s"]


def _resources(counts: Counts) -> tuple[int, ...]:
    return counts.lut, counts.lutram, counts.ff, counts.carry, counts.dsp, counts.bram


def _count(value: int | None) -> str:
    return "?" if value is None else f"{value:,}"
