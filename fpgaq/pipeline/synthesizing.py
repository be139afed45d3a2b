"""The stage that counts what hardware takes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from .build_record import record_synthesis
from .simulating import note_estimate

if TYPE_CHECKING:
    from ..hardware.synth import SynthResult


def synthesize(
    directory: str | Path,
    device: str = "xc7",
    *,
    seeds: int = 5,
    layers: bool = True,
    timeout: float = 1800.0,
    netlist: str | Path | None = None,
    progress: Callable[[str], None] = lambda stage: None,
) -> SynthResult:
    """Count what a generated folder takes on a device, with Yosys, and find its clock with nextpnr.

    Parameters
    ----------
    directory : str or Path
        What `generate` wrote.
    device : str
        One of `fpgaq.hardware.synth.DEVICES`.
    seeds : int
        Runs of nextpnr; 0 for counts only.
    layers : bool
        Count each layer too.
    timeout : float
        Seconds for each run of a tool.
    netlist : str or Path, optional
        A file for the design's cells in JSON, as nextpnr takes them.
    progress : callable
        Called with what is being done.

    Raises
    ------
    FitError
        A design that nextpnr cannot place or route.
    ToolError
        A tool that is missing, crashed or did not finish.
    """
    from ..hardware.synth import synthesize as synthesize_folder

    note_estimate(directory)
    result = synthesize_folder(
        Path(directory), device, seeds=seeds, layers=layers, timeout=timeout,
        netlist=None if netlist is None else Path(netlist), progress=progress,
    )  # fmt: skip
    record_synthesis(Path(directory), result.as_json())
    return result
