"""Every Python and shell block of the README runs in an empty folder, shortened as that of 0.1.0 is."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.compat.test_docs import blocks_of, folder, run_blocks

__all__ = ["folder"]
README = Path(__file__).parents[2] / "README.md"


@pytest.mark.slow
def test_blocks_of_the_readme(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = blocks_of(README.read_text(encoding="utf-8"))
    assert sum(block.text.startswith("fpgaq ") for block in found) >= 6
    assert any(block.kind == "python" for block in found)
    assert run_blocks("README", found, {}, False, capsys) >= 6


@pytest.mark.slow
def test_blocks_that_take_long(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = blocks_of(README.read_text(encoding="utf-8"))
    assert run_blocks("README", found, {}, True, capsys) >= 8
