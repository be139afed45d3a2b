"""Run every kind and print a table: python -m tests.support.kinds [--members N] [--simulate N] [KIND ...]."""

from __future__ import annotations

import argparse
import sys
from collections import Counter

from . import MEMBERS, kinds
from .judging import judged, nnabla_kinds


def main() -> int:
    """Print a line a kind, then what failed; 1 if anything did."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--members", type=int, default=MEMBERS)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--simulate", type=int, default=1, help="members of a kind that are simulated")
    parser.add_argument("kinds", nargs="*")
    arguments = parser.parse_args()
    every = {**kinds(), **nnabla_kinds()}
    print("| kind | members | exact in float | quantized | simulated, every beat equal | refused as they must be |")
    print("| --- | --- | --- | --- | --- | --- |")
    failures, sums = [], Counter()
    for kind in arguments.kinds or every:
        counts = Counter()
        for seed in range(arguments.first, arguments.first + arguments.members):
            simulate = seed - arguments.first < arguments.simulate
            outcome = judged(every[kind], kind, seed, simulate=simulate)
            counts.update(outcome.passed)
            if outcome.failure:
                failures.append(f"{kind} {seed}: {outcome.failure}")
        sums.update(counts)
        print(_row(kind, counts), flush=True)
    print(_row("all", sums))
    if failures:
        print(*failures, sep="\n", file=sys.stderr)
    return bool(failures)


def _row(kind, counts):
    columns = ("drawn", "float", "quantized", "simulated", "refused")
    return f"| {kind} | {' | '.join(str(counts[column]) for column in columns)} |"


if __name__ == "__main__":
    sys.exit(main())
