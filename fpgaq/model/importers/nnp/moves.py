"""nnabla functions that repeat elements or reduce along any axes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from ....base.errors import ModelError, UnsupportedError
from ...graph import (
    AveragePooling,
    Concatenate,
    MaxPooling,
    Operator,
    Relu,
    Reshape,
    ScaleOffset,
    Shape,
    Upsample,
)
from .function import Converted, Converter, Function, check_channel_first, from_image, image_of, parameter_count
from .proto_fields import Fields


class _Chain:
    """Operators in a row; each view of the elements is made where it is needed."""

    def __init__(self, function: Function) -> None:
        self.function = function
        self.found: Converted = []
        self.name, self.shape = function.data, function.shape

    def add(self, kind: type[Operator], shape: Shape, **fields: Any) -> None:
        """Append an operator."""
        name = self.function.fresh(f"step{len(self.found)}")
        label = f"{self.function.name}/{len(self.found)}"
        self.found.append((kind(label, (self.name,), name, **fields), shape))
        self.name, self.shape = name, shape

    def view(self, shape: Shape) -> None:
        """The same elements in another shape."""
        if shape != self.shape:
            self.add(Reshape, shape)

    def finish(self, shape: Shape) -> Converted:
        """The operators; the last one writes the function's output."""
        self.add(Reshape, shape)
        last, _ = self.found[-1]
        renamed = type(last)(self.function.name, last.inputs, self.function.output)
        return [*self.found[:-1], (renamed, shape)]


def _axes(function: Function, axes: Sequence[int]) -> list[int]:
    rank = len(function.shape) + 1
    found = sorted(axis + rank if axis < 0 else axis for axis in axes)
    if not found or found[0] < 1 or found[-1] >= rank or len(set(found)) < len(found):
        raise UnsupportedError(
            f"{function.where}: axes {list(axes)} of an input {function.shape}; supported: axes after the batch"
        )
    return [axis - 1 for axis in found]


def _extreme(function: Function, arguments: Fields, kind: str) -> Converted:
    parameter_count(function, 0, 0)
    if arguments.boolean("with_index") or arguments.boolean("only_index"):
        raise UnsupportedError(
            f"{function.where}: gives indices; end the network before it (--outputs NAME) and use --argmax"
        )
    return reduction(function, arguments.integers("axes"), arguments.boolean("keep_dims"), kind)


def reduction(function: Function, listed: Sequence[int], keep: bool, kind: str) -> Converted:
    """Max, Min, Mean or Sum along successive axes, which become rows of an image."""
    axes = _axes(function, listed)
    if axes != list(range(axes[0], axes[-1] + 1)):
        raise UnsupportedError(
            f"{function.where}: axes {[axis + 1 for axis in axes]} are not successive; reduce one after the other"
        )
    shape = function.shape
    sides = (math.prod(shape[: axes[0]]), math.prod(shape[axis] for axis in axes), math.prod(shape[axes[-1] + 1 :]))
    chain, window = _Chain(function), {"kernel": (sides[1], 1), "stride": (sides[1], 1)}
    if kind == "Min":
        chain.add(ScaleOffset, shape, scale=-1.0, offset=0.0)
    chain.view(sides)
    result = (sides[0], 1, sides[2])
    if kind in ("Max", "Min"):
        chain.add(MaxPooling, result, **window)
    else:
        chain.add(AveragePooling, result, sum_only=kind == "Sum", **window)
    if kind == "Min":
        chain.add(ScaleOffset, result, scale=-1.0, offset=0.0)
    kept = tuple(1 if axis in axes else size for axis, size in enumerate(shape) if keep or axis not in axes)
    return chain.finish(kept or (1,))


def _repeat(chain: _Chain, axis: int, times: int, whole: bool) -> None:
    """Each element of an axis, or the whole axis, several times in a row."""
    if times == 1:
        return
    shape = chain.shape
    before, size, after = math.prod(shape[:axis]), shape[axis], math.prod(shape[axis + 1 :])
    sides = (before, 1, size * after) if whole else (before, size, after)
    chain.view(sides)
    chain.add(Upsample, (sides[0], sides[1] * times, sides[2]), factor=(times, 1))
    chain.view((*shape[:axis], size * times, *shape[axis + 1 :]))


