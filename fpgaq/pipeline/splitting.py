"""A model with layers that are not carried, taken apart: the hardware's part, and what the host computes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..base.errors import FitError, ModelError, UnsupportedError

if TYPE_CHECKING:
    from ..model.graph import Graph
    from ..model.importers.onnx import Part, Parts

SPLIT_VERSION = 1
RUNNER = "run_split.py"


@dataclass(frozen=True)
class SplitResult:
    """What `split` wrote into `directory`."""

    directory: Path
    parts: Parts

    @property
    def named(self) -> dict[str, Part]:
        """The parts that there are, by name, in the order in which they run."""
        found = {"before": self.parts.before, "hardware": self.parts.hardware, "after": self.parts.after}
        return {name: part for name, part in found.items() if part is not None}

    def as_json(self) -> dict[str, Any]:
        """The contents of ``split.json``: the parts with their files and tensors, and the share of products."""
        return {
            "schema": SPLIT_VERSION,
            "inputs": list(self.parts.inputs),
            "outputs": list(self.parts.outputs),
            "products": self.parts.products,
            "share_in_hardware": self.parts.share,
            "refused": dict(self.parts.refused),
            "parts": [
                {
                    "name": name,
                    "file": f"{name}.onnx",
                    "inputs": list(part.inputs),
                    "outputs": list(part.outputs),
                    "layers": part.layers,
                    "products": part.products,
                }
                for name, part in self.named.items()
            ],
        }


def split(
    model: str | Path,
    directory: str | Path,
    *,
    input_shapes: Mapping[str, Sequence[int]] | None = None,
    outputs: Sequence[str] | None = None,
    inputs: Sequence[str] | None = None,
    progress: Callable[[str], None] = lambda text: None,
) -> SplitResult:
    """Write the largest part of a model that is carried, and the rest for the host.

    Parameters
    ----------
    model : str or Path
        An .onnx file.
    directory : str or Path
        A folder that does not exist, is empty, or was written by fpgaq before. It gets `hardware.onnx`, `before.onnx`
        and `after.onnx` where there is something to compute, `split.json`, and a Python program that runs them in a
        row.
    input_shapes, outputs, inputs
        As of `load_model`.
    progress : callable
        Called with what is being tried.

    Raises
    ------
    UnsupportedError
        A model of another kind, or one of which no part with products is carried.
    """
    from ..base.output import check_folder, write_folder
    from ..hardware.emit.printer import as_json
    from ..hardware.emit.render import static_text
    from ..model.importers import shown_path
    from ..model.importers.container import read_file
    from ..model.importers.onnx import MAX_MODEL_BYTES, find_parts, prepared

    path = Path(model)
    if path.suffix.lower() != ".onnx":
        raise UnsupportedError(f"{shown_path(path)}: split takes .onnx files; save the model as one")
    check_folder(directory)
    try:
        data = prepared(read_file(path, MAX_MODEL_BYTES), path.parent, input_shapes, outputs, inputs)
        parts = find_parts(data, refusal, progress)
    except (ModelError, UnsupportedError) as error:
        raise type(error)(f"{shown_path(path)}: {error}") from error.__cause__
    result = SplitResult(Path(directory), parts)
    files: dict[str, str | bytes] = {f"{name}.onnx": part.model for name, part in result.named.items()}
    files |= {"split.json": as_json(result.as_json()), RUNNER: static_text(f"host/{RUNNER}")}
    write_folder(directory, files)
    return result


def refusal(data: bytes, outputs: tuple[str, ...]) -> dict[str, str]:
    """What keeps a part from being hardware: layers and why, or under an empty name a reason that tells the place."""
    from ..model.importers.onnx import load_onnx, refused_layers
    from ..model.passes import standard_passes
    from ..quantizer import quantize
    from ..quantizer.config import QuantizeOptions
    from .samples import random_samples

    try:
        refused = refused_layers(data)
        if refused:
            return refused
        graph = load_onnx(data)
        for name in outputs:
            choice = _choice_before(graph, name)
            if choice:
                return {"": f"output '{name}' is a {choice}, which hardware leaves to the host"}
        # Whatever refuses a network refuses it here, on two samples.
        samples = random_samples(graph.inputs, graph.shapes, -1.0, 1.0).slice(0, 2)
        quantize(standard_passes(graph), samples.inputs, QuantizeOptions(method="max"))
    except (ModelError, UnsupportedError, FitError) as error:
        return {"": str(error)}
    return {}


def _choice_before(graph: Graph, name: str) -> str:
    """The kind of operator before an output that the passes would cut off, so that the host would get other values."""
    from ..model.graph import ArgMax, Identity, Reshape, Softmax, Transpose

    op = graph.producer(name)
    while isinstance(op, Identity | Reshape | Transpose):
        op = graph.producer(op.input)
    return type(op).__name__ if isinstance(op, Softmax | ArgMax) else ""
