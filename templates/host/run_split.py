# SPDX-License-Identifier: 0BSD
"""Run a model that `fpgaq split` took apart: before.onnx, the hardware's part, after.onnx.

    python run_split.py --data samples.npz -o outputs.npz
    python run_split.py --data samples.npz -o outputs.npz --integer hardware.fpgaq
    python run_split.py --data samples.npz -o calibration.npz --until hardware

The hardware's part is computed in floating point, or by its integer network with --integer, which gives what the
hardware gives. --until hardware writes the inputs of the hardware's part, to quantize it with. An .npz holds an array
for each tensor under its name; one input may be called x. Needs numpy and onnxruntime, and fpgaq with --integer.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = Path(__file__).parent


def main() -> None:
    """Run the parts one after another on each sample."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help=".npz or .npy of samples")
    parser.add_argument("-o", "--output", required=True, help=".npz to write")
    parser.add_argument("--integer", help=".fpgaq of hardware.onnx")
    parser.add_argument("--until", choices=["hardware"], help="stop before the hardware's part")
    options = parser.parse_args()
    split = json.loads((FOLDER / "split.json").read_text(encoding="utf-8"))
    values = read(options.data, split["inputs"])
    wanted = split["outputs"]
    for part in split["parts"]:
        if part["name"] == "hardware" and options.until:
            wanted = part["inputs"]
            break
        inputs = {name: values[name] for name in part["inputs"]}
        if part["name"] == "hardware" and options.integer:
            values.update(run_integer(options.integer, inputs, part["outputs"]))
        else:
            values.update(run_onnx(FOLDER / part["file"], inputs, part["outputs"]))
    np.savez(options.output, **{name: values[name] for name in wanted})


def read(path: str, inputs: list[str]) -> dict[str, Any]:
    """The samples of each input."""
    data = np.load(path)
    if isinstance(data, np.ndarray):
        return {inputs[0]: data}
    return {name: data[name] if name in data or len(inputs) > 1 else data["x"] for name in inputs}


def run_onnx(path: Path, inputs: dict[str, Any], outputs: list[str]) -> dict[str, Any]:
    """One part by onnxruntime, a sample at a time where the model has a fixed batch."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    types = {"tensor(float)": np.float32, "tensor(double)": np.float64, "tensor(float16)": np.float16}
    kinds = {entry.name: entry.type for entry in session.get_inputs()}
    arrays = {name: array.astype(types.get(kinds[name], array.dtype)) for name, array in inputs.items()}
    batch = next((entry.shape[0] for entry in session.get_inputs() if entry.shape), None)
    frames = len(next(iter(arrays.values())))
    step = batch if isinstance(batch, int) else frames
    parts = [
        session.run(outputs, {name: array[start : start + step] for name, array in arrays.items()})
        for start in range(0, frames, step)
    ]
    return {name: np.concatenate([part[index] for part in parts]) for index, name in enumerate(outputs)}


def run_integer(path: str, inputs: dict[str, Any], outputs: list[str]) -> dict[str, Any]:
    """The hardware's part by its integer network: the real values that its outputs stand for."""
    from fpgaq import pipeline

    results = pipeline.run(path, inputs)
    return {name: results[name][1].astype(np.float32) for name in outputs}


if __name__ == "__main__":
    main()
