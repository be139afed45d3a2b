"""The stages, once and in order. Read `build` from top to bottom to know the program; the rest are its steps.

`load_model` makes a Graph of a model file, `quantize` an IntegerGraph of that, `compare` holds the two against each
other, `generate` makes a folder of Verilog with its bench, `simulate` proves it, `synthesize` counts what it takes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .data import Dataset, load_data
from .errors import UsageError
from .graph import Graph
from .integer_graph import IntegerArray, IntegerGraph
from .quantizer.config import QuantizeOptions
from .schedule import Schedule, Target, auxiliary_multipliers

if TYPE_CHECKING:
    from .estimate import Estimate
    from .explore import Exploration
    from .pruning.command import PruneOptions, PruneResult
    from .report.comparison import Comparison
    from .search.measure import Workload
    from .search.precision import SearchResult
    from .search.sensitivity import Sensitivity
    from .synth import SynthResult
    from .unrolled import UnrolledPlan, Unrolling
    from .verify.simulate import SimulationResult

NETWORK_FILE = "network.fpgaq"
"""The copy of the integer network inside an output folder."""

DEFAULT_MULTIPLIERS = 64

LANGUAGES = ("verilog", "hls")
"""What `generate` can write."""

DATA_FRAMES = 8
"""How many frames of a data file become golden vectors if nobody asks for a number."""

Samples: TypeAlias = "str | Path | Dataset | Mapping[str, ArrayLike] | ArrayLike"
"""A data file, a `Dataset`, arrays by input name, or one array for the only input."""


@dataclass(frozen=True)
class GenerateResult:
    """What `generate` wrote.

    Parameters
    ----------
    directory : Path
    schedule : Schedule
        The hardware of every layer and the predicted cycles.
    digest : str
        SHA-256 of the integer network.
    files : tuple of str
        Paths inside the folder.
    language : str
        "verilog" or "hls".
    estimate : Estimate, optional
        What it will take on the device that was named.
    limited_by : str
        Where the device chose the schedule, what keeps it from a faster one.
    """

    directory: Path
    schedule: Schedule
    digest: str
    files: tuple[str, ...]
    language: str = "verilog"
    estimate: Estimate | None = None
    limited_by: str = ""

    def as_json(self) -> dict[str, Any]:
        """Plain values for `--json`."""
        schedule = self.schedule
        # The beat model knows our Verilog; what a vendor's tool makes of the same folds, only that tool can tell.
        known = self.language == "verilog"
        return {
            "directory": str(self.directory),
            "target": self.language,
            "digest": self.digest,
            "multipliers": schedule.multipliers,
            "budget": schedule.budget,
            "interval_cycles": schedule.prediction.interval if known else None,
            "latency_cycles": schedule.prediction.latency if known else None,
            "efficiency": schedule.efficiency if known else None,
            # Requantizing shifts; means, scales and products of tensors multiply beside the budget.
            "aux_multipliers": auxiliary_multipliers(schedule.plans),
            "macs": schedule.macs,
            "limit_cycles": schedule.limit,
            "estimate": self.estimate.as_json() if self.estimate else None,
            "limited_by": self.limited_by,
            "files": list(self.files),
        }


@dataclass(frozen=True)
class UnrollResult:
    """What `unroll` wrote.

    Parameters
    ----------
    directory : Path
    plan : UnrolledPlan
        The adder graphs, carry chains and registers of every layer.
    digest : str
        SHA-256 of the integer network.
    files : tuple of str
        Paths inside the folder.
    """

    directory: Path
    plan: UnrolledPlan
    digest: str
    files: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Plain values for `--json`."""
        plan = self.plan
        return {
            "directory": str(self.directory),
            "digest": self.digest,
            "interval_cycles": 1,
            "latency_cycles": plan.latency,
            "stages": plan.stages,
            "chain_tables": plan.tables,
            "layers": [
                {
                    "name": layer.operator,
                    "additions": layer.graph.additions,
                    "sums": len(layer.graph.sums),
                    "chains": len(layer.program.chains),
                    "levels": layer.program.depth,
                    "stages": layer.stages,
                    "chain_tables": layer.program.tables,
                }
                for layer in plan.layers
            ],
            "files": list(self.files),
        }


