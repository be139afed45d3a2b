"""Beats that go from one process to its readers: to one at a time, or many at once where none can stall."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from . import window_processes
from .pipe_processes import PipeProcess
from .processes import QUEUE_LATENCY, Consumer, Producer, QueueProcess
from .times import Times, extend, one_a_cycle, part
from .window_processes import WindowProcess


def transfer(producer: Producer, readers: Sequence[tuple[Consumer, int]]) -> bool:
    """Move all beats of a stream whose times are known; true if any moved.

    Several readers are the queues of a fork, which takes a beat when all of them have room.
    """
    if len(readers) == 1 and isinstance(readers[0][0], PipeProcess):
        return readers[0][0].drain(readers[0][1], producer)
    pending, left = producer.pending, producer.left
    before, available = len(left), len(pending)
    if before == available:
        return False
    if len(readers) == 1 and isinstance(readers[0][0], WindowProcess):
        readers[0][0].receive(pending, left)
        return len(left) > before
    if available - before >= window_processes.LONG and _transfer_many(pending, left, readers):
        return True
    queues = [consumer for consumer, _ in readers if isinstance(consumer, QueueProcess)]
    if len(queues) == len(readers):
        _fork(pending, left, queues)
        return len(left) > before
    time = left[-1] if left else -1
    for index in range(before, available):
        offered = pending[index]
        time = offered if offered > time else time + 1
        for consumer, slot in readers:
            assert not isinstance(consumer, PipeProcess)
            accepted = consumer.accept_time(slot)
            if accepted is None:
                return len(left) > before
            if accepted > time:
                time = accepted
        for consumer, slot in readers:
            assert not isinstance(consumer, PipeProcess)
            consumer.take(slot, time)
        left.append(time)
    return True


def _fork(pending: Times, left: Times, queues: Sequence[QueueProcess]) -> None:
    """Move the beats of a stream into queues, each when all have room."""
    places = [(queue, queue.pending, queue.left, len(queue.pending) - queue.words - len(left)) for queue in queues]
    time = left[-1] if left else -1
    for index in range(len(left), len(pending)):
        time += 1
        if pending[index] > time:
            time = pending[index]
        for queue, _, gone, behind in places:
            freed = index + behind
            if freed >= 0:
                if freed >= len(gone) and not queue.make_room(freed):
                    return
                if gone[freed] >= time:
                    time = gone[freed] + 1
        for _, waiting, _, _ in places:
            waiting.append(time + QUEUE_LATENCY)
        left.append(time)


def _transfer_many(pending: Times, left: Times, readers: Sequence[tuple[Consumer, int]]) -> bool:
    """The same for many beats at once; false if too few are known to be taken, or not without a loop."""
    count, known, tight = len(pending) - len(left), [], []
    for consumer, _ in readers:
        if isinstance(consumer, QueueProcess) and consumer.tight:
            accepted: NDArray[np.int64] | None = consumer.room_behind(count)
            tight.append(consumer)
        else:
            accepted = None if isinstance(consumer, WindowProcess | PipeProcess) else consumer.accept_many(count)
        if accepted is None or len(accepted) < window_processes.LONG:
            return False
        count = len(accepted)
        known.append(accepted)
    earliest = part(pending, len(left), len(left) + count)
    paces = []
    for (consumer, _), accepted in zip(readers, known, strict=True):
        if consumer in tight:
            assert isinstance(consumer, QueueProcess)
            paces.append((consumer.last_left(), consumer.words, accepted.tolist()))
        else:
            earliest = np.maximum(earliest, accepted[:count])
    times = one_a_cycle(earliest, left[-1] + 1 if left else 0)
    if paces:
        times = _paced(times, paces)
    for consumer, slot in readers:
        assert not isinstance(consumer, WindowProcess | PipeProcess)
        consumer.take_many(slot, times)
    extend(left, times)
    return True


def _paced(times: NDArray[np.int64], queues: Sequence[tuple[list[int], int, Sequence[int]]]) -> NDArray[np.int64]:
    """Times not before `times` at which queues that pass fewer beats than one a cycle have room.

    Of each queue when its last beats left, its words, and when its reader has room for each beat.
    """
    found, last = [], -1
    for index, time in enumerate(times.tolist()):
        time = max(time, last + 1)
        for gone, words, _ in queues:
            if gone[-words] >= time:
                time = gone[-words] + 1
        for gone, _, room in queues:
            gone.append(max(time + QUEUE_LATENCY, gone[-1] + 1, room[index]))
        found.append(time)
        last = time
    return np.array(found, dtype=np.int64)
