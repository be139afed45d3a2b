"""The memories of a schedule: bits, and block RAMs of a device by the rule of `fpgaq.hardware.estimate.memories`."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from ...integer.graph import IntegerGraph
from ..schedule import Schedule
from ..schedule.storage import KINDS, Memory, memories
from ..synth.devices import DEVICES, Device, find_device
from .memories import map_memory

FAMILY = "xc7"
"""The device that block RAMs are counted for where none was named: blocks of 18 kbit."""


@dataclass(frozen=True)
class Kept:
    """Bits of the memories of a kind, and the block RAMs that those take which are too large for logic."""

    bits: int
    blocks: int


@dataclass(frozen=True)
class Storage:
    """What is kept on the chip.

    Parameters
    ----------
    device : str
        For which block RAMs are counted.
    kinds : dict of str to Kept
        "weights", "line buffers" and "queues", and "running sums" where there are any.
    largest : str
        The part of the most block RAM among those of known size that are built alike.
    holds : int
        Its block RAMs.
    parts : tuple of str
        The supported parts whose block RAM holds these memories, by the rule of their own family.
    """

    device: str
    kinds: dict[str, Kept]
    largest: str
    holds: int
    parts: tuple[str, ...] = ()

    @property
    def bits(self) -> int:
        """Bits of all memories."""
        return sum(kept.bits for kept in self.kinds.values())

    @property
    def blocks(self) -> int:
        """Block RAMs of all memories."""
        return sum(kept.blocks for kept in self.kinds.values())

    @property
    def block_bits(self) -> int:
        """Bits of a block RAM."""
        return find_device(self.device).bram_bits

    @property
    def too_large(self) -> bool:
        """Whether no supported part holds these memories."""
        return self.blocks > self.holds

    def as_json(self) -> dict[str, Any]:
        """Plain values for `--json`."""
        kinds = {name.replace(" ", "_"): asdict(kept) for name, kept in self.kinds.items()}
        return {
            "device": self.device,
            "block_bits": self.block_bits,
            "blocks": self.blocks,
            "bits": self.bits,
            "parts": list(self.parts),
            **kinds,
        }


def measure_storage(graph: IntegerGraph, schedule: Schedule, device: str | None = None) -> Storage:
    """What the memories of a schedule take; by default in block RAMs of 18 kbit.

    Tables, biases and other small constants are left out.
    """
    device = device or FAMILY
    family = find_device(device).family
    kept = memories(graph, schedule.plans, schedule.edges, schedule.engines)
    bits, blocks = dict.fromkeys(KINDS, 0), dict.fromkeys(KINDS, 0)
    for memory in kept:
        bits[memory.kind] += memory.bits
        blocks[memory.kind] += _blocks(memory, family)
    needed: dict[str, int] = {}
    parts = []
    for part in sized_parts():
        if part.family not in needed:
            needed[part.family] = sum(_blocks(memory, part.family) for memory in kept)
        if part.capacity is not None and needed[part.family] <= part.capacity.bram:
            parts.append(part.name)
    sized = [
        (each.capacity.bram * each.bram_bits // find_device(device).bram_bits, each.name)
        for each in sized_parts()
        if each.capacity is not None
    ]
    holds, largest = max(sized)
    # Few networks have running sums in a memory.
    kinds: dict[str, Kept] = {
        kind: Kept(bits[kind], blocks[kind]) for kind in KINDS if bits[kind] or kind != "running sums"
    }
    return Storage(device, kinds, largest, holds, tuple(parts))


def sized_parts() -> tuple[Device, ...]:
    """The supported parts, families without a size left out."""
    return tuple(each for each in DEVICES.values() if each.capacity is not None)


def _blocks(memory: Memory, family: str) -> int:
    """Block RAMs of a memory; two words or fewer are registers."""
    if memory.words <= 2 and memory.kind != "weights":
        return 0
    return map_memory(family, memory.width, memory.words, rom=memory.kind == "weights").blocks * memory.copies
