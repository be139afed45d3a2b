"""Integer networks for other programs."""

from __future__ import annotations

from pathlib import Path

from ..base.errors import UsageError
from ..integer.graph import IntegerGraph
from .models import load_integer


def export(integer: IntegerGraph | str | Path, output: str | Path, form: str = "qdq") -> int:
    """Write an integer network as standard ONNX, and tell how many bytes it has.

    Parameters
    ----------
    integer : IntegerGraph, str or Path
    output : str or Path
        The .onnx file.
    form : {"qdq", "qonnx"}
        With QuantizeLinear and DequantizeLinear, or with the Quant nodes of QONNX.

    Raises
    ------
    UnsupportedError
        A layer that ONNX cannot state exactly, by its name.
    FitError
        Accumulators beyond those that float32 arithmetic computes exactly.
    UsageError
        A file that cannot be written, or whose name does not end in .onnx.
    """
    from ..base.output import check_file, write_file
    from ..integer.onnx_export import to_onnx

    if Path(output).suffix.lower() != ".onnx":
        raise UsageError(f"{output}: an ONNX file is written; its name must end in .onnx")
    check_file(output)
    network = integer if isinstance(integer, IntegerGraph) else load_integer(integer)
    content = to_onnx(network, form)
    write_file(output, content)
    return len(content)
