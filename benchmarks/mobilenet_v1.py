"""Measures MobileNet v1 at 224x224, as nnabla writes it, from the file to Verilog: 4.2 M weights of 8 bits.

    python benchmarks/mobilenet_v1.py [--folder DIR] [--multipliers 64] [--size 224] [--width 32]

Builds the network with nnabla (random weights; convolution, batch normalization and ReLU as in its examples), saves it,
and runs `summary`, `quantize` and `generate` on it, each a process of its own. Prints processor seconds and peak memory
of each as JSON, and what `generate` says about memory.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

STRIDES = (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1)
WIDTHS = (2, 4, 4, 8, 8, 16, 16, 16, 16, 16, 16, 32, 32)
CLASSES = 1000


def build(path: Path, size: int, width: int) -> None:
    """The .nnp file."""
    import nnabla as nn
    from nnabla import functions
    from nnabla import parametric_functions as layers
    from nnabla.utils.save import save

    np.random.seed(0)  # nnabla's initializers draw from it
    image = nn.Variable((1, 3, size, size))

    def normalized(tensor: Any) -> Any:
        return functions.relu(layers.batch_normalization(tensor, batch_stat=False))

    with nn.parameter_scope("first"):
        tensor = normalized(layers.convolution(image, width, (3, 3), pad=(1, 1), stride=(2, 2), with_bias=False))
    for number, (stride, times) in enumerate(zip(STRIDES, WIDTHS, strict=True)):
        with nn.parameter_scope(f"depthwise{number}"):
            tensor = layers.depthwise_convolution(tensor, (3, 3), pad=(1, 1), stride=(stride, stride), with_bias=False)
            tensor = normalized(tensor)
        with nn.parameter_scope(f"pointwise{number}"):
            tensor = normalized(layers.convolution(tensor, times * width, (1, 1), with_bias=False))
    with nn.parameter_scope("last"):
        output = layers.affine(functions.average_pooling(tensor, tensor.shape[2:]), CLASSES)
    save(str(path), {
        "networks": [{"name": "mobilenet", "batch_size": 1, "outputs": {"y": output}, "names": {"x": image}}],
        "executors": [{"name": "runtime", "network": "mobilenet", "data": ["x"], "output": ["y"]}],
    })  # fmt: skip


def measure(command: list[str]) -> dict[str, Any]:
    """Processor seconds and megabytes of a command."""
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen([sys.executable, "-m", "fpgaq", *command], stdout=output, stderr=output)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        said = output.read().decode()
    if process.returncode:
        raise SystemExit(said)
    seconds = round(usage.ru_utime + usage.ru_stime, 1)
    return {"command": command[0], "seconds": seconds, "megabytes": usage.ru_maxrss // 1024, "said": said}


def main() -> None:
    """Build, run, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=None, help="keeps the files; by default a temporary one")
    parser.add_argument("--multipliers", default="64")
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--width", type=int, default=32)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        model, data, integers = folder / "mobilenet.nnp", folder / "data.npz", folder / "mobilenet.fpgaq"
        build(model, options.size, options.width)
        samples = np.random.default_rng(1).normal(size=(4, 3, options.size, options.size)).astype(np.float32)
        np.savez(data, x=samples)
        rows = [
            measure(["summary", str(model)]),
            measure(["quantize", str(model), "--calibration", str(data), "-o", str(integers)]),
            measure(["generate", str(integers), "--multipliers", options.multipliers, "-o", str(folder / "rtl")]),
        ]
    for row in rows:
        print(row.pop("said"))
    print(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
