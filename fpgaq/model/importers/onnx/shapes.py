"""ONNX operators that move elements: reshapes, transposes, slices and concatenation, the batch always left in front."""

from __future__ import annotations

import math

import numpy as np

from ....base.errors import ModelError, UnsupportedError
from ...graph import Concatenate, Shape, Slice, Transpose
from .builder import Call, Tensor, graph_shape
from .constant_operands import constant_map
from .moves import cut, gathered, joined, permuted


def reshape(call: Call) -> None:
    """Reshape to a constant shape: 0 copies a size, -1 is what is left over."""
    if call.opset < 5:
        call.count(1, 1)
        call.attributes.skip("consumed_inputs")
        dims = call.attributes.integers("shape")
        if dims is None:
            raise ModelError(f"{call.where}: shape is missing")
    else:
        call.count(2, 2)
        dims = call.integers(1)
    tensor = call.tensor()
    current = (call.builder.batch, *tensor.shape)
    zero_is_zero = call.opset >= 14 and call.attributes.flag("allowzero")
    if dims.count(-1) > 1 or any(dim < -1 for dim in dims) or (zero_is_zero and 0 in dims):
        raise ModelError(f"{call.where}: shape {dims}; sizes are at least 1, 0 copies one, -1 stands once")
    if any(dim == 0 and index >= len(current) for index, dim in enumerate(dims)):
        raise ModelError(f"{call.where}: shape {dims} copies a size that {current} does not have")
    sizes = [current[index] if dim == 0 else dim for index, dim in enumerate(dims)]
    # A 0 in front copies the batch, so that -1 is no batch there.
    if dims[:2] == [1, -1] and math.prod(sizes[2:]) == math.prod(tensor.shape) and len(sizes) > 2:
        call.stacked = True
        call.reshape(tensor, (1, *sizes[2:]))
        return
    rows = _merged_rows(call, sizes, tensor)
    if rows:
        call.builder.merged.add(call.node.outputs[0])
    call.reshape(tensor, rows or _without_batch(call, sizes, tensor.shape))


def _merged_rows(call: Call, sizes: list[int], tensor: Tensor) -> Shape | None:
    """(rows, features) where the rows of all samples become one axis with the batch, as Keras multiplies sequences."""
    features = tensor.shape[-1] if len(tensor.shape) > 1 else 0
    rows = math.prod(tensor.shape[:-1])
    if len(sizes) != 2 or sizes[1] != features or rows < 2 or tensor.name in call.builder.merged:
        return None
    return (rows, features) if sizes[0] in (-1, call.builder.batch * rows) else None


