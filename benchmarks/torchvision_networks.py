"""torchvision's networks with random weights: read, equal to onnxruntime, and blocks of thin ones simulated.

    PYTHON_WITH_TORCHVISION benchmarks/torchvision_networks.py export DIR
    python -m benchmarks.torchvision_networks read DIR [-o RESULTS.json]
    python -m benchmarks.torchvision_networks blocks DIR [-o RESULTS.json] [NETWORK ...]

`export` needs torch and torchvision (`make exporters` makes an environment with both) and nothing of fpgaq. It writes
each network whole, and once more with an eighth of its channels. Batch normalization gets statistics of noise. `read`
imports each whole network and compares it with onnxruntime on two samples. `blocks` cuts a thin network to its first,
a middle and its last block by `--inputs` and `--outputs`, quantizes each on random samples, generates Verilog for 16
multipliers and simulates one frame with Verilator, every beat compared. docs/operators_tested.md shows the tables.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.support.provenance import commit

SIZES = {"alexnet": 224, "vgg11": 224} | dict.fromkeys(
    ("googlenet", "resnet18", "resnet50", "squeezenet1_1", "mobilenet_v2", "mobilenet_v3_small", "mnasnet0_5")
    + ("shufflenet_v2_x0_5", "efficientnet_b0", "densenet121", "regnet_y_400mf"),
    64,
)
"""The networks, and the height and width of their images."""
THIN = 8
MULTIPLIERS = 16
LAYERS = 3
"""Layers with weights that a block has at least."""


def thin(model: Any) -> Any:
    """A network of as many layers with an eighth of the channels, those of its image excepted."""
    from torch import nn

    def fewer(count: int) -> int:
        return count if count == 3 else max(1, count // THIN)

    for parent in list(model.modules()):
        for name, part in parent.named_children():
            if isinstance(part, nn.Conv2d):
                groups = fewer(part.in_channels) if part.groups == part.in_channels else part.groups
                sizes = (part.kernel_size, part.stride, part.padding, part.dilation)
                fresh: Any = nn.Conv2d(
                    fewer(part.in_channels), fewer(part.out_channels), *sizes, groups, part.bias is not None
                )
            elif isinstance(part, nn.BatchNorm2d):
                fresh = nn.BatchNorm2d(fewer(part.num_features))
            elif isinstance(part, nn.Linear):
                # The last one's outputs are classes.
                outputs = part.out_features if part.out_features == 1000 else fewer(part.out_features)
                fresh = nn.Linear(fewer(part.in_features), outputs, part.bias is not None)
            else:
                continue
            setattr(parent, name, fresh)
    return model


def export(folder: Path) -> None:
    """Write NAME.onnx and, but of the two largest, NAME_thin.onnx."""
    import torch
    import torchvision

    folder.mkdir(parents=True, exist_ok=True)
    for name, size in SIZES.items():
        for suffix, change in (("", lambda model: model), ("_thin", thin)):
            if size == 224 and suffix:
                continue
            torch.manual_seed(0)
            options = {"init_weights": True, "aux_logits": False} if name == "googlenet" else {}
            model = change(getattr(torchvision.models, name)(weights=None, **options)).eval()
            for part in model.modules():
                if isinstance(part, torch.nn.BatchNorm2d):
                    part.running_mean = 0.1 * torch.randn(part.num_features)
                    part.running_var = torch.rand(part.num_features) + 0.5
            path = folder / f"{name}{suffix}.onnx"
            sample = torch.randn(1, 3, size, size)
            torch.onnx.export(model, (sample,), str(path), dynamo=False, opset_version=17, input_names=["x"])
            print(f"{path.name}: {path.stat().st_size:,} bytes", flush=True)


def read(folder: Path, names: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Import each network and compare it with onnxruntime, without its optimizations."""
    import numpy as np
    import onnxruntime

    from fpgaq.base.errors import FpgaqError
    from fpgaq.model.executor import run_float
    from fpgaq.model.importers import load
    from fpgaq.model.passes import standard_passes
    from fpgaq.study.report.summary import summarize

    for name in names:
        path, size = folder / f"{name}.onnx", SIZES[name]
        started = time.process_time()
        try:
            graph = load(path)
        except FpgaqError as error:
            yield {"network": name, "size": size, "refused": str(error)}
            continue
        seconds = time.process_time() - started
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        sample = np.random.default_rng(0).standard_normal((1, 3, size, size)).astype(np.float32)
        (expected,) = session.run(None, {"x": sample})
        actual = run_float(graph, {"x": sample})[graph.outputs[0]]
        summary = summarize(standard_passes(graph))
        yield {
            "network": name, "size": size, "layers": len(summary.layers), "parameters": summary.parameters,
            "products": summary.macs, "largest": float(np.abs(expected).max()),
            "deviation": float(np.abs(actual - expected).max() / np.abs(expected).max()), "seconds": round(seconds, 1),
        }  # fmt: skip


