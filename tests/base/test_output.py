"""Output folders are replaced whole or stay as they were."""

from __future__ import annotations

import hashlib
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

from fpgaq.base import output as write
from fpgaq.base.errors import UsageError
from fpgaq.base.output import check_folder, write_file, write_folder
from fpgaq.base.record import MARKER, PRODUCTS

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
    write_folder(target, {**FILES, "bench/run.py": "pass\n"})
    (target / "bench" / "build").mkdir()
    (target / "bench" / "build" / "simulation.log").write_text("x")
    record_products(target / "bench" / "build", "simulation.log")
    (target / "bench" / "__pycache__").mkdir()
    (target / "bench" / "__pycache__" / "run.cpython-310.pyc").write_text("x")
    write_folder(target, {"manifest.json": "second"})
    assert sorted(tree(target)) == [MARKER, "manifest.json"]
    only(tmp_path, "out")


def record_products(folder: Path, *names: str) -> None:
    lines = [f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in names]
    (folder / PRODUCTS).write_text("".join(lines))


USERS = (
    *("notes.log", "results.xml", "trace.vcd", "build/mycode.c", "synth/constraints.xdc", "bench/results_paper.txt"),
    *("hls_project/solution.tcl", "sim_build/mine", "bench/build/mine.c", "bench/__pycache__/notes.txt"),
    *("bench/__pycache__/mine.cpython-310.pyc", "rtl/.pytest_cache/x"),
)


@pytest.mark.parametrize("where", USERS)
def test_users_files_among_products_are_refused_and_can_be_kept(tmp_path: Path, where: str) -> None:
    target = tmp_path / "out"
    write_folder(target, FILES)
    for folder in ("build", "bench/build"):
        (target / folder).mkdir(exist_ok=True)
        (target / folder / "made").write_text("ours")
        record_products(target / folder, "made")
    (target / where).parent.mkdir(parents=True, exist_ok=True)
    (target / where).write_text("mine")
    before = tree(target)
    with pytest.raises(UsageError, match=r"did not write; .* bench/user/ .*--keep FILE") as caught:
        write_folder(target, FILES)
    assert repr(where) in str(caught.value)
    assert tree(target) == before
    inode = (target / where).stat().st_ino
    write_folder(target, {"manifest.json": "second"}, keep=[where])
    assert tree(target)[where] == b"mine" and (target / where).stat().st_ino == inode
    assert sorted(tree(target)) == sorted([MARKER, "manifest.json", where])
    with pytest.raises(UsageError, match="did not write"):
        check_folder(target)
    only(tmp_path, "out")


def test_the_users_folder_is_carried_over(tmp_path: Path) -> None:
    target = tmp_path / "out"
    write_folder(target, FILES)
    (target / "bench" / "user" / "deep").mkdir(parents=True)
    (target / "bench" / "user" / "deep" / "test_mine.py").write_text("mine")
    (target / "bench" / "user" / "link").symlink_to("deep", target_is_directory=True)
    os.mkfifo(target / "bench" / "user" / "pipe")
    for _ in range(2):
        write_folder(target, FILES)
        assert tree(target)["bench/user/deep/test_mine.py"] == b"mine"
        assert os.readlink(target / "bench" / "user" / "link") == "deep"
        assert (target / "bench" / "user" / "pipe").is_fifo()


def test_kept_files_are_copied_where_there_are_no_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        raise OSError(1, "Operation not permitted")

    target = tmp_path / "out"
    write_folder(target, FILES)
    (target / "notes.log").write_text("mine")
    os.utime(target / "notes.log", (1000, 1000))
    monkeypatch.setattr(os, "link", refuse)
    write_folder(target, FILES, keep=["notes.log"])
    assert (target / "notes.log").read_text() == "mine" and (target / "notes.log").stat().st_mtime == 1000


def test_an_edited_file_is_the_users(tmp_path: Path) -> None:
    target = tmp_path / "out"
    write_folder(target, FILES)
    (target / "rtl" / "top.v").write_text("module top; mine\n")
    before = tree(target)
    with pytest.raises(UsageError, match=r"'rtl/top.v', which was changed after fpgaq wrote it"):
        write_folder(target, FILES)
    assert tree(target) == before
    write_folder(target, {**FILES, "rtl/new.v": "new"}, keep=["rtl/top.v"])
    assert (target / "rtl" / "top.v").read_text() == "module top; mine\n"
    assert (target / "rtl" / "new.v").read_text() == "new"
    with pytest.raises(UsageError, match="top.v"):
        write_folder(target, FILES)


def test_an_edited_product_is_the_users(tmp_path: Path) -> None:
    target = tmp_path / "out"
    write_folder(target, FILES)
    (target / "build").mkdir()
    (target / "build" / "bench").write_text("ours")
    record_products(target / "build", "bench")
    (target / "build" / "bench").write_text("mine")
    with pytest.raises(UsageError, match="'build/bench'"):
        write_folder(target, FILES)


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "", ".", "a/../b", MARKER])
def test_only_what_is_in_the_folder_can_be_kept(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="--keep .*inside the output folder"):
        write_folder(tmp_path / "out", FILES, keep=[name])
    only(tmp_path)


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


@pytest.mark.parametrize(
    "forged", ["anything\nkeep.txt\n", None, "{title}\nkeep.txt\n", f"{{title}}\n{'0' * 64}  keep.txt\n"]
)
def test_a_forged_marker_does_not_make_a_folder_ours(tmp_path: Path, forged: str | None) -> None:
    write_folder(tmp_path / "other", FILES)
    copied = (tmp_path / "other" / MARKER).read_text()
    target = tmp_path / "out"
    target.mkdir()
    (target / MARKER).write_text(copied if forged is None else forged.format(title=copied.splitlines()[0]))
    (target / "keep.txt").write_text("mine")
    with pytest.raises(UsageError, match="did not write|was changed"):
        write_folder(target, FILES)
    assert (target / "keep.txt").read_text() == "mine"


def test_a_folder_of_an_earlier_version_is_not_replaced(tmp_path: Path) -> None:
    """Its list has no digests, so that a user's changes in it cannot be found."""
    target = tmp_path / "out"
    target.mkdir()
    (target / MARKER).write_text("# written by fpgaq; the next build replaces these files\nmanifest.json\n")
    (target / "manifest.json").write_text("{}")
    with pytest.raises(UsageError, match="kept no digests of its files; move it away"):
        write_folder(target, FILES)
    assert (target / "manifest.json").read_text() == "{}"


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
from fpgaq.base.output import write_folder
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
