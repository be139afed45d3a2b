"""Integer networks of 0.1.0: each is read, and computes what it did there, written anew too."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import fpgaq
from fpgaq.cli import invoke
from tests.compat.interface import NETWORKS, old_module

NAMES = sorted(path.stem for path in NETWORKS.glob("*.fpgaq"))


def read(name: str) -> tuple[object, dict[str, np.ndarray]]:
    """A network, and the arrays of 0.1.0 by "input NAME", "output NAME" and "data"."""
    with np.load(NETWORKS / f"{name}.npz", allow_pickle=False) as arrays:
        return fpgaq.load_integer(NETWORKS / f"{name}.fpgaq"), dict(arrays)


def part(arrays: dict[str, np.ndarray], kind: str) -> dict[str, np.ndarray]:
    return {key.removeprefix(f"{kind} "): value for key, value in arrays.items() if key.startswith(f"{kind} ")}


def test_all_are_there() -> None:
    assert len(NAMES) == 6
    size = [path.stat().st_size for path in NETWORKS.iterdir()]
    assert max(size) < 150_000


@pytest.mark.parametrize("name", NAMES)
def test_outputs_are_those_of_the_release(name: str) -> None:
    graph, arrays = read(name)
    expected = part(arrays, "output")
    assert set(expected) == set(graph.outputs)
    found = old_module("fpgaq.reference").run(graph, part(arrays, "input"))
    for output, values in expected.items():
        assert values.size > 0
        assert np.array_equal(found[output], values), output


@pytest.mark.parametrize("name", NAMES)
def test_a_changed_output_is_found(name: str) -> None:
    graph, arrays = read(name)
    inputs = part(arrays, "input")
    found = old_module("fpgaq.reference").run(graph, {key: values[::-1].copy() for key, values in inputs.items()})
    assert any(not np.array_equal(found[output], values) for output, values in part(arrays, "output").items())


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("every_operator", "perceptron")])
def test_the_input_formula_is_that_of_the_release(name: str) -> None:
    graph, arrays = read(name)
    (source,) = graph.inputs
    transform = old_module("fpgaq.reference").apply_transform
    found = transform(graph.transforms[source], graph.tensors[source].format, arrays["data"])
    assert np.array_equal(found, arrays[f"input {source}"])


@pytest.mark.parametrize("name", NAMES)
def test_written_anew_it_computes_the_same(name: str, tmp_path: Path) -> None:
    graph, arrays = read(name)
    old_module("fpgaq.integer_file").save(graph, tmp_path / "again.fpgaq")
    again = fpgaq.load_integer(tmp_path / "again.fpgaq")
    assert set(again.samples) == set(graph.samples)
    assert all(np.array_equal(again.samples[key], graph.samples[key]) for key in graph.samples)
    found = old_module("fpgaq.reference").run(again, part(arrays, "input"))
    assert all(np.array_equal(found[output], values) for output, values in part(arrays, "output").items())


def test_the_command_line_computes_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, arrays = read("series_conv_4")
    np.savez(tmp_path / "data.npz", x=arrays["data"])
    network, output = NETWORKS / "series_conv_4.fpgaq", tmp_path / "out.npz"
    assert invoke(["run", str(network), "--data", str(tmp_path / "data.npz"), "-o", str(output)]) == 0
    (name,) = part(arrays, "output")
    with np.load(output) as found:
        assert np.array_equal(found[name].ravel(), arrays[f"output {name}"].ravel())
