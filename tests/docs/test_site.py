"""The pages build as a site without a warning, each of a length that one sitting reads; messages quoted are there."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.docs.blocks import blocks_of

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
SITTING = 350
"""Lines of a page that one sitting reads."""


@pytest.mark.slow
@pytest.mark.once
def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    python = ROOT / ".venv-docs" / "bin" / "python"
    if not python.is_file():
        pytest.skip("no environment .venv-docs: `make docs` makes it")
    options = ["--fail-on-warning", "--nitpicky", "-E", "-q", "-b", "html", "-c", str(ROOT / "docs" / "site")]
    command = [str(python), "-m", "sphinx", *options, str(ROOT), str(tmp_path / "site")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    for page in DOCS.rglob("*.md"):
        assert (tmp_path / "site" / page.relative_to(ROOT).with_suffix(".html")).is_file(), page
    assert (tmp_path / "site" / "index.html").is_file()


@pytest.mark.once
def test_every_page_is_read_in_a_sitting() -> None:
    long = {page.name: page.read_text(encoding="utf-8").count("\n") for page in DOCS.rglob("*.md")}
    assert not {name: lines for name, lines in long.items() if lines > SITTING}


def shown(node: ast.expr) -> str:
    """A string of the program as the page quotes it: "..." for what changes."""
    if isinstance(node, ast.JoinedStr):
        return "".join(map(shown, node.values))
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return shown(node.left) + shown(node.right)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else "..."


def messages(wanted: Sequence[str]) -> set[str]:
    """What the errors say of every module that holds the beginning of a part of a wanted one."""
    parts = {part[:14] for message in wanted for part in message.split("...") if len(part) >= 14}
    found = set()
    for path in (ROOT / "fpgaq").rglob("*.py"):
        source = path.read_text(encoding="utf-8")
        if not any(part in source for part in parts):
            continue
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Call) and node.args:
                name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                if name.endswith("Error") or name == "fail":
                    found.add(shown(node.args[0]))
    return found


@pytest.mark.once
def test_every_message_of_the_page_is_one_of_the_program() -> None:
    text = (DOCS / "troubleshooting.md").read_text(encoding="utf-8")
    quoted = [
        one or two
        for two, one in re.findall(r"^(?:``(.+)``|`(.+)`)$", text, flags=re.MULTILINE)
        if "..." in (one or two)
    ]
    assert len(quoted) >= 20
    known = messages(quoted)
    assert [message for message in quoted if message not in known] == []


@pytest.mark.once
def test_every_class_of_error_has_a_heading() -> None:
    text = (DOCS / "troubleshooting.md").read_text(encoding="utf-8")
    assert [int(code) for code in re.findall(r"^## .*\(exit code (\d)\)$", text, flags=re.MULTILINE)] == [
        2,
        3,
        4,
        5,
        6,
        7,
    ]


@pytest.mark.once
def test_the_lines_that_export_a_model_are_those_of_the_messages() -> None:
    from fpgaq.model.importers.exports import KERAS, TORCH

    found = [ast.dump(ast.parse(block.text)) for block in blocks_of("docs/howto/formats.md") if block.kind == "python"]
    assert found == [ast.dump(ast.parse("\n".join(lines))) for lines in (TORCH, KERAS)]