@dataclass(frozen=True)
class BuildResult:
    """Everything that `build` made and measured."""

    graph: Graph
    integer: IntegerGraph
    compared: Comparison
    generated: GenerateResult
    simulated: SimulationResult


def load_model(
    path: str | Path, network: str | None = None, *, passes: bool = True, refuse_batch_statistics: bool = False
) -> Graph:
    """Read a trained network and bring it into the form that the quantizer takes.

    Parameters
    ----------
    path : str or Path
        A .nnp or .onnx file.
    network : str, optional
        Which network of the file; by default the one that its executor names.
    passes : bool
        Fold batch normalization, fuse ReLU and so on; if false, the network as it stands in the file.
    refuse_batch_statistics : bool
        Refuse a batch normalization that was saved in training mode; by default its running statistics are used, and
        `Graph.notes` says so.

    Raises
    ------
    ModelError
        A file that is damaged, unsafe or incomplete.
    UnsupportedError
        An operator or a feature that fpgaq does not carry.
    """
    from .importers import load
    from .passes import standard_passes

    graph = load(path, network, refuse_batch_statistics)
    return standard_passes(graph) if passes else graph


def save_model(graph: Graph, path: str | Path) -> None:
    """Write a float network as .nnp, for nnabla or for later.

    Raises
    ------
    UnsupportedError
        An operator that nnabla does not have, by name.
    UsageError
        A file that cannot be written, or whose name does not end in .nnp.
    """
    from .exporters import save_nnp

    save_nnp(graph, path)


def load_integer(path: str | Path) -> IntegerGraph:
    """Read a .fpgaq file, all of it checked; ModelError if it is unsound."""
    from .integer_file import load

    return load(path)


def quantize(
    model: Graph | str | Path,
    calibration: Samples | None = None,
    options: QuantizeOptions | None = None,
    *,
    network: str | None = None,
    output: str | Path | None = None,
) -> IntegerGraph:
    """Turn a float network into an integer one.

    Parameters
    ----------
    model : Graph, str or Path
        What `load_model` returned, or a model file.
    calibration : Samples
        Training samples in the model's own units; labels are left aside. None for a model that was trained in fixed
        point, whose FixedPointQuantize functions state all formats.
    options : QuantizeOptions, optional
    network : str, optional
        Which network of a model file.
    output : str or Path, optional
        Where to save it as a .fpgaq file too.

    Raises
    ------
    FitError
        A network that cannot be quantized as asked.
    """
    from .emit.write import check_file
    from .graph.fixed import is_fixed
    from .integer_file import save
    from .quantizer import quantize as quantize_graph

    if output is not None:
        check_file(output)
    graph = model if isinstance(model, Graph) else load_model(model, network)
    if calibration is None or is_fixed(graph.operators):
        return _quantize_fixed(graph, calibration, options, output)
    shapes = {name: tuple(graph.shapes[name]) for name in (*graph.inputs, *graph.outputs)}
    samples = _dataset(calibration, graph.inputs, graph.outputs, shapes)
    integer = quantize_graph(graph, samples.inputs, options)
    if output is not None:
        save(integer, output)
    return integer


def _quantize_fixed(
    graph: Graph, calibration: Samples | None, options: QuantizeOptions | None, output: str | Path | None
) -> IntegerGraph:
    """A network that states its own formats."""
    from .graph.fixed import is_fixed
    from .integer_file import save
    from .quantizer.fixed import quantize_fixed

    if not is_fixed(graph.operators):
        raise UsageError(
            f"network {graph.name!r} has no FixedPointQuantize functions, which would state its formats; give"
            " calibration samples (--calibration)"
        )
    if calibration is not None or options not in (None, QuantizeOptions()):
        raise UsageError(
            f"network {graph.name!r} was trained in fixed point and states its own formats; leave out the calibration"
            " samples and all options of the quantizer"
        )
    integer = quantize_fixed(graph)
    if output is not None:
        save(integer, output)
    return integer


