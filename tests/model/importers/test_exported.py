"""Files that real exporters wrote: as they are recorded, and computing what their framework computed."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fpgaq import pipeline
from fpgaq.base.errors import UnsupportedError
from fpgaq.model.executor import run_float
from fpgaq.model.importers import load
from fpgaq.model.passes import standard_passes

FOLDER = Path(__file__).parents[1] / "exported"
INDEX: dict[str, Any] = json.loads((FOLDER / "index.json").read_text(encoding="utf-8"))
REFUSED = {
    "torchvision_convnext_torchscript": "LayerNormalization|ReduceMean",
    "torchvision_convnext_dynamo": "LayerNormalization",
}
"""What is not carried, and what the message names."""
CARRIED = [name for name in INDEX if name not in REFUSED]


def test_the_files_are_those_of_the_index() -> None:
    digests = {file: digest for entry in INDEX.values() for file, digest in entry["sha256"].items()}
    files = {path.name: path.read_bytes() for path in (FOLDER / "files").iterdir()}
    assert set(files) == set(digests)
    for name, data in files.items():
        assert hashlib.sha256(data).hexdigest() == digests[name], name
        assert b"/home/" not in data and b"site-packages" not in data, name
    assert sum(map(len, files.values())) < 1 << 20
    assert {entry["script"] for entry in INDEX.values()} <= {path.name for path in FOLDER.glob("*.py")}
    assert set(REFUSED) <= set(INDEX)


@pytest.mark.parametrize("name", CARRIED)
def test_it_computes_what_the_framework_did(name: str) -> None:
    entry = INDEX[name]
    graph = load(FOLDER / "files" / entry["file"])
    with np.load(FOLDER / "files" / f"{name}.npz") as stored:
        values = dict(stored)
    inputs = {key.removeprefix("input "): values[key] for key in values if key.startswith("input ")}
    expected = [values[key] for key in sorted(values) if key.startswith("output ")]
    found = run_float(graph, {key: inputs[key].astype(np.float32) for key in graph.inputs})
    # scikit-learn's files give labels too, of which only the scores are kept here.
    outputs = graph.outputs[-len(expected) :]
    for output, reference in zip(outputs, expected, strict=True):
        actual = found[output].reshape(reference.shape)
        np.testing.assert_allclose(
            actual, reference, rtol=0, atol=entry["tolerance"] * max(np.abs(reference).max(), 1e-6)
        )
    # It is quantized, with what the passes make of it.
    ready = standard_passes(graph)
    chance = np.random.default_rng(0)
    samples = {key: chance.normal(size=(4, *ready.shapes[key])).astype(np.float32) for key in ready.inputs}
    integer = pipeline.quantize(ready, samples)
    assert set(integer.outputs) == set(ready.outputs)


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_is_refused_by_name_and_split(name: str, tmp_path: Path) -> None:
    path = FOLDER / "files" / INDEX[name]["file"]
    with pytest.raises(UnsupportedError, match=REFUSED[name]):
        pipeline.load_model(path)
    assert pipeline.split(path, tmp_path / "parts").parts.share > 0
