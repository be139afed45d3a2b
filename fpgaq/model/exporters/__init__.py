"""From the float graph back to files that other programs read."""

from __future__ import annotations

from .nnp import dump_nnp, parameter_names, parameters_of, save_nnp, with_parameters

__all__ = ["dump_nnp", "parameter_names", "parameters_of", "save_nnp", "with_parameters"]
