"""The netlists that Yosys makes of whole networks, simulated gate by gate against the reference.

Cells are Yosys's own models. For block RAMs and multipliers without one, the models are in this folder; the ECP5's have
registers moved into them, as for place and route.
"""

from __future__ import annotations

import importlib.util
import json
import random
import re
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from fpgaq.base.formats import Format
from fpgaq.hardware.schedule import Target, make_schedule
from fpgaq.hardware.synth import DEVICES
from fpgaq.hardware.synth.netlist import NETLIST, make_netlist
from fpgaq.hardware.synth.project import read_project
from fpgaq.hardware.synth.yosys import run_yosys, workspace
from fpgaq.integer.graph import IntegerGraph
from fpgaq.proof.file_bench import run_file_bench
from tests.support.fuzz.case import frames
from tests.support.network_builder import NetworkBuilder

pytestmark = [
    pytest.mark.skipif(shutil.which("iverilog") is None, reason="needs iverilog"),
    pytest.mark.skipif(importlib.util.find_spec("pyosys") is None, reason="pyosys is not installed"),
    pytest.mark.once,
]

MODELS = {
    "ecp5": ("ecp5/common_sim.vh", "ecp5/ccu2c_sim.vh"),
    "ice40": ("ice40/cells_sim.v",),
    "ice40up": ("ice40/cells_sim.v",),
    "gowin": ("gowin/cells_sim.v",),
    "xc7": ("xilinx/cells_sim.v",),
    "xcup": ("xilinx/cells_sim.v",),
}
OWN_MODELS = {"ecp5": "ecp5_blocks.v", "gowin": "gowin_blocks.v", "xc7": "amd_blocks.v", "xcup": "amd_blocks.v"}
WITHOUT_CONTENT = "TRELLIS_COMB|SP|SPX9|RAMB18E1|RAMB36E1"
"""Models of cells that only nextpnr makes, and of block RAMs: ports and times, not all of which Icarus 11 reads."""
MULTIPLIERS = {"ecp5": "MULT18X18D", "ice40up": "SB_MAC16", "gowin": "MULT9X9", "xc7": "DSP48E1", "xcup": "DSP48E2"}
BLOCK_RAMS = {
    "ecp5": ("DP16KD",),
    "ice40": ("SB_RAM40_4K",),
    "ice40up": ("SB_RAM40_4K",),
    "gowin": ("SP", "SDPB", "SDPX9B"),
    "xc7": ("RAMB18E1", "RAMB36E1"),
    "xcup": ("RAMB18E2", "RAMB36E2"),
}


def share() -> Path:
    """Where Yosys keeps the models of its cells."""
    spec = importlib.util.find_spec("pyosys")
    assert spec is not None and spec.origin is not None
    return Path(spec.origin).parent / "share"


class Netlist:
    """Makes a device's netlist of emitted files; keeps the number of its cells of each type, and registers in use."""

    def __init__(self, device: str) -> None:
        self.device = DEVICES[device]
        self.cells: Counter[str] = Counter()
        self.modes: set[str] = set()

    def __call__(self, folder: Path, files: Sequence[str]) -> Sequence[str]:
        project = read_project(folder)
        with workspace(project) as place:
            netlist = make_netlist(project, self.device, place, 600)
            cells = netlist["modules"][project.top]["cells"].values()
            chance = random.Random(7)
            for cell in cells:
                # What a memory holds before it is written is anything, which gates would hand on as X.
                for name, value in cell["parameters"].items():
                    if name.startswith("INIT") and isinstance(value, str):
                        cell["parameters"][name] = re.sub("x", lambda _: chance.choice("01"), value)
                # Nor does a placed cell have an input of no value.
                for name, bits in cell["connections"].items():
                    cell["connections"][name] = ["0" if bit == "x" else bit for bit in bits]
            self.cells = Counter(cell["type"] for cell in cells)
            self.modes = {
                name for cell in cells for name, value in cell["parameters"].items() if value in ("OUTREG", "CLK0")
            }
            (place / NETLIST).write_text(json.dumps(netlist))
            finished = run_yosys([f"read_json {NETLIST}", "write_verilog -noattr netlist.v"], place, 600, "writing")
            assert finished.code == 0, finished.output[-2000:]
            shutil.copy(place / "netlist.v", folder)
        (folder / "models.v").write_text("".join(self._models()))
        # Icarus does not know the default values of ports that the models of the iCE40 have.
        return ["-g2012", "-DNO_ICE40_DEFAULT_ASSIGNMENTS", "netlist.v", "models.v"]

    def _models(self) -> Iterator[str]:
        for name in MODELS[self.device.family]:
            text = (share() / name).read_text()
            text = re.sub(rf"^module ({WITHOUT_CONTENT})\b.*?^endmodule", "", text, flags=re.MULTILINE | re.DOTALL)
            yield re.sub(r"^`include.*$", "", text, flags=re.MULTILINE)
        if self.device.family in OWN_MODELS:
            yield Path(__file__).with_name(OWN_MODELS[self.device.family]).read_text()


def perceptron() -> IntegerGraph:
    """Weights that fill block RAMs; an ECP5 takes several for a bank."""
    return NetworkBuilder(5, (1, 1, 96)).affine(40).affine(6, requantize=False).graph()


