"""A serial line of the operating system as bytes: opened raw, read with a time limit."""

from __future__ import annotations

import os
import select
import termios
import time
import tty
from types import TracebackType

from .errors import ToolError, UsageError

_READ = 1 << 16


class SerialLine:
    """An open serial line, or a pseudo-terminal; use it as a context.

    Parameters
    ----------
    path : str
        Such as /dev/ttyUSB0.
    baud : int

    Raises
    ------
    UsageError
        The line cannot be opened, or the system does not know the rate.
    """

    def __init__(self, path: str, baud: int) -> None:
        self.path = path
        speed = getattr(termios, f"B{baud}", None)
        if speed is None:
            raise UsageError(f"--port {path}: this system knows no rate of {baud} baud")
        try:
            self._file = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise UsageError(f"--port {path}: cannot be opened ({error.strerror}); see which ports are there") from None
        try:
            tty.setraw(self._file)
            settings = termios.tcgetattr(self._file)
            settings[2] = settings[2] & ~termios.CRTSCTS | termios.CLOCAL | termios.CREAD
            settings[4] = settings[5] = speed
            termios.tcsetattr(self._file, termios.TCSANOW, settings)
            termios.tcflush(self._file, termios.TCIOFLUSH)
        except termios.error as error:
            os.close(self._file)
            raise UsageError(f"--port {path}: is no serial line ({error.args[-1]})") from None

    def __enter__(self) -> SerialLine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._file)

    def write(self, data: bytes, seconds: float) -> None:
        """Send all of `data`; ToolError if the line takes no more within `seconds`."""
        deadline, left = time.monotonic() + seconds, memoryview(data)
        while left:
            _, ready, _ = select.select([], [self._file], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                raise ToolError(f"{self.path}: takes no more bytes; is the board still there?")
            try:
                left = left[os.write(self._file, left) :]
            except OSError as error:
                raise self._gone(error) from None

    def read(self, seconds: float) -> bytes:
        """What has come; waits up to `seconds` for the first byte, and gives b"" if there is none."""
        ready, _, _ = select.select([self._file], [], [], max(0.0, seconds))
        try:
            return os.read(self._file, _READ) if ready else b""
        except OSError as error:
            raise self._gone(error) from None

    def _gone(self, error: OSError) -> ToolError:
        return ToolError(f"{self.path}: {error.strerror}; is the board still there?")
