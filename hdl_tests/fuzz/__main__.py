"""Differential fuzzing of schedule and hardware against the reference: ``python -m hdl_tests.fuzz N [--seed S]``.

Runs N random networks in every way on all cores, or on a Dask cluster whose workers run in this checkout (in ways that
take seconds a sample). Prints what they covered, and keeps failing ones in ``hdl_tests/crashers`` of this machine.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from fpgaq.base.errors import FpgaqError
from fpgaq.base.parallel import completed
from hdl_tests.fuzz.run import CRASHERS, save_crasher, shrink, try_cases
from hdl_tests.fuzz.ways import SAMPLED, WAYS
from tests.support.fuzz.coverage import FEATURES, features
from tests.support.fuzz.networks import imported_seed, random_case
from tests.support.provenance import about, store

BATCH = 50
"""Networks that one process takes at a time, and that share one compiled program."""


@dataclass(frozen=True)
class Batch:
    """Seeds to try, the ways to try them in, and the seeds that are tried in ways of which a sample is taken."""

    seeds: Sequence[int]
    ways: Sequence[str]
    sampled: frozenset[int]


@dataclass(frozen=True)
class Outcome:
    """The results of a batch.

    Parameters
    ----------
    covered : mapping of str to Counter
        For each way, how many networks had each feature.
    tried : Counter
        Networks of each way.
    failures : dict of int to str
        A line for each seed that failed.
    crashers : dict of str to bytes
        The files that keep them, which whoever collects the outcomes writes: a worker may be another machine.
    """

    covered: Mapping[str, Counter[str]]
    tried: Counter[str] = field(default_factory=Counter)
    failures: dict[int, str] = field(default_factory=dict)
    crashers: dict[str, bytes] = field(default_factory=dict)


def try_batch(batch: Batch) -> Outcome:
    """Try all seeds of a batch; shrink what fails."""
    outcome = Outcome({way: Counter() for way in batch.ways})
    cases = {seed: random_case(seed) for seed in batch.seeds}
    found = {seed: features(case) for seed, case in cases.items()}
    for way in batch.ways:
        seeds = [seed for seed in cases if way not in SAMPLED or seed in batch.sampled]
        outcome.tried[way] += len(seeds)
        for seed in seeds:
            outcome.covered[way].update(found[seed])
        for seed, failure in zip(seeds, try_cases([cases[seed] for seed in seeds], way), strict=True):
            if failure is not None and seed not in outcome.failures:
                small = shrink(failure)
                outcome.failures[seed] = f"{way}: {small.message}"
                with TemporaryDirectory() as folder:
                    save_crasher(seed, small, Path(folder))
                    outcome.crashers.update({path.name: path.read_bytes() for path in Path(folder).iterdir()})
    return outcome


def batches_of(options: argparse.Namespace) -> list[Batch]:
    """The seeds in batches."""
    numbers = range(options.seed, options.seed + options.count)
    seeds = [imported_seed(number) for number in numbers] if options.imported else numbers
    sampled = frozenset(seeds[index * options.count // options.sample] for index in range(options.sample))
    return [Batch(seeds[first : first + BATCH], options.ways, sampled) for first in range(0, options.count, BATCH)]


def collect(batches: Sequence[Batch], options: argparse.Namespace) -> dict[str, Any]:
    """Try all batches; returns what a results file holds of them, which grows as they come."""
    covered = {way: Counter[str]() for way in options.ways}
    tried, failures, started = Counter[str](), dict[int, str](), time.monotonic()
    results: dict[str, Any] = {}
    for _, outcome in completed(try_batch, batches, jobs=options.jobs, dask=options.dask):
        tried.update(outcome.tried)
        for way in options.ways:
            covered[way].update(outcome.covered[way])
        if outcome.crashers:
            options.crashers.mkdir(parents=True, exist_ok=True)
        for name, content in outcome.crashers.items():
            (options.crashers / name).write_bytes(content)
        for seed, message in outcome.failures.items():
            failures[seed] = message
            print(f"seed {seed}: {message}; kept in {options.crashers}", flush=True)
        results = {
            "seed": options.seed,
            "networks": max(tried.values()),
            "failed": {str(seed): message for seed, message in sorted(failures.items())},
            "ways": {way: {"networks": tried[way], "features": dict(sorted(covered[way].items()))} for way in tried},
            "seconds": round(time.monotonic() - started, 1),
        }
        if options.output is not None:
            store(options.output, {**options.about, **results})
    return results


def main(arguments: Sequence[str] | None = None) -> int:
    """Fuzz as asked; 0 if every network agrees in every way, else 7."""
    arguments = sys.argv[1:] if arguments is None else arguments
    options = _parse(arguments)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    options.about = about("python -m hdl_tests.fuzz", arguments, "iverilog", "verilator", "g++", "cocotb")
    try:
        results = collect(batches_of(options), options)
    except FpgaqError as error:
        print(f"hdl_tests.fuzz: error: {error}", file=sys.stderr)
        return error.exit_code
    most = Counter[str]()
    for way in results["ways"].values():
        most |= Counter(way["features"])
    for name in sorted(FEATURES):
        print(f"{name:36} {most[name]:7}")
    print(", ".join(f"{way}: {results['ways'][way]['networks']}" for way in options.ways))
    failed = len(results["failed"])
    print(f"{options.count} networks from seed {options.seed}: {failed} failed, {results['seconds']:.1f} s")
    return 7 if failed else 0


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m hdl_tests.fuzz", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("count", type=int, metavar="N", help="how many networks")
    parser.add_argument("--seed", type=int, default=0, help="seed of the first; the others follow it (default 0)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes (default: one for each core)")
    parser.add_argument("--dask", metavar="ADDRESS", help="a Dask scheduler, whose workers are used in place of --jobs")
    parser.add_argument(
        "--ways", nargs="+", choices=WAYS, default=list(WAYS), help="what to hold against the reference"
    )
    parser.add_argument(
        "--imported", action="store_true", help="only networks with zero points and arbitrary scales; S counts them"
    )
    parser.add_argument("--sample", type=int, default=20, help=f"networks in each of {sorted(SAMPLED)} (default 20)")
    parser.add_argument("--crashers", type=Path, default=CRASHERS, help="where failing networks are kept")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="results as JSON, renewed after each batch")
    options = parser.parse_args(arguments)
    if options.count < 1 or options.sample < 0 or options.jobs < 1:
        parser.error("N and --jobs are at least 1, --sample at least 0")
    options.sample = min(options.sample, options.count)
    return options


if __name__ == "__main__":
    sys.exit(main())
