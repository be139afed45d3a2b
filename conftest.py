"""What every run of the tests is held to: no test takes long without saying so, and what happened is kept.

A test's seconds are the processor's: of the test, of its fixtures and of the programs that it started and waited for.
On a loaded machine the clock on the wall measures the other programs as well, and would fail a test that is quick.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import subprocess
import time
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

import pytest

TEST_SECONDS = 20.0
"""Processor seconds that a test without the marker `slow` may take."""
STARTED = pytest.StashKey[float]()
RECORD = pytest.StashKey["Record"]()
PASSED_BEFORE = pytest.StashKey[list[str]]()
OWN_MARKERS = frozenset({"mutants", "nnabla", "once", "slow"})
SECONDS, MARKERS = "processor_seconds", "markers"
"""Properties of a test in records and JUnit files."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Limits and records."""
    group = parser.getgroup("time of tests")
    group.addoption(
        "--test-seconds",
        type=float,
        default=TEST_SECONDS,
        metavar="S",
        help=f"fail a test without the marker slow above S processor seconds (default {TEST_SECONDS:g}; 0: no limit)",
    )
    group.addoption("--slowest", type=int, default=0, metavar="N", help="print the N tests that took the most")
    group.addoption("--results", metavar="FILE", help="keep outcome and seconds of each test as JSON")
    group.addoption("--resume", action="store_true", help="leave out what passed at this commit, says --results' FILE")


def processor_seconds() -> float:
    """Of this process and of the children that have ended, since it began."""
    return sum(os.times()[:4])


def sources(root: Path) -> dict[str, str]:
    """Name what is tested: the commit, and a digest of what differs from it. Empty outside a checkout."""

    def git(*arguments: str) -> bytes:
        return subprocess.run(["git", *arguments], cwd=root, capture_output=True, check=True).stdout

    try:
        if Path(os.fsdecode(git("rev-parse", "--show-toplevel").rstrip(b"\n"))) != root.resolve():
            return {"commit": "", "changes": ""}
        commit = git("rev-parse", "HEAD").decode().strip()
        changes = git("diff", "HEAD", "--binary")
        for name in git("ls-files", "--others", "--exclude-standard", "-z").split(b"\0")[:-1]:
            path = root / os.fsdecode(name)
            # A link counts by where it points, a checkout inside this one by its name.
            if path.is_symlink():
                content = os.fsencode(os.readlink(path))
            else:
                content = path.read_bytes() if path.is_file() else b""
            changes += b"\0" + name + b"\0" + hashlib.sha256(content).digest()
    except (OSError, subprocess.CalledProcessError):
        return {"commit": "", "changes": ""}
    return {"commit": commit, "changes": hashlib.sha256(changes).hexdigest() if changes else ""}


