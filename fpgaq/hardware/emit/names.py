"""Names and words of the model in generated text: only here untrusted text becomes identifiers or comments."""

from __future__ import annotations

import re
import unicodedata

from ...integer.graph import (
    IntegerAffine,
    IntegerConvolution,
    IntegerMaxPooling,
    IntegerOperator,
    IntegerSumPooling,
)

SLUG_LENGTH = 24
COMMENT_LENGTH = 100


def slug(name: str) -> str:
    """A short lower-case ASCII word made of `name`, fit to follow a prefix in an identifier; "x" if nothing is left."""
    plain = unicodedata.normalize("NFKD", name[:1000]).encode("ascii", "ignore").decode("ascii")
    words = re.sub(r"[^A-Za-z0-9]+", "_", plain).strip("_").lower()
    return words[:SLUG_LENGTH].strip("_") or "x"


def comment(text: str) -> str:
    """`text` fit for a comment of one line: printable ASCII, nothing that continues or nests a comment, no directive.

    A reader finds the layer by it, so that all else stays: a ``/`` separates the scopes of most models. No line may
    begin with it, because linters and synthesizers take some words at the start of a comment for commands.
    """
    shown = text[: COMMENT_LENGTH + 1]
    plain = "".join(c if " " <= c <= "~" and c != "`" else "?" for c in shown)
    plain = plain.replace("/*", "/?").replace("*/", "?/")
    if len(shown) > COMMENT_LENGTH:
        return plain[:COMMENT_LENGTH] + "..."
    # A line of C++ continues after a backslash at its end, in some modes after the trigraph ??/ too.
    return plain[:-1] + "?" if plain.endswith(("\\", "??/")) else plain


def layer_module(index: int, name: str) -> str:
    """The module name of a layer: unique by its index, readable by its slug."""
    return f"layer_{index:02d}_{slug(name)}"


def engine_module(number: int) -> str:
    """The module name of an engine."""
    return f"engine_{number:02d}_array"


def rom_module(index: int, name: str, content: str) -> str:
    """The module name of a layer's ROM of `content` ("weights", "biases")."""
    return f"rom_{index:02d}_{slug(name)}_{content}"


def summary(op: IntegerOperator) -> str:
    """What an operator does, in a few words for a comment."""
    if isinstance(op, IntegerConvolution):
        kernel = f"{op.weight.shape[1]}x{op.weight.shape[2]}"
        grouped = f", {op.groups} groups" if op.groups > 1 else ""
        return f"convolution {kernel}, stride {op.stride[0]}x{op.stride[1]}, padding {op.padding}{grouped}"
    if isinstance(op, IntegerAffine):
        return f"affine, {op.weight.shape[1]} to {op.weight.shape[0]}"
    if isinstance(op, IntegerMaxPooling | IntegerSumPooling):
        kind = "max" if isinstance(op, IntegerMaxPooling) else "sum"
        window = f"{op.kernel[0]}x{op.kernel[1]}, stride {op.stride[0]}x{op.stride[1]}, padding {op.padding}"
        return f"{kind} pooling {window}"
    return type(op).__name__.removeprefix("Integer").lower()