def prune(
    model: Graph | str | Path,
    calibration: Samples,
    options: PruneOptions,
    *,
    training: Samples | None = None,
    data: Samples | None = None,
    device: str | None = None,
    network: str | None = None,
    output: str | Path | None = None,
    progress: Callable[[str], None] = lambda text: None,
) -> PruneResult:
    """Take channels out of a float network until a budget is met.

    Parameters
    ----------
    model : Graph, str or Path
        A model file, or what ``load_model(path, passes=False)`` returned: training needs its batch normalization.
    calibration : Samples
        Training samples, on which choices are measured.
    options : PruneOptions
        The budget, how channels are rated, and how long the result is trained.
    training, data : Samples, optional
        With labels: to train on, and to tell the accuracy of before and after.
    device : str, optional
        Synthesize both networks for it.
    network : str, optional
        Which network of a model file.
    output : str or Path, optional
        Where to save the result, as .nnp.

    Raises
    ------
    FitError
        Nothing can be pruned, or no choice meets the budget.
    """
    from .exporters.nnp import check_place
    from .pruning.command import prune_graph

    if output is not None:
        check_place(output)
    graph = model if isinstance(model, Graph) else load_model(model, network, passes=False)
    shapes = {name: tuple(graph.shapes[name]) for name in (*graph.inputs, *graph.outputs)}
    samples, train, test = (
        None if given is None else _dataset(given, graph.inputs, graph.outputs, shapes)
        for given in (calibration, training, data)
    )
    assert samples is not None
    result = prune_graph(graph, samples.inputs, options, training=train, data=test, device=device, progress=progress)
    if output is not None:
        save_model(result.graph, output)
    return result


def compare(
    model: Graph | str | Path,
    integer: IntegerGraph | str | Path,
    data: Samples,
    *,
    engine: str = "auto",
    source: Graph | None = None,
) -> Comparison:
    """Hold the integer network against the float one on labelled data.

    Parameters
    ----------
    model : Graph, str or Path
    integer : IntegerGraph, str or Path
    data : Samples
        With labels or targets, hence a file or a `Dataset`.
    engine : {"auto", "numpy", "cpp"}
        What computes the integers, see `engines.Engine`.
    source : Graph, optional
        The network as it stands in the file, for the count of its operators; read again if `model` is a file.
    """
    from .report import comparison

    if source is None and not isinstance(model, Graph):
        source = load_model(model, passes=False)
    graph = model if isinstance(model, Graph) else load_model(model)
    network = integer if isinstance(integer, IntegerGraph) else load_integer(integer)
    shapes = {name: tuple(graph.shapes[name]) for name in (*graph.inputs, *graph.outputs)}
    samples = _dataset(data, graph.inputs, graph.outputs, shapes)
    return comparison.compare(graph, network, samples, engine=engine, source=source)


def sensitivity(
    model: Graph | str | Path,
    calibration: Samples,
    data: Samples | None = None,
    options: QuantizeOptions | None = None,
    **evaluation: Any,
) -> Sensitivity:
    """Measure what each layer's weights and output cost alone, and what changes of the worst ones bring.

    Parameters
    ----------
    model : Graph, str or Path
    calibration : Samples
        What the quantizer sees.
    data : Samples, optional
        What is measured on; by default the calibration samples.
    options : QuantizeOptions, optional
    evaluation : mapping
        `jobs`, `dask`, `results` (a file that keeps what was computed) and `progress` of `parallel.evaluate`.
    """
    from .search.sensitivity import sensitivity as measure_places

    workload = _workload(model, calibration, data, options)
    return measure_places(workload, cache=evaluation.pop("results", None), **evaluation)


