"""The kernel of the proofs: each statement for one small set of parameters, and a planted bug that refutes each."""

from __future__ import annotations

from pathlib import Path

import pytest

from fpgaq.base.formats import Format, Rounding
from fpgaq.integer.graph import IntegerSumPooling, Requantize

from .collect import DIGIT_CELLS, collected, divisions_of
from .prover import Statement, prove

pyosys = pytest.importorskip("pyosys", reason="the proofs need Yosys (pip install pyosys)")

pytestmark = pytest.mark.once

REQUANTIZE = {"TOTAL_WIDTH": 12, "LIFT_MAX": 2, "LIFT_WIDTH": 2, "SHIFT": 5, "RESULT_WIDTH": 6}
FIFO = ("fpgaq_fifo", "fpgaq_credit", "fpgaq_delay")
QUEUE = ("fpgaq_queue", "fpgaq_fifo")


def mean(taps: int, rounding: Rounding) -> Statement:
    """The mean of so many elements of four bits, with the constants that the emitter computes."""
    rule = Requantize((0,), rounding)
    op = IntegerSumPooling("p", ("x",), "y", (1, taps), (1, taps), (0, 0, 0, 0), (taps,), 8, rule)
    return next(divisions_of(op, Format(4, 0), Format(4, 0)))


CASES = [
    (
        Statement("requantize", ("fpgaq_requantize",), {**REQUANTIZE, "ROUNDING": 0}, flat=True),
        ("fpgaq_requantize", "<< (SHIFT - 1)", "<< SHIFT"),
    ),
    (
        Statement("requantize", ("fpgaq_requantize",), {**REQUANTIZE, "ROUNDING": 1}, flat=True),
        ("fpgaq_requantize", "ROUNDING == 1 ? lifted[WIDTH-1]", "ROUNDING == 1 ? ~lifted[WIDTH-1]"),
    ),
    (
        Statement("requantize", ("fpgaq_requantize",), {**REQUANTIZE, "ROUNDING": 2}, flat=True),
        ("fpgaq_requantize", "~lifted[SHIFT]", "lifted[SHIFT]"),
    ),
    (
        Statement("requantize", ("fpgaq_requantize",), {**REQUANTIZE, "ROUNDING": 3, "NARROW": 1}, flat=True),
        ("fpgaq_requantize", "{{(RESULT_WIDTH-1){1'b0}}, NARROW != 0}", "{RESULT_WIDTH{1'b0}}"),
    ),
    (
        Statement("requantize", ("fpgaq_requantize",), {**REQUANTIZE, "RESULT_SIGNED": 0}, flat=True),
        ("fpgaq_requantize", "if (negative)", "if (negative & above)"),
    ),
    (
        Statement("bias", ("fpgaq_bias",), {"LANES": 2, "SUM_WIDTH": 9}, flat=True),
        (
            "fpgaq_bias",
            "sums[lane*SUM_WIDTH +: SUM_WIDTH] + biases[lane*",
            "sums[lane*SUM_WIDTH +: SUM_WIDTH] + biases[0*",
        ),
    ),
    (
        Statement("clip", ("fpgaq_clip",), {"WIDTH": 6, "SIGNED": 1}, flat=True),
        ("fpgaq_clip", "$signed(value) > $signed(high)", "$signed(value) > $signed(low)"),
    ),
    (
        Statement("clip", ("fpgaq_clip",), {"WIDTH": 6, "SIGNED": 0}, flat=True),
        ("fpgaq_clip", "value < low;", "value > low;"),
    ),
    (
        Statement("spread", ("fpgaq_spread",), {"PLACES": 2, "ELEMENT_SIGNED": 1, "ALL_PLACES": 3}, flat=True),
        ("fpgaq_spread", "ELEMENT_SIGNED != 0 &&", "ELEMENT_SIGNED == 0 &&"),
    ),
    (
        Statement("chain", ("fpgaq_chain",), {"WIDTH": 7, "DIFFERENCE": 1}, flat=True),
        ("fpgaq_chain", "{plain, carry} - {~other, 1'b1}", "{plain, carry} - {~other, 1'b0}"),
    ),
    (
        Statement("adder", ("fpgaq_adder",), {"WIDTH": 7, "SUBTRACT": 1}, flat=True),
        ("fpgaq_adder", "sum = first - second;", "sum = second - first;"),
    ),
    (
        Statement("counts", ("fpgaq_count3", "fpgaq_count5"), flat=True),
        ("fpgaq_count5", "three[1] ^ rest[1]", "three[1] | rest[1]"),
    ),
    (
        mean(3, "half_up"),
        ("fpgaq_divide", "{2'b00, quotient} - {2'b00, offset[QUOTIENT_WIDTH-1:0]}", "{2'b00, quotient}"),
    ),
    (
        mean(4, "half_away"),
        ("fpgaq_divide", "TIES == 1 ? negative_kept", "TIES == 1 ? ~negative_kept"),
    ),
    (
        mean(6, "half_even"),
        ("fpgaq_divide", "quotient[0] ^ OFFSET_BITS[0]", "quotient[0]"),
    ),
    (
        Statement("mac", ("fpgaq_mac",), {"PRODUCTS": 1, "OUTPUTS": 2, "ELEMENT_SIGNED": 1, "SUM_WIDTH": 8}),
        ("fpgaq_mac", "first ? {SUM_WIDTH{1'b0}} : sum;", "first ? sum : {SUM_WIDTH{1'b0}};"),
    ),
    (
        Statement("mac", ("fpgaq_mac",), {"OUTPUTS": 2, "PACKED": 2, "ELEMENT_WIDTH": 2, "WEIGHT_WIDTH": 2}),
        ("fpgaq_mac", "MEMBER > 0 && joint", "MEMBER > 9 && joint"),
    ),
    (
        Statement("mac", ("fpgaq_mac",), {"PRODUCTS": 2, "LEVELS": 1, "ELEMENT_WIDTH": 2, "WEIGHT_WIDTH": 2}),
        ("fpgaq_mac", "if (valid)\n", "if (valid | ~first)\n"),
    ),
    (
        Statement("mac", DIGIT_CELLS, {"DIGITS": 1, "PRODUCTS": 2, "LEVELS": 1, "ELEMENT_WIDTH": 2, "WEIGHT_WIDTH": 2}),
        ("fpgaq_digit_sum", ".carry(rows[FIRST+1].digit[2])", ".carry(rows[FIRST+1].digit[1])"),
    ),
    (
        Statement("mac", DIGIT_CELLS, {"DIGITS": 1, "OUTPUTS": 2, "WEIGHT_WIDTH": 4, "SUM_WIDTH": 10}),
        ("fpgaq_digits", ".carry(more[digit+1])", ".carry(more[digit])"),
    ),
    (
        Statement("max", ("fpgaq_max",), {"TAPS": 2, "CHANNELS": 1, "ELEMENT_SIGNED": 1}),
        ("fpgaq_max", "if (first | (reduced", "if (first & (reduced"),
    ),
    (
        Statement("sum", ("fpgaq_sum",), {"TAPS": 2, "ELEMENT_WIDTH": 2, "SUM_WIDTH": 5}),
        ("fpgaq_sum", "ELEMENT_SIGNED != 0\n", "ELEMENT_SIGNED == 0\n"),
    ),
    (
        Statement("sum", ("fpgaq_sum",), {"CHANNELS": 2, "ELEMENT_WIDTH": 2, "ELEMENT_SIGNED": 1, "SUM_WIDTH": 4}),
        ("fpgaq_sum", "if (valid)\n", "if (valid | ~first)\n"),
    ),
    (
        Statement("slice", ("fpgaq_slice",), {"WIDTH": 1}),
        ("fpgaq_slice", "if (passed | ~filled[0])", "if (passed)"),
    ),
    (
        Statement("queue", QUEUE, {"ADDRESS_WIDTH": 1}),
        ("fpgaq_queue", "WORDS - 1;", "WORDS;"),
    ),
    (
        Statement("fifo", FIFO, {"ADDRESS_WIDTH": 1, "EAGER": 1}),
        ("fpgaq_credit", "(1 << ADDRESS_WIDTH) - 1;", "(1 << ADDRESS_WIDTH);"),
    ),
    (
        Statement("gearbox", ("fpgaq_gearbox",), {"IN_UNITS": 1, "OUT_UNITS": 2}),
        ("fpgaq_gearbox", "place[HELD_WIDTH-1:0] >= rest)", "place[HELD_WIDTH-1:0] > rest)"),
    ),
    (
        Statement("guard", ("fpgaq_guard",), {"FRAME_BEATS": 2}),
        ("fpgaq_guard", "state <= frame_last ? DROP : PAD;", "state <= frame_last ? PASS : PAD;"),
    ),
]
"""Statements, and for each the cell, a text that stands in it once, and what replaces it."""


@pytest.mark.parametrize(
    ("statement", "_"), CASES, ids=lambda value: str(value) if isinstance(value, Statement) else ""
)
def test_cell_does_what_is_stated(statement: Statement, _: object, tmp_path: Path) -> None:
    verdict = prove(statement, tmp_path)
    assert verdict.proved is True
    assert verdict.reached is True, "the case that the statement watches for never occurs"


@pytest.mark.parametrize(
    ("statement", "planted"), CASES, ids=lambda value: value[2] if isinstance(value, tuple) else ""
)
def test_planted_bug_is_refuted(statement: Statement, planted: tuple[str, str, str], tmp_path: Path) -> None:
    assert prove(statement, tmp_path, planted).proved is False


@pytest.mark.slow
def test_networks_ask_for_every_kind_of_statement() -> None:
    """What is collected from networks covers the cells with a statement that networks use."""
    names = {statement.name for statement in collected(12)}
    assert names >= {
        "requantize",
        "bias",
        "mac",
        "spread",
        "queue",
        "fifo",
        "slice",
        "gearbox",
        "guard",
        "counts",
        "clip",
    }
