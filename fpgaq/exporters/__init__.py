"""From the float graph back to files that other programs read."""

from __future__ import annotations

from .nnp import dump_nnp, save_nnp

__all__ = ["dump_nnp", "save_nnp"]
