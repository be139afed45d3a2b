from __future__ import annotations

import subprocess
import sys


def test_without_nnabla_the_import_says_what_to_do() -> None:
    program = "import sys; sys.modules['nnabla'] = None\ntry:\n    import fpgaq.nnabla\n"
    program += "except Exception as error:\n    print(type(error).__name__, error.exit_code, error)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    (line,) = done.stdout.splitlines()
    assert line.startswith("ToolError 6 nnabla is not installed (this is Python 3.")
    assert "CPython 3.10" in line
