"""Output folders are replaced whole or stay as they were."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fpgaq.emit import write
from fpgaq.emit.write import MARKER, check_folder, write_file, write_folder
from fpgaq.errors import UsageError

FILES = {"manifest.json": "{}\n", "rtl/top.v": "module top; endmodule\n", "bench/data.bin": b"\x00\xff"}


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def only(folder: Path, *names: str) -> None:
    assert sorted(path.name for path in folder.iterdir()) == sorted(names)


def test_writes_exactly_the_files(tmp_path: Path) -> None:
    target = tmp_path / "new" / "deeper" / "out"
    write_folder(target, FILES)
    written = tree(target)
    assert sorted(written) == sorted([*FILES, MARKER])
    assert written["rtl/top.v"] == b"module top; endmodule\n"
    assert written["bench/data.bin"] == b"\x00\xff"
    only(target.parent, "out")


def test_replaces_its_own_folder_and_what_runs_left_there(tmp_path: Path) -> None:
    target = tmp_path / "out"
    write_folder(target, FILES)
    (target / "bench" / "sim_build").mkdir()
    (target / "bench" / "sim_build" / "sim.vvp").write_text("x")
    (target / "bench" / "__pycache__").mkdir()
    (target / "bench" / "__pycache__" / "test.pyc").write_text("x")
    write_folder(target, {"manifest.json": "second"})
    assert sorted(tree(target)) == [MARKER, "manifest.json"]
    only(tmp_path, "out")


def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    target = tmp_path / "out"
    target.mkdir()
    write_folder(target, FILES)
    assert "manifest.json" in tree(target)


@pytest.mark.parametrize("where", ["notes.txt", "rtl/extra.v", "deep/er/file"])
@pytest.mark.parametrize("ours", [True, False])
def test_files_of_others_are_never_replaced(tmp_path: Path, where: str, ours: bool) -> None:
    target = tmp_path / "out"
    if ours:
        write_folder(target, FILES)
    (target / where).parent.mkdir(parents=True, exist_ok=True)
    (target / where).write_text("mine")
    before = tree(target)
    for refuse in (lambda: write_folder(target, FILES), lambda: check_folder(target)):
        with pytest.raises(UsageError, match="fpgaq did not write"):
            refuse()
    assert tree(target) == before
    only(tmp_path, "out")


def test_a_forged_marker_does_not_make_a_folder_ours(tmp_path: Path) -> None:
    target = tmp_path / "out"
    target.mkdir()
    (target / MARKER).write_text("anything\nkeep.txt\n")
    (target / "keep.txt").write_text("mine")
    with pytest.raises(UsageError, match="did not write"):
        write_folder(target, FILES)
    assert (target / "keep.txt").read_text() == "mine"


def test_a_file_and_a_link_are_refused(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.write_text("mine")
    with pytest.raises(UsageError, match="is a file"):
        write_folder(plain, FILES)
    with pytest.raises(UsageError, match="cannot be written"):
        write_folder(plain / "below", FILES)
    with pytest.raises(UsageError, match="no folder that can be written"):
        check_folder(plain / "below")
    folder = tmp_path / "folder"
    folder.mkdir()
    for goal in (folder, tmp_path / "nowhere"):
        link = tmp_path / f"link_{goal.name}"
        link.symlink_to(goal)
        with pytest.raises(UsageError, match="symbolic link"):
            write_folder(link, FILES)
        link.unlink()
    assert plain.read_text() == "mine"
    only(tmp_path, "plain", "folder")
    assert not list(folder.iterdir())


def test_a_link_inside_is_foreign(tmp_path: Path) -> None:
    target = tmp_path / "out"
    write_folder(target, FILES)
    (target / "linked").symlink_to(tmp_path, target_is_directory=True)
    with pytest.raises(UsageError, match="linked"):
        write_folder(target, FILES)


def test_the_current_folder_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    for name in (".", "..", str(tmp_path)):
        with pytest.raises(UsageError, match="current folder"):
            write_folder(name, FILES)


@pytest.mark.parametrize("name", ["a b", "it's", "new\nline", "-dash", "é" * 120, '"quoted"', "$(touch owned)"])
def test_odd_names(tmp_path: Path, name: str) -> None:
    for _ in range(2):
        write_folder(tmp_path / name, FILES)
    only(tmp_path, name)


@pytest.mark.parametrize("name", ["../up", "/absolute", "a/../b", MARKER, "a//b"])
def test_paths_that_leave_the_folder_are_a_fault_of_ours(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="no relative path"):
        write_folder(tmp_path / "out", {name: "x"})
    only(tmp_path)


@contextmanager
def ordinary_user() -> Iterator[Path]:
    """A folder of an ordinary user, acting as one: the super-user may write anywhere."""
    folder = Path(tempfile.mkdtemp())
    user = os.geteuid()
    try:
        if user == 0:
            os.chown(folder, 65534, 65534)
            os.seteuid(65534)
        yield folder
    finally:
        os.seteuid(user)
        for place in folder.rglob("*"):
            if place.is_dir():
                place.chmod(0o755)
        folder.chmod(0o755)
        shutil.rmtree(folder)


def test_read_only_places(tmp_path: Path) -> None:
    with ordinary_user() as folder:
        target = folder / "out"
        write_folder(target, FILES)
        before = tree(target)
        target.chmod(0o555)
        with pytest.raises(UsageError, match="read-only"):
            write_folder(target, {"manifest.json": "other"})
        target.chmod(0o755)
        folder.chmod(0o555)
        for attempt in (target, folder / "a" / "b"):
            with pytest.raises(UsageError, match="Permission denied"):
                write_folder(attempt, {"manifest.json": "other"})
        with pytest.raises(UsageError, match="can be written"):
            check_folder(folder / "a" / "b")
        assert tree(target) == before
        only(folder, "out")


def test_a_full_target_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "parent" / "out"
    real = Path.write_bytes

    def full(path: Path, content: bytes) -> int:
        if path.name == "top.v":
            raise OSError(28, "No space left on device")
        return real(path, content)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(UsageError, match="No space left") as caught:
        write_folder(target, FILES)
    assert "\n" not in str(caught.value)
    only(tmp_path)


def test_umask_is_respected(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        write_folder(tmp_path / "out", FILES)
    finally:
        os.umask(before)
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "out" / "manifest.json").stat().st_mode & 0o777 == 0o600


def test_without_the_exchange_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write, "_exchange", lambda first, second: False)
    target = tmp_path / "out"
    write_folder(target, FILES)
    write_folder(target, {"manifest.json": "second"})
    assert (target / "manifest.json").read_text() == "second"
    only(tmp_path, "out")
    # A process that died between the two renames.
    target.rename(tmp_path / f"{write._prefix(target)}old")
    with pytest.raises(UsageError, match="did not write"):
        (tmp_path / f"{write._prefix(target)}old" / "mine").write_text("x")
        write_folder(target, FILES)
    assert (target / "manifest.json").read_text() == "second", "the old output was taken back first"


def test_write_file(tmp_path: Path) -> None:
    target = tmp_path / "y.npz"
    write_file(target, b"one")
    write_file(target, "two")
    assert target.read_text() == "two"
    with pytest.raises(UsageError, match="folder"):
        write_file(tmp_path, b"x")
    with pytest.raises(UsageError, match="can be written"):
        write_file(tmp_path / "missing" / "y.npz", b"x")
    with pytest.raises(UsageError, match="cannot be written"):
        write_file(tmp_path / ("n" * 300), b"x")
    only(tmp_path, "y.npz")


WRITER = """
import sys
from fpgaq.emit.write import write_folder
name, start, step = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
version = start
while True:
    print(version, flush=True)
    write_folder(name, {f"part{i}/file{i}": f"{version}" * 2000 for i in range(30)} | {"version": str(version)})
    version += step
