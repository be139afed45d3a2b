"""The rules of 0.1.0, which `--rules 0.1` brings back: the same networks of the examples."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from fpgaq.integer.file import digest
from fpgaq.integer.graph import IntegerGraph
from fpgaq.pipeline import load_model, quantize
from fpgaq.quantizer.config import QuantizeOptions

EXAMPLES = Path(__file__).parents[2] / "examples"
DIGESTS: dict[str, str] = json.loads(Path(__file__).with_name("first_edition.json").read_text())
"""Digests of networks that 0.1.0 made (its last state before the rules changed, CPython 3.10, numpy 1.26).

Those of `auto` are of the smallest example alone: its matrices leave no near-ties that another BLAS would turn.
"""
METHODS = {
    "max": QuantizeOptions(method="max", edition="0.1"),
    "percentile 4/8": QuantizeOptions(weight_bits=4, method="percentile", per_channel=True, edition="0.1"),
    "auto": QuantizeOptions(edition="0.1"),
    "auto 4/4": QuantizeOptions(4, 4, edition="0.1"),
}


def made(case: str) -> IntegerGraph:
    name, _, method = case.partition(" ")
    graph = load_model(EXAMPLES / name / "model.nnp")
    with np.load(EXAMPLES / name / "calibration.npz") as arrays:
        data = next(arrays[key] for key in arrays.files if key in ("x", *graph.inputs))
    return quantize(graph, {graph.inputs[0]: data}, METHODS[method])


@pytest.mark.parametrize("case", DIGESTS)
def test_the_bytes_are_those_of_the_first_release(case: str) -> None:
    integer = made(case)
    assert not integer.options and digest(integer) == DIGESTS[case]


def test_the_examples_of_the_release_are_held() -> None:
    names = {case.partition(" ")[0] for case in DIGESTS}
    assert len(names) == 7 and names <= {path.parent.name for path in EXAMPLES.glob("*/model.nnp")}
