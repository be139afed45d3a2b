"""The wrapper around a network in HLS C++: its ports, its registers and its bench."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ....integer.graph import IntegerArray
from ...schedule.bus import BusPort
from ..bus import MAGIC, MAJOR
from ..render import render, static_text
from .network import HEADERS, HlsNetwork, Port
from .text import StreamText

MARKS = 16
"""Frames on their way whose damage is known while they still are."""
BENCH = ("bench.cpp", "fpgaq_bus_bench.h")


@dataclass(frozen=True)
class BusStream:
    """A stream of the wrapper, and the port of the network that it replaces."""

    variable: str
    kind: str
    stream: StreamText
    slot_bytes: int

    @classmethod
    def of(cls, port: Port, outside: BusPort) -> BusStream:
        """The stream for a port, with the slots that it has outside."""
        return cls(port.variable, port.kind, port.stream, outside.slot // 8)


@dataclass(frozen=True)
class Register:
    """What the host reads; a constant has a value."""

    name: str
    meaning: str
    value: int | None = None


@dataclass(frozen=True)
class HlsBus:
    """Everything that the templates of the wrapper place beyond the network."""

    width: int
    input: BusStream
    output: BusStream
    input_bytes: int
    output_bytes: int
    registers: tuple[Register, ...]
    marks: int = MARKS

    @property
    def constants(self) -> tuple[Register, ...]:
        """The registers that never change."""
        return tuple(register for register in self.registers if register.value is not None)


def wrapped(network: HlsNetwork, source: BusPort, result: BusPort) -> HlsBus:
    """The wrapper of a network with one input and one output.

    Parameters
    ----------
    network : HlsNetwork
    source, result : BusPort
        How frames stand on the bus.
    """
    words = [int(network.digest[place : place + 8], 16) for place in range(0, 64, 8)]
    registers = (
        Register("magic", "tells the core from anything else", MAGIC),
        Register("version", "of this list of registers", MAJOR << 16),
        Register("geometry", "bytes of a beat", source.bus // 8),
        Register("input_bytes", "of a frame", source.bytes),
        Register("output_bytes", "of a frame", result.bytes),
        *(Register(f"digest_{place}", "of the integer network", word) for place, word in enumerate(words)),
        Register("frames_in", "frames that ended at the input"),
        Register("frames_out", "frames that left"),
        Register("frames_damaged", "of those at the input"),
        Register("errors", "1 short, 2 long, 4 without tkeep, 8 marked by the sender"),
    )
    (port,), (end,) = network.inputs, network.outputs
    return HlsBus(
        source.bus, BusStream.of(port, source), BusStream.of(end, result), source.bytes, result.bytes, registers
    )


def bus_sources(network: HlsNetwork, bus: HlsBus) -> dict[str, str]:
    """The kernel, in place of what `network.sources` gives."""
    facts = {"network": network, "bus": bus}
    return {
        **{name: static_text(f"hls/{name}") for name in (*HEADERS, "fpgaq_bus.h")},
        "network.cpp": render("hls/bus_network.cpp.j2", facts),
        "network.h": render("hls/bus_network.h.j2", facts),
        "weights.h": render("hls/weights.h.j2", facts),
    }


def bus_bench(network: HlsNetwork, bus: HlsBus, frames: Mapping[str, IntegerArray]) -> dict[str, str]:
    """The bench and its vectors.

    Parameters
    ----------
    network : HlsNetwork
    bus : HlsBus
    frames : mapping of str to array of int64
        "s_axis" and "m_axis": (frames, bytes). "damage": (frames, 4), the beats that are sent, surplus beats, the first
        byte without tkeep or -1, and tuser.
    """
    files = {f"vectors/{name}.txt": vector_text(values) for name, values in frames.items()}
    files["bench.cpp"] = render("hls/bus_bench.cpp.j2", {"network": network, "bus": bus})
    files["fpgaq_bus_bench.h"] = static_text("hls/fpgaq_bus_bench.h")
    return files


def vector_text(values: IntegerArray) -> str:
    """Golden vectors: a frame a line, elements in the order of the stream."""
    frames = values.reshape(len(values), -1).tolist()
    return "".join(" ".join(map(str, frame)) + "\n" for frame in frames)
