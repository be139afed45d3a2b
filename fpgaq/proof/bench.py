"""The bench folder of an output: cocotb tests, golden vectors and their description, self-contained.

What is in it needs cocotb, numpy and a simulator only; the static files are those of ``templates/bench``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from ..base.errors import ModelError
from ..base.formats import Format
from ..base.npy import npy_bytes
from ..hardware.emit.render import render, static_text
from ..hardware.lowering.wide import carried_shape, in_shape
from ..integer.graph import IntegerArray, IntegerGraph
from .vectors import RANDOM_FRAMES, GoldenVectors, golden_vectors

STATIC_FILES = ("Makefile", "run.py", "test_network.py", "compare.py", "packing.py")
CELLS = ("fpgaq_bench_source.v", "fpgaq_bench_sink.v", "fpgaq_bench_monitor.v")
WRAPPER = "fpgaq_bench.v"

Description = dict[str, Any]


def bench_files(
    graph: IntegerGraph,
    manifest: Mapping[str, Any],
    interface: Mapping[str, Any],
    inputs: Mapping[str, IntegerArray] | None = None,
    random_frames: int = RANDOM_FRAMES,
    lowered: IntegerGraph | None = None,
    thorough: bool = False,
) -> dict[str, str | bytes]:
    """Make the bench of an output folder.

    Parameters
    ----------
    graph : IntegerGraph
    manifest, interface : mapping
        The contents of `manifest.json` and `interface.json`.
    inputs : mapping of str to array of int, optional
        Input integers, (frames, height, width, channels); the graph's samples if None. All-minimum, all-maximum
        and seeded random frames are always added, and chosen ones (`chosen`).
    random_frames : int
        How many random ones.
    lowered : IntegerGraph, optional
        The form of the network that was built, if it is another.
    thorough : bool
        As many chosen frames as are needed to exercise every word of the memories.

    Returns
    -------
    dict of str to str or bytes
        Contents by path, all below ``bench/``; the same arguments give the same bytes.
    """
    built = graph if lowered is None else lowered
    vectors = golden_vectors(graph, inputs, random_frames, built, thorough)
    streams = _describe_streams(built, manifest, interface)
    files: dict[str, str | bytes] = {}
    for stream in streams:
        files[f"bench/{stream['vectors']}"] = _npy(vectors, stream, built.tensors[stream["tensor"]].format)
    description = {
        "fpgaq_bench": 1,
        "top": manifest["top"],
        "sources": [*CELLS, WRAPPER],
        "prediction": dict(manifest["prediction"]),
        "frames": list(vectors.labels),
        "exercise": asdict(vectors.exercise),
        "streams": streams,
    }
    files["bench/bench.json"] = json.dumps(description, indent=1, sort_keys=True) + "\n"
    files[f"bench/{WRAPPER}"] = _render_wrapper(manifest, interface, streams, len(vectors.labels))
    for name in (*STATIC_FILES, *CELLS):
        files[f"bench/{name}"] = static_text(f"bench/{name}")
    return dict(sorted(files.items()))


def _describe_streams(
    graph: IntegerGraph, manifest: Mapping[str, Any], interface: Mapping[str, Any]
) -> list[Description]:
    """Every monitored stream in topological order: input ports, internal streams, output ports."""
    numbers = {name: index for index, name in enumerate(graph.tensors)}
    streams: list[Description] = []
    groups = [("input", interface["inputs"]), ("internal", manifest["streams"]), ("output", interface["outputs"])]
    for kind, members in groups:
        for member in members:
            tensor = member["tensor"]
            if tensor not in numbers:
                raise ModelError(
                    f"stream {member['name']!r} carries tensor {tensor!r}, which the network does not have"
                )
            port = kind != "internal"
            streams.append(
                {
                    "kind": kind,
                    "name": member["port"] if port else member["name"],
                    "layer": member["name"] if port else member["layer"],
                    "last": port,
                    "tensor": tensor,
                    "shape": list(carried_shape(member)),
                    "lanes": member["lanes"],
                    "width": member["width"],
                    "slot_bits": member["slot_bits"] if port else member["width"],
                    "signed": member["signed"],
                    "vectors": f"vectors/{numbers[tensor]:03d}.npy",
                }
            )
    return streams


def _npy(vectors: GoldenVectors, stream: Description, fmt: Format) -> bytes:
    """The frames of one tensor in the least integer type that holds its format, little-endian."""
    array = in_shape(vectors.tensors[stream["tensor"]], tuple(stream["shape"]))
    if list(array.shape[1:]) != stream["shape"]:
        raise ModelError(f"stream {stream['name']!r} has shape {stream['shape']}, its tensor {array.shape[1:]}")
    kinds = ("|i1", "<i2", "<i4", "<i8") if fmt.signed else ("|u1", "<u2", "<u4", "<i8")
    kind = next(kind for kind in kinds if fmt.maximum <= np.iinfo(kind).max or kind == "<i8")
    return npy_bytes(array, kind)


def _render_wrapper(
    manifest: Mapping[str, Any], interface: Mapping[str, Any], streams: list[Description], frame_count: int
) -> str:
    inputs, outputs = interface["inputs"], interface["outputs"]
    first_output = len(streams) - len(outputs)
    beats = {stream["name"]: _beats(stream) for stream in streams if stream["kind"] == "output"}
    facts = {
        "top": manifest["top"],
        "frame_count": frame_count,
        "ports": [*inputs, *outputs],
        "inputs": [{**port, "salt": _salt(index)} for index, port in enumerate(inputs)],
        "outputs": [
            {
                **port,
                "salt": _salt(len(inputs) + index),
                "monitor": first_output + index,
                "beats_per_frame": beats[port["port"]],
            }
            for index, port in enumerate(outputs)
        ],
        "monitors": _monitors(manifest, interface, streams),
    }
    return render(f"bench/{WRAPPER}.j2", facts)


def _salt(index: int) -> int:
    """Makes the random sequences of ports different: multiples of 2**32 over the golden ratio."""
    return (index + 1) * 0x9E3779B1 % (1 << 32)


def _beats(stream: Description) -> int:
    height, width, channels = stream["shape"]
    return int(height * width * -(-channels // stream["lanes"]))


def _monitors(
    manifest: Mapping[str, Any], interface: Mapping[str, Any], streams: list[Description]
) -> list[Description]:
    nets = {stream["name"]: stream for stream in manifest["streams"]}
    ports = {port["port"]: port for port in (*interface["inputs"], *interface["outputs"])}
    monitors = []
    for index, stream in enumerate(streams):
        name = stream["name"]
        if stream["kind"] == "internal":
            valid, ready, data = (f"dut.{nets[name][net]}" for net in ("valid", "ready", "data"))
            bits = stream["lanes"] * stream["slot_bits"]
        else:
            valid, ready, data = f"{name}_tvalid", f"{name}_tready", f"{{{name}_tlast, {name}_tdata}}"
            bits = ports[name]["tdata_bits"] + 1
        monitors.append(
            {
                "index": index,
                "valid": valid,
                "ready": ready,
                "data": data,
                "bits": bits,
                "valid_low_in_reset": int(stream["kind"] == "output"),
                "ready_low_in_reset": int(stream["kind"] == "input"),
            }
        )
    return monitors
