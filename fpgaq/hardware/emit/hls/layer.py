"""An operator with everything that its text is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ....integer.graph import Tensor
from .wiring import LayerFold


@dataclass(frozen=True)
class Layer:
    """An operator's place in the network.

    Parameters
    ----------
    index : int
        Its number in the graph.
    label : str
        Its name, fit for a comment.
    tensors : mapping of str to Tensor
    fold : LayerFold
    sources : tuple of str
        Variables of the streams that it reads.
    sink : str
        Variable of the stream that it writes.
    """

    index: int
    label: str
    tensors: Mapping[str, Tensor]
    fold: LayerFold
    sources: tuple[str, ...]
    sink: str

    @property
    def struct(self) -> str:
        """The name of its struct of constants."""
        return f"Layer{self.index:02d}"
