"""Options and lines of the wrapper around a core."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from ..base.errors import UsageError
from .parameters import Option

if TYPE_CHECKING:
    from ..hardware.emit.wrap import Wish, Wrapper
    from ..proof.simulate import SimulationResult


@dataclass(frozen=True, kw_only=True)
class WishOptions:
    """How a network is to stand in a system."""

    headings: ClassVar[dict[str, str]] = {"bus": "In a system"}

    bus: Annotated[
        Literal["32", "64", "128"] | None,
        Option("Add a wrapper with AXI4-Stream ports of this width, the same at every budget, and registers."),
    ] = None
    damaged: Annotated[
        Literal["mark", "drop"] | None,
        Option("With --bus: what becomes of damaged frames; dropping takes a buffer for one.  [default: mark]"),
    ] = None
    weights: Annotated[
        Literal["constant", "loadable"],
        Option("With --bus: build the weights in, or load them through the registers, so that others can be loaded."),
    ] = "constant"
    top: Annotated[
        str | None, Option("Name of the top module and prefix of all other modules and files.", metavar="NAME")
    ] = None

    def wish(self) -> Wish | None:
        """The same as a value; None if the user said nothing of it, UsageError for an option that would be ignored."""
        if self.damaged is not None and self.bus is None:
            raise UsageError(f"--damaged {self.damaged} is a matter of the wrapper; give --bus too")
        loadable = self.weights == "loadable"
        if loadable and self.bus is None:
            raise UsageError("--weights loadable: weights are loaded through the wrapper; give --bus too")
        if self.bus is None and self.top is None:
            return None
        from ..hardware.emit.wrap import Wish

        return Wish(int(self.bus) if self.bus else None, self.damaged == "drop", self.top, loadable)


def wrapper_lines(wrapper: Wrapper | None) -> list[str]:
    """The wrapper's ports, what it predicts there, and its buffer."""
    if wrapper is None:
        return []
    bus, prediction = wrapper.bus, wrapper.prediction
    lines = [
        f"wrapper {wrapper.module}: {bus.width} bits; {bus.input.beats:,} beats in, {bus.output.beats:,} out;"
        f" predicted: a frame every {shown(prediction.interval)} cycles, latency {shown(prediction.latency)} cycles"
    ]
    if bus.buffered:
        lines.append(
            f"buffer for damaged frames: {1 << bus.buffer_bits:,} beats, {bus.buffer_memory:,} bits; it holds every"
            f" frame back for {bus.output.beats:,} beats"
        )
    return lines


def wrapper_run_lines(result: SimulationResult) -> list[str]:
    """What the runs of the wrapper measured."""
    wrapper = result.wrapper
    if wrapper is None:
        return []
    return [
        f"wrapper: every byte of {wrapper.frames:,} frames is equal, with stalls too; a frame every"
        f" {shown(wrapper.interval_cycles)} cycles, latency {shown(wrapper.latency_cycles)} cycles"
    ]


def shown(value: int | None) -> str:
    """A number of cycles; a dash for one that is not known."""
    return "-" if value is None else f"{value:,}"
