"""What in an output folder is fpgaq's own, by its bytes: only that may a later build delete.

`MARKER` lists the files that a build wrote, and `PRODUCTS` in any folder below it what a run of the bench left there,
each with its SHA-256 in the form of `sha256sum`. A file that is in no list, or is not as its list says, is the
user's. So is everything in `USER_FOLDER`, and what the user names to be kept: that stays whatever is written.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path, PurePosixPath

from .errors import UsageError

MARKER = ".fpgaq-output"
"""The file that lists what fpgaq wrote into a folder: a folder without it is not ours."""

PRODUCTS = ".fpgaq-products"
"""The file that lists what a run left in the folder that it is in; ``bench/run.py`` and the HLS Makefile write it."""

USER_FOLDER = "bench/user"
"""A place for files of the user, which every build carries over."""

_TITLE = "# written by fpgaq; the next build replaces these files as long as they have these digests"
_OLD_TITLE = "# written by fpgaq; the next build replaces these files"
_ENTRY = re.compile(r"([0-9a-f]{64})  (.+)")
_BYTECODE = re.compile(r"(?:(.*)/)?__pycache__/([^/.]+)\.[^/]+\.pyc")


def marker_text(files: Mapping[str, str | bytes]) -> str:
    """The text of `MARKER` for files that are about to be written; ValueError if a name leaves the folder."""
    lines = [_TITLE]
    for name, content in sorted(files.items()):
        if not _is_inside(name) or name == MARKER:
            raise ValueError(f"{name!r} is no relative path of an output file")
        lines.append(f"{hashlib.sha256(as_bytes(content)).hexdigest()}  {name}")
    return "\n".join([*lines, ""])


def products_text(folder: Path, name: str, content: str | bytes) -> str:
    """The text of `PRODUCTS` once a file of this content is one of the products beside those that are still there."""
    entries = {
        each: digest for each, digest in _entries(_lines(folder / PRODUCTS)).items() if (folder / each).is_file()
    }
    entries[name] = hashlib.sha256(as_bytes(content)).hexdigest()
    return "".join(f"{digest}  {each}\n" for each, digest in sorted(entries.items()))


def as_bytes(content: str | bytes) -> bytes:
    """What a file of this content holds; text is UTF-8."""
    return content if isinstance(content, bytes) else content.encode("utf-8")


def check_keep(keep: Collection[str]) -> tuple[str, ...]:
    """Paths in the folder to be kept, the user's folder among them; UsageError if one leads out of it."""
    kept = [USER_FOLDER]
    for name in keep:
        plain = name.rstrip("/").removeprefix("./")
        if not _is_inside(plain) or plain == MARKER:
            raise UsageError(f"--keep {name}: name a file or a folder by its path inside the output folder")
        kept.append(plain)
    return tuple(kept)


def is_kept(name: str, keep: Collection[str]) -> bool:
    """Whether a file is one of `keep` or lies in one."""
    return any(name == kept or name.startswith(f"{kept}/") for kept in keep)


def find_foreign(folder: Path, keep: Collection[str]) -> str | None:
    """What of a folder must not be deleted, as the end of a sentence that begins with the folder; None if nothing."""
    marker = _lines(folder / MARKER)
    if marker[:1] == [_OLD_TITLE]:
        return "was written by an fpgaq that kept no digests of its files"
    ours = _entries(marker[1:]) if marker[:1] == [_TITLE] else None
    for name in _files(folder, empty_folders=ours is None):
        if is_kept(name, keep) or (ours is not None and name == MARKER):
            continue
        if ours is None or not (_is_unchanged(folder, name, ours) or _is_product(folder, name, ours)):
            changed = ours is not None and name in ours
            return f"holds {name!r}, which " + (
                "was changed after fpgaq wrote it" if changed else "fpgaq did not write"
            )
    return None


def kept_files(folder: Path, keep: Collection[str]) -> list[str]:
    """Relative paths of everything but folders that is to be kept."""
    return [name for name in _files(folder, empty_folders=False) if is_kept(name, keep)]


def _files(folder: Path, *, empty_folders: bool) -> Iterator[str]:
    """Relative paths of all but folders, with forward slashes; a link to a folder is no folder."""
    for root, folders, names in os.walk(folder):
        links = [name for name in folders if os.path.islink(os.path.join(root, name))]
        for name in sorted([*names, *(folders if empty_folders else links)]):
            yield Path(os.path.relpath(os.path.join(root, name), folder)).as_posix()


def _is_inside(name: str) -> bool:
    pure = PurePosixPath(name)
    return bool(name) and not pure.is_absolute() and ".." not in pure.parts and str(pure) == name and name != "."


def _lines(path: Path) -> list[str]:
    if path.is_symlink() or not path.is_file():
        return []
    return path.read_text(encoding="utf-8", errors="replace").splitlines()


def _entries(lines: list[str]) -> dict[str, str]:
    """Digests by name."""
    return {entry[2]: entry[1] for entry in map(_ENTRY.fullmatch, lines) if entry}


def _is_unchanged(folder: Path, name: str, digests: Mapping[str, str]) -> bool:
    path = folder / name
    if name not in digests or path.is_symlink() or not path.is_file():
        return False
    return hashlib.sha256(path.read_bytes()).hexdigest() == digests[name]


def _is_product(folder: Path, name: str, ours: Mapping[str, str]) -> bool:
    """Whether a run of the bench left a file, and left it so."""
    # What Python makes of a source of ours, by the name that only Python gives.
    compiled = _BYTECODE.fullmatch(name)
    if compiled is not None:
        return "/".join(filter(None, (compiled[1], f"{compiled[2]}.py"))) in ours
    place = folder / name
    products = _entries(_lines(place.parent / PRODUCTS))
    if place.name == PRODUCTS:
        return not place.is_symlink() and bool(products)
    return _is_unchanged(place.parent, place.name, products)
