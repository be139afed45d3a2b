"""The arrays of a data file: .npy, .npz, .csv, a picture, or a folder of pictures whose sub-folders are labels."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import ModelError
from .layouts import image_size
from .npy import ArrayLimits, read_archive, read_npy
from .regular import open_regular
from .remarks import note

MAX_BYTES = 1 << 33
"""Uncompressed bytes that a data file may declare."""
MAX_TABLE_BYTES = 1 << 30
"""Bytes of a .csv."""
MAX_PICTURES = 1 << 20
TABLES = {".csv": ",", ".tsv": "\t"}
PICTURES = (".png", ".jpg", ".jpeg")
KINDS = ".npy, .npz, .csv, .tsv, .png and .jpg files and folders of pictures are read"


@dataclass(frozen=True, eq=False)
class DataArrays:
    """What a data file holds: arrays by name, and why others of it were left out."""

    arrays: dict[str, NDArray[Any]]
    refused: Mapping[str, str] = field(default_factory=dict)
    pictures: bool = False
    """Whether the samples are pictures, whose order of axes is known: (channels, height, width)."""


def read_arrays(path: Path, x: str | None, y: str | None, shape: Sequence[int] | None) -> DataArrays:
    """Read a data file; of a table or of pictures the samples are the array "x", the labels "y".

    Parameters
    ----------
    path : Path
    x, y : str, optional
        Of a table: the columns of the samples, separated by commas, and the column of the labels.
    shape : sequence of int, optional
        The only input's own shape, which tells how many columns are samples and how large pictures are.

    Raises
    ------
    ModelError
        A file that cannot be read, is damaged or unsafe, or does not fit the shape.
    """
    suffix = path.suffix.lower()
    try:
        if path.is_dir():
            if suffix in (".npy", ".npz", *TABLES, *PICTURES):
                raise ModelError(f"{path} is a folder, not a file; a folder of pictures has a name without such an end")
            return _folder(path, shape)
        if suffix in TABLES:
            return _table(path, TABLES[suffix], x, y, shape)
        if suffix in PICTURES:
            return DataArrays({"x": _picture(path, shape)[np.newaxis]}, pictures=True)
        if suffix not in (".npy", ".npz"):
            raise ModelError(f"{path}: unknown type {path.suffix!r} of data file; {KINDS}")
        limits = ArrayLimits(total_bytes=MAX_BYTES, kinds="fiubU")
        with open_regular(path, "a data file") as stream:
            if suffix == ".npz":
                refused: dict[str, str] = {}
                return DataArrays(read_archive(stream, str(path), limits, refused), refused)
            return DataArrays({"x": read_npy(stream, str(path), os.fstat(stream.fileno()).st_size, limits)})
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror or error})") from None


def _table(path: Path, delimiter: str, x: str | None, y: str | None, shape: Sequence[int] | None) -> DataArrays:
    rows = _rows(path, delimiter)
    first = next(rows, None)
    second = next(rows, None) if first is not None else None
    if first is None:
        raise ModelError(f"{path}: holds no rows; a row a sample is needed")
    headed = _is_header(first, second)
    names = [name.strip() for name in first] if headed else [str(index) for index in range(len(first))]
    body = [row for row in (None if headed else first, second) if row is not None]
    body += rows
    if not body:
        raise ModelError(f"{path}: holds a header and no rows; a row a sample is needed")
    if len(set(names)) < len(names):
        raise ModelError(f"{path}: two columns have the name {next(n for n in names if names.count(n) > 1)!r}")
    columns, label = _columns(path, names, x, y, shape)
    for number, row in enumerate(body, 1 + headed):
        if len(row) != len(names):
            raise ModelError(f"{path}, row {number}: {len(row)} cells; the first row has {len(names)}")
    samples = np.empty((len(body), len(columns)), np.float64)
    for number, row in enumerate(body):
        for place, column in enumerate(columns):
            samples[number, place] = _number(
                row[column], f"{path}, row {number + 1 + headed}, column {names[column]!r}"
            )
    arrays = {"x": samples}
    if label is not None:
        cells = [row[label].strip() for row in body]
        arrays["y"] = np.array([float(cell) for cell in cells] if all(map(_is_number, cells)) else cells)
    return DataArrays(arrays)


def _rows(path: Path, delimiter: str) -> Iterator[list[str]]:
    with open_regular(path, "a table") as stream:
        if os.fstat(stream.fileno()).st_size > MAX_TABLE_BYTES:
            raise ModelError(f"{path}: is larger than {MAX_TABLE_BYTES >> 20} MiB; save it as .npz")
        try:
            text = stream.read().decode("utf-8-sig")
        except UnicodeDecodeError:
            raise ModelError(f"{path}: is not text in UTF-8; save it as such") from None
    lines = text.splitlines()
    if delimiter == "," and lines and "," not in lines[0] and ";" in lines[0]:
        delimiter = ";"
    try:
        yield from (row for row in csv.reader(lines, delimiter=delimiter, strict=True) if row)
    except csv.Error as error:
        raise ModelError(f"{path}: is not a sound table ({error})") from None


def _is_header(first: Sequence[str], second: Sequence[str] | None) -> bool:
    """Whether the first row names the columns: it has text where the row after it has a number."""
    if second is None:
        return not any(map(_is_number, first))
    return any(not _is_number(name) and _is_number(cell) for name, cell in zip(first, second, strict=False))


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _number(cell: str, where: str) -> float:
    try:
        return float(cell)
    except ValueError:
        raise ModelError(f"{where}: {cell[:40]!r} is not a number; name the columns of the samples with --x") from None


def _columns(
    path: Path, names: Sequence[str], x: str | None, y: str | None, shape: Sequence[int] | None
) -> tuple[list[int], int | None]:
    """The columns of the samples, and that of the labels: by its name, or the last if there is one too many."""
    chosen = None if x is None else [_column(path, names, name.strip(), "--x") for name in x.split(",")]
    label = None if y is None else _column(path, names, y, "--y")
    if chosen is None:
        chosen = [index for index in range(len(names)) if index != label]
        elements = None if shape is None else int(np.prod(shape))
        if label is None and elements is not None and len(names) == elements + 1:
            label = chosen.pop()
            note(f"{path}: the last column, {names[label]!r}, was taken as labels (--y names another)")
        if elements is not None and len(chosen) != elements:
            raise ModelError(
                f"{path}: {len(chosen)} columns{'' if label is None else ' without the labels'}; the input has"
                f" {elements} elements: name the columns of the samples (--x A,B,C) and of the labels (--y NAME)"
            )
    return chosen, label


def _column(path: Path, names: Sequence[str], name: str, option: str) -> int:
    if name not in names:
        shown = ", ".join(repr(known) for known in names[:20])
        raise ModelError(f"{path}: {option}: no column {name[:40]!r}; there are {shown}")
    return names.index(name)


def _folder(path: Path, shape: Sequence[int] | None) -> DataArrays:
    """Pictures in one folder, or in sub-folders that are their labels."""
    entries = sorted(path.iterdir())
    classes = [entry for entry in entries if entry.is_dir() and not entry.name.startswith(".")]
    groups = [(entry.name, sorted(entry.iterdir())) for entry in classes] or [("", entries)]
    pictures, labels, others = [], [], [] if not classes else [entry for entry in entries if not entry.is_dir()]
    for label, files in groups:
        for file in files:
            if file.suffix.lower() in PICTURES:
                pictures.append(file)
                labels.append(label)
            else:
                others.append(file)
    if not 0 < len(pictures) <= MAX_PICTURES:
        raise ModelError(f"{path}: holds {len(pictures)} pictures; 1 to {MAX_PICTURES} .png or .jpg files are needed")
    if others:
        note(f"{path}: {len(others)} files that are no pictures were left aside, such as {others[0].name!r}")
    first = _picture(pictures[0], shape)
    images = np.empty((len(pictures), *first.shape), np.uint8)
    for index, file in enumerate(pictures):
        image = _picture(file, shape)
        if image.shape != first.shape:
            raise ModelError(
                f"{file}: a picture of {image.shape[2]}x{image.shape[1]} pixels; {pictures[0].name!r} has"
                f" {first.shape[2]}x{first.shape[1]}: all need the input's size"
            )
        images[index] = image
    return DataArrays({"x": images, **({"y": np.array(labels)} if classes else {})}, pictures=True)


def _picture(path: Path, shape: Sequence[int] | None) -> NDArray[np.uint8]:
    """A picture as (channels, height, width), of bytes; nothing is scaled or turned grey."""
    try:
        from PIL import Image
    except ImportError:
        raise ModelError(
            f"{path}: pictures are read by Pillow, which is missing: pip install 'fpgaq[images]'"
        ) from None
    with open_regular(path, "a picture") as stream:
        try:
            with Image.open(stream, formats=("PNG", "JPEG")) as image:
                width, height = image.size
                if shape is not None and (height, width) != image_size(shape)[1:]:
                    wanted = "x".join(map(str, reversed(image_size(shape)[1:])))
                    raise ModelError(f"{path}: {width}x{height} pixels; the input has {wanted}: resize the pictures")
                if width * height > 1 << 24:
                    raise ModelError(f"{path}: {width}x{height} pixels; at most {1 << 24} are read")
                pixels = _pixels(image, str(path), shape)
        except (OSError, SyntaxError, ValueError, MemoryError, Image.DecompressionBombError) as error:
            # A damaged length may ask for more than there is.
            raise ModelError(f"{path}: not a sound picture ({error or type(error).__name__})") from None
    return np.ascontiguousarray(pixels.transpose(2, 0, 1))


def _pixels(image: Any, where: str, shape: Sequence[int] | None) -> NDArray[np.uint8]:
    """(height, width, channels) in as many channels as the input has."""
    channels = None if shape is None else image_size(shape)[0]
    grey, mode = image.mode in ("1", "L"), image.mode
    if mode in ("P", "RGBA", "LA"):
        image = image.convert("RGBA")
        if np.asarray(image)[..., 3].min() < 255:
            raise ModelError(f"{where}: has transparent pixels; save it without them (convert('RGB'))")
        image, grey = image.convert("L" if mode == "LA" else "RGB"), mode == "LA"
    elif not grey and mode != "RGB":
        raise ModelError(f"{where}: pixels of mode {mode}; greys of 8 bits (L) and RGB are read")
    if channels not in (None, 1, 3):
        raise ModelError(
            f"{where}: a picture has 1 or 3 channels, the input has {channels}; give the samples as .npy or .npz"
        )
    if channels is not None and channels != (1 if grey else 3):
        have = "grey" if grey else "in colour"
        raise ModelError(
            f"{where}: the picture is {have}, the input has {channels} channel{'s' if channels > 1 else ''}; convert"
            f" the pictures (Pillow's convert({'RGB' if grey else 'L'!r}))"
        )
    pixels = np.asarray(image.convert("L") if grey else image, dtype=np.uint8)
    return pixels.reshape(*pixels.shape[:2], -1)
