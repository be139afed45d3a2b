"""Pruning from files to files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ..model.exporters.nnp import check_place
from ..model.graph import Graph
from ..study.pruning.options import PruneOptions
from ..study.pruning.prune import PruneResult, prune_graph
from .models import load_model, save_model
from .samples import Samples, model_data


def prune(
    model: Graph | str | Path,
    calibration: Samples,
    options: PruneOptions,
    *,
    training: Samples | None = None,
    data: Samples | None = None,
    device: str | None = None,
    network: str | None = None,
    output: str | Path | None = None,
    progress: Callable[[str], None] = lambda text: None,
) -> PruneResult:
    """Take channels out of a float network until a budget is met.

    Parameters
    ----------
    model : Graph, str or Path
        A model file, or the result of ``load_model(path, passes=False)``: training needs its batch normalization.
    calibration : Samples
        Training samples, to quantize with, and to choose by where no others are given.
    options : PruneOptions
        The budget, how channels are rated, and how long the result is trained.
    training, data : Samples, optional
        With labels: for the choice, for training, and for the accuracy before and after.
    device : str, optional
        Synthesize both networks for it.
    network : str, optional
        Which network of a model file.
    output : str or Path, optional
        Where to save the result, as .nnp.

    Raises
    ------
    FitError
        Nothing can be pruned, or no choice meets the budget.
    """
    if output is not None:
        check_place(output)
    graph = model if isinstance(model, Graph) else load_model(model, network, passes=False)
    shapes = {name: tuple(graph.shapes[name]) for name in (*graph.inputs, *graph.outputs)}
    samples, train, test = (
        None if given is None else model_data(given, graph.inputs, graph.outputs, shapes)
        for given in (calibration, training, data)
    )
    assert samples is not None
    result = prune_graph(graph, samples.inputs, options, training=train, data=test, device=device, progress=progress)
    if output is not None:
        save_model(result.graph, output)
    return result
