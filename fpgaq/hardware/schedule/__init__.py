"""Scheduling: which hardware each operator gets, and when everything happens in it."""

from __future__ import annotations

from .buffers import BufferReport, report_buffers
from .forms import least_interval, plan_hardware
from .planner import make_schedule
from .plans import Fold, PipePlan, Plan, Target, Walk, WindowPlan
from .schedule import Edge, Engine, Prediction, Schedule, auxiliary_multipliers

__all__ = [
    "BufferReport",
    "Engine",
    "Fold",
    "Plan",
    "Prediction",
    "Edge",
    "PipePlan",
    "Schedule",
    "Target",
    "Walk",
    "WindowPlan",
    "auxiliary_multipliers",
    "least_interval",
    "make_schedule",
    "plan_hardware",
    "report_buffers",
]
