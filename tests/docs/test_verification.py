"""docs/verification.md is what its script writes from the stored results, and these are what was run."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

from fpgaq.integer.graph import OPERATORS

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def verification() -> ModuleType:
    spec = importlib.util.spec_from_file_location("verification", ROOT / "benchmarks" / "verification.py")
    if spec is None or spec.loader is None or not Path(str(spec.origin)).is_file():
        pytest.skip("benchmarks are in a checkout only")
    module = importlib.util.module_from_spec(spec)
    sys.modules["verification"] = module
    spec.loader.exec_module(module)
    return module


def test_nothing_is_typed_by_hand(verification: ModuleType) -> None:
    assert verification.PAGE.read_text(encoding="utf-8") == verification.page(), "make verify-report writes it anew"


def test_every_operator_has_a_row(verification: ModuleType) -> None:
    page = verification.page()
    for operator in OPERATORS:
        assert f"\n| {operator.__name__.removeprefix('Integer')} | " in page


def test_stored_results_say_what_made_them(verification: ModuleType) -> None:
    for path in verification.DATA.glob("*.json"):
        found = json.loads(path.read_text(encoding="utf-8"))
        for run in found.get("runs", [found]):
            assert len(run["commit"]) >= 40 and ("versions" in run or "python" in run), path
        assert "/tmp" not in path.read_text(encoding="utf-8")


def test_results_are_taken_in(verification: ModuleType, tmp_path: Path) -> None:
    build, data = tmp_path / "build", tmp_path / "data"
    build.mkdir()
    about = {"command": "x", "commit": "c" * 40, "versions": {"python": "3"}}
    ways = {"icarus": {"networks": 5, "features": {"IntegerAdd": 2, "stalls": 3}}}
    fuzz = {**about, "seed": 0, "networks": 5, "failed": {"3": "wrong"}, "ways": ways}
    proofs = [
        {"statement": "mac(A=1)", "proved": True, "reached": True},
        {"statement": "mac(A=2)", "proved": None, "reached": True},
        {"statement": "fifo(A=2)", "proved": True, "reached": False},
    ]
    tests = {"a::test_x[1]": {"outcome": "passed"}, "a::test_x[2]": {"outcome": "failed"}}
    for name, content in (
        ("fuzz", fuzz),
        ("proofs", {**about, "networks": 2, "proofs": proofs}),
        ("mutants", {"commit": "c" * 40, "python": "3", "tests": tests}),
    ):
        (build / f"{name}.json").write_text(json.dumps(content))
    assert verification.collect(build, data) == ["fuzz", "proofs", "mutants"]
    (build / "fuzz.json").write_text(json.dumps({**fuzz, "seed": 5, "failed": {}}))
    verification.collect(build, data)
    # The same run once more counts once.
    verification.collect(build, data)
    page = verification.page(data)
    assert "10 networks" in page and "; 1 failed." in page and "| Add | 4 |" in page and "| stalls | 6 |" in page
    assert "| mac | 1 | 0 | 1 | 0 |" in page and "| fifo | 0 | 0 | 0 | 1 |" in page
    assert "| a: test_x | 2 | 1 | 1 |" in page and "## Load" not in page
