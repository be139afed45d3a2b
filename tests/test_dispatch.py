"""Every stage that asks for an operator's class knows every operator, and refuses by name what it does not know."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from fpgaq.base.errors import ModelError, UnsupportedError
from fpgaq.base.formats import Format
from fpgaq.hardware.emit.cells import CELLS as EMITTED
from fpgaq.hardware.estimate.terms import CELLS
from fpgaq.integer.accumulators import BOUNDS, operator_bounds
from fpgaq.integer.check.operators import CHECKS, check_operator
from fpgaq.integer.graph import OPERATORS as INTEGER_OPERATORS
from fpgaq.integer.graph import IntegerOperator, IntegerTranspose, Tensor
from fpgaq.model.graph import (
    OPERATORS,
    ArgMax,
    BatchNormalization,
    FixedPointQuantize,
    Graph,
    Identity,
    Operator,
    Prelu,
    Relu,
    Reshape,
    ScaleOffset,
    Softmax,
    Transpose,
    check,
)
from fpgaq.model.graph.shapes import SHAPES
from fpgaq.quantizer import quantize
from fpgaq.quantizer.fixed import quantize_fixed
from fpgaq.quantizer.fixed_layers import FORMS
from fpgaq.quantizer.operators import CONVERSIONS
from fpgaq.quantizer.plan import KEEPING, ROUNDING
from fpgaq.study.report.sizes import PARAMETER_BITS
from fpgaq.study.report.summary import MACS

CELL_FOLDER = Path(__file__).parents[1] / "templates" / "verilog" / "cells"


class Odd(Operator):
    """An operator that nothing knows."""


class OddInteger(IntegerOperator):
    """An integer operator that nothing knows."""


def graph_of(op: Operator, *before: Operator, shape: tuple[int, ...] = (3,)) -> Graph:
    operators = (*before, op)
    names = ("x", *(operator.output for operator in operators))
    return Graph("n", ("x",), (op.output,), operators, dict.fromkeys(names, shape))


def arrays(kind: type) -> list[str]:
    return [field.name for field in fields(kind) if "Array" in str(field.type)]


def test_shapes_are_inferred_for_every_operator() -> None:
    assert set(SHAPES) == set(OPERATORS)


def test_an_operator_that_the_float_graph_does_not_know_is_refused_by_name() -> None:
    with pytest.raises(ModelError, match=r"^layer 'o': operators of type Odd are unknown; known are Convolution, "):
        check(graph_of(Odd("o", ("x",), "y")))


def test_the_quantizer_converts_what_the_passes_leave() -> None:
    # ArgMax and softmax at the end are cut, identities are bypassed, quantizers make a network of the other quantizer.
    assert set(CONVERSIONS) == set(OPERATORS) - {ArgMax, Softmax, Identity, FixedPointQuantize}
    assert set(ROUNDING) | set(KEEPING) <= set(CONVERSIONS)


def test_the_quantizer_refuses_the_rest_by_name() -> None:
    with pytest.raises(UnsupportedError, match="'o': Identity is not resolved by the passes and has no integer form"):
        quantize(graph_of(Identity("o", ("x",), "y", "Dropout")), {"x": np.array([[0.0, 1, 2]], np.float32)})


def test_the_quantizer_of_fixed_point_networks_converts_all_but_factors_per_channel() -> None:
    between = {FixedPointQuantize, Reshape, Relu}
    refused = {BatchNormalization, ScaleOffset, Prelu, ArgMax, Softmax, Identity}
    assert set(FORMS) | between | refused == set(OPERATORS)
    assert not set(FORMS) & (between | refused)


def test_that_quantizer_refuses_the_rest_by_name() -> None:
    quantizer = FixedPointQuantize("q", ("x",), "h", Format(8, 4))
    with pytest.raises(UnsupportedError, match="'o': ScaleOffset has no form in a network that was trained in fixed"):
        quantize_fixed(graph_of(ScaleOffset("o", ("h",), "y", 2.0, 0.0), quantizer))


@pytest.mark.parametrize("axes", [(0, 1), (1, 0)])
def test_both_quantizers_transpose_rows_alike(axes: tuple[int, int]) -> None:
    shape = (3, 3)
    float_graph = graph_of(Transpose("t", ("x",), "y", axes), shape=shape)
    quantizer = FixedPointQuantize("q", ("x",), "h", Format(8, 4))
    fixed_graph = graph_of(Transpose("t", ("h",), "y", axes), quantizer, shape=shape)
    found = []
    samples = {"x": np.arange(9, dtype=np.float32).reshape(1, 3, 3)}
    for network in (quantize(float_graph, samples), quantize_fixed(fixed_graph)):
        found += [op.axes for op in network.operators if isinstance(op, IntegerTranspose)]
    assert found == [(0, 1, 2) if axes == (0, 1) else (0, 2, 1)] * 2


def test_every_integer_operator_is_checked() -> None:
    assert set(CHECKS) == set(INTEGER_OPERATORS)


def test_an_integer_operator_that_nothing_knows_is_refused_by_name() -> None:
    op, tensor = OddInteger("o", ("x",), "y"), Tensor("x", (1, 1, 3), Format(8, 0), "x")
    with pytest.raises(ModelError, match="layer 'o' is of the unknown type OddInteger"):
        check_operator(op, (tensor,), tensor)
    with pytest.raises(TypeError, match="OddInteger has no accumulator"):
        operator_bounds(op, Format(8, 0))


def test_every_accumulator_is_proved() -> None:
    names = {kind: {field.name for field in fields(kind)} for kind in INTEGER_OPERATORS}
    assert set(BOUNDS) == {kind for kind in INTEGER_OPERATORS if "accumulator_width" in names[kind]}


def test_the_summary_counts_the_products_of_every_operator_with_weights() -> None:
    assert set(MACS) == {kind for kind in OPERATORS if "weight" in arrays(kind)}


def test_the_bytes_of_every_operator_with_arrays_are_counted() -> None:
    assert set(PARAMETER_BITS) == {kind for kind in INTEGER_OPERATORS if arrays(kind)}


def test_every_cell_has_its_estimate() -> None:
    cells = {path.stem for path in CELL_FOLDER.glob("*.v")}
    refused = {f"fpgaq_{name}" for name in ("adder", "chain", "count1_3", "count3", "count3_2", "count5")}
    # The wrapper's cells are measured (docs/wrapper.md), not estimated.
    wrapper = {"fpgaq_shell", "fpgaq_statistics", "fpgaq_registers", *EMITTED["fpgaq_shell"]} - {"fpgaq_queue"}
    # With weights that are loaded nothing is estimated (docs/loadable.md).
    wrapper |= {"fpgaq_weights", "fpgaq_clip", "fpgaq_loader", "fpgaq_loadable_registers"}
    # Inside fpgaq_digits, with which it is counted.
    wrapper.add("fpgaq_digit_sum")
    assert set(CELLS) - {"own"} == cells - refused - wrapper
