"""One layer with weights to integers: weights, bias at the accumulator's scale, proved width, requantizer."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..base.errors import FitError, ModelError
from ..base.formats import MAX_WIDTH, Format, round_real
from ..integer.accumulators import Bounds, layer_bounds
from ..integer.graph import IntegerAffine, IntegerArray, IntegerConvolution, Requantize, Tensor
from ..model.graph import Affine, Convolution
from .calibration import ActivationStatistics, activation_frac
from .config import QuantizeOptions
from .drafts import shifts
from .input_format import Scale
from .trace import Trace
from .weights import NEAREST, QuantizedWeights, quantize_weights

Values = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class QuantizedLayer:
    """The integer operator and the format that it writes."""

    operator: IntegerConvolution | IntegerAffine
    format: Format


def quantize_layer(
    op: Convolution | Affine,
    source: Tensor,
    scale: Scale,
    options: QuantizeOptions,
    statistics: ActivationStatistics,
    relu: bool,
    final: bool,
    wanted: Format | None = None,
    trace: Trace | None = None,
) -> QuantizedLayer:
    """Quantize a Convolution or an Affine.

    Parameters
    ----------
    op : Convolution or Affine
    source : Tensor
        The integer input.
    scale : Scale
        What its integers mean in the units of `op`'s input.
    options : QuantizeOptions
        With the layer's overrides in force.
    statistics : ActivationStatistics
        Statistics of the values that the layer writes, after the ReLU if it takes one in.
    relu : bool
        The layer's requantizer is a ReLU too.
    final : bool
        No layer with weights follows: one step per tensor, and accumulators leave as they are unless bits are asked.

    wanted : Format, optional
        The format that the reader of the output asks for; its step is met unless the accumulator is coarser.
    trace : Trace, optional
        The values on the samples so far, for the rules that go by the layer's output.

    Raises
    ------
    ModelError
        Parameters that are not finite.
    FitError
        An accumulator over 64 bits.
    """
    weight, bias = _real_parameters(op, source, scale)
    bits = options.output_bits if final else options.activation_bits
    narrow, rules = options.narrow and not relu, options.rules
    padding_value = _padding_value(op, source, scale)
    wish = activation_frac(
        statistics, bits or options.activation_bits, not relu, narrow, rules.activation_range, options.percentile
    )
    zero_frac = max(options.weight_bits - 1, 0 if wish is None else wish - source.format.frac)
    moments = None
    if trace is not None and rules.needs_trace:
        moments = trace.moments(op, source, weight, bias, padding_value, rules.bias_correction)
    quantized = quantize_weights(weight, options, False if final else rules.per_channel, zero_frac, moments)
    if rules.bias_correction and quantized.lost is not None:
        bias = bias + np.ldexp(quantized.lost, -source.format.frac)
    elif source.zero_point:
        # The input's offset goes out with the weights as they were rounded; a corrected bias has that already.
        bias = bias + source.zero_point * np.ldexp(_left(weight, quantized), -source.format.frac)
    fracs = tuple(source.format.frac + frac for frac in quantized.frac)
    biases = _integer_bias(op, bias, fracs)
    bounds = layer_bounds(quantized.integers, biases, source.format, padding_value)
    # One bit would do for a layer of zeros; hardware is simpler if every signed number has two.
    width = max(2, bounds.width)
    if width > MAX_WIDTH:
        raise FitError(
            f"layer {op.name!r}: its accumulator needs {width} bits, at most {MAX_WIDTH} are supported; the bias is as"
            f" large as {np.abs(bias).max():g} where the weights' step is 2**{-quantized.frac[0]}; rescale the layer"
        )
    if wanted is None:
        requantize, fmt = _requantizer(bits, wish, fracs, bounds, width, relu, narrow, options)
    else:
        frac = min(wanted.frac, *fracs)
        requantize = Requantize(shifts(fracs, frac), options.rounding, relu)
        fmt = replace(wanted, frac=frac)
    return QuantizedLayer(_operator(op, source, quantized, biases, padding_value, width, requantize), fmt)


def _real_parameters(op: Convolution | Affine, source: Tensor, scale: Scale) -> tuple[Values, Values]:
    """Weights and bias in float64 as the integers see them: scale and constant of the input taken in, channels last."""
    weight = op.weight.astype(np.float64)
    bias = np.zeros(weight.shape[0]) if op.bias is None else op.bias.astype(np.float64)
    for label, array in (("weight", weight), ("bias", bias)):
        if not np.isfinite(array).all():
            index = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
            raise ModelError(f"layer {op.name!r}: {label}{list(index)} is {array[index]}; parameters must be finite")
    bias = bias + scale.constant * weight.reshape(weight.shape[0], -1).sum(axis=1)
    weight = weight * scale.factor
    if isinstance(op, Convolution):
        return weight.transpose(0, 2, 3, 1), bias
    height, width, channels = source.shape
    return weight.reshape(-1, channels, height, width).transpose(0, 2, 3, 1).reshape(weight.shape), bias


def _left(weight: Values, quantized: QuantizedWeights) -> Values:
    """For each output the sum of the weights less that of their integers' values."""
    rounded = quantized.integers.reshape(len(weight), -1).sum(axis=1)
    return np.asarray(weight.reshape(len(weight), -1).sum(axis=1) - np.ldexp(rounded, -np.asarray(quantized.frac)))


