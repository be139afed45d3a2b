"""Groups of options: what they refuse, and what they come to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fpgaq import cli
from fpgaq.base.errors import UsageError
from fpgaq.cli.options import ModelOptions, NetworkOptions, QuantizeFlags, TargetOptions
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
        *("build", "compare", "explore", "finetune", "parity", "prune", "quantize", "report"),
        *("search", "sensitivity", "split", "summary"),
    }


def test_a_model_is_read_as_the_options_say() -> None:
    graph = ModelOptions().load(MODEL)
    assert len(NetworkOptions().load(MODEL, passes=False).operators) >= len(graph.operators)
    first = graph.operators[0].output
    assert ModelOptions(outputs=first).load(MODEL).outputs == (first,)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("explore {m} --calibration c.npz --weight-bits 4", "--weight-bits would be ignored: --bits names the widths"),
        ("explore {m} --calibration c.npz --activation-bits 4", "--activation-bits would be ignored"),
        ("search {m} --calibration c.npz --budget 50% -o x.toml --weight-bits 4", "--weight-bits would be ignored"),
        ("quantize {m} --calibration c.npz -o x.fpgaq --percentile 99", "give --activation-range percentile too"),
        ("prune {m} --budget 0.5 --calibration c.npz -o x.nnp --trial-epochs 2", "give --trials too"),
        ("prune {m} --budget 0.5 --calibration c.npz -o x.nnp --rate 0.1", "give --finetune or --trials too"),
        ("prune {m} --groups --budget 0.5", "--groups only lists: leave --budget out"),
        ("synth out --seeds 3 --device xc7", "--seeds would be ignored: no open tool places and routes for xc7"),
        ("explore {m} --calibration c.npz --picture front.jpg", "pictures are written as .png, .pdf, .svg"),
        ("search {m} --calibration c.npz --budget 50% -o x.toml --picture p.gif", "pictures are written as"),
        ("finetune {m} -o x.nnp", "Missing option '--train'"),
        ("finetune {m} -o x.nnp --train t.npz --per-feature", "--per-feature would be ignored"),
    ],
)
def test_what_would_be_ignored_is_refused(
    call: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = call(*line.format(m=MODEL).split())
    assert (code, out) == (2, "") and words in err
    assert_one_line(err)
    assert not list(tmp_path.iterdir())


def test_the_percentile_may_come_from_the_method_or_a_layer(tmp_path: Path) -> None:
    assert QuantizeFlags(percentile=99.0, activation_range="percentile").options().percentile == 99
    assert QuantizeFlags(percentile=99.0, method="percentile").options().percentile == 99
    (tmp_path / "own.toml").write_text('[layers.first]\nactivation_range = "percentile"\n')
    assert QuantizeFlags(percentile=99.0, config=str(tmp_path / "own.toml")).options().percentile == 99


@pytest.mark.parametrize(
    ("command", "name", "spelled"),
    [
        ("finetune", "train", ("--train", "--data")),
        ("prune", "test", ("--test", "--data")),
        ("prune", "picture", ("--picture", "--draw")),
        ("explore", "picture", ("--picture", "-o", "--output")),
        ("search", "bits", ("--bits", "--widths")),
    ],
)
def test_old_names_are_aliases_and_the_help_says_so(call: Any, command: str, name: str, spelled: tuple[str]) -> None:
    (found,) = (each for each in cli.fpgaq.commands[command].params if each.name == name)
    assert tuple(found.opts) == spelled
    text = " ".join(call(command, "--help")[1].split())
    assert f"{spelled[-1]} is the old name" in text


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
