"""Packages that are extras of the installation, and the message where one of them is missing."""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType

from .errors import ToolError


def install_command(extra: str) -> str:
    """The command that installs an extra."""
    return f"pip install 'fpgaq[{extra}]'"


def system_command(debian: str, brew: str) -> str:
    """The command that installs a program of the operating system, by its names in Debian and in Homebrew."""
    return f"brew install {brew}" if sys.platform == "darwin" else f"sudo apt-get install {debian}"


def import_extra(module: str, extra: str, wanted_by: str) -> ModuleType:
    """Import a module of an extra.

    Parameters
    ----------
    module : str
        Its dotted name.
    extra : str
        The extra of fpgaq that brings it.
    wanted_by : str
        What needs it, for the message.

    Raises
    ------
    ToolError
        The package is not installed.
    """
    package = module.partition(".")[0]
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if not error.name or error.name.partition(".")[0] != package:
            raise
        raise ToolError(
            f"{wanted_by} needs the package {package}, which is not installed: {install_command(extra)}"
        ) from None
