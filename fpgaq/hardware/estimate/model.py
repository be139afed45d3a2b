"""The estimate: fitted coefficients weigh the quantities of a design; its error is known from designs held out."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from ...base.errors import FitError
from ..emit.design import Design
from ..synth.cells import Counts
from ..synth.devices import find_device
from .inventory import Item, take_inventory
from .quantities import Quantities, sum_quantities

COEFFICIENTS = Path(__file__).with_name("coefficients.json")
"""Written by ``benchmarks/estimator_fit.py``."""

PRIOR = 1.0
"""The coefficient of a quantity that no design of the fit had: quantities are chosen so that each is near one."""


@dataclass(frozen=True)
class Error:
    """The relative error of an estimate, over designs held out of the fit: median and 95th percentile."""

    median: float
    percentile95: float


@dataclass(frozen=True)
class Knowledge:
    """How good the estimates of a family are.

    Parameters
    ----------
    errors : mapping of str to Error
        For "lut" and "ff".
    exact : mapping of str to float
        For "dsp" and "bram": for which part of the designs they were right.
    designs : int
        Designs held out of the fit over which this is known.
    tool : str
        The synthesizer to which the coefficients were fitted.
    """

    errors: Mapping[str, Error]
    exact: Mapping[str, float]
    designs: int
    tool: str


def known_error(device: str) -> Knowledge:
    """How good estimates for a device are; FitError if there are none."""
    fitted = _fitted(device)
    errors = {name: Error(**error) for name, error in fitted["errors"].items()}
    exact = {name: fitted[f"{name}_exact"] for name in ("dsp", "bram")}
    return Knowledge(errors, exact, fitted["designs"], fitted["tool"])


@dataclass(frozen=True)
class Estimate:
    """The resources that a design will take on a device.

    Parameters
    ----------
    device : str
    counts : Counts
        LUT sites and flip-flops estimated; DSP blocks and block RAMs by rule; no carries, no LUT RAM.
    layers : tuple of (str, Counts)
        The same for each instance in the top module; its own logic is left to the whole.
    known : Knowledge
        How good it is.
    """

    device: str
    counts: Counts
    layers: tuple[tuple[str, Counts], ...]
    known: Knowledge

    def as_json(self) -> dict[str, Any]:
        """Plain values for `--json`."""
        counts = {name: getattr(self.counts, name) for name in ("lut", "ff", "dsp", "bram")}
        return {"device": self.device, **counts, **asdict(self.known)}


@lru_cache(maxsize=1)
def _coefficients() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(COEFFICIENTS.read_text(encoding="utf-8"))
    return loaded


def fitted_families() -> tuple[str, ...]:
    """The device families with coefficients."""
    return tuple(_coefficients())


def estimate(design: Design, device: str) -> Estimate:
    """Estimate what a design takes.

    Parameters
    ----------
    design : Design
        What `fpgaq.hardware.emit.verilog.design_of` made of a network and its schedule.
    device : str
        A name of `fpgaq.hardware.synth.DEVICES`.

    Raises
    ------
    FitError
        If no coefficients were fitted for the device's family.
    """
    fitted, family = _fitted(device), find_device(device).family
    parts = take_inventory(design)
    layers = tuple((name, _weigh(items, family, fitted)) for name, items in parts.items() if name)
    whole = _weigh((item for items in parts.values() for item in items), family, fitted)
    return Estimate(device, whole, layers, known_error(device))


def _fitted(device: str) -> Mapping[str, Any]:
    """The entry of a device's family in the coefficients file."""
    family = find_device(device).family
    if family not in _coefficients():
        raise FitError(
            f"no estimate for {device}: coefficients are there for {', '.join(fitted_families())}; run `fpgaq synth`"
        )
    found: Mapping[str, Any] = _coefficients()[family]
    return found


def _weigh(items: Iterable[Item], family: str, fitted: Mapping[str, Any]) -> Counts:
    quantities = sum_quantities(items, family)
    return Counts(
        lut=round(weigh(quantities.lut, fitted["lut"])),
        ff=round(weigh(quantities.ff, fitted["ff"])),
        dsp=quantities.dsp,
        bram=quantities.bram,
    )


def weigh(quantities: Mapping[str, float], coefficients: Mapping[str, float]) -> float:
    """The sum of all quantities, each times its coefficient."""
    return sum(value * coefficients.get(name, PRIOR) for name, value in quantities.items())


__all__ = ["Error", "Estimate", "Knowledge", "Quantities", "estimate", "fitted_families", "known_error", "weigh"]
