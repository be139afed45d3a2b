"""Synthesis of a generated design with Yosys and the count of what it takes on a device."""

from __future__ import annotations

from .cells import Counts
from .flow import DEVICES, SynthResult, synthesize

__all__ = ["DEVICES", "Counts", "SynthResult", "synthesize"]
