"""Scheduling: which hardware each operator gets, and when everything happens in it."""

from __future__ import annotations

from .planner import make_schedule
from .plans import Engine, Fold, Plan, Prediction, ReluPlan, Schedule, Target, Walk, WindowPlan

__all__ = [
    "Engine",
    "Fold",
    "Plan",
    "Prediction",
    "ReluPlan",
    "Schedule",
    "Target",
    "Walk",
    "WindowPlan",
    "make_schedule",
]
