"""What the buffers of a schedule buy: the interval of the network over the size of one of them, the rest held."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from ...integer.graph import IntegerGraph
from .beats import BeatNetwork, keeps_interval, predict_cycles
from .memories import describe
from .plans import WindowPlan
from .schedule import Edge, Schedule
from .walk import least_words


@dataclass(frozen=True)
class BufferReport:
    """A line buffer, or the queue of one branch of a fork.

    Parameters
    ----------
    kind : {"line buffer", "queue"}
    operator : str
        The layer that reads it, or the output of the network.
    row_words : int
        Words of an image row; 1 for a queue, whose words are beats.
    live_words : int
        The least size with which the network finishes at all.
    full_rate_words : int
        The least size with which it keeps its interval; of a line buffer in whole rows or `live_words`.
    words : int
        The size that was built: the least power of two that keeps the interval.
    intervals : tuple of (int, float)
        Words and the network's interval in cycles, from `live_words` to `full_rate_words`; a row at a time for line
        buffers, the two ends for queues.
    """

    kind: str
    operator: str
    row_words: int
    live_words: int
    full_rate_words: int
    words: int
    intervals: tuple[tuple[int, float], ...]


def report_buffers(graph: IntegerGraph, schedule: Schedule) -> tuple[BufferReport, ...]:
    """Measure every line buffer, then every queue of a schedule with the beat model."""
    network = describe(graph, schedule.plans, schedule.edges, schedule.input_beats, schedule.engines)
    reports = [
        _line_buffer(schedule, network, index, plan)
        for index, plan in enumerate(schedule.plans)
        if isinstance(plan, WindowPlan)
    ]
    for index, edge in enumerate(schedule.edges):
        if edge.queue_bits is not None:
            reader = edge.tensor if edge.reader is None else graph.operators[edge.reader].name
            reports.append(_queue(schedule, network, index, edge, reader))
    return tuple(reports)


def with_line_buffer(network: BeatNetwork, index: int, words: int) -> BeatNetwork:
    """The network with `words` words in the line buffer of a layer."""
    plan = network.plans[index]
    assert isinstance(plan, WindowPlan)
    plans = (*network.plans[:index], replace(plan, capacity_words=words), *network.plans[index + 1 :])
    return replace(network, plans=plans)


def with_queue(network: BeatNetwork, index: int, words: int) -> BeatNetwork:
    """The network with `words` beats in the queue of an edge."""
    edges = (*network.edges[:index], replace(network.edges[index], queue_words=words), *network.edges[index + 1 :])
    return replace(network, edges=edges)


def least_size(enough: Callable[[int], bool], least: int, most: int) -> int:
    """The least size from `least` to `most` for which `enough` holds: more room never hurts, and `most` is enough."""
    while least < most:
        middle = (least + most) // 2
        if enough(middle):
            most = middle
        else:
            least = middle + 1
    return most


def _line_buffer(schedule: Schedule, network: BeatNetwork, index: int, plan: WindowPlan) -> BufferReport:
    row_words = plan.image[1] * plan.words_per_pixel
    # Turns in an engine may ask for more than the windows alone do.
    live = least_size(
        lambda words: predict_cycles(with_line_buffer(network, index, words)) is not None,
        least_words(plan.walk),
        plan.capacity,
    )
    first_row = -(-live // row_words)
    sizes = [live, *range((first_row + 1) * row_words, plan.capacity, row_words), plan.capacity]
    intervals: list[tuple[int, float]] = []
    for words in sorted({size for size in sizes if live <= size <= plan.capacity}):
        intervals.append((words, _interval(with_line_buffer(network, index, words))))
        if intervals[-1][1] <= schedule.prediction.mean_interval:
            break
    return BufferReport(
        "line buffer", plan.operator, row_words, live, intervals[-1][0], plan.capacity, tuple(intervals)
    )


def _queue(schedule: Schedule, network: BeatNetwork, index: int, edge: Edge, reader: str) -> BufferReport:
    built, wanted = edge.queue_capacity, schedule.prediction.mean_interval
    live = least_size(lambda words: predict_cycles(with_queue(network, index, words)) is not None, 1, built)
    full = least_size(lambda words: keeps_interval(with_queue(network, index, words), wanted), live, built)
    intervals = tuple((words, _interval(with_queue(network, index, words))) for words in sorted({live, full}))
    return BufferReport("queue", reader, 1, live, full, built, intervals)


def _interval(network: BeatNetwork) -> float:
    prediction = predict_cycles(network)
    assert prediction is not None, "a buffer of the live size never deadlocks"
    return prediction.mean_interval
