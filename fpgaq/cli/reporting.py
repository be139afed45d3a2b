"""The command that writes all that is known about an output folder as one page: report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from ..base.errors import UsageError
from ..base.text import printable
from .options import ArrayOptions, ModelOptions
from .parameters import Argument, Option, command
from .settings import Settings


@dataclass(frozen=True, kw_only=True)
class ReportOptions:
    """The options of `fpgaq report`."""

    directory: Annotated[str, Argument("DIR")]
    model: Annotated[
        str | None,
        Option("The trained model, for the comparison of float with integer.", metavar="FILE", needs=("test",)),
    ] = None
    test: Annotated[
        str | None, Option("Labelled samples, or with targets of the outputs.", metavar="NPZ", needs=("model",))
    ] = None
    samples: ArrayOptions
    output: Annotated[
        str | None, Option("The file to write; by default report.html and report.json in DIR.", "-o", metavar="FILE")
    ] = None
    form: Annotated[
        Literal["html", "md", "json"],
        Option("A page with its JSON beside it, Markdown for a README, or the JSON alone.", "--format"),
    ] = "html"
    clock: Annotated[
        float | None, Option("Clock in MHz for frames a second; by default what synth found.", metavar="MHZ")
    ] = None
    reading: ModelOptions


@command(ReportOptions, "fpgaq report out --model model.nnp --test test.npz")
def report(settings: Settings, options: ReportOptions) -> None:
    """Write all that is known about DIR as one page.

    DIR is what `fpgaq generate` wrote. The page needs no network, and a JSON beside it holds every number of it. What
    was not measured is told as such: without --model and --test the page says what it cannot show.
    """
    clock = options.clock
    if clock is not None and not 0 < clock < float("inf"):
        raise UsageError(f"--clock {clock:g} must be above 0 and finite")
    from ..pipeline.reporting import gather, write_report

    model = options.model
    with settings.progress("reading the folder") as progress:
        result = gather(
            options.directory,
            model,
            options.samples.optional(options.test),
            clock=clock,
            load=None if model is None else lambda passes: options.reading.load(model, passes=passes),
            progress=progress,
        )
        progress("writing the report")
        files = write_report(result, options.directory, options.output, options.form)
    verdict = result.verdict
    lines = [f"{verdict.words}: {printable(verdict.reason)}", *(f"written: {printable(path)}" for path in files)]
    facts = {"state": verdict.state, "words": verdict.words, "reason": verdict.reason}
    settings.show(lines, {"files": files, "verification": facts})
