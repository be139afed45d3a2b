"""Opening files that others name: regular files only, so that no FIFO makes a reader wait and no device is drained."""

from __future__ import annotations

import io
import os
import stat
from pathlib import Path

from .errors import FpgaqError, ModelError

MAX_TEXT_BYTES = 1 << 24
"""Most bytes of a JSON or TOML file; reading one takes memory of some dozen times its size."""


def kind_of_file(mode: int) -> str:
    """The kind of thing in a file's place, with its article, by the mode that `os.stat` gives."""
    kinds = (
        (stat.S_ISREG, "a file"),
        (stat.S_ISDIR, "a folder"),
        (stat.S_ISLNK, "a symbolic link"),
        (stat.S_ISFIFO, "a FIFO"),
        (stat.S_ISSOCK, "a socket"),
    )
    return next((label for test, label in kinds if test(mode)), "a device")


def open_regular(path: str | Path, wanted: str, refusal: type[FpgaqError] = ModelError) -> io.BufferedReader:
    """Open a file for reading.

    Parameters
    ----------
    path : str or Path
    wanted : str
        What is expected there, for the message: "a model file".
    refusal : type of FpgaqError
        Of what is no regular file.

    Raises
    ------
    FpgaqError
        Of the class `refusal`: there is something that is no regular file.
    OSError
        It cannot be opened.
    """
    # Without this flag the call itself waits until a FIFO has a writer.
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NONBLOCK", 0))
    try:
        # What was opened, not what was there a moment before.
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(mode):
            raise refusal(f"{path}: is {kind_of_file(mode)}, not a file; {wanted} is needed")
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def read_text(path: str | Path, wanted: str, refusal: type[FpgaqError] = ModelError) -> str:
    """The content of a regular UTF-8 file of at most `MAX_TEXT_BYTES`; raises as `open_regular`, and ValueError."""
    with open_regular(path, wanted, refusal) as stream:
        content = stream.read(MAX_TEXT_BYTES + 1)
    if len(content) > MAX_TEXT_BYTES:
        raise refusal(f"{path}: is larger than {MAX_TEXT_BYTES >> 20} MiB; {wanted} is needed")
    return content.decode("utf-8")
