"""Savings and costs of sharing a multiplier among outputs: one convolution, with and without, counted by Yosys.

python benchmarks/packed_multipliers.py
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import replace
from itertools import count
from pathlib import Path

from fpgaq.base.formats import Format
from fpgaq.base.output import write_folder
from fpgaq.hardware.emit.verilog import emit
from fpgaq.hardware.estimate import estimate_schedule
from fpgaq.hardware.schedule import Target, make_schedule
from fpgaq.hardware.synth import synthesize
from fpgaq.integer.graph import IntegerConvolution, IntegerGraph
from tests.support.network_builder import NetworkBuilder

# Device, bits of the wider factor, bits of elements and of weights.
CASES = (("xc7", 25, 8, 8), ("xcup", 27, 8, 8), ("xc7", 25, 4, 4), ("ecp5-85k", 18, 4, 4), ("ecp5-85k", 18, 8, 4))


def network(element_bits: int, weight_bits: int) -> IntegerGraph:
    """A convolution 3x3 of 4 to 8 channels on 8x8 pixels: the first random one whose weights have that many bits."""
    for seed in count():
        builder = NetworkBuilder(seed, (8, 8, 4), Format(element_bits, 0, False))
        graph = builder.convolution(8, (3, 3), padding=(1, 1, 1, 1)).graph()
        operator = graph.operators[0]
        if isinstance(operator, IntegerConvolution) and operator.weight_format.width == weight_bits:
            return graph
    raise AssertionError("seeds do not end")


def main() -> None:
    """Print the table; a number as argument takes one case only."""
    print(
        "| device | element x weight bits | products a cycle | a factor of | DSP | LUT | estimated | FF | estimated |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for device, wide, element_bits, weight_bits in CASES[int(sys.argv[1]) :][:1] if len(sys.argv) > 1 else CASES:
        graph = network(element_bits, weight_bits)
        schedule = make_schedule(graph, Target(multipliers=72))
        for factor_bits in (0, wide):
            with tempfile.TemporaryDirectory() as parent:
                folder = Path(parent) / "design"
                write_folder(folder, emit(graph, replace(schedule, factor_bits=factor_bits)))
                guess = estimate_schedule(graph, replace(schedule, factor_bits=factor_bits), device).counts
                counts = synthesize(folder, device, seeds=0, layers=False).counts
            shared = f"{factor_bits} bits" if factor_bits else "its own"
            print(
                f"| {device} | {element_bits} x {weight_bits} | {schedule.multipliers} | {shared} | {counts.dsp} |"
                f" {counts.lut:,} | {guess.lut:,} | {counts.ff:,} | {guess.ff:,} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
