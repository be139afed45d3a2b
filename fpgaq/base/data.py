"""Data files: arrays of samples and labels from .npy and .npz, read without pickle and checked."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .errors import ModelError
from .npy import ArrayLimits, read_archive, read_npy
from .regular import open_regular

MAX_BYTES = 1 << 33
"""Uncompressed bytes that a data file may declare."""


Rows: TypeAlias = slice | NDArray[Any]
"""Which samples."""


@dataclass(frozen=True, eq=False)
class Dataset:
    """Samples for each input, (frames, *the model's shape), with labels or targets if there are any.

    `labels` is one class index a frame; `targets` holds real values that outputs should have, (frames, *the output's
    shape) by output.
    """

    inputs: Mapping[str, NDArray[Any]]
    labels: NDArray[np.int64] | None
    targets: Mapping[str, NDArray[Any]] = field(default_factory=dict)

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
        inputs, targets = (
            {name: array[rows] for name, array in arrays.items()} for arrays in (self.inputs, self.targets)
        )
        return Dataset(inputs, labels, targets)


def load_data(
    path: str | Path,
    names: Sequence[str],
    classes_ok: bool = True,
    *,
    outputs: Sequence[str] = (),
    shapes: Mapping[str, tuple[int, ...]] | None = None,
) -> Dataset:
    """Read a data file.

    Parameters
    ----------
    path : str or Path
        `.npy` (the only input's samples), or `.npz` with one array for each input under its own name, or `x` where
        there is one input; labels as `y` or under the only output's name.
    names : sequence of str
        The network's inputs.
    classes_ok : bool
        Labels are read; if false they are left aside.
    outputs : sequence of str
        The network's outputs, which may name the labels.
    shapes : mapping of str to tuple of int, optional
        The inputs' shapes without the batch, to be checked; axes of length 1 may be missing in the file. With the
        outputs' shapes too, real values of such a shape (under the output's name, or `y` where there is one output)
        are its targets, not labels.

    Raises
    ------
    ModelError
        A file that is unreadable, unsafe, empty, holds NaN, has wrong shapes or arrays that nobody asked for.
    """
    path = Path(path)
    arrays = _read_arrays(path)
    inputs: dict[str, NDArray[Any]] = {}
    for name in names:
        key = name if name in arrays else "x"
        if key not in arrays or (key == "x" and name != "x" and len(names) > 1):
            allowed = " or 'x'" if len(names) == 1 else ""
            raise ModelError(f"{path}: no array {name!r}{allowed} for the input; found {sorted(arrays)}")
        where = f"{path}, array {key!r}"
        inputs[name] = _check_samples(arrays.pop(key), where)
        if shapes is not None:
            inputs[name] = fit_shape(inputs[name], shapes[name], where)
    targets = {} if shapes is None else _take_targets(path, arrays, outputs, shapes)
    labels = _take_labels(path, arrays, outputs, classes_ok)
    if arrays:
        raise ModelError(f"{path}: arrays {sorted(arrays)} are neither an input ({list(names)}, x) nor labels (y)")
    counts = {array.shape[0] for array in (*inputs.values(), *targets.values())}
    counts |= set() if labels is None else {labels.shape[0]}
    if len(counts) != 1:
        raise ModelError(f"{path}: inputs, labels and targets have different numbers of samples: {sorted(counts)}")
    return Dataset(inputs, labels, targets)


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


def _read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    suffix = path.suffix.lower()
    if suffix not in (".npy", ".npz"):
        raise ModelError(f"{path}: unknown type {path.suffix!r} of data file; .npy and .npz are read")
    limits = ArrayLimits(total_bytes=MAX_BYTES, kinds="fiub")
    try:
        with open_regular(path, "a .npy or .npz file") as stream:
            if suffix == ".npz":
                return read_archive(stream, str(path), limits)
            return {"x": read_npy(stream, str(path), os.fstat(stream.fileno()).st_size, limits)}
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror or error})") from None


def _check_samples(array: NDArray[Any], where: str) -> NDArray[Any]:
    if array.ndim < 1 or array.size == 0:
        raise ModelError(f"{where}: shape {array.shape} holds no samples; (samples, ...) is needed")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        index = [int(i) for i in np.argwhere(~np.isfinite(array))[0]]
        raise ModelError(f"{where}: element {index} is {array[tuple(index)]}; samples must be finite")
    return array


def _take_targets(
    path: Path, arrays: dict[str, NDArray[Any]], outputs: Sequence[str], shapes: Mapping[str, tuple[int, ...]]
) -> dict[str, NDArray[Any]]:
    """Arrays that hold an output's real values rather than one class index a sample."""
    targets = {}
    for name in outputs:
        key = "y" if name not in arrays and len(outputs) == 1 else name
        array = arrays.get(key)
        if array is not None and array.dtype.kind == "f" and array.ndim > 1 and array.shape[1:] == shapes.get(name):
            targets[name] = _check_samples(arrays.pop(key), f"{path}, array {key!r}")
    return targets


def _take_labels(
    path: Path, arrays: dict[str, NDArray[Any]], outputs: Sequence[str], classes_ok: bool
) -> NDArray[np.int64] | None:
    candidates = [name for name in dict.fromkeys((*outputs, "y")) if name in arrays]
    if not candidates:
        return None
    if len(candidates) > 1:
        raise ModelError(f"{path}: labels are given more than once: {candidates}; keep one of them")
    array = arrays.pop(candidates[0])
    if not classes_ok:
        return None
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1 or not np.array_equal(array, np.floor(array)) or (array.size and array.min() < 0):
        raise ModelError(
            f"{path}, array {candidates[0]!r}: {array.dtype} of shape {array.shape} are not labels; one class index"
            " a sample, 0 or more, is needed"
        )
    return array.astype(np.int64)
