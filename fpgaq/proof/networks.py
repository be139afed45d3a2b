"""The networks of an output folder, and the frames that its bench holds."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..base.errors import ModelError, VerificationError
from ..hardware.lowering.wide import from_shape
from ..integer.graph import IntegerArray, IntegerGraph
from .folder import read_bench


def load_networks(directory: Path) -> tuple[IntegerGraph, IntegerGraph]:
    """The network of a folder, and the form of it that was built."""
    from ..integer.file import load

    network, lowered = load(directory / "network.fpgaq"), directory / "lowered.fpgaq"
    return network, load(lowered) if lowered.is_file() else network


def check_network(directory: Path, manifest: Mapping[str, Any]) -> None:
    """In a folder without digests of all files, hold the network against its own digest."""
    from ..integer.file import digest

    if "digests" not in manifest and digest(load_networks(directory)[1]) != manifest.get("digest"):
        raise VerificationError(
            f"{directory / 'network.fpgaq'}: is not the network that manifest.json names; generate the folder anew"
        )


def stored_frames(graph: IntegerGraph, copy: Path) -> dict[str, IntegerArray]:
    """The data frames among the bench's own golden vectors."""
    description = read_bench(copy)
    chosen = [index for index, label in enumerate(description["frames"]) if label.startswith("data ")]
    inputs = {}
    for stream in description["streams"]:
        if stream["kind"] == "input":
            path, tensor = copy / "bench" / stream["vectors"], graph.tensors.get(stream["tensor"])
            if tensor is None:
                raise ModelError(f"bench.json feeds {stream['tensor']!r}, the network has {sorted(graph.inputs)}")
            try:
                kept = np.load(path, allow_pickle=False)[chosen].astype(np.int64)
                inputs[stream["tensor"]] = from_shape(kept, tensor.shape)
            except (OSError, ValueError, EOFError, IndexError) as error:
                reason = " ".join(str(error).split())
                raise ModelError(f"{path}: no golden vectors ({reason}); generate the folder anew") from None
    if set(inputs) != set(graph.inputs):
        raise ModelError(f"bench.json feeds {sorted(inputs)}, the network has {sorted(graph.inputs)}")
    return inputs
