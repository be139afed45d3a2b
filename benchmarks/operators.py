"""The integer operators, how each is built, and in how many random networks it was verified.

The table of docs/operators.md, from the runs of the fuzz in `verification_data/fuzz.json` (`make fuzz`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

WAY = "icarus"
"""The way that every network went: every beat of every stream."""
OPERATORS = {
    "Convolution": ("windows over a MAC array of its own or shared", ""),
    "Affine": ("the same, over one wide pixel", ""),
    "MaxPooling": ("windows, a comparison for each lane", ""),
    "SumPooling": ("windows, an exact division: a shift, a proved reciprocal or a divider", "divisors to 2**62"),
    "Relu": ("pipe; where a requantizer can take it in, it does", ""),
    "Table": ("pipe with a ROM", "index of at most 12 bits"),
    "Add": ("pipe", "alignment by at most 63 bits"),
    "Multiply": ("pipe", "two inputs"),
    "Scale": ("pipe with a multiplier", "factors of 2 to 32 bits"),
    "Concatenate": ("pipe that takes its inputs in turn", "equal formats"),
    "Slice": ("windows of one pixel", ""),
    "Pad": ("windows of one pixel", ""),
    "Upsample": ("windows of one pixel", ""),
    "Transpose": ("windows of one pixel over a frame; a shuffle of channels inside a pixel is wires", ""),
    "Reshape": ("pipe", "whole beats on either side, so lanes divide the channels of both"),
    "ArgMax": ("pipe, a channel a beat", "the lowest index on ties"),
}
"""Of each: in hardware, and its own limits."""


def table(results: Mapping[str, Any]) -> list[str]:
    """The rows of the page."""
    counts: Counter[str] = Counter()
    for run in results["runs"]:
        counts.update(run["ways"][WAY]["features"])
    lines = ["| operator | in hardware | its own limits | networks |", "| --- | --- | --- | --- |"]
    for name, (hardware, limits) in OPERATORS.items():
        lines.append(f"| {name} | {hardware} |{f' {limits} ' if limits else ' '}| {counts[f'Integer{name}']:,} |")
    return lines
