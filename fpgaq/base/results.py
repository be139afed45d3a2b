"""What the results of stages, and networks, have in common for people at a prompt or in a notebook.

A result has `headline` (one line) and `records` (a dict for each row of its table). Of these come a short repr, a table
in a notebook, plain values and a pandas frame.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from html import escape
from importlib import import_module
from typing import Any

from .errors import ToolError
from .text import printable

MOST_ROWS = 60
"""Rows of a table in a notebook; the frame has all."""


class Shown:
    """Something with a headline and rows: its repr is one line, in a notebook it is a table."""

    def headline(self) -> str:
        """What it is, in one line."""
        raise NotImplementedError

    def records(self) -> list[dict[str, Any]]:
        """The rows of its table as plain values."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {printable(self.headline())}>"

    def _repr_html_(self) -> str:
        """The table that a notebook shows."""
        return html_table(self.headline(), self.records())


class Result(Shown):
    """The result of a stage."""

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain values, as the command prints it with `--json`."""
        plain = getattr(self, "as_json", None)
        return plain() if plain is not None else asdict(self)  # type: ignore[call-overload,no-any-return]

    def to_pandas(self) -> Any:
        """The rows of its table as a pandas.DataFrame.

        Raises
        ------
        ToolError
            pandas is not installed.
        """
        try:
            pandas: Any = import_module("pandas")
        except ModuleNotFoundError:
            raise ToolError("to_pandas needs the package pandas, which is not installed: pip install pandas") from None
        return pandas.DataFrame.from_records(self.records())


def html_table(headline: str, records: Sequence[Mapping[str, Any]]) -> str:
    """A headline and a table as HTML; texts from files are escaped."""
    names = list(dict.fromkeys(name for record in records for name in record))
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    body = "".join(
        f"<tr>{''.join(f'<td>{_cell(record.get(name))}</td>' for name in names)}</tr>" for record in records[:MOST_ROWS]
    )
    more = f"<p>and {len(records) - MOST_ROWS:,} more</p>" if len(records) > MOST_ROWS else ""
    return f"<p>{escape(printable(headline))}</p><table><tr>{head}</tr>{body}</table>{more}"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return escape(printable(str(value)))


def share(fraction: float | None) -> str:
    """A fraction as a percentage for a headline; "-" for none."""
    return "-" if fraction is None else f"{100 * fraction:.2f} %"
