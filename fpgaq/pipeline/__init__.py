"""The stages, once and in order. Read `build` from top to bottom to know the program; the rest are its steps.

`load_model` makes a Graph of a model file, `quantize` an IntegerGraph of that, `compare` holds the two against each
other, `generate` makes a folder of Verilog with its bench, `simulate` proves it, `synthesize` counts what it takes.
"""

from __future__ import annotations

from ..base.choices import LANGUAGES
from ..study.report.report import Report
from .boards import BitstreamResult, InferResult, bitstream, infer, load_board
from .building import BuildResult, build
from .exporting import export
from .hardware import (
    DEFAULT_MULTIPLIERS,
    LOWERED_FILE,
    NETWORK_FILE,
    GenerateResult,
    generate,
)
from .images import ImageResult, image
from .models import load_integer, load_model, save_integer, save_model
from .packaging import PackageResult, package
from .quantizing import compare, quantize, run, run_with_engine
from .reporting import gather, with_hardware, write_report
from .samples import DATA_FRAMES, Samples
from .searches import explore, search, sensitivity
from .simulating import simulate
from .splitting import SplitResult, split
from .synthesizing import synthesize
from .unrolled import UnrollResult, cheapen, unroll

__all__ = [
    "BitstreamResult",
    "BuildResult",
    "DATA_FRAMES",
    "DEFAULT_MULTIPLIERS",
    "GenerateResult",
    "ImageResult",
    "InferResult",
    "LANGUAGES",
    "LOWERED_FILE",
    "NETWORK_FILE",
    "PackageResult",
    "Report",
    "Samples",
    "SplitResult",
    "UnrollResult",
    "bitstream",
    "build",
    "cheapen",
    "compare",
    "explore",
    "export",
    "gather",
    "generate",
    "image",
    "infer",
    "load_board",
    "load_integer",
    "load_model",
    "package",
    "quantize",
    "run",
    "run_with_engine",
    "save_integer",
    "save_model",
    "search",
    "sensitivity",
    "simulate",
    "split",
    "synthesize",
    "unroll",
    "with_hardware",
    "write_report",
]