def single_cuts(path: Path) -> list[tuple[str, int]]:
    """Tensors through which everything passes, in order, with the weighted layers before each."""
    import onnx

    graph = onnx.load(path).graph
    values = {tensor.name for tensor in graph.initializer}
    data = {value.name for value in graph.input} - values
    nodes = []
    for node in graph.node:
        if data & set(node.input):
            nodes.append(node)
            data |= set(node.output)
    last: dict[str, int] = {}
    for index, node in enumerate(nodes):
        for name in node.input:
            if name in data:
                last[name] = index
    cuts, alive, layers = [], set(last) & {value.name for value in graph.input}, 0
    for index, node in enumerate(nodes):
        layers += node.op_type in ("Conv", "Gemm")
        alive |= set(node.output)
        alive = {name for name in alive if last.get(name, -1) > index}
        if len(alive) == 1 and node.op_type not in ("Conv", "Shape", "Constant"):
            cuts.append((next(iter(alive)), layers))
    return cuts


def chosen_blocks(path: Path) -> dict[str, tuple[str | None, str | None]]:
    """The first, a middle and the last block between such tensors, each of at least `LAYERS` weighted layers."""
    cuts = single_cuts(path)
    total = cuts[-1][1]

    def after(layers: int) -> tuple[str, int]:
        return next((cut for cut in cuts if cut[1] >= layers), cuts[-1])

    first = after(LAYERS)
    begin = after(total // 2)
    end = after(begin[1] + LAYERS)
    last = [cut for cut in cuts if cut[1] <= total - LAYERS][-1]
    return {"first": (None, first[0]), "middle": (begin[0], end[0]), "last": (last[0], None)}


def blocks(folder: Path, names: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Quantize, generate and simulate the blocks of thin networks."""
    from fpgaq import pipeline
    from fpgaq.base.errors import FpgaqError
    from fpgaq.hardware.schedule import Target
    from fpgaq.pipeline.samples import random_samples
    from fpgaq.quantizer.config import QuantizeOptions

    for name in names:
        path = folder / f"{name}_thin.onnx"
        for block, (begin, end) in chosen_blocks(path).items():
            started = time.time()
            try:
                graph = pipeline.load_model(path, inputs=begin and [begin], outputs=end and [end])
                samples = random_samples(graph, -1.0, 1.0)
                integer = pipeline.quantize(graph, samples, QuantizeOptions(method="max"))
                with tempfile.TemporaryDirectory() as place:
                    made = pipeline.generate(integer, Path(place) / "out", Target(multipliers=MULTIPLIERS), frames=1)
                    result = pipeline.simulate(Path(place) / "out", frames=1, simulator="verilator")
                prediction = made.schedule.prediction
                found = {
                    "layers": len(graph.operators), "mismatches": result.mismatches, "predicted": prediction.interval,
                    "measured": result.interval_cycles, "seconds": round(time.time() - started),
                }  # fmt: skip
            except FpgaqError as error:
                found = {"refused": str(error)}
            yield {"network": name, "block": block, "from": begin or "x", "to": end or "output", **found}


def table(step: str, stored: dict[str, Any]) -> list[str]:
    """The table of docs/operators_tested.md for a step, `read` or `blocks`."""
    found = stored[step]["results"]
    if step == "read":
        names = ("network", "image", "layers", "products", "largest difference, of the largest value")
        head = f"| {' | '.join(names)} | import, s of a processor |"
        rows = [
            f"| {one['network']} | {one['size']}x{one['size']} | {one['layers']} | {one['products']:,} |"
            f" {one['deviation']:.1e} | {one['seconds']:.1f} |"
            for one in found
        ]
        return [head, "| --- " * 6 + "|", *rows]
    lines = [
        "| thin network | block | layers | cycles a frame, predicted | measured | beats that differ |",
        "| --- " * 6 + "|",
    ]
    for one in found:
        cells = f"| {one['network']} | {one['block']} | "
        if "refused" in one:
            # What was found, without the names of tensors before it and the advice after it.
            lines.append(f"{cells}refused: {one['refused'].split(': ')[1].split(';')[0]} | | | |")
        else:
            lines.append(
                f"{cells}{one['layers']} | {one['predicted']:,.10g} | {one['measured']:,.10g} | {one['mismatches']} |"
            )
    return lines


def main() -> None:
    """Run a step and print a line for each network."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("step", choices=["export", "read", "blocks"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("networks", nargs="*")
    parser.add_argument("-o", "--output", type=Path)
    options = parser.parse_args()
    if options.step == "export":
        export(options.folder)
        return
    known = [name for name, size in SIZES.items() if options.step == "read" or size < 224]
    step: Callable[[Path, Sequence[str]], Iterator[dict[str, Any]]] = read if options.step == "read" else blocks
    results = []
    for found in step(options.folder, options.networks or known):
        print(json.dumps(found), flush=True)
        results.append(found)
        if options.output:
            import onnxruntime

            command = f"python -m benchmarks.torchvision_networks {options.step}"
            facts = {"command": command, "commit": commit(), "onnxruntime": onnxruntime.__version__}
            options.output.write_text(json.dumps({**facts, "results": results}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
