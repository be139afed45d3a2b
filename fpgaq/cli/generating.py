"""The options of `fpgaq generate`, which the folded and the unrolled way to hardware share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import click

from ..base.choices import Language
from .options import ArrayOptions, Folder, Frames, Keep, TargetOptions, Thorough
from .parameters import Argument, Option
from .pixels import PixelOptions
from .wrapper import WishOptions


@dataclass(frozen=True, kw_only=True)
class UnrollOptions:
    """Products in logic instead of multipliers."""

    headings: ClassVar[dict[str, str]] = {"unroll": "Without multipliers"}

    unroll: Annotated[bool, Option("Put every product into logic, a frame a cycle: for tiny networks.")] = False
    levels: Annotated[int | None, Option("With --unroll: chains between registers.  [default: 2]", metavar="N")] = None
    stages: Annotated[int | None, Option("With --unroll: at most N registers in all.", metavar="N")] = None
    shallow: Annotated[bool, Option("With --unroll: a faster clock at more logic.")] = False
    tables: Annotated[
        int | None, Option("With --unroll: inputs of the look-up tables, 4 or 6.  [default: 6]", metavar="N")
    ] = None
    adders: Annotated[bool, Option("Use no multipliers in layers that use all their weights in every cycle.")] = False


@dataclass(frozen=True, kw_only=True)
class GenerateOptions:
    """The options of `fpgaq generate`."""

    integer: Annotated[str, Argument("FPGAQ")]
    output: Folder
    language: Annotated[
        Language,
        Option("Language of the output: Verilog, or HLS C++; --target is the old name.", "--language", "--target"),
    ] = "verilog"
    target: TargetOptions
    beats: PixelOptions
    data: Annotated[
        str | None,
        Option("Frames for the bench; by default the samples inside FPGAQ.", metavar="NPZ"),
    ] = None
    samples: ArrayOptions
    frames: Frames = None
    thorough: Thorough = False
    factor_bits: Annotated[
        int | None,
        Option(
            "Let outputs share multipliers of a factor of BITS: 25 on AMD's series 7, 27 on UltraScale+, 18 on ECP5.",
            "--pack",
            metavar="BITS",
            kind=click.IntRange(8, 48),
        ),
    ] = None
    logic_bits: Annotated[
        int | None,
        Option(
            "Build products of at most BITS bits, both factors' together, without multipliers (8: 4 by 4).",
            "--logic",
            metavar="BITS",
            kind=click.IntRange(0, 32),
        ),
    ] = None
    buffers: Annotated[bool, Option("Also show what the sizes of line buffers and queues buy.")] = False
    system: WishOptions
    unrolling: UnrollOptions
    keep: Keep = ()