def search(
    model: Graph | str | Path,
    calibration: Samples,
    data: Samples | None = None,
    options: QuantizeOptions | None = None,
    *,
    budget: str,
    cost: str = "rom",
    widths: Sequence[int] | None = None,
    **evaluation: Any,
) -> SearchResult:
    """Choose the weight bits of every layer for a budget; other parameters are those of `sensitivity`.

    Parameters
    ----------
    budget : str
        Bits, or a percentage of the cost of 8-bit weights.
    cost : {"rom", "multiplier"}
    widths : sequence of int, optional
        Weight bits to choose from.
    """
    from .search import precision

    workload = _workload(model, calibration, data, options)
    chosen = precision.WIDTHS if widths is None else widths
    return precision.search(workload, budget, cost, chosen, cache=evaluation.pop("results", None), **evaluation)


def explore(
    models: Mapping[str, Graph | str | Path],
    calibration: Samples,
    data: Samples | None = None,
    options: QuantizeOptions | None = None,
    *,
    device: str,
    bits: Sequence[int] = (8, 6, 4),
    multipliers: Sequence[int] = (1, 4, 16, 64, 256),
    **evaluation: Any,
) -> Exploration:
    """Cycles, logic, memory and accuracy of networks over bits and multipliers; other parameters as in `sensitivity`.

    Parameters
    ----------
    models : mapping of str to (Graph, str or Path)
        Networks of the same task by name, such as one and its pruned versions.
    device : str
        One of `fpgaq.synth.DEVICES`, for which LUTs, flip-flops, DSP blocks and block RAMs are estimated.
    bits : sequence of int
        Widths of weights and activations that are tried.
    multipliers : sequence of int
        Budgets that are tried.
    """
    from .explore import explore as explore_workloads

    workloads = {name: _workload(model, calibration, data, options) for name, model in models.items()}
    cache = evaluation.pop("results", None)
    return explore_workloads(workloads, device, bits, multipliers, cache=cache, **evaluation)


def run(
    integer: IntegerGraph | str | Path, data: Samples, *, engine: str = "auto"
) -> dict[str, tuple[IntegerArray, NDArray[np.float64]]]:
    """Compute the integer network exactly.

    Parameters
    ----------
    integer : IntegerGraph, str or Path
    data : Samples
        In the model's own units.
    engine : {"auto", "numpy", "cpp"}
        What computes: numpy, the network compiled from its HLS C++, or what proves faster on many frames.

    Returns
    -------
    dict of str to (array of int64, array of float64)
        For each output its integers and the real values that they stand for, in the model's own shape.

    Raises
    ------
    ToolError
        With engine "cpp", if there is no C++ compiler.
    """
    return run_with_engine(integer, data, engine)[0]


def run_with_engine(
    integer: IntegerGraph | str | Path, data: Samples, engine: str
) -> tuple[dict[str, tuple[IntegerArray, NDArray[np.float64]]], set[str]]:
    """What `run` returns, and the engines that computed it."""
    from .engines import Engine
    from .formats import dequantize
    from .reference import to_model_layout

    network = integer if isinstance(integer, IntegerGraph) else load_integer(integer)
    inputs = _input_integers(network, _user_data(network, data))
    computing = Engine(engine, network, len(next(iter(inputs.values()))))
    results = computing.run(inputs)
    outputs = {}
    for name in network.outputs:
        values = to_model_layout(network, name, results[name])
        outputs[name] = (values, dequantize(values, network.tensors[name].format))
    return outputs, computing.used


