"""The stages on numbers: quantize a network, compare it with its source, run it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..base.choices import ActivationRange, Edition, Method, Rounding, WeightDelta, WeightRounding
from ..base.errors import UsageError
from ..base.formats import Format
from ..base.kinds import expect
from ..integer.graph import IntegerArray, IntegerGraph
from ..integer.inputs import transform_data
from ..model.graph import Graph
from ..quantizer.config import QuantizeOptions
from .models import load_integer, load_model
from .samples import Samples, as_stored, dataset_of, random_samples, user_data

if TYPE_CHECKING:
    from ..quantizer.onnx_integers import Grid
    from ..study.report.comparison import Comparison

REMARKED_FRAMES = 1024
"""Frames of the data that are looked at for other units than those of calibration."""


def quantize(
    model: Graph | str | Path,
    calibration: Samples | None = None,
    options: QuantizeOptions | None = None,
    *,
    network: str | None = None,
    output: str | Path | None = None,
    weight_bits: int | None = None,
    activation_bits: int | None = None,
    per_channel: bool | None = None,
    rounding: Rounding | None = None,
    narrow: bool | None = None,
    activation_range: ActivationRange | None = None,
    percentile: float | None = None,
    weight_delta: WeightDelta | None = None,
    weight_rounding: WeightRounding | None = None,
    bias_correction: bool | None = None,
    equalize: bool | None = None,
    balance: bool | None = None,
    per_feature: bool | None = None,
    method: Method | None = None,
    max_shift_span: int | None = None,
    input_scale: float | None = None,
    input_offset: float | None = None,
    input_bits: int | None = None,
    output_bits: int | None = None,
    sum_bits: int | None = None,
    table_bits: int | None = None,
    scale_bits: int | None = None,
    argmax: bool | None = None,
    edition: Edition | None = None,
    layers: Mapping[str, Mapping[str, Any]] | None = None,
    input_range: tuple[float, float] | None = None,
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
    weight_bits, activation_bits, per_channel, ... : optional
        The fields of `QuantizeOptions` by their names, in place of those of `options`.
    input_range : (float, float), optional
        The least and the greatest value of inputs, in place of samples: random ones of that range give the hardware's
        size and speed. The network is marked as an estimate, for its values mean nothing.

    Raises
    ------
    FitError
        A network that cannot be quantized as asked.
    """
    from ..base.output import check_file
    from ..integer.file import save
    from ..model.graph.fixed import is_fixed, states_formats, without_grids
    from ..quantizer import quantize as quantize_graph
    from ..quantizer import refuse_idle_overrides
    from ..quantizer.refinement import described, refine
    from ..study.report.remarks import remark_quantized

    given: dict[str, Any] = {
        "weight_bits": weight_bits,
        "activation_bits": activation_bits,
        "per_channel": per_channel,
        "rounding": rounding,
        "narrow": narrow,
        "activation_range": activation_range,
        "percentile": percentile,
        "weight_delta": weight_delta,
        "weight_rounding": weight_rounding,
        "bias_correction": bias_correction,
        "equalize": equalize,
        "balance": balance,
        "per_feature": per_feature,
        "method": method,
        "max_shift_span": max_shift_span,
        "input_scale": input_scale,
        "input_offset": input_offset,
        "input_bits": input_bits,
        "output_bits": output_bits,
        "sum_bits": sum_bits,
        "table_bits": table_bits,
        "scale_bits": scale_bits,
        "argmax": argmax,
        "edition": edition,
        "layers": layers,
    }
    given = {name: value for name, value in given.items() if value is not None}
    if given:
        options = replace(options or QuantizeOptions(), **given)
    if output is not None:
        check_file(output)
    if not isinstance(model, Graph):
        stated = quantize_stated(model, calibration, options, network=network, output=output)
        if stated is not None:
            return stated[0]
    graph = model if isinstance(model, Graph) else load_model(model, network)
    if input_range is not None:
        if calibration is not None or is_fixed(graph.operators):
            raise UsageError("--input-range is in place of calibration samples; leave one of them out")
        calibration = random_samples(graph, *input_range)
    if calibration is not None and not states_formats(graph.operators):
        # Parameters alone were trained on grids: their values stand, the rest is quantized by the samples.
        graph = without_grids(graph)
    if calibration is None or is_fixed(graph.operators):
        return _quantize_fixed(graph, calibration, options, output)
    shapes = {name: tuple(graph.shapes[name]) for name in (*graph.inputs, *graph.outputs)}
    samples = dataset_of(calibration, graph.inputs, graph.outputs, shapes)
    options = options or QuantizeOptions()
    refuse_idle_overrides(graph, options)
    if input_range is None:
        refinement = refine(graph, samples.inputs, options, samples.preparation)
        integer = quantize_graph(graph, samples.inputs, refinement.options, samples.preparation)
        if not options.first_edition:
            integer = replace(integer, options={**integer.options, **described(refinement)})
        remark_quantized(graph, integer, samples, options.equalize or options.balance)
    else:
        integer = replace(quantize_graph(graph, samples.inputs, options, samples.preparation), estimate_only=True)
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
    inputs: Sequence[str] | None = None,
    output: str | Path | None = None,
) -> tuple[IntegerGraph, tuple[str, ...]] | None:
    """The integer network that a quantized model file states, and lines that tell how; None for another file.

    Raises
    ------
    UsageError
        Calibration or options, which such a file leaves no room for.
    """
    from ..integer.file import save
    from ..quantizer import onnx_integers, tflite_integers

    expect(model, "model")
    grid = _input_grid(options)
    found = onnx_integers.load_integers(model, network, input_shapes, outputs, inputs, grid)
    if found is None:
        found = tflite_integers.load_integers(model, network, input_shapes, outputs, inputs)
        grid = None
    if found is None:
        return None
    if calibration is not None:
        raise UsageError(f"{model}: is quantized already and states its own scales; leave the calibration samples out")
    if options is not None and grid is not None:
        options = replace(options, input_scale=None, input_offset=None, input_bits=None)
    if options is not None and options != QuantizeOptions():
        raise UsageError(f"{model}: is quantized already and states its formats; leave the options of quantizing out")
    if grid is not None and all(transform.kind != "real" for transform in found[0].transforms.values()):
        raise UsageError(f"{model}: quantizes its inputs itself; leave --input-scale and the like out")
    if output is not None:
        save(found[0], output)
    return found


