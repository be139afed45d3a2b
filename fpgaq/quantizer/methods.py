"""The calibration methods: the rules of each, which hold where the user has named none."""

from __future__ import annotations

from dataclasses import dataclass

from ..base.choices import ActivationRange, Method, WeightDelta, WeightRounding

FEW_BITS = 6
"""At this many weight bits and fewer every channel needs a step of its own."""
FEWEST_BITS = 3
"""At this many and fewer the best step is another once the weights are rounded together."""


@dataclass(frozen=True)
class Rules:
    """The rules in force for one layer; `QuantizeOptions` says what each means."""

    per_channel: bool | None
    """None: where it lowers the error by a good part."""
    activation_range: ActivationRange
    weight_delta: WeightDelta
    weight_rounding: WeightRounding
    bias_correction: bool

    @property
    def needs_trace(self) -> bool:
        """Whether weights are chosen on the values that reach the layer."""
        return self.bias_correction or self.weight_rounding != "nearest" or self.weight_delta in ("output", "rounded")


def rules_of(method: Method, weight_bits: int, first_edition: bool = False) -> Rules:
    """The rules of a method at a weight width, as docs/accuracy.md measured them; those of 0.1.0 if asked."""
    if method == "max":
        return Rules(False, "max", "ceil", "nearest", False)
    if method == "percentile":
        return Rules(False, "percentile", "mse", "nearest", False)
    if method == "mse":
        return Rules(False, "mse", "mse", "nearest", False)
    if method == "output":
        return Rules(False, "mse", "output", "nearest", False)
    delta: WeightDelta = "rounded" if weight_bits <= FEWEST_BITS and not first_edition else "mse"
    return Rules(True if weight_bits <= FEW_BITS else None, "mse", delta, "hessian", True)
