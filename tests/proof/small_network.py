"""A hand-written network that obeys the contract of an output folder, for tests of the bench itself."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from fpgaq.base.formats import Format
from fpgaq.hardware.emit.digests import with_digests
from fpgaq.integer.file import dump
from fpgaq.integer.graph import InputTransform, IntegerGraph, IntegerRelu, Tensor
from fpgaq.proof.bench import bench_files

SHAPE = (2, 3, 5)
SOURCES = ("fpgaq_fifo2.v", "fpgaq_top.v")


def make_graph() -> IntegerGraph:
    """Two rectifiers in a row."""
    tensors = {
        "x": Tensor("x", SHAPE, Format(8, 4)),
        "a": Tensor("a", SHAPE, Format(8, 4)),
        "y": Tensor("y", SHAPE, Format(7, 4, signed=False)),
    }
    samples = np.random.default_rng(5).integers(-128, 128, size=(2, *SHAPE))
    return IntegerGraph(
        name="small",
        inputs=("x",),
        outputs=("y",),
        tensors=tensors,
        operators=(IntegerRelu("relu_a", ("x",), "a"), IntegerRelu("relu_b", ("a",), "y")),
        transforms={"x": InputTransform(1.0, 0.0, "half_up", (5, 2, 3), (5, 2, 3))},
        output_shapes={"y": (5, 2, 3)},
        samples={"x": samples},
        classifier=False,
    )


def make_interface() -> dict[str, Any]:
    """The contents of interface.json."""
    port = {"shape": list(SHAPE), "lanes": 2, "frac": 4, "slot_bits": 8, "tdata_bits": 16, "beats_per_frame": 18}
    return {
        "top": "fpgaq_top",
        "clock": "clk",
        "reset": "rst",
        "frame_error": "frame_error",
        "inputs": [{**port, "name": "x", "tensor": "x", "port": "s_axis", "width": 8, "signed": True}],
        "outputs": [{**port, "name": "y", "tensor": "y", "port": "m_axis", "width": 7, "signed": False}],
    }


def make_manifest(memory: bytes) -> dict[str, Any]:
    """The contents of manifest.json."""
    streams = [
        {
            "name": name,
            "layer": layer,
            "tensor": tensor,
            "lanes": 2,
            "width": width,
            "signed": signed,
            "shape": list(SHAPE),
        }
        | {net: f"{name}_{net}" for net in ("data", "valid", "ready")}
        for name, layer, tensor, width, signed in (
            ("s0", "input", "x", 8, True),
            ("s1", "relu_a", "a", 8, True),
            ("s2", "relu_b", "y", 7, False),
        )
    ]
    return {
        "fpgaq": 1,
        "top": "fpgaq_top",
        "files": [f"rtl/{name}" for name in SOURCES],
        "memory_files": ["rtl/weights.hex"],
        "memory_digests": {"rtl/weights.hex": hashlib.sha256(memory).hexdigest()},
        "rom_directory": "rtl",
        "digest": "0",
        "prediction": {"interval_cycles": 18, "latency_cycles": 20, "frames": 3},
        "streams": streams,
    }


def write_output(directory: Path, changes: Mapping[str, str] | None = None, **prediction: int | None) -> Path:
    """Write the output folder; `changes` are replacements in the Verilog; each must apply."""
    memory = b"00\n01\n"
    manifest = make_manifest(memory)
    manifest["prediction"].update(prediction)
    files: dict[str, str | bytes] = {"rtl/weights.hex": memory}
    applied = set()
    for name in SOURCES:
        text = (Path(__file__).parent / "dut" / name).read_text(encoding="utf-8")
        for old, new in (changes or {}).items():
            if old in text:
                applied.add(old)
                text = text.replace(old, new)
        files[f"rtl/{name}"] = text
    assert applied == set(changes or {}), "a change found no place in the Verilog"
    files |= {"network.fpgaq": dump(make_graph()), "interface.json": json.dumps(make_interface())}
    files |= {"manifest.json": json.dumps(manifest), **bench_files(make_graph(), manifest, make_interface())}
    for path, content in with_digests(files).items():
        target = directory / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return directory


def run_bench(directory: Path, *arguments: str) -> tuple[int, dict[str, Any]]:
    """Run the bench in its folder; return its exit status and outcome."""
    command = [sys.executable, "run.py", *arguments]
    process = subprocess.run(command, cwd=directory / "bench", capture_output=True, text=True, timeout=900)
    outcome = json.loads((directory / "bench" / "build" / "outcome.json").read_text(encoding="utf-8"))
    assert process.returncode == outcome["status"], process.stderr
    return process.returncode, outcome
