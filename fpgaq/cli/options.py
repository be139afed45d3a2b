"""Groups of options that several commands share, each with the step from the options to what the stages take."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, TypeAlias

import click

from ..base.choices import (
    DEVICES,
    ActivationRange,
    Edition,
    EngineName,
    Layout,
    Method,
    Rounding,
    Simulator,
    WeightDelta,
    WeightRounding,
)
from ..base.errors import UsageError
from .parameters import Option

if TYPE_CHECKING:
    from ..base.data import DataSource
    from ..hardware.schedule import Target
    from ..model.graph import Graph
    from ..quantizer.config import QuantizeOptions

MOST_CYCLES = 1 << 40
"""A frame: three hours at 100 MHz."""

DEVICE = click.Choice(DEVICES)

Calibration: TypeAlias = Annotated[str, Option("Training samples, .npy or .npz.", metavar="NPZ")]
Engine: TypeAlias = Annotated[
    EngineName,
    Option("What computes the integers: numpy, the network compiled from its HLS C++, or what proves faster."),
]
Folder: TypeAlias = Annotated[
    str, Option("The folder to write; an older output there is replaced.", "-o", metavar="DIR")
]
Frames: TypeAlias = Annotated[int | None, Option("How many frames of the data.", metavar="N")]
Keep: TypeAlias = Annotated[
    tuple[str, ...],
    Option(
        "Leave this file or folder of DIR as it is, by its path in DIR; may be given again. bench/user always stays.",
        metavar="FILE",
    ),
]
Thorough: TypeAlias = Annotated[bool, Option("As many chosen frames as every weight needs, not a few; takes longer.")]
SimulatorName: TypeAlias = Annotated[Simulator, Option("Which simulator.")]


@dataclass(frozen=True, kw_only=True)
class NoOptions:
    """The options of a command that has none of its own."""


@dataclass(frozen=True, kw_only=True)
class ArrayOptions:
    """Which arrays of a data file are meant."""

    x: Annotated[str | None, Option("The array of the samples, or the columns of a table: A,B.", metavar="NAME")] = None
    y: Annotated[str | None, Option("The array or column of the labels.", metavar="NAME")] = None

    def source(self, path: str) -> DataSource:
        """A data file, to be read as these options say."""
        from ..base.data import DataSource

        return DataSource(path, self.x, self.y)

    def optional(self, path: str | None) -> DataSource | None:
        """The same for a file that need not be given."""
        return None if path is None else self.source(path)


@dataclass(frozen=True, kw_only=True)
class DataOptions(ArrayOptions):
    """Which arrays of a data file are meant, and what brings them into the model's units."""

    layout: Annotated[Layout, Option("Order of the samples' axes; auto: the one that fits.")] = "auto"
    mean: Annotated[
        str | None, Option("The model takes (x * scale - mean) / std: one number, or one a channel.", metavar="LIST")
    ] = None
    std: Annotated[str | None, Option("See --mean.", metavar="LIST")] = None
    scale: Annotated[str | None, Option("See --mean; such as 1/255.", metavar="LIST")] = None

    def source(self, path: str) -> DataSource:
        """A data file, to be read as these options say."""
        from ..base.data import DataSource
        from ..base.preparation import make_preparation

        mean, std, scale = (
            numbers(text, f"--{name}") for name, text in (("mean", self.mean), ("std", self.std), ("scale", self.scale))
        )
        return DataSource(path, self.x, self.y, make_preparation(mean, std, scale, self.layout))

    def bare(self, path: str) -> DataSource:
        """A data file of the same arrays for a network that has its preparation stored."""
        return ArrayOptions.source(self, path)


def numbers(text: str | None, option: str) -> tuple[float, ...]:
    """A list of numbers or fractions of an option, such as 0.5,1/255; empty if it was not given."""
    if text is None:
        return ()
    try:
        parts = [part.split("/") for part in text.split(",")]
        return tuple(float(top) / float(bottom[0]) if bottom else float(top) for top, *bottom in parts)
    except (ValueError, ZeroDivisionError):
        raise UsageError(f"{option} {text!r}: numbers separated by commas are needed, such as 0.5 or 1/255") from None


