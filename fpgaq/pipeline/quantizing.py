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
from ..base.kinds import expect
from ..base.remarks import note
from ..integer.graph import IntegerArray, IntegerGraph
from ..integer.inputs import transform_data
from ..model.graph import Graph
from ..quantizer.calibration import check_samples
from ..quantizer.config import QuantizeOptions
from .models import load_integer, load_model
from .samples import Samples, as_stored, dataset_of, random_samples, user_data

if TYPE_CHECKING:
    from ..quantizer.completion import Completion
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
        already. What such a model leaves real may need samples; `IntegerGraph.options` lists it under "completed".
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
    from ..model.graph.fixed import is_fixed, without_grids
    from ..model.passes import standard_passes
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
        stated = quantize_stated(model, calibration, options, network=network, output=output, input_range=input_range)
        if stated is not None:
            return stated[0]
    graph = model if isinstance(model, Graph) else load_model(model, network)
    if calibration is not None and input_range is not None:
        raise UsageError("--input-range is in place of calibration samples; leave one of them out")
    form = _stated_form(graph)
    if is_fixed(graph.operators) and form is not None:
        completed = _quantize_fixed(graph, form, _completion(calibration, options, input_range))
        if output is not None:
            save(completed, output)
        return completed
    if input_range is not None:
        calibration = random_samples(graph.inputs, graph.shapes, *input_range)
    if calibration is None:
        raise UsageError(
            f"network {graph.name!r} has no FixedPointQuantize functions, which would state its formats; give"
            " calibration samples (--calibration)"
        )
    if is_fixed(graph.operators):
        note("the weights' steps of the file are not kept: the network has operators without a form between them")
        graph = standard_passes(without_grids(graph))
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
    input_range: tuple[float, float] | None = None,
) -> tuple[IntegerGraph, tuple[str, ...]] | None:
    """The integer network that a quantized model file states, and lines that tell how; None for another file.

    What such a file leaves real is quantized here and named in the network's `options` and the lines: weights always,
    values by calibration samples, inputs by samples, their range or `input_scale` and `input_bits`.

    Raises
    ------
    UsageError
        Calibration or options that the file leaves no room for.
    UnsupportedError
        Values that nothing quantizes, without samples.
    """
    from ..integer.file import save
    from ..quantizer import onnx_integers, tflite_integers

    expect(model, "model")
    completion = _completion(calibration, options, input_range)
    found = onnx_integers.load_integers(model, network, input_shapes, outputs, inputs, completion)
    if found is None:
        found = tflite_integers.load_integers(model, network, input_shapes, outputs, inputs)
    if found is None:
        return None
    completion.refuse_idle(str(model))
    if output is not None:
        save(found[0], output)
    return found


def _completion(
    calibration: Samples | None, options: QuantizeOptions | None, extent: tuple[float, float] | None
) -> Completion:
    """What quantizes where a file does not, with the user's samples or random ones of a range."""
    from ..quantizer.completion import Completion, Given

    if calibration is not None and extent is not None:
        raise UsageError("--input-range is in place of calibration samples; leave one of them out")

    def given(inputs: tuple[str, ...], shapes: Mapping[str, tuple[int, ...]]) -> Given:
        if extent is not None:
            return Given(random_samples(inputs, shapes, *extent).inputs)
        assert calibration is not None
        data = dataset_of(calibration, inputs, (), shapes)
        for name in inputs:
            data.preparation.check(shapes[name], name)
        arrays = check_samples(inputs, shapes, data.inputs)
        return Given({name: data.preparation.applied(array) for name, array in arrays.items()}, data.preparation)

    return Completion(options, None if calibration is None is extent else given, extent)


def _stated_form(graph: Graph) -> str | None:
    """How a network with formats of its own is read; None where parameters alone have them and operators no form."""
    from ..model.graph.fixed import states_formats
    from ..quantizer.fixed import has_fixed_form
    from ..quantizer.stated_steps import has_steps_form, states_steps

    any_step = states_steps(graph)
    if not any_step and has_fixed_form(graph):
        return "powers of two"
    if has_steps_form(graph):
        return "any step"
    # Read all the same where it states its activations, so that the operator is named.
    return ("any step" if any_step else "powers of two") if states_formats(graph.operators) else None


def _quantize_fixed(graph: Graph, form: str, completion: Completion) -> IntegerGraph:
    """A network that states formats of its own, completed where it does not."""
    from ..quantizer.fixed import quantize_fixed, refuse_options
    from ..quantizer.stated_steps import quantize_steps

    read = quantize_fixed if form == "powers of two" else lambda *given: quantize_steps(*given)[0]
    integer = read(graph, completion)
    if not completion.done:
        refuse_options(graph, completion.options, calibrated=completion.has_samples)
    completion.refuse_idle(f"network {graph.name!r}")
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
