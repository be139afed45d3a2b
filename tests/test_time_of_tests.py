"""The limits that the conftest.py at the top sets for every run of the tests, on suites of a few lines."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.once

ROOT = Path(__file__).resolve().parents[1]
BURN = "import time\nwhile time.process_time() < {seconds}: pass\n"
SUITE = f"""
import subprocess, sys, time
import pytest

def burn(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass

def test_quick(): pass
def test_waits(): time.sleep(0.6)
def test_burns(): burn(0.6)
def test_of_a_child(): subprocess.run([sys.executable, "-c", {BURN.format(seconds=0.6)!r}], check=True)
@pytest.fixture
def costly(): burn(0.6)
def test_of_a_fixture(costly): pass
@pytest.mark.slow
def test_says_so(): burn(0.6)
def test_skipped(): pytest.skip("no reason")
def test_wrong(): assert False
"""


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    """A checkout of a suite, with one commit."""
    shutil.copy(ROOT / "conftest.py", tmp_path)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers =\n    slow: long\n")
    (tmp_path / ".gitignore").write_text("build/\n__pycache__/\n.pytest_cache/\n.hypothesis/\n")
    (tmp_path / "test_some.py").write_text(SUITE)
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "-A")
    git(tmp_path, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "-m", "first")
    return tmp_path


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True)


def run(folder: Path, *arguments: str) -> tuple[int, str, dict[str, str]]:
    """Exit code, text and the outcome of each test that the record holds."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "GIT_"))}
    command = [sys.executable, "-m", "pytest", "--results", "build/results.json", *arguments]
    result = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    record = json.loads((folder / "build" / "results.json").read_text())
    outcomes = {name.split("::")[1]: test["outcome"] for name, test in record["tests"].items()}
    return result.returncode, result.stdout + result.stderr, outcomes


@pytest.mark.parametrize("processes", ["0", "2"])
def test_a_test_that_takes_long_has_to_say_so(suite: Path, processes: str) -> None:
    code, text, outcomes = run(suite, "-n", processes, "--test-seconds", "0.3", "--slowest", "4")
    assert code == 1
    assert outcomes == {
        "test_quick": "passed",
        "test_waits": "passed",
        "test_burns": "failed",
        "test_of_a_child": "failed",
        "test_of_a_fixture": "failed",
        "test_says_so": "passed",
        "test_skipped": "skipped",
        "test_wrong": "failed",
    }
    assert text.count("0.3 s are allowed. Make it smaller, or give it the marker slow") >= 3
    slowest = text.split("the 4 tests that took the most processor time")[1]
    assert {line.split("::")[1] for line in slowest.splitlines() if " s  test_some.py::" in line} == {
        "test_burns",
        "test_of_a_child",
        "test_of_a_fixture",
        "test_says_so",
    }


def test_without_a_limit_everything_may_take_its_time(suite: Path) -> None:
    code, _, outcomes = run(suite, "--test-seconds", "0", "--deselect", "test_some.py::test_wrong")
    assert code == 0 and set(outcomes.values()) == {"passed", "skipped"}


def test_what_passed_at_a_commit_is_not_run_again(suite: Path) -> None:
    quick = ("--resume", "-k", "quick or waits or wrong or skipped")
    first = run(suite, *quick)
    again = run(suite, *quick, "-n", "2")
    assert "2 tests passed at this commit before and are left out" in again[1]
    assert again[2] == first[2] and "1 failed, 1 skipped" in again[1]


@pytest.mark.parametrize("name", ["test_some.py", "other.py", "link"])
def test_other_sources_are_tested_anew(suite: Path, name: str) -> None:
    """Sources that differ from the commit, and a file and a link that it has not; with them, too, a run is resumed."""
    run(suite, "--resume", "-k", "quick or waits")
    if name == "link":
        (suite / name).symlink_to(suite / "build")
    else:
        (suite / name).write_text((suite / "test_some.py").read_text() + "# more\n")
    for part in ("2 passed", "2 tests passed at this commit before"):
        code, text, outcomes = run(suite, "--resume", "-k", "quick or waits")
        assert code == 0 and part in text
        assert outcomes == {"test_quick": "passed", "test_waits": "passed"}


def test_without_a_commit_everything_is_run(suite: Path) -> None:
    shutil.rmtree(suite / ".git")
    for _ in range(2):
        code, text, _ = run(suite, "--resume", "-k", "quick or waits")
        assert code == 0 and "no commit is known here" in text and "2 passed" in text


def test_a_resumed_run_needs_its_record(suite: Path) -> None:
    command = [sys.executable, "-m", "pytest", "--resume"]
    result = subprocess.run(command, cwd=suite, capture_output=True, text=True, check=False)
    assert result.returncode == 4 and "--resume needs --results FILE" in result.stderr
