"""The command that writes integer networks for other programs: export."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from ..base.text import printable
from .parameters import Argument, Option, command
from .settings import Settings


@dataclass(frozen=True, kw_only=True)
class ExportOptions:
    """The options of `fpgaq export`."""

    integer: Annotated[str, Argument("FPGAQ")]
    output: Annotated[str, Option("The .onnx file to write.", "-o", metavar="ONNX")]
    format: Annotated[
        Literal["qdq", "qonnx"],
        Option("QuantizeLinear and DequantizeLinear, or the Quant nodes of Brevitas and QKeras."),
    ] = "qdq"


@command(ExportOptions, "fpgaq export model.fpgaq -o model.onnx --format qdq")
def export(settings: Settings, options: ExportOptions) -> None:
    """Write an integer network as standard ONNX.

    The model takes the network's input integers (qonnx: the real values that they stand for) and gives the real values
    of its outputs. onnxruntime computes exactly the network's integers.
    """
    from .. import pipeline

    with settings.progress("writing ONNX"):
        size = pipeline.export(options.integer, options.output, options.format)
    settings.show(
        [f"written: {printable(options.output)} ({size:,} bytes)"],
        {"output": options.output, "format": options.format, "bytes": size},
    )
