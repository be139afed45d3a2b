from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import fpgaq


def test_without_nnabla_the_import_says_what_to_do() -> None:
    program = "import sys; sys.modules['nnabla'] = None\ntry:\n    import fpgaq.nnabla\n"
    program += "except Exception as error:\n    print(type(error).__name__, error.exit_code, error)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    (line,) = done.stdout.splitlines()
    assert line.startswith("ToolError 6 nnabla is not installed (this is Python 3.")
    assert "CPython 3.10" in line


def test_a_graph_in_memory_needs_nnabla() -> None:
    code = """
import sys
sys.modules["nnabla"] = None
from fpgaq.base.errors import UnsupportedError
from fpgaq.model.importers import from_nnabla
try:
    from_nnabla(None)
except UnsupportedError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (
        done.stdout == "an in-memory nnabla graph needs nnabla itself (on CPython 3.10: pip install 'fpgaq[nnabla]')\n"
    )


def test_only_one_room_imports_nnabla() -> None:
    root = Path(fpgaq.__file__).parent
    found = {
        path.relative_to(root).parts[0]
        for path in root.rglob("*.py")
        for line in path.read_text(encoding="utf-8").splitlines()
        if re.match(r"\s*(import|from) nnabla\b", line)
    }
    assert found == {"nnabla"}
