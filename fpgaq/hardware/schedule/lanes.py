"""The lanes of every layer and the arrays that multiply, for a target."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from ...base.errors import FitError
from .arrays import UNREACHABLE, Array, ArraySearch, own_search, shared_search
from .folding import FoldRange, cheapest_within, folds
from .plans import Fold, Target

BUBBLE = 24
"""Cycles that a layer of a shared array is thought to wait for the one before: about the length of the pipeline."""


@dataclass(frozen=True)
class Choice:
    """What was chosen.

    Parameters
    ----------
    arrays : tuple of Array
        In the order of the network.
    folds : mapping of str to Fold
        The lanes of every layer that has any.
    interval : int
        Cycles of the slowest array or layer.
    """

    arrays: tuple[Array, ...]
    folds: dict[str, Fold]
    interval: int

    @property
    def multipliers(self) -> int:
        """Multipliers of all arrays."""
        return sum(array.multipliers for array in self.arrays)


def choose_lanes(
    layers: Sequence[FoldRange], target: Target, least_interval: int, bubble: int = 0, haste: int = 1
) -> Choice:
    """Arrays and lanes with the least interval for a budget of multipliers, or the fewest multipliers for cycles.

    Parameters
    ----------
    layers : sequence of FoldRange
        Every layer that has lanes, in the order of the network.
    target : Target
    least_interval : int
        Cycles below which no lanes help: the beats of the network's input or output.
    haste : int
        The part of the interval in which layers that don't multiply are done: arrays may wait for what these hold back.
    bubble : int
        Cycles that every layer of a shared array but its first is charged for waiting on the one before.

    Raises
    ------
    FitError
        If the target cannot be met; the message says what can.
    """
    options = {layer.operator: folds(layer) for layer in layers}
    arrays, interval = _divide(tuple(layers), target, least_interval, bubble)
    chosen = {name: fold for array in arrays for name, fold in array.folds}
    for name, choices in options.items():
        if name not in chosen:
            chosen[name] = cheapest_within(choices, max(interval // haste, choices[0][0]))
    return Choice(arrays, chosen, interval)


@lru_cache(maxsize=64)
def _divide(
    layers: tuple[FoldRange, ...], target: Target, least_interval: int, bubble: int
) -> tuple[tuple[Array, ...], int]:
    """The arrays, and the cycles of the slowest array or layer."""
    options = [(layer, folds(layer)) for layer in layers]
    fastest = max([least_interval, *(choices[0][0] for _, choices in options)])
    multiplying = [layer for layer in layers if layer.multiplies]
    own = own_search(tuple(multiplying))
    if target.cycles is not None:
        if target.cycles < fastest:
            raise FitError(
                f"a frame in {target.cycles} cycles cannot be reached: at least {fastest} cycles are needed"
                f" (with {own.fewest(fastest)} multipliers); ask for --cycles {fastest} or more"
            )
        interval = target.cycles
        most = own.fewest(interval)
        search = ArraySearch(multiplying, most, bubble, True, target.arrays == 1) if target.sharing else own
    elif target.multipliers is not None:
        _check_budget(target, len(multiplying))
        search, _ = array_search(multiplying, target, bubble)
        slowest = sum(choices[-1][0] + bubble for layer, choices in options if layer.multiplies)
        products = -(-sum(layer.macs for layer in multiplying) // target.multipliers)
        interval = _least_interval(search, target.multipliers, max(fastest, products), max(fastest, slowest))
    else:
        raise ValueError("a target names multipliers or cycles")
    needed, arrays = search.divide(interval)
    if target.multipliers is not None and needed > target.multipliers:
        raise FitError(f"{target.multipliers} multipliers are fewer than the outputs that layers must have")
    return arrays, interval


def array_search(layers: Sequence[FoldRange], target: Target, bubble: int = 0) -> tuple[ArraySearch, int]:
    """The divisions among arrays for a budget, and the multipliers that no shared one exceeds.

    Arrays of more multipliers than there are go unused: those of the next power of two serve all budgets.
    """
    assert target.multipliers is not None
    most = 1 << (target.multipliers - 1).bit_length()
    shared = shared_search(tuple(layers), most, bubble, target.arrays == 1) if target.sharing else None
    return shared or own_search(tuple(layers)), most


def _check_budget(target: Target, layers: int) -> None:
    least = min(layers, 1) if target.sharing else layers
    if target.multipliers is not None and target.multipliers < least:
        needed = f"the {least} layers that multiply, each of which needs one" if least > 1 else "the one that it takes"
        raise FitError(
            f"{target.multipliers} multipliers are fewer than {needed}; ask for --multipliers {least} or more"
        )


def _least_interval(search: ArraySearch, budget: int, low: int, high: int) -> int:
    """The least interval from `low` on for which the budget suffices; for `high` it does."""
    step = max(1, low // 64)
    while low < high:
        # The products alone take about as long: in steps that grow up to where they suffice, then by halves.
        middle = min(low + step, (low + high) // 2)
        if search.fewest(middle) <= min(budget, UNREACHABLE - 1):
            high = middle
        else:
            low, step = middle + 1, 4 * step
    return low
