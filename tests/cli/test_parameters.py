"""Commands made of frozen dataclasses: what each kind of field becomes, and that all commands are made so."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, dataclass, fields
from inspect import Parameter, signature
from typing import Annotated, Any, ClassVar, Literal, get_args, get_type_hints

import click
import pytest
from click.testing import CliRunner

from fpgaq import cli, pipeline
from fpgaq.cli.options import QuantizeFlags
from fpgaq.cli.parameters import Argument, Option, command, read_parameters
from fpgaq.cli.settings import Settings
from fpgaq.quantizer.config import QuantizeOptions


@dataclass(frozen=True, kw_only=True)
class Shared:
    """A group."""

    many: Annotated[tuple[int, ...], Option("Several numbers.", "--one-of-many")] = ()
    switch: Annotated[bool | None, Option("Yes, no or nothing.", "--switch/--no-switch")] = None


@dataclass(frozen=True, kw_only=True)
class Example:
    """One field of each kind."""

    place: Annotated[str, Argument("DIR")]
    needed_number: Annotated[int, Option("A number.", "-n", metavar="N")]
    shared: Shared
    word: Annotated[Literal["this", "that"], Option("A word.")] = "this"
    share: Annotated[float | None, Option("A share.")] = None
    ranged: Annotated[int | None, Option("A number in a range.", "--range", kind=click.IntRange(2, 4))] = None
    flag: Annotated[bool, Option("A flag.")] = False


seen: list[Example] = []


@command(Example, "fpgaq example DIR -n 1")
def example(settings: Settings, options: Example) -> int:
    """Take options.

    And return a number.
    """
    seen.append(options)
    return 3


def given(*arguments: str) -> Example:
    seen.clear()
    assert example.main(list(arguments), standalone_mode=False, obj=Settings()) == 3
    (options,) = seen
    return options


def test_what_is_given_becomes_one_frozen_object() -> None:
    defaults = Example(place="here", needed_number=5, shared=Shared())
    assert given("here", "-n", "5") == defaults
    with pytest.raises(FrozenInstanceError):
        defaults.word = "that"  # type: ignore[misc]
    line = "here --needed-number 6 --one-of-many 1 --one-of-many 2 --no-switch --word that --share 0.5 --range 4 --flag"
    assert given(*line.split()) == Example(
        place="here",
        needed_number=6,
        shared=Shared(many=(1, 2), switch=False),
        word="that",
        share=0.5,
        ranged=4,
        flag=True,
    )


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("here", "Missing option '-n' / '--needed-number'"),
        ("-n 1", "Missing argument 'DIR'"),
        ("here -n 1.5", "not a valid integer"),
        ("here -n 1 --word other", "'other' is not one of 'this', 'that'"),
        ("here -n 1 --range 5", "5 is not in the range 2<=x<=4"),
        ("here -n 1 --ranged 3", "No such option '--ranged'"),
        ("here -n 1 --one-of-many x", "not a valid integer"),
    ],
)
def test_what_no_field_takes_is_refused(line: str, message: str) -> None:
    with pytest.raises(click.UsageError) as error:
        given(*line.split())
    assert message in error.value.format_message()


def test_help_has_the_fields_in_order_and_their_defaults() -> None:
    text = CliRunner().invoke(example, ["--help"]).output
    names = ("-n, --needed-number N", "--one-of-many", "--switch / --no-switch", "--word [this|that]", "--share FLOAT")
    places = [text.index(name) for name in (*names, "--range", "--flag", "--json")]
    assert places == sorted(places)
    assert text.count("[default: ") == 1 and "A word.  [default: this]" in text and "[required]" in text
    assert "Take options.\n\n  And return a number." in text and text.endswith("Example:\n    fpgaq example DIR -n 1\n")


@dataclass(frozen=True, kw_only=True)
class Sized:
    """A group with sections of its own."""

    headings: ClassVar[dict[str, str]] = {"wide": "Width", "tall": "Height"}
    wide: Annotated[int | None, Option("A width.", metavar="M")] = None
    tall: Annotated[int | None, Option("A height.", metavar="M", needs=("wide", "flag"))] = None
    part: Annotated[Literal["a", "b", "c", "d", "e", "f", "g"] | None, Option("A part.")] = None


@dataclass(frozen=True, kw_only=True)
class Sectioned:
    """A group between options."""

    first: Annotated[int | None, Option("The first.", metavar="N")] = None
    size: Sized
    flag: Annotated[bool, Option("A flag.")] = False


@command(Sectioned, "fpgaq sectioned")
def sectioned(settings: Settings, options: Sectioned) -> None:
    """Show sections."""


def test_help_has_sections_and_lists_many_choices() -> None:
    text = CliRunner().invoke(sectioned, ["--help"]).output
    order = ("Options:", "--first N", "--flag", "Width:", "--wide M", "Height:", "--tall M", "--part PART")
    places = [text.index(words) for words in (*order, "One of a, b, c, d, e, f, g.", "Every command:", "--json")]
    assert places == sorted(places)


@pytest.mark.parametrize("line", ["", "--wide 1 --tall 2", "--tall 2 --flag", "--part a"])
def test_an_option_beside_one_that_it_needs(line: str) -> None:
    assert sectioned.main(line.split(), standalone_mode=False, obj=Settings()) is None


def test_an_option_that_would_be_ignored_is_refused() -> None:
    with pytest.raises(click.UsageError, match="--tall would be ignored: give --wide or --flag too, or leave it out"):
        sectioned.main(["--tall", "2"], standalone_mode=False, obj=Settings())


@pytest.mark.parametrize("name", list(cli.COMMANDS))
def test_values_are_called_by_their_units(name: str) -> None:
    made = cli.fpgaq.commands[name]
    for parameter in made.params:
        shown = parameter.make_metavar(click.Context(made))
        assert shown not in ("INTEGER", "FLOAT", "TEXT"), parameter.name


@pytest.mark.parametrize("name", list(cli.COMMANDS))
def test_what_an_option_needs_is_an_option_of_the_command(name: str) -> None:
    made: Any = cli.fpgaq.commands[name]
    names = {parameter.name for parameter in made.params}
    for option, needed in made.needs.items():
        assert {option, *needed} <= names


@pytest.mark.parametrize("name", list(cli.COMMANDS))
def test_no_two_fields_of_a_command_share_a_name(name: str) -> None:
    parameters = cli.fpgaq.commands[name].params
    names = [parameter.name for parameter in parameters]
    spelled = [text for parameter in parameters for text in (*parameter.opts, *parameter.secondary_opts)]
    assert len(set(names)) == len(names) and len(set(spelled)) == len(spelled)


def test_flags_of_the_quantizer_are_its_options() -> None:
    kinds, options = get_type_hints(QuantizeFlags), get_type_hints(QuantizeOptions)
    flags = {field.name: kinds[field.name] for field in fields(QuantizeFlags)}
    assert list(flags)[-1] == "config" and {*flags} - {"config"} == {*options} - {"layers"}
    for name in {*flags} - {"config"}:
        assert {*get_args(flags[name])} == {*(get_args(options[name] | None))}, name
    assert all(field.default is None for field in fields(QuantizeFlags))
    assert QuantizeFlags().options() == QuantizeOptions()
    assert QuantizeFlags(weight_bits=4, narrow=True).options() == QuantizeOptions(weight_bits=4, narrow=True)


def test_language_has_its_old_name_too() -> None:
    (language,) = (one for one in cli.fpgaq.commands["generate"].params if one.name == "language")
    assert language.opts == ["--language", "--target"]


@pytest.mark.parametrize("name", [name for name in pipeline.__all__ if name.islower()])
def test_stages_name_and_type_every_argument(name: str) -> None:
    for parameter in signature(getattr(pipeline, name)).parameters.values():
        assert parameter.kind not in (Parameter.VAR_KEYWORD, Parameter.VAR_POSITIONAL), parameter
        assert parameter.annotation not in (Parameter.empty, Any, "Any"), parameter


def test_a_field_without_an_option_is_a_mistake_of_the_program() -> None:
    @dataclass(frozen=True)
    class Bare:
        value: int = 3

    with pytest.raises(TypeError, match="Bare.value"):
        list(read_parameters(Bare))
