"""The stages of unrolled networks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..integer_graph import IntegerGraph
from .hardware import NETWORK_FILE, bench_inputs, with_bench
from .models import load_integer
from .samples import Samples, check_frames, input_integers, user_data

if TYPE_CHECKING:
    from ..unrolled import UnrolledPlan, Unrolling


@dataclass(frozen=True)
class UnrollResult:
    """What `unroll` wrote.

    Parameters
    ----------
    directory : Path
    plan : UnrolledPlan
        The adder graphs, carry chains and registers of every layer.
    digest : str
        SHA-256 of the integer network.
    files : tuple of str
        Paths inside the folder.
    """

    directory: Path
    plan: UnrolledPlan
    digest: str
    files: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Plain values for `--json`."""
        plan = self.plan
        return {
            "directory": str(self.directory),
            "digest": self.digest,
            "interval_cycles": 1,
            "latency_cycles": plan.latency,
            "stages": plan.stages,
            "chain_tables": plan.tables,
            "layers": [
                {
                    "name": layer.operator,
                    "additions": layer.graph.additions,
                    "sums": len(layer.graph.sums),
                    "chains": len(layer.program.chains),
                    "levels": layer.program.depth,
                    "stages": layer.stages,
                    "chain_tables": layer.program.tables,
                }
                for layer in plan.layers
            ],
            "files": list(self.files),
        }


def unroll(
    integer: IntegerGraph | str | Path,
    directory: str | Path,
    unrolling: Unrolling | None = None,
    *,
    data: Samples | None = None,
    frames: int | None = None,
) -> UnrollResult:
    """Write a small network as logic without multipliers that takes a frame in every cycle, with its bench.

    Parameters
    ----------
    integer : IntegerGraph, str or Path
        A chain of affine layers.
    directory : str or Path
        As for `generate`.
    unrolling : Unrolling, optional
        How many registers: by default one behind every two carry chains.
    data, frames
        As for `generate`.

    Raises
    ------
    UnsupportedError
        A network that is no chain of affine layers.
    FitError, UsageError
        As `generate`.
    """
    from ..emit.unrolled import emit_unrolled
    from ..emit.write import check_folder, write_folder
    from ..integer_file import digest, dump
    from ..unrolled import Unrolling, plan_network

    check_folder(directory)
    check_frames(frames)
    network = integer if isinstance(integer, IntegerGraph) else load_integer(integer)
    plan = plan_network(network, unrolling or Unrolling())
    files = with_bench(network, emit_unrolled(network, plan), bench_inputs(network, data, frames))
    files[NETWORK_FILE] = dump(network)
    write_folder(directory, files)
    return UnrollResult(Path(directory), plan, digest(network), tuple(sorted(files)))


def cheapen(
    integer: IntegerGraph | str | Path,
    calibration: Samples,
    bound: float,
    *,
    output: str | Path | None = None,
) -> IntegerGraph:
    """Choose weights of fewer signed digits, so that the unrolled network takes less logic.

    Parameters
    ----------
    integer : IntegerGraph, str or Path
    calibration : Samples
        Training samples in the model's own units; labels are left aside.
    bound : float
        Error allowed to each layer, relative to its accumulators' standard deviation; 0.01 to 0.05 are sensible.
    output : str or Path, optional
        Where to save the network as a .fpgaq file too.

    Raises
    ------
    UsageError
        A bound that is not positive.
    UnsupportedError
        A network without affine layers.
    """
    from ..emit.write import check_file
    from ..integer_file import save
    from ..unrolled.cheapen import cheapen as cheapen_graph

    if output is not None:
        check_file(output)
    network = integer if isinstance(integer, IntegerGraph) else load_integer(integer)
    cheap = cheapen_graph(network, input_integers(network, user_data(network, calibration)), bound)
    if output is not None:
        save(cheap, output)
    return cheap
