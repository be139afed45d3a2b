"""Upsample and Resize: nearest neighbour, which repeats and drops pixels, and linear interpolation.

By whole factors nearest neighbour is each pixel repeated, and linear interpolation a transposed convolution of each
channel with a border of repeated pixels. By others the one gathers rows and columns, the other is a product with a
constant matrix along each axis.

Coordinate and rounding modes differ between opsets; what counts is which pixel each output pixel takes, so that is
worked out exactly and held against repetition. Source: https://onnx.ai/onnx/operators/onnx__Resize.html
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from ....base.errors import ModelError, UnsupportedError
from ...graph import Deconvolution, Pad, Shape, Upsample
from .builder import Call, Tensor, graph_shape
from .moves import gathered, picked
from .windows import model_shape

MAX_SIZE = 1 << 14
_HALF = Fraction(1, 2)

_COORDINATES = (
    "asymmetric",
    "half_pixel",
    "half_pixel_symmetric",
    "pytorch_half_pixel",
    "tf_half_pixel_for_nn",
    "align_corners",
)
_ROUNDINGS: dict[str, Callable[[Fraction], int]] = {
    "round_prefer_floor": lambda x: math.ceil(x - _HALF),
    "round_prefer_ceil": lambda x: math.floor(x + _HALF),
    "floor": math.floor,
    "ceil": math.ceil,
}


def upsample(call: Call) -> None:
    """Upsample, opset 7 to 9."""
    mode = _mode(call)
    image = call.image()
    if call.opset < 9:
        call.count(1, 1)
        scales = call.attributes.reals("scales") or []
    else:
        call.count(2, 2)
        scales = _numbers(call, 1)
    _resized(call, image, mode, _factors(call, image, scales), "asymmetric", "floor")


def resize(call: Call) -> None:
    """Resize."""
    mode = _mode(call)
    image, attributes = call.image(), call.attributes
    if call.opset < 11:
        call.count(2, 2)
        _resized(call, image, mode, _factors(call, image, _numbers(call, 1)), "asymmetric", "floor")
        return
    call.count(1, 4)
    coordinates = attributes.text("coordinate_transformation_mode", "half_pixel")
    rounding = attributes.text("nearest_mode", "round_prefer_floor")
    # Of cubic interpolation, cropping and shrinking, none of which is what a whole factor upwards does.
    attributes.skip("cubic_coeff_a", "extrapolation_value", "exclude_outside")
    if attributes.flag("antialias") and mode == "linear":
        raise UnsupportedError(f"{call.where}: antialias is 1; supported: 0; export with antialias=False")
    if coordinates not in _COORDINATES or rounding not in _ROUNDINGS:
        raise UnsupportedError(
            f"{call.where}: coordinate_transformation_mode {coordinates!r}, nearest_mode {rounding!r}; supported:"
            f" {', '.join(_COORDINATES)}; {', '.join(_ROUNDINGS)}; use such an upsampling, or end the model before it"
            " (--outputs NAME)"
        )
    _resized(call, image, mode, _factors(call, image, _sizes_or_scales(call, image)), coordinates, rounding)


def _mode(call: Call) -> str:
    mode = call.attributes.text("mode", "nearest")
    if mode not in ("nearest", "linear", "bilinear"):
        raise UnsupportedError(
            f"{call.where}: mode {mode!r}; supported: 'nearest', 'linear'; use mode='bilinear' or"
            " 'nearest', or end the model before it (--outputs NAME)"
        )
    return "nearest" if mode == "nearest" else "linear"


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


def _factors(call: Call, image: Tensor, scales: list[float]) -> tuple[Fraction, Fraction]:
    if len(scales) != len(image.shape) + 1:
        raise ModelError(f"{call.where}: scales {scales}; expected {len(image.shape) + 1} numbers")
    sound = all(np.isfinite(scale) and 0 < scale <= MAX_SIZE for scale in scales)
    if not sound or scales[:2] != [1.0, 1.0]:
        raise UnsupportedError(
            f"{call.where}: scales {scales}; supported: 1, 1 and factors of the spatial axes;"
            " resize height and width alone"
        )
    exact = [Fraction(scale).limit_denominator(4096) for scale in scales[2:]]
    return (exact[0], exact[1]) if len(exact) == 2 else (Fraction(1), exact[0])


def _resized(
    call: Call, image: Tensor, mode: str, factors: tuple[Fraction, Fraction], coordinates: str, rounding: str
) -> None:
    sizes = graph_shape(image.shape)[1:]
    for size, factor in zip(sizes, factors, strict=True):
        if not 1 <= math.floor(size * factor) <= MAX_SIZE:
            raise UnsupportedError(
                f"{call.where}: an output of {size * factor} pixels; supported: 1 to {MAX_SIZE}; choose smaller images"
            )
        if factor != 1 and math.floor(size * factor) == size:
            # onnxruntime copies such an image; the specification shifts pixels in it.
            raise UnsupportedError(
                f"{call.where}: a factor of {float(factor)} keeps {size} pixels, of which runtimes make different ones;"
                " give the size instead of the factor (interpolate(size=...)), or leave the layer out"
            )
    whole = all(factor.denominator == 1 for factor in factors)
    pair = (int(factors[0]), int(factors[1]))
    halves = coordinates in ("half_pixel", "half_pixel_symmetric", "pytorch_half_pixel")
    if mode == "linear" and whole and halves and min(sizes) > 1 and max(pair) <= 16:
        _interpolate(call, image, pair)
        return
    if mode == "nearest" and whole and _repeats(sizes, pair, coordinates, rounding):
        spread(call, image, pair)
        return
    result = image
    for place, (size, factor) in enumerate(zip(sizes, factors, strict=True)):
        axis = len(image.shape) - 2 + place
        places = [_place(coordinates, x, factor, size) for x in range(math.floor(size * factor))]
        if factor == 1 or axis == 0:
            continue
        if mode == "nearest":
            result = gathered(
                call, result, axis, [min(max(_ROUNDINGS[rounding](place), 0), size - 1) for place in places]
            )
        else:
            result = picked(call, result, axis, _weights(places, size))
    call.reshape(result, result.shape)


def _place(coordinates: str, x: int, factor: Fraction, size: int) -> Fraction:
    """The place in the input of an output's pixel."""
    count = math.floor(size * factor)
    if coordinates == "align_corners":
        return Fraction(x * (size - 1), count - 1) if count > 1 else Fraction(0)
    if coordinates == "asymmetric":
        return x / factor
    if coordinates == "tf_half_pixel_for_nn":
        return (x + _HALF) / factor
    if coordinates == "pytorch_half_pixel" and count == 1:
        return Fraction(0)
    offset = Fraction(size, 2) * (1 - Fraction(count) / (factor * size)) if coordinates.endswith("symmetric") else 0
    return offset + (x + _HALF) / factor - _HALF


