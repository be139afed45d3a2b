"""Files of another kind than a command takes: the message names the command that takes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fpgaq import cli
from fpgaq.base.errors import ModelError
from fpgaq.base.kinds import ADVICE, WANTED, expect, kind_of

COMMANDS = set(cli.COMMANDS)


def make(folder: Path, kind: str) -> Path:
    if kind == "folder":
        (folder / "out").mkdir()
        (folder / "out" / "manifest.json").write_text("{}")
        return folder / "out"
    path = folder / {"model": "a.NNP", "integer": "a.fpgaq", "data": "a.npz"}[kind]
    path.write_bytes(b"")
    return path


@pytest.mark.parametrize(("wanted", "found"), ADVICE)
def test_another_kind_is_refused_with_a_way_on(wanted: Any, found: Any, tmp_path: Path) -> None:
    path = make(tmp_path, found)
    assert kind_of(path) == found
    with pytest.raises(ModelError) as error:
        expect(path, wanted)
    text = str(error.value)
    assert text.startswith(f"{path}: it ") and text.endswith(f"{WANTED[wanted]} here")


@pytest.mark.parametrize("kind", WANTED)
def test_the_wanted_kind_and_what_is_not_there_are_left_to_the_reader(kind: Any, tmp_path: Path) -> None:
    expect(make(tmp_path, kind), kind)
    expect(tmp_path / "missing.nnp", kind)
    (tmp_path / "other.txt").write_text("")
    expect(tmp_path / "other.txt", kind)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("generate {model} -o {folder}/o", "quantize it first (fpgaq quantize {model}"),
        ("run {model} --data x.npz -o {folder}/y.npz", "quantize it first"),
        ("summary {integer}", "fpgaq generate, run and compare take it"),
        ("quantize {integer} -o {folder}/x.fpgaq", "an integer network already"),
        ("prune {integer} --groups", "an integer network already"),
        ("simulate {integer}", "write its hardware first (fpgaq generate {integer} -o DIR)"),
        ("synth {integer}", "write its hardware first"),
        ("generate {out} -o {folder}/o", "whose network is {out}/network.fpgaq"),
        ("summary {out}", "fpgaq simulate and synth take it"),
        ("run {data} --data {data} -o {folder}/y.npz", "it holds samples"),
        (
            "compare {integer} {model} --data x.npz",
            "the model comes first: fpgaq compare {model} {integer} --test x.npz",
        ),
    ],
)
def test_commands_say_which_command_takes_a_file(
    line: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    places = {kind: make(tmp_path, kind) for kind in ("model", "integer", "data")}
    places |= {"out": make(tmp_path, "folder"), "folder": tmp_path}
    code = cli.invoke(line.format(**places).split())
    assert code in (2, 3)
    assert words.format(**places) in capsys.readouterr().err
