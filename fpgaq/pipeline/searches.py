"""Searches over many quantized networks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..model.graph import Graph
from ..quantizer.config import QuantizeOptions
from .models import load_model
from .samples import Samples, model_data

if TYPE_CHECKING:
    from ..study.explore import Exploration
    from ..study.search.measure import Workload
    from ..study.search.precision import SearchResult
    from ..study.search.sensitivity import Sensitivity


def sensitivity(
    model: Graph | str | Path,
    calibration: Samples,
    data: Samples | None = None,
    options: QuantizeOptions | None = None,
    *,
    jobs: int | None = 1,
    dask: str | None = None,
    results: str | Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Sensitivity:
    """Measure the loss by each layer's weights and output alone, and the gain by changes of the worst ones.

    Parameters
    ----------
    model : Graph, str or Path
    calibration : Samples
        Samples for the quantizer.
    data : Samples, optional
        Samples to measure on; by default the calibration samples.
    options : QuantizeOptions, optional
    jobs, dask, results, progress
        Where candidates are computed, a file that keeps what was computed, and a callable that hears how far it is:
        as for `parallel.evaluate`, where `results` is called `cache`.
    """
    from ..study.search.sensitivity import sensitivity as measure_places

    evaluated = _workload(model, calibration, data, options)
    return measure_places(evaluated, jobs=jobs, dask=dask, cache=results, progress=progress)


def search(
    model: Graph | str | Path,
    calibration: Samples,
    data: Samples | None = None,
    options: QuantizeOptions | None = None,
    *,
    budget: str,
    cost: str = "rom",
    widths: Sequence[int] | None = None,
    jobs: int | None = 1,
    dask: str | None = None,
    results: str | Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> SearchResult:
    """Choose the weight bits of every layer for a budget; other parameters are those of `sensitivity`.

    Parameters
    ----------
    budget : str
        Bits, or a percentage of the cost of 8-bit weights.
    cost : {"rom", "multiplier"}
    widths : sequence of int, optional
        Weight bits to choose from.
    """
    from ..study.search import precision

    evaluated = _workload(model, calibration, data, options)
    chosen = precision.WIDTHS if widths is None else widths
    return precision.search_precisions(
        evaluated, budget, cost, chosen, jobs=jobs, dask=dask, cache=results, progress=progress
    )


def explore(
    models: Mapping[str, Graph | str | Path],
    calibration: Samples,
    data: Samples | None = None,
    options: QuantizeOptions | None = None,
    *,
    device: str,
    bits: Sequence[int] = (8, 6, 4),
    multipliers: Sequence[int] = (1, 4, 16, 64, 256),
    jobs: int | None = 1,
    dask: str | None = None,
    results: str | Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Exploration:
    """Cycles, logic, memory and accuracy of networks over bits and multipliers; other parameters as in `sensitivity`.

    Parameters
    ----------
    models : mapping of str to (Graph, str or Path)
        Networks of the same task by name, such as one and its pruned versions.
    device : str
        One of `fpgaq.hardware.synth.DEVICES`, for which LUTs, flip-flops, DSP blocks and block RAMs are estimated.
    bits : sequence of int
        Widths of weights and activations that are tried.
    multipliers : sequence of int
        Budgets that are tried.
    """
    from ..study.explore import explore as explore_workloads

    workloads = {name: _workload(model, calibration, data, options) for name, model in models.items()}
    return explore_workloads(
        workloads, device, bits, multipliers, jobs=jobs, dask=dask, cache=results, progress=progress
    )


def _workload(
    model: Graph | str | Path,
    calibration: Samples,
    data: Samples | None,
    options: QuantizeOptions | None,
) -> Workload:
    """The input of a search: a model, the samples that quantize it, and those that judge it."""
    from ..study.search.measure import make_workload

    graph = model if isinstance(model, Graph) else load_model(model)
    shapes = {name: tuple(graph.shapes[name]) for name in (*graph.inputs, *graph.outputs)}
    datasets = [
        None if samples is None else model_data(samples, graph.inputs, graph.outputs, shapes)
        for samples in (calibration, data)
    ]
    assert datasets[0] is not None
    return make_workload(graph, datasets[0], datasets[1], options or QuantizeOptions())
