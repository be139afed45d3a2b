"""The notebooks are those of their Python files, and run."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.test_reference import script_named

pytestmark = pytest.mark.once
ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "examples" / "notebooks"
NAMES = sorted(path.stem for path in FOLDER.glob("*.py"))
RUN = """
import sys, nbclient, nbformat
notebook = nbformat.read(sys.argv[1], as_version=4)
nbformat.validate(notebook)
nbclient.NotebookClient(notebook, timeout=600, kernel_name="python3").execute()
nbformat.write(notebook, sys.argv[1])
"""


def test_there_are_two() -> None:
    assert NAMES == ["bits_against_logic", "model_to_core"]
    assert sorted(path.stem for path in FOLDER.glob("*.ipynb")) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_the_notebook_is_that_of_its_file(name: str) -> None:
    text = script_named("make_notebooks").notebook((FOLDER / f"{name}.py").read_text(encoding="utf-8"))
    assert (FOLDER / f"{name}.ipynb").read_text(encoding="utf-8") == text, "run scripts/make_notebooks.py"


@pytest.mark.skipif(shutil.which("iverilog") is None, reason="needs iverilog")
@pytest.mark.parametrize("name", NAMES)
def test_its_cells_run(name: str, tmp_path: Path) -> None:
    """One after another as a script; that Jupyter runs them too is a slow test."""
    pytest.importorskip("matplotlib")
    shutil.copytree(ROOT / "examples" / "digits_cnn", tmp_path / "digits_cnn")
    (tmp_path / "notebooks").mkdir()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "MPLBACKEND": "Agg"}
    done = subprocess.run(
        [sys.executable, str(FOLDER / f"{name}.py")],
        cwd=tmp_path / "notebooks",
        capture_output=True,
        text=True,
        timeout=600,
        env=environment,
    )
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_the_notebook_runs(name: str, tmp_path: Path) -> None:
    python = ROOT / ".venv-docs" / "bin" / "python"
    if not python.is_file():
        pytest.skip("no environment .venv-docs: `make docs` makes it")
    shutil.copytree(ROOT / "examples" / "digits_cnn", tmp_path / "digits_cnn")
    (tmp_path / "notebooks").mkdir()
    path = tmp_path / "notebooks" / f"{name}.ipynb"
    shutil.copyfile(FOLDER / f"{name}.ipynb", path)
    found = os.pathsep.join([str(python.parent), os.environ["PATH"]])
    environment = {
        **os.environ,
        "PATH": found,
        "PYTHONPATH": str(ROOT),
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    }
    done = subprocess.run(
        [str(python), "-c", RUN, str(path)],
        cwd=path.parent,
        capture_output=True,
        text=True,
        timeout=1200,
        env=environment,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    cells = [cell for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]
    outputs = [output for cell in cells for output in cell["outputs"]]
    assert all(output.get("name") != "stderr" for output in outputs), outputs
    assert sum("image/png" in output.get("data", {}) for output in outputs) >= 1
