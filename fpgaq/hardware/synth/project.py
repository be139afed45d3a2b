"""The Verilog files of a generated folder, as its manifest.json lists them."""

from __future__ import annotations

import json
import string
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...base.errors import ModelError, UsageError
from ...base.kinds import expect
from ...base.regular import read_text
from ..emit.versions import check_version

# What generated names are made of; anything else would need quoting in the scripts of three tools.
_CHARACTERS = frozenset(f"{string.ascii_letters}{string.digits}_.-")


@dataclass(frozen=True)
class Project:
    """A generated folder: `files` are relative to `folder`, in compile order; `top` is the top module.

    `memory_files` are what ROMs read their words from. `instances` are those in the top module, each with the name of
    its module or cell; none where the manifest lists no modules, as in a folder that another program wrote.
    """

    folder: Path
    top: str
    files: tuple[str, ...]
    memory_files: tuple[str, ...] = ()
    instances: Mapping[str, str] = field(default_factory=dict)


def read_project(directory: Path, wrapped: bool = False) -> Project:
    """Read `directory`/manifest.json.

    Parameters
    ----------
    directory : Path
    wrapped : bool
        Take the wrapper around the core for the top, if there is one.

    Raises
    ------
    ModelError
        If the folder has no manifest, the manifest is of another version or lacks `top` or `files`, or a file that
        it lists is missing.
    """
    expect(directory, "folder")
    path = directory / "manifest.json"
    try:
        manifest: Any = json.loads(read_text(path, "a folder that `fpgaq generate` wrote"))
    except FileNotFoundError as error:
        raise ModelError(f"{directory}: has no manifest.json; give a folder that `fpgaq generate` wrote") from error
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"{path}: cannot be read ({error}); generate the folder again") from error
    if isinstance(manifest, dict) and manifest.get("target") == "hls":
        raise UsageError(f"{directory}: holds HLS C++; Yosys reads Verilog: generate it without --language hls")
    if isinstance(manifest, dict):
        check_version(directory, manifest)
    wrapper = manifest.get("wrapper") if isinstance(manifest, dict) else None
    if wrapped and isinstance(wrapper, dict):
        manifest = {"top": wrapper.get("module"), "files": wrapper.get("files")}
    top = manifest.get("top") if isinstance(manifest, dict) else None
    files = manifest.get("files") if isinstance(manifest, dict) else None
    if not isinstance(top, str) or not (top.isascii() and top.isidentifier()):
        raise ModelError(f"{path}: `top` is {top!r}, expected a Verilog identifier; generate the folder again")
    if not isinstance(files, list) or not files:
        raise ModelError(f"{path}: `files` is {files!r}, expected a list of paths; generate the folder again")
    _check_paths(path, "files", files)
    memories = manifest.get("memory_files", [])
    _check_paths(path, "memory_files", memories)
    verilog = tuple(name for name in files if _is_verilog(name))
    return Project(directory, top, verilog, tuple(memories), _top_instances(path, manifest.get("modules", []), top))


def _check_paths(path: Path, key: str, names: Any) -> None:
    """Refuse anything but a list of plain paths of existing files; `path` is the manifest's."""
    if not isinstance(names, list):
        raise ModelError(f"{path}: `{key}` is {names!r}, expected a list of paths; generate the folder again")
    for name in names:
        if not isinstance(name, str) or not _is_plain(name):
            raise ModelError(f"{path}: `{key}` has {name!r}, expected a plain path inside the folder")
        found = path.parent / name
        if not found.is_file():
            raise ModelError(f"{found}: is listed in manifest.json but missing; generate the folder again")


def _top_instances(path: Path, modules: Any, top: str) -> dict[str, str]:
    """The instances that the manifest lists in the top module; none if it lists no modules."""
    try:
        listed = [module["instances"] for module in modules if module["module"] == top]
        return {str(name): str(module) for instances in listed for name, module in instances.items()}
    except (TypeError, KeyError, AttributeError) as error:
        raise ModelError(f"{path}: `modules` is not a list of modules; generate the folder again") from error


def _is_plain(path: str) -> bool:
    """Whether no tool's script needs quotes for a path, and nothing in it leads out of the folder."""
    return all(part[:1] not in ("", ".", "-") and _CHARACTERS.issuperset(part) for part in path.split("/"))


def _is_verilog(name: str) -> bool:
    return name.endswith(".v")
