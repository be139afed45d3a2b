"""What the schedule decides about each integer operator: one frozen plan for it.

Everything that an emitter or the beat model needs to know about a layer's hardware stands here as a number, or follows
from these numbers in `fpgaq.hardware.schedule.widths` and `fpgaq.hardware.schedule.cells`: neither computes a fold, a
width or a depth of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from ...integer.graph import ImageShape
from .cells import WIDE, latency


@dataclass(frozen=True)
class Target:
    """What the user asks for: at most so many multipliers, or at most so many cycles a frame; exactly one is set.

    Without `sharing` every layer that multiplies has multipliers of its own. With `adders` those that use all of their
    weights in every step get shift-and-add logic instead; it counts as the multipliers that it stands for.
    The first frame is out after at most `latency` cycles, which may go with either or stand alone: then the fewest
    multipliers are looked for. `arrays` is at most so many arrays; 1 is the one bound that is known. With `every` those
    of means, scales and products of two tensors count as multipliers too.
    A beat carries `pixels` at the inputs and `output_pixels` at the outputs.
    """

    multipliers: int | None = None
    cycles: int | None = None
    sharing: bool = True
    adders: bool = False
    latency: int | None = None
    arrays: int | None = None
    every: bool = False
    pixels: int = 1
    output_pixels: int = 1

    @property
    def is_wide(self) -> bool:
        """Whether beats of the ports carry several pixels."""
        return self.pixels > 1 or self.output_pixels > 1


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
    """How a layer walks over its line buffer, in words; see `fpgaq.hardware.schedule.walk` for the derivation.

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
    serial : bool
        Whether the results of a group pass through fewer lanes than its engine has accumulators.
    merged : bool
        Whether its elements pass a register where they join those of the other layers of its engine.
    requantized : bool
    address_bits : int
        The line buffer holds ``2**address_bits`` words, in `fold.taps` copies.
    fifo_bits : int
        The result FIFO holds ``2**fifo_bits`` beats.
    walk : Walk
    capacity_words : int, optional
        Words of the line buffer that may be used, for questions about smaller ones; by default all.
    maxima : tuple of (tuple of int)
        For each lane of the output the results of a beat whose greatest it gives; empty where it gives them all.
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
    serial: bool
    merged: bool
    requantized: bool
    address_bits: int
    fifo_bits: int
    walk: Walk
    capacity_words: int | None = None
    maxima: tuple[tuple[int, ...], ...] = ()

    @property
    def made_lanes(self) -> int:
        """Results of a beat before maxima are taken of them."""
        return self.lanes_out * (len(self.maxima[0]) if self.maxima else 1)

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
        return min(-(-self.fold.outputs // self.lanes_out), self.beats_out_per_pixel)

    @property
    def last_group_beats(self) -> int:
        """Beats of the results of a pixel's last group."""
        return self.beats_out_per_pixel - (self.groups - 1) * -(-self.fold.outputs // self.lanes_out)

    @property
    def padded(self) -> bool:
        """Whether taps may lie outside the image; a sum counts those that fill up a step as such."""
        full = ((1 << self.kernel[0]) - 1, (1 << self.kernel[1]) - 1)
        outside = any(mask != full[0] for mask in self.walk.rows_inside) or any(
            mask != full[1] for mask in self.walk.columns_inside
        )
        return outside or (self.kind == "sum" and self.kernel[0] * self.kernel[1] % self.fold.taps > 0)

    @property
    def fetch_stages(self) -> int:
        """Registers from the line buffer's memory to elements: one where a word goes on as it is, to no multiplier."""
        return 2 if self.multiplies or self.selects > 1 or self.padded else 1

    @property
    def fetch_latency(self) -> int:
        """Cycles from a step to its elements."""
        return latency("fpgaq_line_buffer", STAGES=self.fetch_stages)

    @property
    def operand_latency(self) -> int:
        """Cycles from a step to its operands at the multipliers: the elements of several layers meet on the way."""
        return self.fetch_latency + (2 * latency("register") if self.merged else 0)

    @property
    def result_latency(self) -> int:
        """Cycles from a group's last step to the write of its first beat into the result FIFO."""
        fetched = self.fetch_latency
        if self.kind == "copy":
            return fetched
        if self.kind == "max":
            return fetched + latency("fpgaq_max")
        if self.kind == "sum":
            return fetched + latency("fpgaq_sum") + latency("fpgaq_divide")
        summing = latency("fpgaq_mac", LEVELS=self.levels)
        collecting = latency("fpgaq_collect", OUTPUTS=1 + self.serial, LANES=1)
        return self.operand_latency + summing + collecting + self.finishing_latency

    @property
    def finishing_latency(self) -> int:
        """Cycles from a beat of an engine's sums to its results: bias, and requantizer if there is one."""
        compared = latency("fpgaq_max") if self.maxima else 0
        requantized = latency("fpgaq_requantize", STAGES=WIDE) if self.requantized else 0
        return latency("fpgaq_bias") + requantized + compared

    @property
    def multiplies(self) -> bool:
        """Whether its steps are products of an engine."""
        return self.kind in ("mac", "lanewise")


@dataclass(frozen=True)
class PipePlan:
    """A layer that takes beats from its inputs in a fixed order and makes results of them, without a line buffer.

    Parameters
    ----------
    operator : str
        Name of the integer operator; of a serializer, of the operator that reads its output.
    kind : str
        "relu", "table", "scale", "add", "multiply", "concatenate", "argmax", "serialize", "shuffle", "gather" or
        "lane_max".
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

    @property
    def cycles(self) -> int:
        """Phases of a frame."""
        period = len(self.uses)  # of a pixel, unless all its beats are alike
        beats = period if period > 1 else -(-self.image[2] // self.lanes_out)
        return self.image[0] * self.image[1] * beats


Plan: TypeAlias = WindowPlan | PipePlan
