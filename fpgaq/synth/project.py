"""The Verilog files of a generated folder, as its manifest.json lists them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..emit.versions import check_version
from ..errors import ModelError, UsageError
from ..regular import read_text

# What generated names are made of; anything else would need quoting in the scripts of three tools.
_FILE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*")
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True)
class Project:
    """A generated folder: `files` are relative to `folder`, in compile order; `top` is the top module."""

    folder: Path
    top: str
    files: tuple[str, ...]


def read_project(directory: Path) -> Project:
    """Read `directory`/manifest.json.

    Raises
    ------
    ModelError
        If the folder has no manifest, the manifest is of another version or lacks `top` or `files`, or a file that
        it lists is missing.
    """
    path = directory / "manifest.json"
    try:
        manifest: Any = json.loads(read_text(path, "a folder that `fpgaq generate` wrote"))
    except FileNotFoundError as error:
        raise ModelError(f"{directory}: has no manifest.json; give a folder that `fpgaq generate` wrote") from error
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"{path}: cannot be read ({error}); generate the folder again") from error
    if isinstance(manifest, dict) and manifest.get("target") == "hls":
        raise UsageError(f"{directory}: holds HLS C++; Yosys reads Verilog: generate it without --target hls")
    if isinstance(manifest, dict):
        check_version(directory, manifest)
    top = manifest.get("top") if isinstance(manifest, dict) else None
    files = manifest.get("files") if isinstance(manifest, dict) else None
    if not isinstance(top, str) or not _IDENTIFIER.fullmatch(top):
        raise ModelError(f"{path}: `top` is {top!r}, expected a Verilog identifier; generate the folder again")
    if not isinstance(files, list) or not files:
        raise ModelError(f"{path}: `files` is {files!r}, expected a list of paths; generate the folder again")
    for name in files:
        if not isinstance(name, str) or not _FILE.fullmatch(name):
            raise ModelError(f"{path}: `files` has {name!r}, expected a plain path inside the folder")
        if not (directory / name).is_file():
            raise ModelError(f"{directory / name}: is listed in manifest.json but missing; generate the folder again")
    return Project(folder=directory, top=top, files=tuple(name for name in files if _is_verilog(name)))


def _is_verilog(name: str) -> bool:
    return name.endswith(".v")
