"""Layers that take several pixels a beat compute the same elements in the same order."""

from __future__ import annotations

import numpy as np
import pytest

from fpgaq.base.errors import UsageError
from fpgaq.base.formats import Format
from fpgaq.hardware.lowering.wide import HARDWARE_ONLY, LaneMaximum, in_shape, wide_forms, wide_shape
from fpgaq.hardware.lowering.wide.graph import from_shape
from fpgaq.integer.graph import OPERATORS, IntegerGraph
from fpgaq.integer.reference import run
from tests.support.fuzz.case import random_inputs
from tests.support.network_builder import NetworkBuilder

pytestmark = pytest.mark.once


def networks() -> list[IntegerGraph]:
    """Convolutions of many geometries; every second one pads with another value than zero."""
    geometries = [
        ((3, 3), (1, 1), (1, 1, 1, 1), (1, 1)),
        ((5, 1), (3, 1), (0, 0, 0, 0), (1, 1)),
        ((3, 2), (2, 2), (0, 1, 0, 0), (1, 1)),
        ((2, 3), (1, 1), (2, 1, 1, 1), (1, 1)),
        ((2, 2), (1, 1), (0, 0, 1, 1), (2, 2)),
        ((1, 1), (1, 1), (0, 0, 0, 0), (1, 1)),
    ]
    return [
        NetworkBuilder(seed, (12, 4, 1 + seed % 3), Format(6, 3))
        .convolution(1 + seed % 4, kernel, stride, padding, dilation, per_channel=seed % 2 == 0)
        .graph()
        for seed, (kernel, stride, padding, dilation) in enumerate(geometries * 3)
    ]


def test_a_wide_convolution_makes_the_same_elements() -> None:
    tried = 0
    for graph in networks():
        inputs = random_inputs(graph, 1)
        wanted = run(graph, inputs)
        (source,), (result,) = graph.inputs, graph.outputs
        for pixels in (2, 4, 6, 8, 12, 24, 48):
            for form in wide_forms(graph, pixels, 1, fused=False):
                wide = [op for op in form.operators if op.name == graph.operators[0].name and op.input in form.pixels]
                if not wide:
                    continue
                tried += 1
                taken, made = wide[0].input, wide[0].output
                # The convolution alone: what carries pixels to and fro is for the simulation to prove.
                alone = IntegerGraph(
                    **{name: getattr(graph, name) for name in ("name", "transforms", "samples", "classifier")},
                    inputs=(taken,),
                    outputs=(made,),
                    tensors={taken: form.tensors[taken], made: form.tensors[made]},
                    operators=(wide[0],),
                    output_shapes={made: graph.output_shapes[result]},
                )
                frames = in_shape(inputs[source], form.tensors[taken].shape)
                found = run(alone, {taken: frames})[made]
                assert np.array_equal(from_shape(found, graph.tensors[result].shape), wanted[result]), (graph, pixels)
    assert tried > 60


def test_the_forms_of_a_pooling_name_every_element_once() -> None:
    graph = NetworkBuilder(1, (8, 4, 3)).convolution(2, (1, 1)).pool().graph()
    forms = list(wide_forms(graph, 8, 1, fused=False))
    maxima = [op for form in forms for op in form.operators if isinstance(op, LaneMaximum)]
    assert maxima
    for op in maxima:
        assert sorted(lane for taps in op.taps for lane in taps) == list(range(len(op.taps) * len(op.taps[0])))
    fused = [form.maxima for form in wide_forms(graph, 8, 1, fused=True) if form.maxima]
    assert fused and {taps for each in fused for taps in each.values()} <= {op.taps for op in maxima}


def test_wide_shapes() -> None:
    assert wide_shape((6, 4, 3), 1) == (6, 4, 3)
    assert wide_shape((6, 4, 3), 2) == (6, 2, 6)
    assert wide_shape((6, 4, 3), 4) == (6, 1, 12)
    assert wide_shape((6, 4, 3), 16) == (2, 1, 48)
    assert wide_shape((6, 4, 3), 5) == (5, 1, 15)
    frames = np.arange(2 * 72).reshape(2, 6, 4, 3)
    wide = in_shape(frames, (5, 1, 15))
    assert (wide[:, 4, 0, 12:] == 0).all() and np.array_equal(wide[0, 0, 0], np.arange(15))
    assert np.array_equal(from_shape(wide, (6, 4, 3)), frames)


@pytest.mark.parametrize(("pixels", "outputs"), [(49, 1), (1, 2)])
def test_more_pixels_than_a_frame_has_are_refused(pixels: int, outputs: int) -> None:
    graph = NetworkBuilder(1, (12, 4, 1)).affine(3).graph()
    with pytest.raises(UsageError, match=r"^--(output-)?pixels \d+: a frame of .* has (48 pixels|1 pixel); give 1 to "):
        list(wide_forms(graph, pixels, outputs, fused=False))


def test_operators_of_hardware_alone_are_no_operators_of_networks() -> None:
    assert not set(HARDWARE_ONLY) & set(OPERATORS)
