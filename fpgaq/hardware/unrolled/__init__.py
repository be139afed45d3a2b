"""Unrolled networks: every product of a small network in logic of its own, a frame a cycle."""

from .plan import UnrolledLayer, UnrolledPlan, Unrolling, plan_network

__all__ = ["UnrolledLayer", "UnrolledPlan", "Unrolling", "plan_network"]
