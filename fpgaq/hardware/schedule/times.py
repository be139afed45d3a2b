"""Cycles of the events of a process in the beat model, and what is done with many of them at once."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

SHORT = 16
"""Events that a look ahead has to find at least."""

MOST_OMITTED = 64
"""Looks ahead that are left out at most after one that found too little."""

Times: TypeAlias = "array[int]"
"""Cycles that grow by the end: a loop adds them one by one, arithmetic on many of them copies a part."""


Leaving: TypeAlias = "Callable[[NDArray[np.int64]], NDArray[np.int64]]"
"""When results leave that have not yet, and after them some that are offered at given times; as far as known."""


class Patience:
    """When to look ahead again: after each look in vain twice as many are left out."""

    def __init__(self) -> None:
        self._omitted, self._left = 1, 0

    def is_there(self) -> bool:
        """Whether to look ahead now."""
        self._left -= 1
        return self._left < 0

    def enough(self, found: int) -> bool:
        """Whether a look ahead found enough events."""
        self._omitted = 1 if found >= SHORT else min(2 * self._omitted, MOST_OMITTED)
        self._left = self._omitted if found < SHORT else 0
        return found >= SHORT


def no_times() -> Times:
    """An empty row of times."""
    return array("q")


def part(times: Times, start: int, stop: int) -> NDArray[np.int64]:
    """A copy of the times from `start` to before `stop`, to compute with."""
    with memoryview(times) as every, every[start:stop] as some:
        return np.array(some, dtype=np.int64)


def extend(times: Times, more: NDArray[np.int64]) -> None:
    """Put many times at the end."""
    times.frombytes(np.ascontiguousarray(more, dtype=np.int64).tobytes())


def one_a_cycle(earliest: NDArray[np.int64], start: int) -> NDArray[np.int64]:
    """Times not before `earliest` nor `start`, each at least a cycle after the one before."""
    order = np.arange(len(earliest))
    times: NDArray[np.int64] = np.maximum(np.maximum.accumulate(earliest - order), start) + order
    return times
