"""Every line of the list of faults: run, or held by a test that is there."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fpgaq import cli
from tests.faults.held import HELD
from tests.faults.place import Place, make_place, state
from tests.faults.run import ROOT, Ended, empty, faults_of, run_alone, words_of
from tests.faults.table import COMMANDS, MEGABYTES, SECONDS, Row

ROWS = [pytest.param(row, id=f"{section}: {row.item}") for section, rows in COMMANDS.items() for row in rows]
QUICK = [row for row in ROWS if not row.values[0].alone]  # type: ignore[union-attr]
LARGE = [row for row in ROWS if row.values[0].alone]  # type: ignore[union-attr]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Path]]:
    yield make_place(tmp_path_factory.mktemp("faults"))


@pytest.fixture
def place(folders: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    own = tmp_path / "own"
    own.mkdir()
    monkeypatch.chdir(own)
    return Place(*folders, own)


@pytest.mark.parametrize("row", QUICK)
def test_a_fault_is_met(row: Row, place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    words, before = words_of(row, place), state(place.outputs)
    sources = state(place.own), state(place.sound)
    capsys.readouterr()
    code = cli.invoke(words)
    said = capsys.readouterr()
    assert not faults_of(row, Ended(code, said.err, 0.0, 0.0, said.out), words)
    # What works replaces its output; whatever is refused leaves it, and nothing else anywhere.
    after = state(place.outputs)
    assert after == before if code else set(after) == set(before)
    assert (state(place.own), state(place.sound)) == sources


def held_alone(row: Row, place: Place) -> None:
    words, before = words_of(row, place), state(place.outputs)
    ended = run_alone(words, place.own)
    assert not faults_of(row, ended, words)
    assert ended.code == 0 or state(place.outputs) == before
    assert ended.seconds <= SECONDS, f"{ended.seconds:.1f} processor seconds, {SECONDS:g} are allowed"
    assert ended.megabytes <= MEGABYTES, f"{ended.megabytes:.0f} MB, {MEGABYTES:g} are allowed"


@pytest.mark.once
@pytest.mark.slow
@pytest.mark.parametrize("row", LARGE)
def test_a_large_input_takes_little(row: Row, place: Place) -> None:
    held_alone(row, place)


@pytest.mark.once
@pytest.mark.slow
@pytest.mark.parametrize("section", COMMANDS)
def test_every_process_keeps_to_its_limits(section: str, place: Place) -> None:
    for row in COMMANDS[section]:
        if row.passable and not row.alone:
            empty(place.own)
            os.chdir(place.own)
            held_alone(row, place)


def test_the_limits_are_measured(place: Place) -> None:
    """A process that takes more than it may is seen to."""
    plain = run_alone(["--version"], place.own)
    assert plain.code == 0 and 0 < plain.seconds < SECONDS and 5 < plain.megabytes < MEGABYTES
    row = Row("none", None, "nonsense", 0)
    assert faults_of(row, Ended(2, "fpgaq: error: x\n", 0.0, 0.0), ["nonsense"])
    assert faults_of(Row("none", None, "x", 3, "y"), Ended(3, "fpgaq: error: x\nmore\n", 0.0, 0.0), ["x"])


def defined(path: Path) -> set[str]:
    """The names of a file's tests."""
    nodes: list[Any] = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    return {node.name for node in nodes if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}


def test_what_tests_hold_is_there() -> None:
    missing = [
        f"{section}, {item}: {test}"
        for section, items in HELD.items()
        for item, tests in items.items()
        for test in tests
        if not (ROOT / test.partition("::")[0]).is_file()
        or test.partition("::")[2] not in defined(ROOT / test.partition("::")[0])
    ]
    assert not missing
    assert all(tests for items in HELD.values() for tests in items.values())


def test_no_fault_stands_twice() -> None:
    for section, rows in COMMANDS.items():
        items = [row.item for row in rows] + list(HELD.get(section, {}))
        assert len(set(items)) == len(items), section
