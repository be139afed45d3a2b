"""Tensors of a quantized ONNX model that the file leaves real: rounded on demand, by `Completion`."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...base.errors import UnsupportedError
from ...base.formats import Format
from ...integer.accumulators import operator_bounds, result_ranges
from ...integer.graph import Requantize
from ...integer.graph import Tensor as IntegerTensor
from ...integer.reference import run_operator
from ...model.importers.onnx.builder import Call, Tensor
from .conversion import Conversion
from .values import Accumulated, Data, Function, Grid, Joined, Quantized, Stored, Sum

Real = NDArray[np.float64]


def rounded(call: Call, index: int, owner: Conversion) -> Stored:
    """A computed input as integers: as the quantizer after it states, else as the completion chooses."""
    value, name = call.tensor(index), call.node.inputs[index]
    if isinstance(value, Stored):
        return value
    owner.rewired.setdefault(name, []).append(call.node.outputs[0])
    if name not in owner.rounded:
        grid = owner.ahead.get(name)
        owner.rounded[name] = (
            _input(owner, value, grid, call.where)
            if isinstance(value, Data)
            else _inner(owner, value, name, grid, call.where)
        )
    return replace(owner.rounded[name], name=value.name)


def _input(owner: Conversion, value: Data, grid: Grid | None, where: str) -> Stored:
    if grid is not None:
        return Stored(value.name, value.shape, owner.quantize(value, grid, value.source, where, value.source), True)
    if owner.completion.options.input_scale is not None and (value.factor != 1 or value.offset):
        raise UnsupportedError(f"{where}: scales or shifts the input before a layer reads it; state no input scale")

    def seen(samples: NDArray[Any]) -> NDArray[Any]:
        if value.factor == 1 and not value.offset:
            return samples
        return samples.astype(np.float64) * float(value.factor) + float(value.offset)

    plan = owner.completion.input(value.source, where, seen)
    # Files have float32 scales; so the step is one too.
    step = float(np.float32(plan.format.step / plan.scale))
    zero = round(float(np.ldexp(plan.offset, plan.format.frac)))
    return owner.start(value, Grid(step, zero, replace(plan.format, frac=0)), where)


def _inner(owner: Conversion, value: Tensor, name: str, grid: Grid | None, where: str) -> Stored:
    layer = value.operator.name if isinstance(value, Accumulated) else owner.writing.get(name, name)
    if grid is None:
        fmt = owner.completion.values(name, layer, where, lambda: _real(owner, value, layer))
        grid = Grid(fmt.step, 0, replace(fmt, frac=0))
    written = owner.quantize(value, grid, owner.fresh(f"{name}.rounded"), where, layer)
    return Stored(value.name, value.shape, written, True)


def _real(owner: Conversion, value: Tensor, layer: str) -> Real:
    """The values of the calibration samples: (channels, height, width, frames)."""
    if isinstance(value, Sum):
        parts = [owner.image(source, layer) for source in value.sources]
        total = float(value.offset) + sum(
            sign * _stored(owner, part) for sign, part in zip(value.signs, parts, strict=True)
        )
        return _clipped(np.asarray(total), value)
    if isinstance(value, Function):
        return np.asarray(value.compute(_stored(owner, value.source)), np.float64)
    if isinstance(value, Joined):
        return np.concatenate([_stored(owner, part) for part in value.parts])
    assert isinstance(value, Accumulated)
    op = value.operator
    integers = owner.known_integers()
    formats = [owner.stored[name].format for name in op.inputs]
    width = max(2, operator_bounds(op, *formats).width)
    bare = replace(op, output="sums", requantize=Requantize((0,), "half_up"))
    tensors = {**owner.stored, "sums": IntegerTensor("sums", value.image, Format(width, 0))}
    sums = run_operator(bare, tensors, integers).astype(np.float64)
    scales, offsets = (
        np.array([float(one) for one in values]).reshape(-1, 1, 1, 1) for values in (value.scales, value.offsets)
    )
    return _clipped(sums * scales + offsets, value)


def _stored(owner: Conversion, value: Stored) -> Real:
    return owner.stored[value.tensor].real(owner.known_integers()[value.tensor].astype(np.int64))


def _clipped(values: Real, value: Accumulated | Sum) -> Real:
    low, high = (None if end is None else float(end) for end in (value.low, value.high))
    return values if low is None and high is None else np.clip(values, low, high)


def weights(call: Call, index: int, axis: int, owner: Conversion) -> Quantized:
    """Float weights as integers, output channels along `axis`."""
    array, output = call.parameter(index), call.node.outputs[0]
    rows = np.moveaxis(array, axis, 0)
    if array.size == 0:
        raise UnsupportedError(f"{call.where}: weights of shape {array.shape} are empty; give at least one")
    made = owner.completion.weights(call.node.name, rows, output in owner.ending)
    steps = np.ldexp(np.float32(1), -np.array(made.frac)).astype(np.float32)
    steps = steps[:1] if len(set(made.frac)) == 1 else steps
    integers = np.ascontiguousarray(np.moveaxis(made.integers, 0, axis))
    found = Quantized(integers, steps, np.zeros(1, np.int64), axis, replace(made.format, frac=0, narrow=False))
    owner.parameters[output, index] = found
    return found


def whole_offsets(owner: Conversion, value: Accumulated, name: str) -> Accumulated:
    """An output's accumulators with the nearest whole steps of a float bias, where the whole of it has no place."""
    if len(set(value.scales)) != 1 or len(set(value.offsets)) == 1 or value.low is not None or value.high is not None:
        return value
    scale, op = value.scales[0], value.operator
    steps = [round(offset / scale) for offset in value.offsets]
    if max(map(abs, steps)) >= 1 << 40:
        return value
    lost = [offset - step * scale for offset, step in zip(value.offsets, steps, strict=True)]
    owner.shifts[name] = np.array([float(one) for one in lost], np.float32)
    owner.completion.add("bias", op.name, f"whole steps of its accumulator, {float(scale):.6g}")
    return owner.folded(replace(value, offsets=tuple(Fraction(step) * scale for step in steps)))


