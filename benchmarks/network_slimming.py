"""Network slimming by `examples/slimming.py`: what the whole and the pruned network are and take.

    python benchmarks/network_slimming.py -o build/slimming [--epochs 3]      # about four minutes on one core

Takes the options of the example. Stores its figures beside this script and prints the table of docs/pruning.md.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "examples")]

from fpgaq.study.pruning.figures import Figures, table_rows  # noqa: E402
from tests.support.provenance import about, store  # noqa: E402

RESULTS = Path(__file__).with_suffix(".json")


def table(results: Mapping[str, Any]) -> list[str]:
    """The rows of the page."""
    rows = table_rows(Figures(**results["whole"]), Figures(**results["pruned"]))
    return ["| | whole | pruned | |", "| --- | --- | --- | --- |", *(f"| {' | '.join(row)} |" for row in rows)]


def main() -> int:
    """Run the example, store and print; the exit code is the example's."""
    # Needs nnabla, which the table does without.
    import slimming

    origin = about("python benchmarks/network_slimming.py", sys.argv[1:], "nnabla")
    code: int = slimming.main(sys.argv[1:])
    if code == 0:
        folder = Path(sys.argv[sys.argv.index("-o") + 1])
        results = {**origin, **json.loads((folder / "figures.json").read_text(encoding="utf-8"))}
        store(RESULTS, results)
        print("\n".join(table(results)))
    return code


if __name__ == "__main__":
    sys.exit(main())
