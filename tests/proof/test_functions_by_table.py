"""Every function of one number, as a table in hardware, over every integer of its input."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from fpgaq.base.formats import dequantize, quantize_real
from fpgaq.hardware.schedule import Target, make_schedule
from fpgaq.integer.graph import IntegerTable
from fpgaq.integer.inputs import transform_data
from fpgaq.model.functions import FUNCTIONS, evaluate
from fpgaq.model.graph import Graph, Pointwise, check
from fpgaq.pipeline import run
from fpgaq.proof.file_bench import run_file_bench
from fpgaq.quantizer import quantize
from fpgaq.quantizer.config import QuantizeOptions
from tests.model.test_functions import PARAMETERS

POSITIVE = ("log", "reciprocal", "sqrt")
"""Not defined, or infinite, at zero or below."""
GROUPS = 7
"""Networks that the others are spread over."""


@pytest.mark.skipif(shutil.which("iverilog") is None, reason="needs iverilog")
@pytest.mark.parametrize(("group", "bits"), [*((group, 10) for group in range(GROUPS + 1)), (0, 12)])
def test_every_function(tmp_path: Path, group: int, bits: int) -> None:
    """Where the index is the input, each output is the function's value rounded once; 12 bits of index by option."""
    positive = group == GROUPS
    names = POSITIVE if positive else [name for name in FUNCTIONS if name not in POSITIVE][group::GROUPS]
    side = 1 << (bits // 2)
    image = (1, side, side)
    operators = tuple(Pointwise(name, (f"x_{name}",), f"y_{name}", name, PARAMETERS.get(name, ())) for name in names)
    inputs, outputs = tuple(op.input for op in operators), tuple(op.output for op in operators)
    graph = check(Graph("functions", inputs, outputs, operators, dict.fromkeys((*inputs, *outputs), image)))
    # Every integer once, from 0 to 8 or between -4 and 4.
    numbers = (np.arange(side * side) / (side * side / 8) - (0 if positive else 4)).reshape(1, *image)
    every = dict.fromkeys(inputs, numbers)
    calibration = dict.fromkeys(inputs, np.maximum(numbers, 1 / 8)) if positive else every
    options = QuantizeOptions(input_bits=bits, activation_bits=12, output_bits=12, table_bits=bits)
    integer = quantize(graph, calibration, options)
    tables = {op.output: op for op in integer.operators if isinstance(op, IntegerTable)}
    assert {op.index_format.width for op in tables.values()} == {bits} and len(tables) == len(names)
    found = run(integer, every)
    for name in names:
        exact = evaluate(name, PARAMETERS.get(name, ()), numbers).reshape(-1)
        defined, fmt = np.isfinite(exact), integer.tensors[f"y_{name}"].format
        assert defined.all() or (positive and (~defined).sum() == 1)
        nearest = dequantize(quantize_real(exact[defined], fmt, options.rounding), fmt)
        np.testing.assert_array_equal(found[f"y_{name}"][1].reshape(-1)[defined], nearest, err_msg=name)
    schedule = make_schedule(integer, Target(multipliers=1))
    result = run_file_bench(integer, schedule, transform_data(integer, every), workdir=tmp_path)
    assert result.mismatch is None
