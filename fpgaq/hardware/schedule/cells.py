"""How many cycles each cell takes: the one table that plans, the beat model and the emitter share.

The cells are those of ``templates/verilog/cells``; each states its latency in its first lines. Whatever is predicted of
a layer, and whatever delays flags along with its data, is a sum of these.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

LATENCIES: Mapping[str, Callable[[Mapping[str, int]], int]] = {
    "register": lambda parameters: 1,
    "rom": lambda parameters: 2 if parameters["BANKS"] > 1 else 1,
    "fpgaq_delay": lambda parameters: parameters["STAGES"],
    "fpgaq_fifo": lambda parameters: 2,
    "fpgaq_queue": lambda parameters: 2,
    "fpgaq_slice": lambda parameters: 1,
    "fpgaq_line_buffer": lambda parameters: 2 + parameters["STAGES"],
    "fpgaq_mac": lambda parameters: 2 + parameters["LEVELS"],
    "fpgaq_digits": lambda parameters: 2 + parameters["LEVELS"],
    "fpgaq_max": lambda parameters: 2,
    "fpgaq_sum": lambda parameters: 2,
    "fpgaq_divide": lambda parameters: 3,
    "fpgaq_collect": lambda parameters: 2 if parameters["OUTPUTS"] > parameters["LANES"] else 1,
    "fpgaq_bias": lambda parameters: 1,
    "fpgaq_requantize": lambda parameters: parameters["STAGES"],
}
"""Cycles from the input of a cell to its output by its parameters; of a FIFO or queue from the write to the offer.

"rom" is a ROM of BANKS memories, and "register" one that stands in a module by itself.
"""

WIDE = 2
"""Stages of a requantizer whose total is a sum of products: rounding's carry chain and saturation each take a cycle."""


def latency(cell: str, **parameters: int) -> int:
    """Cycles that a cell takes; only those parameters need be named that its latency hangs on."""
    return LATENCIES[cell](parameters)
