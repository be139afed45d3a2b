"""Run the whole suite in .venv, then the part that needs no nnabla on the newest Python present.

Only the standard library: this runs before anything is known to work. The last line counts everything.

Time is the processor's, of pytest and all that it starts, divided by the two processes that share the tests: what two
idle processors need. The clock on the wall is printed too, but on a loaded machine it measures other programs.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
PROCESSES = 2
MINUTES = {"make test": 25, "make test-slow": 180}
"""What each may take of two processors; conftest.py has the limit for one test."""
SLOWEST = 20
SEED = 0
"""Of hypothesis: a suite that failed fails again. `--hypothesis-seed` chooses another."""
SETUP = str(ROOT / "scripts" / "setup.sh")
DESCRIBE = """
import importlib.util, sys
print("%d.%d.%d" % sys.version_info[:3], bool(importlib.util.find_spec("nnabla")))
"""


class Counts(NamedTuple):
    """What one suite came to; `without_nnabla` counts the skips whose reason is that nnabla is not there."""

    passed: int
    failed: int
    skipped: int
    without_nnabla: int


class Suite(NamedTuple):
    """How one suite went: pytest's exit code, counts, skips by reason, processor seconds, tests marked `once`."""

    code: int
    counts: Counts
    skips: Counter[str]
    seconds: float
    once: int


def describe(python: str) -> tuple[str, bool]:
    """Return the version of a Python and whether it can import nnabla."""
    answer = subprocess.run([python, "-c", DESCRIBE], check=True, capture_output=True, text=True).stdout.split()
    return answer[0], answer[1] == "True"


