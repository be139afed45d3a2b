"""`--format` of every command that prints a table."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest

from fpgaq.cli import COMMANDS, fpgaq

pytestmark = pytest.mark.once
ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "digits_cnn"
MODEL = EXAMPLE / "model.nnp"

OWN = ("report", "export")
"""Commands with another `--format`, of the file that they write."""
WITHOUT = ("simulate", "run", "image", "package", "bitstream", "infer")
"""Commands that print no table."""

TABLES: dict[str, tuple[tuple[str, ...], str]] = {
    "summary": (("MODEL",), "layer,operator,output,parameters,multiplications"),
    "quantize": (("MODEL", "--calibration", "FEW", "-o", "new.fpgaq"), "layer,operator,output,weights,format"),
    "compare": (("MODEL", "INTEGER", "--test", "FEW"), "24 images,float,integer"),
    "doctor": ((), "tool,status,version,least,needed for"),
    "generate": (("INTEGER", "-o", "out"), "layer,multipliers,taps x channels x outputs,busy cycles"),
    "sensitivity": (("MODEL", "--calibration", "FEW"), "layer,part,width,of the noise"),
    "search": (("MODEL", "--calibration", "FEW", "--budget", "60%", "-o", "a.toml"), "weight bits by layer,rom bits"),
    "explore": (
        ("MODEL", "--calibration", "FEW", "--data", "FEW", "--bits", "8", "--multipliers", "16"),
        "network,bits,",
    ),
}
"""Arguments of quick runs, and how the first line of their CSV begins."""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    from fpgaq import pipeline
    from fpgaq.integer.file import save

    folder = tmp_path_factory.mktemp("format")
    with np.load(EXAMPLE / "test.npz") as data:
        np.savez(folder / "few.npz", **{name: data[name][:24] for name in data.files})
    save(pipeline.quantize(str(MODEL), str(folder / "few.npz")), folder / "a.fpgaq")
    return {"MODEL": str(MODEL), "FEW": str(folder / "few.npz"), "INTEGER": str(folder / "a.fpgaq")}


def options_of(name: str) -> set[str]:
    command = fpgaq.commands[name]
    assert isinstance(command, click.Command)
    return {
        choice
        for option in command.params
        for choice in getattr(option.type, "choices", ())
        if "--format" in option.opts
    }


def test_which_commands_take_it() -> None:
    taking = {name for name in COMMANDS if {"table", "csv", "md", "json"} <= options_of(name)}
    assert taking == set(COMMANDS) - {*OWN, *WITHOUT}


@pytest.mark.parametrize("name", TABLES)
def test_as_csv_and_json(call: Any, files: dict[str, str], tmp_path: Path, monkeypatch: Any, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    arguments, begin = TABLES[name]
    given = [files.get(argument, argument) for argument in arguments]
    _, out, _ = call(name, *given, "--format", "csv")
    assert out.startswith(begin)
    first = out.split("\n\n")[0]
    rows = list(csv.reader(io.StringIO(first)))
    assert len(rows) > 1 and {len(row) for row in rows} == {len(rows[0])}
    if name in ("summary", "doctor"):
        assert json.loads(call(name, *given, "--format", "json")[1]) == json.loads(call(name, *given, "--json")[1])


def test_as_markdown(call: Any, files: dict[str, str]) -> None:
    code, out, _ = call("summary", files["MODEL"], "--format", "md")
    lines = out.splitlines()
    assert code == 0 and lines[1] == "| --- | --- | ---: | ---: | ---: |" and lines[-2] == ""
    assert "| @runtime/Affine | Affine | 10 | 330 | 320 |" in lines
    assert call("summary", files["MODEL"], "--format", "table") == call("summary", files["MODEL"])


def test_what_is_no_table_goes_to_standard_error(call: Any, files: dict[str, str]) -> None:
    _, out, err = call("summary", files["MODEL"], "--format", "csv")
    assert out.splitlines()[4] == "@runtime/Convolution_1,Convolution,8x4x4,296,4608"
    assert err == "runtime: x 1x8x8 -> y 10; 666 parameters, 7,232 multiplications a frame\n"
    assert call("summary", files["MODEL"], "--format", "csv", "--quiet") == (0, "", "")


@pytest.mark.parametrize("order", [("--json", "--format", "md"), ("--format", "md", "--json")])
def test_two_formats_are_refused(call: Any, files: dict[str, str], order: tuple[str, ...]) -> None:
    code, _, err = call("summary", files["MODEL"], *order)
    assert code == 2 and "--json is --format json: leave it or --format md out" in err


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "begin"),
    [
        (("cheapen", "INTEGER", "--calibration", "FEW", "--bound", "0.05", "-o", "cheap.fpgaq"), "layer,weights,"),
        (("synth", "HARDWARE", "--seeds", "0"), "layer,LUT,of them RAM,FF,carry,DSP,block RAM"),
        (("prune", "MODEL", "--calibration", "FEW", "--budget", "0.5", "-o", "p.nnp"), "layers,"),
    ],
)
def test_slower_commands(
    call: Any, files: dict[str, str], tmp_path: Path, monkeypatch: Any, arguments: tuple[str, ...], begin: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert call("generate", files["INTEGER"], "-o", "HARDWARE", "--quiet")[0] == 0
    code, out, err = call(*(files.get(argument, argument) for argument in arguments), "--format", "csv")
    assert code == 0 and out.startswith(begin), err
