"""Options that several commands share, and how commands print."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import click

from ..choices import (
    ACTIVATION_RANGES,
    DEVICES,
    ENGINES,
    METHODS,
    ROUNDINGS,
    SIMULATORS,
    WEIGHT_DELTAS,
    WEIGHT_ROUNDINGS,
)
from ..errors import UsageError

if TYPE_CHECKING:
    from ..quantizer.config import QuantizeOptions
    from ..schedule import Target

Command = TypeVar("Command", bound=Callable[..., Any])
Decorator: TypeAlias = Callable[[Command], Command]


MOST_CYCLES = 1 << 40
"""A frame: three hours at 100 MHz."""


@dataclass
class Settings:
    """What `--json`, `--quiet` and `--debug` say."""

    json: bool = False
    quiet: bool = False
    debug: bool = False

    def show(self, lines: Iterable[str], values: Mapping[str, Any]) -> None:
        """Print `values` as one JSON object, or `lines` for people, or nothing."""
        if self.json:
            import json

            lines = [json.dumps(values, indent=2, default=_plain)]
        elif self.quiet:
            return
        if sys.stdout is None:
            raise UsageError("standard output is closed, so that the result cannot be shown; --quiet shows none")
        try:
            for line in lines:
                print(line)
            sys.stdout.flush()
        except OSError as error:
            # click ends the process without a word where a reader has gone away.
            raise output_lost(error) from None

    @contextmanager
    def progress(self, stage: str) -> Iterator[Callable[[str], None]]:
        """Show on a terminal what is going on; the value changes the text. Nothing is left of it."""
        if self.quiet or self.json or not sys.stderr.isatty():
            yield lambda text: None
            return
        from rich.console import Console
        from rich.markup import escape

        with Console(stderr=True).status(escape(stage)) as status:
            yield lambda text: status.update(escape(text))


def output_lost(error: OSError) -> UsageError:
    """The error to raise where standard output does not take what is printed, which is then dropped."""
    # Else the interpreter would try again on its way out.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return UsageError(f"standard output cannot be written ({error.strerror or error})")


def example(command: str) -> str:
    """The end of a command's help, which click must not wrap."""
    return f"\b\nExample:\n  {command}"


def _plain(value: Any) -> Any:
    """NumPy scalars and paths as JSON values."""
    return value.item() if hasattr(value, "item") else str(value)


def _store(name: str) -> Callable[[click.Context, click.Parameter, bool], None]:
    def callback(context: click.Context, parameter: click.Parameter, value: bool) -> None:
        if value:
            setattr(context.ensure_object(Settings), name, True)

    return callback


def _chain(*options: Decorator[Any]) -> Decorator[Any]:
    def decorate(command: Any) -> Any:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def _flag(name: str, text: str) -> Decorator[Any]:
    return click.option(f"--{name}", is_flag=True, is_eager=True, expose_value=False, callback=_store(name), help=text)


common = _chain(
    _flag("json", "Print one JSON object."),
    _flag("quiet", "Print nothing but errors."),
    _flag("debug", "Show the traceback of an error."),
)

shape_options = _chain(
    click.option(
        "--input-shape",
        multiple=True,
        metavar="NAME=N,C,H,W",
        help="Sizes that an .onnx leaves open, the batch in front, such as x=1,3,64,64; once for each input.",
    ),
    click.option("--outputs", metavar="NAMES", help="Keep these outputs only, or end at these tensors: A,B."),
)

model_options = _chain(
    click.option("--network", metavar="NAME", help="Which network of the model file."),
    shape_options,
    click.option(
        "--refuse-batch-statistics",
        is_flag=True,
        help="Refuse a batch normalization saved in training mode; else its running statistics serve, with a note.",
    ),
)

quantize_options = _chain(
    click.option("--weight-bits", type=int, help="Bits of a weight, 2 to 16.  [default: 8]"),
    click.option("--activation-bits", type=int, help="Bits of an activation, 2 to 16.  [default: 8]"),
    click.option("--method", type=click.Choice(METHODS), help="What the rules below come from.  [default: auto]"),
    click.option("--per-channel/--per-tensor", default=None, help="A weight step for each output channel, or one."),
    click.option("--rounding", type=click.Choice(ROUNDINGS), help="Rule of every requantizer.  [default: half_up]"),
    click.option("--narrow", is_flag=True, default=None, help="Symmetric signed range: never the most negative code."),
    click.option("--activation-range", type=click.Choice(ACTIVATION_RANGES), help="How activation steps are chosen."),
    click.option("--percentile", type=float, help="Percent of values that fit, for --activation-range percentile."),
    click.option("--weight-delta", type=click.Choice(WEIGHT_DELTAS), help="How weight steps are chosen."),
    click.option("--weight-rounding", type=click.Choice(WEIGHT_ROUNDINGS), help="Each weight alone, or by the output."),
    click.option("--bias-correction/--no-bias-correction", default=None, help="Biases take up the mean error."),
    click.option("--equalize", is_flag=True, default=None, help="Balance channels by their weights first."),
    click.option("--balance", is_flag=True, default=None, help="Balance channels by their activations first."),
    click.option("--max-shift-span", type=int, help="How far the shifts of one layer may differ.  [default: 2]"),
    click.option("--input-scale", type=float, help="Input integer = round(x * scale + offset)."),
    click.option("--input-offset", type=float, help="The offset of that formula."),
    click.option("--input-bits", type=int, help="Bits of an input element, 2 to 16."),
    click.option("--output-bits", type=int, help="Bits of an output; by default the accumulator's."),
    click.option("--sum-bits", type=int, help="Least bits of what only sums read, and of pooled sums.  [default: 8]"),
    click.option("--table-bits", type=int, help="Bits of a function table's index, up to 12.  [default: 10]"),
    click.option("--scale-bits", type=int, help="Bits of a channel's scale where it cannot be folded.  [default: 16]"),
    click.option("--argmax", is_flag=True, default=None, help="The hardware gives the greatest output's index."),
    click.option("--config", metavar="TOML", help="A file of these options, with overrides for single layers."),
)