def _without_batch(call: Call, sizes: list[int], shape: Shape) -> Shape:
    batch, count = call.builder.batch, math.prod(shape)
    known = math.prod(size for size in sizes if size != -1)
    total = batch * count
    if known < 1 or (-1 in sizes and total % known) or (-1 not in sizes and known != total):
        if call.builder.open_batch and sizes[:1] != [-1] and math.prod(sizes[1:]) == count:
            raise UnsupportedError(
                f"{call.where}: shape {sizes} fixes the batch that the input leaves open; supported: an open"
                " one, or --input-shape NAME=1,...: use x.size(0) or -1 for it"
            )
        raise ModelError(f"{call.where}: cannot reshape (batch, *{shape}) to {sizes}: element counts differ")
    sizes = [total // known if size == -1 else size for size in sizes]
    if sizes == [batch] and count == 1:
        return ()
    if len(sizes) < 2 or sizes[0] != batch:
        raise UnsupportedError(
            f"{call.where}: shape {sizes} moves the batch axis; supported: the batch in front; keep it"
            " (x.flatten(1), x.view(x.size(0), -1))"
        )
    return tuple(sizes[1:])


def flatten(call: Call) -> None:
    """Flatten, from axis 1 in fact."""
    call.count(1, 1)
    tensor = call.tensor()
    axis, rank = call.attributes.integer("axis", 1), len(tensor.shape) + 1
    position = axis + rank if axis < 0 else axis
    if position == 0 or not 0 <= position <= rank or math.prod(tensor.shape[: position - 1]) != 1:
        raise UnsupportedError(
            f"{call.where}: axis {axis} of (batch, *{tensor.shape}) moves the batch; supported: 1; keep the"
            " batch (x.flatten(1))"
        )
    call.reshape(tensor, (math.prod(tensor.shape),))


def _axes(call: Call, rank: int, since: int = 13) -> set[int]:
    """The axes, an attribute before opset `since`, as positions after the batch of a tensor of `rank` axes."""
    if call.opset >= since:
        call.count(1, 2)
        axes = call.integers(1) if call.has(1) else None
    else:
        call.count(1, 1)
        axes = call.attributes.integers("axes")
    if axes is None:
        raise UnsupportedError(f"{call.where}: no axes, which takes the batch too where it is 1; name them")
    positions = {call.axis(axis, rank) for axis in axes}
    if len(positions) != len(axes):
        raise ModelError(f"{call.where}: axes {axes} name one axis twice")
    return positions


def squeeze(call: Call) -> None:
    """Squeeze of named axes."""
    tensor = call.tensor()
    axes = _axes(call, len(tensor.shape))
    if any(tensor.shape[axis] != 1 for axis in axes):
        raise ModelError(
            f"{call.where}: axes {sorted(axis + 1 for axis in axes)} of (batch, *{tensor.shape}) are not 1"
        )
    shape = tuple(size for axis, size in enumerate(tensor.shape) if axis not in axes)
    call.stacked &= 0 not in axes
    call.reshape(tensor, shape)


def unsqueeze(call: Call) -> None:
    """Unsqueeze of named axes."""
    tensor = call.tensor()
    listed = call.integers(1) if call.opset >= 13 and call.has(1) else None
    count = len(listed) if listed is not None else len(_peek(call))
    rank = len(tensor.shape) + count
    call.stacked |= 0 in (listed if listed is not None else _peek(call))
    axes, rest = _axes(call, rank), list(tensor.shape)
    if rank > 7:
        raise UnsupportedError(f"{call.where}: makes {rank + 1} axes; supported: 8; merge axes before it")
    call.reshape(tensor, tuple(1 if axis in axes else rest.pop(0) for axis in range(rank)))


def _peek(call: Call) -> list[int]:
    proto = next((proto for proto in call.node.attributes if proto.name == "axes"), None)
    return [] if proto is None else list(proto.ints)


def transpose(call: Call) -> None:
    """Transpose after the batch."""
    call.count(1, 1)
    if _gathered_between(call):
        call.stacked = False
        return
    tensor = call.tensor()
    rank = len(tensor.shape) + 1
    order = call.attributes.integers("perm")
    order = list(reversed(range(rank))) if order is None else order
    if sorted(order) != list(range(rank)):
        raise ModelError(f"{call.where}: perm {order} of a tensor with {rank} axes")
    given, order = order, [1 - axis if call.stacked and axis < 2 else axis for axis in order]
    call.stacked = order[1:2] == [0]
    if call.stacked:
        order[:2] = order[1::-1]
    if order[0] != 0:
        raise UnsupportedError(
            f"{call.where}: perm {given} moves the batch; supported: 0 in front; leave the batch first (PyTorch's"
            " recurrent and attention layers: batch_first=True)"
        )
    axes = tuple(axis - 1 for axis in order[1:])
    shape = tuple(tensor.shape[axis] for axis in axes)
    if axes == tuple(range(rank - 1)):
        call.reshape(tensor, shape)
        return
    if len(axes) > 3:
        call.reshape(permuted(call, tensor, axes), shape)
        return
    call.emit(Transpose, (tensor,), shape, axes=(2, 1, 0) if len(axes) == 2 else axes)


def _gathered_between(call: Call) -> bool:
    """Transpose, GatherND and Transpose, as PyTorch writes ``x[:, [2, 1, 0]]``: the axis comes first for its gather."""
    builder, gather = call.builder, call.writer(0)
    before = builder.writers.get(gather.inputs[0]) if gather and gather.type in ("Gather", "GatherND") else None
    if gather is None or before is None or before.type != "Transpose" or before.inputs[0] not in builder.tensors:
        return False
    tensor, indices = builder.tensors[before.inputs[0]], builder.constants.get(gather.inputs[1])
    first, second = (builder.call(node).attributes.integers("perm") for node in (before, call.node))
    rank, along = len(tensor.shape) + 1, builder.call(gather).attributes
    if indices is None or first is None or second is None or sorted(first) != list(range(rank)):
        return False
    several = gather.type == "GatherND"
    whole = indices.ndim == 2 and indices.shape[1] == 1 if several else indices.ndim == 1
    if not whole or along.integer("batch_dims" if several else "axis", 0) != 0 or first[0] == 0:
        return False
    if [first[place] for place in second] != list(range(rank)):
        return False
    call.attributes.integers("perm")
    found = gathered(call, tensor, first[0] - 1, _places(call, indices, tensor.shape[first[0] - 1], first[0]))
    call.reshape(found, found.shape)
    return True


def concatenate(call: Call) -> None:
    """Concat along any axis but the batch."""
    count = call.count(1, 256)
    beside = next(call.tensor(index) for index in range(count) if not call.is_constant(index))
    tensors = tuple(
        _constant_part(call, index, beside) if call.is_constant(index) else call.tensor(index) for index in range(count)
    )
    rank = len(tensors[0].shape)
    if call.opset < 4:
        axis = call.attributes.integer("axis", 1)
    else:
        if "axis" not in call.attributes:
            raise ModelError(f"{call.where}: axis is missing")
        axis = call.attributes.integer("axis")
    position = call.axis(axis, rank)
    for tensor in tensors:
        if len(tensor.shape) != rank or _without(tensor.shape, position) != _without(tensors[0].shape, position):
            raise ModelError(
                f"{call.where}: shapes {tensors[0].shape} and {tensor.shape} along axis {axis}; other axes are equal"
            )
    if len(tensors) == 1:
        call.reshape(tensors[0], tensors[0].shape)
        return
    if position or rank > 3:
        joint = joined(call, tensors, position)
        call.reshape(joint, joint.shape)
        return
    call.emit(Concatenate, tensors, (sum(tensor.shape[0] for tensor in tensors), *tensors[0].shape[1:]))


def _constant_part(call: Call, index: int, beside: Tensor) -> Tensor:
    """A constant among computed tensors: the same for each sample of the batch."""
    array = call.constant(index).astype(np.float32)
    batch = array.shape[0] if array.ndim else 0
    if batch not in (1, call.builder.batch) or (array != array[:1]).any():
        raise UnsupportedError(
            f"{call.where}: input {index}, a constant of shape {array.shape}, differs within the batch; supported: one"
            " for all samples: export with a batch of 1"
        )
    return constant_map(call, beside, array[0])


def _without(shape: Shape, axis: int) -> Shape:
    return (*shape[:axis], *shape[axis + 1 :])


def _cut(call: Call, tensor: Tensor, start: list[int], shape: Shape, last: int = 0) -> None:
    offsets = (start[0], 0, start[1]) if len(start) == 2 else tuple(start)
    if graph_shape(shape) == graph_shape(tensor.shape):
        call.reshape(tensor, shape, last)
        return
    if len(shape) > 3:
        for axis, (first, size) in enumerate(zip(start, shape, strict=True)):
            tensor = cut(call, tensor, axis, first, size)
        call.reshape(tensor, shape, last)
        return
    call.emit(Slice, (tensor,), shape, last, start=offsets)


_ALL = 10**9
"""The least end of a slice by which exporters mean all that is left."""


def slice_(call: Call) -> None:
    """Slice with constant limits and steps."""
    tensor = call.tensor()
    steps: list[int] | None = None
    if call.opset < 10:
        call.count(1, 1)
        starts, ends = call.attributes.integers("starts"), call.attributes.integers("ends")
        axes = call.attributes.integers("axes")
    else:
        call.count(3, 5)
        starts, ends = call.integers(1), call.integers(2)
        axes = call.integers(3) if call.has(3) else None
        steps = call.integers(4) if call.has(4) else None
    if starts is None or ends is None:
        raise ModelError(f"{call.where}: starts or ends is missing")
    axes = list(range(len(starts))) if axes is None else axes
    if len({len(starts), len(ends), len(axes), len(steps or starts)}) != 1:
        raise ModelError(f"{call.where}: starts {starts}, ends {ends}, axes {axes}, steps {steps} differ in length")
    steps = steps or [1] * len(starts)
    if call.stacked:
        axes = [1 - axis if axis in (0, 1) else axis for axis in axes]
    current = [call.builder.batch, *tensor.shape]
    begin, end, rank = [0] * len(current), list(current), len(current)
    places: dict[int, range] = {}
    for first, behind, axis, step in zip(starts, ends, axes, steps, strict=True):
        position = axis + rank if axis < 0 else axis
        if not 0 <= position < rank:
            raise ModelError(f"{call.where}: axis {axis} of a tensor with {rank} axes")
        if step == 0:
            raise ModelError(f"{call.where}: steps {steps}; none is 0")
        if step != 1 and position:
            places[position - 1] = range(*slice(first, behind, step).indices(current[position]))
            begin[position], end[position] = 0, max(1, len(places[position - 1]))
        else:
            begin[position], end[position], _ = slice(first, behind).indices(current[position])
    if any(axis % rank == 0 and step != 1 for axis, step in zip(axes, steps, strict=True)):
        raise UnsupportedError(f"{call.where}: cuts the batch; supported: the other axes; leave the batch as it is")
    # Of an open batch only a slice to the greatest number takes all.
    cuts = zip(starts, ends, axes, strict=True)
    open_cut = call.builder.open_batch and any(a % rank == 0 and (first or last < _ALL) for first, last, a in cuts)
    if begin[0] != 0 or end[0] != current[0] or open_cut:
        raise UnsupportedError(f"{call.where}: cuts the batch; supported: the other axes; leave the batch as it is")
    shape = tuple(stop - first for first, stop in zip(begin[1:], end[1:], strict=True))
    if min(shape) < 1 or not all(places.values()):
        raise ModelError(f"{call.where}: starts {starts}, ends {ends} of (batch, *{tensor.shape}) leave nothing")
    for position, rows in places.items():
        tensor = gathered(call, tensor, position, rows)
    _cut(call, tensor, begin[1:], shape)


def split(call: Call) -> None:
    """Split into constant parts."""
    tensor, parts = call.tensor(), len(call.node.outputs)
    axis = call.axis(call.attributes.integer("axis"), len(tensor.shape))
    size = tensor.shape[axis]
    if call.opset < 13:
        call.count(1, 1)
        sizes = call.attributes.integers("split")
    else:
        call.count(1, 2)
        sizes = call.integers(1) if call.has(1) else None
    if call.opset >= 18 and "num_outputs" in call.attributes:
        declared = call.attributes.integer("num_outputs")
        if declared != parts or sizes is not None:
            raise ModelError(f"{call.where}: num_outputs is {declared}, sizes {sizes}; the node has {parts} outputs")
    if sizes is None:
        each = -(-size // parts)
        sizes = [each] * (parts - 1) + [size - each * (parts - 1)]
    if len(sizes) != parts or min(sizes) < 1 or sum(sizes) != size:
        raise ModelError(f"{call.where}: sizes {sizes} for {parts} outputs of axis {axis + 1} with {size} elements")
    for index, part in enumerate(sizes):
        if call.node.outputs[index]:
            start = [0] * len(tensor.shape)
            start[axis] = sum(sizes[:index])
            _cut(call, tensor, start, (*tensor.shape[:axis], part, *tensor.shape[axis + 1 :]), index)


def gather(call: Call) -> None:
    """Gather at constant places of any axis but the batch."""
    call.count(2, 2)
    if call.is_constant(0) and not call.is_constant(1):
        raise UnsupportedError(
            f"{call.where}: rows of a table at computed indices, as in an embedding; supported: constant indices; feed"
            " the embedded vector as the input (--inputs NAME)"
        )
    tensor, indices = call.tensor(), call.constant(1)
    axis = call.axis(call.attributes.integer("axis"), len(tensor.shape))
    size = tensor.shape[axis]
    if indices.dtype.kind not in "iu" or indices.ndim > 4:
        raise ModelError(f"{call.where}: indices of type {indices.dtype} and shape {indices.shape}; expected integers")
    found = gathered(call, tensor, axis, _places(call, indices, size, axis + 1))
    call.stacked &= axis > 0 or indices.ndim > 0
    call.reshape(found, (*tensor.shape[:axis], *indices.shape, *tensor.shape[axis + 1 :]))


def _places(call: Call, indices: np.ndarray, size: int, axis: int) -> list[int]:  # type: ignore[type-arg]
    """Constant indices of an axis, each 0 or more."""
    places = [int(place) + size if place < 0 else int(place) for place in indices.reshape(-1)]
    if not places or min(places) < 0 or max(places) >= size:
        raise ModelError(f"{call.where}: indices {places[:8]} of axis {axis} with {size} elements")
    return places
