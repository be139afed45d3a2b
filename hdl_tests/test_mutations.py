"""Faults planted in the emitted hardware; the bench must find each."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fpgaq.base.formats import Format
from fpgaq.integer.accumulators import operator_bounds
from fpgaq.integer.check import check
from fpgaq.integer.graph import IntegerAffine, IntegerConvolution, IntegerGraph
from tests.support.network_builder import NetworkBuilder
from tests.support.output_folder import Files, change_text, make_files, run_files

pytestmark = [
    pytest.mark.skipif(shutil.which("iverilog") is None, reason="needs iverilog"),
    pytest.mark.once,
    pytest.mark.mutants,
]

MULTIPLIERS = 8
"""For which each layer has an engine of its own."""
SHARED = 9
"""For which the convolutions share one."""


@pytest.fixture(scope="module")
def graph() -> IntegerGraph:
    """Signed convolution, pooling, rectifier, pointwise convolution, and an affine layer with a memory file."""
    builder = NetworkBuilder(50, (6, 6, 2), Format(8, 7))
    builder.convolution(4, padding=(1, 1, 1, 1), relu=False, per_channel=True, rounding="half_away").pool()
    builder.relu().convolution(8, (1, 1), relu=True, rounding="half_even")
    return builder.affine(5, requantize=False).graph()


@pytest.fixture(scope="module")
def files(graph: IntegerGraph) -> Files:
    return make_files(graph, MULTIPLIERS)


def test_unchanged_network_passes(files: Files, tmp_path: Path) -> None:
    outcome = run_files(tmp_path, files)
    assert outcome["status"] == 0, outcome["message"]


RESET_ONCE = "if ({name} === {{{width}{{1'bx}}}}) {name} <= "

TEXT_FAULTS = {
    "weights unsigned": {".element * weight": ".element * $signed({1'b0, weight})"},
    "elements unsigned": {"factors[FROM].element *": "$signed({1'b0, factors[FROM].element}) *"},
    "elements signed": {
        "$signed({1'b0, elements[": "$signed({elements[place*ELEMENT_WIDTH+ELEMENT_WIDTH-1], elements["
    },
    "rounding constant zero": {"lifted + HALF": "lifted"},
    "rounding constant one less": {"lifted + HALF": "lifted + HALF - 1'b1"},
    "rounding constant doubled": {"1'b1} << (SHIFT - 1)": "1'b1} << SHIFT"},
    "no saturation above": {"else if (above)": "else if (1'b0)"},
    "no saturation below": {"if (below)": "if (1'b0)"},
    "no floor": {"if (negative)": "if (1'b0)"},
    "ties towards zero": {"ROUNDING == 1 ? lifted[WIDTH-1]": "ROUNDING == 1 ? ~lifted[WIDTH-1]"},
    "ties to the odd neighbour": {"ROUNDING == 2 ? ~lifted[SHIFT]": "ROUNDING == 2 ? lifted[SHIFT]"},
    "first product dropped": {"carried = first ? {SUM_WIDTH{1'b0}} : sum;": "carried = sum;"},
    "bias dropped": {" + biases[lane*SUM_WIDTH +: SUM_WIDTH]": ""},
    "columns one short": {"COLUMN_LAST = COLUMNS - 1": "COLUMN_LAST = COLUMNS > 1 ? COLUMNS - 2 : 0"},
    "rows one short": {"ROW_LAST = ROWS - 1": "ROW_LAST = ROWS > 1 ? ROWS - 2 : 0"},
    "rows one long": {"ROW_LAST = ROWS - 1": "ROW_LAST = ROWS > 1 ? ROWS : 0"},
    "groups one short": {"GROUP_START = 1 - GROUPS": "GROUP_START = GROUPS > 1 ? 2 - GROUPS : 0"},
    "window one pixel off": {"FIRST_BASE = BASE_START": "FIRST_BASE = BASE_START + 1"},
    "padding ignored": {"inside_word[lane] ?": "1'b1 ?"},
    "starts a word early": {"FIRST_NEED = NEED_START - 1": "FIRST_NEED = NEED_START - 2"},
    "line buffer overrun": {"FIRST_ROOM = ROOM_START - 1": "FIRST_ROOM = ROOM_START + 7"},
    "result FIFO overrun": {"FIRST_CREDIT = CREDITS - BEATS": "FIRST_CREDIT = CREDITS - BEATS + 2"},
    "valid not held": {"else if (m_ready)\n            m_valid": "else\n            m_valid"},
    "word lost while stalled": {"load = filled & free": "load = filled"},
    "last one beat early": {"LAST_BEAT = FRAME_BEATS - 1": "LAST_BEAT = FRAME_BEATS - 2"},
    "rows never released": {"release_after <= group_last & column_last": "release_after <= 1'b0"},
    "reset leaves the window's origin": {
        "base <= FIRST_BASE": RESET_ONCE.format(name="base", width="ADDRESS_WIDTH") + "FIRST_BASE"
    },
    "reset leaves the write address": {
        "write_address <= {ADDRESS": RESET_ONCE.format(name="write_address", width="ADDRESS_WIDTH") + "{ADDRESS"
    },
    "reset leaves the row": {
        "count <= {ROW_WIDTH": RESET_ONCE.format(name="count", width="ROW_WIDTH") + "{ROW_WIDTH"
    },
    "reset leaves words missing": {
        "missing <= FIRST_NEED": RESET_ONCE.format(name="missing", width="NEED_WIDTH") + "FIRST_NEED"
    },
    "reset leaves credits": {"credit <= FIRST": RESET_ONCE.format(name="credit", width="CREDIT_WIDTH") + "FIRST"},
    "reset leaves the output's beats": {
        "if (rst)\n            beat <= {COUNT": "if (rst)\n            "
        + RESET_ONCE.format(name="beat", width="COUNT_WIDTH") + "{COUNT"
    },
    "pool compares unsigned": {"SIGN_FLIP = {ELEMENT_SIGNED != 0,": "SIGN_FLIP = {1'b0,"},
    "pool keeps the last window": {"if (first | (reduced": "if ((reduced"},
    "relu passes negatives": {"? 9'd0 : a0": "? a0[lane*9 +: 9] : a0"},
    "output unknown": {"assign m_axis_tvalid = s_valid;": "assign m_axis_tvalid = s_valid ? 1'b1 : 1'bx;"},
    "output zero-extended": {"WIDTH){ELEMENT_SIGNED != 0 && s_data": "WIDTH){1'b0 && s_data"},
    "tlast not checked": {"if (s_axis_tlast != frame_last)": "if (1'b0)"},
    "ready in reset": {"m_ready & ~rst;\n    assign m_valid": "m_ready;\n    assign m_valid"},
}  # fmt: skip


# Every second one in the quick suite, all of them in `make mutants` and `make test-slow`.
@pytest.mark.parametrize(
    "fault",
    [pytest.param(name, marks=[pytest.mark.slow] * (place % 2)) for place, name in enumerate(TEXT_FAULTS)],
)
def test_fault_in_the_text_is_found(fault: str, files: Files, tmp_path: Path) -> None:
    outcome = run_files(tmp_path, change_text(files, TEXT_FAULTS[fault]))
    assert outcome["status"] == 1, outcome["message"]


SHARED_FAULTS = {
    "reset leaves a step": {
        "if (rst) begin\n            step <= 1'b0;": "if (1'b0) begin\n            step <= 1'b0;"
    },
    "reset leaves the turn": {
        "if (rst) begin\n            turn <= ": "if (turn === 1'bx) begin\n            turn <= "
    },
    "turns never move": {"ends ? upcoming : turn": "turn"},
    "one start of weights for all": {"fetch_first ? weights_start": "fetch_first ? 0"},
}  # fmt: skip


@pytest.mark.parametrize("fault", SHARED_FAULTS)
def test_fault_in_a_shared_engine_is_found(fault: str, graph: IntegerGraph, tmp_path: Path) -> None:
    files = make_files(graph, SHARED)
    outcome = run_files(tmp_path, change_text(files, SHARED_FAULTS[fault]))
    assert outcome["status"] == 1, outcome["message"]


def change_operator(graph: IntegerGraph, index: int, **parts: object) -> IntegerGraph:
    operators = list(graph.operators)
    operators[index] = replace(operators[index], **parts)
    return replace(graph, operators=tuple(operators))


def weight_of(graph: IntegerGraph, index: int) -> np.ndarray:
    op = graph.operators[index]
    assert isinstance(op, IntegerConvolution | IntegerAffine)
    return op.weight


GRAPH_FAULTS: dict[str, tuple[int, Callable[[IntegerGraph], IntegerGraph]]] = {
    "padding a row off": (0, lambda g: change_operator(g, 0, padding=(0, 2, 1, 1))),
    "padding a column off": (0, lambda g: change_operator(g, 0, padding=(1, 1, 2, 0))),
    "channels reversed": (0, lambda g: change_operator(g, 0, weight=weight_of(g, 0)[:, :, :, ::-1].copy())),
    "kernel transposed": (0, lambda g: change_operator(g, 0, weight=weight_of(g, 0).transpose(0, 2, 1, 3).copy())),
    "matrix transposed": (3, lambda g: change_operator(g, 3, weight=weight_of(g, 3).T.reshape(8, 1, 1, 4))),
    "outputs reversed": (4, lambda g: change_operator(g, 4, weight=weight_of(g, 4)[::-1].copy())),
    "features rolled": (4, lambda g: change_operator(g, 4, weight=np.roll(weight_of(g, 4), 1, axis=1))),
    "one bias off by one": (4, lambda g: change_operator(g, 4, bias=g.operators[4].bias + (np.arange(5) == 3))),
}  # fmt: skip


@pytest.mark.parametrize("fault", GRAPH_FAULTS)
def test_fault_in_a_layer_is_named(fault: str, graph: IntegerGraph, tmp_path: Path) -> None:
    """Hardware made of a wrong layer: the message names this layer, though all later ones differ too."""
    layer, change = GRAPH_FAULTS[fault]
    outcome = run_files(tmp_path, make_files(change(graph), MULTIPLIERS, golden=graph))
    assert outcome["status"] == 1
    pattern = (
        rf"unstalled: layer 'layer{layer}' \(stream s{layer + 1}\): frame \d+ \([a-z0-9 -]+\), row \d+, column \d+,"
        r" channel \d+: expected -?\d+, found -?\d+, at cycle \d+"
    )
    assert re.fullmatch(pattern, outcome["message"]), outcome["message"]


def memory_file(files: Files) -> str:
    names = json.loads(files["manifest.json"])["memory_files"]
    assert names, "the network has no memory file"
    return str(names[0])


MEMORY_FAULTS: dict[str, Callable[[list[str]], list[str] | None]] = {
    "missing": lambda lines: None,
    "short": lambda lines: lines[:-1],
    "shifted by a word": lambda lines: lines[1:] + lines[:1],
    "one bit": lambda lines: [*lines[:200], f"{int(lines[200], 16) ^ 1:0{len(lines[200])}x}", *lines[201:]],
}


@pytest.mark.parametrize("digests", [True, False])
@pytest.mark.parametrize("fault", MEMORY_FAULTS)
def test_fault_in_a_memory_file_is_found(fault: str, digests: bool, files: Files, tmp_path: Path) -> None:
    """By the digest, and by simulation alone too."""
    name = memory_file(files)
    lines = MEMORY_FAULTS[fault](str(files[name]).splitlines())
    changed = {path: content for path, content in files.items() if path != name}
    if lines is not None:
        changed[name] = "\n".join(lines) + "\n"
    outcome = run_files(tmp_path, changed, *([] if digests else ["--skip-digests"]))
    assert outcome["status"] == 1
    assert (f"memory file {name}" in outcome["message"]) == digests, outcome["message"]


def test_digest_of_the_manifest_is_that_of_the_file(files: Files) -> None:
    name = memory_file(files)
    digests = json.loads(files["manifest.json"])["memory_digests"]
    assert digests[name] == hashlib.sha256(str(files[name]).encode()).hexdigest()


def extreme_graph(sign: int) -> IntegerGraph:
    """An affine layer whose weights are all the greatest or all the least: extreme frames reach the proved bound."""
    graph = NetworkBuilder(60, (1, 1, 16), Format(8, 7, signed=False)).affine(3, relu=False).graph()
    op = graph.operators[0]
    assert isinstance(op, IntegerAffine)
    weight = np.full_like(op.weight, op.weight_format.maximum if sign > 0 else op.weight_format.minimum)
    op = replace(op, weight=weight, bias=np.zeros(3, dtype=np.int64))
    width = operator_bounds(op, graph.tensors["t0"].format).width
    return check(change_operator(replace(graph, operators=(op,)), 0, accumulator_width=width))


@pytest.mark.parametrize("sign", [-1, 1])
def test_narrower_accumulator_is_found(sign: int, tmp_path: Path) -> None:
    graph = extreme_graph(sign)
    files = make_files(graph, 3)
    assert run_files(tmp_path / "right", files)["status"] == 0
    narrow = {"assign sums[output_lane*SUM_WIDTH +: SUM_WIDTH] = sum;":
              "assign sums[output_lane*SUM_WIDTH +: SUM_WIDTH] = {sum[SUM_WIDTH-2], sum[SUM_WIDTH-2:0]};"}  # fmt: skip
    outcome = run_files(tmp_path / "narrow", change_text(files, narrow))
    assert outcome["status"] == 1
    assert "layer 'layer0'" in outcome["message"]


def test_overflow_is_asserted_in_simulation(tmp_path: Path) -> None:
    """Hardware whose accumulator is a bit narrower than proved ends the simulation and says where."""
    graph = extreme_graph(1)
    op = graph.operators[0]
    assert isinstance(op, IntegerAffine)
    narrow = change_operator(graph, 0, accumulator_width=op.accumulator_width - 1)
    outcome = run_files(tmp_path, make_files(narrow, 3, golden=graph))
    assert outcome["status"] == 1
    assert re.match(r"fpgaq: accumulator overflow (at the bias )?in fpgaq_bench\.dut\.engine_00", outcome["message"])
