"""The resources of a design on a device, estimated before synthesis, and the fastest schedule that a device holds."""

from __future__ import annotations

from .fitting import Fitted, fit_device
from .model import Error, Estimate, Knowledge, estimate, known_error
from .parts import adapt, estimate_schedule, excess_of, with_cheap_products
from .storage import Kept, Storage, measure_storage

__all__ = [
    "Error",
    "Estimate",
    "Fitted",
    "Kept",
    "Knowledge",
    "Storage",
    "adapt",
    "estimate",
    "estimate_schedule",
    "excess_of",
    "fit_device",
    "known_error",
    "measure_storage",
    "with_cheap_products",
]
