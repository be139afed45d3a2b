"""Commands whose options are the fields of a frozen dataclass.

A field's type says what the command line takes, its default what holds where nothing is given, and an `Option` or
`Argument` in its annotation the rest:

    @dataclass(frozen=True, kw_only=True)
    class SimulateOptions:
        directory: Annotated[str, Argument("DIR")]
        frames: Annotated[int | None, Option("How many frames of the data.", metavar="N")] = None

A field without a default is required. `int`, `float`, `str` and a `Literal` take a value, `bool` is a flag, and a
tuple takes several. A field that is such a dataclass itself is a group of options that several commands share. Its
class variable `headings` names the fields with which a section of the help begins, such as
`headings = {"network": "Reading the model"}`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import MISSING, fields, is_dataclass
from types import NoneType
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin, get_type_hints

import click
from click.core import ParameterSource
from click.shell_completion import CompletionItem

from ..base.remarks import heard
from .settings import Settings, format_option, settings_options

Options = TypeVar("Options")

MOST_CHOICES = 6
"""So many choices stand in place of an option's value; more of them are listed in its help, where they wrap."""


COMPLETED = {
    **dict.fromkeys(("NPZ", "NNP", "FPGAQ", "TOML", "DOT", "FILE", "MODEL..."), "file"),
    "DIR": "dir",
}
"""What a shell completes for a value, by what it is called."""


def completion(metavar: str | None) -> dict[str, Any]:
    """The argument of click for a value that names a file or a folder."""
    kind = COMPLETED.get(metavar or "")
    if kind is None:
        return {}
    return {"shell_complete": lambda context, parameter, incomplete: [CompletionItem(incomplete, type=kind)]}


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
    needs : tuple of str
        Fields of the same object of options, one of which has to be given beside this one, or it would be ignored.
    """

    def __init__(
        self,
        help: str,
        *names: str,
        metavar: str | None = None,
        kind: click.ParamType[Any] | None = None,
        show_default: bool = True,
        needs: tuple[str, ...] = (),
    ) -> None:
        self.help = help
        self.names = names
        self.metavar = metavar
        self.kind = kind
        self.show_default = show_default
        self.needs = needs

    def parameter(self, name: str, kind: Any, default: Any) -> click.Parameter:
        """The parameter of click for a field of this name, type and default (MISSING for none)."""
        is_long = any(text.startswith("--") for text in self.names)
        declared = [name, *self.names, *([] if is_long else [f"--{name.replace('_', '-')}"])]
        value, several = _value_type(kind)
        metavar, text = self.metavar, self.help
        chosen: Any = self.kind or value
        choices = tuple(chosen.choices) if isinstance(chosen, click.Choice) else ()
        if len(choices) > MOST_CHOICES:
            metavar = metavar or name.upper()
            text = f"{text} One of {', '.join(choices)}."
        facts: dict[str, Any] = {
            "help": text,
            "metavar": metavar,
            "required": default is MISSING,
            **completion(metavar),
        }
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
        return click.Argument(
            [name],
            type=value,
            nargs=-1 if several else 1,
            required=required,
            metavar=self.metavar,
            # An argument without a name of its own is a model file.
            **completion(self.metavar or "FILE"),
        )


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


def read_sections(options: Any, heading: str = "Options") -> dict[str, str]:
    """The heading of the help under which each field stands: its own group's, else `heading`."""
    begins: dict[str, str] = getattr(options, "headings", {})
    kinds, own = get_type_hints(options), heading
    found: dict[str, str] = {}
    for field in fields(options):
        own = begins.get(field.name, own)
        found |= read_sections(kinds[field.name], own) if is_dataclass(kinds[field.name]) else {field.name: own}
    return found


def read_needs(options: Any) -> dict[str, tuple[str, ...]]:
    """For each field that would be ignored alone, the fields one of which has to be given beside it."""
    found: dict[str, tuple[str, ...]] = {}
    for name, kind in get_type_hints(options, include_extras=True).items():
        if is_dataclass(kind):
            found |= read_needs(kind)
        elif get_origin(kind) is Annotated and isinstance(get_args(kind)[1], Option) and get_args(kind)[1].needs:
            found[name] = get_args(kind)[1].needs
    return found


class Command(click.Command):
    """A command whose help has its options in sections, and which refuses options that it would ignore."""

    sections: dict[str, str]
    needs: dict[str, tuple[str, ...]]

    def format_options(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the sections in the order of the fields; the last one holds what every command takes."""
        sections: dict[str, list[tuple[str, str]]] = {"Options": []}
        for parameter in self.get_params(context):
            record = parameter.get_help_record(context)
            if isinstance(parameter, click.Option) and record is not None:
                sections.setdefault(self.sections.get(str(parameter.name), "Every command"), []).append(record)
        for heading, records in sections.items():
            if records:
                with formatter.section(heading):
                    formatter.write_dl(records)

    def invoke(self, context: click.Context) -> Any:
        """Run the command, if none of what was given would be ignored."""
        settings = context.ensure_object(Settings)
        if settings.json and settings.format in ("csv", "md"):
            raise click.UsageError(f"--json is --format json: leave it or --format {settings.format} out", context)
        spelled = {parameter.name: parameter.opts for parameter in self.params}
        given = {name for name in spelled if context.get_parameter_source(str(name)) is ParameterSource.COMMANDLINE}
        for name, needed in self.needs.items():
            if name in given and not given & set(needed):
                text, others = (
                    max(spelled[name], key=len),
                    " or ".join(max(spelled[other], key=len) for other in needed),
                )
                raise click.UsageError(f"{text} would be ignored: give {others} too, or leave it out", context)
        return super().invoke(context)


def make_options(options: Callable[..., Options], values: dict[str, Any]) -> Options:
    """An object of options of what click read, by name."""
    kinds = get_type_hints(options)
    given = {
        field.name: make_options(kinds[field.name], values) if is_dataclass(kinds[field.name]) else values[field.name]
        for field in fields(options)  # type: ignore[arg-type]
    }
    return options(**given)


def command(
    options: type[Options], example: str, *, tables: bool = False
) -> Callable[[Callable[[Settings, Options], int | None]], click.Command]:
    """Make a function of `Settings` and an object of options a command of its name, with its docstring as the help.

    `example` ends the help; `tables` gives it `--format`. What the function returns is the exit code.
    """

    def decorate(function: Callable[[Settings, Options], int | None]) -> click.Command:
        def run(**values: Any) -> int | None:
            settings = click.get_current_context().ensure_object(Settings)
            with heard(settings.hear):
                return function(settings, make_options(options, values))

        made = Command(
            function.__name__,
            callback=run,
            params=[*read_parameters(options), *([format_option()] if tables else []), *settings_options()],
            help=inspect.cleandoc(function.__doc__ or ""),
            # click must not wrap the example.
            epilog=f"\b\nExample:\n  {example}",
        )
        made.sections = read_sections(options) | ({"format": "Options"} if tables else {})
        made.needs = read_needs(options)
        return made

    return decorate
