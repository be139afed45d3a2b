"""Groups of options: what they refuse, and what they come to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fpgaq import cli
from fpgaq.base.errors import UsageError
from fpgaq.cli.options import ModelOptions, NetworkOptions, TargetOptions
from tests.cli.one_line import assert_one_line

MODEL = Path(__file__).resolve().parents[2] / "examples" / "digits_tabular" / "model.nnp"


def test_shapes_and_outputs_by_name() -> None:
    reading = NetworkOptions(input_shape=("x=1,3,64,64", "a=b=2x5"), outputs="y, z")
    assert reading.input_shapes() == {"x": (1, 3, 64, 64), "a=b": (2, 5)}
    assert reading.output_names() == ("y", "z")
    assert NetworkOptions().input_shapes() is None and NetworkOptions().output_names() is None


@pytest.mark.parametrize("shapes", [("x",), ("=1,2",), ("x=1,0",), ("x=1,-2",), ("x=1,",), ("x=1", "x=2"), ("x=٣",)])
def test_shapes_that_are_none(shapes: tuple[str, ...]) -> None:
    with pytest.raises(UsageError, match="--input-shape '.*': give each input once, as NAME=1,3,64,64"):
        NetworkOptions(input_shape=shapes).input_shapes()


@pytest.mark.parametrize("outputs", ["", " ", "a,,b", ",a"])
def test_outputs_without_a_name(outputs: str) -> None:
    with pytest.raises(UsageError, match="--outputs '.*': give names of outputs"):
        NetworkOptions(outputs=outputs).output_names()


@pytest.mark.parametrize("options", [("--outputs", "nowhere"), ("--input-shape", "x=1,0"), ("--network", "nowhere")])
def test_what_a_model_does_not_have_is_refused_by_every_reader(call: Any, options: tuple[str, str]) -> None:
    for command in ("summary", "prune"):
        code, out, err = call(command, MODEL, *options, *(["--groups"] if command == "prune" else []))
        assert code in (2, 3, 4) and out == "" and options[1] in err, command
        assert_one_line(err)


def test_commands_that_read_a_model_take_the_options_of_models() -> None:
    readers = set()
    for name, command in cli.fpgaq.commands.items():
        names = {parameter.name for parameter in command.params}
        if names & {"model", "models"}:
            readers.add(name)
            assert {"network", "input_shape", "outputs", "inputs"} <= names, name
    assert readers == {
        *("build", "compare", "explore", "finetune", "parity", "prune", "quantize"),
        *("search", "sensitivity", "split", "summary"),
    }


def test_a_model_is_read_as_the_options_say() -> None:
    graph = ModelOptions().load(MODEL)
    assert len(NetworkOptions().load(MODEL, passes=False).operators) >= len(graph.operators)
    first = graph.operators[0].output
    assert ModelOptions(outputs=first).load(MODEL).outputs == (first,)


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ({}, None),
        ({"device": "xc7"}, None),
        ({"multipliers": 5}, (5, None)),
        ({"cycles": 7}, (None, 7)),
        ({"fps": 30.0, "clock": 50.0}, (None, 1_666_666)),
    ],
)
def test_targets(options: dict[str, Any], found: tuple[int | None, int | None] | None) -> None:
    target = TargetOptions(**options).target()
    assert found == (None if target is None else (target.multipliers, target.cycles))
