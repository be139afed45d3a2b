"""What a wrapped network answers to the bytes of frames, for benches that damage them on the way."""

from __future__ import annotations

from typing import Any

import numpy as np

from fpgaq.integer.graph import IntegerGraph
from fpgaq.integer.reference import run
from fpgaq.proof.bus_bench import as_bytes


def answer(network: IntegerGraph, payloads: list[bytes], public: dict[str, Any]) -> list[bytes]:
    """What the network makes of the bytes of its input frames, by the integer reference."""
    (name,), (output,) = network.inputs, network.outputs
    tensor, slot = network.tensors[name], public["input"]["slot_bits"] // 8
    kind = "<u" if not tensor.format.signed else "<i"
    values = np.array([np.frombuffer(payload, dtype=f"{kind}{slot}") for payload in payloads], dtype=np.int64)
    # The bits above an element are ignored.
    low = values & ((1 << tensor.format.width) - 1)
    if tensor.format.signed:
        low -= (low >> (tensor.format.width - 1)) << tensor.format.width
    results = run(network, {name: low.reshape(len(payloads), *tensor.shape)})[output]
    return [bytes(frame.astype(np.uint8).ravel()) for frame in as_bytes(results, public["output"])]
