"""The set-up script, on machines that are planted: folders of programs in place of PATH."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[1]
SCRIPT = ROOT / "scripts" / "setup.sh"
ORDINARY = ("cat", "cksum", "cut", "date", "dirname", "env", "grep", "mkdir", "printf", "rm", "sh", "sort", "tr")


class Machine:
    """A machine with the ordinary programs and those that a test plants."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.programs = folder / "bin"
        self.programs.mkdir()
        self.log = folder / "log"
        for name in ORDINARY:
            found = shutil.which(name)
            if found:
                (self.programs / name).symlink_to(found)
        self.plant("id", "echo 1000")

    def plant(self, name: str, script: str, folder: Path | None = None) -> Path:
        place = (folder or self.programs) / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.unlink(missing_ok=True)
        place.write_text(f"#!/bin/sh\n{script}\n")
        place.chmod(0o755)
        return place

    def python(self, name: str, version: str, folder: Path | None = None, missing: str = "") -> Path:
        """A Python of a version, which misses the packages that `missing` names."""
        script = f"""case "$2" in
'import sys; print("%d.%d"'*) echo {version} ;;
'import ensurepip, venv') {"exit 1" if "venv" in missing else "exit 0"} ;;
*ctypes*) {f"echo libpython{version}" if "libpython" in missing else ":"} ;;
*-venv*) echo python{version}-venv ;;
*) exit 9 ;;
esac"""
        return self.plant(name, script, folder)

    def record(self, name: str) -> None:
        self.plant(name, f'echo "{name} $*" >>"{self.log}"\n[ "{name}" != sudo ] || exec "$@"')

    def tools(self) -> None:
        for name in ("iverilog", "vvp", "make", "g++", "perl"):
            self.plant(name, "exit 0")

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        variables = {"PATH": str(self.programs), "HOME": str(self.folder / "home"), **environment}
        shell = shutil.which("sh")
        assert shell
        return subprocess.run(
            [shell, str(SCRIPT), *arguments], env=variables, capture_output=True, text=True, check=False
        )

    def logged(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_the_named_python_comes_first(machine: Machine) -> None:
    machine.python("python3.10", "3.10")
    named = machine.python("mine", "3.12", machine.folder / "else where")
    assert machine.run("find", PYTHON=str(named)).stdout.strip() == str(named)
    # The suite on the newest Python is not steered by the choice for the first one.
    assert machine.run("find", "newest", PYTHON=str(named)).stdout.strip().endswith("python3.10")


@pytest.mark.parametrize("bad", ["/nowhere/python", "false", "old"])
def test_a_named_python_that_will_not_do_is_an_error(machine: Machine, bad: str) -> None:
    machine.python("python3.10", "3.10")
    machine.python("old", "3.9")
    result = machine.run("find", PYTHON=bad)
    assert (result.returncode, result.stdout) == (6, "")
    assert f"PYTHON={bad} does not run or is not 3.10 to 3.14" in result.stderr and result.stderr.count("\n") == 1


def test_the_newest_python_is_one_that_the_suite_has_run_on(machine: Machine) -> None:
    newest = machine.python("python3.14", "3.14")
    assert machine.run("find").stdout.strip() == machine.run("find", "newest").stdout.strip() == str(newest)
    expected = machine.python("python3.12", "3.12")
    assert machine.run("find", "newest").stdout.strip() == str(expected)


def test_a_shim_that_does_not_run_is_no_candidate(machine: Machine) -> None:
    machine.plant("python3.10", "echo 'pyenv: python3.10: command not found' >&2; exit 127")
    machine.plant("python3", "exit 127")
    versions = machine.folder / "home" / ".pyenv" / "versions"
    machine.python("python", "3.10", versions / "3.10.9" / "bin")
    newest = machine.python("python", "3.10", versions / "3.10.13" / "bin")
    machine.python("python", "3.12", versions / "3.12.1" / "bin")
    assert machine.run("find").stdout.strip() == str(newest)
    assert machine.run("find", "newest").stdout.strip() == str(versions / "3.12.1" / "bin" / "python")


def test_pyenv_elsewhere_and_a_broken_patch(machine: Machine) -> None:
    versions = machine.folder / "py env" / "versions"
    good = machine.python("python", "3.10", versions / "3.10.4" / "bin")
    machine.plant("python", "exit 1", versions / "3.10.11" / "bin")
    assert machine.run("find", PYENV_ROOT=str(machine.folder / "py env")).stdout.strip() == str(good)


def test_newer_pythons_serve_where_there_is_no_310(machine: Machine) -> None:
    machine.python("python3.13", "3.13")
    expected = machine.python("python3.11", "3.11")
    assert machine.run("find").stdout.strip() == str(expected)
    assert machine.run("find", "newest").stdout.strip().endswith("python3.13")


@pytest.mark.parametrize("version", ["3.9", "3.15", "2.7"])
def test_no_python_is_one_clear_error(machine: Machine, version: str) -> None:
    machine.python("python3", version)
    result = machine.run("find")
    assert (result.returncode, result.stdout) == (6, "")
    assert "no Python 3.10 to 3.14 found" in result.stderr and result.stderr.count("\n") == 1


def test_nothing_is_run_where_nothing_is_missing(machine: Machine) -> None:
    machine.tools()
    machine.record("apt-get")
    machine.record("sudo")
    python = machine.python("python3.10", "3.10")
    result = machine.run("tools", str(python))
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert machine.logged() == []


def test_missing_tools_are_installed_and_the_command_is_shown_first(machine: Machine) -> None:
    machine.plant("make", "exit 0")
    machine.plant("perl", "exit 0")
    machine.record("apt-get")
    machine.record("sudo")
    python = machine.python("python3.11", "3.11", missing="venv")
    result = machine.run("tools", str(python))
    assert result.returncode == 0, result.stderr
    install = "apt-get install -q -y --no-install-recommends iverilog g++ python3.11-venv"
    assert f"sudo {install}" in result.stderr
    assert [line for line in machine.logged() if line.startswith("apt-get")] == ["apt-get update -q", install]
    assert machine.logged()[0].startswith("sudo env ")


def test_the_super_user_needs_no_sudo(machine: Machine) -> None:
    machine.plant("id", "echo 0")
    machine.record("apt-get")
    machine.record("sudo")
    result = machine.run("tools", str(machine.python("python3.10", "3.10")))
    assert result.returncode == 0
    assert [line.split()[0] for line in machine.logged()] == ["apt-get", "apt-get"]
    assert "sudo" not in result.stderr


def test_without_sudo_or_apt_there_is_an_instruction(machine: Machine) -> None:
    python = machine.python("python3.10", "3.10")
    result = machine.run("tools", str(python))
    assert result.returncode == 6 and "brew install icarus-verilog" in result.stderr
    machine.record("apt-get")
    result = machine.run("tools", str(python))
    assert result.returncode == 6 and "apt-get install -y iverilog" in result.stderr
    assert machine.logged() == []


def test_a_failing_install_stops(machine: Machine) -> None:
    machine.plant("id", "echo 0")
    machine.plant("apt-get", "exit 100")
    result = machine.run("tools", str(machine.python("python3.10", "3.10")))
    assert result.returncode == 6 and "that command failed" in result.stderr


def test_a_python_without_shared_library_is_refused_with_the_remedy(machine: Machine) -> None:
    machine.tools()
    machine.record("apt-get")
    python = machine.python("python3.10", "3.10", missing="libpython")
    result = machine.run("tools", str(python))
    assert result.returncode == 6 and "--enable-shared" in result.stderr
    assert machine.logged() == []


@pytest.fixture
def pip(machine: Machine, tmp_path: Path) -> Path:
    """A Python whose environments have a pip that logs its arguments; `says` in its folder is what it fails with."""
    machine.tools()
    log, says, python = machine.log, tmp_path / "says", machine.folder / "made"
    machine.plant(
        "python",
        f"""case "$1 $2" in
"-c "*version_info*) echo 3.10.1 ;;
"-m pip") shift 2; echo "pip $*" >>"{log}"
    while [ "$1" != --log ]; do shift; done
    [ ! -f "{says}" ] || {{ cat "{says}" >"$2"; exit 1; }} ;;
esac""",
        python,
    )
    machine.plant(
        "python3.10",
        f"""case "$1 $2" in
'-c import sys; print("%d.%d"'*) echo 3.10 ;;
"-m venv") mkdir -p "$4/bin"; cat "{python}/python" >"$4/bin/python"; chmod +x "$4/bin/python" ;;
"--version "*) echo Python 3.10.1 ;;
"-c import sys; print(sys.version_info"*) echo 3.10.1 ;;
esac""",
    )
    (machine.programs / "chmod").symlink_to(shutil.which("chmod") or "")
    return says


def test_a_target_installs_what_it_needs_and_says_so_before(machine: Machine, pip: Path) -> None:
    place = str(machine.folder / "environment")
    result = machine.run("venv", place, "core")
    assert result.returncode == 0, result.stderr
    assert "MB to fetch" in result.stderr.splitlines()[0] and result.stderr.splitlines()[-1].startswith(
        "setup: done in "
    )
    assert machine.logged()[-1].endswith(f"-e {ROOT}")
    assert machine.run("venv", place, "core").stderr == "", "a second time nothing is done"
    assert machine.run("venv", place).returncode == 0 and machine.logged()[-1].endswith(f"-e {ROOT}[dev]")
    count = len(machine.logged())
    for arguments in ((), ("core",), ("newest", "core")):
        assert machine.run("venv", place, *arguments).stderr == "", "all extras will do for the core too"
    assert len(machine.logged()) == count == 4


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("Failed to establish a new connection: [Errno -3] Temporary failure in name resolution", "PIP_INDEX_URL"),
        ("ERROR: Could not find a version that satisfies x (from versions: none)", "HTTPS_PROXY"),
        ("ERROR: No space left on device", "could not install the packages"),
    ],
)
def test_a_failure_says_what_to_do_and_the_next_run_goes_on(machine: Machine, pip: Path, said: str, words: str) -> None:
    place = machine.folder / "environment"
    pip.write_text(f"{said}\n")
    result = machine.run("venv", str(place), "core")
    assert result.returncode == 6 and words in result.stderr and str(place / "setup.log") in result.stderr
    pip.unlink()
    assert machine.run("venv", str(place), "core").returncode == 0


