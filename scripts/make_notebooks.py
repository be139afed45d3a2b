"""Write the notebooks of examples/notebooks from the Python files beside them: ``python scripts/make_notebooks.py``.

A file's cells begin with ``# %%``, those of text with ``# %% [markdown]``. Notebooks are kept without outputs; a test
compares both, and another runs them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[1] / "examples" / "notebooks"
MARK = "# %%"


def notebook(text: str) -> str:
    """The notebook of a file's text, in nbformat 4.5."""
    cells = [cell(part, index) for index, part in enumerate(text.split(MARK)[1:])]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    whole = {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(whole, indent=1) + "\n"


def cell(part: str, index: int) -> dict[str, Any]:
    """One cell, of what stands after its mark."""
    head, _, body = part.partition("\n")
    lines = body.strip("\n").splitlines()
    if head.strip() == "[markdown]":
        lines = [line.removeprefix("#").removeprefix(" ") for line in lines]
    source = [f"{line}\n" for line in lines[:-1]] + lines[-1:]
    common = {"id": f"cell-{index}", "metadata": {}, "source": source}
    if head.strip() == "[markdown]":
        return {"cell_type": "markdown", **common}
    return {"cell_type": "code", "execution_count": None, "outputs": [], **common}


def main() -> None:
    """Write all of them."""
    for path in sorted(FOLDER.glob("*.py")):
        path.with_suffix(".ipynb").write_text(notebook(path.read_text(encoding="utf-8")), encoding="utf-8")
        print(path.with_suffix(".ipynb").name)


if __name__ == "__main__":
    main()
