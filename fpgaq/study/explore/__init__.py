"""Exploring: many networks on many budgets of multipliers, each with its accuracy, cycles, logic and memory."""

from __future__ import annotations

from .candidates import Exploration, Point, explore

__all__ = ["Exploration", "Point", "explore"]
