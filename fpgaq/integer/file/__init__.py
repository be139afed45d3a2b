"""One .fpgaq file for an integer network: a zip of `network.json` and .npy arrays, the same bytes on any machine."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...base.errors import ModelError
from ...base.npy import ArrayLimits, archive_bytes, npy_bytes, open_archive, read_member, read_npy
from ...base.output import write_file
from ...base.regular import open_regular
from ..check import check
from ..graph import IntegerGraph
from .describing import describe
from .restoring import restore

SUFFIX = ".fpgaq"
NETWORK = "network.json"
LIMITS = ArrayLimits(total_bytes=1 << 28, members=20_000, kinds="i")
MAX_CONTAINERS = 1 << 20
"""Lists and objects of a description: about ten an operator or tensor are needed."""
MAX_JSON = 1 << 24
MAX_ELEMENTS = 1 << 26
"""Over all arrays: in memory each element takes 8 bytes, whatever it takes in the file."""


def save(graph: IntegerGraph, path: str | Path) -> None:
    """Check `graph` and write it to `path`, which is replaced whole or not at all.

    Raises
    ------
    ModelError
        The graph is not sound.
    UsageError
        The file cannot be written, or its place is taken by something that is no regular file.
    """
    write_file(path, dump(check(graph)))


def load(path: str | Path) -> IntegerGraph:
    """Read a .fpgaq file and check all of it.

    Raises
    ------
    ModelError
        A file that is unreadable, damaged, unsafe, of an unknown version, or holds an unsound network.
    """
    path = Path(path)
    try:
        with open_regular(path, f"a {SUFFIX} file") as stream, open_archive(stream, str(path), LIMITS) as archive:
            return check(_read(archive, str(path)))
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror or error})") from None
    except ModelError as error:
        raise error if str(error).startswith(str(path)) else ModelError(f"{path}: {error}") from None


def digest(graph: IntegerGraph) -> str:
    """A name for the network's whole content: SHA-256, as hexadecimal digits, over its members' names and bytes."""
    result = hashlib.sha256()
    for name, content in sorted(_members(graph).items()):
        result.update(f"{name}\0{len(content)}\0".encode())
        result.update(content)
    return result.hexdigest()


def dump(graph: IntegerGraph) -> bytes:
    """The bytes of the file."""
    return archive_bytes(_members(graph))


def _members(graph: IntegerGraph) -> dict[str, bytes]:
    description, arrays = describe(graph)
    text = json.dumps(description, indent=1, sort_keys=True, ensure_ascii=True, allow_nan=False) + "\n"
    return {NETWORK: text.encode("ascii"), **{name: _npy(array) for name, array in arrays.items()}}


def _npy(array: NDArray[np.int64]) -> bytes:
    """The array in the least signed type that holds it, little-endian, C order, header version 1.0."""
    least, greatest = (int(array.min()), int(array.max())) if array.size else (0, 0)
    kind = next(k for k in ("i1", "<i2", "<i4", "<i8") if np.iinfo(k).min <= least and greatest <= np.iinfo(k).max)
    return npy_bytes(array, kind)


def _read(archive: zipfile.ZipFile, where: str) -> IntegerGraph:
    names = set(archive.namelist())
    if NETWORK not in names:
        raise ModelError(f"{where}: no member {NETWORK!r}; this is not a {SUFFIX} file")
    if archive.getinfo(NETWORK).file_size > MAX_JSON:
        raise ModelError(f"{where}, member {NETWORK!r}: larger than {MAX_JSON} bytes")
    content = read_member(archive, NETWORK, where)
    # Each takes 64 bytes and more once it is read.
    if content.count(b"[") + content.count(b"{") > MAX_CONTAINERS:
        raise ModelError(f"{where}, member {NETWORK!r}: more than {MAX_CONTAINERS} lists and objects")
    try:
        description = json.loads(content.decode("ascii"), object_pairs_hook=_unique, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{where}, member {NETWORK!r}: not sound JSON ({error})") from None
    unused = names - {NETWORK}
    left = MAX_ELEMENTS

    def array(name: str) -> NDArray[np.int64]:
        if name not in unused:
            raise ModelError(f"{where}: array {name!r} is missing or used twice")
        unused.discard(name)
        member = read_member(archive, name, where)
        narrow = read_npy(io.BytesIO(member), f"{where}, member {name!r}", len(member), LIMITS)
        nonlocal left
        left -= narrow.size
        if left < 0:
            raise ModelError(f"{where}: more than {MAX_ELEMENTS} elements in all arrays; no FPGA holds such a network")
        return narrow.astype(np.int64)

    graph = restore(description, array)
    if unused:
        raise ModelError(f"{where}: members {sorted(unused)} belong to no layer")
    return graph


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a key is given twice")
    return result


def _no_constant(text: str) -> float:
    raise ValueError(f"{text} is not a number")
