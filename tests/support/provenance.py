"""What a stored result was made by: commit, command, versions of the tools."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fpgaq.base.tools import find_tools
from fpgaq.base.version import __version__

ROOT = Path(__file__).parents[2]
SECONDS = "of a machine that did other work at the same time: upper figures"
"""What a stored result says of its seconds and rates."""


def commit() -> str:
    """The commit of the checkout, with "+changes" if a file differs from it; empty outside a checkout."""

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(ROOT), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    try:
        changed = git("status", "--porcelain", "--untracked-files=no")
        return git("rev-parse", "HEAD") + ("+changes" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return ""


def versions(*tools: str) -> dict[str, str]:
    """Versions of fpgaq, Python, numpy and of the named tools, as far as these are here."""
    wanted = {"python", "numpy", *tools}
    found = {tool.name: tool.version for tool in find_tools() if tool.name in wanted and tool.version}
    return {"fpgaq": __version__, **found, "machine": f"{platform.system()} {platform.machine()}"}


def about(command: str, arguments: Sequence[str], *tools: str) -> dict[str, Any]:
    """What a file of results begins with; the command says PATH in place of absolute paths."""
    shown = ["PATH" if os.path.isabs(argument) else argument for argument in arguments]
    return {"command": " ".join([command, *shown]), "commit": commit(), "versions": versions(*tools)}


def store(path: Path, results: Mapping[str, Any]) -> None:
    """Write results as JSON, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.new")
    temporary.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    temporary.replace(path)
