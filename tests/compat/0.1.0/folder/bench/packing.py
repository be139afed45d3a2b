"""How integers travel on a stream: beats, lanes and slots as bench.json describes them. Needs numpy only.

A pixel takes ceil(channels / lanes) beats in raster order; a beat holds `lanes` slots of `slot_bits` bits, element
0 in the low bits; an element is sign- or zero-extended to its slot; unused lanes of a pixel's last beat are 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np


def beats_per_frame(stream: Mapping[str, Any]) -> int:
    """Beats in which one frame of `stream` (keys shape and lanes) travels."""
    height, width, channels = stream["shape"]
    return height * width * -(-channels // stream["lanes"])


def pack_frame(frame: np.ndarray, stream: Mapping[str, Any]) -> list[str]:
    """The beats of one frame, (height, width, channels) integers, as hex digits such as Verilog's ``%h`` prints."""
    lanes, slot = stream["lanes"], stream["slot_bits"]
    height, width, channels = stream["shape"]
    groups = -(-channels // lanes)
    padded = np.zeros((height * width, groups * lanes), dtype=np.int64)
    padded[:, :channels] = np.asarray(frame, dtype=np.int64).reshape(height * width, channels)
    elements = padded.reshape(-1, lanes)
    bits = ((elements[:, :, None] >> np.arange(slot)) & 1).astype(np.uint8).reshape(len(elements), lanes * slot)
    digits = -(-lanes * slot // 4)
    whole = np.zeros((len(elements), digits + digits % 2, 4), dtype=np.uint8)
    whole.reshape(len(elements), -1)[:, : lanes * slot] = bits
    # Hex digits are printed from the high end, four bits each.
    text = np.packbits(whole.reshape(len(elements), -1)[:, ::-1], axis=1).tobytes().hex()
    step = digits + digits % 2
    return [text[start + step - digits : start + step] for start in range(0, len(text), step)]


def lane_value(beat: str, lane: int, stream: Mapping[str, Any]) -> int | str:
    """The integer in one lane of a beat of hex digits, or "X" if any of its bits is unknown."""
    slot = stream["slot_bits"]
    low = lane * slot
    first, last = low // 4, (low + slot - 1) // 4
    digits = beat[::-1][first : last + 1][::-1]
    if not digits or set(digits.lower()) - set("0123456789abcdef"):
        return "X"
    value = (int(digits, 16) >> (low - 4 * first)) & ((1 << slot) - 1)
    return value - (1 << slot) if stream["signed"] and value >> (slot - 1) else value