def _tile(function: Function, arguments: Fields) -> Converted:
    parameter_count(function, 0, 0)
    times = arguments.integers("reps")
    rank = len(function.shape) + 1
    times = [1] * (rank - len(times)) + times
    if len(times) != rank or min(times) < 1 or times[0] != 1:
        raise UnsupportedError(f"{function.where}: reps {times} of {rank} axes; supported: 1 for the batch")
    chain = _Chain(function)
    for axis, count in enumerate(times[1:]):
        _repeat(chain, axis, count, True)
    return chain.finish(chain.shape)


def _broadcast(function: Function, arguments: Fields) -> Converted:
    parameter_count(function, 0, 0)
    shape = arguments.shape("shape") or []
    if len(shape) != len(function.shape) + 1:
        raise UnsupportedError(f"{function.where}: shape {shape} of an input {function.shape}; supported: as many axes")
    chain = _Chain(function)
    for axis, (have, want) in enumerate(zip(function.shape, shape[1:], strict=True)):
        if have != want and (have != 1 or want < 1):
            raise ModelError(f"{function.where}: {function.shape} does not broadcast to {shape}")
        _repeat(chain, axis, want // have, False)
    return chain.finish(chain.shape)


def _concatenated_relu(function: Function, arguments: Fields) -> Converted:
    """CReLU: the positive parts of x and -x along an axis, which is the channels."""
    parameter_count(function, 0, 0)
    axis = arguments.integer("axis")
    if axis not in (1, -len(function.shape)):
        raise UnsupportedError(f"{function.where}: axis {axis}; supported: 1 (the channels)")
    positive, turned, negative = (function.fresh(name) for name in ("positive", "turned", "negative"))
    return [
        (Relu(f"{function.name}/positive", function.inputs, positive), None),
        (ScaleOffset(f"{function.name}/turned", function.inputs, turned, -1.0, 0.0), None),
        (Relu(f"{function.name}/negative", (turned,), negative), None),
        (Concatenate(function.name, (positive, negative), function.output), None),
    ]


def _interpolate(function: Function, arguments: Fields) -> Converted:
    """Interpolate to the nearest pixel by whole factors."""
    parameter_count(function, 0, 0)
    check_channel_first(function, arguments)
    sizes, mode = arguments.integers("output_size"), arguments.string("mode")
    aligned, half, nearest = (arguments.boolean(name) for name in ("align_corners", "half_pixel", "half_pixel_for_nn"))
    image = image_of(function)
    if len(sizes) != len(function.shape) - 1 or mode != "nearest" or aligned:
        raise UnsupportedError(
            f"{function.where}: mode {mode!r}, output_size {sizes}, align_corners {aligned}; supported: nearest by"
            " whole factors; use Unpooling, or Deconvolution for linear"
        )
    factors = []
    for size, wanted in zip(image.shape[1:], [1] * (2 - len(sizes)) + sizes, strict=True):
        scale = Fraction(size, wanted)
        offset = Fraction(1, 2) if half or nearest else Fraction(0)
        rows = [min(math.floor((place + offset) * scale), size - 1) for place in range(min(wanted, 1 << 14))]
        if wanted % size or rows != [place // (wanted // size) for place in range(wanted)]:
            raise UnsupportedError(
                f"{function.where}: {size} to {wanted} pixels; supported: whole factors that repeat pixels"
            )
        factors.append(wanted // size)
    operator = Upsample(function.name, image.inputs, function.output, (factors[0], factors[1]))
    shape = (image.shape[0], image.shape[1] * factors[0], image.shape[2] * factors[1])
    return from_image(function, image, [operator], shape)


MOVES: dict[str, tuple[str, Converter]] = {
    "Broadcast": ("broadcast_param", _broadcast),
    "CReLU": ("crelu_param", _concatenated_relu),
    "Interpolate": ("interpolate_param", _interpolate),
    "Max": ("max_param", lambda function, arguments: _extreme(function, arguments, "Max")),
    "Min": ("min_param", lambda function, arguments: _extreme(function, arguments, "Min")),
    "Tile": ("tile_param", _tile),
}
