"""The page of the Python interface is what the docstrings say."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from tests.compat.test_docs import blocks_of, folder, run_blocks

__all__ = ["folder"]
ROOT = Path(__file__).parents[2]


def test_the_block_of_the_page_runs(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, object] = {}
    found = blocks_of((ROOT / "docs" / "reference.md").read_text(encoding="utf-8"))
    assert [block.kind for block in found] == ["python"]
    run_blocks("reference", found, names, False, capsys)
    assert names["real_values"].shape == names["integers"].shape == (96, 10)  # type: ignore[attr-defined]


def test_the_page_is_that_of_the_docstrings() -> None:
    spec = importlib.util.spec_from_file_location("make_reference", ROOT / "scripts" / "make_reference.py")
    assert spec is not None and spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    text = script.page()
    assert (ROOT / "docs" / "reference.md").read_text(encoding="utf-8") == text, "run scripts/make_reference.py"
    for name in script.ORDER:
        assert f"\n## fpgaq.{name}\n" in text
    assert "weight_bits=None" in text and "\n#### .run\n" in text
