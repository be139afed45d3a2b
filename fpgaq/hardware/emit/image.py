"""Images of weights: what stands in each memory that is loaded, and the bytes that are sent to it."""

from __future__ import annotations

import io
import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from ...base.errors import ModelError, UsageError
from ...base.npy import ArrayLimits, archive_bytes, npy_bytes, open_archive, read_member, read_npy
from ...integer.file import digest
from ...integer.graph import IntegerAffine, IntegerArray, IntegerConvolution, IntegerGraph
from ..schedule.schedule import Engine
from ..schedule.widths import EngineWidths, base_shift, lift_limit
from .engine_roms import Served, bias_beats, weight_rows
from .literals import pack

LAYOUT, IMAGE, FOLDER = "image/layout.zip", "image/weights.bin", "image"
DESCRIBED = "layout.json"
"""The member of a layout beside those that tell which number stands where."""
LIMITS = ArrayLimits(total_bytes=1 << 28, members=20_000, kinds="i")
PART = 32
"""Bits of a word of an image."""

HEADER_WORDS = 9
"""Identity and digest."""

FRAME_WORDS = HEADER_WORDS + 1
"""Words of an image that are no parts of memories: the header, and the CRC."""


@dataclass(frozen=True, eq=False)
class Field:
    """Numbers side by side in the words of a memory.

    Parameters
    ----------
    source : {"weight", "bias", "lift"}
    width : int
        Bits of each.
    index : array of int64
        (words, numbers): the place of each among the numbers of all layers, from 1; 0 is the number 0.
    """

    source: str
    width: int
    index: IntegerArray


