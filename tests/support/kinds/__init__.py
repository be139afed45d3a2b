"""What exporters and people write, kind by kind: generators over shapes, axes, opsets and attributes.

``python -m tests.support.kinds`` runs them all and prints how many members of each kind are read, agree with
onnxruntime (or nnabla), are quantized and simulated.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from .drawing import Draw, Member


def kinds() -> Mapping[str, Callable[[Draw], Member]]:
    """All kinds of ONNX models by name: the function that draws a member."""
    from . import batches, constants, endings, functions, inputs, layers, moves

    return {
        **functions.KINDS,
        **moves.KINDS,
        **layers.KINDS,
        **inputs.KINDS,
        **endings.KINDS,
        **constants.KINDS,
        **batches.KINDS,
    }


MEMBERS = 24
"""Members of a kind that are drawn, seeds 0, 1, 2, ..."""

__all__ = ["MEMBERS", "Draw", "Member", "kinds"]