def _weights(places: list[Fraction], size: int) -> NDArray[np.float32]:
    """Linear interpolation as a matrix: a row for each output."""
    matrix = np.zeros((len(places), size), np.float32)
    for row, place in enumerate(places):
        inside = min(max(place, Fraction(0)), Fraction(size - 1))
        low = math.floor(inside)
        matrix[row, low] += float(1 - (inside - low))
        matrix[row, min(low + 1, size - 1)] += float(inside - low)
    return matrix


def _interpolate(call: Call, image: Tensor, factor: tuple[int, int]) -> None:
    """Linear interpolation by whole factors: each pixel spreads over its neighbours as a triangle."""
    channels, height, width = graph_shape(image.shape)
    border = (int(factor[0] > 1), int(factor[1] > 1))
    rows, columns = height + 2 * border[0], width + 2 * border[1]
    padded = call.emit(
        Pad, (image,), model_shape(image, channels, rows, columns), -1,
        padding=(border[0], border[0], border[1], border[1]), mode="repeat",
    )  # fmt: skip
    triangles, cut = [], []
    for times in factor:
        taps = 2 * times - times % 2
        triangles.append(np.array([1 - abs(tap - (taps - 1) / 2) / times for tap in range(taps)], np.float32))
        before = (3 * times - times % 2) // 2 if times > 1 else 0
        behind = (taps - times + 2 * times - before) if times > 1 else 0
        cut += [before, behind]
    kernel = np.outer(*triangles).astype(np.float32)
    weight = np.broadcast_to(kernel, (channels, 1, *kernel.shape)).copy()
    call.emit(
        Deconvolution, (padded,), model_shape(image, channels, height * factor[0], width * factor[1]),
        weight=weight, bias=None, stride=factor, padding=tuple(cut), groups=channels,
    )  # fmt: skip


def _repeats(sizes: Sequence[int], factor: tuple[int, int], coordinates: str, rounding: str) -> bool:
    """Whether every mode's rounding takes each pixel as often as the others; by a factor of 1 it takes the pixel."""
    return all(
        min(max(_ROUNDINGS[rounding](_place(coordinates, x, Fraction(times), size)), 0), size - 1) == x // times
        for size, times in zip(sizes, factor, strict=True)
        for x in range(size * times if times > 1 else 0)
    )


def spread(call: Call, image: Tensor, factor: tuple[int, int], last: int = 0) -> Tensor:
    """Append an Upsample."""
    channels, height, width = graph_shape(image.shape)
    shape: Shape = (channels, height * factor[0], width * factor[1])
    if len(image.shape) == 2:
        shape = (channels, shape[2])
    return call.emit(Upsample, (image,), shape, last, factor=factor)