def generate(
    integer: IntegerGraph | str | Path,
    directory: str | Path,
    target: Target | None = None,
    *,
    data: Samples | None = None,
    frames: int | None = None,
    language: str = "verilog",
    device: str | None = None,
    factor_bits: int = 0,
    progress: Callable[[str], None] = lambda stage: None,
) -> GenerateResult:
    """Write the hardware of a network with its bench.

    Parameters
    ----------
    integer : IntegerGraph, str or Path
    directory : str or Path
        A folder that does not exist, is empty, or was written by `generate` before.
    target : Target, optional
        Multipliers or cycles; by default 64 multipliers.
    data : Samples, optional
        Frames for the golden vectors; by default the samples inside the network.
    frames : int, optional
        How many of them: by default all of the network's own samples, or the first 8 of `data`.
    language : {"verilog", "hls"}
        Verilog with a cocotb bench, or HLS C++ with a C++ bench, folded alike.
    device : str, optional
        One of `fpgaq.synth.DEVICES`: the result tells what is estimated to be taken there. Without a target the
        schedule is the fastest that a part of known size holds.
    factor_bits : int
        Of the wider factor of the part's multipliers: several outputs share one where their weights fit into it a
        product's width apart. 0: each has its own, or as the device wants it.
    progress : callable
        Called with what is being done.

    Raises
    ------
    FitError
        A target that cannot be met; the message says what can.
    UsageError
        A folder that cannot or must not be written.
    """
    from .emit.write import check_folder, write_folder
    from .estimate import estimate_schedule, fit_device
    from .integer_file import digest, dump
    from .schedule import make_schedule
    from .synth import find_device

    if device is not None and language == "hls":
        raise UsageError("--device estimates Verilog; with --target hls the vendor's tool tells what it takes")
    if factor_bits and language == "hls":
        raise UsageError("--pack changes the Verilog's multipliers; leave it out with --target hls")
    if language not in LANGUAGES:
        raise UsageError(f"--target {language}: {' and '.join(LANGUAGES)} are known")
    check_folder(directory)
    _check_frames(frames)
    network = integer if isinstance(integer, IntegerGraph) else load_integer(integer)
    wanted = target or Target(multipliers=DEFAULT_MULTIPLIERS)
    guess, limited_by = None, ""
    if device is not None and target is None and not factor_bits and find_device(device).capacity is not None:
        fitted = fit_device(network, device, progress)
        schedule, guess, limited_by = fitted.schedule, fitted.estimate, fitted.limited_by
    else:
        # A function of HLS C++ multiplies for one layer.
        schedule = make_schedule(network, replace(wanted, sharing=False) if language == "hls" else wanted)
        schedule = replace(schedule, factor_bits=factor_bits)
        guess = estimate_schedule(network, schedule, device) if device is not None else None
    inputs = _bench_inputs(network, data, frames)
    files = _hls_files(network, schedule, inputs) if language == "hls" else _verilog_files(network, schedule, inputs)
    files[NETWORK_FILE] = dump(network)
    write_folder(directory, files)
    return GenerateResult(Path(directory), schedule, digest(network), tuple(sorted(files)), language, guess, limited_by)


def unroll(
    integer: IntegerGraph | str | Path,
    directory: str | Path,
    unrolling: Unrolling | None = None,
    *,
    data: Samples | None = None,
    frames: int | None = None,
) -> UnrollResult:
    """Write a small network as logic without multipliers that takes a frame in every cycle, with its bench.

    Parameters
    ----------
    integer : IntegerGraph, str or Path
        A chain of affine layers.
    directory : str or Path
        As for `generate`.
    unrolling : Unrolling, optional
        How many registers: by default one behind every two carry chains.
    data, frames
        As for `generate`.

    Raises
    ------
    UnsupportedError
        A network that is no chain of affine layers.
    FitError, UsageError
        As `generate`.
    """
    from .emit.unrolled import emit_unrolled
    from .emit.write import check_folder, write_folder
    from .integer_file import digest, dump
    from .unrolled import Unrolling, plan_network

    check_folder(directory)
    _check_frames(frames)
    network = integer if isinstance(integer, IntegerGraph) else load_integer(integer)
    plan = plan_network(network, unrolling or Unrolling())
    files = _with_bench(network, emit_unrolled(network, plan), _bench_inputs(network, data, frames))
    files[NETWORK_FILE] = dump(network)
    write_folder(directory, files)
    return UnrollResult(Path(directory), plan, digest(network), tuple(sorted(files)))


