"""What packages tell of a wrapped core, read from the JSON files of its folder, never from its text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from ...base.version import __version__
from ..emit.bus import ADDRESS_BITS, Signal, signals

VENDOR, LIBRARY, VERSION = "fpgaq", "networks", "1.0.0"
"""Of the names by which tools know a package: vendor, library, name of the top module, version."""


@dataclass(frozen=True)
class Frame:
    """Frames on one side of the bus: `elements` of `slot` bits make `bytes`, these take `beats` of the bus."""

    name: str
    elements: int
    slot: int
    width: int
    signed: bool
    shape: tuple[int, ...]
    bytes: int
    beats: int
    last_bytes: int

    @property
    def slot_bytes(self) -> int:
        """Bytes of an element in memory."""
        return self.slot // 8


@dataclass(frozen=True)
class Interface:
    """A group of ports with a protocol: `kind` is "stream" or "registers", `outward` that it gives beats."""

    name: str
    kind: str
    outward: bool
    signals: tuple[Signal, ...]


@dataclass(frozen=True)
class PackageFacts:
    """A core behind a bus as its packages describe it.

    Parameters
    ----------
    top, core : str
        Names of the wrapper's module and of the core's.
    bus : int
        Bits of tdata.
    sources, memories : tuple of str
        Paths inside the folder: Verilog in an order in which it can be compiled, and files that it reads.
    input, output : Frame
    digest : str
        SHA-256 of the integer network.
    interval, latency : int or None, int
        Predicted cycles at the wrapper's ports.
    damaged : str
        What becomes of damaged frames.
    """

    top: str
    core: str
    bus: int
    sources: tuple[str, ...]
    memories: tuple[str, ...]
    input: Frame
    output: Frame
    digest: str
    interval: int | None
    latency: int
    damaged: str
    vendor: str = VENDOR
    library: str = LIBRARY
    version: str = VERSION
    fpgaq_version: str = __version__
    address_bits: int = ADDRESS_BITS

    @property
    def bus_bytes(self) -> int:
        """Bytes of tdata."""
        return self.bus // 8

    @property
    def marked_bits(self) -> int:
        """Bits of a beat with tkeep and tlast, as the bench's files have it."""
        return self.bus + self.bus_bytes + 1

    @property
    def held_bits(self) -> int:
        """Bits of a beat with tkeep."""
        return self.bus + self.bus_bytes

    @property
    def transfer_bytes(self) -> tuple[int, int]:
        """Bytes of a frame in whole beats: of the input, and of the output."""
        return self.input.beats * self.bus_bytes, self.output.beats * self.bus_bytes

    @property
    def register_bytes(self) -> int:
        """Bytes of the register map."""
        return 1 << self.address_bits

    @property
    def signals(self) -> tuple[Signal, ...]:
        """The ports other than clock and reset."""
        return signals(self.bus)

    @property
    def interfaces(self) -> tuple[Interface, ...]:
        """The ports other than clock and reset, by their protocols."""
        groups = (("s_axis", "stream", False), ("m_axis", "stream", True), ("s_axi", "registers", False))
        return tuple(
            Interface(name, kind, outward, tuple(one for one in self.signals if one.name.rpartition("_")[0] == name))
            for name, kind, outward in groups
        )

    @property
    def source_names(self) -> tuple[str, ...]:
        """The sources without their folder."""
        return tuple(PurePosixPath(path).name for path in self.sources)

    @property
    def memory_names(self) -> tuple[str, ...]:
        """The memory files without their folder."""
        return tuple(PurePosixPath(path).name for path in self.memories)


def package_facts(manifest: Mapping[str, Any], interface: Mapping[str, Any]) -> PackageFacts:
    """The facts of a folder by the contents of its JSON files, whose types were checked."""
    wrapper, public = manifest["wrapper"], interface["wrapper"]
    prediction = wrapper["prediction"]
    return PackageFacts(
        top=wrapper["module"],
        core=manifest["top"],
        bus=public["bus_bits"],
        sources=tuple(wrapper["files"]),
        memories=tuple(manifest["memory_files"]),
        input=_frame(public["input"], interface["inputs"][0]),
        output=_frame(public["output"], interface["outputs"][0]),
        digest=manifest["digest"],
        interval=prediction["interval_cycles"],
        latency=prediction["latency_cycles"],
        damaged=public["damaged_frames"],
    )


def _frame(port: Mapping[str, Any], core: Mapping[str, Any]) -> Frame:
    return Frame(
        name=core["name"],
        elements=port["elements_per_frame"],
        slot=port["slot_bits"],
        width=core["width"],
        signed=core["signed"],
        shape=tuple(core["shape"]),
        bytes=port["bytes_per_frame"],
        beats=port["beats_per_frame"],
        last_bytes=port["last_beat_bytes"],
    )
