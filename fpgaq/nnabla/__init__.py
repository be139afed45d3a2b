"""nnabla graphs: training, surgery, fixed-point conversion, and parity with the integer network.

This package alone needs nnabla, hence CPython 3.10. Importing it elsewhere raises ToolError with the remedy.
"""

from __future__ import annotations

import sys

from ..base.errors import ToolError
from ..base.extras import install_command

try:
    import nnabla  # noqa: F401
except ImportError:
    version = ".".join(map(str, sys.version_info[:2]))
    raise ToolError(
        f"nnabla is not installed (this is Python {version}); training and parity need nnabla 1.39, whose wheels are"
        f" for CPython 3.10: there, {install_command('nnabla')}"
    ) from None

from .activations import quantize_activations
from .batchnorm import fold_batchnorm
from .files import Network, listing, load_network, save_network, with_batch_stat
from .fixed_point import convert_fixed_point
from .rebuild import functions, insert_after
from .training import Epoch, TrainOptions, accuracy, predict, train, trainable

__all__ = [
    "Epoch",
    "Network",
    "TrainOptions",
    "accuracy",
    "convert_fixed_point",
    "fold_batchnorm",
    "functions",
    "insert_after",
    "listing",
    "load_network",
    "predict",
    "quantize_activations",
    "save_network",
    "train",
    "trainable",
    "with_batch_stat",
]
