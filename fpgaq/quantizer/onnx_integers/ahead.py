"""What stands after a tensor in a quantized ONNX model: its quantizer, or an output of real numbers."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from ...base.errors import ModelError, UnsupportedError
from ...model.importers.onnx.builder import Node
from . import qonnx
from .conversion import Conversion
from .reading import FORMATS, grid
from .values import Grid

KEEPING = (
    *("Clip", "Concat", "Dropout", "Flatten", "GlobalMaxPool", "Identity", "MaxPool", "Relu", "Reshape", "Squeeze"),
    *("Transpose", "Unsqueeze"),
)
"""Operators whose result is the same whether their input or their output is rounded onto a grid."""
LINEAR = ("QuantizeLinear", "com.microsoft.QuantizeLinear")
DEQUANTIZE = ("DequantizeLinear", "com.microsoft.DequantizeLinear")
QUANT = tuple(f"{domain}.Quant" for domain in qonnx.DOMAINS)
ROUNDING = (*LINEAR, *DEQUANTIZE, *QUANT, *(f"{domain}.Trunc" for domain in qonnx.DOMAINS))
WEIGHTED = ("Conv", "Gemm", "MatMul", "ConvInteger", "MatMulInteger")


def grids_ahead(owner: Conversion, nodes: Sequence[Node], outputs: Collection[str]) -> dict[str, Grid]:
    """The grid of each tensor that all of its readers round onto, at once or after operators that keep values."""
    readers: dict[str, list[Node]] = {}
    for node in nodes:
        for name in node.inputs:
            readers.setdefault(name, []).append(node)
    found: dict[str, Grid] = {}
    for node in reversed(nodes):
        for name in (*node.outputs, *node.inputs):
            if name in found or name in outputs or name in owner.constants or name not in readers:
                continue
            grids = [
                _grid_of(owner, reader, found) if reader.inputs[0] == name or reader.type == "Concat" else None
                for reader in readers[name]
            ]
            if None not in grids and len(set(grids)) == 1:
                found[name] = grids[0]  # type: ignore[assignment]
    return found


def _grid_of(owner: Conversion, node: Node, found: Mapping[str, Grid]) -> Grid | None:
    if node.type in KEEPING:
        return found.get(node.outputs[0]) if node.outputs else None
    try:
        if node.type in LINEAR:
            return grid(owner.call(node), 1, 2, FORMATS["uint8"])
        return qonnx.stated_grid(owner.call(node)) if node.type in QUANT else None
    except (ModelError, UnsupportedError):
        # The node's own conversion says what is wrong with it.
        return None


def unrounded(nodes: Sequence[Node], outputs: Collection[str]) -> set[str]:
    """The tensors that reach an output without a quantizer or a layer with weights in between."""
    found = set(outputs)
    for node in reversed(nodes):
        if found.intersection(node.outputs) and node.type not in (*ROUNDING, *WEIGHTED):
            found.update(node.inputs)
    return found