def cheapen(
    integer: IntegerGraph | str | Path,
    calibration: Samples,
    bound: float,
    *,
    output: str | Path | None = None,
) -> IntegerGraph:
    """Choose weights of fewer signed digits, so that the unrolled network takes less logic.

    Parameters
    ----------
    integer : IntegerGraph, str or Path
    calibration : Samples
        Training samples in the model's own units; labels are left aside.
    bound : float
        Error allowed to each layer, relative to its accumulators' standard deviation; 0.01 to 0.05 are sensible.
    output : str or Path, optional
        Where to save the network as a .fpgaq file too.

    Raises
    ------
    UsageError
        A bound that is not positive.
    UnsupportedError
        A network without affine layers.
    """
    from .emit.write import check_file
    from .integer_file import save
    from .unrolled.cheapen import cheapen as cheapen_graph

    if output is not None:
        check_file(output)
    network = integer if isinstance(integer, IntegerGraph) else load_integer(integer)
    cheap = cheapen_graph(network, _input_integers(network, _user_data(network, calibration)), bound)
    if output is not None:
        save(cheap, output)
    return cheap


def _bench_inputs(network: IntegerGraph, data: Samples | None, frames: int | None) -> Mapping[str, IntegerArray]:
    """The frames of the golden vectors."""
    from .verify.vectors import limit_frames

    if data is None:
        return limit_frames(network.samples, frames)
    count = DATA_FRAMES if frames is None else frames
    return _input_integers(network, _user_data(network, data).slice(0, count))


def _verilog_files(
    network: IntegerGraph, schedule: Schedule, inputs: Mapping[str, IntegerArray]
) -> dict[str, str | bytes]:
    """Verilog and its cocotb bench."""
    from .emit.verilog import emit

    return _with_bench(network, emit(network, schedule), inputs)


def _with_bench(
    network: IntegerGraph, hardware: Mapping[str, str | bytes], inputs: Mapping[str, IntegerArray]
) -> dict[str, str | bytes]:
    """Emitted hardware and its cocotb bench."""
    from .verify.bench import bench_files

    files = dict(hardware)
    manifest, interface = (json.loads(files[name]) for name in ("manifest.json", "interface.json"))
    return {**files, **bench_files(network, manifest, interface, inputs)}


def _hls_files(network: IntegerGraph, schedule: Schedule, inputs: Mapping[str, IntegerArray]) -> dict[str, str | bytes]:
    """HLS C++ and its C++ bench."""
    from .emit.hls import emit
    from .verify.vectors import golden_vectors

    return emit(network, schedule, golden_vectors(network, inputs).tensors)


def simulate(
    directory: str | Path,
    *,
    frames: int | None = None,
    data: Samples | None = None,
    simulator: str = "icarus",
) -> SimulationResult:
    """Run the bench of a generated folder and hold every beat against the reference.

    Parameters
    ----------
    directory : str or Path
        What `generate` wrote.
    frames : int, optional
        How many frames of data; by default all that the folder's vectors hold.
    data : Samples, optional
        Other frames than those of the folder's own vectors, in the model's units.
    simulator : {"icarus", "verilator"}

    Raises
    ------
    VerificationError
        A beat or a cycle count that differs; the message names the first divergent layer.
    ToolError
        A simulator that is missing, too old, crashed or did not finish.
    """
    from .verify.simulate import simulate as simulate_folder

    _check_frames(frames)
    arrays = None
    if data is not None:
        network = load_integer(Path(directory) / NETWORK_FILE)
        arrays = _user_data(network, data).slice(0, frames).inputs
    return simulate_folder(Path(directory), frames=frames, data=arrays, simulator=simulator)


