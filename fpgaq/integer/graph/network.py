"""An integer network: its tensors, operators, and what stands around them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...base.errors import UsageError
from ...base.results import html_table
from ...base.text import printable, shape_text
from .host import HostSoftmax, InputTransform
from .operators import IntegerOperator
from .tensors import IntegerArray, Tensor


@dataclass(frozen=True, eq=False)
class IntegerGraph:
    """An integer network.

    Parameters
    ----------
    name : str
        The model's name.
    inputs, outputs : tuple of str
        Tensor names.
    tensors : mapping of str to Tensor
    operators : tuple of IntegerOperator
        In topological order.
    transforms : mapping of str to InputTransform
        For each input.
    output_shapes : mapping of str to tuple of int
        The model's own shape of each output, batch left out.
    samples : mapping of str to array
        A few calibration samples of each input as integers, (frames, height, width, channels).
    classifier : bool
        The output is logits whose argmax (lowest index on ties) is the answer.
    estimate_only : bool
        The network was quantized without data: sizes and cycles are those of the real one, values mean nothing.
    channels_last : bool
        Outputs in the model's own shape have the stream's order of elements, as in TensorFlow Lite.
    host_outputs : mapping of str to HostSoftmax
        Outputs whose last function the host computes from the integers that the network gives.
    options : mapping
        How it was quantized, as plain JSON values: `options` (those that were used), `chosen` (what was changed by
        measurement, in words) and `measured`. Empty where nobody told. The integers do not depend on it.
    """

    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    tensors: Mapping[str, Tensor]
    operators: tuple[IntegerOperator, ...]
    transforms: Mapping[str, InputTransform]
    output_shapes: Mapping[str, tuple[int, ...]]
    samples: Mapping[str, IntegerArray]
    classifier: bool
    channels_last: bool = False
    host_outputs: Mapping[str, HostSoftmax] = field(default_factory=dict)
    estimate_only: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)

    def run(self, data: ArrayLike | Mapping[str, ArrayLike]) -> dict[str, tuple[IntegerArray, NDArray[np.float64]]]:
        """Compute the network exactly.

        Parameters
        ----------
        data : array or mapping of str to array
            (frames, *model shape) in the model's own units, by input name or for the only input.

        Returns
        -------
        dict of str to (array of int64, array of float64)
            For each output its integers, and the real values that they stand for, in the model's own shape.

        Raises
        ------
        ModelError
            Data that do not fit the network's inputs.
        """
        from ..host_functions import model_outputs
        from ..inputs import transform_data
        from ..reference import run

        if not isinstance(data, Mapping):
            if len(self.inputs) != 1:
                raise UsageError(
                    f"one array for a network with inputs {list(self.inputs)}; give a mapping of name to array"
                )
            data = {self.inputs[0]: data}
        return model_outputs(self, run(self, transform_data(self, data)))

    def __call__(
        self, data: ArrayLike | Mapping[str, ArrayLike]
    ) -> NDArray[np.float64] | dict[str, NDArray[np.float64]]:
        """The real values of `run`: an array, or a dict by name for several outputs."""
        real = {name: values for name, (_, values) in self.run(data).items()}
        return real if len(real) > 1 else next(iter(real.values()))

    def __repr__(self) -> str:
        """One line: a whole network would fill pages with weights."""
        return f"<IntegerGraph: {printable(self.headline())}>"

    def _repr_html_(self) -> str:
        """The table of layers that a notebook shows."""
        rows = []
        for op in self.operators:
            tensor, weights = self.tensors[op.output], getattr(op, "weight_format", None)
            rows.append(
                {
                    "layer": op.name,
                    "operator": type(op).__name__.removeprefix("Integer"),
                    "output": shape_text(tensor.shape),
                    "weights": weights.describe() if weights else None,
                    "format": tensor.format.describe(),
                    "accumulator": getattr(op, "accumulator_width", None),
                }
            )
        return html_table(self.headline(), rows)

    def headline(self) -> str:
        """Name, inputs, outputs and number of operators."""
        inputs, outputs = (
            ", ".join(
                f"{name} {shape_text(self.tensors[name].shape)} {self.tensors[name].format.describe()}"
                for name in names
            )
            for names in (self.inputs, self.outputs)
        )
        return f"{self.name}, {inputs} -> {outputs}, {len(self.operators)} integer operators"
