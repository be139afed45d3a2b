"""Golden vectors: the frames that a bench feeds in, and every tensor that the reference computes from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..base.errors import ModelError, UsageError, VerificationError
from ..integer.graph import IntegerArray, IntegerGraph
from ..integer.reference import run
from .chosen import Exercise, choose_frames

RANDOM_FRAMES = 2
SEED = 20261


@dataclass(frozen=True, eq=False)
class GoldenVectors:
    """Frames and what the network makes of them.

    Parameters
    ----------
    labels : tuple of str
        What each frame is: "data 0", "all-minimum", "random 1", "chosen 0 faint".
    tensors : mapping of str to array of int64
        Every tensor of the graph, inputs included, as (frames, height, width, channels).
    exercise : Exercise
        How many words of the built network's memories the frames exercise.
    """

    labels: tuple[str, ...]
    tensors: Mapping[str, IntegerArray]
    exercise: Exercise


def limit_frames(inputs: Mapping[str, IntegerArray], frames: int | None) -> dict[str, IntegerArray]:
    """The first `frames` frames of each input; all of them if it is None."""
    if frames is not None and frames < 0:
        raise UsageError(f"--frames {frames}: a number of frames is 0 or more")
    return {name: array[:frames] for name, array in inputs.items()}


def golden_vectors(
    graph: IntegerGraph,
    inputs: Mapping[str, IntegerArray] | None = None,
    random_frames: int = RANDOM_FRAMES,
    lowered: IntegerGraph | None = None,
    thorough: bool = False,
) -> GoldenVectors:
    """Compute every tensor for some frames, the extreme and random ones that always go with them, and chosen ones.

    Parameters
    ----------
    graph : IntegerGraph
    inputs : mapping of str to array of int, optional
        Input integers, (frames, height, width, channels); the graph's own samples if None.
    random_frames : int
        How many seeded random frames over the input's whole range are added.
    lowered : IntegerGraph, optional
        The form of the network that was built: then the tensors are its own, and those that both have are compared.
    thorough : bool
        Choose as many frames as are needed to exercise every word that can be; at most half as many as the others
        otherwise.

    Raises
    ------
    VerificationError
        A lowered network that computes something else.
    """
    chosen = graph.samples if inputs is None else inputs
    counts = {chosen[name].shape[0] for name in graph.inputs}
    if len(counts) != 1:
        raise ModelError(f"the inputs of network {graph.name!r} have different numbers of frames: {sorted(counts)}")
    count = counts.pop()
    chance = np.random.Generator(np.random.PCG64(SEED))
    frames = {}
    for name in graph.inputs:
        tensor = graph.tensors[name]
        low, high = tensor.format.minimum, tensor.format.maximum
        frames[name] = np.concatenate(
            [
                chosen[name].astype(np.int64),
                np.full((1, *tensor.shape), low, dtype=np.int64),
                np.full((1, *tensor.shape), high, dtype=np.int64),
                _random_integers(chance, (random_frames, *tensor.shape), low, high),
            ]
        )
    labels = [f"data {index}" for index in range(count)]
    labels += ["all-minimum", "all-maximum", *(f"random {index}" for index in range(random_frames))]
    built = graph if lowered is None else lowered
    tensors = _run_both(graph, built, frames, labels)
    added, kinds, exercise = choose_frames(built, frames, tensors, partial(_random_integers, chance), thorough)
    if kinds:
        chosen_labels = [f"chosen {index} {kind}" for index, kind in enumerate(kinds)]
        more = _run_both(graph, built, added, chosen_labels)
        tensors = {name: np.concatenate([array, more[name]]) for name, array in tensors.items()}
        labels += chosen_labels
    return GoldenVectors(tuple(labels), tensors, exercise)


def _run_both(
    graph: IntegerGraph, built: IntegerGraph, frames: Mapping[str, IntegerArray], labels: Sequence[str]
) -> dict[str, IntegerArray]:
    """Every tensor of the built network, held against the network itself where both have it."""
    tensors = run(graph, frames, keep=True)
    if built is graph:
        return tensors
    found = run(built, frames, keep=True)
    _compare(tensors, found, labels)
    return found


def _compare(wanted: Mapping[str, IntegerArray], found: Mapping[str, IntegerArray], labels: Sequence[str]) -> None:
    """Hold what the lowered network computes against the network itself."""
    for name, values in wanted.items():
        if name in found and not np.array_equal(values, found[name]):
            frame = next(frame for frame, one in enumerate(values) if not np.array_equal(one, found[name][frame]))
            raise VerificationError(
                f"tensor {name!r} of frame {labels[frame]!r} differs between the network and its lowered form; this is"
                " an error of fpgaq: report it with the model"
            )


def _random_integers(chance: np.random.Generator, shape: tuple[int, ...], low: int, high: int) -> NDArray[Any]:
    # Raw bits rather than `integers`, whose algorithm NumPy may change: the same frames under every version.
    bits = chance.bit_generator.random_raw(int(np.prod(shape))).reshape(shape)
    return (bits % np.uint64(high - low + 1)).astype(np.int64) + low
