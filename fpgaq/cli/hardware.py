"""The commands that make hardware: generate, and build, which does everything."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any

import click

from ..base.errors import UsageError
from ..base.tables import columns
from ..base.text import percent, printable
from .generating import GenerateOptions
from .options import (
    DataOptions,
    Folder,
    Frames,
    Keep,
    ModelOptions,
    QuantizeFlags,
    SimulatorName,
    TargetOptions,
)
from .parameters import Argument, Option, command
from .quantizing import chosen_range, estimate_only, integer_lines, note_lines
from .settings import Settings
from .simulating import simulation_lines
from .unrolled import chosen_target, chosen_unrolling, show_unrolled
from .wrapper import WishOptions, shown, wrapper_lines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..hardware.estimate import Knowledge, Storage
    from ..hardware.schedule import BufferReport, Schedule
    from ..pipeline import BuildResult, GenerateResult


@command(GenerateOptions, "fpgaq generate model.fpgaq -o out --fps 1000 --clock 50", tables=True)
def generate(settings: Settings, options: GenerateOptions) -> None:
    """Write Verilog or HLS C++ for an integer network.

    The folder also holds a bench, which proves the hardware without fpgaq.
    """
    unrolling, wish = chosen_unrolling(options), options.system.wish()
    if unrolling is not None:
        from .. import pipeline

        with settings.progress("searching adder graphs, generating hardware"):
            unrolled = pipeline.unroll(
                options.integer,
                options.output,
                unrolling,
                data=options.samples.optional(options.data),
                frames=options.frames,
                thorough=options.thorough,
                keep=options.keep,
                wish=wish,
            )
        show_unrolled(settings, unrolled)
        return
    if options.buffers and options.language == "hls":
        raise UsageError("--buffers tells of the Verilog's line buffers; leave it out with --language hls")
    target = chosen_target(options)
    from .. import pipeline
    from ..hardware.schedule import report_buffers

    with settings.progress("generating hardware") as progress:
        result = pipeline.generate(
            pipeline.load_integer(options.integer),
            options.output,
            target,
            data=options.samples.optional(options.data),
            frames=options.frames,
            language=options.language,
            device=options.target.device,
            factor_bits=options.factor_bits or 0,
            logic_bits=options.logic_bits,
            thorough=options.thorough,
            keep=options.keep,
            wish=wish,
            progress=progress,
        )
        reports = report_buffers(result.network, result.schedule) if options.buffers else ()
    shown = hls_lines(result) if options.language == "hls" else generate_lines(result)
    lines = [*shown, *(["", *buffer_lines(reports)] if options.buffers else [])]
    parts = {"layers": result.records(), "buffers": [asdict(report) for report in reports]}
    settings.show(lines, {**result.as_json(), **parts})


@dataclass(frozen=True, kw_only=True)
class BuildOptions:
    """The options of `fpgaq build`."""

    model: Annotated[str, Argument()]
    calibration: Annotated[str | None, Option("Training samples, .npy or .npz.  [required]", metavar="NPZ")] = None
    data: Annotated[
        str | None,
        Option(
            "Labelled samples for the comparison and the bench; --data is the old name.  [required]",
            "--test",
            "--data",
            metavar="NPZ",
        ),
    ] = None
    input_range: Annotated[
        str | None,
        Option("In place of both: the range of inputs, for size and speed alone (estimate only).", metavar="LO,HI"),
    ] = None
    samples: DataOptions
    output: Folder
    quantizing: QuantizeFlags
    reading: ModelOptions
    target: TargetOptions
    system: WishOptions
    frames: Frames = None
    keep: Keep = ()
    simulator: SimulatorName = "icarus"


@command(
    BuildOptions, "fpgaq build model.nnp --calibration train.npz --test test.npz -o out --multipliers 64", tables=True
)
def build(settings: Settings, options: BuildOptions) -> None:
    """Quantize, compare, generate and simulate MODEL.

    This runs the commands quantize, compare, generate and simulate one after another.
    """
    wanted, target, wish = options.quantizing.options(), options.target.target(), options.system.wish()
    extent = chosen_range(options.input_range)
    for name, path in (("--calibration", options.calibration), ("--test", options.data)):
        if extent is None and path is None:
            raise click.MissingParameter(param_type="option", param_hint=f"'{name}'")
        if extent is not None and path is not None:
            raise UsageError(f"--input-range is in place of {name}; leave one of them out")
    from .. import pipeline

    with settings.progress("starting") as progress:
        result = pipeline.build(
            options.model,
            options.samples.optional(options.calibration),
            None if options.data is None else options.samples.bare(options.data),
            options.output,
            wanted,
            target,
            network=options.reading.network,
            refuse_batch_statistics=options.reading.refuse_batch_statistics,
            input_shapes=options.reading.input_shapes(),
            outputs=options.reading.output_names(),
            inputs=options.reading.input_names(),
            frames=options.frames,
            device=options.target.device,
            simulator=options.simulator,
            keep=options.keep,
            wish=wish,
            input_range=extent,
            clock=options.target.clock,
            progress=progress,
        )
    settings.show(build_lines(result), build_json(result))


def build_lines(result: BuildResult) -> list[str]:
    """What each stage has to tell, under its heading."""
    from ..study.report.comparison_table import table_lines
    from ..study.report.scales import unfolded_scales

    scales = unfolded_scales(result.graph, result.integer)
    return [
        "== Integer network",
        *integer_lines(result.integer),
        *note_lines([*result.graph.notes, *(scale.line() for scale in scales)]),
        "",
        *(["== Integer against float", *table_lines(result.compared), ""] if result.compared else []),
        "== Hardware",
        *generate_lines(result.generated),
        "",
        "== Simulation",
        *simulation_lines(result.simulated),
        *(f"written: {printable(path)}" for path in result.report),
    ]


def build_json(result: BuildResult) -> dict[str, Any]:
    """Plain values of each stage."""
    from ..study.report.scales import unfolded_scales

    return {
        "generate": {**result.generated.as_json(), "layers": result.generated.records()},
        "simulate": asdict(result.simulated),
        "compare": result.compared.as_json() if result.compared else None,
        "notes": list(result.graph.notes),
        "unfolded": [asdict(scale) for scale in unfolded_scales(result.graph, result.integer)],
        "pages": list(result.report),
    }


def generate_lines(result: GenerateResult) -> list[str]:
    """A line for each layer's hardware, then what was predicted."""
    rows = [
        (
            printable(layer["name"]),
            layer["multipliers"],
            "x".join(map(str, layer["lanes"])) if layer["lanes"] else "-",
            layer["cycles"],
            layer["buffer_words"],
            layer["queue_words"],
        )
        for layer in result.records()
    ]
    schedule, prediction = result.schedule, result.schedule.prediction
    frames = "" if result.latency_frames is None else f" ({result.latency_frames:.1f} frames)"
    return [
        *columns(
            ("layer", "multipliers", "taps x channels x outputs", "busy cycles", "buffer words", "queue words"), rows
        ),
        f"{schedule.multipliers:,} multipliers of {schedule.budget:,}{beside_budget(schedule)};"
        f" predicted: a frame every {shown(prediction.interval)} cycles, latency {shown(prediction.latency)}"
        f" cycles{frames}, efficiency {percent(schedule.efficiency)}",
        *(
            f"adders instead of multipliers: {printable(engine.layers[0])}"
            for engine in schedule.engines
            if engine.adders
        ),
        *wrapper_lines(result.wrapper),
        *memory_lines(result.storage),
        *estimate_lines(result),
        *estimate_only(result.network),
        f"written: {printable(str(result.directory))} ({len(result.files)} files)",
    ]


