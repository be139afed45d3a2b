"""The pages of the Python interface are what the docstrings say, those of the commands what their help says."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from fpgaq.cli import COMMANDS
from tests.compat.test_docs import blocks_of, folder, run_blocks

__all__ = ["folder"]
ROOT = Path(__file__).parents[2]


def test_the_block_of_the_page_runs(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, object] = {}
    found = blocks_of((ROOT / "docs" / "reference.md").read_text(encoding="utf-8"))
    assert [block.kind for block in found] == ["python"]
    run_blocks("reference", found, names, False, capsys)
    assert names["real_values"].shape == names["integers"].shape == (96, 10)  # type: ignore[attr-defined]


def script_named(name: str) -> ModuleType:
    """A script of scripts/ as a module."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    return script


def test_the_pages_are_those_of_the_docstrings() -> None:
    script = script_named("make_reference")
    pages = script.pages()
    for name, text in pages.items():
        assert (ROOT / "docs" / name).read_text(encoding="utf-8") == text, "run scripts/make_reference.py"
    for page, names in (("reference.md", script.ORDER), ("searches.md", script.SEARCHES), ("results.md", script.FILES)):
        assert all(f"\n## fpgaq.{name}\n" in pages[page] for name in names)
    assert "weight_bits=None" in pages["reference.md"] and "\n### .run\n" in pages["results.md"]


def test_the_pages_of_commands_are_those_of_their_help() -> None:
    pages = script_named("make_commands").pages()
    folder = ROOT / "docs" / "commands"
    assert {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.md")} == pages, (
        "run scripts/make_commands.py"
    )
    for name in COMMANDS:
        assert sum(f"\n## fpgaq {name}\n\n```text\nfpgaq {name} " in text for text in pages.values()) == 1
