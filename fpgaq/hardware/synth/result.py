"""The results of synthesis for a design on a device."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from ...base.results import Result
from .cells import Counts
from .devices import find_device
from .registers import RAM_MHZ

LIMITS = ("lut", "ff", "dsp", "bram")
"""The resources that a part may lack."""


@dataclass(frozen=True, repr=False)
class SynthResult(Result):
    """The resources of a design on a device, and its speed there.

    Parameters
    ----------
    device, top : str
        The device and the module that was synthesized.
    counts : Counts
        The flattened design.
    layers : tuple of (str, Counts)
        For each instance in the top module its module's name (with the instance's, if several share the module), and
        the resources counted in a second run that keeps these boundaries: their sum may exceed the whole a little.
    fmax : tuple of (int, float)
        For each seed of nextpnr the clock in MHz that the routed design reaches; empty where nothing was placed.
    tools : tuple of str
        Names and versions of the tools that ran.
    seconds : float
        Wall-clock time; next to nothing where all was known from an earlier run.
    """

    device: str
    top: str
    counts: Counts
    layers: tuple[tuple[str, Counts], ...]
    fmax: tuple[tuple[int, float], ...]
    tools: tuple[str, ...]
    seconds: float

    @property
    def fmax_mhz(self) -> float | None:
        """The median over the seeds."""
        return median(clock for _, clock in self.fmax) if self.fmax else None

    @property
    def held_by_ram(self) -> bool:
        """Whether routing would bear a faster clock than a block RAM may be read at."""
        return self.fmax_mhz == RAM_MHZ

    @property
    def shares(self) -> dict[str, float]:
        """The used share of the device's LUTs, flip-flops, DSP blocks and block RAMs; empty for a family."""
        return used_shares(self.counts, self.device)

    @property
    def excess(self) -> str:
        """The resources of which the device has too few, in words; empty if the counts fit."""
        return describe_excess(self.counts, self.device)

    def as_json(self) -> dict[str, Any]:
        """A dictionary of plain values for `--json`."""
        capacity = find_device(self.device).capacity
        return {
            "device": self.device,
            "top": self.top,
            **self.counts.as_json(),
            "bram_bits": find_device(self.device).bram_bits,
            "capacity": {name: getattr(capacity, name) for name in LIMITS} if capacity else None,
            "shares": self.shares,
            "layers": [{"module": name, **asdict(layer)} for name, layer in self.layers],
            "fmax_mhz": self.fmax_mhz,
            "fmax_by_seed": {str(seed): clock for seed, clock in self.fmax},
            "tools": list(self.tools),
            "seconds": round(self.seconds, 3),
        }

    def headline(self) -> str:
        """The whole design's resources and clock, in one line."""
        counts = self.counts
        clock = f", {self.fmax_mhz:.1f} MHz" if self.fmax_mhz is not None else ""
        return (
            f"{self.top} on {self.device}: {counts.lut:,} LUT, {counts.ff:,} FF, {counts.dsp:,} DSP,"
            f" {counts.bram:,} block RAM{clock}"
        )

    def records(self) -> list[dict[str, Any]]:
        """A row for each layer, and one for the whole."""
        return [{"module": name, **asdict(counts)} for name, counts in (*self.layers, (self.top, self.counts))]


def used_shares(counts: Counts, device: str) -> dict[str, float]:
    """The share of each limited resource of `device` that `counts` take, without those that are 0 in both."""
    capacity = find_device(device).capacity
    if capacity is None:
        return {}
    shares = {}
    for name in LIMITS:
        used, there = getattr(counts, name), getattr(capacity, name)
        if there or used:
            shares[name] = used / there if there else float("inf")
    return shares


def describe_excess(counts: Counts, device: str) -> str:
    """The resources of which `counts` need more than `device` has, as ``130 of 28 DSP``; empty if they fit."""
    capacity = find_device(device).capacity
    if capacity is None:
        return ""
    return ", ".join(
        f"{getattr(counts, name):,} of {getattr(capacity, name):,} {NAMES[name]}"
        for name in LIMITS
        if getattr(counts, name) > getattr(capacity, name)
    )


NAMES = {"lut": "LUT", "ff": "FF", "dsp": "DSP", "bram": "block RAM"}
