"""The text around a core behind a bus: its ports and what its template places."""

from __future__ import annotations

from dataclasses import dataclass

from ..schedule.bus import Bus, BusPort
from .design import Instance

MAGIC, MAJOR = 0x51475046, 1
"""Of the registers: what tells the core from anything else, and the version that programs ask for."""

ADDRESS_BITS = 7
"""Of the register map; those of the cell `fpgaq_registers`."""


@dataclass(frozen=True)
class Signal:
    """A port of the wrapper; `interface` is what AMD's tools recognise it by."""

    name: str
    width: int
    outward: bool
    interface: str

    @property
    def role(self) -> str:
        """What it is in its interface: the last part of its name, like ``tdata``."""
        return self.name.rpartition("_")[2]

    @property
    def direction(self) -> str:
        """As Verilog says it."""
        return "output" if self.outward else "input "

    @property
    def range(self) -> str:
        """As Verilog says it, with a space after it; empty for a single bit."""
        return f"[{self.width - 1}:0] " if self.width > 1 else ""


def signals(width: int) -> tuple[Signal, ...]:
    """The ports of a wrapper other than clock and reset, the same for every network and every budget."""
    stream = (
        ("tdata", width, 1),
        ("tkeep", width // 8, 1),
        ("tvalid", 1, 1),
        ("tready", 1, 0),
        ("tlast", 1, 1),
        ("tuser", 1, 1),
    )
    lite = (
        *(("awaddr", ADDRESS_BITS, 0), ("awprot", 3, 0), ("awvalid", 1, 0), ("awready", 1, 1)),
        *(("wdata", 32, 0), ("wstrb", 4, 0), ("wvalid", 1, 0), ("wready", 1, 1)),
        *(("bresp", 2, 1), ("bvalid", 1, 1), ("bready", 1, 0)),
        *(("araddr", ADDRESS_BITS, 0), ("arprot", 3, 0), ("arvalid", 1, 0), ("arready", 1, 1)),
        *(("rdata", 32, 1), ("rresp", 2, 1), ("rvalid", 1, 1), ("rready", 1, 0)),
    )
    groups = [("s_axis", "axis", stream, True), ("m_axis", "axis", stream, False), ("s_axi", "aximm", lite, False)]
    return tuple(
        Signal(
            f"{prefix}_{name}",
            bits,
            bool(outward) != turned,
            f"xilinx.com:interface:{kind}:1.0 {prefix} {name.upper()}",
        )
        for prefix, kind, members, turned in groups
        for name, bits, outward in members
    )


def digest_words(digest: str) -> str:
    """The hexadecimal digits of a SHA-256 with its words of 32 bits in reverse, so that the first has the low bits."""
    return "".join(reversed([digest[at : at + 8] for at in range(0, len(digest), 8)]))


@dataclass(frozen=True)
class BusFacts:
    """What the template of the wrapper places."""

    label: str
    core: str
    bus: int
    bus_bytes: int
    input: BusPort
    output: BusPort
    buffer_bits: int
    parameters: dict[str, int]
    signals: tuple[Signal, ...]
    digest_words: str
    loader: Instance | None


def facts(bus: Bus, label: str, core: str, digest: str, loader: Instance | None = None) -> BusFacts:
    """The facts of a wrapper around the module `core`; `loader` is the cell that takes images, if there is one."""
    return BusFacts(
        label=label,
        core=core,
        bus=bus.width,
        bus_bytes=bus.width // 8,
        input=bus.input,
        output=bus.output,
        buffer_bits=bus.buffer_bits,
        parameters=bus.parameters(),
        signals=signals(bus.width),
        digest_words=digest_words(digest),
        loader=loader,
    )
