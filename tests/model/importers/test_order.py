"""The order of a network's layers, whatever file they come from."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from fpgaq.base.errors import ModelError
from fpgaq.model.importers.order import producers_first, shown_names


@dataclass(frozen=True)
class Layer:
    name: str
    inputs: tuple[str, ...]


def producers(**inputs: tuple[str, ...]) -> dict[str, Layer]:
    """Layers that each write the tensor of their own name."""
    return {name: Layer(name, names) for name, names in inputs.items()}


def test_producers_come_first_and_only_what_is_needed() -> None:
    layers = producers(d=("b", "c"), b=("a",), c=("a", "x"), a=("x", ""), unused=("a",))
    assert [layer.name for layer in producers_first("net", layers, ["d"])] == ["a", "b", "c", "d"]
    assert [layer.name for layer in producers_first("net", layers, ["c", "b"])] == ["a", "c", "b"]


def test_a_cycle_is_printed() -> None:
    layers = producers(a=("c",), b=("a",), c=("b",))
    with pytest.raises(ModelError, match=r"^network 'net' has a cycle: a -> b -> c -> a$"):
        producers_first("net", layers, ["a"])
    with pytest.raises(ModelError, match=r"has a cycle: a -> a$"):
        producers_first("net", producers(a=("a",)), ["a"])


def test_a_long_chain_needs_no_deep_stack() -> None:
    layers = producers(**{f"l{index}": (f"l{index - 1}",) for index in range(5000)})
    assert [layer.name for layer in producers_first("net", layers, ["l4999"])][::4999] == ["l0", "l4999"]


def test_many_names_are_cut() -> None:
    assert shown_names(["a", "b"]) == "'a', 'b'"
    assert shown_names([str(index) for index in range(10)]).endswith("'7' and 2 more")
