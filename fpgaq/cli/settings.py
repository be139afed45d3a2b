"""How every command prints, and its options for that: --json, --quiet, --debug, and --format where it has tables."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import click

from ..base.choices import TABLE_FORMATS, TableFormat
from ..base.errors import UsageError
from ..base.table_formats import csv_lines, markdown_lines, split_tables
from ..base.tables import fit
from ..base.text import printable

JSON_SCHEMA = 1
"""Of what `--json` prints: keys are added within a version and never renamed or removed."""


class Settings:
    """What `--json`, `--quiet` and `--debug` say; they count from where they stand, so that errors heed them too."""

    def __init__(self) -> None:
        self.json = False
        self.format: TableFormat = "table"
        self.quiet = False
        self.debug = False
        self.shown = False
        self.remarks: list[tuple[str, str]] = []

    def hear(self, label: str, text: str) -> None:
        """Keep a remark of a stage, once, to be shown after its result."""
        if (label, text) not in self.remarks:
            self.remarks.append((label, text))

    def show(self, lines: Iterable[str], values: Mapping[str, Any]) -> None:
        """Print `values` as one JSON object, or `lines` for people or with their tables as asked for, or nothing."""
        lines = [*lines, *(printable(f"{label}: {text}") for label, text in self.remarks)]
        if self.json:
            import json

            if self.remarks:
                values = {**values, "remarks": [{"kind": label, "text": text} for label, text in self.remarks]}
            lines = [json.dumps({"schema": JSON_SCHEMA, **values}, indent=2, default=_plain)]
        elif self.quiet:
            return
        self.shown = True
        if sys.stdout is None:
            raise UsageError("standard output is closed, so that the result cannot be shown; --quiet shows none")
        if not self.json:
            lines = self._formatted(lines)
        try:
            for line in lines:
                print(line)
            sys.stdout.flush()
        except OSError as error:
            # click ends the process without a word where a reader has gone away.
            raise output_lost(error) from None

    def _formatted(self, lines: Sequence[str]) -> list[str]:
        """The lines of standard output; what stands beside tables for a program goes to standard error."""
        if self.format == "csv":
            tables, others = split_tables(lines)
            for line in others if sys.stderr is not None else ():
                print(line, file=sys.stderr)
            return csv_lines(tables)
        return markdown_lines(lines) if self.format == "md" else fit(lines, terminal_width())

    @contextmanager
    def progress(self, stage: str) -> Iterator[Callable[[str], None]]:
        """Show what is going on (`fpgaq.cli.progress`); the value changes the text."""
        if self.quiet or self.json or sys.stderr is None:
            yield lambda text: None
            return
        from .progress import bar, lines

        with (bar if sys.stderr.isatty() else lines)(stage) as tell:
            yield tell


def terminal_width() -> int | None:
    """The columns of the terminal that standard output is; None where it is a file or a pipe."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def output_lost(error: OSError) -> UsageError:
    """The error to raise where standard output does not take what is printed, which is then dropped."""
    # Else the interpreter would try again on its way out.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return UsageError(f"standard output cannot be written ({error.strerror or error})")


def settings_options() -> list[click.Parameter]:
    """The options of every command that set `Settings`."""
    return [
        _flag("json", "Print one JSON object."),
        _flag("quiet", "Print nothing but errors."),
        _flag("debug", "Show the traceback of an error."),
    ]


def format_option() -> click.Parameter:
    """The option of commands that print tables."""

    def store(context: click.Context, parameter: click.Parameter, value: TableFormat | None) -> None:
        if value is not None:
            settings = context.ensure_object(Settings)
            settings.format = value
            settings.json |= value == "json"

    text = "How tables are printed; csv: these alone, all else on standard error."
    choice = click.Choice(TABLE_FORMATS)
    return click.Option(["--format"], type=choice, is_eager=True, expose_value=False, callback=store, help=text)


def _flag(name: str, text: str) -> click.Option:
    def store(context: click.Context, parameter: click.Parameter, value: bool) -> None:
        if value:
            setattr(context.ensure_object(Settings), name, True)

    return click.Option([f"--{name}"], is_flag=True, is_eager=True, expose_value=False, callback=store, help=text)


def _plain(value: Any) -> Any:
    """NumPy scalars and paths as JSON values."""
    return value.item() if hasattr(value, "item") else str(value)