class Record:
    """Outcome and processor seconds of each test of a run, and of those of earlier runs that it continues."""

    def __init__(self, path: Path | None, about: dict[str, str]) -> None:
        self.path, self.about = path, about
        self.tests: dict[str, dict[str, Any]] = {}
        self.seconds: dict[str, float] = {}
        self.written = 0.0

    def take_over(self) -> list[str]:
        """Read what passed of the same sources on the same Python; return the names of these tests."""
        if self.path is None or not self.path.is_file() or not self.about["commit"]:
            return []
        earlier = json.loads(self.path.read_text(encoding="utf-8"))
        if any(earlier.get(key) != value for key, value in self.about.items()):
            return []
        self.tests = {
            name: {**test, "earlier": True} for name, test in earlier["tests"].items() if test["outcome"] == "passed"
        }
        return sorted(self.tests)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Of each phase: a test has failed if one has, and was skipped if one was."""
        test = self.tests.setdefault(report.nodeid, {"outcome": "passed", "seconds": 0.0, "markers": ""})
        if test["outcome"] != "failed" and not report.passed:
            test["outcome"] = report.outcome
        if report.when == "teardown":
            found = dict(report.user_properties)
            test["seconds"] = self.seconds[report.nodeid] = found[SECONDS]
            test["markers"] = found[MARKERS]
            # A run that is ended loses at most the tests of the last seconds.
            if (now := time.monotonic()) > self.written + 5:
                self.write()
                self.written = now

    def write(self) -> None:
        """Replace the file at once, so that it is whole at any time."""
        if self.path is None:
            return
        text = json.dumps({**self.about, "tests": dict(sorted(self.tests.items()))}, indent=1)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.path.with_suffix(".new")
        temporary.write_text(text + "\n", encoding="utf-8")
        temporary.replace(self.path)

    def slowest(self, count: int) -> list[str]:
        """Lines of the tests of this run that took the most, in order."""
        order = sorted(self.seconds.items(), key=lambda test: (-test[1], test[0]))
        return [f"{seconds:8.2f} s  {name}" for name, seconds in order[:count]]


def pytest_configure(config: pytest.Config) -> None:
    """Keep the record in the process that hands out the tests; what is left out is decided there, once."""
    if hasattr(config, "workerinput"):
        config.stash[PASSED_BEFORE] = config.workerinput["passed_before"]
        return
    path = Path(config.option.results) if config.option.results else None
    if config.option.resume and path is None:
        raise pytest.UsageError("--resume needs --results FILE, which says what passed before")
    about = {**(sources(config.rootpath) if path else {}), "python": platform.python_version()}
    record = config.stash[RECORD] = Record(path, about)
    config.stash[PASSED_BEFORE] = record.take_over() if config.option.resume else []
    config.pluginmanager.register(record, "record-of-tests")


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a process of pytest-xdist what is left out: all of them have to collect the same."""
    node.workerinput["passed_before"] = node.config.stash[PASSED_BEFORE]


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Say from which seed hypothesis draws, and what is left out."""
    seed = config.getoption("--hypothesis-seed", None)
    lines = [f"hypothesis seed: {'another in each run' if seed is None else seed}; every other seed is in its test"]
    record = config.stash.get(RECORD, None)
    if record is not None and config.option.resume and not record.about["commit"]:
        lines.append("no commit is known here, so nothing that passed before is left out")
    if before := config.stash[PASSED_BEFORE]:
        lines.append(f"{len(before)} tests passed at this commit before and are left out")
    return lines


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what passed before."""
    passed = set(config.stash[PASSED_BEFORE])
    if passed:
        config.hook.pytest_deselected(items=[item for item in items if item.nodeid in passed])
        items[:] = [item for item in items if item.nodeid not in passed]


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Note when a test begins, its fixtures included."""
    item.stash[STARTED] = processor_seconds()
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail a test that took too long and does not say that it is slow."""
    report = yield
    seconds = processor_seconds() - item.stash[STARTED]
    if report.when == "teardown":
        own = sorted({marker.name for marker in item.iter_markers()} & OWN_MARKERS)
        report.user_properties += [(SECONDS, round(seconds, 2)), (MARKERS, " ".join(own))]
    limit = item.config.option.test_seconds
    if report.when == "call" and report.passed and 0 < limit < seconds and item.get_closest_marker("slow") is None:
        report.outcome = "failed"
        report.longrepr = (
            f"{item.nodeid} took {seconds:.1f} s of processor time with its fixtures; {limit:g} s are allowed. "
            "Make it smaller, or give it the marker slow (it then runs in `make test-slow`)."
        )
    return report


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Keep the record; a run in which everything passed before is no failure."""
    record = session.config.stash.get(RECORD, None)
    if record is not None:
        record.write()
        if exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED and session.config.stash[PASSED_BEFORE]:
            session.exitstatus = pytest.ExitCode.OK


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the slowest tests."""
    lines: Sequence[str] = config.stash[RECORD].slowest(config.option.slowest)
    if lines:
        terminalreporter.section(f"the {len(lines)} tests that took the most processor time")
        for line in lines:
            terminalreporter.write_line(line)
