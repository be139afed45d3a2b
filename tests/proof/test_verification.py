"""The record of simulations: which runs it keeps, what it refuses, and that a later build may replace it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from fpgaq.base.errors import ModelError
from fpgaq.base.output import check_folder, write_folder
from fpgaq.base.remarks import FpgaqRemark
from fpgaq.proof.verification import VERIFICATION_FILE, Run, manifest_digest, read_runs, record_run

RUN = Run(
    simulator="icarus", version="11.0", manifest="", fpgaq="0.2.0", outcome="equal", message="every beat is equal",
    compared="every beat", frames=9, mismatches=0, interval_cycles=18, latency_cycles=20, exercise={"words": 3},
)  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_folder(tmp_path / "out", {"manifest.json": "{}"})
    return tmp_path / "out"


def run_of(folder: Path) -> Run:
    return replace(RUN, manifest=manifest_digest(folder))


def test_the_last_run_of_each_simulator_is_kept(folder: Path) -> None:
    first = run_of(folder)
    record_run(folder, replace(first, frames=1))
    record_run(folder, first)
    other = replace(first, simulator="verilator", outcome="different", frames=0, mismatches=None)
    record_run(folder, other)
    assert read_runs(folder) == (first, other)
    assert first.proves and not other.proves and not replace(first, frames=0).proves


def test_runs_of_another_build_are_dropped(folder: Path) -> None:
    record_run(folder, replace(RUN, simulator="verilator", manifest="0" * 64))
    record_run(folder, run_of(folder))
    assert [run.simulator for run in read_runs(folder)] == ["icarus"]


def test_a_later_build_may_replace_the_record_and_only_as_it_was_written(folder: Path) -> None:
    record_run(folder, run_of(folder))
    check_folder(folder)
    (folder / VERIFICATION_FILE).write_text("mine")
    with pytest.raises(Exception, match="verification.json"):
        check_folder(folder)


@pytest.mark.parametrize(
    "change", [{"frames": None}, {"frames": True}, {"outcome": "good"}, {"exercise": {"words": "3"}}]
)
def test_a_damaged_record_is_refused_and_replaced(folder: Path, change: dict[str, object]) -> None:
    record_run(folder, run_of(folder))
    path = folder / VERIFICATION_FILE
    content = json.loads(path.read_text())
    content["runs"][0].update(change)
    path.write_text(json.dumps(content))
    with pytest.raises(ModelError, match=r"runs\[0\] is no record of a simulation; simulate the folder anew"):
        read_runs(folder)
    record_run(folder, run_of(folder))
    assert read_runs(folder) == (run_of(folder),)


def test_a_folder_that_cannot_be_written_still_simulates(folder: Path) -> None:
    (folder / VERIFICATION_FILE).mkdir()
    with pytest.warns(FpgaqRemark, match="was not recorded"):
        record_run(folder, run_of(folder))
