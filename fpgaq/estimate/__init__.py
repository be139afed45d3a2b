"""What a design will take on a device, estimated before any synthesis, and the fastest schedule that a device holds."""

from __future__ import annotations

from .fitting import Fitted, estimate_schedule, excess_of, fit_device
from .model import Error, Estimate, estimate

__all__ = ["Error", "Estimate", "Fitted", "estimate", "estimate_schedule", "excess_of", "fit_device"]
