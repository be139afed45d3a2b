"""The stage that proves hardware by simulation."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ..base.errors import FpgaqError
from ..base.regular import read_text
from ..integer.graph import IntegerGraph
from ..integer.inputs import transform_data
from .hardware import NETWORK_FILE
from .models import load_integer
from .samples import Samples, check_frames, user_data

if TYPE_CHECKING:
    from ..proof.simulate import SimulationResult


def simulate(
    directory: str | Path,
    *,
    frames: int | None = None,
    data: Samples | None = None,
    simulator: str = "icarus",
    thorough: bool = False,
    weights: IntegerGraph | str | Path | None = None,
    jobs: int | None = 1,
    dask: str | None = None,
    waves: str | Path | None = None,
    activity: str | Path | None = None,
    progress: Callable[[str], None] = lambda stage: None,
) -> SimulationResult:
    """Run the bench of a generated folder and hold every beat against the reference.

    Parameters
    ----------
    directory : str or Path
        What `generate` wrote.
    frames : int, optional
        How many frames of data; by default all that the folder's vectors hold.
    data : Samples, optional
        Other frames than those of the folder's own vectors, in the model's units.
    simulator : {"icarus", "verilator"}
    thorough : bool
        Add as many chosen frames as are needed to exercise every weight that can be.
    weights : IntegerGraph, str or Path, optional
        Where the folder's hardware loads its weights: a network whose weights it is to load instead of its own.
    jobs : int or None
        Processes among which the frames of ``simulator="verilator"`` are divided; None takes one per processor.
    dask : str, optional
        Address of a Dask scheduler whose workers simulate instead.
    waves : str or Path, optional
        A file for every signal as FST, with Icarus; view files for GTKWave and Surfer are written beside it.
    activity : str or Path, optional
        A file for the toggles of every net as SAIF, which tools that estimate power read, with
        ``simulator="verilator"``; the result has their sums for each module.
    progress : callable
        Called with what is being done, and how many tests are done.

    Raises
    ------
    VerificationError
        A beat or a cycle count that differs; the message names the first divergent layer.
    ToolError
        A simulator that is missing, too old, crashed or did not finish.
    """
    from ..proof.simulate import simulate as simulate_folder
    from ..proof.spread import Workers
    from ..study.report.remarks import remark_inputs

    check_frames(frames)
    note_estimate(directory)
    arrays, loaded = None, None
    if weights is not None:
        from ..proof.folder import check_digests, read_manifest
        from .images import weights_for

        manifest = read_manifest(Path(directory))
        check_digests(Path(directory), manifest)
        loaded = weights_for(Path(directory), manifest, weights)
    if data is not None:
        network = loaded.network if loaded is not None else load_integer(Path(directory) / NETWORK_FILE)
        arrays = user_data(network, data).slice(0, frames).inputs
        remark_inputs(network, transform_data(network, arrays))
    return simulate_folder(
        Path(directory), frames=frames, data=arrays, simulator=simulator, thorough=thorough, progress=progress,
        loaded=loaded, workers=Workers(jobs, dask), waves=waves, activity=activity,
    )  # fmt: skip


def note_estimate(directory: str | Path) -> None:
    """Note that a folder's network was quantized without data; whether the folder is sound is for others to say."""
    from ..study.report.remarks import remark_estimate

    try:
        interface = json.loads(read_text(Path(directory) / "interface.json", "interface.json"))
    except (OSError, ValueError, FpgaqError):
        return
    remark_estimate(isinstance(interface, dict) and interface.get("estimate_only") is True)
