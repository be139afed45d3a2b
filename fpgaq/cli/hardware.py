"""The commands about hardware: generate, simulate, build, synth."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from ..report.text import columns, percent, printable, shorten
from .numbers import integer_lines
from .options import (
    DEVICES,
    Settings,
    common,
    example,
    frames_option,
    pop_quantize_options,
    pop_target,
    quantize_options,
    simulator_option,
    target_options,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..pipeline import GenerateResult
    from ..schedule import BufferReport, Schedule
    from ..synth import SynthResult
    from ..verify.simulate import SimulationResult


@click.command(epilog=example("fpgaq generate model.fpgaq -o out --fps 1000 --clock 50"))
@click.argument("integer", metavar="FPGAQ")
@click.option("-o", "--output", required=True, metavar="DIR", help="The folder to write; replaced whole if it is ours.")
@target_options
@click.option("--data", metavar="NPZ", help="Frames for the bench; by default the samples inside FPGAQ.")
@frames_option
@click.option("--buffers", is_flag=True, help="Show what each row of each line buffer buys, too.")
@common
@click.pass_obj
def generate(
    settings: Settings,
    /,
    integer: str,
    output: str,
    data: str | None,
    frames: int | None,
    buffers: bool,
    **values: Any,
) -> None:
    """Write Verilog for an integer network.

    The folder holds a bench too, which proves the Verilog without fpgaq.
    """
    target = pop_target(values)
    from .. import pipeline
    from ..schedule import report_buffers

    with settings.progress("generating hardware"):
        network = pipeline.load_integer(integer)
        result = pipeline.generate(network, output, target, data=data, frames=frames)
        reports = report_buffers(network, result.schedule) if buffers else ()
    lines = [*generate_lines(result), *(["", *buffer_lines(reports)] if buffers else [])]
    parts = {"layers": schedule_json(result.schedule), "buffers": [asdict(report) for report in reports]}
    settings.show(lines, {**result.as_json(), **parts})


@click.command(epilog=example("fpgaq simulate out --frames 8 --data test.npz"))
@click.argument("directory", metavar="DIR")
@frames_option
@click.option("--data", metavar="NPZ", help="Other frames than those of the folder.")
@simulator_option
@common
@click.pass_obj
def simulate(settings: Settings, directory: str, frames: int | None, data: str | None, simulator: str) -> None:
    """Simulate the hardware and compare every beat.

    DIR is what `fpgaq generate` wrote; the integer model defines what is right.
    """
    from .. import pipeline

    with settings.progress(f"simulating with {simulator}"):
        result = pipeline.simulate(directory, frames=frames, data=data, simulator=simulator)
    settings.show(simulation_lines(result), asdict(result))


@click.command(epilog=example("fpgaq build model.nnp --calibration train.npz --data test.npz -o out --multipliers 64"))
@click.argument("model")
@click.option("--calibration", required=True, metavar="NPZ", help="Training samples, .npy or .npz.")
@click.option("--data", required=True, metavar="NPZ", help="Labelled samples for the comparison and the bench.")
@click.option("-o", "--output", required=True, metavar="DIR", help="The folder to write; replaced whole if it is ours.")
@quantize_options
@target_options
@frames_option
@simulator_option
@common
@click.pass_obj
def build(settings: Settings, /, model: str, calibration: str, data: str, output: str, **values: Any) -> None:
    """Quantize, compare, generate and simulate MODEL.

    What quantize, compare, generate and simulate do, all in a row.
    """
    options = pop_quantize_options(values)
    target = pop_target(values)
    from .. import pipeline
    from ..report.comparison import table

    with settings.progress("starting") as progress:
        result = pipeline.build(model, calibration, data, output, options, target, progress=progress, **values)
    lines = [
        "== Integer network",
        *integer_lines(result.integer),
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
    }
    settings.show(lines, parts)


@click.command(epilog=example("fpgaq synth out --device ecp5"))
@click.argument("directory", metavar="DIR")
@click.option("--device", type=click.Choice(DEVICES), default="xc7", show_default=True, help="The device family.")
@common
@click.pass_obj
def synth(settings: Settings, directory: str, device: str) -> None:
    """Count the resources that the hardware takes.

    LUTs, flip-flops, DSP blocks and block RAMs of the Verilog in DIR, whole and for each layer.
    """
    from .. import pipeline

    with settings.progress(f"synthesizing for {device}"):
        result = pipeline.synthesize(directory, device)
    settings.show(synth_lines(result), result.as_json())


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
        f"written: {printable(str(result.directory))} ({len(result.files)} files)",
    ]


def buffer_lines(reports: Sequence[BufferReport]) -> list[str]:
    """A line for each line buffer: least sizes, what was built, and the cycles that each row on the way buys."""
    headers = ("line buffer", "row words", "least to run", "least at full rate", "built", "cycles a frame by words")
    rows = [
        (
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
        f"measured: a frame every {_count(result.interval_cycles)} cycles, latency {_count(result.latency_cycles)}"
        f" cycles; {result.seconds:.1f} s",
    ]


def synth_lines(result: SynthResult) -> list[str]:
    """A line for each layer's resources, then the whole."""
    headers = ("layer", "LUT", "FF", "DSP", "BRAM18")
    rows = [(shorten(name), counts.lut, counts.ff, counts.dsp, counts.bram18) for name, counts in result.layers]
    rows.append(("whole, flattened", result.lut, result.ff, result.dsp, result.bram18))
    return [*columns(headers, rows), f"{result.device}: {result.tool}, {result.seconds:.1f} s"]


def _count(value: int | None) -> str:
    return "?" if value is None else f"{value:,}"


COMMANDS = (generate, simulate, build, synth)
