"""Every stage once and in order."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..base.errors import ToolError, UsageError
from ..base.remarks import note
from ..base.results import Result
from ..hardware.schedule import Target
from ..integer.graph import IntegerGraph
from ..model.graph import Graph
from ..quantizer.config import QuantizeOptions
from .hardware import GenerateResult, generate
from .models import load_model
from .quantizing import compare, quantize
from .reporting import gather, write_report
from .samples import Samples
from .simulating import simulate

if TYPE_CHECKING:
    from ..hardware.emit.wrap import Wish
    from ..proof.simulate import SimulationResult
    from ..study.report.comparison import Comparison


@dataclass(frozen=True, repr=False)
class BuildResult(Result):
    """Everything that `build` made and measured."""

    graph: Graph
    integer: IntegerGraph
    compared: Comparison | None
    generated: GenerateResult
    simulated: SimulationResult
    report: tuple[str, ...] = ()
    """Paths of the page and its JSON."""

    def as_json(self) -> dict[str, Any]:
        """Plain values of all stages but the networks."""
        return {
            "generate": self.generated.as_json(),
            "simulate": self.simulated.to_dict(),
            "compare": self.compared.as_json() if self.compared else None,
        }

    def headline(self) -> str:
        """The accuracies and the simulation's verdict, in one line."""
        return "; ".join(part.headline() for part in (self.compared, self.simulated) if part)

    def records(self) -> list[dict[str, Any]]:
        """A row for each layer of the hardware."""
        return self.generated.records()


def build(
    model: str | Path,
    calibration: Samples | None,
    data: Samples | None,
    directory: str | Path,
    options: QuantizeOptions | None = None,
    target: Target | None = None,
    *,
    network: str | None = None,
    refuse_batch_statistics: bool = False,
    input_shapes: Mapping[str, Sequence[int]] | None = None,
    outputs: Sequence[str] | None = None,
    inputs: Sequence[str] | None = None,
    frames: int | None = None,
    device: str | None = None,
    simulator: str = "icarus",
    keep: Collection[str] = (),
    wish: Wish | None = None,
    input_range: tuple[float, float] | None = None,
    clock: float | None = None,
    progress: Callable[[str], None] = lambda stage: None,
) -> BuildResult:
    """All stages in a row. Parameters are those of the stages.

    `data` is labelled; its first `frames` samples (8 by default) become the golden vectors. `progress` is called with
    the name of each stage before it begins. `input_range` is in place of `calibration` and `data`, which are None then:
    nothing is compared, and the result is marked as an estimate. `clock`, in MHz, tells the frames a second.
    """
    if (input_range is None) is (calibration is None or data is None) or (input_range and data is not None):
        raise UsageError("calibration samples and labelled samples are needed, or --input-range in place of both")
    from ..base.output import check_folder
    from ..model.passes import standard_passes

    if wish is not None:
        wish.check()
    check_folder(directory, keep)
    progress("reading the model")
    source = load_model(
        model,
        network,
        passes=False,
        refuse_batch_statistics=refuse_batch_statistics,
        input_shapes=input_shapes,
        outputs=outputs,
        inputs=inputs,
    )
    graph = standard_passes(source)
    progress("quantizing")
    integer = quantize(graph, calibration, options, input_range=input_range)
    compared = None
    if data is not None:
        progress("comparing integer with float")
        compared = compare(graph, integer, data, source=source)
    progress("generating hardware")
    generated = generate(
        integer,
        directory,
        target,
        data=data,
        frames=frames,
        device=device,
        keep=keep,
        wish=wish,
        progress=progress,
    )
    progress("simulating")
    simulated = simulate(directory, simulator=simulator, progress=progress)
    progress("writing the report")
    report = gather(directory, None if data is None else model, data, clock=clock, compared=compared)
    try:
        written = write_report(report, directory)
    except ToolError as error:
        note(f"no page was written: {error}")
        written = write_report(report, directory, form="json")
    return BuildResult(graph, integer, report.compared or compared, generated, simulated, tuple(written))
