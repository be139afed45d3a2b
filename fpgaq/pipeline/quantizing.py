"""The stages on numbers: quantize a network, compare it with its source, run it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..base.errors import UsageError
from ..integer.graph import IntegerArray, IntegerGraph
from ..integer.inputs import transform_data
from ..model.graph import Graph
from ..quantizer.config import QuantizeOptions
from .models import load_integer, load_model
from .samples import Samples, dataset_of, user_data

if TYPE_CHECKING:
    from ..study.report.comparison import Comparison


def quantize(
    model: Graph | str | Path,
    calibration: Samples | None = None,
    options: QuantizeOptions | None = None,
    *,
    network: str | None = None,
    output: str | Path | None = None,
) -> IntegerGraph:
    """Turn a float network into an integer one.

    Parameters
    ----------
    model : Graph, str or Path
        A graph that `load_model` returned, or a model file.
    calibration : Samples
        Training samples in the model's own units; labels are left aside. None for a model that was trained in fixed
        point, whose FixedPointQuantize functions state all formats, and for the file of a model that is quantized
        already.
    options : QuantizeOptions, optional
    network : str, optional
        Which network of a model file.
    output : str or Path, optional
        Where to save it as a .fpgaq file too.

    Raises
    ------
    FitError
        A network that cannot be quantized as asked.
    """
    from ..base.output import check_file
    from ..integer.file import save
    from ..model.graph.fixed import is_fixed
    from ..quantizer import quantize as quantize_graph
    from ..quantizer.refinement import described, refine

    if output is not None:
        check_file(output)
    if not isinstance(model, Graph):
        stated = quantize_stated(model, calibration, options, network=network, output=output)
        if stated is not None:
            return stated[0]
    graph = model if isinstance(model, Graph) else load_model(model, network)
    if calibration is None or is_fixed(graph.operators):
        return _quantize_fixed(graph, calibration, options, output)
    shapes = {name: tuple(graph.shapes[name]) for name in (*graph.inputs, *graph.outputs)}
    samples = dataset_of(calibration, graph.inputs, graph.outputs, shapes)
    refinement = refine(graph, samples.inputs, options or QuantizeOptions())
    integer = quantize_graph(graph, samples.inputs, refinement.options)
    if not refinement.options.first_edition:
        integer = replace(integer, options={**integer.options, **described(refinement)})
    if output is not None:
        save(integer, output)
    return integer


def quantize_stated(
    model: str | Path,
    calibration: Samples | None = None,
    options: QuantizeOptions | None = None,
    *,
    network: str | None = None,
    input_shapes: Mapping[str, Sequence[int]] | None = None,
    outputs: Sequence[str] | None = None,
    output: str | Path | None = None,
) -> tuple[IntegerGraph, tuple[str, ...]] | None:
    """The integer network that a quantized model file states, and lines that tell how; None for another file.

    Raises
    ------
    UsageError
        Calibration or options, which such a file leaves no room for.
    """
    from ..integer.file import save
    from ..quantizer.onnx_integers import load_integers

    found = load_integers(model, network, input_shapes, outputs)
    if found is None:
        return None
    if calibration is not None:
        raise UsageError(f"{model}: is quantized already and states its own scales; leave the calibration samples out")
    if options is not None and options != QuantizeOptions():
        raise UsageError(f"{model}: is quantized already and states its formats; leave the options of quantizing out")
    if output is not None:
        save(found[0], output)
    return found


def _quantize_fixed(
    graph: Graph, calibration: Samples | None, options: QuantizeOptions | None, output: str | Path | None
) -> IntegerGraph:
    """A network that states its own formats."""
    from ..integer.file import save
    from ..model.graph.fixed import is_fixed
    from ..quantizer.fixed import quantize_fixed, refuse_options

    if not is_fixed(graph.operators):
        raise UsageError(
            f"network {graph.name!r} has no FixedPointQuantize functions, which would state its formats; give"
            " calibration samples (--calibration)"
        )
    refuse_options(graph, options, calibrated=calibration is not None)
    integer = quantize_fixed(graph)
    if output is not None:
        save(integer, output)
    return integer


def compare(
    model: Graph | str | Path,
    integer: IntegerGraph | str | Path,
    data: Samples,
    *,
    engine: str = "auto",
    source: Graph | None = None,
) -> Comparison:
    """Compare the integer network with the float one on labelled data.

    Parameters
    ----------
    model : Graph, str or Path
    integer : IntegerGraph, str or Path
    data : Samples
        With labels or targets, hence a file or a `Dataset`.
    engine : {"auto", "numpy", "cpp"}
        The engine that computes the integers, see `Runner`.
    source : Graph, optional
        The network as it stands in the file, for the count of its operators; read again if `model` is a file.
    """
    from ..study.report import comparison

    if source is None and not isinstance(model, Graph):
        source = load_model(model, passes=False)
    graph = model if isinstance(model, Graph) else load_model(model)
    network = integer if isinstance(integer, IntegerGraph) else load_integer(integer)
    shapes = {name: tuple(graph.shapes[name]) for name in (*graph.inputs, *graph.outputs)}
    samples = dataset_of(data, graph.inputs, graph.outputs, shapes)
    return comparison.compare(graph, network, samples, engine=engine, source=source)


def run(
    integer: IntegerGraph | str | Path, data: Samples, *, engine: str = "auto"
) -> dict[str, tuple[IntegerArray, NDArray[np.float64]]]:
    """Compute the integer network exactly.

    Parameters
    ----------
    integer : IntegerGraph, str or Path
    data : Samples
        In the model's own units.
    engine : {"auto", "numpy", "cpp"}
        The engine: numpy, the network compiled from its HLS C++, or the faster one on many frames.

    Returns
    -------
    dict of str to (array of int64, array of float64)
        For each output its integers and the real values that they stand for, in the model's own shape.

    Raises
    ------
    ToolError
        With engine "cpp", if there is no C++ compiler.
    """
    return run_with_engine(integer, data, engine)[0]


def run_with_engine(
    integer: IntegerGraph | str | Path, data: Samples, engine: str
) -> tuple[dict[str, tuple[IntegerArray, NDArray[np.float64]]], set[str]]:
    """The result of `run`, and the engines that computed it."""
    from ..integer.reference import to_model_layout
    from ..proof.runner import Runner

    network = integer if isinstance(integer, IntegerGraph) else load_integer(integer)
    inputs = transform_data(network, user_data(network, data).inputs)
    runner = Runner(engine, network, len(next(iter(inputs.values()))))
    results = runner.run(inputs)
    outputs = {}
    for name in network.outputs:
        values = to_model_layout(network, name, results[name])
        outputs[name] = (values, network.tensors[name].real(values))
    return outputs, runner.used