def output_grid(owner: Conversion, value: Tensor, name: str) -> Grid:
    """Where an output is rounded to that cannot leave as accumulators: over the whole range that is proved for it."""
    spans = _spans(owner, value)
    fmt = owner.completion.output(name, min(low for low, _ in spans), max(high for _, high in spans))
    return Grid(fmt.step, 0, replace(fmt, frac=0))


def _spans(owner: Conversion, value: Tensor) -> list[tuple[float, float]]:
    """Ranges that hold all real values."""
    if isinstance(value, Function):
        tensor = owner.stored[value.source.tensor]
        codes = np.arange(tensor.format.minimum, tensor.format.maximum + 1)
        with np.errstate(all="ignore"):
            reals = np.asarray(value.compute(tensor.real(codes)), np.float64)
        finite = reals[np.isfinite(reals)]
        return [(float(finite.min(initial=0)), float(finite.max(initial=0)))]
    if isinstance(value, Joined):
        return [_span(owner.stored[part.tensor]) for part in value.parts]
    if isinstance(value, Sum):
        ends = [_span(owner.stored[source.tensor]) for source in value.sources]
        turned = [
            (low, high) if sign > 0 else (-high, -low) for (low, high), sign in zip(ends, value.signs, strict=True)
        ]
        plus = float(value.offset)
        return [_held(plus + sum(low for low, _ in turned), plus + sum(high for _, high in turned), value)]
    if not isinstance(value, Accumulated):
        raise UnsupportedError(f"reads {value.name!r}, which is no value of a layer")
    op = value.operator
    found = result_ranges(op, *(owner.stored[name].format for name in op.inputs))
    scales, offsets = (values * len(found) if len(values) == 1 else values for values in (value.scales, value.offsets))
    return [
        _held(low * float(scale) + float(offset), high * float(scale) + float(offset), value)
        for (low, high), scale, offset in zip(found, scales, offsets, strict=True)
    ]


def _span(tensor: IntegerTensor) -> tuple[float, float]:
    ends = tensor.real(np.array([tensor.format.minimum, tensor.format.maximum]))
    return float(ends[0]), float(ends[1])


def _held(low: float, high: float, value: Accumulated | Sum) -> tuple[float, float]:
    ends = _clipped(np.array([low, high]), value)
    return float(ends[0]), float(ends[1])
