"""ONNX operators that repeat elements, and those that exchange channels and pixels."""

from __future__ import annotations

from ....base.errors import ModelError, UnsupportedError
from .builder import Call
from .moves import permuted, repeated, tiled


def expand(call: Call) -> None:
    """Expand along axes of one element."""
    call.count(2, 2)
    tensor, sizes = call.tensor(), call.integers(1)
    have = (call.builder.batch, *tensor.shape)
    if len(sizes) < len(have):
        sizes = [1] * (len(have) - len(sizes)) + sizes
    if len(sizes) > len(have) or sizes[0] not in (1, call.builder.batch):
        raise UnsupportedError(
            f"{call.where}: {have} to {sizes} moves the batch; supported: the batch in front; leave the batch first"
        )
    for axis, (size, want) in enumerate(zip(tensor.shape, sizes[1:], strict=True)):
        if want != size and size == 1:
            tensor = repeated(call, tensor, axis, want)
        elif want not in (1, size):
            raise ModelError(f"{call.where}: {have} does not broadcast to {sizes}")
    call.reshape(tensor, tensor.shape)


def tile(call: Call) -> None:
    """Tile along any axis but the batch."""
    call.count(2, 2)
    tensor, times = call.tensor(), call.integers(1)
    if len(times) != len(tensor.shape) + 1 or min(times) < 1:
        raise ModelError(f"{call.where}: repeats {times} of {len(tensor.shape) + 1} axes; each is at least 1")
    if times[0] != 1:
        raise UnsupportedError(
            f"{call.where}: repeats {times} repeat the batch; supported: 1 in front; leave the batch as it is"
        )
    for axis, count in enumerate(times[1:]):
        tensor = tiled(call, tensor, axis, count)
    call.reshape(tensor, tensor.shape)


def depth_to_space(call: Call) -> None:
    """DepthToSpace, both modes: channels (block, block, rest) or (rest, block, block) become pixels."""
    call.count(1, 1)
    tensor, block, mode = call.tensor(), call.attributes.integer("blocksize"), "DCR"
    if call.opset >= 11:
        mode = call.attributes.text("mode", "DCR")
    if len(tensor.shape) != 3 or block < 1 or tensor.shape[0] % (block * block) or mode not in ("DCR", "CRD"):
        raise ModelError(f"{call.where}: blocksize {block}, mode {mode!r} of an input of shape {tensor.shape}")
    channels, height, width = tensor.shape
    depth = channels // (block * block)
    apart = (block, block, depth, height, width) if mode == "DCR" else (depth, block, block, height, width)
    order = (2, 3, 0, 4, 1) if mode == "DCR" else (0, 3, 1, 4, 2)
    moved = permuted(call, call.view(tensor, apart), order)
    call.reshape(moved, (depth, height * block, width * block))


def space_to_depth(call: Call) -> None:
    """SpaceToDepth: the pixels of a block become channels, in front of the others."""
    call.count(1, 1)
    tensor, block = call.tensor(), call.attributes.integer("blocksize")
    if len(tensor.shape) != 3 or block < 1 or tensor.shape[1] % block or tensor.shape[2] % block:
        raise ModelError(f"{call.where}: blocksize {block} of an input of shape {tensor.shape}")
    channels, height, width = tensor.shape
    apart = (channels, height // block, block, width // block, block)
    moved = permuted(call, call.view(tensor, apart), (2, 4, 0, 1, 3))
    call.reshape(moved, (channels * block * block, height // block, width // block))
