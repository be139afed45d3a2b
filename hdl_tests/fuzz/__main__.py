"""Differential fuzzing of schedule and hardware against the reference: ``python -m hdl_tests.fuzz N [--seed S]``.

Runs N random networks in every way on all cores (in those that take seconds a sample), prints what they covered, and
keeps failing ones in ``hdl_tests/crashers``.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from hdl_tests.fuzz.run import CRASHERS, save_crasher, shrink, try_cases
from hdl_tests.fuzz.ways import SAMPLED, WAYS
from tests.support.fuzz.coverage import FEATURES, features
from tests.support.fuzz.networks import random_case

BATCH = 50
"""Networks that one process takes at a time, and that share one compiled program."""


@dataclass(frozen=True)
class Batch:
    """Seeds to try, the ways to try them in, and where failures are kept."""

    seeds: Sequence[int]
    ways: Sequence[str]
    sampled: frozenset[int]
    crashers: Path


@dataclass(frozen=True)
class Outcome:
    """The results of a batch: features and ways of each network, and a line for each failure."""

    covered: Counter[str]
    tried: Counter[str]
    failures: dict[int, str]


def try_batch(batch: Batch) -> Outcome:
    """Try all seeds of a batch; shrink and keep what fails."""
    outcome = Outcome(Counter(), Counter(), {})
    cases = {seed: random_case(seed) for seed in batch.seeds}
    for case in cases.values():
        outcome.covered.update(features(case))
    for way in batch.ways:
        seeds = [seed for seed in cases if way not in SAMPLED or seed in batch.sampled]
        outcome.tried[way] += len(seeds)
        for seed, failure in zip(seeds, try_cases([cases[seed] for seed in seeds], way), strict=True):
            if failure is not None and seed not in outcome.failures:
                small = shrink(failure)
                path = save_crasher(seed, small, batch.crashers)
                outcome.failures[seed] = f"{way}: {small.message}; kept as {path}"
    return outcome


def main(arguments: Sequence[str] | None = None) -> int:
    """Fuzz as asked; 0 if every network agrees in every way, else 7."""
    options = _parse(arguments)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    started, failed = time.monotonic(), 0
    covered, tried = Counter[str](), Counter[str]()
    seeds = range(options.seed, options.seed + options.count)
    sampled = frozenset(seeds[index * options.count // options.sample] for index in range(options.sample))
    batches = [
        Batch(seeds[first : first + BATCH], options.ways, sampled, options.crashers)
        for first in range(0, options.count, BATCH)
    ]
    with ProcessPoolExecutor(options.jobs) as pool:
        for outcome in pool.map(try_batch, batches):
            covered.update(outcome.covered)
            tried.update(outcome.tried)
            failed += len(outcome.failures)
            for seed, message in outcome.failures.items():
                print(f"seed {seed}: {message}", flush=True)
    for name in sorted(FEATURES):
        print(f"{name:36} {covered[name]:7}")
    print(", ".join(f"{way}: {tried[way]}" for way in options.ways))
    seconds = time.monotonic() - started
    print(f"{options.count} networks from seed {options.seed}: {failed} failed, {seconds:.1f} s")
    return 7 if failed else 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m hdl_tests.fuzz", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("count", type=int, metavar="N", help="how many networks")
    parser.add_argument("--seed", type=int, default=0, help="seed of the first; the others follow it (default 0)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes (default: one for each core)")
    parser.add_argument(
        "--ways", nargs="+", choices=WAYS, default=list(WAYS), help="what to hold against the reference"
    )
    parser.add_argument("--sample", type=int, default=20, help=f"networks in each of {sorted(SAMPLED)} (default 20)")
    parser.add_argument("--crashers", type=Path, default=CRASHERS, help="where failing networks are kept")
    options = parser.parse_args(arguments)
    if options.count < 1 or options.sample < 0:
        parser.error("N is at least 1, --sample at least 0")
    options.sample = min(options.sample, options.count)
    return options


if __name__ == "__main__":
    sys.exit(main())