@dataclass(frozen=True, kw_only=True)
class NetworkOptions:
    """What of a model file is read."""

    headings: ClassVar[dict[str, str]] = {"network": "Reading the model"}

    network: Annotated[str | None, Option("Which network of the model file.", metavar="NAME")] = None
    input_shape: Annotated[
        tuple[str, ...],
        Option(
            "Sizes that an .onnx leaves open, the batch in front, such as x=1,3,64,64; once for each input.",
            metavar="NAME=N,C,H,W",
        ),
    ] = ()
    outputs: Annotated[
        str | None, Option("Keep these outputs only, or end at these tensors: A,B.", metavar="NAMES")
    ] = None
    inputs: Annotated[str | None, Option("Begin at these tensors in place of the inputs.", metavar="NAMES")] = None

    def input_shapes(self) -> dict[str, tuple[int, ...]] | None:
        """The shapes of --input-shape by the names of the inputs; None if it was not given."""
        shapes: dict[str, tuple[int, ...]] = {}
        for text in self.input_shape:
            name, _, sizes = text.rpartition("=")
            parts = sizes.replace("x", ",").split(",")
            if not name or name in shapes or not all(part.isascii() and part.isdigit() and int(part) for part in parts):
                raise UsageError(
                    f"--input-shape {text!r}: give each input once, as NAME=1,3,64,64 with sizes of at least 1"
                )
            shapes[name] = tuple(int(part) for part in parts)
        return shapes or None

    def output_names(self) -> tuple[str, ...] | None:
        """The names of --outputs; None if it was not given."""
        return _names(self.outputs, "outputs")

    def input_names(self) -> tuple[str, ...] | None:
        """The names of --inputs; None if it was not given."""
        return _names(self.inputs, "inputs")

    def load(self, model: str | Path, *, passes: bool = True) -> Graph:
        """Read a model file as these options say."""
        return self._load(model, passes, refuse_batch_statistics=False)

    def _load(self, model: str | Path, passes: bool, refuse_batch_statistics: bool) -> Graph:
        from .. import pipeline

        return pipeline.load_model(
            model,
            self.network,
            passes=passes,
            refuse_batch_statistics=refuse_batch_statistics,
            input_shapes=self.input_shapes(),
            outputs=self.output_names(),
            inputs=self.input_names(),
        )


def _names(text: str | None, option: str) -> tuple[str, ...] | None:
    if text is None:
        return None
    names = tuple(name.strip() for name in text.split(","))
    if not all(names):
        raise UsageError(f"--{option} {text!r}: give names of {option}, separated by commas")
    return names


@dataclass(frozen=True, kw_only=True)
class ModelOptions(NetworkOptions):
    """What of a model file is read, and how."""

    refuse_batch_statistics: Annotated[
        bool,
        Option("Refuse a batch normalization saved in training mode; else its running statistics serve, with a note."),
    ] = False

    def load(self, model: str | Path, *, passes: bool = True) -> Graph:
        """Read a model file as these options say."""
        return self._load(model, passes, self.refuse_batch_statistics)


@dataclass(frozen=True, kw_only=True)
class QuantizeFlags:
    """Fields of `QuantizeOptions` by their names, each None where it was not given, and a file of them."""

    headings: ClassVar[dict[str, str]] = {
        "weight_bits": "Quantization",
        "rounding": "Rules of quantization, by default those of the method",
        "input_scale": "Inputs, outputs and what is between",
    }

    weight_bits: Annotated[int | None, Option("Bits of a weight, 2 to 16.  [default: 8]", metavar="BITS")] = None
    activation_bits: Annotated[int | None, Option("Bits of an activation, 2 to 16.  [default: 8]", metavar="BITS")] = (
        None
    )
    method: Annotated[Method | None, Option("What the rules below come from.  [default: auto]")] = None
    per_channel: Annotated[
        bool | None, Option("A weight step for each output channel, or one.", "--per-channel/--per-tensor")
    ] = None
    rounding: Annotated[Rounding | None, Option("Rule of every requantizer.  [default: half_up]")] = None
    narrow: Annotated[bool | None, Option("Symmetric signed range: never the most negative code.")] = None
    activation_range: Annotated[ActivationRange | None, Option("How activation steps are chosen.")] = None
    percentile: Annotated[
        float | None, Option("Percent of values that fit, for --activation-range percentile.", metavar="PERCENT")
    ] = None
    weight_delta: Annotated[WeightDelta | None, Option("How weight steps are chosen.")] = None
    weight_rounding: Annotated[WeightRounding | None, Option("Each weight alone, or by the output.")] = None
    bias_correction: Annotated[
        bool | None, Option("Biases take up the mean error.", "--bias-correction/--no-bias-correction")
    ] = None
    equalize: Annotated[bool | None, Option("Balance channels by their weights first.")] = None
    balance: Annotated[bool | None, Option("Balance channels by their activations first.")] = None
    per_feature: Annotated[
        bool | None, Option("Unlike features have input steps of their own.", "--per-feature/--shared-feature-step")
    ] = None
    max_shift_span: Annotated[
        int | None, Option("How far the shifts of one layer may differ.  [default: 2]", metavar="PLACES")
    ] = None
    input_scale: Annotated[float | None, Option("Input integer = round(x * scale + offset).", metavar="FACTOR")] = None
    input_offset: Annotated[float | None, Option("The offset of that formula.", metavar="OFFSET")] = None
    input_bits: Annotated[int | None, Option("Bits of an input element, 2 to 16.", metavar="BITS")] = None
    output_bits: Annotated[int | None, Option("Bits of an output; by default the accumulator's.", metavar="BITS")] = (
        None
    )
    sum_bits: Annotated[
        int | None,
        Option("Least bits of what only sums read, and of pooled sums.  [default: 8]", metavar="BITS"),
    ] = None
    table_bits: Annotated[
        int | None, Option("Bits of a function table's index, up to 12.  [default: 10]", metavar="BITS")
    ] = None
    scale_bits: Annotated[
        int | None,
        Option("Bits of a channel's scale where it cannot be folded.  [default: 16]", metavar="BITS"),
    ] = None
    argmax: Annotated[bool | None, Option("The hardware gives the greatest output's index.")] = None
    edition: Annotated[
        Edition | None, Option("The release whose rules hold: 0.1 gives the bytes of 0.1.0.  [default: 0.2]", "--rules")
    ] = None
    config: Annotated[
        str | None, Option("A file of these options, with overrides for single layers.", metavar="TOML")
    ] = None

    def options(self) -> QuantizeOptions:
        """The file's options, those that were given in their place."""
        from ..quantizer.config import combine_options

        flags = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "config"}
        wanted = combine_options(self.config, flags)
        if self.percentile is not None and not wanted.uses_percentile:
            raise UsageError("--percentile would be ignored: give --activation-range percentile too, or leave it out")
        return wanted


