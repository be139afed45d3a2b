"""The blocks of code of a page: what each is, and how it is run."""

from __future__ import annotations

import doctest
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

from fpgaq.proof.lint import find_verilator

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for pattern in ("README.md", "CONTRIBUTING.md", "docs/**/*.md", "examples/**/*.md", "benchmarks/README.md")
    for path in ROOT.glob(pattern)
    if path.parent.name != "site"
)
REASONS = frozenset(
    {
        "a line of a class",
        "changes the shell",
        "installs packages",
        "needs PyTorch",
        "needs TensorFlow",
        "needs a board",
        "needs other programs, and hours",
        "reads a package of the operating system",
        "set-up and the test suite itself",
    }
)
"""Why a block of code is not run; its page says it in a comment just before the block."""
MARK = re.compile(r"<!-- not run: (.+) -->")
LANGUAGES = {"python": "python", "sh": "shell", "text": "text"}


@dataclass(frozen=True)
class Block:
    """One block: `kind` is python, shell or text (outputs, drawings, formulas); `reason` is why it is not run."""

    page: str
    line: int
    kind: str
    text: str
    reason: str = ""


def blocks_of(page: str, text: str | None = None) -> list[Block]:
    """The blocks of a page, in order. Indented blocks are Python if they begin with an import, and shell otherwise."""
    source = (ROOT / page).read_text(encoding="utf-8") if text is None else text
    found, reason = [], ""
    for token in MarkdownIt("commonmark").parse(source):
        if token.type in ("fence", "code_block"):
            assert token.map is not None
            kind = "python" if re.match(r"(import|from) |>>> ", token.content) else "shell"
            if token.type == "fence":
                assert token.info in LANGUAGES, f"{page}:{token.map[0] + 1}: a fence of {token.info!r}"
                kind = LANGUAGES[token.info]
            found.append(Block(page, token.map[0] + 1, kind, token.content, reason))
        if token.type != "inline":
            match = MARK.fullmatch(token.content.strip()) if token.type == "html_block" else None
            reason = match[1] if match else ""
    return found


def run(block: Block, names: dict[str, object], tools: Path) -> None:
    """Run a block in the current folder; `tools` is a folder for the programs that a shell finds first."""
    where = f"{block.page}:{block.line}"
    if block.kind == "shell":
        done = subprocess.run(
            ["bash", "-e", "-o", "pipefail", "-c", block.text], capture_output=True, text=True, timeout=3600,
            env=environment(tools),
        )  # fmt: skip
        assert done.returncode == 0, f"{where}: {block.text}{done.stdout[-2000:]}{done.stderr[-2000:]}"
    elif ">>> " in block.text:
        parsed = doctest.DocTestParser().get_doctest(block.text + "\n", {}, where, block.page, block.line)
        parsed.globs = names
        output: list[str] = []
        failed = doctest.DocTestRunner(verbose=False).run(parsed, out=output.append, clear_globs=False).failed
        assert failed == 0, "".join(output)
    else:
        exec(compile(block.text, where, "exec"), names)


def environment(tools: Path) -> dict[str, str]:
    """Where `fpgaq` and `python` are those that run the tests, and `verilator` is the one that fpgaq takes."""
    tools.mkdir(exist_ok=True)
    verilator = find_verilator()
    variables = "".join(f"export {name}={value}\n" for name, value in verilator.environment.items())
    programs = {
        "fpgaq": f'"{sys.executable}" -m fpgaq',
        "python": f'"{sys.executable}"',
        "verilator": verilator.program,
    }
    for name, program in programs.items():
        script = tools / name
        script.write_text(f'#!/bin/sh\n{variables}exec {program} "$@"\n')
        script.chmod(0o755)
    found = os.pathsep.join([str(tools), str(Path(sys.executable).parent), os.environ["PATH"]])
    return {**os.environ, "PATH": found, "PYTHONPATH": str(ROOT), "COLUMNS": "120"}
