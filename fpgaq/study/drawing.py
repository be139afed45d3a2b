"""What pictures share: the drawing library, which is an extra, and the formats that a file's suffix names."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from ..base.errors import UsageError
from ..base.extras import import_extra

FORMATS: dict[str, dict[str, None]] = {
    "png": {"Software": None},
    "pdf": {"Creator": None, "Producer": None, "CreationDate": None},
    "svg": {"Creator": None, "Date": None},
}
"""Formats by suffix, with what the library would write into each of them of its version and of the day."""


def picture_format(path: str | Path) -> str:
    """The format that a path's suffix names; PNG for a name without one.

    Raises
    ------
    UsageError
        Another suffix.
    """
    suffix = Path(path).suffix.lower().removeprefix(".") or "png"
    if suffix not in FORMATS:
        raise UsageError(
            f"{path}: pictures are written as {', '.join('.' + name for name in FORMATS)}; name one of these"
        )
    return suffix


def check_picture(path: str | Path) -> None:
    """Raise before anything is computed if a picture cannot be drawn: UsageError, or ToolError without the extra."""
    picture_format(path)
    drawing_tools()


def drawing_tools() -> tuple[Any, Any]:
    """The classes Figure and FuncFormatter of matplotlib; ToolError with the extra's name where it is missing."""
    figure = import_extra("matplotlib.figure", "plot", "a picture")
    return figure.Figure, import_extra("matplotlib.ticker", "plot", "a picture").FuncFormatter


def picture_bytes(figure: Any, path: str | Path) -> bytes:
    """A figure in the format of the path: the same figure gives the same bytes."""
    import matplotlib

    suffix = picture_format(path)
    buffer = io.BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": "fpgaq"}):
        figure.savefig(buffer, format=suffix, metadata=FORMATS[suffix])
    return buffer.getvalue()
