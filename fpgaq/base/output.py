"""Writing output: whole or not at all.

A folder is written next to its target and swapped in by one rename, so that a run that is killed at any moment
leaves the previous output as it was. The next run removes what such a run leaves. A file that fpgaq did
not write, or that is no longer as fpgaq wrote it, is never deleted (`fpgaq.base.record` tells which those are).
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import hashlib
import os
import secrets
import shutil
import stat
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from .errors import UsageError
from .record import (
    MARKER,
    PRODUCTS,
    USER_FOLDER,
    as_bytes,
    check_keep,
    find_foreign,
    kept_files,
    marker_text,
    products_text,
)
from .regular import kind_of_file

__all__ = ["MARKER", "check_file", "check_folder", "write_file", "write_folder", "write_product"]

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


def write_folder(target: str | Path, files: Mapping[str, str | bytes], keep: Collection[str] = ()) -> None:
    """Make `target` a folder that holds exactly `files`, and what of the user is to be kept.

    Parameters
    ----------
    target : str or Path
        A folder that does not exist, is empty, or was written by this function before.
    files : mapping of str to str or bytes
        Contents by relative path with forward slashes; text is written as UTF-8.
    keep : collection of str
        Files and folders in `target` that stay as they are, as ``bench/user`` does. One of `files` that is among them
        is not written.

    Raises
    ------
    UsageError
        The target is a file, a symbolic link, the current folder or a folder with files of others, or the place
        cannot be written. The target is then as it was.
    """
    path, keep = _absolute(target), check_keep(keep)
    try:
        with _parents(path.parent), _lock(path):
            _remove_leftovers(path)
            _check_target(path, target, keep)
            kept = kept_files(path, keep)
            written = {name: content for name, content in files.items() if name not in kept}
            temporary = path.parent / f"{_prefix(path)}{secrets.token_hex(6)}"
            try:
                _write_all(temporary, {**written, MARKER: marker_text(written)})
                _carry_over(path, temporary, kept)
                _swap(temporary, path)
            finally:
                shutil.rmtree(temporary, ignore_errors=True)
    except OSError as error:
        raise _refusal(target, error) from None


def write_file(target: str | Path, content: str | bytes) -> None:
    """Write one file whole or not at all; UsageError as `check_file` raises it."""
    check_file(target)
    path = Path(os.path.abspath(target))
    temporary = path.parent / f"{_prefix(path)}{secrets.token_hex(6)}"
    try:
        try:
            with temporary.open("xb") as stream:
                stream.write(as_bytes(content))
                stream.flush()
                # On the disk before the old file goes: a machine that stops keeps one of the two.
                os.fsync(stream.fileno())
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise _refusal(target, error) from None


def write_product(folder: Path, name: str, content: str | bytes) -> None:
    """Write a file into an output folder as a product: a later build may replace it as long as it stays as it is.

    Raises
    ------
    UsageError
        A place that cannot be written.
    """
    write_file(folder / name, content)
    write_file(folder / PRODUCTS, products_text(folder, name, content))


def check_folder(target: str | Path, keep: Collection[str] = ()) -> None:
    """Raise UsageError if `write_folder` would refuse `target`, before any work is done for it."""
    path, keep = _absolute(target), check_keep(keep)
    try:
        _check_target(path, target, keep)
        ancestor = path.parent
        while not ancestor.exists():
            ancestor = ancestor.parent
        _check_place(ancestor, target)
    except OSError as error:
        raise _refusal(target, error) from None


def check_file(target: str | Path) -> None:
    """Raise UsageError if a file could not be written at `target`, before any work is done for it.

    Only a new file or a regular one is written: a rename would put an end to a device, a FIFO or a link of that name.
    """
    path = Path(os.path.abspath(target))
    try:
        _check_place(path.parent, target)
        with suppress(FileNotFoundError):
            mode = os.lstat(path).st_mode
            if not stat.S_ISREG(mode):
                raise UsageError(f"{target}: is {kind_of_file(mode)}; name a new file, or a regular one to replace")
    except OSError as error:
        raise _refusal(target, error) from None


def _check_place(folder: Path, target: str | Path) -> None:
    if not folder.is_dir() or not _writable(folder):
        raise UsageError(f"{target}: {folder} is no folder that can be written; choose another place")


def _absolute(target: str | Path) -> Path:
    path = Path(os.path.abspath(target))
    current = Path.cwd()
    if path == current or path in current.parents:
        raise UsageError(f"{target}: is the current folder or above it; name a folder below, such as ./build")
    return path


def _refusal(target: str | Path, error: OSError) -> UsageError:
    reason = error.strerror or str(error)
    return UsageError(f"{target}: cannot be written ({reason}); choose another place or make room")


def _prefix(path: Path) -> str:
    # The name itself could make a file name that is too long, and could begin like a neighbour's.
    return f".fpgaq-{hashlib.sha256(os.fsencode(path.name)).hexdigest()[:12]}-"


def _writable(folder: Path) -> bool:
    return os.access(folder, os.W_OK | os.X_OK, effective_ids=os.access in os.supports_effective_ids)


def _check_target(path: Path, target: str | Path, keep: Collection[str]) -> None:
    if path.is_symlink():
        raise UsageError(f"{target}: is a symbolic link; name the folder itself or a new one")
    if not path.exists():
        return
    if not path.is_dir():
        raise UsageError(f"{target}: is a file, not a folder; choose another place")
    if not _writable(path):
        raise UsageError(f"{target}: is read-only; make it writable or choose another place")
    foreign = find_foreign(path, keep)
    if foreign is not None:
        raise UsageError(
            f"{target}: {foreign}; move it away, put files of yours into {USER_FOLDER}/ or name them with --keep FILE,"
            " or choose an empty folder"
        )


@contextmanager
def _parents(folder: Path) -> Iterator[None]:
    """Make missing parents; remove them again if the work inside fails."""
    missing = [place for place in (folder, *folder.parents) if not place.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except BaseException:
        for place in missing:
            with suppress(OSError):
                place.rmdir()
        raise


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    """Hold the only right to write `path`; other builds wait. The lock of a killed process is free."""
    name = path.parent / f"{_prefix(path)}lock"
    while True:
        descriptor = os.open(name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        # The holder removes the file before it lets go: what we then hold is no longer the lock.
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(descriptor), os.stat(name)):
                break
        os.close(descriptor)
    try:
        yield
    finally:
        name.unlink(missing_ok=True)
        os.close(descriptor)


def _remove_leftovers(path: Path) -> None:
    """Clear what killed runs left; their lock is ours now, so none of it is in use."""
    prefix = _prefix(path)
    aside = path.parent / f"{prefix}old"
    if aside.is_dir() and not path.exists():
        os.rename(aside, path)
    for entry in path.parent.iterdir():
        if entry.name.startswith(prefix) and entry.is_dir():
            shutil.rmtree(entry, ignore_errors=True)


def _write_all(folder: Path, contents: Mapping[str, str | bytes]) -> None:
    folder.mkdir()
    for name, content in contents.items():
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(as_bytes(content))


def _carry_over(source: Path, folder: Path, names: Collection[str]) -> None:
    """Give files of the user a second name in the new folder; where there are no such links, copies."""
    for name in names:
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(source / name, place, follow_symlinks=False)
        except (OSError, NotImplementedError):
            shutil.copy2(source / name, place, follow_symlinks=False)


def _swap(temporary: Path, path: Path) -> None:
    """Put `temporary` in the place of `path`; the old folder is then at `temporary`, or gone."""
    if not path.exists():
        os.rename(temporary, path)
        return
    if _exchange(temporary, path):
        return
    # Two renames; `_remove_leftovers` takes the old folder back if the process dies between them.
    aside = path.parent / f"{_prefix(path)}old"
    os.rename(path, aside)
    try:
        os.rename(temporary, path)
    except BaseException:
        os.rename(aside, path)
        raise
    shutil.rmtree(aside, ignore_errors=True)


def _exchange(first: Path, second: Path) -> bool:
    """Exchange two folders by Linux's renameat2 in one step; False where there is no such call."""
    try:
        call = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError):
        return False
    if call(_AT_FDCWD, os.fsencode(first), _AT_FDCWD, os.fsencode(second), _RENAME_EXCHANGE) == 0:
        return True
    code = ctypes.get_errno()
    if code in (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP):
        return False
    raise OSError(code, os.strerror(code))
