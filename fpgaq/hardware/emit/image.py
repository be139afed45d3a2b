"""Images of weights: the layout of a core's memories, and the bytes that are sent to them."""

from __future__ import annotations

import io
import json
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import BinaryIO

import numpy as np

from ...base.errors import ModelError, UsageError
from ...base.npy import ArrayLimits, archive_bytes, npy_bytes, open_archive, read_member, read_npy
from ...integer.graph import IntegerArray, IntegerGraph, IntegerOperator, IntegerScale
from .memories import Field, Memory
from .numbers import LIFTED, numbers_of

LAYOUT, IMAGE, FOLDER = "image/layout.zip", "image/weights.bin", "image"
DESCRIBED = "layout.json"
"""The member of a layout beside those that tell which number stands where."""
LIMITS = ArrayLimits(total_bytes=1 << 28, members=20_000, kinds="i")
SCHEMA = 2
"""Of a layout: 1 had weights, biases and lifts alone."""

HEADER_WORDS = 9
"""Identity and digest."""

FRAME_WORDS = HEADER_WORDS + 1
"""Words of an image that are no parts of memories: the header, and the CRC."""


@dataclass(frozen=True)
class Layout:
    """The memories of a core in the order in which they are loaded, and the limits of each layer's numbers.

    Parameters
    ----------
    memories : tuple of Memory
    layers : mapping of str to (int, int, int)
        For each layer with weights or scales: bits of its biases or offsets, the shift that a lift of 0 stands for (-1:
        it has none), and its greatest lift.
    structure : str
        SHA-256 of all that an image does not change.
    """

    memories: tuple[Memory, ...]
    layers: Mapping[str, tuple[int, int, int]]
    structure: str

    @property
    def parts(self) -> int:
        """Words of an image for all memories."""
        return sum(memory.parts for memory in self.memories)

    @property
    def identity(self) -> int:
        """A number of 32 bits that differs between cores that take different images, but for chance."""
        return int.from_bytes(sha256(self._described()).digest()[:4], "little")

    def _described(self) -> bytes:
        told = [str(SCHEMA).encode(), self.structure.encode(), repr(sorted(self.layers.items())).encode()]
        for memory in self.memories:
            for field in memory.fields:
                told += [f"{field.source} {field.width} {field.index.shape}".encode(), field.index.tobytes()]
        return b"\0".join(told)


def make_image(graph: IntegerGraph, layout: Layout, sha: str, name: str) -> bytes:
    """The image of a network in the form that is built.

    Parameters
    ----------
    graph : IntegerGraph
        Of the same layers, formats and shapes as the one that the hardware was made of.
    layout : Layout
        Of the hardware.
    sha : str
        SHA-256 that the hardware is to tell, as hexadecimal digits.
    name : str
        For messages.

    Raises
    ------
    UsageError
        A bias or a shift that the hardware does not hold.
    """
    found: dict[str, list[IntegerArray]] = {}
    for op in graph.operators:
        limits = layout.layers.get(op.name)
        if limits is not None:
            _check_limits(op, limits, name)
        for source, numbers in numbers_of(op, graph, limits[1] if limits else 0).items():
            found.setdefault(source, [np.zeros(1, dtype=np.int64)]).append(numbers)
    sources = {source: np.concatenate(numbers) for source, numbers in found.items()}
    words = [layout.identity, *(int(sha[at : at + 8], 16) for at in range(0, len(sha), 8))]
    words += [part for memory in layout.memories for part in memory.contents(sources)]
    content = np.array(words, dtype="<u4").tobytes()
    return content + zlib.crc32(content).to_bytes(4, "little")


def _check_limits(op: IntegerOperator, limits: tuple[int, int, int], name: str) -> None:
    """Raise UsageError for a bias, an offset or a shift that the hardware does not hold."""
    assert isinstance(op, LIFTED)
    bits, base, limit = limits
    word, added = ("an offset", op.offset) if isinstance(op, IntegerScale) else ("a bias", op.bias)
    for number in (int(added.min()), int(added.max())):
        if not -(1 << bits - 1) <= number < 1 << bits - 1:
            raise UsageError(f"{name}: layer {op.name!r}: {word} of {number}; the hardware holds {bits} bits")
    for shift in op.requantize.shift if op.requantize is not None else ():
        if not base - limit <= shift <= base:
            raise UsageError(
                f"{name}: layer {op.name!r}: a shift of {shift}; the hardware shifts by {base - limit} to {base}:"
                " generate it anew"
            )


def layout_bytes(layout: Layout) -> bytes:
    """A layout as the bytes of its file, the same for the same layout."""
    described = {
        "schema": SCHEMA,
        "structure": layout.structure,
        "layers": {name: list(limits) for name, limits in layout.layers.items()},
        "memories": [[[field.source, field.width] for field in memory.fields] for memory in layout.memories],
    }
    members = {
        f"{place}_{number}.npy": npy_bytes(field.index, "<i4")
        for place, memory in enumerate(layout.memories)
        for number, field in enumerate(memory.fields)
    }
    return archive_bytes({DESCRIBED: json.dumps(described, indent=1).encode("ascii"), **members})


def read_layout(stream: BinaryIO, where: str) -> Layout:
    """The layout in a file; ModelError if it is damaged."""
    with open_archive(stream, where, LIMITS) as archive:
        try:
            described = json.loads(read_member(archive, DESCRIBED, where))
            schema = described.get("schema", 1)
            if schema != SCHEMA:
                raise ValueError(f"schema {schema!r}, {SCHEMA} is known")
            memories = []
            for place, fields in enumerate(described["memories"]):
                read = []
                for number, (source, width) in enumerate(fields):
                    name = f"{place}_{number}.npy"
                    content = read_member(archive, name, where)
                    index = read_npy(io.BytesIO(content), f"{where}, member {name!r}", len(content), LIMITS)
                    read.append(Field(str(source), int(width), index.astype(np.int64)))
                memories.append(Memory(tuple(read)))
            layers = {name: (int(bits), int(base), int(limit)) for name, (bits, base, limit) in
                      described["layers"].items()}  # fmt: skip
            return Layout(tuple(memories), layers, str(described["structure"]))
        except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
            raise ModelError(
                f"{where}: no layout of loadable weights ({' '.join(str(error).split())}); generate the folder anew"
            ) from None


def words_of(image: bytes) -> Iterable[int]:
    """The words of an image in the order in which they are written to a core."""
    return map(int, np.frombuffer(image, dtype="<u4"))
