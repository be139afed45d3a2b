"""The memories of a schedule: bits, and block RAMs of a device by the rule of `fpgaq.hardware.estimate.memories`."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from ...integer.graph import IntegerGraph
from ..schedule import Schedule
from ..schedule.storage import KINDS, memories
from ..synth.devices import DEVICES, find_device
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
        "weights", "line buffers" and "queues".
    largest : str
        The part of the most block RAM among those of known size that are built alike.
    holds : int
        Its block RAMs.
    """

    device: str
    kinds: dict[str, Kept]
    largest: str
    holds: int

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
        return {"device": self.device, "block_bits": self.block_bits, "blocks": self.blocks, "bits": self.bits, **kinds}


def measure_storage(graph: IntegerGraph, schedule: Schedule, device: str | None = None) -> Storage:
    """What the memories of a schedule take; by default in block RAMs of 18 kbit.

    Tables, biases and other small constants are left out.
    """
    device = device or FAMILY
    family = find_device(device).family
    bits, blocks = dict.fromkeys(KINDS, 0), dict.fromkeys(KINDS, 0)
    for memory in memories(graph, schedule.plans, schedule.edges, schedule.engines):
        bits[memory.kind] += memory.bits
        if memory.words > 2 or memory.kind == "weights":
            mapped = map_memory(family, memory.width, memory.words, rom=memory.kind == "weights")
            blocks[memory.kind] += mapped.blocks * memory.copies
    sized = [
        (each.capacity.bram * each.bram_bits // find_device(device).bram_bits, each.name)
        for each in DEVICES.values()
        if each.capacity is not None
    ]
    holds, largest = max(sized)
    return Storage(device, {kind: Kept(bits[kind], blocks[kind]) for kind in KINDS}, largest, holds)
