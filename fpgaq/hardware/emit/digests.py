"""The digests in a folder's manifest.json, which bind everything in the folder to it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from ...base.record import as_bytes

MANIFEST = "manifest.json"


def with_digests(files: Mapping[str, str | bytes]) -> dict[str, str | bytes]:
    """The same files, but that manifest.json holds `digests`: SHA-256 of all others by path, as hexadecimal digits."""
    manifest = json.loads(files[MANIFEST])
    others = sorted((name, content) for name, content in files.items() if name != MANIFEST)
    manifest["digests"] = {name: hashlib.sha256(as_bytes(content)).hexdigest() for name, content in others}
    return {**files, MANIFEST: json.dumps(manifest, indent=2) + "\n"}