def convolutional() -> IntegerGraph:
    """Line buffers, a pool and results of several formats."""
    return (
        NetworkBuilder(8, (6, 7, 6))
        .convolution(8, padding=(1, 1, 1, 1), per_channel=True)
        .pool()
        .convolution(8, (2, 2))
        .affine(5, requantize=False)
        .graph()
    )


def pooled() -> IntegerGraph:
    """Rows so long that their buffers are block RAMs, which are written and read."""
    return NetworkBuilder(8, (4, 64, 8)).pool().graph()


def slow(*values: object) -> object:
    """A netlist of more than 20 s; of ECP5, UltraPlus and Gowin, one with block RAMs stays quick."""
    return pytest.param(*values, marks=pytest.mark.slow)


@pytest.mark.parametrize(
    ("network", "multipliers", "device", "stall_seed"),
    [
        (perceptron, 1, "ecp5-25k", None),
        (perceptron, 1, "ecp5-25k", 3),
        (perceptron, 1, "ice40-up5k", None),
        (perceptron, 1, "gowin-gw1n9", None),
        slow(convolutional, 3, "ecp5-25k", 3),
        slow(convolutional, 3, "ice40-up5k", 3),
        slow(convolutional, 3, "ice40-hx8k", 3),
        slow(convolutional, 3, "gowin-gw1n9", None),
        slow(convolutional, 3, "gowin-gw1n9", 3),
        slow(convolutional, 3, "xc7", 3),
        slow(convolutional, 3, "xcup", None),
        slow(perceptron, 1, "xc7", 3),
        slow(perceptron, 1, "xcup", None),
        (pooled, 0, "gowin-gw1n9", 3),
        slow(pooled, 0, "xc7", 3),
        slow(pooled, 0, "xcup", 3),
        (pooled, 0, "ecp5-25k", 3),
    ],
)
def test_netlist_puts_out_what_the_reference_does(network, multipliers, device, stall_seed, tmp_path):
    graph = network()
    netlist = Netlist(device)
    inputs = {"t0": frames(graph.tensors["t0"], 3, 5)}
    schedule = make_schedule(graph, Target(multipliers=max(1, multipliers)))
    found = run_file_bench(graph, schedule, inputs, stall_seed=stall_seed, workdir=tmp_path, netlist=netlist)
    assert found.mismatch is None
    family = netlist.device.family
    if family in MULTIPLIERS:
        assert netlist.cells[MULTIPLIERS[family]] == multipliers
    assert ("REG_OUTPUT_CLK" in netlist.modes) == (family == "ecp5" and multipliers > 0)
    if network is not convolutional:
        assert sum(netlist.cells[name] for name in BLOCK_RAMS[family]) > 0
    if network is perceptron:
        assert ("REGMODE_A" in netlist.modes) == (family == "ecp5")


@pytest.mark.mutants
def test_netlist_that_computes_otherwise_is_found(tmp_path):
    """The bench looks: a netlist without the registers that its blocks should have taken is one cycle ahead."""

    class Faulty(Netlist):
        def __call__(self, folder: Path, files: Sequence[str]) -> Sequence[str]:
            arguments = super().__call__(folder, files)
            path = folder / "netlist.v"
            text = path.read_text()
            assert '.REGMODE_A("OUTREG")' in text
            path.write_text(text.replace('.REGMODE_A("OUTREG")', '.REGMODE_A("NOREG")'))
            return arguments

    graph = perceptron()
    inputs = {"t0": frames(graph.tensors["t0"], 1, 5)}
    found = run_file_bench(
        graph, make_schedule(graph, Target(multipliers=1)), inputs, workdir=tmp_path, netlist=Faulty("ecp5-25k")
    )
    assert found.mismatch is not None
    assert "expected" in found.mismatch


def of_four_bits():
    """A convolution of elements and weights of 4 bits."""
    builders = (NetworkBuilder(seed, (5, 5, 3), Format(4, 0, False)) for seed in range(99))
    graphs = (builder.convolution(4, padding=(1, 1, 1, 1)).graph() for builder in builders)
    return next(graph for graph in graphs if graph.operators[0].weight_format.width == 4)


@pytest.mark.parametrize(("device", "bits"), [("ice40-up5k", 16), ("ecp5-25k", 18)])
def test_outputs_that_share_a_multiplier(device, bits, tmp_path):
    graph = of_four_bits()
    netlist = Netlist(device)
    schedule = replace(make_schedule(graph, Target(multipliers=12)), factor_bits=bits)
    inputs = {"t0": frames(graph.tensors["t0"], 3, 5)}
    found = run_file_bench(graph, schedule, inputs, workdir=tmp_path, netlist=netlist)
    assert found.mismatch is None
    # Two products in each.
    assert netlist.cells[MULTIPLIERS[netlist.device.family]] == schedule.multipliers // 2


@pytest.mark.parametrize("device", [slow("xc7"), "ice40-hx8k"])
def test_products_in_logic(device, tmp_path):
    graph = of_four_bits()
    schedule = replace(make_schedule(graph, Target(multipliers=12)), logic_bits=8)
    inputs = {"t0": frames(graph.tensors["t0"], 3, 5)}
    found = run_file_bench(graph, schedule, inputs, workdir=tmp_path, netlist=Netlist(device))
    assert found.mismatch is None
