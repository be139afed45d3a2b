"""The figures of a network before and after pruning: accuracy, size, and the hardware that it becomes."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from ...base.data import Dataset
from ...base.output import write_folder
from ...base.text import percent
from ...hardware.emit.printer import print_design
from ...hardware.emit.verilog import design_of
from ...hardware.schedule import Schedule, Target, plan_hardware
from ...hardware.synth import Counts, synthesize
from ...integer.graph import IntegerGraph
from ...model.graph import Graph
from ...model.graph.fixed import is_fixed
from ...model.passes import standard_passes
from ...quantizer import quantize
from ...quantizer.fixed import refuse_options
from ..report.comparison import compare
from ..report.sizes import scheduled_rom_bits
from ..report.summary import summarize


@dataclass(frozen=True)
class Figures:
    """The figures of one network.

    Parameters
    ----------
    float_top1, integer_top1 : float or None
        Shares of right answers on labelled data, if there are any.
    parameters, macs : int
        Numbers in layers, and multiplications of a frame, of the float network.
    rom_bits : int
        As `report.sizes.scheduled_rom_bits` counts them.
    multipliers : int
        That the schedule takes of those allowed.
    interval : int or None
        Cycles of a frame; None if frames keep changing theirs.
    lut, bram : int or None
        From synthesis, where that was asked for.
    """

    float_top1: float | None
    integer_top1: float | None
    parameters: int
    macs: int
    rom_bits: int
    multipliers: int
    interval: int | None
    lut: int | None = None
    bram: int | None = None

    def as_json(self) -> dict[str, Any]:
        """Plain values for `--json`."""
        return asdict(self)


def measure(
    graph: Graph,
    calibration: Mapping[str, NDArray[Any]],
    data: Dataset | None,
    multipliers: int,
    device: str | None = None,
) -> Figures:
    """Quantize with the defaults, schedule, and count; `graph` is as it was read, before passes.

    With a device it is synthesized too. UsageError for a network that states its own formats.
    """
    folded = standard_passes(graph)
    if is_fixed(folded.operators):
        refuse_options(folded, None, calibrated=True)
    integer = quantize(folded, calibration)
    lowered, schedule = plan_hardware(integer, Target(multipliers=multipliers))
    compared = None if data is None or data.labels is None else compare(folded, integer, data, timed=False)
    counts = None if device is None else _counts(lowered, schedule, device)
    summary = summarize(graph)
    return Figures(
        None if compared is None else compared.float_top1,
        None if compared is None else compared.integer_top1,
        summary.parameters,
        summary.macs,
        scheduled_rom_bits(lowered, schedule),
        schedule.multipliers,
        schedule.prediction.interval,
        None if counts is None else counts.lut,
        None if counts is None else counts.bram,
    )


def _counts(lowered: IntegerGraph, schedule: Schedule, device: str) -> Counts:
    """The resources that the network's Verilog takes on a device."""
    with tempfile.TemporaryDirectory(prefix="fpgaq-") as folder:
        hardware = Path(folder) / "hardware"
        write_folder(hardware, print_design(design_of(lowered, schedule)))
        return synthesize(hardware, device, seeds=0, layers=False).counts


def table_rows(before: Figures, after: Figures) -> list[tuple[str, str, str, str]]:
    """Rows of a table: name, before, after, and the share that is left."""
    rows = []
    for label, name in (("float top-1", "float_top1"), ("8-bit top-1", "integer_top1")):
        old, new = getattr(before, name), getattr(after, name)
        if old is not None and new is not None:
            rows.append((label, percent(old), percent(new), f"{100 * (new - old):+.2f} points"))
    counted: Sequence[tuple[str, str]] = (
        ("parameters", "parameters"),
        ("multiplications a frame", "macs"),
        ("ROM bits", "rom_bits"),
        ("multipliers", "multipliers"),
        ("cycles a frame", "interval"),
        ("LUTs", "lut"),
        ("block RAMs", "bram"),
    )
    for label, name in counted:
        old, new = getattr(before, name), getattr(after, name)
        if old is not None and new is not None:
            rows.append((label, f"{old:,}", f"{new:,}", f"{new / old:.3f}" if old > 0 else "-"))
    return rows
