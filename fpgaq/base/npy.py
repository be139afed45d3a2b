"""Arrays and zips of them: read from untrusted files, no pickle and sizes checked first; written the same anywhere."""

from __future__ import annotations

import io
import math
import os
import tokenize
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from .errors import ModelError

MAX_HEADER = 4096

FREE_BYTES = 1 << 26
"""Size to which any archive may expand, whatever its own size."""

MAX_EXPANSION = 64
"""How many times its own size an archive may expand to beyond that; images with little on them pack 20 to 1."""

_npy: Any = np.lib.format  # numpy types these functions differently from version to version


EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a zip can state; a real one would make two equal files differ."""


def npy_bytes(array: NDArray[Any], kind: str) -> bytes:
    """An array as .npy: elements of this type, C order, header version 1.0."""
    buffer = io.BytesIO()
    _npy.write_array(buffer, np.ascontiguousarray(array, dtype=kind), version=(1, 0), allow_pickle=False)
    return buffer.getvalue()


def archive_bytes(members: Mapping[str, bytes]) -> bytes:
    """A zip of members, by name. They are stored, not deflated: zlib versions differ in their output."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in sorted(members.items()):
            info = zipfile.ZipInfo(name, EPOCH)
            info.create_system = 3
            info.external_attr = 0o644 << 16
            archive.writestr(info, content)
    return buffer.getvalue()


@dataclass(frozen=True)
class ArrayLimits:
    """The sizes and types that a file may declare: bytes over all members, members, and kinds of element types."""

    total_bytes: int
    members: int = 1000
    kinds: str = "iu"


def read_npy(stream: io.BufferedIOBase, where: str, size: int, limits: ArrayLimits) -> NDArray[Any]:
    """Read one .npy of `size` bytes; ModelError if it is damaged, holds objects or declares another size."""
    try:
        version = _npy.read_magic(stream)
        if version == (1, 0):
            shape, fortran, kind = _npy.read_array_header_1_0(stream, max_header_size=MAX_HEADER)
            header = 10
        elif version == (2, 0):
            shape, fortran, kind = _npy.read_array_header_2_0(stream, max_header_size=MAX_HEADER)
            header = 12
        else:
            raise ModelError(f"{where}: .npy version {version} is not read; versions 1.0 and 2.0 are")
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError, tokenize.TokenError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ModelError(f"{where}: not a sound .npy array ({reason})") from None
    if kind.hasobject or kind.kind not in limits.kinds:
        raise ModelError(f"{where}: element type {kind} is refused; plain numbers (kinds {limits.kinds}) are read")
    if any(axis < 0 for axis in shape):
        raise ModelError(f"{where}: shape {shape} has a negative axis")
    expected = math.prod(shape) * kind.itemsize
    if expected > limits.total_bytes or not header < size - expected <= header + MAX_HEADER:
        raise ModelError(f"{where}: declares {expected} bytes in shape {shape} but holds {size} with its header")
    content = bytearray(expected)
    found = stream.readinto(content) + len(stream.read(1))
    if found != expected:
        raise ModelError(f"{where}: is cut short or too long: {found} of {expected} bytes")
    # Over those very bytes, which may be a gigabyte: copied only where this machine orders them otherwise.
    array = np.frombuffer(content, dtype=kind)
    return array.reshape(shape, order="F" if fortran else "C").astype(kind.newbyteorder("="), copy=False)


def open_archive(stream: BinaryIO, path: str, limits: ArrayLimits) -> zipfile.ZipFile:
    """Open a zip and check its table of contents; ModelError if it is damaged or exceeds the limits.

    Nothing is expanded: the sizes are those declared, to which `read_member` then holds the members.
    """
    size = os.fstat(stream.fileno()).st_size
    most = min(limits.total_bytes, max(FREE_BYTES, size * MAX_EXPANSION))
    try:
        archive = zipfile.ZipFile(stream)
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise ModelError(f"{path}: not a sound zip file ({error})") from None
    members = archive.infolist()
    names = [member.filename for member in members]
    reason = ""
    if len(members) > limits.members:
        reason = f"{len(members)} members; at most {limits.members} are read"
    elif len(set(names)) != len(names):
        reason = f"a member named twice: {next(name for name in names if names.count(name) > 1)!r}"
    elif sum(member.file_size for member in members) > most:
        reason = f"{sum(member.file_size for member in members)} bytes expanded; at most {most} are read of {size}"
    elif any(member.flag_bits & 1 for member in members):
        reason = "encrypted members"
    if reason:
        archive.close()
        raise ModelError(f"{path}: refused: {reason}")
    return archive


def read_member(archive: zipfile.ZipFile, name: str, where: str) -> bytes:
    """Read one member whole; ModelError if it is damaged or its declared size lies."""
    info = archive.getinfo(name)
    try:
        with archive.open(info) as stream:
            content = stream.read(info.file_size + 1)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, OSError, RuntimeError, ValueError) as error:
        raise ModelError(f"{where}, member {name!r}: damaged ({error})") from None
    if len(content) != info.file_size:
        raise ModelError(f"{where}, member {name!r}: its size is not the declared {info.file_size} bytes")
    return content


def read_archive(
    stream: BinaryIO, path: str, limits: ArrayLimits, refused: dict[str, str] | None = None
) -> dict[str, NDArray[Any]]:
    """Read every array of an .npz by name; `path` is for messages.

    With `refused`, arrays that cannot be read go there with the reason, so that one that nobody needs does no harm.
    """
    arrays: dict[str, NDArray[Any]] = {}
    with open_archive(stream, path, limits) as archive:
        for info in archive.infolist():
            if not info.filename.endswith(".npy"):
                raise ModelError(f"{path}: member {info.filename!r} is not a .npy array")
            content, name = read_member(archive, info.filename, path), info.filename[:-4]
            try:
                arrays[name] = read_npy(io.BytesIO(content), f"{path}, array {name!r}", len(content), limits)
            except ModelError as error:
                if refused is None:
                    raise
                refused[name] = str(error)
    return arrays