@dataclass(frozen=True, kw_only=True)
class TargetOptions:
    """How large or how fast the hardware is to be, and on which device."""

    headings: ClassVar[dict[str, str]] = {"multipliers": "Size and speed"}

    multipliers: Annotated[int | None, Option("Use at most N multipliers.  [default: 64]", metavar="N")] = None
    all_multipliers: Annotated[
        bool,
        Option("Count those of means, scales and products of tensors among the N too.", needs=("multipliers",)),
    ] = False
    cycles: Annotated[int | None, Option("Take at most so many cycles a frame.", metavar="CYCLES")] = None
    latency: Annotated[
        int | None, Option("Have the first frame out after so many cycles; alone or with these.", metavar="CYCLES")
    ] = None
    fps: Annotated[float | None, Option("Frames a second, with --clock.", metavar="RATE")] = None
    clock: Annotated[float | None, Option("Clock in MHz, with --fps.", metavar="MHZ")] = None
    device: Annotated[
        str | None,
        Option("Estimate what it takes there; without another target, be as fast as the part allows.", kind=DEVICE),
    ] = None

    def target(self) -> Target | None:
        """The multipliers, cycles or latency that were asked for; None if the user named none."""
        from ..hardware.schedule import Target

        multipliers, cycles, fps, clock = self.multipliers, self.cycles, self.fps, self.clock
        numbers = {"multipliers": multipliers, "cycles": cycles, "latency": self.latency, "fps": fps, "clock": clock}
        if (fps is None) != (clock is None):
            raise UsageError("--fps and --clock go together: frames a second at a clock in MHz")
        for name, value in numbers.items():
            # A NaN is not above 0 either.
            if value is not None and not 0 < value < float("inf"):
                raise UsageError(f"--{name} {value:g} must be above 0 and finite")
        named = [name for name in ("multipliers", "cycles", "fps") if numbers[name] is not None]
        if len(named) > 1:
            raise UsageError(f"--{' and --'.join(named)} exclude one another: give one target")
        if fps is not None and clock is not None:
            cycles = _cycles_of(fps, clock)
        if multipliers is None and cycles is None and self.latency is None:
            return None
        return Target(multipliers=multipliers, cycles=cycles, latency=self.latency, every=self.all_multipliers)


def _cycles_of(fps: float, clock: float) -> int:
    """The cycles that each of `fps` frames a second may take at a clock in MHz."""
    wanted = clock * 1e6 / fps
    if wanted > MOST_CYCLES:
        raise UsageError(f"--fps {fps:g} at --clock {clock:g} MHz leaves more than {MOST_CYCLES:,} cycles a frame")
    cycles = int(wanted)
    if cycles < 1:
        raise UsageError(f"--fps {fps:g} at --clock {clock:g} MHz leaves less than one cycle a frame")
    return cycles


@dataclass(frozen=True, kw_only=True)
class EvaluationOptions:
    """Where many candidates are computed (`fpgaq.base.parallel.evaluate`)."""

    headings: ClassVar[dict[str, str]] = {"jobs": "Where candidates are computed"}

    jobs: Annotated[int | None, Option("Processes on this machine; by default one per processor.", metavar="N")] = None
    dask: Annotated[
        str | None, Option("A Dask scheduler whose workers compute, such as tcp://host:8786.", metavar="ADDRESS")
    ] = None
    results: Annotated[
        str | None, Option("Keep what was computed here; an interrupted run goes on from it.", metavar="FILE")
    ] = None
