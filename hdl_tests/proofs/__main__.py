"""Prove every cell with the parameters of random networks: ``python -m hdl_tests.proofs [NETWORKS] [-o FILE]``.

Prints a table by cell and writes the single proofs as JSON. Ends with 7 if one fails, is undecided, or says nothing.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

from fpgaq.base.version import __version__
from tests.support.provenance import about, store

from .collect import collected
from .prover import Statement, Verdict, prove


def main() -> int:
    """Collect, prove, print."""
    parser = argparse.ArgumentParser(prog="python -m hdl_tests.proofs", description=__doc__)
    parser.add_argument("networks", nargs="?", type=int, default=300, help="random networks whose cells are proved")
    parser.add_argument("-o", "--output", type=Path, help="JSON file of the single proofs")
    parser.add_argument("--only", help="name of a statement, like queue")
    options = parser.parse_args()
    console = Console()
    statements = [one for one in collected(options.networks) if options.only in (None, one.name)]
    verdicts: list[tuple[Statement, Verdict]] = []
    with tempfile.TemporaryDirectory() as temporary:
        for number, statement in enumerate(track(statements, "proving", console=Console(stderr=True))):
            folder = Path(temporary) / str(number)
            folder.mkdir()
            verdicts.append((statement, prove(statement, folder)))
    console.print(table_of(verdicts))
    bad = [statement for statement, verdict in verdicts if not (verdict.proved and verdict.reached)]
    for statement in bad:
        console.print(f"not proved: {statement}")
    if options.output is not None:
        rows = [{"statement": str(one), **vars(verdict)} for one, verdict in verdicts]
        origin = about("python -m hdl_tests.proofs", sys.argv[1:], "pyosys")
        store(options.output, {**origin, "version": __version__, "networks": options.networks, "proofs": rows})
    return 7 if bad else 0


def table_of(verdicts: list[tuple[Statement, Verdict]]) -> Table:
    """How many sets of parameters of each cell are proved, refuted and undecided, and the seconds."""
    table = Table("cell", "sets of parameters", "proved", "refuted", "undecided", "seconds", "longest")
    for name in sorted({statement.name for statement, _ in verdicts}):
        own = [verdict for statement, verdict in verdicts if statement.name == name]
        counts = [sum(verdict.proved is value for verdict in own) for value in (True, False, None)]
        seconds = [verdict.seconds for verdict in own]
        table.add_row(name, str(len(own)), *map(str, counts), f"{sum(seconds):.1f}", f"{max(seconds):.1f}")
    return table


if __name__ == "__main__":
    sys.exit(main())
