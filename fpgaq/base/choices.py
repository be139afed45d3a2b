"""Values of options, in a module that imports nothing heavy: the command line shows them without loading numpy."""

from __future__ import annotations

from typing import Literal, get_args

Rounding = Literal["half_up", "half_away", "half_even", "floor"]
Method = Literal["auto", "max", "percentile", "mse", "output"]
ActivationRange = Literal["max", "percentile", "mse"]
WeightDelta = Literal["ceil", "floor", "mse", "output", "rounded"]
WeightRounding = Literal["nearest", "hessian", "qronos", "comq"]
Edition = Literal["0.2", "0.1"]
Language = Literal["verilog", "hls"]
Simulator = Literal["icarus", "verilator"]
EngineName = Literal["auto", "numpy", "cpp"]
Cost = Literal["rom", "multiplier"]
Measure = Literal["surgeon", "l1", "l2", "gamma", "median", "activation"]
Deltas = Literal["frozen", "recalibrated", "learned"]
PackageTool = Literal["fusesoc", "edalize", "vivado", "quartus", "litex"]
RateSchedule = Literal["cosine", "step", "constant"]
Layout = Literal["auto", "nchw", "nhwc"]
TableFormat = Literal["table", "csv", "md", "json"]

ROUNDINGS: tuple[Rounding, ...] = get_args(Rounding)
METHODS: tuple[Method, ...] = get_args(Method)
ACTIVATION_RANGES: tuple[ActivationRange, ...] = get_args(ActivationRange)
WEIGHT_DELTAS: tuple[WeightDelta, ...] = get_args(WeightDelta)
WEIGHT_ROUNDINGS: tuple[WeightRounding, ...] = get_args(WeightRounding)
EDITIONS: tuple[Edition, ...] = get_args(Edition)
LANGUAGES: tuple[Language, ...] = get_args(Language)
SIMULATORS: tuple[Simulator, ...] = get_args(Simulator)
ENGINES: tuple[EngineName, ...] = get_args(EngineName)
COSTS: tuple[Cost, ...] = get_args(Cost)
MEASURES: tuple[Measure, ...] = get_args(Measure)
PACKAGE_TOOLS: tuple[PackageTool, ...] = get_args(PackageTool)
DELTAS: tuple[Deltas, ...] = get_args(Deltas)
LAYOUTS: tuple[Layout, ...] = get_args(Layout)
TABLE_FORMATS: tuple[TableFormat, ...] = get_args(TableFormat)
DEVICES = (
    *("xc7", "xc7s50", "xc7a35t", "xc7a50t", "xc7a100t", "xc7a200t", "xc7z010", "xc7z020"),
    *("xcup", "xczu3eg", "xck26", "xczu9eg", "ecp5-25k", "ecp5-45k", "ecp5-85k"),
    *("ice40-hx1k", "ice40-hx8k", "ice40-up5k", "gowin-gw1n9", "gowin-gw1nsr4", "gowin-gw2a18", "gowin-gw2a55"),
)
"""The names of `synth.devices`, which a test holds equal."""

BOARD_NAMES = (
    *("icebreaker", "tangnano9k", "ulx3s-12f", "ulx3s-25f", "ulx3s-45f", "ulx3s-85f"),
    *("orangecrab", "orangecrab-85f", "colorlight-i5"),
)
"""The names of `board.table`, which a test holds equal."""
