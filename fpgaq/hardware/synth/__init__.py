"""Synthesis of a generated design with Yosys, place and route with nextpnr: what it takes and how fast it is."""

from __future__ import annotations

from .cells import Counts
from .devices import DEVICES, Device, find_device
from .flow import DEFAULT_SEEDS, synthesize
from .result import SynthResult, describe_excess, used_shares

__all__ = [
    "DEFAULT_SEEDS",
    "DEVICES",
    "Counts",
    "Device",
    "SynthResult",
    "describe_excess",
    "find_device",
    "synthesize",
    "used_shares",
]
