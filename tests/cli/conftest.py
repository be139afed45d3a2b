"""Helpers that tests of the command line share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fpgaq import cli
from fpgaq.integer.file import save
from fpgaq.model.graph import Affine, Graph, Relu


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run a command line; returns exit code, stdout, stderr. However slow the machine is, no progress is in it."""
    monkeypatch.setattr("fpgaq.cli.progress.PATIENCE", 1e6)

    def invoke(*arguments: object) -> tuple[int, str, str]:
        capsys.readouterr()
        code = cli.invoke([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return invoke


@pytest.fixture
def network(tmp_path: Path) -> Path:
    """A small integer network in a file, and `data.npz` with 12 samples in the same folder."""
    from fpgaq.quantizer import quantize

    chance = np.random.default_rng(7)

    def affine(name: str, source: str, target: str, outputs: int, features: int) -> Affine:
        weight = chance.normal(size=(outputs, features)).astype(np.float32)
        return Affine(name, (source,), target, weight, chance.normal(size=outputs).astype(np.float32))

    operators = (affine("first", "x", "a", 4, 6), Relu("relu", ("a",), "b"), affine("second", "b", "y", 3, 4))
    graph = Graph("small", ("x",), ("y",), operators, {"x": (6,), "a": (4,), "b": (4,), "y": (3,)}, classifier=True)
    samples = chance.normal(size=(12, 6)).astype(np.float32)
    save(quantize(graph, {"x": samples}), tmp_path / "small.fpgaq")
    np.savez(tmp_path / "data.npz", x=samples, y=chance.integers(0, 3, size=12))
    return tmp_path / "small.fpgaq"
