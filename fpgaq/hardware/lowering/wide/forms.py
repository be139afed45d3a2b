"""From a network and the pixels of a beat at its ports to the forms of it that can be built.

Layers take wide pixels as far as they can; from some layer on beats carry one pixel. Which layer that is tells the
forms apart.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields, replace
from itertools import product

import numpy as np

from ....base.errors import UsageError
from ....integer.graph import (
    ImageShape,
    IntegerAdd,
    IntegerAffine,
    IntegerArray,
    IntegerConvolution,
    IntegerGraph,
    IntegerMaxPooling,
    IntegerMultiply,
    IntegerOperator,
    IntegerPad,
    IntegerRelu,
    IntegerReshape,
    IntegerSlice,
    IntegerTable,
    Tensor,
)
from .convolution import widen_convolution
from .graph import Gather, LaneMaximum, WideGraph, wide_shape

ELEMENTWISE = (IntegerRelu, IntegerTable, IntegerAdd, IntegerMultiply)
"""Operators that do the same to every element, whatever pixel it is of."""

MOST_INNER = 2
"""Divisors of the pixels of a beat that are tried after them."""

MOST_FORMS = 6
"""Layers after which beats may become narrow, counted from the input, that are tried."""


def check_pixels(graph: IntegerGraph, pixels: int, output_pixels: int) -> None:
    """Raise UsageError for pixels that a frame at a port does not have."""
    for option, count, names in (("pixels", pixels, graph.inputs), ("output-pixels", output_pixels, graph.outputs)):
        for name in names:
            height, width, _ = graph.tensors[name].shape
            if not 1 <= count <= height * width:
                raise UsageError(
                    f"--{option} {count}: a frame of {graph.tensors[name].label or name!r} has {height * width}"
                    f" pixel{'s' if height * width > 1 else ''}; give 1 to {height * width}"
                )


def wide_forms(graph: IntegerGraph, pixels: int, output_pixels: int, fused: bool) -> Iterator[WideGraph]:
    """The forms of a lowered network, each narrow from another layer on; those with the widest layers come last.

    Where they are `fused`, convolutions take maxima that follow them into themselves.

    Raises
    ------
    UsageError
        Pixels that a frame does not have.
    """
    check_pixels(graph, pixels, output_pixels)
    seen = set()
    windows = [op.name for op in graph.operators if isinstance(op, IntegerConvolution | IntegerAffine)]
    depths = range(min(len(windows), MOST_FORMS) + 1)
    for inner, depth, repeat in product(_inner_pixels(graph, pixels), depths, (False, True)):
        last = windows[depth - 1] if repeat and depth else ""
        builder = _Builder(graph, frozenset(windows[:depth]), last, inner, fused=fused)
        form = builder.build(pixels, output_pixels)
        # A layer that takes no wide pixels is narrow whatever is wished.
        kind = (builder.taken, inner if builder.taken else 0)
        if kind not in seen:
            seen.add(kind)
            yield form


def _inner_pixels(graph: IntegerGraph, pixels: int) -> list[int]:
    """Pixels a beat that layers may take where the ports carry `pixels`: these, or divisors that fit rows."""
    shapes = [graph.tensors[name].shape for name in graph.inputs]

    def fits(count: int) -> bool:
        return all(width % count == 0 or count % width == 0 for _, width, _ in shapes) and all(
            height * width % count == 0 for height, width, _ in shapes
        )

    divisors = [count for count in range(pixels - 1, 1, -1) if pixels % count == 0 and fits(count)]
    return [pixels, *divisors[:MOST_INNER]]


@dataclass
class _Builder:
    """A form while it is made.

    `wide` are the layers with weights that may take wide pixels, `repeat` one of them by groups. `taken` are those that
    do, and whether by groups; `outputs` are the pixels that a beat of each output is to carry. What reads an input
    takes `inner` pixels a beat, of the tensor that stands for it in `inside`.
    """

    graph: IntegerGraph
    wide: frozenset[str]
    repeat: str
    inner: int
    inside: dict[str, str] = field(default_factory=dict)
    tensors: dict[str, Tensor] = field(default_factory=dict)
    operators: list[IntegerOperator] = field(default_factory=list)
    pixels: dict[str, int] = field(default_factory=dict)
    repeated: list[str] = field(default_factory=list)
    taken: tuple[tuple[str, bool], ...] = ()
    outputs: dict[str, int] = field(default_factory=dict)
    fused: bool = False
    maxima: dict[str, tuple[tuple[int, ...], ...]] = field(default_factory=dict)

    def build(self, pixels: int, output_pixels: int) -> WideGraph:
        """The form with so many pixels a beat at each input and output."""
        graph = self.graph
        for name in graph.inputs:
            self._add_tensor(name, pixels)
            if self.inner != pixels:
                self.inside[name] = f"{name}.inner"
                self.pixels[self.inside[name]] = self.inner
        self.outputs = {name: output_pixels for name in graph.outputs}
        for op in graph.operators:
            self._add(op)
        known = {each.name: getattr(graph, each.name) for each in fields(IntegerGraph)}
        known |= {"tensors": self.tensors, "operators": tuple(self.operators)}
        return WideGraph(
            **known, plain=graph, pixels=dict(self.pixels), repeated=tuple(self.repeated), maxima=self.maxima
        )

    def _add_tensor(self, name: str, pixels: int) -> None:
        tensor = self.graph.tensors[name]
        self.tensors[name] = replace(tensor, shape=wide_shape(tensor.shape, pixels))
        if pixels > 1:
            self.pixels[name] = pixels

    def _add(self, op: IntegerOperator) -> None:
        """Add an operator, wide if it can be, and what changes the pixels of its beats."""
        counts = {self.pixels.get(self.inside.get(name, name), 1) for name in op.inputs}
        count = counts.pop() if len(counts) == 1 else 1
        made = self._widened(op, count) if count > 1 else None
        if made is None:
            made = [replace(op, inputs=tuple(self._narrow(name) for name in op.inputs))], 1
        elif self.inner != self.pixels.get(op.input, 1):
            first, *others = made[0]
            made = [replace(first, inputs=tuple(self._inside(name) for name in first.inputs)), *others], made[1]
        operators, pixels = self._fuse(made[0]), made[1]
        wanted = self.outputs.get(op.output)
        last = operators[-1]
        tensor = self.graph.tensors[op.output]
        if wanted is None or (wanted == pixels == 1):
            self.operators += operators
            self._add_tensor(op.output, pixels)
            return
        # An output has as many pixels a beat as were asked for, whatever the layer makes.
        own = f"{op.output}.made"
        self.tensors[own] = replace(tensor, name=own, label="", shape=wide_shape(tensor.shape, pixels))
        if pixels > 1:
            self.pixels[own] = pixels
        self.operators += [*operators[:-1], replace(last, output=own)]
        self._convert(own, op.output, pixels, wanted)

    def _inside(self, name: str) -> str:
        """What stands for a tensor after the input: of an input the tensor with `inner` pixels a beat."""
        inside = self.inside.get(name)
        if inside is not None and inside not in self._written():
            self._narrow_to(name, inside, name, self.inner)
        return inside or name

    def _written(self) -> set[str]:
        """The tensors that are written so far."""
        return {op.output for op in self.operators}

    def _fuse(self, operators: list[IntegerOperator]) -> list[IntegerOperator]:
        """A maximum right after a convolution that nobody else reads becomes a part of it."""
        first, *others = operators
        if not self.fused or not self.operators or not isinstance(first, LaneMaximum):
            return operators
        before = self.operators[-1]
        readers = sum(first.input in op.inputs for op in self.graph.operators)
        alone = readers == 1 and first.input not in self.graph.outputs
        if not isinstance(before, IntegerConvolution) or before.output != first.input or not alone or before.groups > 1:
            return operators
        self.operators.pop()
        del self.tensors[before.output], self.pixels[before.output]
        self.maxima[before.name] = first.taps
        return [replace(before, output=first.output), *others]

    def _convert(self, source: str, result: str, given: int, wanted: int) -> None:
        """Bring an output from so many pixels a beat to the wished ones."""
        if given > 1 and given != wanted:
            source = self._narrow_to(source, f"{result}.pixels", result)
        if wanted == 1:
            self.operators[-1] = replace(self.operators[-1], output=result)
            del self.tensors[source]
        else:
            if given != wanted:
                source = self._filled(source, result, wanted)
            self.operators.append(Gather(f"{result}.gather", (source,), result, 1 if given == wanted else wanted))
        self._add_tensor(result, wanted)

    def _filled(self, source: str, result: str, pixels: int) -> str:
        """An output whose pixels are a multiple of those of a beat: the rest of the last one is zero."""
        height, width, channels = self.graph.tensors[result].shape
        missing = -height * width % pixels
        if not missing:
            return source
        row = self._reshaped(source, f"{result}.row", result, (height * width, 1, channels))
        filled = f"{result}.filled"
        shape = (height * width + missing, 1, channels)
        self.tensors[filled] = replace(self.graph.tensors[result], name=filled, label="", shape=shape)
        self.operators.append(IntegerPad(f"{filled}.pad", (row,), filled, (0, missing, 0, 0), "constant", 0))
        return filled

    def _reshaped(self, source: str, target: str, like: str, shape: ImageShape) -> str:
        """The tensor `source` in another shape, of the format of `like`."""
        if self.tensors[source].shape == shape:
            return source
        self.tensors[target] = replace(self.graph.tensors[like], name=target, label="", shape=shape)
        self.operators.append(IntegerReshape(f"{target}.reshape", (source,), target))
        return target

    def _narrow(self, name: str) -> str:
        """The tensor with one pixel a beat, made where it is not there yet."""
        if self.pixels.get(name, 1) == 1:
            return name
        narrow = f"{name}.pixels"
        return narrow if narrow in self.tensors else self._narrow_to(name, narrow, name)

    def _narrow_to(self, name: str, narrow: str, plain: str, wanted: int = 1) -> str:
        """The tensor `narrow` of `wanted` pixels a beat, a divisor of those of `name`; both hold what `plain` does."""
        height, width, channels = self.graph.tensors[plain].shape
        surplus = -height * width % self.pixels[name]
        if surplus:
            # The last beat is partial: what it has too much is left out.
            shape = ((height * width + surplus) // wanted, 1, wanted * channels)
            row = self._reshaped(name, f"{narrow}.row", plain, shape)
            name = f"{narrow}.kept"
            kept = (height * width // wanted, 1, wanted * channels)
            if kept == wide_shape((height, width, channels), wanted):
                name = narrow
            self.tensors[name] = replace(self.graph.tensors[plain], name=name, label="", shape=kept)
            self.operators.append(IntegerSlice(f"{name}.slice", (row,), name, (0, 0, 0)))
            if name == narrow:
                return narrow
        return self._reshaped(name, narrow, plain, wide_shape((height, width, channels), wanted))

    def _widened(self, op: IntegerOperator, pixels: int) -> tuple[list[IntegerOperator], int] | None:
        """The operators that take so many pixels a beat in place of one, and the pixels of a beat of their result."""
        source, target = self.graph.tensors[op.input], self.graph.tensors[op.output]
        whole = source.shape[0] * source.shape[1] % pixels == 0
        if isinstance(op, IntegerAffine) and op.name in self.wide:
            self.taken += ((op.name, False),)
            return [_widen_affine(op, source, pixels)], 1
        if isinstance(op, IntegerConvolution) and op.name in self.wide:
            found = widen_convolution(op, source.shape, target.shape, pixels, op.name == self.repeat)
            if found is None or (target.shape[0] * target.shape[1]) % found.pixels:
                return None
            self.taken += ((op.name, found.repeated),)
            if found.repeated:
                self.repeated.append(op.name)
            return [found.op], found.pixels
        if isinstance(op, ELEMENTWISE) and whole:
            return [op], pixels
        if isinstance(op, IntegerMaxPooling) and whole:
            return self._widen_pooling(op, source, target, pixels)
        return None

    def _widen_pooling(
        self, op: IntegerMaxPooling, source: Tensor, target: Tensor, pixels: int
    ) -> tuple[list[IntegerOperator], int] | None:
        """A pooling of windows that touch, but do not overlap: over rows by a line buffer, the rest in a wide pixel."""
        if op.kernel != op.stride or any(op.padding):
            return None
        (height, width, channels), (rows, columns) = source.shape, target.shape[:2]
        down, across = op.kernel
        if width % pixels == 0:
            if columns * across != width or pixels % across:
                return None
            return self._over_columns(op, source, target, pixels)
        together = pixels // width
        if pixels % width or together % down or rows * down != height or height % together:
            return None
        made = together // down
        grid = np.arange(pixels * channels).reshape(made, down, width, channels)[:, :, : columns * across]
        grid = grid.reshape(made, down, columns, across, channels).transpose(0, 2, 4, 1, 3)
        return [_maximum(op, op.input, op.output, grid.reshape(-1, down * across))], made * columns

    def _over_columns(
        self, op: IntegerMaxPooling, source: Tensor, target: Tensor, pixels: int
    ) -> tuple[list[IntegerOperator], int]:
        down, across = op.kernel
        name = op.input
        operators: list[IntegerOperator] = []
        if down > 1:
            rows = replace(op, kernel=(down, 1), stride=(down, 1))
            if across == 1:
                return [rows], pixels
            shape = wide_shape((target.shape[0], *source.shape[1:]), pixels)
            name = f"{op.output}.rows"
            self.tensors[name] = replace(target, name=name, label="", shape=shape)
            operators.append(replace(rows, name=f"{op.name}.rows", output=name))
        channels = source.shape[2]
        grid = np.arange(pixels * channels).reshape(pixels // across, across, channels).transpose(0, 2, 1)
        operators.append(_maximum(op, name, op.output, grid.reshape(-1, across)))
        return operators, pixels // across


def _maximum(op: IntegerMaxPooling, source: str, target: str, grid: IntegerArray) -> LaneMaximum:
    return LaneMaximum(op.name, (source,), target, tuple(tuple(int(lane) for lane in taps) for taps in grid))


def _widen_affine(op: IntegerAffine, source: Tensor, pixels: int) -> IntegerAffine:
    """The same weights, zeros for what the last beat has too much."""
    height, width, channels = wide_shape(source.shape, pixels)
    missing = height * width * channels - op.weight.shape[1]
    return replace(op, weight=np.pad(op.weight, ((0, 0), (0, missing))))