def find(newest: bool = False) -> str:
    """The Python that the set-up finds by itself, $PYTHON apart."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHON"}
    command = ["sh", SETUP, "find", *(["newest"] if newest else [])]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment).stdout.strip()


def read_counts(report: Path) -> Counts:
    """Count the cases of a JUnit file."""
    passed = failed = skipped = without_nnabla = 0
    for case in ElementTree.parse(report).iter("testcase"):
        skip = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            failed += 1
        elif skip is not None and skip.get("type") != "pytest.xfail":
            skipped += 1
            reason = f"{skip.get('message', '')} {skip.text or ''}"
            without_nnabla += "nnabla" in reason and "import" in reason
        else:
            passed += 1
    return Counts(passed, failed, skipped, without_nnabla)


def read_skips(report: Path) -> Counter[str]:
    """Count the skipped cases of a JUnit file by reason."""
    skips = (case.find("skipped") for case in ElementTree.parse(report).iter("testcase"))
    return Counter(skip.get("message", "") for skip in skips if skip is not None and skip.get("type") != "pytest.xfail")


def children_seconds() -> float:
    """Processor seconds of the programs that were run, and of those that they ran."""
    times = os.times()
    return times.children_user + times.children_system


def run_suite(folder: str, markers: str, arguments: Sequence[str], resume: bool = False) -> Suite:
    """Run pytest with one environment; `resume` leaves out, and counts, what passed at this commit before."""
    report, results = (ROOT / "build" / f"{name}" for name in (f"junit{folder}.xml", f"tests{folder}.json"))
    if resume:
        results = ROOT / "build" / "tests-slow.json"
    report.parent.mkdir(exist_ok=True)
    report.unlink(missing_ok=True)
    python = str(ROOT / folder / "bin" / "python")
    command = [python, "-m", "pytest", "-n", str(PROCESSES), "--dist", "worksteal", "-m", markers]
    command += [f"--junitxml={report}", f"--results={results}", f"--slowest={SLOWEST}", f"--hypothesis-seed={SEED}"]
    command += ["--resume"] if resume else []
    # How many of all are done, at the end of each line of dots.
    command += ["-o", "console_output_style=count"]
    # Each of the two processes has a processor of its own: more threads for its matrices would wait for each other.
    environment = {"OMP_NUM_THREADS": "1", **os.environ}
    start = children_seconds()
    code = subprocess.run([*command, *arguments], cwd=ROOT, env=environment).returncode
    seconds = children_seconds() - start
    if not report.is_file() or not results.is_file():
        return Suite(code, Counts(0, 1, 0, 0), Counter(), seconds, 0)
    counts, tests = read_counts(report), json.loads(results.read_text(encoding="utf-8"))["tests"].values()
    earlier = [test for test in tests if test.get("earlier")]
    counts = counts._replace(passed=counts.passed + len(earlier))
    seconds += sum(test["seconds"] for test in earlier)
    return Suite(code, counts, read_skips(report), seconds, sum("once" in test["markers"] for test in tests))


def print_skips(suites: dict[str, Suite]) -> None:
    """Print why tests were skipped, each reason once for each suite."""
    for name, suite in suites.items():
        for reason, count in sorted(suite.skips.items(), key=lambda skip: (-skip[1], skip[0])):
            print(f"{name}: {count} skipped: {reason}")


def main(arguments: list[str]) -> int:
    """Run both suites; `--slow` runs the slow tests of the first one only. Other arguments go to pytest."""
    slow = "--slow" in arguments
    arguments = [argument for argument in arguments if argument != "--slow"]
    lines: list[str] = []
    problems: list[str] = []
    suites: dict[str, Suite] = {}
    started = time.monotonic()

    def suite(folder: str, markers: str) -> None:
        version, _ = describe(str(ROOT / folder / "bin" / "python"))
        print(f"== Python {version} ({folder}): pytest -m '{markers}'", flush=True)
        found = suites[f"Python {version}"] = run_suite(folder, markers, arguments, resume=slow)
        counts = found.counts
        lines.append(
            f"Python {version} ({markers}): {counts.passed} passed, {counts.failed} failed, {counts.skipped} skipped, "
            f"{found.seconds / 60 / PROCESSES:.1f} minutes of {PROCESSES} processors"
        )
        if found.code:
            problems.append(f"pytest on Python {version} ended with exit code {found.code}")

    version, has_nnabla = describe(str(ROOT / ".venv" / "bin" / "python"))
    speed = "slow" if slow else "not slow"
    suite(".venv", speed if has_nnabla else f"{speed} and not nnabla")
    first = suites[f"Python {version}"]
    if not has_nnabla or first.counts.without_nnabla:
        oldest = find()
        if describe(oldest)[0].startswith("3.10."):
            problems.append(f"nnabla's tests were skipped on Python {version}, though {oldest} is there")
        else:
            lines.append("No Python 3.10 here: the tests that need nnabla were not run.")
    newest = find(newest=True)
    if slow:
        pass
    elif describe(newest)[0] == version:
        lines.append(f"No Python newer than {version} here: one suite only.")
    else:
        subprocess.run(["sh", SETUP, "venv", ".venv-newest", "newest"], check=True, cwd=ROOT)
        suite(".venv-newest", f"{speed} and not nnabla and not once")
        lines.append(f"{first.once} tests that do not depend on Python's version (marker once) ran on {version} only.")

    name = "make test-slow" if slow else "make test"
    minutes = sum(found.seconds for found in suites.values()) / 60 / PROCESSES
    lines.append(
        f"{name}: {minutes:.1f} of {MINUTES[name]} minutes of {PROCESSES} processors; "
        f"{(time.monotonic() - started) / 60:.1f} minutes by the clock"
    )
    if minutes > MINUTES[name]:
        problems.append(
            f"{name} took {minutes:.1f} minutes of {PROCESSES} processors; MINUTES in scripts/run_tests.py allows "
            f"{MINUTES[name]}: make the slowest tests, printed above, smaller, or give them the marker slow or once"
        )
    print("\n== Summary")
    print_skips(suites)
    for line in [*lines, *(f"FAILED: {problem}" for problem in problems)]:
        print(line)
    totals = [found.counts for found in suites.values()]
    failed = sum(counts.failed for counts in totals) or len(problems)
    passed, skipped = (sum(getattr(counts, name) for counts in totals) for name in ("passed", "skipped"))
    print(f"{passed} passed, {failed} failed, {skipped} skipped", flush=True)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
