"""Pictures: the format by the suffix, the same bytes each time, and the extra that they need."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from fpgaq.base.errors import ToolError, UsageError
from fpgaq.study.drawing import check_picture, drawing_tools, picture_bytes, picture_format


def figure() -> Any:
    made = drawing_tools()[0](figsize=(2, 2))
    made.subplots().plot([1, 2], [3, 1], "o-")
    return made


@pytest.mark.parametrize(
    ("path", "begin"), [("a.png", b"\x89PNG"), ("b.PDF", b"%PDF"), ("c.svg", b"<?xml"), ("front", b"\x89PNG")]
)
def test_the_suffix_names_the_format(path: str, begin: bytes) -> None:
    content = picture_bytes(figure(), path)
    assert content.startswith(begin) and content == picture_bytes(figure(), path)
    assert b"matplotlib v" not in content and b"2026" not in content


@pytest.mark.parametrize("path", ["a.jpg", "a.csv", "a.png.txt"])
def test_other_formats_are_refused(path: str) -> None:
    with pytest.raises(UsageError, match=r"pictures are written as \.png, \.pdf, \.svg"):
        picture_format(path)


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "matplotlib"]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ToolError, match=r"a picture needs the package matplotlib.*pip install 'fpgaq\[plot\]'"):
        check_picture("a.png")
