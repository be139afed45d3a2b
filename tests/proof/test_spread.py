"""Frames of the compiled simulation divided among processes and the workers of a cluster."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fpgaq import pipeline
from fpgaq.base.errors import UsageError, VerificationError
from fpgaq.integer.graph import IntegerAffine, IntegerArray, IntegerGraph
from fpgaq.proof import spread
from fpgaq.proof.folder import read_interface, read_manifest
from fpgaq.proof.simulate import simulate
from fpgaq.proof.spread import ALONE, Workers, run_spread
from fpgaq.proof.verification import read_runs
from tests.support.integer_networks import small_network


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("spread") / "out"
    pipeline.generate(small_network(), folder)
    return folder


@pytest.fixture
def frames() -> dict[str, IntegerArray]:
    (name,) = small_network().inputs
    tensor = small_network().tensors[name]
    chance = np.random.default_rng(0)
    return {name: chance.integers(tensor.format.minimum, tensor.format.maximum + 1, size=(7, *tensor.shape))}


def test_parts() -> None:
    assert [Workers(jobs=4).parts(count) for count in (1, 3, 10)] == [1, 3, 4]
    assert [Workers(dask="tcp://host:1").parts(count) for count in (1, 2000, 2001)] == [1, 1, 2]
    assert not ALONE.several and Workers(jobs=None).several and Workers(dask="tcp://host:1").several
    with pytest.raises(UsageError, match="at least 1"):
        Workers(jobs=0)


def test_only_the_compiled_simulation_is_divided(output: Path) -> None:
    with pytest.raises(UsageError, match="add --simulator verilator"):
        simulate(output, workers=Workers(jobs=2))


def test_each_part_has_its_frames_and_their_numbers(
    output: Path, frames: dict[str, IntegerArray], monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[tuple[int, IntegerArray]] = []

    def harness(folder: Path, *arguments: Any) -> tuple[int, int | None, int, float]:
        manifest, _, _, inputs, _, first = arguments
        assert all((folder / name).is_file() for name in manifest["files"])
        (values,) = inputs.values()
        ran.append((first, values))
        return len(values), None if first == 0 else 20, 30, 0.0

    def serial(function: Callable[[Any], Any], tasks: Sequence[Any], **where: Any) -> Iterator[tuple[int, Any]]:
        assert where == {"jobs": 3, "dask": None}
        yield from ((index, function(tasks[index])) for index in (1, 0, 2))

    monkeypatch.setattr(spread, "run_harness", harness)
    monkeypatch.setattr(spread, "completed", serial)
    arguments = (read_manifest(output), read_interface(output), small_network(), frames, 9.0)
    assert run_spread(output, *arguments, Workers(jobs=3), lambda stage: None)[:3] == (7, 20, 30)
    (values,) = frames.values()
    assert [first for first, _ in ran] == [2, 0, 4]
    assert (np.concatenate([ran[index][1] for index in (1, 0, 2)]) == values).all()


@pytest.mark.once
@pytest.mark.slow
def test_parts_find_what_one_run_finds(output: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = simulate(output, simulator="verilator", frames=5)
    told: list[str] = []
    parts = simulate(output, simulator="verilator", frames=5, workers=Workers(jobs=2), progress=told.append)
    assert replace(parts, seconds=0.0) == replace(whole, seconds=0.0) and parts.frames > 5
    assert told[-1].endswith("2 of 2 parts done"), told
    assert read_runs(output)[-1].proves


@pytest.mark.once
@pytest.mark.slow
def test_a_difference_names_the_frame_among_all(output: Path, frames: dict[str, IntegerArray]) -> None:
    graph = small_network()
    last = graph.operators[-1]
    assert isinstance(last, IntegerAffine)
    wrong: IntegerGraph = replace(graph, operators=(*graph.operators[:-1], replace(last, bias=last.bias + 64)))
    manifest, interface = read_manifest(output), read_interface(output)
    files = {name: (output / name).read_bytes() for name in (*manifest["files"], *manifest["memory_files"])}
    core = spread._Core(files, manifest, interface, wrong)
    with pytest.raises(VerificationError, match="frame 4, beat 0"):
        spread._run_part(core, 100.0, spread._Part(4, {name: values[4:] for name, values in frames.items()}))
    with pytest.raises(VerificationError, match=r"frame \d+, beat"):
        run_spread(output, manifest, interface, wrong, frames, 100.0, Workers(jobs=2), lambda stage: None)


@pytest.mark.once
@pytest.mark.slow
def test_a_cluster_simulates(output: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    distributed = pytest.importorskip("distributed")
    monkeypatch.setattr("fpgaq.base.parallel.CONNECT_SECONDS", 300)
    monkeypatch.setattr(spread, "PART_FRAMES", 4)
    with (
        warnings.catch_warnings(),
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as local,
    ):
        warnings.simplefilter("ignore")
        found = pipeline.simulate(output, simulator="verilator", frames=5, dask=local.scheduler_address)
    whole = pipeline.simulate(output, simulator="verilator", frames=5)
    assert replace(found, seconds=0.0) == replace(whole, seconds=0.0)
