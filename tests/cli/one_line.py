"""The form of every error of the command line."""

from __future__ import annotations


def assert_one_line(text: str) -> None:
    assert text.startswith("fpgaq: error: ") and text.count("\n") == 1 and text.endswith("\n"), text
