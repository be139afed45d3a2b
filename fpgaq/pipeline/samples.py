"""Data that the stages take: a file, arrays, or the samples inside a network."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from ..base.data import Dataset, load_data
from ..base.errors import UsageError
from ..integer.graph import IntegerGraph

DATA_FRAMES = 8
"""How many frames of a data file become golden vectors if nobody asks for a number."""


Samples: TypeAlias = "str | Path | Dataset | Mapping[str, ArrayLike] | ArrayLike"
"""A data file, a `Dataset`, arrays by input name, or one array for the only input."""


def user_data(network: IntegerGraph, data: Samples) -> Dataset:
    """Data in the model's own shapes and units, for an integer network."""
    shapes = {name: network.transforms[name].model_shape for name in network.inputs} | dict(network.output_shapes)
    return dataset_of(data, network.inputs, network.outputs, shapes)


def check_frames(frames: int | None) -> None:
    """UsageError if a number of frames is negative."""
    if frames is not None and frames < 0:
        raise UsageError(f"{frames} frames were asked for; a number of frames is 0 or more")


def dataset_of(
    samples: Samples, inputs: tuple[str, ...], outputs: tuple[str, ...], shapes: Mapping[str, tuple[int, ...]]
) -> Dataset:
    """Samples as a Dataset whose arrays fit inputs and outputs of these shapes."""
    if isinstance(samples, Dataset):
        return samples
    if isinstance(samples, str | Path):
        return load_data(samples, inputs, outputs=outputs, shapes=shapes)
    if isinstance(samples, Mapping):
        return Dataset({name: np.asarray(array) for name, array in samples.items()}, None)
    if len(inputs) != 1:
        raise UsageError(f"one array for a network with inputs {list(inputs)}; give a mapping of name to array")
    return Dataset({inputs[0]: np.asarray(samples)}, None)
