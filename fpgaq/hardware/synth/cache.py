"""Results of tools that ran before, by the content of all that they depend on, in the user's cache folder."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from typing import Any

from ...base.errors import ToolError
from ...base.user_cache import is_trusted, keep, private_folder
from .project import Project

# Increase it when the stored values, or the way of counting, change.
VERSION = 3

RESULTS = "synth"
"""Results in the user's cache folder."""


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
    """The entry stored under `key`, or None; a damaged entry, or one that could be somebody else's, counts as none."""
    with suppress(OSError, ValueError, KeyError, TypeError, RecursionError, ToolError):
        path = private_folder(RESULTS) / f"{key}.json"
        if is_trusted(path):
            entry = json.loads(path.read_text(encoding="utf-8"))
            if entry["key"] == key and entry["digest"] == _digest(entry["value"]):
                return entry["value"]
    return None


def store(key: str, value: Any) -> None:
    """Keep `value`, made of plain values; a cache that cannot be written costs time only."""
    with suppress(OSError, ToolError):
        entry = {"key": key, "digest": _digest(value), "value": value}
        keep(private_folder(RESULTS) / f"{key}.json", json.dumps(entry).encode())


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
