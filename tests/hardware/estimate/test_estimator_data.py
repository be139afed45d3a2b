"""The networks that the estimator was fitted to consist of what today's design says that they do."""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[3] / "benchmarks"
DESIGNS = BENCHMARKS / "estimator_data" / "designs.jsonl"

pytestmark = pytest.mark.once


@pytest.mark.skipif(not DESIGNS.exists(), reason="the estimator's data are only in the repository")
@pytest.mark.parametrize("name", ["practical 0", "practical 1", "practical 3", "packed25 0", "packed18 1"])
def test_stored_items_are_those_of_today(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    collect = importlib.import_module("estimator_collect")
    stored = {design["name"]: design for design in map(json.loads, DESIGNS.read_text(encoding="utf-8").splitlines())}
    # Lists become what JSON makes of them.
    today = json.loads(json.dumps(collect.inventory(name)["items"]))
    assert stored[name]["items"] == today, (
        "the estimator was fitted to other hardware: collect benchmarks/estimator_data anew (docs/cost.md)"
    )