def beside_budget(schedule: Schedule) -> str:
    """The multipliers that means, scales and products of tensors take, if there are any."""
    from ..hardware.schedule import auxiliary_multipliers

    beside = auxiliary_multipliers(schedule.plans)
    return f", {beside:,} more for means, scales and products of tensors" if beside else ""


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
    elif storage.parts:
        lines.append(f"parts whose block RAM holds it: {', '.join(storage.parts)}")
    return lines


def hls_lines(result: GenerateResult) -> list[str]:
    """A line for each layer's lanes; cycles are for the vendor's tool to tell."""
    rows = [
        (printable(layer["name"]), layer["multipliers"], "x".join(map(str, layer["lanes"])) if layer["lanes"] else "-")
        for layer in result.records()
    ]
    return [
        *columns(("layer", "multipliers", "taps x channels x outputs"), rows),
        f"{result.schedule.multipliers:,} multipliers of {result.schedule.budget:,}; `make` in the folder compiles it"
        " and compares every golden value",
        *estimate_only(result.network),
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
            printable(report.operator),
            report.row_words,
            report.live_words,
            report.full_rate_words,
            report.words,
            ", ".join(f"{words:,}: {interval:,.0f}" for words, interval in report.intervals),
        )
        for report in reports
    ]
    return columns(headers, rows)
