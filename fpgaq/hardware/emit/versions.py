"""The version of an output folder's manifest: what reads a folder refuses one of another version by this."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...base.errors import ModelError

MANIFEST_VERSION = 1
"""What `fpgaq` says in manifest.json; it counts up when an older reader would misread what is new."""


def check_version(directory: Path, manifest: Mapping[str, Any]) -> None:
    """Refuse a manifest of another version; one that states none is left to its reader.

    Raises
    ------
    ModelError
        The message has the command that writes the folder anew.
    """
    version = manifest.get("fpgaq", MANIFEST_VERSION)
    if type(version) is not int or version != MANIFEST_VERSION:
        remedy = shlex.join(["fpgaq", "generate", str(directory / "network.fpgaq"), "-o", str(directory)])
        raise ModelError(
            f"{directory}: its manifest has version {version!r:.40}, this fpgaq reads version {MANIFEST_VERSION};"
            f" run `{remedy}`"
        )
