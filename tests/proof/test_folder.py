"""A folder that somebody changed is refused before anything in it runs."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from small_network import write_output

from fpgaq.base.errors import FpgaqError, ModelError, VerificationError
from fpgaq.cli import invoke
from fpgaq.proof import cocotb_bench
from fpgaq.proof import simulate as simulation
from fpgaq.proof.folder import read_bench, read_interface, read_manifest


class StartedError(Exception):
    """Something of the folder would have run."""


@pytest.fixture
def output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    def start(*arguments: object, **options: object) -> None:
        raise StartedError

    monkeypatch.setattr(cocotb_bench, "run_tool", start)
    monkeypatch.setattr(simulation, "run_harness", start)
    monkeypatch.setattr(cocotb_bench, "require", lambda *tools: None)
    return write_output(tmp_path / "out")


BOUND = (
    *("rtl/fpgaq_top.v", "rtl/weights.hex", "network.fpgaq", "interface.json", "bench/run.py", "bench/compare.py"),
    *("bench/bench.json", "bench/vectors/000.npy", "bench/fpgaq_bench.v", "bench/fpgaq_bench_sink.v", "bench/Makefile"),
)


@pytest.mark.parametrize("simulator", ["icarus", "verilator"])
@pytest.mark.parametrize("name", BOUND)
def test_a_changed_file_is_named(output: Path, name: str, simulator: str) -> None:
    with pytest.raises(StartedError):
        simulation.simulate(output, simulator=simulator)
    content = bytearray((output / name).read_bytes())
    content[-2] ^= 1
    (output / name).write_bytes(content)
    with pytest.raises(VerificationError, match="was changed: its SHA-256 is .*generate the folder anew") as caught:
        simulation.simulate(output, simulator=simulator)
    assert str(output / name) in str(caught.value) and "\n" not in str(caught.value)


def test_the_command_says_so_in_a_line(output: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (output / "bench" / "run.py").write_text("raise SystemExit\n")
    assert invoke(["simulate", str(output)]) == 7
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "bench/run.py: was changed" in said


def test_a_source_without_a_digest_is_refused(output: Path) -> None:
    manifest = json.loads((output / "manifest.json").read_text())
    del manifest["digests"]["rtl/fpgaq_top.v"]
    (output / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(VerificationError, match="has no digest of 'rtl/fpgaq_top.v'"):
        simulation.simulate(output)


def test_what_has_no_digest_is_not_run(output: Path, tmp_path: Path) -> None:
    """A module of the name of one that the bench imports would run in its place."""
    (output / "bench" / "numpy.py").write_text("raise SystemExit(9)\n")
    (output / "bench" / "user").mkdir()
    (output / "bench" / "user" / "mine.py").write_text("")
    copy = tmp_path / "copy"
    copy.mkdir()
    cocotb_bench._copy_output(output, read_manifest(output), copy)
    copied = {path.relative_to(copy).as_posix() for path in copy.rglob("*") if path.is_file()}
    assert copied == {"manifest.json", *json.loads((output / "manifest.json").read_text())["digests"]}


@pytest.fixture
def old(output: Path) -> Path:
    """A folder as 0.1.0 wrote it: digests of memory files and of the network only."""
    from fpgaq.integer.file import digest, load

    manifest = json.loads((output / "manifest.json").read_text())
    del manifest["digests"]
    manifest["digest"] = digest(load(output / "network.fpgaq"))
    (output / "manifest.json").write_text(json.dumps(manifest))
    return output


def test_a_folder_of_the_first_version_is_simulated(old: Path) -> None:
    with pytest.raises(StartedError):
        simulation.simulate(old)
    (old / "rtl" / "weights.hex").write_text("00\n03\n")
    with pytest.raises(VerificationError, match=r"weights.hex: was changed"):
        simulation.simulate(old)
    manifest = json.loads((old / "manifest.json").read_text())
    manifest["memory_digests"]["rtl/weights.hex"] = hashlib.sha256(b"00\n03\n").hexdigest()
    manifest["digest"] = "0" * 64
    (old / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(VerificationError, match=r"network.fpgaq: is not the network"):
        simulation.simulate(old)


WRONG: tuple[Any, ...] = (None, True, -1, 1.5, "text", [None], {}, 10**30)
READERS = {"manifest.json": read_manifest, "interface.json": read_interface, "bench/bench.json": read_bench}


def damaged(value: Any) -> Iterator[Any]:
    """The value with each of its parts missing, and of each wrong type."""
    yield from WRONG
    if isinstance(value, dict):
        for key, part in value.items():
            yield {name: other for name, other in value.items() if name != key}
            for wrong in damaged(part):
                yield {**value, key: wrong}
    elif isinstance(value, list) and value:
        for wrong in damaged(value[0]):
            yield [wrong, *value[1:]]


@pytest.mark.parametrize("name", READERS)
def test_wrong_types_are_refused_or_do_no_harm(old: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(old)
    path = old / name
    original = json.loads(path.read_text())
    refused = 0
    for content in damaged(original):
        path.write_text(json.dumps(content))
        try:
            simulation.simulate(old, frames=1 if name == "bench/bench.json" else None)
        except FpgaqError as error:
            assert error.exit_code in (2, 3, 7) and "\n" not in str(error)
            refused += 1
        except StartedError:
            pass
        try:
            READERS[name](old)
        except ModelError as error:
            assert "\n" not in str(error)
    assert name != "manifest.json" or refused > 50


@pytest.mark.parametrize("name", READERS)
def test_no_fifo_makes_a_reader_wait(old: Path, name: str) -> None:
    (old / name).unlink()
    os.mkfifo(old / name)
    with pytest.raises(ModelError, match=r"is a FIFO|missing"):
        READERS[name](old)
    shutil.rmtree(old)
