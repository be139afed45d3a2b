"""The one crossing from float to integers: a float graph, samples and options give an IntegerGraph."""

from .network import SAMPLES, quantize, refuse_idle_overrides

__all__ = ["SAMPLES", "quantize", "refuse_idle_overrides"]
