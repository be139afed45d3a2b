"""The commands for boards: bitstream, infer."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import click

from ..base.choices import BOARD_NAMES
from ..base.text import percent, printable
from .options import Frames
from .parameters import Argument, Option, command
from .settings import Settings

if TYPE_CHECKING:
    from ..pipeline import BitstreamResult, InferResult


@dataclass(frozen=True, kw_only=True)
class BitstreamOptions:
    """The options of `fpgaq bitstream`."""

    directory: Annotated[str, Argument("DIR")]
    board: Annotated[str, Option("The board.", kind=click.Choice(BOARD_NAMES))]
    output: Annotated[
        str | None, Option("The folder to write.  [default: DIR with the board's name at its end]", "-o", metavar="DIR")
    ] = None
    baud: Annotated[int | None, Option("Rate of the serial line.  [default: 1000000]", metavar="N")] = None
    load: Annotated[bool, Option("Load the board by openFPGALoader.")] = False


@command(BitstreamOptions, "fpgaq bitstream out --board icebreaker")
def bitstream(settings: Settings, options: BitstreamOptions) -> None:
    """Make a bitstream with a serial line for a board.

    DIR is what `fpgaq generate --bus 32` wrote. Synthesis, place and route and packing run with tools from pip.
    """
    from .. import pipeline

    with settings.progress(f"making a bitstream for {options.board}") as progress:
        result = pipeline.bitstream(
            options.directory, options.board, options.output, baud=options.baud, progress=progress
        )
        if options.load:
            progress(f"loading {result.board.title}")
            pipeline.load_board(result)
    settings.show([*bitstream_lines(result), *(["loaded"] if options.load else [])], result.as_json())


def bitstream_lines(result: BitstreamResult) -> list[str]:
    """What the design takes, how fast it is, and how the board is loaded."""
    made, board = result.bitstream, result.board
    counts, shares = made.counts, made.shares
    used = ", ".join(
        f"{getattr(counts, name):,} {shown} ({percent(shares[name])})"
        for name, shown in (("lut", "LUT"), ("ff", "FF"), ("dsp", "DSP"), ("bram", "block RAM"))
        if name in shares
    )
    core = f"{result.core_fps:,.0f}" if result.core_fps else "?"
    return [
        f"{board.title} ({board.part}): {used}",
        f"{made.fmax_mhz:.1f} MHz after routing with seed {made.seed}; the board's clock has {board.clock_mhz:g} MHz",
        f"predicted frames a second: {result.link_fps:,.0f} over {result.baud:,} baud, {core} of the core alone",
        f"{', '.join(made.tools)}; {made.seconds:.1f} s",
        f"written: {printable(str(result.directory))}/{result.file} ({len(made.content):,} bytes);"
        " simulated, not tried on hardware",
        *([f"its USB is no serial line: join an adapter of 3.3 V to the {board.header}"] if board.header else []),
        f"load it: {printable(shlex.join(result.load_command))}",
    ]


@dataclass(frozen=True, kw_only=True)
class InferOptions:
    """The options of `fpgaq infer`."""

    directory: Annotated[str, Argument("DIR")]
    port: Annotated[str, Option("The board's serial port, or `sim` for the board simulated.", metavar="PORT")]
    data: Annotated[str | None, Option("Samples; by default those inside the network.", metavar="NPZ")] = None
    frames: Frames = None
    timeout: Annotated[float | None, Option("Seconds that an answer may take.", metavar="S")] = None
    weights: Annotated[
        str | None,
        Option("Where weights are loadable: load those of this network instead of DIR's own.", metavar="FPGAQ"),
    ] = None


@command(InferOptions, "fpgaq infer out-icebreaker --port /dev/ttyUSB1 --data test.npz")
def infer(settings: Settings, options: InferOptions) -> None:
    """Send samples to a board, and compare every bit of what it computes.

    DIR is what `fpgaq bitstream` wrote. The board's network, each packet's CRC and each output are checked.
    """
    from .. import pipeline

    with settings.progress(f"sending frames to {options.port}") as progress:
        result = pipeline.infer(
            options.directory,
            options.port,
            options.data,
            frames=options.frames,
            timeout=options.timeout,
            weights=options.weights,
            progress=progress,
        )
    settings.show(infer_lines(result), result.as_json())


def infer_lines(result: InferResult) -> list[str]:
    """How many frames are equal, how fast they went, and what was damaged on the line."""
    simulated = " of simulation" if result.port == "sim" else ""
    return [
        *map(printable, result.notes),
        f"{result.frames:,} frames, every output equal to the reference; {result.resent:,} packets sent again",
        f"{result.frames / result.seconds:,.1f} frames a second{simulated} ({result.seconds:.2f} s);"
        f" {result.frame_cycles:,} cycles of the board between the last two",
    ]
