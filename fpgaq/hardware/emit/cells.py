"""The cells: Verilog modules of the project that are copied as they are."""

from __future__ import annotations

from collections.abc import Mapping

RTL = "rtl"
"""The folder of Verilog and memory files in an output folder."""

CELLS: Mapping[str, tuple[str, ...]] = {
    "fpgaq_ram": (),
    "fpgaq_weights": (),
    "fpgaq_fifo": (),
    "fpgaq_delay": (),
    "fpgaq_slice": (),
    "fpgaq_queue": ("fpgaq_fifo",),
    "fpgaq_credit": (),
    "fpgaq_gather": (),
    "fpgaq_walker": (),
    "fpgaq_line_buffer": ("fpgaq_ram",),
    "fpgaq_turns": (),
    "fpgaq_spread": (),
    "fpgaq_mac": (),
    "fpgaq_max": (),
    "fpgaq_sum": (),
    "fpgaq_collect": (),
    "fpgaq_bias": (),
    "fpgaq_requantize": (),
    "fpgaq_clip": (),
    "fpgaq_divide": ("fpgaq_requantize",),
    "fpgaq_source": (),
    "fpgaq_sink": (),
    "fpgaq_gearbox": (),
    "fpgaq_guard": (),
    "fpgaq_release": (),
    "fpgaq_frame_buffer": (),
    "fpgaq_close": ("fpgaq_slice",),
    "fpgaq_slots": (),
    "fpgaq_shell": (
        *("fpgaq_queue", "fpgaq_gearbox", "fpgaq_guard", "fpgaq_release"),
        *("fpgaq_frame_buffer", "fpgaq_close", "fpgaq_slots"),
    ),
    "fpgaq_statistics": (),
    "fpgaq_registers": (),
    "fpgaq_loadable_registers": (),
    "fpgaq_loader": (),
    "fpgaq_count3": (),
    "fpgaq_count5": ("fpgaq_count3",),
    "fpgaq_count3_2": ("fpgaq_count3",),
    "fpgaq_count1_3": ("fpgaq_count3",),
    "fpgaq_chain": (),
    "fpgaq_adder": (),
    "fpgaq_digit_sum": ("fpgaq_chain",),
    "fpgaq_digits": ("fpgaq_digit_sum", "fpgaq_chain"),
}
"""Every cell in compile order, and the cells that it instantiates; a network's folder holds those that it uses."""
