"""Images per second of the integer reference and of the float executor, on the example networks or given models.

Run as ``python benchmarks/reference.py [MODEL.nnp ...]``.
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fpgaq import pipeline
from fpgaq.base.data import load_data
from fpgaq.integer import reference
from fpgaq.integer.inputs import transform_data
from fpgaq.model.executor import run_float
from fpgaq.model.graph import Graph
from fpgaq.study.report.timing import best_seconds, engine, threads

EXAMPLES = Path(__file__).parents[1] / "examples"
FRAMES = 1000


def images(model: Path, graph: Graph) -> NDArray[Any]:
    """The images next to the model, repeated to `FRAMES`; seeded random bytes where there are none."""
    name = graph.inputs[0]
    data = model.parent / "test.npz"
    if data.is_file():
        array = load_data(data, graph.inputs, outputs=graph.outputs, shapes=graph.shapes).inputs[name]
        return np.resize(array, (FRAMES, *graph.shapes[name]))
    return np.random.default_rng(0).integers(0, 256, size=(FRAMES, *graph.shapes[name]), dtype=np.uint8)


def main(models: list[Path]) -> None:
    """Print one line a model."""
    print(f"{engine()}, {threads()} threads, {FRAMES} images, best of 5")
    print(f"{'model':32} {'float/s':>10} {'integer/s':>10} {'ratio':>6}  working types")
    for model in models:
        graph = pipeline.load_model(model)
        name = graph.inputs[0]
        samples = images(model, graph)
        integer = pipeline.quantize(graph, samples[:100])
        integers = transform_data(integer, {name: samples})
        floats = samples.astype(np.float32)
        float_rate = FRAMES / best_seconds(partial(run_float, graph, {name: floats}, keep=False), 5)
        integer_rate = FRAMES / best_seconds(partial(reference.run, integer, integers), 5)
        kinds = " ".join(reference.working_types(integer))
        label = f"{model.parent.name}/{model.name}"
        print(f"{label:32} {float_rate:10.0f} {integer_rate:10.0f} {integer_rate / float_rate:6.2f}  {kinds}")


if __name__ == "__main__":
    main([Path(argument) for argument in sys.argv[1:]] or sorted(EXAMPLES.glob("*/model.nnp")))
