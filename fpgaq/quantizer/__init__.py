"""The one crossing from float to integers: a float graph, samples and options give an IntegerGraph."""

from .network import SAMPLES, quantize

__all__ = ["SAMPLES", "quantize"]
