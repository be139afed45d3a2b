"""SOFTMAX at the end, which the host computes from the hardware's integers."""

from __future__ import annotations

from ...base.errors import UnsupportedError
from ...integer.graph import HostSoftmax
from .conversion import Call, image_of
from .multipliers import quantize_multiplier

SCALED_BITS = 5
"""Integer bits of the differences that LiteRT's kernel exponentiates."""


def softmax(call: Call) -> None:
    """SOFTMAX of 8-bit integers over the channels."""
    call.count(1, 1)
    read, written = call.read, call.written
    output = call.node.outputs[0]
    readers = {index for node in call.owner.model.nodes for index in node.inputs}
    if output in readers and not _is_dequantized(call, output):
        raise UnsupportedError(
            f"{call.where}: in the midst of the network; supported: at the end, where the host computes it"
        )
    if read.format.width != 8 or written.format != read.format:
        raise UnsupportedError(
            f"{call.where}: of {read.format.width} bits or to another type; supported: int8 or uint8"
        )
    if abs(written.step - 1 / 256) > 0.001 / 256 or written.zero_point != written.format.minimum:
        raise UnsupportedError(f"{call.where}: an output of scale {written.step:g}; LiteRT takes 1/256")
    image = call.image(0)
    if image_of(image.shape, call.where)[:2] != (1, 1):
        raise UnsupportedError(f"{call.where}: over the channels of several pixels; supported: of one")
    beta = call.options.real("Beta")
    real = min(beta * read.step * (1 << (31 - SCALED_BITS)), float((1 << 31) - 1))
    if real <= 1:
        raise UnsupportedError(f"{call.where}: beta {beta:g} on a scale of {read.step:g}, which LiteRT does not take")
    multiplier, shift = quantize_multiplier(real)
    radius = ((1 << SCALED_BITS) - 1) * (1 << (31 - SCALED_BITS)) // (1 << shift)
    call.owner.softmax[output] = HostSoftmax(
        multiplier, shift, -radius, written.format, written.step, written.zero_point
    )
    call.write(image)


def _is_dequantized(call: Call, output: int) -> bool:
    """Whether nothing but DEQUANTIZE reads it."""
    return all(node.type == "DEQUANTIZE" for node in call.owner.model.nodes if output in node.inputs)
