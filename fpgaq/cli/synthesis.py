"""The command that counts what hardware takes: synth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from ..base.errors import FitError, UsageError
from ..base.tables import columns
from ..base.text import percent, printable
from .options import DEVICE
from .parameters import Argument, Option, command
from .settings import Settings

if TYPE_CHECKING:
    from ..hardware.synth import Counts, SynthResult


@dataclass(frozen=True, kw_only=True)
class SynthOptions:
    """The options of `fpgaq synth`."""

    directory: Annotated[str, Argument("DIR")]
    device: Annotated[str, Option("The device or family.", kind=DEVICE)] = "xc7"
    seeds: Annotated[
        int | None, Option("Number of runs of nextpnr, for the median clock; 0 for none.  [default: 5]", metavar="N")
    ] = None
    no_layers: Annotated[bool, Option("Count only the whole design, in half the time.")] = False
    timeout: Annotated[float, Option("Time limit of each run.", metavar="SECONDS")] = 1800.0
    netlist: Annotated[
        str | None, Option("Write the device's cells as JSON, for a nextpnr of your own.", metavar="FILE")
    ] = None


@command(SynthOptions, "fpgaq synth out --device ecp5-25k --seeds 1", tables=True)
def synth(settings: Settings, options: SynthOptions) -> None:
    """Measure what the hardware takes and how fast it is.

    Yosys counts LUTs, flip-flops, DSP blocks and memories of the Verilog in DIR, whole and for each layer. Lattice and
    Gowin parts are also placed and routed, which gives the clock. Results are kept: the same files are not run twice.
    """
    from .. import pipeline
    from ..hardware.synth import DEFAULT_SEEDS, find_device

    device, seeds = options.device, DEFAULT_SEEDS if options.seeds is None else options.seeds
    if options.seeds and find_device(device).placer is None:
        raise UsageError(
            f"--seeds would be ignored: no open tool places and routes for {device}, whose cells are only counted"
        )
    with settings.progress(f"synthesizing for {device}") as progress:
        result = pipeline.synthesize(
            options.directory,
            device,
            seeds=seeds,
            layers=not options.no_layers,
            timeout=options.timeout,
            netlist=options.netlist,
            progress=progress,
        )
    settings.show(synth_lines(result), result.as_json())
    if result.excess:
        raise FitError(f"the design does not fit {device}: it takes {result.excess}; choose a larger part or less")


def synth_lines(result: SynthResult) -> list[str]:
    """A line for each layer's resources, the whole, what of the device that is, and the clock."""
    headers = ("layer", "LUT", "of them RAM", "FF", "carry", "DSP", "block RAM")
    rows: list[tuple[object, ...]] = [(printable(name), *_resources(counts)) for name, counts in result.layers]
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
            f" ports after registers on four pins{'; a block RAM reads no faster' if result.held_by_ram else ''}"
        )
    return [*lines, f"{result.device}: {', '.join(result.tools)}; {result.seconds:.1f} s"]


def _resources(counts: Counts) -> tuple[int, ...]:
    return counts.lut, counts.lutram, counts.ff, counts.carry, counts.dsp, counts.bram
