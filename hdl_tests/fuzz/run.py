"""Tries cases in the ways that compute them, shrinks a failing one, keeps it as a crasher, and replays crashers."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from fpgaq.base.errors import FitError
from fpgaq.hardware.schedule import Target, make_schedule
from fpgaq.integer import file as integer_file
from fpgaq.integer.graph import IntegerGraph
from hdl_tests.fuzz.ways import FAULTS, WAYS
from tests.support.fuzz.case import Case, shorter

CRASHERS = Path(__file__).parents[1] / "crashers"


@dataclass(frozen=True)
class Failure:
    """A case that fails, in which way, and how."""

    case: Case
    way: str
    message: str


def try_cases(cases: Sequence[Case], way: str) -> list[Failure | None]:
    """The failure of each case in a way. What no single case is blamed for is found by trying each alone."""
    with tempfile.TemporaryDirectory(prefix="fpgaq-fuzz-") as folder:
        try:
            messages = WAYS[way](cases, Path(folder))
        except FAULTS as error:
            if len(cases) > 1:
                return [try_cases([case], way)[0] for case in cases]
            messages = [f"{type(error).__name__}: {error}"]
    pairs = zip(cases, messages, strict=True)
    return [None if message is None else Failure(case, way, message) for case, message in pairs]


def try_graph(
    graph: IntegerGraph, target: Target, stall_seed: int | None, way: str, logic_bits: int = 0
) -> Failure | None:
    """The failure of a network under a target, None if it passes or the target is out of its reach."""
    try:
        schedule = replace(make_schedule(graph, target), logic_bits=logic_bits)
    except FitError:
        return None
    return try_cases([Case(graph, target, schedule, stall_seed)], way)[0]


def shrink(failure: Failure) -> Failure:
    """The shortest run of the network's operators that fails too."""
    for graph in shorter(failure.case.graph):
        case = failure.case
        found = try_graph(graph, case.target, case.stall_seed, failure.way, case.schedule.logic_bits)
        if found is not None:
            return found
    return failure


def save_crasher(seed: int, failure: Failure, folder: Path = CRASHERS) -> Path:
    """Keep a failing network and how it was run; it is replayed by the tests from then on."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"seed_{seed}{integer_file.SUFFIX}"
    integer_file.save(failure.case.graph, path)
    facts = {
        "way": failure.way,
        "multipliers": failure.case.target.multipliers,
        "cycles": failure.case.target.cycles,
        "stall_seed": failure.case.stall_seed,
        "logic_bits": failure.case.schedule.logic_bits,
        "message": failure.message,
    }
    path.with_suffix(".json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    return path


def replay_crasher(path: Path) -> str | None:
    """Run a kept network again; what is wrong with it, None if nothing is any more."""
    facts = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    target = Target(facts["multipliers"], facts["cycles"])
    failure = try_graph(integer_file.load(path), target, facts["stall_seed"], facts["way"], facts.get("logic_bits", 0))
    return None if failure is None else failure.message
