"""Commands whose options are the fields of a frozen dataclass.

A field's type says what the command line takes, its default what holds where nothing is given, and an `Option` or
`Argument` in its annotation the rest:

    @dataclass(frozen=True, kw_only=True)
    class SimulateOptions:
        directory: Annotated[str, Argument("DIR")]
        frames: Annotated[int | None, Option("How many frames of the data.", metavar="N")] = None

A field without a default is required. `int`, `float`, `str` and a `Literal` take a value, `bool` is a flag, and a
tuple takes several. A field that is such a dataclass itself is a group of options that several commands share.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import MISSING, fields, is_dataclass
from types import NoneType
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin, get_type_hints

import click

from ..base.remarks import heard
from .settings import Settings, settings_options

Options = TypeVar("Options")


class Option:
    """An option of the command line.

    Parameters
    ----------
    help : str
    names : str
        How it is written, such as "-o"; without a long name here, that is the field's name.
    metavar : str, optional
        What its value is called in the help.
    kind : click.ParamType, optional
        What it takes, where the field's type does not say all of it.
    show_default : bool
        Whether the help tells a default other than None and False.
    """

    def __init__(
        self,
        help: str,
        *names: str,
        metavar: str | None = None,
        kind: click.ParamType[Any] | None = None,
        show_default: bool = True,
    ) -> None:
        self.help = help
        self.names = names
        self.metavar = metavar
        self.kind = kind
        self.show_default = show_default

    def parameter(self, name: str, kind: Any, default: Any) -> click.Parameter:
        """The parameter of click for a field of this name, type and default (MISSING for none)."""
        is_long = any(text.startswith("--") for text in self.names)
        declared = [name, *self.names, *([] if is_long else [f"--{name.replace('_', '-')}"])]
        value, several = _value_type(kind)
        facts: dict[str, Any] = {"help": self.help, "metavar": self.metavar, "required": default is MISSING}
        facts |= {"is_flag": True} if value is bool else {"type": self.kind or value}
        if several:
            facts["multiple"] = True
        elif default is not MISSING and (value is bool or default is not None):
            # A flag's None says that it was not given.
            told = self.show_default and default is not None and default is not False
            facts |= {"default": default, "show_default": told}
        return click.Option(declared, **facts)


class Argument:
    """A positional argument of the command line, by what it is called in the help."""

    def __init__(self, metavar: str | None = None) -> None:
        self.metavar = metavar

    def parameter(self, name: str, kind: Any, default: Any) -> click.Parameter:
        """The parameter of click for a field of this name, type and default (MISSING for none)."""
        value, several = _value_type(kind)
        required = default is MISSING
        return click.Argument([name], type=value, nargs=-1 if several else 1, required=required, metavar=self.metavar)


def _value_type(kind: Any) -> tuple[Any, bool]:
    """What click converts one value to, for a field's type, and whether the field holds several."""
    if get_origin(kind) is tuple:
        return get_args(kind)[0], True
    if get_origin(kind) is Literal:
        return click.Choice(get_args(kind)), False
    if NoneType in get_args(kind):
        (kind,) = (part for part in get_args(kind) if part is not NoneType)
        return _value_type(kind)
    return kind, False


def read_parameters(options: Any) -> Iterator[click.Parameter]:
    """The parameters of click for a dataclass of options, those of its groups where their fields stand."""
    kinds = get_type_hints(options, include_extras=True)
    for field in fields(options):
        if is_dataclass(kinds[field.name]):
            yield from read_parameters(kinds[field.name])
        else:
            if get_origin(kinds[field.name]) is not Annotated:
                raise TypeError(f"{options.__name__}.{field.name} is neither an Option nor an Argument nor a group")
            kind, mark = get_args(kinds[field.name])
            yield mark.parameter(field.name, kind, field.default)


def make_options(options: Callable[..., Options], values: dict[str, Any]) -> Options:
    """An object of options of what click read, by name."""
    kinds = get_type_hints(options)
    given = {
        field.name: make_options(kinds[field.name], values) if is_dataclass(kinds[field.name]) else values[field.name]
        for field in fields(options)  # type: ignore[arg-type]
    }
    return options(**given)


def command(
    options: type[Options], example: str
) -> Callable[[Callable[[Settings, Options], int | None]], click.Command]:
    """Make a function of `Settings` and an object of options a command of its name, with its docstring as the help.

    `example` ends the help. What the function returns is the exit code.
    """

    def decorate(function: Callable[[Settings, Options], int | None]) -> click.Command:
        def run(**values: Any) -> int | None:
            settings = click.get_current_context().ensure_object(Settings)
            with heard(settings.hear):
                return function(settings, make_options(options, values))

        return click.Command(
            function.__name__,
            callback=run,
            params=[*read_parameters(options), *settings_options()],
            help=inspect.cleandoc(function.__doc__ or ""),
            # click must not wrap the example.
            epilog=f"\b\nExample:\n  {example}",
        )

    return decorate
