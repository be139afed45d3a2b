"""The layers that a network's outputs need, producers first, for every format of files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, TypeVar

from ...base.errors import ModelError

MAX_LISTED = 8
"""Names that a message shows."""


class Layer(Protocol):
    """The name of a node or a function in its file."""

    @property
    def name(self) -> str:
        """Its name, which no other has."""

    @property
    def inputs(self) -> tuple[str, ...]:
        """The tensors that it reads."""


AnyLayer = TypeVar("AnyLayer", bound=Layer)


def producers_first(network: str, producer: Mapping[str, AnyLayer], outputs: Sequence[str]) -> list[AnyLayer]:
    """The layers that some tensors need, in an order in which each can be computed.

    Parameters
    ----------
    network : str
        For messages.
    producer : mapping of str to layer
        Who writes each tensor that some layer writes.
    outputs : sequence of str
        Tensors that some layer writes.

    Raises
    ------
    ModelError
        A cycle, which the message prints.
    """
    order: list[AnyLayer] = []
    done: set[str] = set()
    path: dict[str, None] = {}
    stack = [(producer[name], False) for name in reversed(outputs)]
    while stack:
        layer, finished = stack.pop()
        if finished:
            path.pop(layer.name)
            done.add(layer.name)
            order.append(layer)
            continue
        if layer.name in done:
            continue
        path[layer.name] = None
        stack.append((layer, True))
        for above in (producer[name] for name in reversed(layer.inputs) if name in producer):
            if above.name in path:
                members = list(path)[list(path).index(above.name) :]
                raise ModelError(f"network {network!r} has a cycle: {_cycle(members)}")
            if above.name not in done:
                stack.append((above, False))
    return order


def _cycle(backwards: list[str]) -> str:
    names = [backwards[0], *reversed(backwards)]
    shown = names if len(names) <= 2 * MAX_LISTED else [*names[:MAX_LISTED], "...", *names[-MAX_LISTED:]]
    return " -> ".join(name if name.isprintable() else repr(name) for name in shown)


def shown_names(names: Sequence[str]) -> str:
    """Names for a message, the first few of many."""
    shown = ", ".join(repr(name) for name in names[:MAX_LISTED])
    return shown if len(names) <= MAX_LISTED else f"{shown} and {len(names) - MAX_LISTED} more"
