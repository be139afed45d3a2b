"""Data that the stages take: a file, arrays, or the samples inside a network."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..base.data import Dataset, DataSource, load_data
from ..base.errors import UsageError
from ..base.preparation import Preparation
from ..integer.graph import IntegerGraph

DATA_FRAMES = 8
"""How many frames of a data file become golden vectors if nobody asks for a number."""

RANDOM_FRAMES = 8
RANDOM_SEED = 1
"""Of the samples in place of data."""


Samples: TypeAlias = "str | Path | DataSource | Dataset | Mapping[str, ArrayLike] | ArrayLike"
"""A data file, one with the way to read it, a `Dataset`, arrays by input name, or one array for the only input."""


def user_data(network: IntegerGraph, data: Samples) -> Dataset:
    """Data in the model's own shapes and the user's units, for an integer network."""
    shapes = {name: network.transforms[name].model_shape for name in network.inputs} | dict(network.output_shapes)
    return dataset_of(as_stored(network, data), network.inputs, network.outputs, shapes)


def as_stored(network: IntegerGraph, data: Samples) -> Samples:
    """A data file to be read in the order of axes of the samples with which the network was quantized."""
    layouts = {network.transforms[name].preparation.layout for name in network.inputs}
    if isinstance(data, str | Path):
        data = DataSource(str(data))
    if isinstance(data, DataSource) and data.preparation == Preparation() and len(layouts) == 1:
        data = replace(data, preparation=Preparation(layout=layouts.pop()))
    return data


def check_frames(frames: int | None) -> None:
    """UsageError if a number of frames is negative."""
    if frames is not None and frames < 0:
        raise UsageError(f"{frames} frames were asked for; a number of frames is 0 or more")


def dataset_of(
    samples: Samples, inputs: tuple[str, ...], outputs: tuple[str, ...], shapes: Mapping[str, tuple[int, ...]]
) -> Dataset:
    """Samples as a Dataset whose arrays fit inputs and outputs of these shapes, in the user's units."""
    if isinstance(samples, Dataset):
        return samples
    if isinstance(samples, str | Path | DataSource):
        return load_data(samples, inputs, outputs=outputs, shapes=shapes)
    if isinstance(samples, Mapping):
        return Dataset({name: np.asarray(array) for name, array in samples.items()}, None)
    if len(inputs) != 1:
        raise UsageError(f"one array for a network with inputs {list(inputs)}; give a mapping of name to array")
    return Dataset({inputs[0]: np.asarray(samples)}, None)


def model_data(
    samples: Samples, inputs: tuple[str, ...], outputs: tuple[str, ...], shapes: Mapping[str, tuple[int, ...]]
) -> Dataset:
    """Samples as a Dataset in the units of the float model."""
    return dataset_of(samples, inputs, outputs, shapes).in_model_units()


def random_samples(
    names: tuple[str, ...], shapes: Mapping[str, tuple[int, ...]], least: float, greatest: float
) -> Dataset:
    """Samples drawn at random from a range, its ends among them, for every input; whole numbers from 0 to 255.

    Raises
    ------
    UsageError
        A range that is empty or not finite.
    """
    if not (math.isfinite(least) and math.isfinite(greatest) and least < greatest):
        raise UsageError(f"--input-range {least:g},{greatest:g}: two finite numbers, the lesser first, are needed")
    generator = np.random.default_rng(RANDOM_SEED)
    inputs: dict[str, NDArray[Any]] = {}
    for name in names:
        samples = generator.uniform(least, greatest, (RANDOM_FRAMES, *shapes[name])).astype(np.float32)
        samples[0], samples[1] = least, greatest
        # Bytes are what cameras and files give.
        inputs[name] = np.rint(samples).astype(np.uint8) if (least, greatest) == (0, 255) else samples
    return Dataset(inputs, None)
