"""Names and words of the model in generated text: here alone untrusted text becomes identifiers or comments."""

from __future__ import annotations

import re
import unicodedata

SLUG_LENGTH = 24
COMMENT_LENGTH = 60


def slug(name: str) -> str:
    """A short lower-case ASCII word made of `name`, fit to follow a prefix in an identifier; "x" if nothing is left."""
    plain = unicodedata.normalize("NFKD", name[:1000]).encode("ascii", "ignore").decode("ascii")
    words = re.sub(r"[^A-Za-z0-9]+", "_", plain).strip("_").lower()
    return words[:SLUG_LENGTH].strip("_") or "x"


def comment(text: str) -> str:
    """`text` fit for a comment of one line: printable ASCII, nothing that ends a comment or starts a directive."""
    shown = text[: COMMENT_LENGTH + 1]
    plain = "".join(c if " " <= c <= "~" and c not in '`\\*/"$' else "?" for c in shown)
    return plain if len(shown) <= COMMENT_LENGTH else plain[:COMMENT_LENGTH] + "..."


def layer_module(index: int, name: str) -> str:
    """The module name of a layer: unique by its index, readable by its slug."""
    return f"layer_{index:02d}_{slug(name)}"


def engine_module(number: int) -> str:
    """The module name of an engine."""
    return f"engine_{number:02d}_array"


def rom_module(index: int, name: str, content: str) -> str:
    """The module name of a layer's ROM of `content` ("weights", "biases")."""
    return f"rom_{index:02d}_{slug(name)}_{content}"
