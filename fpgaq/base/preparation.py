"""What is done to a user's samples before they are in the units of the model, such as division by 255."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .choices import Layout
from .errors import UsageError
from .layouts import has_channels_last

MAX_CHANNELS = 1 << 16


@dataclass(frozen=True)
class Preparation:
    """``x * scale + offset``, x being the user's samples: the same for all, or for each channel or feature.

    Parameters
    ----------
    scale, offset : tuple of float
        One number, or one for each channel or feature: the entries of the axis of the model's shape that
        `channel_axis` names.
    layout : {"auto", "nchw", "nhwc"}
        The order of the axes of the user's samples; "auto" takes the one that fits.
    """

    scale: tuple[float, ...] = (1.0,)
    offset: tuple[float, ...] = (0.0,)
    layout: Layout = "auto"

    @property
    def changes(self) -> bool:
        """Whether a sample is other than the model's own value."""
        return set(self.scale) != {1.0} or set(self.offset) != {0.0}

    @property
    def uniform(self) -> tuple[float, float] | None:
        """The scale and the offset where they are the same for all, else None."""
        return (self.scale[0], self.offset[0]) if len(set(self.scale)) == len(set(self.offset)) == 1 else None

    def check(self, shape: Sequence[int], name: str) -> None:
        """UsageError if there is not one number for all or for each channel of the model's shape (no batch)."""
        count = shape[channel_axis(shape)] if shape else 1
        for values in (self.scale, self.offset):
            if len(values) not in (1, count):
                raise UsageError(
                    f"--mean, --std and --scale give {len(values)} numbers; input {name!r} of shape {tuple(shape)} has"
                    f" {count} channels or features: give one number, or one for each"
                )

    def applied(self, samples: NDArray[Any]) -> NDArray[Any]:
        """Samples (frames, *shape) in the model's units: float64, or as they are where nothing changes."""
        if not self.changes:
            return samples
        values = samples.astype(np.float64)
        shape = values.shape[1:]
        return values * along(self.scale, shape) + along(self.offset, shape)


def channel_axis(shape: Sequence[int]) -> int:
    """The axis of a model's shape (no batch) whose entries are its channels or features."""
    return len(shape) - 1 if has_channels_last(shape) else 0


def along(values: Sequence[float], shape: Sequence[int]) -> NDArray[np.float64]:
    """One value, or one for each channel, broadcast over samples (frames, *shape) in the model's own order of axes."""
    found = np.asarray(values, np.float64)
    if len(values) == 1 or not shape:
        return found
    axes = [1] * len(shape)
    axes[channel_axis(shape)] = len(values)
    return found.reshape(1, *axes)


def make_preparation(
    mean: Sequence[float] = (), std: Sequence[float] = (), scale: Sequence[float] = (), layout: Layout = "auto"
) -> Preparation:
    """The preparation ``(x * scale - mean) / std``, which is what most training scripts compute.

    Raises
    ------
    UsageError
        A number that is not finite, a scale or deviation that is not above 0, lists of different lengths.
    """
    parts = {"--mean": tuple(mean) or (0.0,), "--std": tuple(std) or (1.0,), "--scale": tuple(scale) or (1.0,)}
    for option, values in parts.items():
        for value in values:
            if not math.isfinite(value) or (option != "--mean" and value <= 0):
                raise UsageError(
                    f"{option} {value:g}: a finite number{'' if option == '--mean' else ' above 0'} is needed"
                )
    count = max(map(len, parts.values()))
    if count > MAX_CHANNELS or any(len(values) not in (1, count) for values in parts.values()):
        lengths = ", ".join(f"{option} {len(values)}" for option, values in parts.items())
        raise UsageError(f"{lengths} numbers: give one number for all, or the same count for each option")
    means, deviations, scales = (values * (count if len(values) == 1 else 1) for values in parts.values())
    return Preparation(
        tuple(s / d for s, d in zip(scales, deviations, strict=True)),
        tuple(-m / d for m, d in zip(means, deviations, strict=True)),
        layout,
    )
