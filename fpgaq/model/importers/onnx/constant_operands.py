"""Constants beside a tensor: one number, one for each place of an axis, or a whole map; the batch always in front."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from ....base.errors import ModelError, UnsupportedError
from ...graph import Add, Affine, Array, BatchNormalization, Multiply, ScaleOffset, Shape
from .builder import Call, Tensor
from .moves import cut, permuted, repeated


def per_channel(call: Call, index: int, array: Array, shape: Shape) -> Array:
    """A constant that broadcasts to (batch, *shape) as (1,) or (channels,), if it does not vary otherwise."""
    where = f"{call.where}: input {index}, a constant of shape {array.shape},"
    if not shape and array.size == 1:
        return array.reshape(1)
    lead = max(0, array.ndim - len(shape))
    if math.prod(array.shape[:lead]) != 1 or lead > 1:
        raise UnsupportedError(
            f"{where} has values for the samples of a batch or adds axes to {shape}; supported: one for all samples;"
            " export with a batch of 1"
        )
    array = array.reshape((1,) * (len(shape) - array.ndim + lead) + array.shape[lead:])
    for have, want in zip(array.shape, shape, strict=True):
        if have not in (1, want):
            raise UnsupportedError(
                f"{where} does not broadcast to {shape}; supported: one number, or one per channel;"
                " reshape it before exporting"
            )
    first = array.reshape(len(array), -1)[:, :1].reshape(-1, *(1,) * (len(shape) - 1))
    if not np.array_equal(np.broadcast_to(first, array.shape), array):
        raise UnsupportedError(
            f"{where} varies over space; supported: one number, or one per channel; give one per channel"
        )
    vector: Array = first.reshape(-1)
    return vector[:1] if np.all(vector == vector[0]) else vector


def with_constant(call: Call, tensor: Tensor, index: int, scale: Array, offset: Array, last: int = 0) -> Tensor:
    """Tensor * scale + offset, each (1,) or (channels,)."""
    if scale.size == 1 and offset.size == 1:
        return call.emit(ScaleOffset, (tensor,), tensor.shape, last, scale=float(scale[0]), offset=float(offset[0]))
    channels = tensor.shape[0]
    one = np.ones(channels, np.float32)
    return call.emit(
        BatchNormalization,
        (tensor,),
        tensor.shape,
        last,
        mean=np.zeros(channels, np.float32),
        variance=one,
        scale=None if np.all(scale == 1) else one * scale,
        offset=None if np.all(offset == 0) else one * offset,
        epsilon=0.0,
    )


def scale_offset(call: Call, kind: str, index: int, value: Array) -> tuple[Array, Array]:
    """(scale, offset) of arithmetic with a constant at input `index`."""
    one, zero = np.ones(1, np.float32), np.zeros(1, np.float32)
    if kind == "Add":
        return one, value
    if kind == "Sub":
        return (one, -value) if index else (-one, value)
    if kind == "Mul":
        return value, zero
    if not value.all():
        raise ModelError(f"{call.where}: divides by zero; change the divisor")
    return one / value, zero


def combined(call: Call, kind: str, tensor: Tensor, index: int, array: Array, last: int = 0) -> Tensor:
    """Add, Sub, Mul or Div of a tensor and the constant at input `index`, which may vary along any axes.

    The constant's axes may also be longer than those of the tensor that have one element. Only one number is divided by
    a tensor, which is no matter of this function.
    """
    tensor = widened(call, tensor, array)
    axis = axis_of(array, tensor.shape)
    if axis == 0:
        vector = per_channel(call, index, array, tensor.shape)
        return with_constant(call, tensor, index, *scale_offset(call, kind, index, vector), last)
    if axis > 0:

        def of_channels(front: Tensor, vector: Array) -> Tensor:
            return with_constant(call, front, index, *scale_offset(call, kind, index, vector), -1)

        done = along(call, tensor, axis, index, array, of_channels)
        return call.reshape(done, tensor.shape, last) if last >= 0 else done
    whole = as_map(array, tensor.shape)
    if kind == "Div" and not whole.all():
        raise ModelError(f"{call.where}: divides by zero; change the divisor")
    if kind in ("Mul", "Div"):
        factors = constant_map(call, tensor, 1 / whole if kind == "Div" else whole)
        return call.emit(Multiply, (tensor, factors), tensor.shape, last)
    terms = constant_map(call, tensor, -whole if kind == "Sub" and index else whole)
    signs = (-1 if kind == "Sub" and not index else 1, 1)
    return call.emit(Add, (tensor, terms), tensor.shape, last, signs=signs)


def along(
    call: Call, tensor: Tensor, axis: int, index: int, array: Array, work: Callable[[Tensor, Array], Tensor]
) -> Tensor:
    """What `work` makes of a tensor and a constant that varies along one axis, which it sees as the channels."""
    fitted = _fitted(array, tensor.shape)
    assert fitted is not None
    order = [axis, *(other for other in range(len(tensor.shape)) if other != axis)]
    front = permuted(call, tensor, order)
    vector = per_channel(call, index, fitted.transpose(order), front.shape)
    return permuted(call, work(front, vector), [order.index(place) for place in range(len(order))])


def widened(call: Call, tensor: Tensor, array: Array) -> Tensor:
    """A tensor whose axes of one element are repeated where a constant has more there."""
    sizes = array.shape[-len(tensor.shape) :] if array.ndim and tensor.shape else ()
    if math.prod(array.shape[: array.ndim - len(sizes)]) != 1:
        return tensor
    for axis, size in enumerate(sizes, len(tensor.shape) - len(sizes)):
        if tensor.shape[axis] == 1 and size > 1:
            tensor = repeated(call, tensor, axis, size)
    return tensor


def as_map(array: Array, shape: Shape) -> Array:
    """A constant, which fits, with an element for each of the tensor's."""
    fitted = _fitted(array, shape)
    assert fitted is not None
    return np.broadcast_to(fitted, shape).astype(np.float32)


def axis_of(array: Array, shape: Shape) -> int:
    """The only axis of a tensor of this shape along which a constant varies; 0 for none, -1 for several."""
    fitted = _fitted(array, shape)
    if fitted is None:
        return 0
    varying = [
        axis
        for axis in range(len(shape))
        if not np.array_equal(np.broadcast_to(fitted.take([0], axis), fitted.shape), fitted)
    ]
    return 0 if not varying else varying[0] if len(varying) == 1 else -1


def _fitted(array: Array, shape: Shape) -> Array | None:
    """A constant that broadcasts to the tensor of every sample, with as many axes; None for any other."""
    lead = max(0, array.ndim - len(shape))
    if lead > 1 or math.prod(array.shape[:lead]) != 1:
        return None
    fitted = array.reshape((1,) * (len(shape) - array.ndim + lead) + array.shape[lead:])
    fits = all(have in (1, want) for have, want in zip(fitted.shape, shape, strict=True))
    return fitted if fits else None


def constant_map(call: Call, beside: Tensor, array: Array) -> Tensor:
    """A tensor of constant elements: the bias of a matrix product whose weights are zero, on one element of another."""
    element = beside
    for axis in range(len(beside.shape)):
        element = cut(call, element, axis, 0, 1)
    bias = np.ascontiguousarray(array, np.float32).reshape(-1)
    weight = np.zeros((bias.size, 1), np.float32)
    flat = call.emit(Affine, (call.view(element, (1,)),), (bias.size,), -1, weight=weight, bias=bias)
    return call.view(flat, array.shape)
