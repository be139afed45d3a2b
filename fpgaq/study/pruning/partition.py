"""Labels of elements that are joined as the analysis finds that they must stay or go together."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Labels: TypeAlias = NDArray[np.int64]


@dataclass
class Partition:
    """Disjoint sets of labels (union-find); some of them have a reason for which they must stay."""

    parents: list[int] = field(default_factory=list)
    reasons: dict[int, str] = field(default_factory=dict)

    def new(self, count: int) -> Labels:
        """Labels of their own."""
        first = len(self.parents)
        self.parents.extend(range(first, first + count))
        return np.arange(first, first + count, dtype=np.int64)

    def find(self, label: int) -> int:
        """The label that stands for all those joined with this one."""
        root = label
        while self.parents[root] != root:
            root = self.parents[root]
        while self.parents[label] != root:
            self.parents[label], label = root, self.parents[label]
        return root

    def roots(self, labels: Labels) -> Labels:
        """`find` for an array."""
        distinct, where = np.unique(labels, return_inverse=True)
        found = np.array([self.find(int(label)) for label in distinct], np.int64)
        result: Labels = found[where.reshape(labels.shape)]
        return result

    def join(self, first: Labels, second: Labels) -> None:
        """Join elements of two arrays of one shape, pair by pair."""
        pairs = np.unique(np.stack([first.ravel(), second.ravel()], axis=1), axis=0)
        for a, b in pairs.tolist():
            low, high = sorted((self.find(a), self.find(b)))
            if low != high:
                self.parents[high] = low
                if high in self.reasons:
                    self.reasons.setdefault(low, self.reasons[high])

    def keep(self, labels: Labels, reason: str) -> None:
        """These must stay; a reason that is there already goes first."""
        for label in np.unique(self.roots(labels)).tolist():
            self.reasons.setdefault(label, reason)

    def reason(self, root: int) -> str | None:
        """Why a set must stay, if it must."""
        return self.reasons.get(root)

    def copy(self) -> Partition:
        """One to try joins on."""
        return Partition(list(self.parents), dict(self.reasons))
