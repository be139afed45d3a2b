"""Print the table of boards, fpgaq/hardware/board/table.py, from amaranth-boards and litex-boards.

Both are needed here only: `pip install amaranth-boards==0.0.21 litex-boards==2023.12 litex==2024.12 migen==0.10.0`.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import re
import warnings
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TABLE = ROOT / "fpgaq" / "hardware" / "board" / "table.py"

AMARANTH = (
    # name, title, module, class, device of `synth`, name for openFPGALoader
    ("icebreaker", "iCEBreaker", "icebreaker", "ICEBreakerPlatform", "ice40-up5k", "ice40_generic"),
    ("tangnano9k", "Tang Nano 9K", "tang_nano_9k", "TangNano9kPlatform", "gowin-gw1n9", "tangnano9k"),
    ("ulx3s-12f", "ULX3S 12F", "ulx3s", "ULX3S_12F_Platform", "ecp5-25k", "ulx3s"),
    ("ulx3s-25f", "ULX3S 25F", "ulx3s", "ULX3S_25F_Platform", "ecp5-25k", "ulx3s"),
    ("ulx3s-45f", "ULX3S 45F", "ulx3s", "ULX3S_45F_Platform", "ecp5-45k", "ulx3s"),
    ("ulx3s-85f", "ULX3S 85F", "ulx3s", "ULX3S_85F_Platform", "ecp5-85k", "ulx3s"),
    ("orangecrab", "OrangeCrab r0.2", "orangecrab_r0_2", "OrangeCrabR0_2_25FPlatform", "ecp5-25k", "orangeCrab"),
    (
        "orangecrab-85f",
        "OrangeCrab r0.2 85F",
        "orangecrab_r0_2",
        "OrangeCrabR0_2_85FPlatform",
        "ecp5-85k",
        "orangeCrab",
    ),
)
HEADERS = {"orangecrab_r0_2": {"rx": "0", "tx": "1"}}
"""The pins of the connector `io` that serve as a serial line where the board's USB goes to the FPGA alone."""
LITEX = (("colorlight-i5", "Colorlight i5", "colorlight_i5", "ecp5-25k", "colorlight-i5"),)

HEAD = '''"""Boards: clock and serial line of each. Printed by scripts/make_boards.py, do not edit.

Sources: amaranth-boards {amaranth}, litex-boards {litex}. Names for openFPGALoader are those of its own list.
"""

from __future__ import annotations

from .boards import Board

BOARDS = {{
'''


def amaranth_boards() -> list[dict[str, object]]:
    """The boards of amaranth-boards, a mapping of fields each."""
    boards = []
    for name, title, module, kind, device, loader in AMARANTH:
        platform = getattr(importlib.import_module(f"amaranth_boards.{module}"), kind)
        found = {one.name: one for one in platform.resources if one.number == 0}
        clock, header = found[platform.default_clk], HEADERS.get(module, {})
        if header:
            (names,) = (one.mapping for one in platform.connectors if one.name == "io")
            serial, attributes = {one: names[pin] for one, pin in header.items()}, clock.attrs
        else:
            serial = {io.name: io.ios[0].names[0] for io in found["uart"].ios}
            attributes = found["uart"].attrs
        pins = {"clk": clock.ios[0].names[0], "rx": serial["rx"], "tx": serial["tx"]}
        kinds = {"clk": clock.attrs, **dict.fromkeys(("rx", "tx"), attributes)}
        standards = {one: str(attrs.get("IO_TYPE", "")) for one, attrs in kinds.items()}
        part = getattr(platform, "part", None) or f"{platform.device} {platform.package}"
        board = _board(name, title, part, device, loader, int(clock.clock.frequency), pins, standards, kind)
        if header:
            board["header"] = f"header pins {header['rx']} (rx, to the FPGA) and {header['tx']} (tx)"
        boards.append(board)
    return boards


def litex_boards() -> list[dict[str, object]]:
    """Those of litex-boards."""
    boards = []
    for name, title, module, device, loader in LITEX:
        found = importlib.import_module(f"litex_boards.platforms.{module}")
        signals = {one[0]: one for one in next(iter(vars(found)[key] for key in vars(found) if key.startswith("_io")))}
        serial = {
            one.name: one.constraints[0].identifiers[0] for one in signals["serial"][2:] if hasattr(one, "constraints")
        }
        pins = {"clk": signals["clk25"][2].identifiers[0], "rx": serial["rx"], "tx": serial["tx"]}
        standards = dict.fromkeys(pins, "LVCMOS33")
        boards.append(_board(name, title, "LFE5U-25F BG381", device, loader, 25_000_000, pins, standards, module))
    return boards


def _board(name: str, title: str, part: str, device: str, loader: str, clock: int, pins: dict[str, str],
           standards: dict[str, str], source: str) -> dict[str, object]:  # fmt: skip
    return {"name": name, "title": title, "part": part, "device": device, "loader": loader, "clock_hz": clock,
            "pins": pins, "standards": standards, "source": source}  # fmt: skip


def table() -> str:
    """The text of the table."""
    warnings.simplefilter("ignore")
    versions = {"amaranth": "amaranth-boards", "litex": "litex-boards"}
    text = HEAD.format(**{key: importlib.metadata.version(name) for key, name in versions.items()})
    for board in [*amaranth_boards(), *litex_boards()]:
        text += f'    "{board["name"]}": Board(\n'
        for key, value in board.items():
            shown = re.sub("'", '"', repr(value))
            if key == "clock_hz":
                shown = f"{value:_}"
            text += f"        {key}={shown},\n"
        text += "    ),\n"
    return text + "}\n"


if __name__ == "__main__":
    TABLE.write_text(table(), encoding="utf-8")
    print(f"written: {TABLE.relative_to(ROOT)}")
