"""What each row of each line buffer buys: the interval of the network over the size of one buffer, the rest held."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..integer_graph import IntegerGraph
from .beats import Network, predict
from .memories import describe
from .plans import Schedule, WindowPlan
from .walk import least_words


@dataclass(frozen=True)
class BufferReport:
    """One line buffer.

    Parameters
    ----------
    operator : str
    row_words : int
        Words of an image row.
    live_words : int
        The least size with which the network finishes at all.
    full_rate_words : int
        The least size, in whole rows or `live_words`, with which it keeps its interval.
    words : int
        The size that was built: the least power of two that keeps the interval.
    intervals : tuple of (int, float)
        Words and the network's interval in cycles, from `live_words` to `full_rate_words`, a row at a time.
    """

    operator: str
    row_words: int
    live_words: int
    full_rate_words: int
    words: int
    intervals: tuple[tuple[int, float], ...]


def report_buffers(graph: IntegerGraph, schedule: Schedule) -> tuple[BufferReport, ...]:
    """Measure every line buffer of a schedule with the beat model."""
    network = describe(graph, schedule.plans, schedule.edges, schedule.input_beats)
    reports = []
    for index, plan in enumerate(schedule.plans):
        if isinstance(plan, WindowPlan):
            reports.append(_report(schedule, network, index, plan))
    return tuple(reports)


def _report(schedule: Schedule, network: Network, index: int, plan: WindowPlan) -> BufferReport:
    row_words = plan.image[1] * plan.words_per_pixel
    live = least_words(plan.walk)
    first_row = -(-live // row_words)
    sizes = [live, *range((first_row + 1) * row_words, plan.capacity, row_words), plan.capacity]
    intervals: list[tuple[int, float]] = []
    for words in sorted({size for size in sizes if live <= size <= plan.capacity}):
        plans = (*network.plans[:index], replace(plan, capacity_words=words), *network.plans[index + 1 :])
        prediction = predict(replace(network, plans=plans))
        assert prediction is not None, "a buffer of the live size never deadlocks"
        intervals.append((words, prediction.mean_interval))
        if prediction.mean_interval <= schedule.prediction.mean_interval:
            break
    return BufferReport(plan.operator, row_words, live, intervals[-1][0], plan.capacity, tuple(intervals))
