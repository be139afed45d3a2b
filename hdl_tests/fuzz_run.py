"""Tries one fuzz case on the file bench, shrinks a failing one, keeps it as a crasher, and replays crashers."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

from fuzz_networks import Case, frames, random_case, shorter

from fpgaq import integer_file
from fpgaq.errors import FitError, FpgaqError
from fpgaq.integer_graph import IntegerArray, IntegerGraph
from fpgaq.schedule import Target, make_schedule
from fpgaq.verify.file_bench import run_file_bench

CRASHERS = Path(__file__).parent / "crashers"
FRAMES = 4


@dataclass(frozen=True)
class Failure:
    """A case that fails, and how."""

    case: Case
    message: str


def try_case(case: Case) -> str | None:
    """What is wrong with a case in one line; None if nothing is."""
    inputs = random_inputs(case.graph, case.stall_seed or 1)
    with tempfile.TemporaryDirectory(prefix="fpgaq-fuzz-") as folder:
        try:
            result = run_file_bench(case.graph, case.schedule, inputs, stall_seed=case.stall_seed, workdir=Path(folder))
        except (FpgaqError, AssertionError, ArithmeticError, ValueError, LookupError) as error:
            return f"{type(error).__name__}: {error}"
    return result.mismatch


def random_inputs(graph: IntegerGraph, seed: int) -> dict[str, IntegerArray]:
    """Frames for every input."""
    return {name: frames(graph.tensors[name], FRAMES, seed + place) for place, name in enumerate(graph.inputs)}


def try_graph(graph: IntegerGraph, target: Target, stall_seed: int | None) -> Failure | None:
    """The failure of a network under a target, None if it passes or the target is out of its reach."""
    try:
        schedule = make_schedule(graph, target)
    except FitError:
        return None
    case = Case(graph, target, schedule, stall_seed)
    message = try_case(case)
    return None if message is None else Failure(case, message)


def try_seed(seed: int) -> tuple[Case, Failure | None]:
    """The case of a seed and, if it fails, its smallest failing form."""
    case = random_case(seed)
    message = try_case(case)
    return case, None if message is None else shrink(Failure(case, message))


def shrink(failure: Failure) -> Failure:
    """The shortest run of the network's operators that fails too."""
    for graph in shorter(failure.case.graph):
        found = try_graph(graph, failure.case.target, failure.case.stall_seed)
        if found is not None:
            return found
    return failure


def save_crasher(seed: int, failure: Failure, folder: Path = CRASHERS) -> Path:
    """Keep a failing network and how it was run; it is replayed by the tests from then on."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"seed_{seed}{integer_file.SUFFIX}"
    integer_file.save(failure.case.graph, path)
    facts = {
        "multipliers": failure.case.target.multipliers,
        "cycles": failure.case.target.cycles,
        "stall_seed": failure.case.stall_seed,
        "message": failure.message,
    }
    path.with_suffix(".json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    return path


def replay_crasher(path: Path) -> str | None:
    """Run a kept network again; what is wrong with it, None if nothing is any more."""
    facts = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    failure = try_graph(integer_file.load(path), Target(facts["multipliers"], facts["cycles"]), facts["stall_seed"])
    return None if failure is None else failure.message
