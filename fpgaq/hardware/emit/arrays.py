"""The array that multiplies: of multipliers, which outputs may share, or of digits, in logic alone."""

from __future__ import annotations

from ..schedule.schedule import Build, Engine
from ..schedule.widths import EngineWidths, outputs_a_multiplier
from .design import Instance


def array_instance(engine: Engine, widths: EngineWidths, separate: bool, build: Build) -> Instance:
    """The array of an engine; `separate` where each output has elements of its own. Both cells take the same cycles."""
    parameters = {
        "PRODUCTS": engine.products,
        "OUTPUTS": engine.outputs,
        "SHARED": int(not separate or engine.outputs == 1),
        "ELEMENT_WIDTH": widths.element,
        "ELEMENT_SIGNED": int(widths.element_signed),
        "WEIGHT_WIDTH": widths.weight,
        "SUM_WIDTH": widths.sum,
    }
    if widths.element + widths.weight <= build.logic_bits:
        return Instance("fpgaq_digits", "mac", {**parameters, "LEVELS": engine.levels})
    factor_bits = 0 if separate else build.factor_bits
    packed = min(engine.outputs, outputs_a_multiplier(factor_bits, widths.element, widths.weight))
    return Instance("fpgaq_mac", "mac", {**parameters, "PACKED": packed, "LEVELS": engine.levels})
