"""Scheduling: which hardware each operator gets, and when everything happens in it."""

from __future__ import annotations

from .buffers import BufferReport, report_buffers
from .planner import make_schedule
from .plans import Engine, Fold, Plan, Prediction, ReluPlan, Schedule, Target, Walk, WindowPlan

__all__ = [
    "BufferReport",
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
    "report_buffers",
]
