"""The commands about hardware: generate, simulate, build, synth."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from ..choices import DEVICES, LANGUAGES
from ..errors import FitError, UsageError
from ..report.text import columns, percent, printable, shorten
from .numbers import integer_lines, note_lines
from .options import (
    Settings,
    common,
    example,
    frames_option,
    keep_option,
    model_options,
    pop_model_options,
    pop_quantize_options,
    pop_target,
    quantize_options,
    simulator_option,
    target_options,
    thorough_option,
)
from .unrolled import pop_unrolling, show_unrolled, with_adders, with_unroll_options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..estimate import Knowledge, Storage
    from ..pipeline import GenerateResult
    from ..schedule import BufferReport, Schedule
    from ..synth import Counts, SynthResult
    from ..verify.chosen import Exercise
    from ..verify.simulate import SimulationResult


@click.command(epilog=example("fpgaq generate model.fpgaq -o out --fps 1000 --clock 50"))
@click.argument("integer", metavar="FPGAQ")
@click.option(
    "-o", "--output", required=True, metavar="DIR", help="The folder to write; an older output there is replaced."
)
@click.option(
    "--target",
    type=click.Choice(LANGUAGES),
    default="verilog",
    show_default=True,
    help="Language of the output: Verilog, or HLS C++.",
)
@target_options
@click.option("--data", metavar="NPZ", help="Frames for the bench; by default the samples inside FPGAQ.")
@frames_option
@thorough_option
@click.option(
    "--pack",
    type=click.IntRange(8, 48),
    metavar="BITS",
    help="Let outputs share multipliers of a factor of BITS: 25 on AMD's series 7, 27 on UltraScale+, 18 on ECP5.",
)
@click.option("--buffers", is_flag=True, help="Also show what the sizes of line buffers and queues buy.")
@with_unroll_options
@keep_option
@common
@click.pass_obj
def generate(
    settings: Settings,
    /,
    integer: str,
    output: str,
    target: str,
    data: str | None,
    frames: int | None,
    thorough: bool,
    pack: int | None,
    buffers: bool,
    keep: tuple[str, ...],
    **values: Any,
) -> None:
    """Write Verilog or HLS C++ for an integer network.

    The folder also holds a bench, which proves the hardware without fpgaq.
    """
    unrolling = pop_unrolling({**values, "buffers": buffers, "target": target, "pack": pack})
    if unrolling is not None:
        from .. import pipeline

        with settings.progress("searching adder graphs, generating hardware"):
            unrolled = pipeline.unroll(
                integer, output, unrolling, data=data, frames=frames, keep=keep, thorough=thorough
            )
        show_unrolled(settings, unrolled)
        return
    if buffers and target == "hls":
        raise UsageError("--buffers tells of the Verilog's line buffers; leave it out with --target hls")
    budget = with_adders(pop_target(values), {**values, "target": target})
    from .. import pipeline
    from ..schedule import report_buffers

    with settings.progress("generating hardware") as progress:
        result = pipeline.generate(
            pipeline.load_integer(integer),
            output,
            budget,
            data=data,
            frames=frames,
            language=target,
            device=values["device"],
            factor_bits=pack or 0,
            keep=keep,
            thorough=thorough,
            progress=progress,
        )
        reports = report_buffers(result.network, result.schedule) if buffers else ()
    shown = hls_lines(result) if target == "hls" else generate_lines(result)
    lines = [*shown, *(["", *buffer_lines(reports)] if buffers else [])]
    parts = {"layers": schedule_json(result.schedule), "buffers": [asdict(report) for report in reports]}
    settings.show(lines, {**result.as_json(), **parts})


@click.command(epilog=example("fpgaq simulate out --frames 8 --data test.npz"))
@click.argument("directory", metavar="DIR")
@frames_option
@click.option("--data", metavar="NPZ", help="Frames to simulate instead of those of the folder.")
@thorough_option
@simulator_option
@common
@click.pass_obj
def simulate(
    settings: Settings, directory: str, frames: int | None, data: str | None, thorough: bool, simulator: str
) -> None:
    """Simulate the hardware and compare every beat.

    DIR is what `fpgaq generate` wrote, every file as its manifest.json says; the integer model defines what is right.
    The bench in DIR is Python that runs here: a folder from somewhere else is code, to be trusted like a program.
    """
    from .. import pipeline

    with settings.progress(f"simulating with {simulator}"):
        result = pipeline.simulate(directory, frames=frames, data=data, simulator=simulator, thorough=thorough)
    settings.show(simulation_lines(result), asdict(result))


@click.command(epilog=example("fpgaq build model.nnp --calibration train.npz --data test.npz -o out --multipliers 64"))
@click.argument("model")
@click.option("--calibration", required=True, metavar="NPZ", help="Training samples, .npy or .npz.")
@click.option("--data", required=True, metavar="NPZ", help="Labelled samples for the comparison and the bench.")
@click.option(
    "-o", "--output", required=True, metavar="DIR", help="The folder to write; an older output there is replaced."
)
@quantize_options
@model_options
@target_options
@frames_option
@keep_option
@simulator_option
@common
@click.pass_obj
def build(settings: Settings, /, model: str, calibration: str, data: str, output: str, **values: Any) -> None:
    """Quantize, compare, generate and simulate MODEL.

    This runs the commands quantize, compare, generate and simulate one after another.
    """
    values |= pop_model_options(values)
    options = pop_quantize_options(values)
    target = pop_target(values)
    from .. import pipeline
    from ..report.comparison_table import table
    from ..report.scales import unfolded_scales

    with settings.progress("starting") as progress:
        result = pipeline.build(model, calibration, data, output, options, target, progress=progress, **values)
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


@click.command(epilog=example("fpgaq synth out --device ecp5-25k --seeds 1"))
@click.argument("directory", metavar="DIR")
@click.option("--device", type=click.Choice(DEVICES), default="xc7", show_default=True, help="The device or family.")
@click.option(
    "--seeds",
    type=int,
    default=5,
    show_default=True,
    metavar="N",
    help="Number of runs of nextpnr, for the median clock; 0 for none.",
)
@click.option("--no-layers", is_flag=True, help="Count only the whole design, in half the time.")
@click.option(
    "--timeout", type=float, default=1800.0, show_default=True, metavar="S", help="Time limit of each run in seconds."
)
@click.option("--netlist", metavar="FILE", help="Write the device's cells as JSON, for a nextpnr of your own.")
@common
@click.pass_obj
def synth(
    settings: Settings,
    directory: str,
    device: str,
    seeds: int,
    no_layers: bool,
    timeout: float,
    netlist: str | None,
) -> None:
    """Measure what the hardware takes and how fast it is.

    Yosys counts LUTs, flip-flops, DSP blocks and memories of the Verilog in DIR, whole and for each layer. Lattice and
    Gowin parts are also placed and routed, which gives the clock. Results are kept: the same files are not run twice.
    """
    from .. import pipeline

    with settings.progress(f"synthesizing for {device}") as progress:
        result = pipeline.synthesize(
            directory, device, seeds=seeds, layers=not no_layers, timeout=timeout, netlist=netlist, progress=progress
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
    frames = "" if result.latency_frames is None else f" ({result.latency_frames:.1f} frames)"
    return [
        *columns(
            ("layer", "multipliers", "taps x channels x outputs", "busy cycles", "buffer words", "queue words"), rows
        ),
        f"{schedule.multipliers:,} multipliers of {schedule.budget:,}; predicted: a frame every"
        f" {_count(prediction.interval)} cycles, latency {_count(prediction.latency)} cycles{frames},"
        f" efficiency {percent(schedule.efficiency)}",
        *(
            f"adders instead of multipliers: {shorten(engine.layers[0])}"
            for engine in schedule.engines
            if engine.adders
        ),
        *memory_lines(result.storage),
        *estimate_lines(result),
        f"written: {printable(str(result.directory))} ({len(result.files)} files)",
    ]


def memory_lines(storage: Storage | None) -> list[str]:
    """Bits and block RAMs of weights, line buffers and queues, and a warning if no known part holds them."""
    if storage is None:
        return []
    parts = ", ".join(f"{name} {kept.bits:,} bits ({kept.blocks:,})" for name, kept in storage.kinds.items())
    lines = [f"memory, in block RAMs of {storage.block_bits // 1024} kbit: {parts}; {storage.blocks:,} in all"]
    if storage.too_large:
        lines.append(
            f"warning: no supported part holds {storage.blocks:,} block RAMs, {storage.largest} with"
            f" {storage.holds:,} the most; take fewer bits or a smaller network"
        )
    return lines


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


COMMANDS = (generate, simulate, build, synth)
