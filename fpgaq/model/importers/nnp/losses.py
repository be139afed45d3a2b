"""Losses at the end of a training network: only the network before them is read."""

from __future__ import annotations

from .network import NnpNetwork, Node

LOSSES = frozenset(
    ("AbsoluteError", "BinaryCrossEntropy", "CategoricalCrossEntropy", "EpsilonInsensitiveLoss", "HuberLoss")
    + ("KLMultinomial", "SigmoidCrossEntropy", "SoftmaxCrossEntropy", "SquaredError", "TripletMarginLoss")
    + ("BinaryError", "TopNError")
)
BEHIND = frozenset({"Mean", "Sum", "MulScalar", "AddScalar", "Reshape", "Identity"})
"""Functions that may stand between a loss and the output."""


def before_losses(network: NnpNetwork, outputs: tuple[str, ...]) -> tuple[tuple[str, ...], list[str]]:
    """The outputs, that of a loss replaced by what the loss compares with the target, and notes that say so."""
    writers = {name: node for node in network.nodes for name in node.outputs}
    kept: dict[str, None] = {}
    notes = []
    for name in outputs:
        loss = _loss(name, writers)
        if loss is None or loss.inputs[0] not in writers:
            kept[name] = None
            continue
        kept[loss.inputs[0]] = None
        notes.append(f"layer {loss.name!r} ({loss.type}): the loss is cut off; the output is {loss.inputs[0]!r}")
    return tuple(kept), notes


def _loss(name: str, writers: dict[str, Node]) -> Node | None:
    node = writers.get(name)
    while node is not None and node.type in BEHIND and node.inputs:
        node = writers.get(node.inputs[0])
    return node if node is not None and node.type in LOSSES and node.inputs else None
