"""The errors that a user can cause, each with the exit code of its kind.

A message is one line and says where, what was found, what is allowed and what to do.
Anything else that escapes is a bug of fpgaq (exit code 1).
"""

from __future__ import annotations


class FpgaqError(Exception):
    """Base of every error that fpgaq reports in one line; `exit_code` is what the command line returns."""

    exit_code = 1


class UsageError(FpgaqError):
    """An option or argument that cannot be used as given."""

    exit_code = 2


class ModelError(FpgaqError):
    """A model or data file that is damaged, unsafe, inconsistent or incomplete."""

    exit_code = 3


class UnsupportedError(FpgaqError):
    """A sound model that uses an operator or feature which fpgaq does not carry."""

    exit_code = 4


class FitError(FpgaqError):
    """A network that cannot be quantized as asked, or hardware that does not fit its target."""

    exit_code = 5


class ToolError(FpgaqError):
    """An external tool that is missing or too old, or crashed."""

    exit_code = 6


class ToolTimeoutError(ToolError):
    """An external tool that did not finish in time, and was ended."""


class VerificationError(FpgaqError):
    """Two implementations of one network that do not agree."""

    exit_code = 7