def test_this_python_is_found_usable() -> None:
    result = subprocess.run(["sh", str(SCRIPT), "find"], capture_output=True, text=True, check=True)
    version = subprocess.run([result.stdout.strip(), "--version"], capture_output=True, text=True, check=True).stdout
    assert re.match(r"Python 3\.1[0-3]\.", version)


def test_constraints_pin_everything_for_every_python() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    for pin in pins:
        assert re.fullmatch(r'[A-Za-z0-9_.-]+==[0-9][0-9a-z.]*(; python_version [<>=]+ "3\.1[0-3]")?', pin), pin
    versions = ("3.10", "3.11", "3.12", "3.13")
    for version in versions:
        chosen = [pin.split("==")[0] for pin in pins if holds(pin, version)]
        assert len(chosen) == len(set(chosen)) and "numpy" in chosen
        assert ("nnabla" in chosen) == (version == "3.10")


def holds(pin: str, version: str) -> bool:
    marker = re.search(r'python_version ([<>=]+) "3\.(\d+)"', pin)
    if marker is None:
        return True
    minor, limit = int(version.split(".")[1]), int(marker.group(2))
    return {"<": minor < limit, "==": minor == limit, ">=": minor >= limit}[marker.group(1)]


def test_help_names_every_target() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = makefile.replace("\\\n", " ").split(".PHONY: ")[1].splitlines()[0].split()
    listed = re.findall(r"@echo 'make ([a-z-]+)|; make ([a-z-]+) ", makefile)
    assert sorted(first or second for first, second in listed) == sorted(set(targets) - {"help", "distclean"})
    assert all(re.search(rf"^{target}:.*\n\t\S", makefile, flags=re.MULTILINE) for target in targets)


