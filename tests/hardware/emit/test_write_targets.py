"""Whatever stands in an output file's place without being a regular file stays there, for every command."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from fpgaq.base.errors import UsageError
from fpgaq.base.output import check_file, write_file
from fpgaq.base.parallel import evaluate
from fpgaq.cli import invoke
from tests.support.onnx_models import model, node, real


def make_fifo(place: Path) -> None:
    os.mkfifo(place)


def make_link(place: Path) -> None:
    (place.parent / "goal").write_text("mine")
    place.symlink_to(place.parent / "goal")


def make_dangling_link(place: Path) -> None:
    place.symlink_to(place.parent / "nowhere")


def make_device(place: Path) -> None:
    try:
        os.mknod(place, stat.S_IFCHR | 0o666, os.makedev(1, 3))
    except PermissionError:
        pytest.skip("only the super-user makes devices")


PLANTED = {"a FIFO": make_fifo, "a symbolic link": make_link, "a device": make_device}
plants = pytest.mark.parametrize(
    ("kind", "plant"), [*PLANTED.items(), ("a symbolic link", make_dangling_link)], ids=[*PLANTED, "a dangling link"]
)


@plants
def test_refused_by_the_shared_check(tmp_path: Path, kind: str, plant: Callable[[Path], None]) -> None:
    place = tmp_path / "out"
    plant(place)
    before = os.lstat(place)
    for refuse in (lambda: check_file(place), lambda: write_file(place, b"new"), lambda: results_file(place)):
        with pytest.raises(UsageError, match=f"is {kind}"):
            refuse()
    after = os.lstat(place)
    assert (after.st_ino, after.st_mode) == (before.st_ino, before.st_mode)
    assert sorted(path.name for path in tmp_path.iterdir()) in (["out"], ["goal", "out"])


def results_file(place: Path) -> None:
    evaluate(abs, [1], cache=place)


COMMANDS = {
    "quantize": ("quantize", "{model}", "--calibration", "{data}", "-o"),
    "run": ("run", "{integer}", "--data", "{data}", "-o"),
    "cheapen": ("cheapen", "{integer}", "--calibration", "{data}", "-o"),
    "search": ("search", "{model}", "--calibration", "{data}", "--budget", "80%", "-o"),
    "search --picture": (
        *("search", "{model}", "--calibration", "{data}", "--budget", "80%"),
        *("-o", "{folder}/other.toml", "--picture"),
    ),
    "search --results": (
        *("search", "{model}", "--calibration", "{data}", "--budget", "80%", "--jobs", "1"),
        *("-o", "{folder}/other.toml", "--results"),
    ),
    "explore": ("explore", "{model}", "--calibration", "{data}", "--data", "{data}", "--jobs", "1", "-o"),
}


@pytest.mark.parametrize("kind", ["a FIFO", "a symbolic link"])
@pytest.mark.parametrize("name", COMMANDS)
def test_refused_by_every_command(name: str, kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, data, integer = tmp_path / "m.onnx", tmp_path / "x.npz", tmp_path / "m.fpgaq"
    proto = model(node("Gemm", "x w b"), {"x": (1, 4)}, constants={"w": real(4, 3), "b": real(3)})
    source.write_bytes(proto.SerializeToString())
    np.savez(data, x=np.random.default_rng(3).normal(size=(16, 4)).astype(np.float32))
    assert invoke(["quantize", str(source), "--calibration", str(data), "-o", str(integer), "--quiet"]) == 0
    (tmp_path / "place").mkdir()
    place = tmp_path / "place" / ("out.npz" if name == "run" else "out.svg")
    PLANTED[kind](place)
    before = os.lstat(place)
    words = {"model": source, "data": data, "integer": integer, "folder": tmp_path}
    code = invoke([*(part.format(**words) for part in COMMANDS[name]), str(place)])
    said = capsys.readouterr().err
    assert code == 2 and said.count("\n") == 1 and f"is {kind}" in said, said
    assert os.lstat(place).st_ino == before.st_ino and os.lstat(place).st_mode == before.st_mode
    if kind == "a symbolic link":
        assert (place.parent / "goal").read_text() == "mine"
