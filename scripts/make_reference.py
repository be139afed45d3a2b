"""Write docs/reference.md, searches.md and results.md of the docstrings: ``python scripts/make_reference.py``.

A test compares them.
"""

from __future__ import annotations

import inspect
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
ORDER = (
    *("load_model", "quantize", "QuantizeOptions", "compare", "run", "generate", "Target"),
    *("simulate", "synth", "build"),
)
"""The names of `fpgaq.__all__` in the order of the walk."""
SEARCHES = ("sensitivity", "search", "explore", "prune")
"""Those with a page of their own."""
FILES = ("load_integer", "save_integer", "save_model")
"""Those that stand beside the networks which they read and write."""
BEGINNING = """# Python reference

Made of the docstrings by `scripts/make_reference.py`. Everything here is a name of `fpgaq`; what begins with a dot is a
method. Data are a file's path, an array, a mapping of arrays by input name, or a `Dataset`.

    import numpy
    import fpgaq

    images = numpy.load("test.npz")["x"]
    network = fpgaq.quantize("model.nnp", "calibration.npz", weight_bits=6)
    real_values = network(images)               # as the hardware computes them
    integers, real_values = network.run(images)["y"]

[Searches and pruning](searches.md) and [networks and results](results.md) have pages of their own.
"""
SEARCHES_BEGINNING = """# Searches and pruning in Python

Made of the docstrings by `scripts/make_reference.py`, as [the Python reference](reference.md).
"""
RESULTS = """# Networks and results

Made of the docstrings by `scripts/make_reference.py`: what the functions of [the Python reference](reference.md) take
and return. Results are frozen dataclasses. Each has a one-line `repr`, `to_dict()`, `to_pandas()` (which needs pandas),
and a table in a notebook.
"""


def main() -> None:
    """Write the pages."""
    for name, text in pages().items():
        (ROOT / "docs" / name).write_text(text, encoding="utf-8")


def pages() -> dict[str, str]:
    """The text of each page by its file's name."""
    sys.path.insert(0, str(ROOT))
    import fpgaq
    from fpgaq.integer.graph import IntegerGraph
    from fpgaq.model.graph import Graph
    from fpgaq.pipeline import BuildResult, GenerateResult
    from fpgaq.proof.simulate import SimulationResult
    from fpgaq.study.report.comparison import Comparison

    names = {*ORDER, *SEARCHES, *FILES, "__version__"}
    assert names == set(fpgaq.__all__), set(fpgaq.__all__) ^ names
    parts = [BEGINNING, *(entry(f"fpgaq.{name}", fpgaq._stage(name)) for name in ORDER)]
    searches = [SEARCHES_BEGINNING, *(entry(f"fpgaq.{name}", fpgaq._stage(name)) for name in SEARCHES)]
    results = [RESULTS, *(entry(f"fpgaq.{name}", fpgaq._stage(name)) for name in FILES)]
    methods: dict[Any, tuple[str, ...]] = {
        Graph: (),
        IntegerGraph: ("run", "__call__"),
        Comparison: ("to_dict", "to_pandas"),
        GenerateResult: (),
        SimulationResult: (),
        BuildResult: (),
    }
    for kind, own in methods.items():
        results.append(entry(kind.__name__, kind, called=False))
        results += [entry(f".{name}", getattr(kind, name), level=3) for name in own]
    return {
        "reference.md": "\n".join(parts),
        "searches.md": "\n".join(searches),
        "results.md": "\n".join(results),
    }


def entry(name: str, value: Any, level: int = 2, called: bool = True) -> str:
    """A heading with the signature, and the docstring below it."""
    text = inspect.cleandoc(value.__doc__ or "")
    heading = f"{'#' * level} {name}\n"
    shown = f"\n```text\n{name}{signature(value)}\n```\n" if called else ""
    return f"{heading}{shown}\n{markdown(text)}\n"


def signature(value: Any) -> str:
    """The parameters without their types, which the docstring names; defaults that are no value are left out."""
    parts, keyword = [], False
    parameters = list(inspect.signature(value).parameters.values())
    for parameter in parameters:
        if parameter.name == "self":
            continue
        if parameter.kind is parameter.KEYWORD_ONLY and not keyword:
            parts.append("*")
            keyword = True
        default = parameter.default
        if default is parameter.empty:
            parts.append(parameter.name)
        elif callable(default) or repr(default).startswith("<"):
            parts.append(f"{parameter.name}=...")
        else:
            parts.append(f"{parameter.name}={default!r}")
    lines = [""]
    for part in parts:
        if len(lines[-1]) + len(part) > 96:
            lines.append("")
        lines[-1] += f"{part}, "
    return "(" + "\n    ".join(line.rstrip() for line in lines).removesuffix(",") + ")"


def markdown(text: str) -> str:
    """A numpy docstring as Markdown: sections as bold words, parameters as a list."""
    lines: list[str] = []
    section, previous = "", ""
    source = text.splitlines()
    for index, line in enumerate(source):
        following = source[index + 1] if index + 1 < len(source) else ""
        if following and set(following) == {"-"} and line:
            section = line
            lines.append(f"**{line}**\n")
        elif line and set(line) == {"-"} and previous:
            pass
        elif section and line and not line.startswith(" "):
            lines.append(f"- `{line}`" if re.match(r"[\w, .*]+( :|$)", line) else f"- {line}")
        elif section and line.startswith("    "):
            lines.append(f"  {line.strip()}")
        else:
            lines.append(line)
        previous = line
    return "\n".join(lines).rstrip()


if __name__ == "__main__":
    main()
