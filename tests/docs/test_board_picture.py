"""The picture of a board: drawn by its script, of modules that are there."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from fpgaq.hardware.emit.render import templates_folder
from tests.docs.test_reference import script_named

pytestmark = pytest.mark.once


def test_the_picture_is_that_of_the_script() -> None:
    script = script_named("make_board_picture")
    text = script.picture()
    assert script.PICTURE.read_text(encoding="utf-8") == text, "run scripts/make_board_picture.py"
    assert ElementTree.fromstring(text).tag.endswith("svg")


def test_every_module_of_the_picture_is_there() -> None:
    script = script_named("make_board_picture")
    cells = {path.name.split(".")[0] for folder in ("board", "verilog/cells", "registers")
             for path in (templates_folder() / folder).iterdir()}  # fmt: skip
    named = {module for block in script.BLOCKS for module in block.modules}
    assert len(named) == 8 and named <= cells
    inside = (templates_folder() / "board" / "fpgaq_serial.v").read_text(encoding="utf-8")
    links = ("fpgaq_link_in", "fpgaq_link_out", "fpgaq_uart_rx", "fpgaq_uart_tx")
    assert all(f"{module} " in inside or f"{module} #" in inside for module in links)
