"""The wrapper around a core as numbers: how elements stand on a bus, and what its parts are set to.

Elements stand in slots of 8, 16, 32 or 64 bits, one after the other, low part first; a frame starts on a beat.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd

BUS_WIDTHS = (32, 64, 128)
SLOTS = (8, 16, 32, 64)
LEAST_BUFFER_BITS = 4


@dataclass(frozen=True)
class BusPort:
    """One stream of the wrapper and that of the core to which it leads.

    Parameters
    ----------
    port : str
        Prefix of the core's signals.
    pixels, channels, lanes : int
        Of the core's stream: a beat brings up to `lanes` channels of one pixel.
    width : int
        Bits of an element.
    signed : bool
    bus : int
        Bits of tdata outside.
    """

    port: str
    pixels: int
    channels: int
    lanes: int
    width: int
    signed: bool
    bus: int

    @property
    def slot(self) -> int:
        """Bits of an element outside: the least of `SLOTS` that holds it."""
        return next(slot for slot in SLOTS if slot >= self.width)

    @property
    def core_slot(self) -> int:
        """Bits of an element at the core: whole bytes."""
        return -(-self.width // 8) * 8

    @property
    def core_bits(self) -> int:
        """Bits of the core's tdata."""
        return self.core_slot * self.lanes

    @property
    def elements(self) -> int:
        """Of a frame."""
        return self.pixels * self.channels

    @property
    def bytes(self) -> int:
        """Of a frame."""
        return self.elements * self.slot // 8

    @property
    def beats(self) -> int:
        """Of a frame outside."""
        return -(-8 * self.bytes // self.bus)

    @property
    def last_bytes(self) -> int:
        """Of a frame's last beat outside."""
        return self.bytes - (self.beats - 1) * self.bus // 8

    @property
    def period(self) -> int:
        """Beats of a pixel at the core."""
        return -(-self.channels // self.lanes)

    @property
    def rest(self) -> int:
        """Elements of a pixel's last beat at the core."""
        return self.channels - (self.period - 1) * self.lanes

    @property
    def core_beats(self) -> int:
        """Of a frame at the core."""
        return self.period * self.pixels

    @property
    def unit(self) -> int:
        """Bits of which every beat on either side has a multiple."""
        return gcd(self.bus, self.lanes * self.slot, self.rest * self.slot)

    @property
    def bus_units(self) -> tuple[int, int, int]:
        """Units of a beat outside, of a frame's last beat, and beats of a frame."""
        return self.bus // self.unit, 8 * self.last_bytes // self.unit, self.beats

    @property
    def core_units(self) -> tuple[int, int, int]:
        """Units of a beat at the core, of a pixel's last beat, and beats of a pixel."""
        return self.lanes * self.slot // self.unit, self.rest * self.slot // self.unit, self.period


@dataclass(frozen=True)
class Bus:
    """The wrapper of a core with one input and one output.

    Parameters
    ----------
    width : int
        Bits of tdata, one of `BUS_WIDTHS`.
    input, output : BusPort
    mark_bits : int
        2**mark_bits frames may be on their way.
    buffered : bool
        Whether a buffer for whole output frames is there, so that damaged ones can be dropped.
    """

    width: int
    input: BusPort
    output: BusPort
    mark_bits: int
    buffered: bool

    @property
    def buffer_bits(self) -> int:
        """The buffer holds 2**buffer_bits beats, at least those of a frame; 0 if there is none.

        A frame that fills it makes the next one wait for a cycle. LUT RAM has 16 words or more, so that short frames
        can do without that.
        """
        return max(LEAST_BUFFER_BITS, (self.output.beats - 1).bit_length()) if self.buffered else 0

    @property
    def buffer_memory(self) -> int:
        """Bits of the buffer's memory: tdata, tlast and the mark of each beat."""
        return (self.width + 2) << self.buffer_bits if self.buffered else 0

    def parameters(self) -> dict[str, int]:
        """Of the cell `fpgaq_shell`."""
        source, result = self.input, self.output
        return {
            "BUS_WIDTH": self.width,
            "INPUT_BEATS": source.beats,
            "INPUT_LAST_BYTES": source.last_bytes,
            "INPUT_UNIT": source.unit,
            "INPUT_SLOT": source.slot,
            "CORE_INPUT_SLOT": source.core_slot,
            "CORE_INPUT_LANES": source.lanes,
            "CORE_INPUT_REST": source.rest,
            "CORE_INPUT_PERIOD": source.period,
            "CORE_INPUT_BEATS": source.core_beats,
            "OUTPUT_BEATS": result.beats,
            "OUTPUT_LAST_BYTES": result.last_bytes,
            "OUTPUT_UNIT": result.unit,
            "OUTPUT_SLOT": result.slot,
            "OUTPUT_SIGNED": int(result.signed),
            "CORE_OUTPUT_SLOT": result.core_slot,
            "CORE_OUTPUT_LANES": result.lanes,
            "CORE_OUTPUT_REST": result.rest,
            "CORE_OUTPUT_PERIOD": result.period,
            "MARK_BITS": self.mark_bits,
            "BUFFER_BITS": self.buffer_bits,
        }
