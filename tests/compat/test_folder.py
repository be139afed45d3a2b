"""An output folder that 0.1.0 generated is read by what reads folders, and is not overwritten.

`0.1.0/folder` is what ``fpgaq generate perceptron.fpgaq --multipliers 4`` wrote at that release, and is never renewed.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from fpgaq.cli import invoke
from tests.compat.interface import NETWORKS, RELEASE

FOLDER = RELEASE / "folder"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(FOLDER, tmp_path / "folder"))


@pytest.mark.skipif(shutil.which("iverilog") is None, reason="needs iverilog")
@pytest.mark.parametrize("options", [(), ("--frames", "2")])
def test_it_is_simulated(options: tuple[str, ...], folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["simulate", str(folder), *options, "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    predicted = json.loads((FOLDER / "manifest.json").read_text(encoding="utf-8"))["prediction"]
    assert result["mismatches"] == 0
    assert result["frames"] > 2
    assert {key: result[key] for key in ("interval_cycles", "latency_cycles")} == {
        key: predicted[key] for key in ("interval_cycles", "latency_cycles")
    }


@pytest.mark.slow
def test_it_is_synthesized(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["synth", str(folder), "--device", "ice40-hx8k", "--seeds", "0", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["lut"] > 100


def test_it_is_not_replaced_since_nothing_tells_whether_it_was_edited(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert invoke(["generate", str(folder / "network.fpgaq"), "-o", str(folder), "--quiet"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "was written by an fpgaq that kept no digests of its files" in line
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_its_network_is_the_one_that_was_given() -> None:
    assert (FOLDER / "network.fpgaq").read_bytes() == (NETWORKS / "perceptron.fpgaq").read_bytes()
