"""Files of nnabla for tests that hold them against nnabla itself, which is imported only when it is called."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np


def saved(path: Path, build: Callable, seed: int = 0, shape=(2, 6, 6)) -> tuple[Path, Callable]:
    """A network in a file, and what nnabla computes of samples (frames, ...)."""
    import nnabla
    from nnabla.utils.save import save

    nnabla.clear_parameters()
    np.random.seed(seed)
    x = nnabla.Variable((20, *shape))
    y = build(x, np.random.default_rng(seed))
    contents = {
        "networks": [{"name": "n", "batch_size": 20, "outputs": {"y": y}, "names": {"x": x}}],
        "executors": [{"name": "e", "network": "n", "data": ["x"], "output": ["y"]}],
    }
    save(str(path), contents)

    def compute(samples: np.ndarray) -> np.ndarray:
        found = []
        for first in range(0, len(samples), 20):
            x.d = samples[first : first + 20]
            y.forward()
            found.append(y.d.copy())
        return np.concatenate(found)

    return path, compute


def step(random: np.random.Generator) -> float:
    """A delta as the text of a file holds it."""
    return float(f"{random.uniform(0.01, 0.05):.6g}")
