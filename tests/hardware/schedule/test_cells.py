"""The table of latencies: complete, what the cells' own headers say, and what plans sum up."""

from __future__ import annotations

import pytest

from fpgaq.hardware.emit.cells import CELLS
from fpgaq.hardware.emit.render import static_text
from fpgaq.hardware.schedule.cells import LATENCIES, latency

STATED = {
    "fpgaq_delay": ({"STAGES": 5}, "STAGES cycles"),
    "fpgaq_fifo": ({}, "written in cycle t is offered in cycle t + 2"),
    "fpgaq_queue": ({}, "taken in cycle t is offered in t + 2"),
    "fpgaq_slice": ({}, "is offered in t + 1"),
    "fpgaq_line_buffer": ({"STAGES": 2}, "read for a step of cycle t is in `elements` in t + 2 + STAGES"),
    "fpgaq_mac": ({"LEVELS": 4}, "are in `sums` in cycle t + 2 + LEVELS"),
    "fpgaq_digits": ({"LEVELS": 4}, "are in `sums` in cycle t + 2 + LEVELS"),
    "fpgaq_max": ({}, "are in `maxima` in cycle t + 2"),
    "fpgaq_sum": ({}, "are in `sums` in cycle t + 2"),
    "fpgaq_divide": ({}, "three cycles"),
    "fpgaq_collect": ({"OUTPUTS": 4, "LANES": 4}, "from t + 1 on (LANES = OUTPUTS) or t + 2 on"),
    "fpgaq_bias": ({}, "One cycle"),
    "fpgaq_requantize": ({"STAGES": 2}, "STAGES cycles later"),
}
EXPECTED = {
    **{"fpgaq_delay": 5, "fpgaq_fifo": 2, "fpgaq_queue": 2, "fpgaq_slice": 1, "fpgaq_line_buffer": 4, "fpgaq_mac": 6},
    **{
        "fpgaq_digits": 6,
        "fpgaq_max": 2,
        "fpgaq_sum": 2,
        "fpgaq_divide": 3,
        "fpgaq_collect": 1,
        "fpgaq_bias": 1,
        "fpgaq_requantize": 2,
    },
}


def test_every_cell_of_the_table_exists_and_is_stated() -> None:
    assert set(LATENCIES) - {"register", "rom"} == set(STATED) == set(EXPECTED)
    assert set(STATED) <= set(CELLS)


@pytest.mark.parametrize("cell", STATED)
def test_the_header_of_a_cell_says_the_same(cell: str) -> None:
    parameters, words = STATED[cell]
    assert words in static_text(f"verilog/cells/{cell}.v").replace("\n// ", " ")
    assert latency(cell, **parameters) == EXPECTED[cell]


def test_what_a_latency_hangs_on() -> None:
    assert [latency("fpgaq_collect", OUTPUTS=4, LANES=lanes) for lanes in (1, 2, 4)] == [2, 2, 1]
    assert [latency("rom", BANKS=banks) for banks in (0, 1, 2)] == [1, 1, 2]
