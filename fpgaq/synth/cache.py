"""Results of tools that ran before, by the content of all that they depend on, in the user's cache folder."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from .project import Project

# Raise it when what is stored, or what is counted, changes.
VERSION = 2


def cache_folder() -> Path:
    """``fpgaq/synth`` under XDG_CACHE_HOME, by default ``~/.cache``."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "fpgaq" / "synth"


def project_digest(project: Project) -> str:
    """SHA-256 over the names and bytes of all files of the design, memory contents too."""
    digest = hashlib.sha256(project.top.encode())
    for name in (*project.files, *sorted(project.memory_files)):
        content = (project.folder / name).read_bytes()
        digest.update(f"\0{name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def make_key(*parts: object) -> str:
    """The key of a result that depends on `parts`, plain values."""
    return hashlib.sha256(json.dumps([VERSION, *parts]).encode()).hexdigest()


def fetch(key: str) -> Any | None:
    """What was stored under `key`, or None; an unreadable entry counts as none."""
    with suppress(OSError, ValueError):
        return json.loads((cache_folder() / f"{key}.json").read_text(encoding="utf-8"))
    return None


def store(key: str, value: Any) -> None:
    """Keep `value`, made of plain values; a cache that cannot be written costs time only."""
    folder = cache_folder()
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        # Written whole and renamed, since several runs may store at once.
        with tempfile.NamedTemporaryFile("w", dir=folder, suffix=".new", delete=False, encoding="utf-8") as file:
            json.dump(value, file)
        os.replace(file.name, folder / f"{key}.json")
