"""Made `interface.json` beside it with fpgaq 0.1.0: ``python tests/compat/0.1.0/make_interface.py`` at that release.

It must be run at 0.1.0 only, and is never run again: what it wrote is what users of 0.1.0 rely on. Made anew by a later
fpgaq it would allow whatever that one has lost.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
ROOT = Path(__file__).parents[3]
sys.path.insert(0, str(ROOT))

import fpgaq  # noqa: E402
from tests.compat import interface  # noqa: E402


def main() -> None:
    assert fpgaq.__version__ == "0.1.0", "made by 0.1.0 only, and never again"
    texts = [ROOT / "README.md", *sorted(ROOT.glob("docs/*.md")), *sorted(ROOT.glob("examples/*.py"))]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        outputs = {}
        for name in interface.RUNS:
            outputs[name] = interface.shape(interface.run_json(name, folder))
            print(name, flush=True)
        content = {
            "commands": interface.commands(),
            "exit_codes": interface.exit_codes(),
            "functions": interface.functions(),
            "imports": interface.imports(path.read_text(encoding="utf-8") for path in texts),
            "modules": interface.modules(),
            "outputs": outputs,
            "folders": {name: interface.folder_files(folder / name) for name in interface.FOLDERS},
            "ports": {name: interface.ports(folder / name) for name in ("verilog", "unrolled")},
        }
    (HERE / "interface.json").write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