def synthesize(
    directory: str | Path,
    device: str = "xc7",
    *,
    seeds: int = 5,
    layers: bool = True,
    timeout: float = 1800.0,
    progress: Callable[[str], None] = lambda stage: None,
) -> SynthResult:
    """Count what a generated folder takes on a device, with Yosys, and find its clock with nextpnr.

    Parameters
    ----------
    directory : str or Path
        What `generate` wrote.
    device : str
        One of `fpgaq.synth.DEVICES`.
    seeds : int
        Runs of nextpnr; 0 for counts only.
    layers : bool
        Count each layer too.
    timeout : float
        Seconds for each run of a tool.
    progress : callable
        Called with what is being done.

    Raises
    ------
    FitError
        A design that nextpnr cannot place or route.
    ToolError
        A tool that is missing, crashed or did not finish.
    """
    from .synth import synthesize as synthesize_folder

    return synthesize_folder(Path(directory), device, seeds=seeds, layers=layers, timeout=timeout, progress=progress)


def build(
    model: str | Path,
    calibration: Samples,
    data: str | Path,
    directory: str | Path,
    options: QuantizeOptions | None = None,
    target: Target | None = None,
    *,
    network: str | None = None,
    refuse_batch_statistics: bool = False,
    frames: int | None = None,
    device: str | None = None,
    simulator: str = "icarus",
    progress: Callable[[str], None] = lambda stage: None,
) -> BuildResult:
    """All stages in a row. Parameters are those of the stages.

    `data` is labelled; its first `frames` samples (8 by default) become the golden vectors. `progress` is called with
    the name of each stage before it begins.
    """
    from .emit.write import check_folder

    check_folder(directory)
    progress("reading the model")
    graph = load_model(model, network, refuse_batch_statistics=refuse_batch_statistics)
    progress("quantizing")
    integer = quantize(graph, calibration, options)
    progress("comparing integer with float")
    source = load_model(model, network, passes=False, refuse_batch_statistics=refuse_batch_statistics)
    compared = compare(graph, integer, data, source=source)
    progress("generating hardware")
    generated = generate(integer, directory, target, data=data, frames=frames, device=device, progress=progress)
    progress("simulating")
    simulated = simulate(directory, simulator=simulator)
    return BuildResult(graph, integer, compared, generated, simulated)


def _workload(
    model: Graph | str | Path,
    calibration: Samples,
    data: Samples | None,
    options: QuantizeOptions | None,
) -> Workload:
    from .search.measure import make_workload

    graph = model if isinstance(model, Graph) else load_model(model)
    shapes = {name: tuple(graph.shapes[name]) for name in (*graph.inputs, *graph.outputs)}
    datasets = [
        None if samples is None else _dataset(samples, graph.inputs, graph.outputs, shapes)
        for samples in (calibration, data)
    ]
    assert datasets[0] is not None
    return make_workload(graph, datasets[0], datasets[1], options or QuantizeOptions())


def _input_integers(network: IntegerGraph, dataset: Dataset) -> dict[str, IntegerArray]:
    """User data as the integers that the hardware eats, by the formula that is stored with the network."""
    from .verify.vectors import transform_data

    return transform_data(network, dataset.inputs)


def _user_data(network: IntegerGraph, data: Samples) -> Dataset:
    shapes = {name: network.transforms[name].model_shape for name in network.inputs} | dict(network.output_shapes)
    return _dataset(data, network.inputs, network.outputs, shapes)


def _check_frames(frames: int | None) -> None:
    if frames is not None and frames < 0:
        raise UsageError(f"{frames} frames were asked for; a number of frames is 0 or more")


def _dataset(
    samples: Samples, inputs: tuple[str, ...], outputs: tuple[str, ...], shapes: Mapping[str, tuple[int, ...]]
) -> Dataset:
    if isinstance(samples, Dataset):
        return samples
    if isinstance(samples, str | Path):
        return load_data(samples, inputs, outputs=outputs, shapes=shapes)
    if isinstance(samples, Mapping):
        return Dataset({name: np.asarray(array) for name, array in samples.items()}, None)
    if len(inputs) != 1:
        raise UsageError(f"one array for a network with inputs {list(inputs)}; give a mapping of name to array")
    return Dataset({inputs[0]: np.asarray(samples)}, None)
