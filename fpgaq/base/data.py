"""Data files: samples and labels of a network's inputs and outputs, checked."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .data_files import DataArrays, read_arrays
from .errors import ModelError, UsageError
from .layouts import arranged, fits
from .preparation import Preparation
from .remarks import note

Rows: TypeAlias = slice | NDArray[Any]
"""Which samples."""


@dataclass(frozen=True)
class DataSource:
    """A data file, and how it is read.

    Parameters
    ----------
    path : str
        A .npy, .npz, .csv or .tsv file, a picture, or a folder of pictures.
    x, y : str, optional
        The arrays or columns of the samples, separated by commas, and that of the labels.
    preparation : Preparation
        What brings the samples into the model's units, and the order of their axes.
    """

    path: str
    x: str | None = None
    y: str | None = None
    preparation: Preparation = Preparation()

    def __str__(self) -> str:
        """The file's name, as messages have it."""
        return self.path


@dataclass(frozen=True, eq=False)
class Dataset:
    """Samples for each input, (frames, *the model's shape), with labels or targets if there are any.

    `labels` is one class index a frame; `targets` holds real values that outputs should have, (frames, *the output's
    shape) by output, and `maps` one class index a pixel, (frames, height, width) by output. Samples are in the user's
    units, which `preparation` brings into the model's.
    """

    inputs: Mapping[str, NDArray[Any]]
    labels: NDArray[np.int64] | None
    targets: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    preparation: Preparation = Preparation()
    maps: Mapping[str, NDArray[np.int64]] = field(default_factory=dict)

    @property
    def frames(self) -> int:
        """Number of samples."""
        return int(next(iter(self.inputs.values())).shape[0])

    def slice(self, start: int, stop: int | None = None) -> Dataset:
        """Samples `start` to `stop` with their labels and targets."""
        return self.select(slice(start, stop))

    def select(self, rows: Rows) -> Dataset:
        """Some samples, by their numbers, with their labels and targets."""
        labels = None if self.labels is None else self.labels[rows]
        inputs, targets, maps = (
            {name: array[rows] for name, array in arrays.items()} for arrays in (self.inputs, self.targets, self.maps)
        )
        return replace(self, inputs=inputs, labels=labels, targets=targets, maps=maps)

    def in_model_units(self) -> Dataset:
        """The same samples as the model takes them."""
        if not self.preparation.changes:
            return self
        inputs = {name: self.preparation.applied(array) for name, array in self.inputs.items()}
        return replace(self, inputs=inputs, preparation=Preparation())


def load_data(
    path: str | Path | DataSource,
    names: Sequence[str],
    classes_ok: bool = True,
    *,
    outputs: Sequence[str] = (),
    shapes: Mapping[str, tuple[int, ...]] | None = None,
) -> Dataset:
    """Read a data file.

    Parameters
    ----------
    path : str, Path or DataSource
        `.npy` (the only input's samples), or `.npz` with one array for each input under its own name, or `x` where
        there is one input; labels as `y` or under the only output's name. A `.csv` has a row a sample; pictures may
        lie in sub-folders that are their labels.
    names : sequence of str
        The network's inputs.
    classes_ok : bool
        Labels are read; if false they are left aside.
    outputs : sequence of str
        The network's outputs, which may name the labels.
    shapes : mapping of str to tuple of int, optional
        The inputs' shapes without the batch, into which samples are brought (`fpgaq.base.layouts`). With the
        outputs' shapes too, real values of such a shape (under the output's name, or `y` where there is one output)
        are its targets, not labels.

    Raises
    ------
    ModelError
        A file that is unreadable, unsafe, empty, holds NaN or has wrong shapes.
    """
    source = path if isinstance(path, DataSource) else DataSource(str(path))
    place, layout = Path(source.path), source.preparation.layout
    shape = None if shapes is None or len(names) != 1 else shapes[names[0]]
    if source.preparation.changes:
        if len(names) != 1:
            raise UsageError(f"--mean, --std and --scale are for networks with one input; this one has {list(names)}")
        source.preparation.check(shape or (1,), names[0])
    found = read_arrays(place, source.x, source.y, shape)
    wanted = dict(zip(names, _keys(place, found, source, names, outputs, shapes), strict=True))
    inputs = {}
    for name, key in wanted.items():
        where = f"{place}, array {key!r}"
        inputs[name] = _check_samples(_take(found, key, where), where)
        if shapes is not None:
            # Pictures come channels first, whatever --layout says of arrays.
            order = "nchw" if found.pictures else layout
            inputs[name] = arranged(inputs[name], shapes[name], order, where)
    label = "y" if place.suffix.lower() != ".npz" else source.y
    targets = {} if shapes is None else _take_targets(place, found.arrays, label, outputs, shapes)
    maps = {} if shapes is None else _take_maps(place, found.arrays, label, outputs, shapes)
    classes = math.prod(shapes[outputs[0]]) if shapes and len(outputs) == 1 and outputs[0] in shapes else None
    labels = _take_labels(place, found, label, outputs, classes if classes_ok else 0)
    if found.arrays:
        unused = ", ".join(repr(name) for name in list(found.arrays)[:6])
        note(f"{place}: not used: {unused}{', ...' if len(found.arrays) > 6 else ''} (--x and --y name arrays)")
    counts = {array.shape[0] for array in (*inputs.values(), *targets.values(), *maps.values())}
    counts |= set() if labels is None else {labels.shape[0]}
    if len(counts) != 1:
        raise ModelError(f"{place}: inputs, labels and targets have different numbers of samples: {sorted(counts)}")
    return Dataset(inputs, labels, targets, source.preparation, maps)


