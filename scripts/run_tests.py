"""Run the whole suite in .venv, then the part that needs no nnabla on the newest Python present.

Only the standard library: this runs before anything is known to work. The last line counts everything.
"""

from __future__ import annotations

import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
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


def run_suite(folder: str, markers: str, arguments: list[str]) -> tuple[int, Counts]:
    """Run pytest with one environment and return its exit code and counts."""
    report = ROOT / "build" / f"junit{folder}.xml"
    report.parent.mkdir(exist_ok=True)
    report.unlink(missing_ok=True)
    python = str(ROOT / folder / "bin" / "python")
    command = [python, "-m", "pytest", "-n", "2", "--dist", "worksteal", "-m", markers, f"--junitxml={report}"]
    # Each of the two processes has a processor of its own: more threads for its matrices would wait for each other.
    environment = {"OMP_NUM_THREADS": "1", **os.environ}
    code = subprocess.run([*command, *arguments], cwd=ROOT, env=environment).returncode
    return code, read_counts(report) if report.is_file() else Counts(0, 1, 0, 0)


def main(arguments: list[str]) -> int:
    """Run both suites; `--slow` runs the slow tests of the first one only. Other arguments go to pytest."""
    slow = "--slow" in arguments
    arguments = [argument for argument in arguments if argument != "--slow"]
    lines: list[str] = []
    problems: list[str] = []
    totals: list[Counts] = []

    def suite(folder: str, markers: str) -> None:
        version, _ = describe(str(ROOT / folder / "bin" / "python"))
        print(f"== Python {version} ({folder}): pytest -m '{markers}'", flush=True)
        code, counts = run_suite(folder, markers, arguments)
        totals.append(counts)
        lines.append(
            f"Python {version} ({markers}): {counts.passed} passed, {counts.failed} failed, {counts.skipped} skipped"
        )
        if code:
            problems.append(f"pytest on Python {version} ended with exit code {code}")

    version, has_nnabla = describe(str(ROOT / ".venv" / "bin" / "python"))
    speed = "slow" if slow else "not slow"
    suite(".venv", speed if has_nnabla else f"{speed} and not nnabla")
    if not has_nnabla or totals[0].without_nnabla:
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
        suite(".venv-newest", f"{speed} and not nnabla")

    print("\n== Summary")
    for line in [*lines, *(f"FAILED: {problem}" for problem in problems)]:
        print(line)
    failed = sum(counts.failed for counts in totals) or len(problems)
    passed, skipped = (sum(getattr(counts, name) for counts in totals) for name in ("passed", "skipped"))
    print(f"{passed} passed, {failed} failed, {skipped} skipped", flush=True)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