@dataclass(frozen=True)
class Memory:
    """A memory that is loaded: its fields from the low end."""

    fields: tuple[Field, ...]

    @property
    def words(self) -> int:
        """Of the memory."""
        return len(self.fields[0].index)

    @property
    def width(self) -> int:
        """Bits of a word."""
        return sum(field.width * field.index.shape[1] for field in self.fields)

    @property
    def parts(self) -> int:
        """Words of an image that fill it."""
        return self.words * -(-self.width // PART)

    def contents(self, sources: Mapping[str, IntegerArray]) -> list[int]:
        """The words of an image for it, in the order in which they are sent."""
        parts = []
        values = [sources[field.source][field.index].tolist() for field in self.fields]
        for rows in zip(*values, strict=True):
            word, low = 0, 0
            for field, row in zip(self.fields, rows, strict=True):
                word |= pack(row, field.width) << low
                low += field.width * len(row)
            parts += [word >> start & 0xFFFFFFFF for start in range(0, self.width, PART)]
        return parts


@dataclass(frozen=True)
class Layout:
    """The memories of a core in the order in which they are loaded, and the limits of each layer's numbers.

    Parameters
    ----------
    memories : tuple of Memory
    layers : mapping of str to (int, int, int)
        For each layer with weights: bits of its biases, the shift that a lift of 0 stands for (-1: it has none), and
        its greatest lift.
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
        told = [self.structure.encode(), repr(sorted(self.layers.items())).encode()]
        for memory in self.memories:
            for field in memory.fields:
                told += [f"{field.source} {field.width} {field.index.shape}".encode(), field.index.tobytes()]
        return b"\0".join(told)


def engine_memories(
    engine: Engine, layers: Sequence[Served], widths: EngineWidths, starts: Mapping[str, Mapping[str, int]]
) -> tuple[Memory, ...]:
    """The memories of an engine; `starts` tells where a layer's weights and channels start among those of all."""
    weights, biases = [], []
    for layer in layers:
        op, own = layer.op, starts[layer.op.name]
        first = own["weight"] + 1
        weights.append(np.arange(first, first + op.weight.size, dtype=np.int64).reshape(op.weight.shape))
        first = own["bias"] + 1
        biases.append(np.arange(first, first + len(op.bias), dtype=np.int64))
    rows, _ = weight_rows(engine, layers, weights)
    index = bias_beats(engine, layers, biases, widths.beat_index)
    lifts = (Field("lift", widths.lift, index),) if widths.lift else ()
    return (
        Memory((Field("weight", widths.weight, _two_rows(rows)),)),
        Memory(tuple(Field(one.source, one.width, _two_rows(one.index)) for one in (Field("bias", widths.bias, index),
                                                                                   *lifts))),
    )  # fmt: skip


def _two_rows(index: IntegerArray) -> IntegerArray:
    """The words of a memory, which has two at least."""
    return index if len(index) > 1 else np.concatenate([index, np.zeros_like(index)])


def weighted_layers(graph: IntegerGraph) -> list[IntegerConvolution | IntegerAffine]:
    """The layers with weights, in the order of the operators."""
    return [op for op in graph.operators if isinstance(op, IntegerConvolution | IntegerAffine)]


def starts_of(graph: IntegerGraph) -> dict[str, dict[str, int]]:
    """Where the numbers of each layer start among those of all layers."""
    found, weights, biases = {}, 0, 0
    for op in weighted_layers(graph):
        found[op.name] = {"weight": weights, "bias": biases}
        weights, biases = weights + op.weight.size, biases + len(op.bias)
    return found


def layer_limits(graph: IntegerGraph) -> dict[str, tuple[int, int, int]]:
    """The limits of each layer's numbers; accumulators have a bit more than biases."""
    return {
        op.name: (op.accumulator_width - 1, -1 if op.requantize is None else base_shift(op), lift_limit(op))
        for op in weighted_layers(graph)
    }


def structure_of(graph: IntegerGraph) -> str:
    """SHA-256 of a network without what an image changes."""
    operators = []
    for op in graph.operators:
        if isinstance(op, IntegerConvolution | IntegerAffine):
            rule = op.requantize and replace(op.requantize, shift=(0,))
            fmt, steps = replace(op.weight_format, frac=0, narrow=False), (0,) * len(op.bias)
            op = replace(op, requantize=rule, weight_frac=steps, weight_format=fmt)
            op = replace(op, weight=np.zeros_like(op.weight), bias=np.zeros_like(op.bias))
        operators.append(op)
    samples = {name: values[:0] for name, values in graph.samples.items()}
    return digest(replace(graph, operators=tuple(operators), name="", samples=samples))


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
    layers = weighted_layers(graph)
    zero = np.zeros(1, dtype=np.int64)
    lifts = [_lifts(op, layout.layers[op.name], name) for op in layers]
    for op in layers:
        bits = layout.layers[op.name][0]
        low, high = int(op.bias.min()), int(op.bias.max())
        if low < -(1 << bits - 1) or high >= 1 << bits - 1:
            worst = low if low < -(1 << bits - 1) else high
            raise UsageError(f"{name}: layer {op.name!r}: a bias of {worst}; the hardware holds {bits} bits")
    sources = {
        "weight": np.concatenate([zero, *(op.weight.reshape(-1) for op in layers)]),
        "bias": np.concatenate([zero, *(op.bias for op in layers)]),
        "lift": np.concatenate([zero, *lifts]),
    }
    words = [layout.identity, *(int(sha[at : at + 8], 16) for at in range(0, len(sha), 8))]
    words += [part for memory in layout.memories for part in memory.contents(sources)]
    content = np.array(words, dtype="<u4").tobytes()
    return content + zlib.crc32(content).to_bytes(4, "little")


def _lifts(op: IntegerConvolution | IntegerAffine, limits: tuple[int, int, int], name: str) -> NDArray[np.int64]:
    """What each channel's shift falls short of the greatest that the hardware has."""
    _, base, limit = limits
    if op.requantize is None:
        return np.zeros(len(op.bias), dtype=np.int64)
    shifts = np.broadcast_to(np.asarray(op.requantize.shift, dtype=np.int64), len(op.bias))
    for shift in (int(shifts.min()), int(shifts.max())):
        if not base - limit <= shift <= base:
            raise UsageError(
                f"{name}: layer {op.name!r}: a shift of {shift}; the hardware shifts by {base - limit} to {base}:"
                " generate it anew"
            )
    return base - shifts


def layout_bytes(layout: Layout) -> bytes:
    """A layout as the bytes of its file, the same for the same layout."""
    described = {
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