@pytest.fixture(scope="module")
def runner() -> ModuleType:
    spec = importlib.util.spec_from_file_location("run_tests", ROOT / "scripts" / "run_tests.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_skips_for_want_of_nnabla_are_counted(runner: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "test_some.py").write_text(
        "import pytest\n"
        "def test_fine(): pass\n"
        "def test_wrong(): assert False\n"
        "def test_elsewhere(): pytest.skip('no shared models')\n"
        "def test_parity(): pytest.importorskip('nnabla_is_not_here')\n"
    )
    report = tmp_path / "report.xml"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}", str(tmp_path)]
    environment = {**os.environ, "PYTEST_ADDOPTS": ""}
    subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, check=False)
    assert runner.read_counts(report) == (1, 1, 2, 1)
    assert sorted(runner.read_skips(report).items()) == [
        ("could not import 'nnabla_is_not_here': No module named 'nnabla_is_not_here'", 1),
        ("no shared models", 1),
    ]


def suites(
    runner: ModuleType, monkeypatch: pytest.MonkeyPatch, found: list[object], *versions: str
) -> list[tuple[str, str, bool]]:
    """Plant what each suite comes to; returns what `main` asks for: folder, markers, resumed or not."""
    asked: list[tuple[str, str, bool]] = []
    answers = iter(found)

    def run_suite(folder: str, markers: str, arguments: list[str], resume: bool = False) -> object:
        asked.append((folder, markers, resume))
        return next(answers)

    monkeypatch.setattr(runner, "find", lambda newest=False: "newest" if newest else "oldest")
    monkeypatch.setattr(
        runner, "describe", lambda python: (versions["newest" in python and -1], "newest" not in python)
    )
    monkeypatch.setattr(runner.subprocess, "run", lambda *_arguments, **_options: None)
    monkeypatch.setattr(runner, "run_suite", run_suite)
    return asked


