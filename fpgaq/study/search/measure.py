"""One evaluation of a search: quantize with some options, run on the data, compare the outputs with float."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...base.data import Dataset, fit_shape
from ...base.errors import FitError, ModelError
from ...integer.graph import IntegerGraph
from ...integer.inputs import transform_data
from ...integer.reference import run, to_model_layout
from ...model.executor import run_float
from ...model.graph import Graph
from ...quantizer import quantize
from ...quantizer.config import QuantizeOptions


@dataclass(frozen=True, eq=False)
class Workload:
    """The data that all evaluations of a search share.

    Parameters
    ----------
    graph : Graph
    calibration : mapping of str to array
        Samples that the quantizer sees.
    data : mapping of str to array
        Samples on which the results are measured.
    labels : array of int64 or None
    expected : array of float32
        (frames, elements of all outputs): the answers of the float network on the data.
    options : QuantizeOptions
        Options that a task does not change.
    """

    graph: Graph
    calibration: Mapping[str, NDArray[Any]]
    data: Mapping[str, NDArray[Any]]
    labels: NDArray[np.int64] | None
    expected: NDArray[np.float32]
    options: QuantizeOptions

    @property
    def classifies(self) -> bool:
        """Whether the greatest output is the answer."""
        outputs = self.graph.outputs
        return len(outputs) == 1 and (self.graph.classifier or self.labels is not None)


@dataclass(frozen=True)
class Quality:
    """How close an integer network came to the float one.

    `noise` is the power of the outputs' error over that of the outputs; the fractions are None where they have no
    sense, and all is None for options with which the network cannot be quantized.
    """

    noise: float | None
    agreement: float | None
    top1: float | None

    @property
    def signal_to_noise(self) -> float | None:
        """In dB; None if the network cannot be quantized so, infinite if nothing was lost."""
        if self.noise is None:
            return None
        return math.inf if self.noise == 0.0 else -10.0 * math.log10(self.noise)


def make_workload(graph: Graph, calibration: Dataset, data: Dataset | None, options: QuantizeOptions) -> Workload:
    """Compute once whatever every evaluation needs; without `data` the calibration samples are used."""
    measured = data or calibration
    labels = measured.labels
    inputs = {
        name: fit_shape(np.asarray(measured.inputs[name]), tuple(graph.shapes[name]), f"data {name!r}")
        for name in graph.inputs
    }
    if not measured.frames:
        raise ModelError("the data hold no sample to measure on; give at least one")
    images = {name: array.astype(np.float32) for name, array in inputs.items()}
    real = run_float(graph, images)
    expected = np.hstack([real[name].reshape(measured.frames, -1) for name in graph.outputs])
    if labels is not None and int(labels.max(initial=0)) >= expected.shape[1]:
        raise ModelError(f"labels go up to {labels.max()}, but network {graph.name!r} has {expected.shape[1]} outputs")
    # The outputs themselves are compared, whatever the hardware makes of them in the end.
    return Workload(graph, calibration.inputs, inputs, labels, expected, replace(options, argmax=False))


def measure_candidate(workload: Workload, task: Mapping[str, Any]) -> dict[str, float | None]:
    """Quantize and measure; a task holds changes of options, and under "layers" those of single layers."""
    try:
        integer = quantize(workload.graph, workload.calibration, changed(workload.options, task))
    except FitError:
        return {"noise": None, "agreement": None, "top1": None}
    return judge(integer, workload)


def judge(integer: IntegerGraph, workload: Workload) -> dict[str, float | None]:
    """The fields of `Quality` of an integer network."""
    found = outputs(integer, workload)
    signal = float(np.sum(workload.expected.astype(np.float64) ** 2))
    noise = float(np.sum((found - workload.expected) ** 2))
    agreement = top1 = None
    if workload.classifies:
        answers = found.argmax(axis=1)
        agreement = float(np.mean(answers == workload.expected.argmax(axis=1)))
        if workload.labels is not None:
            top1 = float(np.mean(answers == workload.labels))
    return {"noise": noise / signal if signal else noise, "agreement": agreement, "top1": top1}


def changed(options: QuantizeOptions, task: Mapping[str, Any]) -> QuantizeOptions:
    """Options with the changes of a task in force."""
    values = dict(task)
    layers = {name: dict(overrides) for name, overrides in options.layers.items()}
    for name, overrides in values.pop("layers", {}).items():
        layers[name] = {**layers.get(name, {}), **overrides}
    return replace(options, **values, layers=layers)


def outputs(integer: IntegerGraph, workload: Workload) -> NDArray[np.float64]:
    """The real values of all outputs on the data, (frames, elements)."""
    results = run(integer, transform_data(integer, workload.data))
    parts = []
    for name in integer.outputs:
        values = to_model_layout(integer, name, integer.tensors[name].real(results[name]))
        parts.append(values.reshape(len(values), -1))
    return np.hstack(parts)
