"""Upsample and Resize: nearest neighbour by whole factors, which is each pixel repeated.

Coordinate and rounding modes differ between opsets; what counts is which pixel each output pixel takes, so that is
worked out exactly and held against repetition. Source: https://onnx.ai/onnx/operators/onnx__Resize.html
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np

from ...errors import ModelError, UnsupportedError
from ...graph import Shape, Upsample
from .builder import Call, Tensor, graph_shape

MAX_SIZE = 1 << 14
_HALF = Fraction(1, 2)

_COORDINATES: dict[str, Callable[[int, int, int], Fraction]] = {
    "asymmetric": lambda x, factor, size: Fraction(x, factor),
    "half_pixel": lambda x, factor, size: (x + _HALF) / factor - _HALF,
    "half_pixel_symmetric": lambda x, factor, size: (x + _HALF) / factor - _HALF,
    "pytorch_half_pixel": lambda x, factor, size: (x + _HALF) / factor - _HALF if size * factor > 1 else Fraction(0),
    "tf_half_pixel_for_nn": lambda x, factor, size: (x + _HALF) / factor,
    "align_corners": lambda x, factor, size: (
        Fraction(x * (size - 1), size * factor - 1) if size * factor > 1 else Fraction(0)
    ),
}
_ROUNDINGS: dict[str, Callable[[Fraction], int]] = {
    "round_prefer_floor": lambda x: math.ceil(x - _HALF),
    "round_prefer_ceil": lambda x: math.floor(x + _HALF),
    "floor": math.floor,
    "ceil": math.ceil,
}


def upsample(call: Call) -> None:
    """Upsample, opset 7 to 9."""
    _check_mode(call)
    image = call.image()
    if call.opset < 9:
        call.count(1, 1)
        scales = call.attributes.reals("scales") or []
    else:
        call.count(2, 2)
        scales = _numbers(call, 1)
    _emit(call, image, _factors(call, image, scales), "asymmetric", "floor")


def resize(call: Call) -> None:
    """Resize."""
    _check_mode(call)
    image, attributes = call.image(), call.attributes
    if call.opset < 11:
        call.count(2, 2)
        _emit(call, image, _factors(call, image, _numbers(call, 1)), "asymmetric", "floor")
        return
    call.count(1, 4)
    coordinates = attributes.text("coordinate_transformation_mode", "half_pixel")
    rounding = attributes.text("nearest_mode", "round_prefer_floor")
    # Of cubic interpolation, cropping and shrinking, none of which is what a whole factor upwards does.
    attributes.skip("cubic_coeff_a", "extrapolation_value", "exclude_outside", "antialias")
    if coordinates not in _COORDINATES or rounding not in _ROUNDINGS:
        raise UnsupportedError(
            f"{call.where}: coordinate_transformation_mode {coordinates!r}, nearest_mode {rounding!r}; supported:"
            f" {', '.join(_COORDINATES)}; {', '.join(_ROUNDINGS)}"
        )
    _emit(call, image, _factors(call, image, _sizes_or_scales(call, image)), coordinates, rounding)


def _check_mode(call: Call) -> None:
    mode = call.attributes.text("mode", "nearest")
    if mode != "nearest":
        raise UnsupportedError(f"{call.where}: mode {mode!r}; supported: 'nearest'")


def _numbers(call: Call, index: int) -> list[float]:
    return [float(value) for value in call.parameter(index).reshape(-1)[:16]]


def _sizes_or_scales(call: Call, image: Tensor) -> list[float]:
    rank = len(image.shape)
    axes = call.attributes.integers("axes")
    positions = list(range(rank + 1)) if axes is None else [a + rank + 1 if a < 0 else a for a in axes]
    if len(set(positions)) != len(positions) or any(not 0 <= position <= rank for position in positions):
        raise ModelError(f"{call.where}: axes {axes} of a tensor with {rank + 1} axes")
    call.attributes.only("keep_aspect_ratio_policy", "stretch", "stretch")
    current = [call.builder.batch, *image.shape]
    if call.has(2) and call.constant(2).size:
        values = _numbers(call, 2)
    elif call.has(3):
        sizes = call.integers(3)
        if len(sizes) != len(positions):
            raise ModelError(f"{call.where}: sizes {sizes}; expected {len(positions)} numbers")
        values = [size / current[position] for size, position in zip(sizes, positions, strict=True)]
    else:
        raise ModelError(f"{call.where}: has neither scales nor sizes")
    if len(values) != len(positions):
        raise ModelError(f"{call.where}: scales {values}; expected {len(positions)} numbers")
    scales = [1.0] * (rank + 1)
    for value, position in zip(values, positions, strict=True):
        scales[position] = value
    return scales


def _factors(call: Call, image: Tensor, scales: list[float]) -> tuple[int, int]:
    if len(scales) != len(image.shape) + 1:
        raise ModelError(f"{call.where}: scales {scales}; expected {len(image.shape) + 1} numbers")
    whole = [int(scale) if np.isfinite(scale) else 0 for scale in scales]
    if whole != scales or whole[:2] != [1, 1] or min(whole) < 1 or max(whole) > MAX_SIZE:
        raise UnsupportedError(f"{call.where}: scales {scales}; supported: 1, 1 and whole factors for the spatial axes")
    return (whole[2], whole[3]) if len(whole) == 4 else (1, whole[2])


def _emit(call: Call, image: Tensor, factor: tuple[int, int], coordinates: str, rounding: str) -> None:
    sizes = graph_shape(image.shape)[1:]
    for size, times in zip(sizes, factor, strict=True):
        if size * times > MAX_SIZE:
            raise UnsupportedError(f"{call.where}: an output of {size * times} pixels; supported: {MAX_SIZE}")
        # With a factor of 1 every mode takes the pixel itself.
        for x in range(size * times if times > 1 else 0):
            source = _ROUNDINGS[rounding](_COORDINATES[coordinates](x, times, size))
            if min(max(source, 0), size - 1) != x // times:
                raise UnsupportedError(
                    f"{call.where}: {coordinates!r} with {rounding!r} and factor {times} does not repeat each pixel;"
                    " supported: 'asymmetric' with 'floor', 'half_pixel' with 'round_prefer_floor'"
                )
    spread(call, image, factor)


def spread(call: Call, image: Tensor, factor: tuple[int, int], last: int = 0) -> Tensor:
    """Append an Upsample."""
    channels, height, width = graph_shape(image.shape)
    shape: Shape = (channels, height * factor[0], width * factor[1])
    if len(image.shape) == 2:
        shape = (channels, shape[2])
    return call.emit(Upsample, (image,), shape, last, factor=factor)
