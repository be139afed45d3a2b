"""Shuffles of channels in the form for hardware: the same integers, and registers for a part of a pixel at most."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fpgaq.base.errors import UnsupportedError
from fpgaq.base.formats import Format
from fpgaq.hardware.lowering import lower
from fpgaq.hardware.lowering.shuffles import HELD_BITS, MOST_BITS
from fpgaq.hardware.schedule import Target, plan_hardware
from fpgaq.integer import file as integer_file
from fpgaq.integer.graph import IntegerReshape, IntegerTranspose
from fpgaq.integer.reference import run
from fpgaq.model.importers.onnx.graph import load_onnx
from fpgaq.model.passes import standard_passes
from fpgaq.quantizer import quantize
from fpgaq.quantizer.config import QuantizeOptions
from tests.support.onnx_models import model, node
from tests.support.shuffles import moved, shuffled

SHAPES = [
    # parts, channels, (height, width), bits: whole pixels, blocks of them, and a part of a prime number of channels.
    (2, 4, (1, 1), 8), (2, 8, (3, 2), 8), (3, 12, (2, 2), 4), (4, 12, (1, 5), 16),
    (2, 192, (2, 2), 8), (3, 192, (1, 2), 8), (2, 134, (2, 1), 8), (8, 512, (1, 1), 16),
]  # fmt: skip


@pytest.mark.parametrize("held", [HELD_BITS, MOST_BITS])
@pytest.mark.parametrize(("parts", "channels", "size", "bits"), SHAPES)
def test_a_shuffle_becomes_wires(
    parts: int, channels: int, size: tuple[int, int], bits: int, held: int, tmp_path: Path
) -> None:
    graph = shuffled(parts, (*size, channels), Format(bits, 3))
    lowered = lower(graph, held)
    views = [op.view for op in lowered.operators if isinstance(op, IntegerTranspose)]
    assert len(views) == len(lowered.operators) > 0 and all(views)
    for view in views:
        # What registers hold of a pixel at a time; a block of one channel needs none.
        assert len(view) == 4 or view[1] * view[2] * bits <= held
    wanted, found = run(graph, graph.samples), run(lowered, graph.samples)
    assert np.array_equal(wanted["y"], found["y"])
    image = np.asarray(graph.samples["x"]).reshape(-1, parts, channels // parts)
    assert np.array_equal(found["y"].reshape(-1, channels), image.transpose(0, 2, 1).reshape(-1, channels))
    integer_file.save(lowered, tmp_path / "lowered.fpgaq")
    again = integer_file.load(tmp_path / "lowered.fpgaq")
    assert [op.view for op in again.operators if isinstance(op, IntegerTranspose)] == views


@pytest.mark.parametrize("axes", [(1, 0, 2), (2, 1, 0), (1, 2, 0), (2, 0, 1)])
def test_what_moves_pixels_stays(axes: tuple[int, int, int]) -> None:
    graph = moved((2, 2, 6), (4, 2, 3), axes)
    assert lower(graph) is graph


def test_hls_takes_no_wires() -> None:
    graph = shuffled(2, (2, 2, 8), Format(8, 3))
    assert lower(graph, wires=0) is graph
    assert {type(op) for op in graph.operators} == {IntegerReshape, IntegerTranspose}


def test_views_that_are_no_shuffle_are_refused() -> None:
    graph = lower(shuffled(2, (2, 2, 8), Format(8, 3)))
    (op,) = graph.operators
    assert isinstance(op, IntegerTranspose)
    for view, axes in (((4, 2, 4), (2, 1, 0)), ((2, 4, 4), (0, 2, 1)), ((16, 2), (1, 0))):
        other = replace(op, view=view, axes=axes)
        with pytest.raises(UnsupportedError, match="no shuffle of channels inside a pixel"):
            plan_hardware(replace(graph, operators=(other,)), Target(multipliers=4))


def test_an_engine_waits_for_no_row_that_a_shuffle_before_it_lacks() -> None:
    """Rows of a view are pixels, not rows of the image: the turns of shared engines must not mix them up."""
    channels, size = 192, (3, 2)
    chance = np.random.default_rng(5)
    nodes = [
        node("Conv", "x w", "a", group=3), node("Reshape", "a s", "p"),
        node("Transpose", "p", "q", perm=[0, 2, 1, 3, 4]), node("Reshape", "q t", "b"),
        node("Conv", "b d", "c", group=channels, pads=[1, 1, 1, 1]), node("Conv", "c w", "y", group=3),
    ]  # fmt: skip
    constants = {"s": np.array([1, 3, 64, *size]), "t": np.array([1, channels, *size])}
    constants |= {
        name: chance.normal(size=shape).astype(np.float32)
        for name, shape in {"w": (channels, 64, 1, 1), "d": (channels, 1, 3, 3)}.items()
    }
    proto = model(nodes, {"x": (1, channels, *size)}, constants=constants)
    graph = standard_passes(load_onnx(proto.SerializeToString()))
    samples = {"x": chance.normal(size=(2, channels, *size)).astype(np.float32)}
    built, schedule = plan_hardware(quantize(graph, samples, QuantizeOptions(method="max")), Target(multipliers=64))
    assert [len(op.view) for op in built.operators if isinstance(op, IntegerTranspose)] == [4, 3]
    assert any(engine.shared for engine in schedule.engines)
    assert schedule.prediction.interval is not None
