"""Differential fuzzing of schedule and Verilog against the reference: ``python hdl_tests/fuzz.py N [--seed S]``.

Runs N random networks on all cores, prints what they covered, and keeps failing ones in ``hdl_tests/crashers``.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1])]

from fuzz_coverage import FEATURES, features  # noqa: E402
from fuzz_run import CRASHERS, save_crasher, try_seed  # noqa: E402


def try_and_keep(seed: int, folder: Path) -> tuple[int, str | None, set[str]]:
    """Try a seed; returns it with what failed and what it covered."""
    case, failure = try_seed(seed)
    if failure is None:
        return seed, None, features(case)
    path = save_crasher(seed, failure, folder)
    return seed, f"{failure.message}; kept as {path}", features(case)


def main(arguments: Sequence[str] | None = None) -> int:
    """Fuzz as asked; 0 if every network agrees, else 7."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("count", type=int, metavar="N", help="how many networks")
    parser.add_argument("--seed", type=int, default=0, help="seed of the first; the others follow it (default 0)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes (default: one for each core)")
    parser.add_argument("--crashers", type=Path, default=CRASHERS, help="where failing networks are kept")
    options = parser.parse_args(arguments)
    if options.count < 1:
        parser.error("N is at least 1")
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    started, failed, covered = time.monotonic(), 0, Counter[str]()
    seeds = range(options.seed, options.seed + options.count)
    with ProcessPoolExecutor(options.jobs) as pool:
        for seed, message, found in pool.map(try_and_keep, seeds, [options.crashers] * len(seeds), chunksize=4):
            covered.update(found)
            if message is not None:
                failed += 1
                print(f"seed {seed}: {message}", flush=True)
    for name in sorted(FEATURES):
        print(f"{name:36} {covered[name]:7}")
    seconds = time.monotonic() - started
    print(f"{options.count} networks from seed {options.seed}: {failed} failed, {seconds:.1f} s")
    return 7 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
