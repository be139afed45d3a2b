"""How every command prints, and its three options for that: --json, --quiet and --debug."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import click

from ..base.errors import UsageError
from ..base.text import printable


class Settings:
    """What `--json`, `--quiet` and `--debug` say; they count from where they stand, so that errors heed them too."""

    def __init__(self) -> None:
        self.json = False
        self.quiet = False
        self.debug = False
        self.remarks: list[tuple[str, str]] = []

    def hear(self, label: str, text: str) -> None:
        """Keep a remark of a stage, once, to be shown after its result."""
        if (label, text) not in self.remarks:
            self.remarks.append((label, text))

    def show(self, lines: Iterable[str], values: Mapping[str, Any]) -> None:
        """Print `values` as one JSON object, or `lines` for people, or nothing."""
        lines = [*lines, *(printable(f"{label}: {text}") for label, text in self.remarks)]
        if self.json:
            import json

            if self.remarks:
                values = {**values, "remarks": [{"kind": label, "text": text} for label, text in self.remarks]}
            lines = [json.dumps(values, indent=2, default=_plain)]
        elif self.quiet:
            return
        if sys.stdout is None:
            raise UsageError("standard output is closed, so that the result cannot be shown; --quiet shows none")
        try:
            for line in lines:
                print(line)
            sys.stdout.flush()
        except OSError as error:
            # click ends the process without a word where a reader has gone away.
            raise output_lost(error) from None

    @contextmanager
    def progress(self, stage: str) -> Iterator[Callable[[str], None]]:
        """Show on a terminal what is going on; the value changes the text. Nothing is left of it."""
        if self.quiet or self.json or not sys.stderr.isatty():
            yield lambda text: None
            return
        from rich.console import Console
        from rich.markup import escape

        with Console(stderr=True).status(escape(stage)) as status:
            yield lambda text: status.update(escape(text))


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


def _flag(name: str, text: str) -> click.Option:
    def store(context: click.Context, parameter: click.Parameter, value: bool) -> None:
        if value:
            setattr(context.ensure_object(Settings), name, True)

    return click.Option([f"--{name}"], is_flag=True, is_eager=True, expose_value=False, callback=store, help=text)


def _plain(value: Any) -> Any:
    """NumPy scalars and paths as JSON values."""
    return value.item() if hasattr(value, "item") else str(value)