def _keys(
    path: Path,
    found: DataArrays,
    source: DataSource,
    names: Sequence[str],
    outputs: Sequence[str],
    shapes: Mapping[str, tuple[int, ...]] | None,
) -> list[str]:
    """The array of each input: as it was named, by the input's name, `x`, or the only one that fits."""
    known = {**found.arrays, **found.refused}
    if source.x is not None and path.suffix.lower() == ".npz":
        keys = [key.strip() for key in source.x.split(",")]
        missing = [key for key in keys if key not in known]
        if missing or len(keys) != len(names):
            raise ModelError(
                f"{path}: --x {source.x}: an array for each of the inputs {list(names)} is needed; found"
                f" {sorted(known)}"
            )
        return keys
    if len(names) > 1 or names[0] in known or "x" in known:
        keys = [name if name in known or len(names) > 1 else "x" for name in names]
        absent = [key for key in keys if key not in known]
        if absent:
            raise ModelError(f"{path}: no array {absent[0]!r} for the input; found {sorted(known)} (--x names others)")
        return keys
    others = [key for key in found.arrays if key not in (*outputs, "y", source.y)]
    fitting = [key for key in others if shapes is not None and fits(found.arrays[key], shapes[names[0]])]
    if len(fitting) != 1:
        shown = ", ".join(f"{key!r} {array.shape}" for key, array in found.arrays.items())
        raise ModelError(
            f"{path}: no array {names[0]!r} or 'x' for the input; found {shown or 'none'}: say which with --x NAME"
        )
    note(f"{path}: array {fitting[0]!r} was taken as the samples, since it alone has the input's shape")
    return fitting


def _take(found: DataArrays, key: str, where: str) -> NDArray[Any]:
    if key in found.refused:
        raise ModelError(found.refused[key])
    array = found.arrays.pop(key)
    if array.dtype.kind == "U":
        raise ModelError(f"{where}: element type {array.dtype} is refused; plain numbers are read")
    return array


def fit_shape(array: NDArray[Any], shape: tuple[int, ...], where: str) -> NDArray[Any]:
    """Return samples as (frames, *shape); only axes of length 1 may be missing or added.

    Raises
    ------
    ModelError
        Another shape or a type that is neither real nor integer.
    """
    if array.dtype.kind not in "fiub":
        raise ModelError(f"{where}: type {array.dtype} is not a number; floats or integers are needed")
    expected = tuple(size for size in shape if size != 1)
    if array.ndim < 1 or tuple(size for size in array.shape[1:] if size != 1) != expected:
        wanted = ", ".join(map(str, shape))
        raise ModelError(f"{where}: shape {array.shape} does not fit the input's shape (samples, {wanted})")
    return array.reshape(array.shape[0], *shape)


def _check_samples(array: NDArray[Any], where: str) -> NDArray[Any]:
    if array.ndim < 1 or array.size == 0:
        raise ModelError(f"{where}: shape {array.shape} holds no samples; (samples, ...) is needed")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        index = [int(i) for i in np.argwhere(~np.isfinite(array))[0]]
        raise ModelError(f"{where}: element {index} is {array[tuple(index)]}; samples must be finite")
    return array


def _take_targets(
    path: Path,
    arrays: dict[str, NDArray[Any]],
    label: str | None,
    outputs: Sequence[str],
    shapes: Mapping[str, tuple[int, ...]],
) -> dict[str, NDArray[Any]]:
    """Arrays that hold an output's real values rather than one class index a sample."""
    targets = {}
    for name in outputs:
        key = (label or "y") if name not in arrays and len(outputs) == 1 else name
        array = arrays.get(key)
        if array is None or name not in shapes:
            continue
        if array.dtype.kind in "iub" and array.shape[1:] == shapes[name] and _are_several_labels(array):
            array = array.astype(np.float64)
        if array.dtype.kind != "f":
            continue
        if array.ndim == 1 and math.prod(shapes[name]) == 1 and not np.array_equal(array, np.floor(array)):
            # A column of a table; whole numbers are classes there.
            array = array.reshape(-1, *shapes[name])
        if array.ndim > 1 and array.shape[1:] == shapes[name] and not _is_one_hot(array):
            del arrays[key]
            targets[name] = _check_samples(array, f"{path}, array {key!r}")
    return targets


