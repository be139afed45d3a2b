"""Steps that training learns: powers of two whose exponents are rounded straight through.

After Jain et al., "Trained Quantization Thresholds for Accurate and Efficient Fixed-Point Inference", 2020.
"""

from __future__ import annotations

import math
from typing import Any

import nnabla as nn
import numpy as np
from nnabla.function import PythonFunction
from numpy.typing import NDArray

from ..base.formats import Format
from ..model.graph import Affine, Convolution, Deconvolution, FixedPointQuantize, Graph
from ..quantizer.methods import FEW_BITS
from .rebuild import Function, rebuild


class LearnedQuantize(PythonFunction):  # type: ignore[misc]
    """nnabla's FixedPointQuantize with the step ``2**round(k)``, k the second input, of one element.

    The gradient passes values within the range; by the chain rule k gets ``step * ln 2`` times integer - x / step where
    x is in range, and the end of the range elsewhere. Composed of nnabla's own functions the same takes three times as
    long.
    """

    def __init__(self, fmt: Format) -> None:
        super().__init__()
        self._least, self._most = np.float32(fmt.minimum), np.float32(fmt.maximum)

    @property
    def name(self) -> str:
        """The values that nnabla shows."""
        return "LearnedQuantize"

    def min_outputs(self) -> int:
        """One."""
        return 1

    def grad_depends_output_data(self, i: int, o: int) -> bool:
        """The gradient is computed from inputs alone."""
        return False

    def grad_depends_input_data(self, i: int, j: int) -> bool:
        """Values and exponent are both needed."""
        return True

    def setup_impl(self, inputs: Any, outputs: Any) -> None:
        """The output has the values' shape."""
        outputs[0].reset_shape(inputs[0].shape, True)

    def forward_impl(self, inputs: Any, outputs: Any) -> None:
        """Round and saturate."""
        step = _step(inputs)
        integers = self._rounded(np.clip(inputs[0].data.data / step, self._least, self._most))
        np.multiply(integers, step, out=outputs[0].data.data)

    def backward_impl(self, inputs: Any, outputs: Any, propagate_down: Any, accum: Any) -> None:
        """Straight through in range; the exponent by the chain rule."""
        step, gradient = _step(inputs), outputs[0].grad.data
        quotients = inputs[0].data.data / step
        clipped = np.clip(quotients, self._least, self._most)
        inside = quotients == clipped
        if propagate_down[0]:
            _give(inputs[0], gradient * inside, accum[0])
        if propagate_down[1]:
            errors = self._rounded(clipped) - inside * quotients
            slope = np.float32(np.vdot(errors, gradient) * step * math.log(2))
            _give(inputs[1], np.full(inputs[1].shape, slope), accum[1])

    def _rounded(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """To the nearest integer, halves away from zero."""
        integers: NDArray[np.float32] = np.trunc(values + np.copysign(np.float32(0.5), values))
        return integers


def _step(inputs: Any) -> np.float32:
    return np.float32(2.0 ** np.rint(inputs[1].data.data.item()))


def _give(variable: Any, gradient: NDArray[np.float32], accumulate: bool) -> None:
    variable.grad.data = variable.grad.data + gradient if accumulate else gradient


def with_learned_steps(output: Any, graph: Graph) -> tuple[Any, dict[str, Any]]:
    """The graph with learned steps in its quantizers, and each exponent by its function's output.

    Inputs and biases keep their steps, and so does what joins: others depend on them. Activations of more than
    `FEW_BITS` bits do too: there is nothing to gain, and large arrays to go through.
    """
    formats: dict[str, Format] = {}
    bounds: set[str] = set()
    for op in graph.operators:
        if isinstance(op, FixedPointQuantize) and _learns(op, graph):
            formats[op.output] = op.format
        elif isinstance(op, Convolution | Affine | Deconvolution) and op.weight_grid is not None:
            formats |= dict.fromkeys((f"{op.output}/W_fixed", f"{op.output}/W_integers"), op.weight_grid.formats()[0])
            bounds |= {f"{op.output}/W_least", f"{op.output}/W_most"}
    steps: dict[str, Any] = {}

    def quantize(function: Function, inputs: list[Any]) -> list[Any] | None:
        name, kind = function.outputs[0].name, function.info.type_name
        if name in bounds:
            return inputs[:1]  # bounds would have to move with the step; the function below has its own
        if kind != "FixedPointQuantize" or name not in formats:
            return None
        start = np.full((1,), np.log2(function.info.args["delta"]), np.float32)
        exponent = nn.parameter.get_parameter_or_create(f"step{len(steps)}", (1,), start)
        steps[name] = exponent
        return [LearnedQuantize(formats[name])(inputs[0], exponent)]

    return rebuild(output, quantize), steps


def _learns(op: FixedPointQuantize, graph: Graph) -> bool:
    if op.format.width > FEW_BITS or op.output.endswith(".index"):
        return False
    return op.input not in graph.inputs and graph.producer(op.input) is not None
