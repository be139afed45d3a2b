"""The user's cache folder: what is in it is read and even run later, so that nobody else may write there."""

from __future__ import annotations

import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path

from .errors import ToolError

_PRIVATE = 0o700


def cache_folder(kind: str) -> Path:
    """``fpgaq/KIND`` under XDG_CACHE_HOME, by default ``~/.cache``; a relative one is ignored, as the XDG rules say."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if os.path.isabs(base) else Path.home() / ".cache") / "fpgaq" / kind


def private_folder(kind: str) -> Path:
    """The cache folder, made if it is missing.

    Raises
    ------
    ToolError
        It belongs to somebody else, is a link or no folder, or cannot be made private.
    OSError
        It cannot be made.
    """
    folder = cache_folder(kind)
    folder.parent.parent.mkdir(parents=True, exist_ok=True)
    for place in (folder.parent, folder):
        with suppress(FileExistsError):
            place.mkdir(mode=_PRIVATE)
        found = os.lstat(place)
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
            raise _untrusted(place, "is not a folder of this user")
        if stat.S_IMODE(found.st_mode) != _PRIVATE:
            if found.st_mode & 0o022:
                raise _untrusted(place, f"can be written by others (mode {stat.S_IMODE(found.st_mode):o})")
            # Readable by others, as former versions made it: nothing foreign can be in there.
            place.chmod(_PRIVATE)
    return folder


def is_trusted(path: Path) -> bool:
    """Whether an entry is a regular file of this user that nobody else can write."""
    try:
        found = os.lstat(path)
    except OSError:
        return False
    return stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o022


def keep(path: Path, content: bytes) -> None:
    """Write an entry whole: several runs may write it at once, so it is renamed into its place. May raise OSError."""
    temporary = path.with_name(f"{path.name}.{secrets.token_hex(6)}.new")
    try:
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
            stream.write(content)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _untrusted(place: Path, why: str) -> ToolError:
    return ToolError(
        f"{place}: {why}, and what it holds would be used: remove it, or let XDG_CACHE_HOME name another folder"
    )
