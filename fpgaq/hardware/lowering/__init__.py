"""The integer network in the form that hardware computes fastest: the same integers, fewer products.

A lowered network is an ordinary one. Its inputs and outputs, and every tensor that keeps its name, hold the same values
as before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ...integer.check import check
from ...integer.graph import IntegerConvolution, IntegerGraph, IntegerOperator, IntegerUpsample
from .columns import TOGETHER, can_merge, merged_kernel, with_merged_columns
from .outputs import can_divide, with_divided_outputs
from .phases import Piece, in_phases
from .scales import with_plain_requantizers
from .shuffles import FEWEST_BITS, HELD_BITS, MOST_BITS, with_wired_shuffles

__all__ = [
    "FEWEST_BITS",
    "MOST_BITS",
    "TOGETHER",
    "can_divide",
    "can_merge",
    "lower",
    "merged_kernel",
    "with_divided_outputs",
    "with_merged_columns",
    "with_plain_requantizers",
]


def lower(graph: IntegerGraph, wires: int = HELD_BITS, zero_lanes: bool = True) -> IntegerGraph:
    """Requantizers that multiply as factors (`fpgaq.hardware.lowering.scales`), transposed convolutions as a
    convolution for each phase of their output (`fpgaq.hardware.lowering.phases`), shuffles of channels as wires
    (`fpgaq.hardware.lowering.shuffles`).

    Parameters
    ----------
    graph : IntegerGraph
    wires : int
        Bits of channels that may be put in order by wires together; 0 for HLS C++, which has a beat at a time.
    zero_lanes : bool
        Whether lanes of a beat that no channel fills hold zeros whatever limits results are held to. Where limits are
        loaded they need not: such lanes stay inside the core, and nothing there reads them.

    Returns
    -------
    IntegerGraph
        `graph` itself where nothing changes.
    """
    lowered = with_plain_requantizers(graph, zero_lanes)
    if lowered is not graph:
        graph = check(lowered)
    if wires and (shuffled := with_wired_shuffles(graph, wires)) is not graph:
        graph = check(shuffled)
    spreads = {op.output: op for op in graph.operators if isinstance(op, IntegerUpsample) and op.zeros}
    readers: dict[str, list[IntegerOperator]] = {}
    for op in graph.operators:
        for name in op.inputs:
            readers.setdefault(name, []).append(op)
    replaced: dict[str, tuple[Piece, ...]] = {}
    for name, spread in spreads.items():
        (layer, *others) = readers.get(name, [spread])
        if isinstance(layer, IntegerConvolution) and not others and name not in graph.outputs:
            pieces = in_phases(spread, layer, graph)
            if pieces and not _known(pieces[:-1], graph):
                replaced |= {spread.name: (), layer.name: pieces}
    if not replaced:
        return graph
    tensors = {name: graph.tensors[name] for name in graph.inputs}
    operators: list[IntegerOperator] = []
    for op in graph.operators:
        for written, tensor in replaced.get(op.name, ((op, graph.tensors[op.output]),)):
            operators.append(written)
            tensors[tensor.name] = tensor
    return check(replace(graph, operators=tuple(operators), tensors=tensors))


def _known(pieces: Sequence[Piece], graph: IntegerGraph) -> bool:
    """Whether a name that a piece would have is taken: then the layer stays as it is."""
    layers = {op.name for op in graph.operators}
    return any(op.name in layers or tensor.name in graph.tensors for op, tensor in pieces)