"""


def assert_one_version(target: Path) -> int:
    version = (target / "version").read_text()
    files = tree(target)
    assert len(files) == 32
    assert {content for name, content in files.items() if name.startswith("part")} == {(version * 2000).encode()}
    return int(version)


def start_writer(target: Path, start: int, step: int = 1) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER, str(target), str(start), str(step)]
    root = Path(write.__file__).parents[2]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root)


def test_killed_fifty_times(tmp_path: Path) -> None:
    seed = 20261123
    print("seed", seed)
    source = random.Random(seed)
    target = tmp_path / "out"
    for attempt in range(50):
        with start_writer(target, attempt * 1000) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(source.uniform(0, 0.03))
            process.send_signal(signal.SIGKILL)
        if target.exists():
            assert_one_version(target)
    write_folder(target, FILES)
    assert sorted(tree(target)) == sorted([*FILES, MARKER])
    only(tmp_path, "out")


def test_two_builds_at_once_do_not_mix(tmp_path: Path) -> None:
    target = tmp_path / "out"
    with start_writer(target, 1, 2) as first, start_writer(target, 2, 2) as second:
        assert first.stdout is not None and second.stdout is not None
        # Ends writers that wait for each other: their last line is then empty.
        watch = threading.Timer(300, lambda: (first.kill(), second.kill()))
        watch.start()
        # Versions and not seconds are waited for, so that a loaded machine only takes longer. The second writer has to
        # go on while the first one's are counted, and the first one while the second's are.
        lines = [[process.stdout.readline() for _ in range(10)] for process in (first, second, first)]
        watch.cancel()
        ended = first.poll(), second.poll()
        first.kill()
        second.kill()
    assert ended == (None, None)
    assert all(line for part in lines for line in part), lines
    assert {int(line) % 2 for line in lines[0] + lines[2]} == {1} and {int(line) % 2 for line in lines[1]} == {0}
    assert_one_version(target)
