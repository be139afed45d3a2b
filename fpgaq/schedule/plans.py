"""What the schedule decides: one frozen plan for each integer operator, and the schedule that holds them.

Everything that an emitter or the beat model needs to know about a layer's hardware stands here as a number; neither
computes a fold, a width or a depth of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from ..integer_graph import ImageShape


@dataclass(frozen=True)
class Target:
    """What the user asks for: at most so many multipliers, or at most so many cycles a frame; exactly one is set."""

    multipliers: int | None = None
    cycles: int | None = None


@dataclass(frozen=True)
class Fold:
    """Lanes of a layer: kernel taps, input channels and outputs that one step computes together.

    A layer that multiplies has ``taps * channels * outputs`` multipliers; for a pooling layer `channels` and
    `outputs` are the same lanes and `multipliers` is 0.
    """

    taps: int
    channels: int
    outputs: int
    multipliers: int


@dataclass(frozen=True)
class Walk:
    """How a layer walks over its line buffer, in words; see `fpgaq.schedule.walk` for the derivation.

    Parameters
    ----------
    need_start : int
        Words of a frame that the first window waits for.
    need_column : tuple of int
        Further words that the window in column i + 1 needs, in a row that reaches new image rows.
    need_row : tuple of int
        Further words that the first window of the next row (after the last: of the next frame) needs.
    row_reaches : tuple of bool
        Whether the windows of a row reach image rows that no earlier row reached.
    release : tuple of int
        Words that nobody needs any more once a row of windows is done.
    base_start : int
        Word address of the first window's origin.
    base_column : tuple of int
        From the origin in column i to that in column i + 1.
    base_row : tuple of int
        From the last origin of row i to the first of the next row (after the last: of the next frame).
    rows_inside, columns_inside : tuple of int
        For each row (column) of windows a bit mask of the kernel rows (columns) that lie inside the image.
    """

    need_start: int
    need_column: tuple[int, ...]
    need_row: tuple[int, ...]
    row_reaches: tuple[bool, ...]
    release: tuple[int, ...]
    base_start: int
    base_column: tuple[int, ...]
    base_row: tuple[int, ...]
    rows_inside: tuple[int, ...]
    columns_inside: tuple[int, ...]


@dataclass(frozen=True)
class WindowPlan:
    """A layer that walks windows over a line buffer: convolution, affine, pooling.

    Parameters
    ----------
    operator : str
        Name of the integer operator.
    kind : str
        "mac" (products, all outputs of all channels), "lanewise" (products, a channel a lane), "max", "sum" or "copy".
    image : tuple of int
        (height, width, channels) as the layer sees its input: an affine layer sees one pixel with all elements.
    output_image : tuple of int
        (rows, columns, channels) of its output.
    kernel, stride, dilation : tuple of int
    padding : tuple of int
        (top, bottom, left, right).
    input_channels : int
        Channels of the input stream (those of `image` unless the layer is affine).
    fold : Fold
    lanes_in, lanes_out : int
        Elements of a beat of the input and output stream.
    word_elements : int
        Channels in a word of the line buffer.
    words_per_pixel, beats_per_pixel : int
        Of the image as the layer sees it.
    groups, groups_sharing : int
        Groups of outputs of a pixel, and how many successive ones read the same input channels.
    tap_groups, channel_groups : int
        Steps of a group are their product.
    advance_words, advance_selects : int
        From the channels of one set of sharing groups to the next: words, and channel groups within a word.
    levels : int
        Registered levels of the adder tree.
    requantized : bool
    address_bits : int
        The line buffer holds ``2**address_bits`` words, in `fold.taps` copies.
    fifo_bits : int
        The result FIFO holds ``2**fifo_bits`` beats.
    walk : Walk
    capacity_words : int, optional
        Words of the line buffer that may be used, for questions about smaller ones; by default all.
    """

    operator: str
    kind: str
    image: ImageShape
    output_image: ImageShape
    kernel: tuple[int, int]
    stride: tuple[int, int]
    dilation: tuple[int, int]
    padding: tuple[int, int, int, int]
    input_channels: int
    fold: Fold
    lanes_in: int
    lanes_out: int
    word_elements: int
    words_per_pixel: int
    beats_per_pixel: int
    groups: int
    groups_sharing: int
    tap_groups: int
    channel_groups: int
    advance_words: int
    advance_selects: int
    levels: int
    requantized: bool
    address_bits: int
    fifo_bits: int
    walk: Walk
    capacity_words: int | None = None

    @property
    def selects(self) -> int:
        """Channel groups in a word."""
        return self.word_elements // self.fold.channels

    @property
    def steps(self) -> int:
        """Cycles of a group."""
        return self.tap_groups * self.channel_groups

    @property
    def capacity(self) -> int:
        """Words of the line buffer that are used."""
        return self.capacity_words or 1 << self.address_bits

    @property
    def frame_words(self) -> int:
        """Words of a frame."""
        return self.image[0] * self.image[1] * self.words_per_pixel

    @property
    def cycles(self) -> int:
        """Busy cycles of a frame."""
        return self.output_image[0] * self.output_image[1] * self.groups * self.steps

    @property
    def beats_out_per_pixel(self) -> int:
        """Beats of an output pixel."""
        return -(-self.output_image[2] // self.lanes_out)

    @property
    def group_beats(self) -> int:
        """Beats of the results of a group that is not the last of its pixel."""
        return min(self.fold.outputs // self.lanes_out, self.beats_out_per_pixel)

    @property
    def last_group_beats(self) -> int:
        """Beats of the results of a pixel's last group."""
        return self.beats_out_per_pixel - (self.groups - 1) * (self.fold.outputs // self.lanes_out)

    @property
    def serial(self) -> bool:
        """Whether the results of a group leave in several beats."""
        return self.fold.outputs > self.lanes_out

    @property
    def result_latency(self) -> int:
        """Cycles from a group's last step to the write of its first beat into the result FIFO."""
        if self.kind == "copy":
            return 3
        if self.kind == "max":
            return 5
        if self.kind == "sum":
            return 5 + 3
        return 5 + self.levels + 2 + int(self.requantized) + int(self.serial)


@dataclass(frozen=True)
class PipePlan:
    """A layer that takes beats from its inputs in a fixed order and makes results of them, without a line buffer.

    Parameters
    ----------
    operator : str
        Name of the integer operator; of a serializer, of the operator that reads its output.
    kind : str
        "relu", "table", "scale", "add", "multiply", "concatenate", "argmax" or "serialize".
    image : tuple of int
        (height, width, channels) of its output.
    lanes_in, lanes_out : int
        Elements of a beat of every input, and of the output.
    uses : tuple of (tuple of int)
        The period of the pattern in which it works: for each phase the inputs that it looks at.
    pops : tuple of bool
        For each phase whether those inputs' beats are done with.
    emits : tuple of bool
        For each phase whether it gives a beat of results.
    latency : int
        Cycles from a phase to the write of its beat into the result FIFO.
    fifo_bits : int
        The result FIFO holds ``2**fifo_bits`` beats.
    """

    operator: str
    kind: str
    image: ImageShape
    lanes_in: int
    lanes_out: int
    uses: tuple[tuple[int, ...], ...]
    pops: tuple[bool, ...]
    emits: tuple[bool, ...]
    latency: int
    fifo_bits: int

    @property
    def inputs(self) -> int:
        """How many inputs it has."""
        return 1 + max(slot for phase in self.uses for slot in phase)


Plan: TypeAlias = WindowPlan | PipePlan


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
    """A MAC array and the layers that it serves in order; today one layer each."""

    multipliers: int
    layers: tuple[str, ...]


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
    """Multipliers beside the budget: one a lane for means, scales and products of two tensors."""
    count = 0
    for plan in plans:
        if isinstance(plan, WindowPlan):
            count += plan.lanes_out if plan.kind == "sum" else 0
        else:
            count += plan.lanes_out if plan.kind in ("scale", "multiply") else 0
    return count
