"""The choice of an engine: always the same integers, and compiled only where it is worth it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fpgaq.base.errors import ToolError, UsageError
from fpgaq.integer.graph import IntegerArray
from fpgaq.integer.reference import run
from fpgaq.proof import compiled
from fpgaq.proof import runner as engines
from fpgaq.proof.runner import Runner, describe_engine
from tests.support.integer_networks import small_network

FRAMES = 40
NUMPY_SECONDS, COMPILED_SECONDS = 1.0, 0.1


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[tuple[str, int]]:
    """Engines that need a second and a tenth for a frame; which computed how many frames."""
    made: list[tuple[str, int]] = []
    now = [0.0]

    class Slow:
        def __init__(self, graph: Any, name: str, seconds: float) -> None:
            self.graph, self.name, self.seconds = graph, name, seconds

        def run(self, inputs: dict[str, IntegerArray]) -> dict[str, IntegerArray]:
            count = len(next(iter(inputs.values())))
            made.append((self.name, count))
            now[0] += self.seconds * count
            return run(self.graph, inputs)

    def compile_graph(graph: Any) -> Slow:
        made.append(("compile", 0))
        return Slow(graph, "cpp", COMPILED_SECONDS)

    monkeypatch.setattr(engines, "run", lambda graph, inputs, keep: Slow(graph, "numpy", NUMPY_SECONDS).run(inputs))
    monkeypatch.setattr(engines.time, "perf_counter", lambda: now[0])
    monkeypatch.setattr(engines, "PROBE_FRAMES", 4)
    monkeypatch.setattr(compiled, "compile_graph", compile_graph)
    monkeypatch.setattr(compiled, "find_compiler", lambda: "g++")
    monkeypatch.setattr(compiled, "compiled_path", lambda graph: tmp_path / "engine.so")
    return made


def inputs_of(count: int) -> dict[str, IntegerArray]:
    graph = small_network()
    shape = graph.tensors[graph.inputs[0]].shape
    return {graph.inputs[0]: np.random.default_rng(1).integers(0, 2, size=(count, *shape))}


def equal(found: dict[str, IntegerArray], count: int) -> bool:
    expected = run(small_network(), inputs_of(count))
    return found.keys() == expected.keys() and all((found[name] == expected[name]).all() for name in found)


def test_the_faster_computes_the_rest(calls: list[tuple[str, int]]) -> None:
    engine = Runner("auto", small_network(), FRAMES)
    assert equal(engine.run(inputs_of(FRAMES)), FRAMES)
    assert calls == [("numpy", 4), ("compile", 0), ("cpp", 4), ("cpp", FRAMES - 8)]
    assert engine.chosen == "cpp" and describe_engine(engine.used) == "numpy and the compiled network"
    assert equal(engine.run(inputs_of(5)), 5)
    assert calls[4:] == [("cpp", 5)]


def test_numpy_goes_on_if_it_is_faster(calls: list[tuple[str, int]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "COMPILED_SECONDS", 2.0)
    assert equal(Runner("auto", small_network(), FRAMES).run(inputs_of(FRAMES)), FRAMES)
    assert calls == [("numpy", 4), ("compile", 0), ("cpp", 4), ("numpy", FRAMES - 8)]


def test_little_work_is_not_worth_a_compiler(calls: list[tuple[str, int]], tmp_path: Path) -> None:
    count = 4 + int(engines.WORTH_COMPILING) - 1
    assert equal(Runner("auto", small_network(), count).run(inputs_of(count)), count)
    assert calls == [("numpy", 4), ("numpy", count - 4)]
    calls.clear()
    # What is compiled already need not be worth it.
    (tmp_path / "engine.so").write_bytes(b"")
    Runner("auto", small_network(), count).run(inputs_of(count))
    assert calls == [("numpy", 4), ("compile", 0), ("cpp", 4), ("cpp", count - 8)]
    calls.clear()
    assert equal(Runner("auto", small_network(), 4).run(inputs_of(4)), 4)
    assert calls == [("numpy", 4)]


def test_without_a_compiler_numpy_does_all(calls: list[tuple[str, int]], monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(graph: object) -> None:
        raise ToolError("broken")

    monkeypatch.setattr(compiled, "compile_graph", fail)
    Runner("auto", small_network(), FRAMES).run(inputs_of(FRAMES))
    monkeypatch.setattr(compiled, "find_compiler", lambda: None)
    Runner("auto", small_network(), FRAMES).run(inputs_of(FRAMES))
    assert calls == [("numpy", 4), ("numpy", FRAMES - 4)] * 2


def test_what_the_user_names_computes(calls: list[tuple[str, int]]) -> None:
    for name in ("numpy", "cpp"):
        assert equal(Runner(name, small_network(), FRAMES).run(inputs_of(FRAMES)), FRAMES)
    assert calls == [("numpy", FRAMES), ("compile", 0), ("cpp", FRAMES)]
    with pytest.raises(UsageError, match="--engine fast: auto, numpy, cpp are known"):
        Runner("fast", small_network(), 1)


def test_no_frames() -> None:
    for name in ("auto", "numpy"):
        assert equal(Runner(name, small_network(), 0).run(inputs_of(0)), 0)
