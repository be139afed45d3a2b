"""Packages that are extras, and what is said where one is missing."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from fpgaq.base.errors import ToolError
from fpgaq.base.extras import import_extra, system_command


def test_a_module_of_an_extra_is_imported() -> None:
    import json.decoder

    assert import_extra("json.decoder", "plot", "a picture") is json.decoder


def test_a_missing_one_is_named_with_its_extra() -> None:
    with pytest.raises(ToolError) as error:
        import_extra("a_package_that_nobody_has.part", "plot", "a picture")
    assert str(error.value) == (
        "a picture needs the package a_package_that_nobody_has, which is not installed: pip install 'fpgaq[plot]'"
    )


def test_a_package_that_misses_another_is_no_missing_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a_package_with_a_fault.py").write_text("import a_package_that_nobody_has\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ModuleNotFoundError, match="a_package_that_nobody_has"):
        import_extra("a_package_with_a_fault", "plot", "a picture")


@pytest.mark.parametrize(
    ("platform", "command"), [("linux", "sudo apt-get install g++"), ("darwin", "brew install gcc")]
)
def test_commands_of_the_operating_system(monkeypatch: pytest.MonkeyPatch, platform: str, command: str) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    assert system_command("g++", "gcc") == command
