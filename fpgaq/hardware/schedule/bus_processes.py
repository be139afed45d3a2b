"""The beat model of a wrapper: when beats pass its gearboxes, its marks and its buffer, around the core's own model.

As for layers, each time is the latest of a few earlier ones plus a constant, read off the cells:

* a gearbox takes a word while the units that it holds leave room for a whole one, and offers one in the cycle after its
  last unit was taken;
* a mark is known two cycles after the input's beat with tlast, and its place is free in the cycle after it was used;
* a buffered frame is offered two cycles after its last beat was taken, and the last register adds one more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from .beats import BeatModel, BeatNetwork, settle
from .bus import Bus
from .processes import QUEUE_LATENCY, Consumer, Producer, SourceProcess
from .schedule import Prediction
from .times import Times, extend, no_times


@dataclass(frozen=True)
class Side:
    """Units of the words on one side of a gearbox: of each, of the last in `period`, and `period`."""

    units: int
    last: int
    period: int

    def total(self, words: int) -> int:
        """Units of the first `words` words."""
        periods, rest = divmod(words, self.period)
        return periods * ((self.period - 1) * self.units + self.last) + rest * self.units

    def least(self, units: int) -> int:
        """The fewest words that have `units` units."""
        group = self.total(self.period)
        periods, rest = divmod(max(units, 0), group)
        return periods * self.period + min(self.period, -(-rest // self.units))


@dataclass
class Marks:
    """Of each frame: when its beat with tlast was taken, and when its last beat left the core's side of the output."""

    places: int
    source: Sequence[int]
    source_beats: int
    left: Sequence[int] = ()
    beats: int = 1

    def known(self, frame: int) -> int | None:
        """When the mark of a frame is offered."""
        end = (frame + 1) * self.source_beats - 1
        return self.source[end] + QUEUE_LATENCY if end < len(self.source) else None

    def room(self, frame: int) -> int | None:
        """From when on beats of a frame may be taken; None if not known yet."""
        before = frame - self.places
        if before < 0:
            return 0
        end = (before + 1) * self.beats - 1
        return self.left[end] + 1 if end < len(self.left) else None


@dataclass
class GearboxProcess:
    """Event times of a gearbox; that of the input waits for room for marks, that of the output for the marks."""

    source: Side
    result: Side
    marks: Marks
    takes_marks: bool
    pending: Times = field(default_factory=no_times)
    left: Times = field(default_factory=no_times)
    _taken: Times = field(default_factory=no_times)

    def accept_time(self, slot: int) -> int | None:
        """When there is room for the next word at the earliest; None if not known yet."""
        word = len(self._taken)
        # Its places less a whole word: what may be held while a word is taken.
        most = self.result.units + min(self.source.units, self.result.units) - 1
        passed = self.result.least(self.source.total(word) - most)
        if passed > len(self.left):
            return None
        time = self.left[passed - 1] + 1 if passed else 0
        if self.takes_marks:
            return time
        room = self.marks.room(word // self.source.period)
        return None if room is None else max(time, room)

    def accept_many(self, count: int) -> NDArray[np.int64] | None:
        """A loop has to find out."""
        return None

    def take(self, slot: int, time: int) -> None:
        """The next word was taken."""
        self._taken.append(time)

    def take_many(self, slot: int, times: NDArray[np.int64]) -> None:
        """The next words were taken."""
        extend(self._taken, times)

    def advance(self) -> bool:
        """Offer all words whose units were taken; true if there was any."""
        before = len(self.pending)
        while True:
            word = len(self.pending)
            needed = self.source.least(self.result.total(word + 1))
            if needed > len(self._taken):
                break
            time = self._taken[needed - 1] + 1
            frame, place = divmod(word, self.result.period)
            if self.takes_marks and place == self.result.period - 1:
                known = self.marks.known(frame)
                if known is None:
                    break
                time = max(time, known)
            self.pending.append(time)
        return len(self.pending) > before


@dataclass
class OutputProcess:
    """Event times of what follows the marks: the buffer, if there is one, and the last register."""

    beats: int
    places: int
    pending: Times = field(default_factory=no_times)
    left: Times = field(default_factory=no_times)
    _taken: Times = field(default_factory=no_times)
    _loaded: Times = field(default_factory=no_times)

    def accept_time(self, slot: int) -> int | None:
        """When there is room for the next beat at the earliest; None if not known yet."""
        index = len(self._taken) - self.places
        if not self.places or index < 0:
            return 0
        return self._loaded[index] + 1 if index < len(self._loaded) else None

    def accept_many(self, count: int) -> NDArray[np.int64] | None:
        """A loop has to find out."""
        return None

    def take(self, slot: int, time: int) -> None:
        """The next beat was taken."""
        self._taken.append(time)

    def take_many(self, slot: int, times: NDArray[np.int64]) -> None:
        """The next beats were taken."""
        extend(self._taken, times)

    def advance(self) -> bool:
        """Offer all beats that can be; true if there was any."""
        before = len(self.pending)
        if not self.places:
            self.pending.extend(time + 1 for time in self._taken[before:])
            return len(self.pending) > before
        whole = len(self._taken) // self.beats * self.beats
        for word in range(before, whole):
            ended = self._taken[word // self.beats * self.beats + self.beats - 1]
            self._loaded.append(max(ended + 1, self._loaded[-1] + 1 if self._loaded else 0))
            self.pending.append(self._loaded[-1] + 2)
        return len(self.pending) > before


class BusModel(BeatModel):
    """Handshake times of a network behind a bus, at the wrapper's ports."""

    def __init__(self, network: BeatNetwork, bus: Bus) -> None:
        super().__init__(network)
        (name,), (result,) = network.input_beats, network.output_beats
        self._network = replace(network, input_beats={name: bus.input.beats}, output_beats={result: bus.output.beats})
        source = self._sources[name]
        marks = Marks(1 << bus.mark_bits, source.left, bus.input.beats)
        gear_in = GearboxProcess(Side(*bus.input.bus_units), Side(*bus.input.core_units), marks, False)
        gear_out = GearboxProcess(Side(*bus.output.core_units), Side(*bus.output.bus_units), marks, True)
        marks.left, marks.beats = gear_out.left, bus.output.beats
        output = OutputProcess(bus.output.beats, 1 << bus.buffer_bits if bus.buffered else 0)
        work: list[tuple[Producer, list[tuple[Consumer, int]]]] = []
        for producer, ends in self._work:
            if producer.left is self._outputs[result]:
                ends = [*ends, (gear_out, 0)]
            if producer is source:
                work.append((producer, [(gear_in, 0)]))
                producer = gear_in
            work.append((producer, ends))
        self._work = [*work, (gear_out, [(output, 0)]), (output, [])]
        self._outputs[result] = output.left
        self._affected = self._who_is_affected()
        self._join_marks(source, gear_out)

    def _join_marks(self, source: SourceProcess, gear_out: GearboxProcess) -> None:
        """Each of the two may go on once the other moved."""
        places = {id(producer): place for place, (producer, _) in enumerate(self._work)}
        ends = places[id(source)], places[id(gear_out)]
        for one, other in (ends, ends[::-1]):
            self._affected[one] = sorted({*self._affected[one], other})


def predict_bus(network: BeatNetwork, bus: Bus) -> Prediction | None:
    """Interval and latency at the wrapper's ports, None if it deadlocks; see `beats.predict_cycles`."""
    return settle(BusModel(network, bus))
