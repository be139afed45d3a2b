"""Prints the table of nnabla's one-operator files (docs/operators_tested.md): what loads and agrees.

    python benchmarks/fixtures.py ../shared/models/nnabla_fixtures

Agreement means what `tests/model/importers/test_onnx_pairs.py` asserts: both graphs give the same values within
float32's precision on three inputs, and so does onnxruntime.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from fpgaq.base.errors import FpgaqError
from fpgaq.model.importers import load
from tests.support.onnx_pairs import AGREE, OTHER_SIZE, OTHER_WEIGHTS, REASONS, both


def loaded(path: Path) -> str:
    """The operators that a file is read as, or why it is not, in a few words."""
    try:
        graph = load(path)
    except FpgaqError as error:
        return shortened(str(error).removeprefix(f"{path}: "))
    return ", ".join(type(op).__name__ for op in graph.operators)


def shortened(message: str) -> str:
    """A refusal without the names of layers and the list of what is supported."""
    unsupported = re.search(r"uses unsupported (?:functions|operators): (.*?)(?: \(layer|;)", message)
    if unsupported:
        return f"refused: {unsupported[1]}"
    return "refused: " + re.sub(r"^layer '[^']*' ", "", message).split("; supported")[0].split("; expected")[0]


def verdict(folder: Path, name: str) -> tuple[str, str]:
    """The result of reading the ONNX file (with its data as the .nnp has it), and whether the two agree."""
    if not (folder / f"{name}.onnx").exists():
        return "no such file", "-"
    _, _, graph, _ = both(folder, name)
    read = "refused" if graph is None else ", ".join(type(op).__name__ for op in graph.operators)
    if name in OTHER_WEIGHTS:
        return read, "agree, with the weights of one file in both"
    if name in OTHER_SIZE:
        return read, "agree with onnxruntime, each at its own image size"
    if name in AGREE:
        return read, "agree"
    reasons = [reason for reason, names in REASONS.items() if name in names]
    return read, reasons[0] if reasons else "only .onnx is read"


def main() -> int:
    """Print the table; returns the exit code."""
    folder = Path(sys.argv[1])
    print("| fixture | `.nnp` | `.onnx` | the two |")
    print("| --- | --- | --- | --- |")
    for path in sorted(folder.glob("*.nnp")):
        read, agreement = verdict(folder, path.stem)
        print(f"| {path.stem} | {loaded(path)} | {read} | {agreement} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
