"""The stages of unrolled networks."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..base.errors import UnsupportedError, UsageError
from ..base.results import Result
from ..integer.graph import IntegerAffine, IntegerGraph
from ..integer.inputs import transform_data
from .build_record import BUILD_FILE, build_record
from .hardware import NETWORK_FILE
from .hardware_files import bench_inputs, with_bench, wrapped_files, wrapper_of
from .models import load_integer
from .samples import Samples, check_frames, user_data

if TYPE_CHECKING:
    from ..hardware.emit.wrap import Wish, Wrapper
    from ..hardware.unrolled import UnrolledPlan, Unrolling


ENDLESS_MULTIPLIERS = 1 << 20


@dataclass(frozen=True, repr=False)
class UnrollResult(Result):
    """The result of `unroll`.

    Parameters
    ----------
    directory : Path
    plan : UnrolledPlan
        The adder graphs, carry chains and registers of every layer.
    digest : str
        SHA-256 of the integer network.
    files : tuple of str
        Paths inside the folder.
    wrapper : Wrapper, optional
        What is around the core, with the cycles at its ports.
    """

    directory: Path
    plan: UnrolledPlan
    digest: str
    files: tuple[str, ...]
    wrapper: Wrapper | None = None

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
            "table_inputs": plan.table_inputs,
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
            "wrapper": self.wrapper.as_json() if self.wrapper else None,
            "files": list(self.files),
        }

    def headline(self) -> str:
        """The folder, the registers and the look-up tables, in one line."""
        return (
            f"{self.directory}: unrolled, a frame a cycle, latency {self.plan.latency:,} cycles, {self.plan.tables:,}"
            " LUTs of chains"
        )

    def records(self) -> list[dict[str, Any]]:
        """A row for each layer."""
        return list(self.as_json()["layers"])


def unroll(
    integer: IntegerGraph | str | Path,
    directory: str | Path,
    unrolling: Unrolling | None = None,
    *,
    data: Samples | None = None,
    frames: int | None = None,
    keep: Collection[str] = (),
    thorough: bool = False,
    wish: Wish | None = None,
) -> UnrollResult:
    """Write a small network as logic without multipliers that takes a frame in every cycle, with its bench.

    Parameters
    ----------
    integer : IntegerGraph, str or Path
        A chain of affine layers.
    directory : str or Path
        As for `generate`.
    unrolling : Unrolling, optional
        Number of registers: by default one after every two carry chains.
    data, frames, keep, thorough, wish
        As for `generate`.

    Raises
    ------
    UnsupportedError
        A network that is no chain of affine layers.
    FitError, UsageError
        As `generate`.
    """
    from ..base.output import check_folder, write_folder
    from ..hardware.emit.digests import with_digests
    from ..hardware.emit.unrolled import unrolled_design
    from ..hardware.unrolled import Unrolling, plan_network
    from ..hardware.unrolled.beats import beat_network
    from ..integer.file import digest, dump
    from ..study.report.remarks import remark_estimate

    if wish is not None:
        wish.check()
    if wish is not None and wish.loadable:
        raise UsageError("--weights loadable: --unroll makes logic of the weights; leave one of both out")
    check_folder(directory, keep)
    check_frames(frames)
    network = integer if isinstance(integer, IntegerGraph) else load_integer(integer)
    remark_estimate(network.estimate_only)
    plan = plan_network(network, unrolling or Unrolling())
    inputs = bench_inputs(network, data, frames)
    design, wrapper = unrolled_design(network, plan), None
    if wish is None:
        files = with_bench(network, design, inputs, thorough=thorough)
    else:
        wrapper = None if wish.bus is None else wrapper_of(design, beat_network(network, plan), wish)
        files = wrapped_files(network, network, design, wish, wrapper, inputs, thorough)
    files[NETWORK_FILE] = dump(network)
    result = UnrollResult(Path(directory), plan, digest(network), tuple(sorted((*files, BUILD_FILE))), wrapper)
    options = {"unroll": True, **asdict(unrolling or Unrolling()), **(asdict(wish) if wish else {})}
    files[BUILD_FILE] = build_record("verilog", options, result.as_json(), result.records())
    write_folder(directory, with_digests(files), keep)
    return result


def cheapen(
    integer: IntegerGraph | str | Path,
    calibration: Samples,
    bound: float,
    *,
    layers: Collection[str] | None = None,
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
    layers : collection of str, optional
        Names of the layers; by default those that can be built of adders: all of a chain of affine layers, else the
        convolutions that get all of their weights in every cycle where there is no end of multipliers.
    output : str or Path, optional
        Where to save the network as a .fpgaq file too.

    Raises
    ------
    UsageError
        A bound that is not positive, or a layer that the network does not have.
    UnsupportedError
        No layer of the network can be built of adders.
    """
    from ..base.output import check_file
    from ..hardware.unrolled.cheapen import cheapen as cheapen_graph
    from ..integer.file import save

    if output is not None:
        check_file(output)
    network = integer if isinstance(integer, IntegerGraph) else load_integer(integer)
    chosen = _built_of_adders(network) if layers is None else layers
    cheap = cheapen_graph(network, transform_data(network, user_data(network, calibration).inputs), bound, chosen)
    if output is not None:
        save(cheap, output)
    return cheap


def _built_of_adders(network: IntegerGraph) -> Collection[str]:
    """The layers that `unroll`, or `generate` with adders and unlimited multipliers, builds of adders."""
    from ..hardware.schedule import Target, plan_hardware

    if all(isinstance(op, IntegerAffine) for op in network.operators):
        return [op.name for op in network.operators]
    _, schedule = plan_hardware(network, Target(multipliers=ENDLESS_MULTIPLIERS, sharing=False, adders=True))
    known = {op.name for op in network.operators}
    found = [name for engine in schedule.engines if engine.adders for name in engine.layers if name in known]
    if not found:
        raise UnsupportedError(
            "no layer of the network can be built of adders; name those to choose weights for (--layer)"
        )
    return found
