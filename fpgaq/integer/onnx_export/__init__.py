"""An integer network as standard ONNX: QuantizeLinear and DequantizeLinear (QDQ), or Quant nodes (QONNX)."""

from __future__ import annotations

from ..graph import IntegerGraph
from .operators import write_operator
from .writer import FORMS, Writer

__all__ = ["FORMS", "to_onnx"]


def to_onnx(graph: IntegerGraph, form: str = "qdq") -> bytes:
    """The bytes of an .onnx file that computes the network's integers.

    Parameters
    ----------
    graph : IntegerGraph
        Of powers of two, as fpgaq's own quantizer makes it.
    form : {"qdq", "qonnx"}

    Raises
    ------
    UnsupportedError
        An operator, rounding or format without an equal in ONNX, by the name of its layer.
    FitError
        Accumulators beyond those that float32 arithmetic computes exactly.
    """
    writer = Writer(graph, form)
    for op in graph.operators:
        write_operator(writer, op)
    return writer.finish()