def _padding_value(op: Convolution | Affine, source: Tensor, scale: Scale) -> int:
    if not isinstance(op, Convolution) or not any(op.padding):
        return 0
    # The plan of the input has decided where the nearest integer will do.
    integer = scale.nearest_to(op.padding_value, source.format)
    if integer is None:
        raise FitError(
            f"layer {op.name!r}: the padding value {op.padding_value:g} is no integer of its input's format"
            f" {source.format.describe()}"
        )
    return integer


def _integer_bias(op: Convolution | Affine, bias: Values, fracs: tuple[int, ...]) -> IntegerArray:
    """Each bias rounded once to the scale of its channel's accumulator."""
    scaled = round_real(np.ldexp(bias, np.asarray(fracs)), NEAREST)
    if np.abs(scaled).max() >= 2.0 ** (MAX_WIDTH - 1):
        worst = int(np.argmax(np.abs(scaled)))
        raise FitError(
            f"layer {op.name!r}: bias[{worst}] = {bias[worst]:g} at the accumulator's step 2**{-fracs[worst]} needs an"
            f" accumulator of more than {MAX_WIDTH} bits; rescale the layer or give it fewer weight bits"
        )
    return scaled.astype(np.int64)


def _requantizer(
    bits: int | None,
    wish: int | None,
    fracs: tuple[int, ...],
    bounds: Bounds,
    width: int,
    relu: bool,
    narrow: bool,
    options: QuantizeOptions,
) -> tuple[Requantize | None, Format]:
    """The requantizer and the format after it. The output is never finer than the coarsest accumulator."""
    if bits is None:
        if not relu:
            return None, Format(width, fracs[0])
        return Requantize((0,), options.rounding, True), Format(width - 1, fracs[0], False)
    coarsest = min(fracs)
    if wish is None:
        # Zero on all calibration data: a step with which nothing can saturate.
        wish = coarsest - max(0, bounds.width - bits)
    frac = min(wish, coarsest)
    return Requantize(shifts(fracs, frac), options.rounding, relu), Format(bits, frac, not relu, narrow)


def _operator(
    op: Convolution | Affine,
    source: Tensor,
    weights: QuantizedWeights,
    bias: IntegerArray,
    padding_value: int,
    width: int,
    requantize: Requantize | None,
) -> IntegerConvolution | IntegerAffine:
    if isinstance(op, Affine):
        return IntegerAffine(
            op.name, (source.name,), op.output, weights.integers, bias, weights.format, weights.frac, width, requantize
        )
    return IntegerConvolution(
        name=op.name,
        inputs=(source.name,),
        output=op.output,
        weight=weights.integers,
        bias=bias,
        weight_format=weights.format,
        weight_frac=weights.frac,
        stride=op.stride,
        padding=op.padding,
        dilation=op.dilation,
        groups=op.groups,
        padding_value=padding_value,
        accumulator_width=width,
        requantize=requantize,
    )
