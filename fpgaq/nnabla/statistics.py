"""Values of an nnabla graph on samples, without leaving a trace in its running statistics."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import nnabla as nn
import numpy as np
from numpy.typing import NDArray

from ..base.errors import UsageError
from ..quantizer.calibration import ActivationStatistics
from .parameters import parameter_names
from .rebuild import functions

KEPT_VALUES = 1 << 18
"""How many values of a variable are kept, from all samples."""


@contextmanager
def kept_statistics(root: Any, inputs: Sequence[Any] = ()) -> Iterator[None]:
    """Restore the running means and variances of batch normalization, and the inputs, after the graph was computed."""
    normalizations = [f for f in functions(root) if f.info.type_name == "BatchNormalization"]
    running = [variable for f in normalizations for variable in f.inputs[-2:]]
    saved = {variable: variable.d.copy() for variable in (*running, *inputs)}
    try:
        yield
    finally:
        for variable, value in saved.items():
            variable.d = value


def graph_inputs(root: Any) -> list[Any]:
    """The leaf variables that are no parameters, in the order of their use."""
    names = parameter_names()
    found: dict[Any, None] = {}
    for function in functions(root):
        for variable in function.inputs:
            if variable.parent is None and variable not in names and not variable.need_grad:
                found.setdefault(variable)
    return list(found)


def observe(
    root: Any, variables: Sequence[Any], inputs: Sequence[Any], samples: Sequence[NDArray[Any]]
) -> dict[Any, ActivationStatistics]:
    """Range and a selection of values of each variable over all samples.

    Samples that do not fill a batch are filled up by repetition, which changes no range.
    """
    batch = check_samples(inputs, samples)
    parts: dict[Any, list[ActivationStatistics]] = {variable: [] for variable in variables}
    count = len(samples[0])
    with kept_statistics(root, inputs), nn.auto_forward(False):
        for start in range(0, count, batch):
            chosen = (
                np.arange(start, start + batch) % count if start + batch > count else np.arange(start, start + batch)
            )
            for variable, array in zip(inputs, samples, strict=True):
                variable.d = array[chosen]
            nn.forward_all([variable for variable in variables if variable.parent is not None])
            for variable, found in parts.items():
                found.append(_summary(variable.d, max(1, KEPT_VALUES * batch // count)))
    return {
        variable: ActivationStatistics(
            min(part.least for part in found),
            max(part.greatest for part in found),
            np.concatenate([part.values for part in found]),
        )
        for variable, found in parts.items()
    }


def check_samples(inputs: Sequence[Any], samples: Sequence[NDArray[Any]]) -> int:
    """The batch size, if samples fit the inputs."""
    if len(inputs) != len(samples) or not inputs:
        raise UsageError(f"the graph has {len(inputs)} inputs, the samples are of {len(samples)}")
    for number, (variable, array) in enumerate(zip(inputs, samples, strict=True)):
        if array.shape[1:] != tuple(variable.shape[1:]) or len(array) != len(samples[0]) or not len(array):
            raise UsageError(
                f"input {number}: samples of shape {array.shape} for a variable of shape {tuple(variable.shape)}"
            )
        if not np.isfinite(array).all():
            raise UsageError(f"input {number}: samples must be finite")
    return int(inputs[0].shape[0])


def _summary(values: NDArray[Any], count: int) -> ActivationStatistics:
    flat = values.reshape(-1)
    if not np.isfinite(flat).all():
        raise UsageError("the graph overflows on the samples; rescale its inputs or weights")
    stride = max(1, flat.size // count)
    while stride > 1 and math.gcd(stride, flat.size) != 1:
        stride += 1
    return ActivationStatistics(float(flat.min()), float(flat.max()), flat[::stride].astype(np.float32))