def _are_several_labels(array: NDArray[Any]) -> bool:
    """Whether rows of 0 and 1 say for each of several labels whether a sample has it."""
    return array.ndim == 2 and array.shape[1] > 1 and bool(np.isin(array, (0, 1)).all())


def _take_maps(
    path: Path,
    arrays: dict[str, NDArray[Any]],
    label: str | None,
    outputs: Sequence[str],
    shapes: Mapping[str, tuple[int, ...]],
) -> dict[str, NDArray[np.int64]]:
    """Arrays of integers that hold one class index for each pixel of an output of scores, (classes, height, width)."""
    maps = {}
    for name in outputs:
        key = (label or "y") if name not in arrays and len(outputs) == 1 else name
        array, shape = arrays.get(key), shapes.get(name, ())
        if array is None or array.dtype.kind not in "iu" or len(shape) != 3 or shape[0] < 2 or array.ndim < 3:
            continue
        pixels = array.reshape(len(array), *array.shape[2:]) if array.shape[1:] == (1, *shape[1:]) else array
        if pixels.shape[1:] != shape[1:] or math.prod(shape[1:]) == 1:
            continue
        if pixels.size and not 0 <= int(pixels.min()) <= int(pixels.max()) < shape[0]:
            raise ModelError(
                f"{path}, array {key!r}: classes of pixels go from {pixels.min()} to {pixels.max()}; output {name!r}"
                f" has the classes 0 to {shape[0] - 1}"
            )
        maps[name] = arrays.pop(key).reshape(pixels.shape).astype(np.int64)
    return maps


def _is_one_hot(array: NDArray[Any]) -> bool:
    """Whether each row has a 1 for its class and 0 for all others."""
    if array.ndim != 2 or array.shape[1] < 2 or array.dtype.kind not in "fiub" or not len(array):
        return False
    return bool(np.isin(array, (0, 1)).all() and (array.sum(axis=1) == 1).all())


def _take_labels(
    path: Path, found: DataArrays, label: str | None, outputs: Sequence[str], classes: int | None
) -> NDArray[np.int64] | None:
    """Labels as class indices; `classes` is how many there are if that is known, 0 leaves them aside."""
    arrays = found.arrays
    if label is not None and label in found.refused:
        raise ModelError(found.refused[label])
    if label is not None and label != "y" and label not in arrays:
        raise ModelError(f"{path}: --y {label}: no such array; found {sorted(arrays)}")
    candidates = [name for name in dict.fromkeys((*outputs, "y")) if name in arrays] if label is None else [label]
    candidates = [name for name in candidates if name in arrays]
    if not candidates:
        return None
    if len(candidates) > 1:
        raise ModelError(f"{path}: labels are given more than once: {candidates}; keep one of them")
    array, where = arrays.pop(candidates[0]), f"{path}, array {candidates[0]!r}"
    if classes == 0:
        return None
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.dtype.kind == "U" and array.ndim == 1:
        return _named(array, where, classes)
    if _is_one_hot(array):
        note(f"{where}: rows with a single 1 were taken as labels, the place of the 1")
        places: NDArray[np.int64] = array.argmax(axis=1).astype(np.int64)
        return places
    sound = array.dtype.kind in "fiub" and array.ndim == 1 and np.array_equal(array, np.floor(array))
    if not sound or (array.size and array.min() < 0):
        raise ModelError(
            f"{where}: {array.dtype} of shape {array.shape} are not labels; one class index"
            " a sample, 0 or more, is needed (y.argmax(axis=1) of scores)"
        )
    return array.astype(np.int64)


def _named(array: NDArray[Any], where: str, classes: int | None) -> NDArray[np.int64]:
    """Names of classes as their places in alphabetical order; numbers as they are."""
    if all(str(name).isascii() and str(name).isdigit() and len(str(name)) < 10 for name in np.unique(array)):
        return array.astype(np.int64)
    names, labels = np.unique(array, return_inverse=True)
    # A sigmoid tells one class from the other.
    if classes is not None and len(names) != max(2, classes):
        raise ModelError(
            f"{where}: {len(names)} different names of classes; the network tells {max(2, classes)} apart: give"
            " numbers, from 0"
        )
    shown = ", ".join(f"{str(name)!r} {index}" for index, name in enumerate(names[:4]))
    note(f"{where}: names became labels in alphabetical order: {shown}{', ...' if len(names) > 4 else ''}")
    return np.asarray(labels.reshape(array.shape), np.int64)
