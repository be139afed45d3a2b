"""Boards: clock and serial line of each. Printed by scripts/make_boards.py, do not edit.

Sources: amaranth-boards 0.0.21, litex-boards 2023.12. Names for openFPGALoader are those of its own list.
"""

from __future__ import annotations

from .boards import Board

BOARDS = {
    "icebreaker": Board(
        name="icebreaker",
        title="iCEBreaker",
        part="iCE40UP5K SG48",
        device="ice40-up5k",
        loader="ice40_generic",
        clock_hz=12_000_000,
        pins={"clk": "35", "rx": "6", "tx": "9"},
        standards={"clk": "", "rx": "", "tx": ""},
        source="ICEBreakerPlatform",
    ),
    "tangnano9k": Board(
        name="tangnano9k",
        title="Tang Nano 9K",
        part="GW1NR-LV9QN88PC6/I5",
        device="gowin-gw1n9",
        loader="tangnano9k",
        clock_hz=27_000_000,
        pins={"clk": "52", "rx": "18", "tx": "17"},
        standards={"clk": "LVCMOS33", "rx": "LVCMOS33", "tx": "LVCMOS33"},
        source="TangNano9kPlatform",
    ),
    "ulx3s-12f": Board(
        name="ulx3s-12f",
        title="ULX3S 12F",
        part="LFE5U-12F BG381",
        device="ecp5-25k",
        loader="ulx3s",
        clock_hz=25_000_000,
        pins={"clk": "G2", "rx": "M1", "tx": "L4"},
        standards={"clk": "LVCMOS33", "rx": "LVCMOS33", "tx": "LVCMOS33"},
        source="ULX3S_12F_Platform",
    ),
    "ulx3s-25f": Board(
        name="ulx3s-25f",
        title="ULX3S 25F",
        part="LFE5U-25F BG381",
        device="ecp5-25k",
        loader="ulx3s",
        clock_hz=25_000_000,
        pins={"clk": "G2", "rx": "M1", "tx": "L4"},
        standards={"clk": "LVCMOS33", "rx": "LVCMOS33", "tx": "LVCMOS33"},
        source="ULX3S_25F_Platform",
    ),
    "ulx3s-45f": Board(
        name="ulx3s-45f",
        title="ULX3S 45F",
        part="LFE5U-45F BG381",
        device="ecp5-45k",
        loader="ulx3s",
        clock_hz=25_000_000,
        pins={"clk": "G2", "rx": "M1", "tx": "L4"},
        standards={"clk": "LVCMOS33", "rx": "LVCMOS33", "tx": "LVCMOS33"},
        source="ULX3S_45F_Platform",
    ),
    "ulx3s-85f": Board(
        name="ulx3s-85f",
        title="ULX3S 85F",
        part="LFE5U-85F BG381",
        device="ecp5-85k",
        loader="ulx3s",
        clock_hz=25_000_000,
        pins={"clk": "G2", "rx": "M1", "tx": "L4"},
        standards={"clk": "LVCMOS33", "rx": "LVCMOS33", "tx": "LVCMOS33"},
        source="ULX3S_85F_Platform",
    ),
    "colorlight-i5": Board(
        name="colorlight-i5",
        title="Colorlight i5",
        part="LFE5U-25F BG381",
        device="ecp5-25k",
        loader="colorlight-i5",
        clock_hz=25_000_000,
        pins={"clk": "P3", "rx": "H18", "tx": "J17"},
        standards={"clk": "LVCMOS33", "rx": "LVCMOS33", "tx": "LVCMOS33"},
        source="colorlight_i5",
    ),
}