target_options = _chain(
    click.option("--multipliers", type=int, metavar="N", help="Use at most N multipliers.  [default: 64]"),
    click.option("--cycles", type=int, metavar="N", help="Take at most N cycles a frame."),
    click.option(
        "--latency", type=int, metavar="N", help="Have the first frame out after at most N cycles; alone or with these."
    ),
    click.option("--fps", type=float, metavar="F", help="Frames a second, with --clock."),
    click.option("--clock", type=float, metavar="MHZ", help="Clock in MHz, with --fps."),
    click.option(
        "--device",
        type=click.Choice(DEVICES),
        help="Estimate what it takes there; without another target, be as fast as the part allows.",
    ),
)

search_options = _chain(
    click.option("--jobs", type=int, metavar="N", help="Processes on this machine; by default one per processor."),
    click.option("--dask", metavar="ADDRESS", help="A Dask scheduler whose workers compute, such as tcp://host:8786."),
    click.option("--results", metavar="FILE", help="Keep what was computed here; an interrupted run goes on from it."),
)
"""For commands that evaluate many candidates with `fpgaq.parallel.evaluate`: jobs, dask, results."""

engine_option = click.option(
    "--engine",
    type=click.Choice(ENGINES),
    default="auto",
    show_default=True,
    help="What computes the integers: numpy, the network compiled from its HLS C++, or what proves faster.",
)
keep_option = click.option(
    "--keep",
    multiple=True,
    metavar="FILE",
    help="Leave this file or folder of DIR as it is, by its path in DIR; may be given again. bench/user always stays.",
)
thorough_option = click.option(
    "--thorough", is_flag=True, help="Choose as many frames as are needed to exercise every weight; takes longer."
)
frames_option = click.option("--frames", type=int, metavar="N", help="How many frames of the data.")
simulator_option = click.option(
    "--simulator", type=click.Choice(SIMULATORS), default="icarus", show_default=True, help="Which simulator."
)


def pop_model_options(values: dict[str, Any]) -> dict[str, Any]:
    """Take what `pipeline.load_model` is told out of a command's keyword arguments."""
    shapes: dict[str, tuple[int, ...]] = {}
    for text in values.pop("input_shape"):
        name, _, sizes = text.rpartition("=")
        parts = sizes.replace("x", ",").split(",")
        if not name or name in shapes or not all(part.isascii() and part.isdigit() and int(part) for part in parts):
            raise UsageError(
                f"--input-shape {text!r}: give each input once, as NAME=1,3,64,64 with sizes of at least 1"
            )
        shapes[name] = tuple(int(part) for part in parts)
    listed = values.pop("outputs")
    names = [name.strip() for name in listed.split(",")] if listed is not None else []
    if listed is not None and not all(names):
        raise UsageError(f"--outputs {listed!r}: give names of outputs, separated by commas")
    found = {"input_shapes": shapes or None, "outputs": tuple(names) or None}
    for name in ("network", "refuse_batch_statistics"):
        if name in values:
            found[name] = values.pop(name)
    return found


def pop_quantize_options(values: dict[str, Any]) -> QuantizeOptions:
    """Take the quantizer's options out of a command's keyword arguments."""
    from dataclasses import fields

    from ..quantizer.config import QuantizeOptions, combine_options

    names = {field.name for field in fields(QuantizeOptions)} - {"layers"}
    flags = {name: values.pop(name) for name in names}
    return combine_options(values.pop("config"), flags)


def pop_target(values: dict[str, Any]) -> Target | None:
    """Take the target out of a command's keyword arguments; None if the user named none."""
    from ..schedule import Target

    multipliers, cycles, fps, clock = (values.pop(name) for name in ("multipliers", "cycles", "fps", "clock"))
    latency = values.pop("latency", None)
    if (fps is None) != (clock is None):
        raise UsageError("--fps and --clock go together: frames a second at a clock in MHz")
    named = [name for name, value in (("multipliers", multipliers), ("cycles", cycles), ("fps", fps)) if value]
    for name, value in (
        ("multipliers", multipliers),
        ("cycles", cycles),
        ("fps", fps),
        ("clock", clock),
        ("latency", latency),
    ):
        # A NaN is not above 0 either.
        if value is not None and not 0 < value < float("inf"):
            raise UsageError(f"--{name} {value:g} must be above 0 and finite")
    if len(named) > 1:
        raise UsageError(f"--{' and --'.join(named)} exclude one another: give one target")
    if fps is not None:
        wanted = clock * 1e6 / fps
        if wanted > MOST_CYCLES:
            raise UsageError(f"--fps {fps:g} at --clock {clock:g} MHz leaves more than {MOST_CYCLES:,} cycles a frame")
        cycles = int(wanted)
        if cycles < 1:
            raise UsageError(f"--fps {fps:g} at --clock {clock:g} MHz leaves less than one cycle a frame")
    if multipliers is None and cycles is None and latency is None:
        return None
    return Target(multipliers=multipliers, cycles=cycles, latency=latency)