def test_the_summary_fails_if_nnabla_was_skipped(
    runner: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    one = runner.Suite(0, runner.Counts(10, 0, 1, 1), Counter({"no nnabla": 1}), 60.0, 2)
    suites(runner, monkeypatch, [one], "3.10.13")
    assert runner.main([]) == 1
    assert "nnabla's tests were skipped" in capsys.readouterr().out
    suites(runner, monkeypatch, [one._replace(counts=runner.Counts(10, 0, 1, 0))], "3.10.13")
    assert runner.main([]) == 0
    out = capsys.readouterr().out.splitlines()
    assert out[-1] == "10 passed, 0 failed, 1 skipped" and "Python 3.10.13: 1 skipped: no nnabla" in out
    suites(runner, monkeypatch, [runner.Suite(5, runner.Counts(0, 0, 0, 0), Counter(), 0.0, 0)], "3.10.13")
    assert runner.main([]) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "0 passed, 1 failed, 0 skipped"


@pytest.mark.parametrize(("arguments", "name", "limit"), [([], "make test", 25), (["--slow"], "make test-slow", 180)])
def test_too_many_minutes_are_a_failure(
    arguments: list[str],
    name: str,
    limit: int,
    runner: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    fine = runner.Suite(0, runner.Counts(10, 0, 0, 0), Counter(), limit * 60.0 * 2, 0)
    suites(runner, monkeypatch, [fine], "3.10.13")
    assert runner.main(arguments) == 0
    assert f"{name}: {limit}.0 of {limit} minutes of 2 processors" in capsys.readouterr().out
    suites(runner, monkeypatch, [fine._replace(seconds=limit * 60.0 * 2 + 12)], "3.10.13")
    assert runner.main(arguments) == 1
    out = capsys.readouterr().out
    assert (
        f"FAILED: {name} took {limit}.1 minutes of 2 processors; MINUTES in scripts/run_tests.py allows {limit}" in out
    )
    assert out.splitlines()[-1] == "10 passed, 1 failed, 0 skipped"


def test_the_newest_python_leaves_out_what_the_first_has_run_for_both(
    runner: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = [
        runner.Suite(0, runner.Counts(10, 0, 1, 0), Counter({"a": 1}), 60.0, 4),
        runner.Suite(0, runner.Counts(5, 0, 2, 0), Counter({"b": 2}), 60.0, 0),
    ]
    asked = suites(runner, monkeypatch, found, "3.10.13", "3.13.0")
    assert runner.main([]) == 0
    assert asked == [(".venv", "not slow", False), (".venv-newest", "not slow and not nnabla and not once", False)]
    out = capsys.readouterr().out
    assert "4 tests that do not depend on Python's version (marker once) ran on 3.10.13 only." in out
    assert "Python 3.10.13: 1 skipped: a\nPython 3.13.0: 2 skipped: b\n" in out
    assert out.splitlines()[-1] == "15 passed, 0 failed, 3 skipped"
    asked = suites(runner, monkeypatch, found[:1], "3.10.13", "3.13.0")
    assert runner.main(["--slow"]) == 0 and asked == [(".venv", "slow", True)]


@pytest.mark.slow
@pytest.mark.once
def test_a_suite_counts_what_passed_before(runner: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    shutil.copy(ROOT / "conftest.py", tmp_path)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers =\n    slow: long\n    once: once\n")
    (tmp_path / ".gitignore").write_text("build/\n__pycache__/\n.pytest_cache/\n.hypothesis/\n.venv\n")
    (tmp_path / "test_some.py").write_text(
        "import pytest\n"
        "@pytest.mark.slow\n@pytest.mark.once\ndef test_fine(): pass\n"
        "@pytest.mark.slow\ndef test_wrong(): assert False\n"
        "@pytest.mark.slow\ndef test_absent(): pytest.skip('absent')\n"
        "def test_quick(): assert False\n"
    )
    (tmp_path / ".venv").symlink_to(sys.prefix)
    for command in ("init -q", "add -A", "-c user.name=a -c user.email=a@b commit -q -m first"):
        subprocess.run(["git", *command.split()], cwd=tmp_path, check=True)
    monkeypatch.setattr(runner, "ROOT", tmp_path)
    for _ in range(2):
        found = runner.run_suite(".venv", "slow", [], resume=True)
        assert (found.code, found.counts, found.skips, found.once) == (1, (1, 1, 1, 0), {"absent": 1}, 1)
        assert found.seconds > 0
    record = json.loads((tmp_path / "build" / "tests-slow.json").read_text())
    assert [(name.split("::")[1], test.get("earlier", False)) for name, test in record["tests"].items()] == [
        ("test_absent", False),
        ("test_fine", True),
        ("test_wrong", False),
    ]


@pytest.mark.slow
def test_the_walk_through_of_the_readme_is_true(tmp_path: Path) -> None:
    lines = [line.strip() for line in (ROOT / "README.md").read_text().splitlines() if line.startswith("    fpgaq ")]
    lines = [line.split("  #")[0].strip() for line in lines]
    assert [line.split()[1] for line in lines] == [
        "demo",
        "summary",
        "quantize",
        "compare",
        "generate",
        "simulate",
        "simulate",
        "synth",
    ]
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    (tmp_path / "build").mkdir()
    for line in lines:
        command = [sys.executable, "-m", *line.split()]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        result = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        told = [said for said in result.stderr.splitlines() if not said.startswith("fpgaq: [")]
        assert (result.returncode, told) == (0, []), line
