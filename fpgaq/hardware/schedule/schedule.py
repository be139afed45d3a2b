"""What joins the plans of the layers to a network's hardware: ways, engines, the schedule and its prediction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .plans import PipePlan, Plan, WindowPlan


@dataclass(frozen=True)
class Edge:
    """The way of a tensor to one of its readers.

    Parameters
    ----------
    tensor : str
    reader : int or None
        Index of the operator that reads it; None for an output of the network.
    slot : int
        Which of the reader's inputs, or which of the network's outputs.
    lanes : int
        Elements of a beat as the reader takes them.
    serializer : PipePlan or None
        What turns wide beats into narrower ones on the way.
    queue_bits : int or None
        Where a tensor has several readers, each has a queue of ``2**queue_bits`` beats; it holds what waits for a
        slower way to the same place. None for a tensor with one reader.
    """

    tensor: str
    reader: int | None
    slot: int
    lanes: int
    serializer: PipePlan | None = None
    queue_bits: int | None = None
    queue_words: int | None = None
    """Beats of the queue that may be used, for questions about smaller ones; by default all."""

    @property
    def queue_capacity(self) -> int:
        """Beats of the queue that are used; 0 without one."""
        return 0 if self.queue_bits is None else self.queue_words or 1 << self.queue_bits


@dataclass(frozen=True)
class Engine:
    """A MAC array and the layers that it serves.

    Parameters
    ----------
    layers : tuple of str
        Names of the operators, in the order of the network.
    products : int
        Elements that are multiplied for each output in a step.
    outputs : int
        Accumulators.
    lanes : int
        Results that leave in a cycle; a divisor of `outputs`.
    order : tuple of int
        Who has its turn, an index into `layers` for each: a turn is one row of windows of that layer, and all turns
        together are a frame of every layer. Empty for an engine of one layer.
    adders : bool
        Its weights are the same in every cycle, and adders stand in for its multipliers.
    """

    layers: tuple[str, ...]
    products: int
    outputs: int
    lanes: int
    order: tuple[int, ...] = ()
    adders: bool = False

    @property
    def multipliers(self) -> int:
        """Multipliers of the array."""
        return 0 if self.adders else self.products * self.outputs

    @property
    def shared(self) -> bool:
        """Whether it serves several layers."""
        return len(self.layers) > 1

    @property
    def serial(self) -> bool:
        """Whether its results leave in several beats."""
        return self.outputs > self.lanes

    @property
    def levels(self) -> int:
        """Registered levels of its adder tree, of two inputs each."""
        return (self.products - 1).bit_length()


@dataclass(frozen=True)
class Build:
    """How arrays are built, which changes nothing in time.

    Parameters
    ----------
    factor_bits : int
        Of the wider factor of a multiplier that several outputs of an engine share; 0 where each has its own.
    logic_bits : int
        Products of at most so many bits, those of both factors together, are sums of digits in logic and have no
        multipliers.
    loadable : bool
        Weights are loaded into memories, not built in.
    """

    factor_bits: int = 0
    logic_bits: int = 0
    loadable: bool = False


@dataclass(frozen=True)
class Prediction:
    """Cycles from the beat model.

    Parameters
    ----------
    interval : int or None
        Cycles between the last beats of successive output frames, once two successive values agree; None if they
        keep changing.
    mean_interval : float
        Their mean over the second half of the frames.
    latency : int
        Cycles from the first beat in to the last beat out of the first frame.
    frames : int
        Frames after which the interval is known.
    """

    interval: int | None
    mean_interval: float
    latency: int
    frames: int


@dataclass(frozen=True)
class Schedule:
    """The hardware of a network: plans in the order of the operators, engines, and the predicted cycles.

    Parameters
    ----------
    plans : tuple of Plan
    edges : tuple of Edge
        Every way from a tensor to a reader, in the order of the tensors.
    lanes : mapping of str to int
        Elements of a beat of each tensor as its producer gives it.
    engines : tuple of Engine
    input_beats : mapping of str to int
        Beats of a frame of each input.
    budget : int
        Multipliers asked for, or those that the asked cycles need.
    macs : int
        Products of a frame, every tap of every kept output counted, padding included.
    limit : int
        Cycles that no hardware of this budget can beat.
    prediction : Prediction
    factor_bits, logic_bits : int
    loadable : bool
        As in `Build`.
    """

    plans: tuple[Plan, ...]
    edges: tuple[Edge, ...]
    lanes: Mapping[str, int]
    engines: tuple[Engine, ...]
    input_beats: Mapping[str, int]
    budget: int
    macs: int
    limit: int
    prediction: Prediction
    factor_bits: int = 0
    loadable: bool = False
    logic_bits: int = 0

    @property
    def build(self) -> Build:
        """How its arrays are built."""
        return Build(self.factor_bits, self.logic_bits, self.loadable)

    @property
    def multipliers(self) -> int:
        """Multipliers that the hardware has."""
        return sum(engine.multipliers for engine in self.engines)

    @property
    def efficiency(self) -> float | None:
        """The limit over the interval."""
        return self.limit / self.prediction.interval if self.prediction.interval else None

    def plan(self, operator: str) -> Plan:
        """The plan of the operator of this name."""
        return next(plan for plan in self.plans if plan.operator == operator)


def auxiliary_multipliers(plans: Sequence[Plan]) -> int:
    """Multipliers in addition to the budget: one a lane for means, scales and products of two tensors."""
    count = 0
    for plan in plans:
        if isinstance(plan, WindowPlan):
            count += plan.lanes_out if plan.kind == "sum" else 0
        else:
            count += plan.lanes_out if plan.kind in ("scale", "multiply", "mean") else 0
    return count
