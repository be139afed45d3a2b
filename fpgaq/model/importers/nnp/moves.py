"""nnabla functions that repeat elements or reduce along any axes."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ....base.errors import ModelError, UnsupportedError
from ...graph import (
    ArgMax,
    AveragePooling,
    Concatenate,
    MaxPooling,
    Relu,
    ScaleOffset,
    Upsample,
)
from .chain import Chain
from .function import Converted, Converter, Function, parameter_count
from .interpolation import interpolate
from .proto_fields import Fields


def _axes(function: Function, axes: Sequence[int]) -> list[int]:
    rank = len(function.shape) + 1
    found = sorted(axis + rank if axis < 0 else axis for axis in axes)
    if not found or found[0] < 1 or found[-1] >= rank or len(set(found)) < len(found):
        raise UnsupportedError(
            f"{function.where}: axes {list(axes)} of an input {function.shape}; supported: axes after the batch: leave"
            " the batch as it is"
        )
    return [axis - 1 for axis in found]


def _extreme(function: Function, arguments: Fields, kind: str) -> Converted:
    parameter_count(function, 0, 0)
    both, index = arguments.boolean("with_index"), arguments.boolean("only_index")
    axes, keep = arguments.integers("axes"), arguments.boolean("keep_dims")
    if kind == "Max" and index and len(axes) == 1:
        return _index(function, axes, keep)
    if both or index:
        raise UnsupportedError(
            f"{function.where}: gives indices; end the network before it (--outputs NAME) and use --argmax"
        )
    return reduction(function, axes, keep, kind)


def _index(function: Function, axes: Sequence[int], keep: bool) -> Converted:
    """The index of the greatest along an axis, which ends a network."""
    (axis,) = _axes(function, axes)
    shape, chain = function.shape, Chain(function)
    sides = (math.prod(shape[:axis]), shape[axis], math.prod(shape[axis + 1 :]))
    place = 1 if axis else 0
    flat = sides if axis else (sides[1], 1, sides[2])
    chain.view(flat)
    chain.add(ArgMax, tuple(1 if other == place else size for other, size in enumerate(flat)), axis=place)
    kept = tuple(1 if other == axis else size for other, size in enumerate(shape) if keep or other != axis)
    return chain.finish(kept or (1,))


def reduction(function: Function, listed: Sequence[int], keep: bool, kind: str) -> Converted:
    """Max, Min, Mean or Sum along successive axes, which become rows of an image."""
    axes = _axes(function, listed)
    if axes != list(range(axes[0], axes[-1] + 1)):
        raise UnsupportedError(
            f"{function.where}: axes {[axis + 1 for axis in axes]} are not successive; supported: successive ones;"
            " use one reduction after the other"
        )
    shape = function.shape
    sides = (math.prod(shape[: axes[0]]), math.prod(shape[axis] for axis in axes), math.prod(shape[axes[-1] + 1 :]))
    chain, window = Chain(function), {"kernel": (sides[1], 1), "stride": (sides[1], 1)}
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


def _repeat(chain: Chain, axis: int, times: int, whole: bool) -> None:
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
        raise UnsupportedError(f"{function.where}: reps {times} of {rank} axes; supported: 1 for the batch; leave it")
    chain = Chain(function)
    for axis, count in enumerate(times[1:]):
        _repeat(chain, axis, count, True)
    return chain.finish(chain.shape)


def _broadcast(function: Function, arguments: Fields) -> Converted:
    parameter_count(function, 0, 0)
    shape = arguments.shape("shape") or []
    if len(shape) != len(function.shape) + 1:
        raise UnsupportedError(
            f"{function.where}: shape {shape} of an input {function.shape}; supported: as many axes; reshape before it"
        )
    chain = Chain(function)
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
        raise UnsupportedError(f"{function.where}: axis {axis}; supported: 1 (the channels); transpose before it")
    positive, turned, negative = (function.fresh(name) for name in ("positive", "turned", "negative"))
    return [
        (Relu(f"{function.name}/positive", function.inputs, positive), None),
        (ScaleOffset(f"{function.name}/turned", function.inputs, turned, -1.0, 0.0), None),
        (Relu(f"{function.name}/negative", (turned,), negative), None),
        (Concatenate(function.name, (positive, negative), function.output), None),
    ]


MOVES: dict[str, tuple[str, Converter]] = {
    "Broadcast": ("broadcast_param", _broadcast),
    "CReLU": ("crelu_param", _concatenated_relu),
    "Interpolate": ("interpolate_param", interpolate),
    "Max": ("max_param", lambda function, arguments: _extreme(function, arguments, "Max")),
    "Min": ("min_param", lambda function, arguments: _extreme(function, arguments, "Min")),
    "Tile": ("tile_param", _tile),
}
