"""The command that makes packages of other tools: package."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import click

from ..base.choices import PACKAGE_TOOLS
from ..base.text import printable
from .parameters import Argument, Option, command
from .settings import Settings


@dataclass(frozen=True, kw_only=True)
class PackageOptions:
    """The options of `fpgaq package`."""

    directory: Annotated[str, Argument("DIR")]
    tool: Annotated[str, Option("The tool that is to read the package.", "--for", kind=click.Choice(PACKAGE_TOOLS))]
    output: Annotated[
        str | None, Option("The folder to write.  [default: DIR with the tool's name at its end]", "-o", metavar="DIR")
    ] = None


@command(PackageOptions, "fpgaq package out --for fusesoc -o eye")
def package(settings: Settings, options: PackageOptions) -> None:
    """Make a core behind a bus a package of another tool.

    DIR is what `fpgaq generate --bus` wrote. The package holds its Verilog, a README, a bench for any simulator,
    drivers in C and Python, and what the tool wants to read.
    """
    from .. import pipeline

    with settings.progress(f"packaging for {options.tool}"):
        result = pipeline.package(options.directory, options.tool, options.output)
    count = len(result.files)
    settings.show(
        [
            f"{result.top} for {result.tool}; README.md in the folder says how to use it",
            f"written: {printable(str(result.directory))} ({count:,} files)",
        ],
        result.as_json(),
    )
