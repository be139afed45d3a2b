"""The command that makes images of weights: image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from ..base.text import printable
from .parameters import Argument, Option, command
from .settings import Settings


@dataclass(frozen=True, kw_only=True)
class ImageOptions:
    """The options of `fpgaq image`."""

    integer: Annotated[str, Argument("FPGAQ")]
    directory: Annotated[str, Option("The hardware that is to load them.", "--for", metavar="DIR")]
    output: Annotated[str, Option("The file to write.", "-o", "--output", metavar="FILE")]


@command(ImageOptions, "fpgaq image finetuned.fpgaq --for out -o finetuned.bin")
def image(settings: Settings, options: ImageOptions) -> None:
    """Write the weights of a network for hardware that loads them.

    DIR is what `fpgaq generate --bus 32 --weights loadable` or `fpgaq bitstream` wrote, of a network of the same
    layers, shapes and formats; the first difference is named otherwise.
    """
    from .. import pipeline

    with settings.progress("writing an image of weights"):
        result = pipeline.image(options.integer, options.directory, options.output)
    lines = [
        f"{result.words:,} words for cores of the identity {result.identity}; network {result.digest[:12]}...",
        f"written: {printable(str(result.file))} ({result.bytes:,} bytes)",
    ]
    settings.show(lines, result.as_json())
