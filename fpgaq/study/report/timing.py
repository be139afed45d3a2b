"""How long an action takes, and by which engine and library."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import numpy as np


def best_seconds(action: Callable[[], object], repeats: int = 3) -> float:
    """The least wall-clock time of some runs; the others were disturbed."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return min(times)


def engine() -> str:
    """The libraries that compute: numpy and its BLAS, with versions."""
    try:
        blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]  # type: ignore[call-arg,func-returns-value,index]
        library = f"{blas['name']} {blas['version']}"
    except (KeyError, TypeError):
        library = "unknown BLAS"
    return f"numpy {np.__version__}, {library}"


def described(integers: str) -> str:
    """The engines of floats and integers; `integers` is "numpy" or "cpp"."""
    return engine() if integers == "numpy" else f"float {engine()}; integers compiled from C++, 1 thread"


def threads() -> int:
    """How many threads the BLAS may use: the number in the environment, else the processors at hand."""
    for name in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"):
        value = os.environ.get(name, "")
        if value.isdecimal() and int(value) > 0:
            return int(value)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
