"""The cost of a masked network, before it is rebuilt: multiplications, ROM bits, cycles of a frame.

Multiplications are exact. ROM bits are `report.sizes.expected_parameter_bits`; cycles are those of the
schedule's lanes, without what memories may cost and with a guess of what shared engines wait. The figures of a result
come from the real schedule; these here rank candidates.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...base.errors import FitError, UsageError
from ...hardware.schedule.folding import FoldRange
from ...hardware.schedule.lanes import BUBBLE, choose_lanes
from ...hardware.schedule.plans import Target
from ...model.graph import Affine, AveragePooling, Convolution, Deconvolution, MaxPooling, Operator, image_shape
from ..report.sizes import expected_parameter_bits
from .units import Mask, Units, is_depthwise


@dataclass(frozen=True)
class Cost:
    """The cost of one frame; `cycles` is None if no number of multipliers was given."""

    macs: int
    rom_bits: int
    cycles: int | None

    def within(self, budget: Budget) -> bool:
        """Whether every limit that is set holds."""
        pairs = ((self.macs, budget.macs), (self.rom_bits, budget.rom_bits), (self.cycles, budget.cycles))
        return all(limit is None or (value is not None and value <= limit) for value, limit in pairs)


@dataclass(frozen=True)
class Budget:
    """Limits; at least one is set. `multipliers` is the number with which the cycles are counted."""

    macs: int | None = None
    rom_bits: int | None = None
    cycles: int | None = None
    multipliers: int | None = None
    weight_bits: int = 8

    def __post_init__(self) -> None:
        limits = {"multiplications": self.macs, "ROM bits": self.rom_bits, "cycles": self.cycles}
        if not any(value is not None for value in limits.values()):
            raise UsageError("no budget is set; name multiplications, ROM bits or cycles")
        for name, value in limits.items():
            if value is not None and value < 1:
                raise UsageError(f"a budget of {value} {name}; at least 1 is needed")
        if self.cycles is not None and self.multipliers is None:
            raise UsageError("a budget of cycles needs the number of multipliers that they are taken at")


def cost_of(units: Units, keep: Mask, budget: Budget) -> Cost:
    """The cost of the network without the units that `keep` drops."""
    ranges = fold_ranges(units, keep)
    weights = sum(_weight_count(op, layer) for op, layer in ranges)
    outputs = sum(int(keep[units.labels[op.output]].sum()) // layer.windows for op, layer in ranges if layer.multiplies)
    layers = [layer for _, layer in ranges]
    cycles = None if budget.cycles is None else _cycles(units, layers, budget.multipliers)
    bits = expected_parameter_bits(weights, outputs, budget.weight_bits)
    return Cost(sum(layer.macs for layer in layers), bits, cycles)


def fold_ranges(units: Units, keep: Mask) -> list[tuple[Operator, FoldRange]]:
    """The layers that can be folded, as the schedule will see them once they have shrunk."""
    found: list[tuple[Operator, FoldRange]] = []
    for index, op in enumerate(units.graph.operators):
        _, rows, columns = image_shape(units.graph.shapes[op.output])
        outputs = int(keep[units.labels[op.output]].sum()) // (rows * columns)
        name = f"{index}"
        if isinstance(op, Convolution | Deconvolution):
            inputs = int(keep[units.channels(op.input)].sum())
            lanewise, groups = is_depthwise(op), inputs if is_depthwise(op) else op.groups
            for place, (windows, taps) in enumerate(_windows(op, rows, columns)):
                if lanewise and outputs == inputs:
                    layer = FoldRange(f"{name}.{place}", windows, taps, outputs, outputs, lanewise=True)
                else:
                    layer = FoldRange(f"{name}.{place}", windows, taps, inputs // groups, outputs // groups, groups)
                found.append((op, layer))
            continue
        if isinstance(op, Affine):
            features = int(keep[units.labels[op.input]].sum())
            layer = FoldRange(name, 1, 1, features, outputs)
        elif isinstance(op, MaxPooling | AveragePooling):
            taps = op.kernel[0] * op.kernel[1]
            layer = FoldRange(name, rows * columns, taps, outputs, outputs, lanewise=True, multiplies=False)
        else:
            continue
        found.append((op, layer))
    return found


def _windows(op: Convolution | Deconvolution, rows: int, columns: int) -> list[tuple[int, int]]:
    """Windows and taps of a layer, or of each phase of a transposed convolution, as the hardware has them.

    Of more than nine phases, or where one meets no tap, hardware computes all taps: more cycles than these come to.
    """
    if isinstance(op, Convolution):
        return [(rows * columns, op.weight.shape[2] * op.weight.shape[3])]
    pairs = itertools.product(op.phases(0, rows), op.phases(1, columns))
    return [(high * wide, down * across) for (high, down), (wide, across) in pairs if down * across]


def _weight_count(op: Operator, layer: FoldRange) -> int:
    return layer.macs // layer.windows


def _cycles(units: Units, layers: Sequence[FoldRange], multipliers: int | None) -> int | None:
    shapes = [units.graph.shapes[name] for name in (*units.graph.inputs, *units.graph.outputs)]
    least = max(math.prod(image_shape(shape)[1:]) for shape in shapes)
    try:
        return choose_lanes(layers, Target(multipliers=multipliers), least, BUBBLE).interval
    except FitError:
        return None


def parameter_count(units: Units, keep: Mask) -> int:
    """Weights that are left."""
    return int(np.sum([_weight_count(op, layer) for op, layer in fold_ranges(units, keep)]))
