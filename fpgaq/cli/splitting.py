"""The command that takes a model apart: split."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from ..base.tables import columns
from ..base.text import percent, printable, shorten
from .options import Folder, NetworkOptions
from .parameters import Argument, command
from .settings import Settings


@dataclass(frozen=True, kw_only=True)
class SplitOptions:
    """The options of `fpgaq split`."""

    model: Annotated[str, Argument()]
    output: Folder
    reading: NetworkOptions


@command(SplitOptions, "fpgaq split model.onnx -o parts", tables=True)
def split(settings: Settings, options: SplitOptions) -> None:
    """Write the part of MODEL that is carried, and the rest for the host.

    DIR gets hardware.onnx, the largest part that is carried, before.onnx and after.onnx for onnxruntime, and
    run_split.py, which runs them in a row.
    """
    from .. import pipeline

    with settings.progress("looking for the largest part") as progress:
        result = pipeline.split(
            options.model,
            options.output,
            input_shapes=options.reading.input_shapes(),
            outputs=options.reading.output_names(),
            inputs=options.reading.input_names(),
            progress=progress,
        )
    rows = [
        (f"{name}.onnx", part.layers, part.products, ", ".join(map(shorten, part.inputs)),
         ", ".join(map(shorten, part.outputs)))
        for name, part in result.named.items()
    ]  # fmt: skip
    lines = columns(("part", "layers", "products", "from", "to"), rows)
    lines += [f"not carried: {printable(reason)}" for reason in result.parts.refused.values()]
    lines.append(f"{percent(result.parts.share)} of {result.parts.products:,} products in hardware")
    lines.append(f"written: {printable(options.output)}")
    settings.show(lines, {**result.as_json(), "directory": options.output})
