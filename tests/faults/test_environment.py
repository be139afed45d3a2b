"""The command line where the machine is odd: full disks, kills, two at once, other environments."""

from __future__ import annotations

import os
import random
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.place import make_place, state
from tests.faults.run import ROOT

pytestmark = pytest.mark.once


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return make_place(tmp_path_factory.mktemp("environment"))


def start(
    *words: object, python: tuple[str, ...] = (), before: Callable[[], None] | None = None, **environment: str | None
) -> subprocess.Popen[str]:
    """Run a command; variables that are None are unset."""
    merged = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", **environment}
    return subprocess.Popen(
        [sys.executable, *python, "-m", "fpgaq", *map(str, words), "--quiet"],
        env={name: value for name, value in merged.items() if value is not None},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=before, cwd=ROOT,
    )  # fmt: skip


def generate(folders: tuple[Path, Path], target: Path, multipliers: int = 4) -> list[object]:
    return ["generate", folders[0] / "network.fpgaq", "-o", target, "--multipliers", multipliers]


def finish(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Exit code and errors."""
    with process:
        said = process.communicate()[1]
    return process.returncode, said


def test_a_full_disk_leaves_the_previous_output(folders: tuple[Path, Path], tmp_path: Path) -> None:
    """A limit on the size of files ends a write where a full disk would."""
    target = tmp_path / "out"
    assert finish(start(*generate(folders, target))) == (0, "")
    before = state(tmp_path)

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1500, 1500))

    model, samples = folders[0] / "model.nnp", folders[0] / "calibration.npy"
    for words in (
        generate(folders, target, 8),
        ["quantize", model, "--calibration", samples, "-o", tmp_path / "new.fpgaq"],
    ):
        code, said = finish(start(*words, before=limit))
        assert code == 2 and said.count("\n") == 1 and "File too large" in said, said
        assert state(tmp_path) == before


@pytest.mark.slow
def test_the_command_killed_fifty_times(folders: tuple[Path, Path], tmp_path: Path) -> None:
    """At any moment of its run: the folder is the old or the new one, and the next build succeeds."""
    target = tmp_path / "out"
    whole = {}
    for multipliers in (4, 8):
        assert finish(start(*generate(folders, target, multipliers))) == (0, "")
        whole[multipliers] = state(target)
    began = time.monotonic()
    assert finish(start(*generate(folders, target, 8))) == (0, "")
    length, source = time.monotonic() - began, random.Random(5)
    for attempt in range(50):
        process = start(*generate(folders, target, 4 if attempt % 2 else 8))
        time.sleep(source.uniform(0.3, 1.1) * length)
        process.kill()
        finish(process)
        assert state(target) in whole.values()
    assert finish(start(*generate(folders, target, 4))) == (0, "")
    assert state(target) == whole[4] and [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.slow
def test_two_commands_at_once(folders: tuple[Path, Path], tmp_path: Path) -> None:
    whole = []
    for multipliers in (4, 8):
        assert finish(start(*generate(folders, tmp_path / "out", multipliers))) == (0, "")
        whole.append(state(tmp_path / "out"))
    both = [start(*generate(folders, tmp_path / "out", multipliers)) for multipliers in (4, 8)]
    assert [finish(process) for process in both] == [(0, "")] * 2
    assert state(tmp_path / "out") in whole and [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.slow
def test_odd_environments_give_the_same_bytes(folders: tuple[Path, Path], tmp_path: Path) -> None:
    places = {
        "plain": start(*generate(folders, tmp_path / "plain")),
        "locale": start(*generate(folders, tmp_path / "locale"), LC_ALL="C", LANG="C", PYTHONUTF8="0"),
        "home": start(*generate(folders, tmp_path / "home"), HOME=None, XDG_CACHE_HOME=None),
        "optimized": start(*generate(folders, tmp_path / "optimized"), python=("-O",)),
        "seed": start(*generate(folders, tmp_path / "seed"), PYTHONHASHSEED="12345"),
        "mask": start(*generate(folders, tmp_path / "mask"), before=lambda: os.umask(0o077) and None),
    }
    for name, process in places.items():
        assert finish(process) == (0, ""), name
    found = {name: {path: line.split()[-1] for path, line in state(tmp_path / name).items()} for name in places}
    modes = {line.split()[0][-3:] for line in state(tmp_path / "mask").values()}
    assert modes <= {"600", "700"}
    files = [
        {path: line for path, line in found[name].items() if (tmp_path / name / path).is_file()} for name in places
    ]
    assert all(one == files[0] for one in files) and len(files[0]) > 10
