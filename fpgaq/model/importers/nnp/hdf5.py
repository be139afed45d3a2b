"""Parameters in HDF5, the `.h5` member of an .nnp file, read without trusting it.

Only what nnabla writes is accepted: hard-linked groups and contiguous float32 or float64 datasets. Links, external
files, virtual and chunked storage, filters and other types are refused before the library reads or allocates anything.
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....base.errors import ModelError

MAX_OBJECTS = 20_000
MAX_DEPTH = 32
MAX_BYTES = 128 << 20


def decode_parameters(data: bytes) -> list[tuple[str, NDArray[np.float32]]]:
    """The (name, array) pairs of all datasets, in alphabetical order; a name is the path from the root."""
    import h5py

    parameters: list[tuple[str, NDArray[np.float32]]] = []
    try:
        with h5py.File(io.BytesIO(data), "r") as file:
            _Walk(len(data), parameters).group(file["/"].id, "", 0)
    except ModelError:
        raise
    except Exception as error:
        # On damaged files the library raises nearly every class of exception, OverflowError and MemoryError included.
        raise ModelError(f"is not readable HDF5 ({' '.join(str(error).split())[:200]}); save the model again") from None
    return parameters


class _Walk:
    """Depth-first over hard links; counts objects and bytes across the whole file."""

    def __init__(self, file_bytes: int, parameters: list[tuple[str, NDArray[np.float32]]]) -> None:
        self.file_bytes = file_bytes
        self.parameters = parameters
        self.objects = 0
        self.bytes = 0

    def group(self, group: Any, path: str, depth: int) -> None:
        """Visit the members of a group."""
        from h5py import h5d, h5g, h5l, h5o

        if depth > MAX_DEPTH:
            raise ModelError(f"group {path[:80]!r} is nested deeper than {MAX_DEPTH} levels")
        self.objects += group.get_num_objs()
        if self.objects > MAX_OBJECTS:
            raise ModelError(f"holds more than {MAX_OBJECTS} objects")
        for raw in sorted(group):
            name = path + raw.decode("utf-8", "backslashreplace")
            if group.links.get_info(raw).type != h5l.TYPE_HARD:
                raise ModelError(f"{name!r} is a soft or external link; only data in the file itself is read")
            item = h5o.open(group, raw)
            if isinstance(item, h5g.GroupID):
                self.group(item, name + "/", depth + 1)
            elif isinstance(item, h5d.DatasetID):
                self.parameters.append((name, self.dataset(item, name)))
            else:
                raise ModelError(f"{name!r} is a named type; expected groups and arrays of numbers")

    def dataset(self, dataset: Any, name: str) -> NDArray[np.float32]:
        """The values of a dataset whose declaration has been checked."""
        from h5py import h5d, h5s, h5t

        kind = dataset.get_type()
        if not isinstance(kind, h5t.TypeFloatID | h5t.TypeIntegerID) or kind.get_size() not in (4, 8):
            raise ModelError(f"{name!r} is not an array of float32 or float64, nor of integers as wide")
        plist = dataset.get_create_plist()
        if plist.get_external_count():
            raise ModelError(f"{name!r} keeps its data in another file; only data in the file itself is read")
        if plist.get_layout() not in (h5d.CONTIGUOUS, h5d.COMPACT) or plist.get_nfilters():
            raise ModelError(f"{name!r} is chunked, compressed or virtual; save it again as nnabla does, uncompressed")
        space = dataset.get_space()
        if space.get_simple_extent_type() == h5s.NULL:
            raise ModelError(f"{name!r} has no value")
        size = kind.get_size()
        for dim in space.get_simple_extent_dims():
            size *= int(dim)
        self.bytes += size
        if size > self.file_bytes or self.bytes > MAX_BYTES:
            raise ModelError(f"{name!r} declares {size} bytes in a file of {self.file_bytes}; the file is damaged")
        if dataset.get_storage_size() != size:
            raise ModelError(f"{name!r} declares {size} bytes but stores {dataset.get_storage_size()}; data is missing")
        values = np.empty(space.get_simple_extent_dims(), kind.dtype)
        dataset.read(h5s.ALL, h5s.ALL, values)
        if values.dtype.kind in "iu" and values.size and max(abs(int(values.min())), abs(int(values.max()))) > 1 << 24:
            raise ModelError(f"{name!r} has integers beyond 2**24, which are no float32")
        with np.errstate(over="ignore", invalid="ignore"):
            return values.astype(np.float32)