def _input_grid(options: QuantizeOptions | None) -> Grid | None:
    """Where the host rounds inputs to that a quantized model file leaves as real numbers; its zero is an integer."""
    from ..quantizer.onnx_integers import Grid

    if options is None or options.input_scale is None or (options.input_offset or 0.0) % 1:
        return None
    offset = options.input_offset or 0.0
    return Grid(1 / options.input_scale, int(offset), Format(options.input_bits or 8, 0))


def _quantize_fixed(
    graph: Graph, calibration: Samples | None, options: QuantizeOptions | None, output: str | Path | None
) -> IntegerGraph:
    """A network that states its own formats."""
    from ..integer.file import save
    from ..model.graph.fixed import is_fixed
    from ..quantizer.fixed import quantize_fixed, refuse_options
    from ..quantizer.stated_steps import quantize_steps, states_steps

    if not is_fixed(graph.operators):
        raise UsageError(
            f"network {graph.name!r} has no FixedPointQuantize functions, which would state its formats; give"
            " calibration samples (--calibration)"
        )
    if states_steps(graph):
        grid = _input_grid(options)
        if options is not None and grid is not None:
            options = replace(options, input_scale=None, input_offset=None, input_bits=None)
        refuse_options(graph, options, calibrated=calibration is not None)
        integer, _ = quantize_steps(graph, grid)
    else:
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
    from ..study.report.remarks import remark_comparison, remark_inputs

    if source is None and not isinstance(model, Graph):
        source = load_model(model, passes=False)
    graph = model if isinstance(model, Graph) else load_model(model)
    network = integer if isinstance(integer, IntegerGraph) else load_integer(integer)
    shapes = {name: tuple(graph.shapes[name]) for name in (*graph.inputs, *graph.outputs)}
    samples = dataset_of(as_stored(network, data), graph.inputs, graph.outputs, shapes)
    result = comparison.compare(graph, network, samples, engine=engine, source=source)
    remark_inputs(network, transform_data(network, samples.slice(0, REMARKED_FRAMES).inputs))
    remark_comparison(result, bool(samples.targets))
    return result


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
    from ..integer.host_functions import model_outputs
    from ..proof.runner import Runner
    from ..study.report.remarks import remark_inputs

    network = integer if isinstance(integer, IntegerGraph) else load_integer(integer)
    inputs = transform_data(network, user_data(network, data).inputs)
    remark_inputs(network, inputs)
    runner = Runner(engine, network, len(next(iter(inputs.values()))))
    return model_outputs(network, runner.run(inputs)), runner.used
