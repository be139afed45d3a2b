"""Models that were quantized before fpgaq saw them, from their ONNX file to simulated Verilog."""

from __future__ import annotations

from pathlib import Path

import pytest

from fpgaq import pipeline
from fpgaq.hardware.schedule import Target
from tests.support.quantized_models import convolution, elements, qoperators


@pytest.mark.once
@pytest.mark.parametrize("build", [convolution, elements, pytest.param(qoperators, marks=pytest.mark.slow)])
def test_every_beat_is_that_of_the_reference(build, tmp_path: Path) -> None:
    model = tmp_path / "model.onnx"
    model.write_bytes(build(1, "int8" if build is convolution else "uint8"))
    network = pipeline.quantize(model)
    pipeline.generate(network, tmp_path / "hw", Target(multipliers=16), frames=3)
    result = pipeline.simulate(tmp_path / "hw", simulator="icarus")
    assert result.frames >= 3 and result.mismatches == 0
