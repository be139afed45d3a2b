"""The largest part of an ONNX model that is carried, and what is before and after it for the host.

A part is made by cuts alone: a layer that is refused leaves it with all that it feeds, or with all that feeds it. So
no path leaves a part and comes back. The search takes the part of most products first that is still possible
(best-first, with the products of what is left as the bound), so that the first one that is carried is the largest.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from ....base.errors import UnsupportedError
from .cut import captured, cut
from .file import read_model
from .known_shapes import with_known_shapes

MAX_TRIALS = 200
"""Parts that are tried before the search gives up."""

Layers: TypeAlias = int
"""A set of layers: bit i for the i-th that the data reach."""
Refusal: TypeAlias = Callable[[bytes, tuple[str, ...]], Mapping[str, str]]
"""From a part's file and its outputs, what is refused: layers, or an empty name, and the reasons."""


@dataclass(frozen=True)
class Part:
    """A part of a model as a file: its tensors, and the products of a frame in it."""

    model: bytes
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    layers: int
    products: int


@dataclass(frozen=True)
class Parts:
    """A model in up to three parts; `refused` holds the layers that ended the hardware's part, and why."""

    before: Part | None
    hardware: Part
    after: Part | None
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    refused: Mapping[str, str]

    @property
    def products(self) -> int:
        """Products of a frame in the whole model."""
        return sum(part.products for part in (self.before, self.hardware, self.after) if part is not None)

    @property
    def share(self) -> float:
        """The share of products in hardware."""
        return self.hardware.products / self.products if self.products else 0.0


class _Network:
    """The layers that the data reach, with their tensors, products and order."""

    def __init__(self, model: Any) -> None:
        self.model = model
        graph = model.graph
        values = {tensor.name for tensor in graph.initializer}
        self.sizes: dict[str, tuple[int, ...]] = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
        for value in (*graph.value_info, *graph.input, *graph.output):
            dims = value.type.tensor_type.shape.dim
            self.sizes.setdefault(value.name, tuple(dim.dim_value or 1 for dim in dims))
        self.inputs = tuple(value.name for value in graph.input if value.name not in values)
        self.outputs = tuple(value.name for value in graph.output)
        data = set(self.inputs)
        self.nodes: list[Any] = []
        self.reads: list[set[str]] = []
        for node in _sorted(graph):
            sources = {name for name in node.input if name} | captured(node)
            if sources & data:
                self.nodes.append(node)
                self.reads.append(sources & data)
                data |= {name for name in node.output if name}
        self.writer = {name: index for index, node in enumerate(self.nodes) for name in node.output if name}
        self.above: list[Layers] = []
        for reads in self.reads:
            writers = [self.writer[name] for name in reads if name in self.writer]
            self.above.append(_union(1 << writer | self.above[writer] for writer in writers))
        self.below: list[Layers] = [0] * len(self.nodes)
        for index in reversed(range(len(self.nodes))):
            for name in self.reads[index]:
                if name in self.writer:
                    self.below[self.writer[name]] |= 1 << index | self.below[index]
        ends = [self.writer[name] for name in self.outputs if name in self.writer]
        self.needed: Layers = _union((1 << end | self.above[end]) for end in ends)
        self.products = [_products(node, self.sizes) for node in self.nodes]

    def weigh(self, layers: Layers) -> int:
        """Products of a frame in a set of layers."""
        return sum(self.products[index] for index in _bits(layers))

    def part(self, layers: Layers) -> Part | None:
        """A set of layers as a file of its own; None for none."""
        if not layers:
            return None
        inside = list(_bits(layers))
        written = {name for index in inside for name in self.nodes[index].output if name}
        inputs = _ordered(name for index in inside for name in sorted(self.reads[index]) if name not in written)
        others = {name for index in _bits(self.needed & ~layers) for name in self.reads[index]}
        outputs = [name for name in self.outputs if name in written]
        outputs += [
            name for index in inside for name in self.nodes[index].output if name in others and name not in outputs
        ]
        model = bytes(cut(self.model, inputs, outputs).SerializeToString())
        return Part(model, tuple(inputs), tuple(outputs), len(inside), self.weigh(layers))


def find_parts(data: bytes, refusal: Refusal, progress: Callable[[str], None] = lambda text: None) -> Parts:
    """Split a model around the largest part that is carried.

    Parameters
    ----------
    data : bytes
        A model of `prepared`.
    refusal : callable
        What keeps a part from being carried; empty if nothing does.
    progress : callable
        Called with what is being tried.

    Raises
    ------
    UnsupportedError
        No part with a product is carried, or the search takes too many trials.
    """
    network = _Network(with_known_shapes(_named(read_model(data))))
    # Most products first, then most layers.
    queue = [_entry(network, network.needed)]
    seen = {network.needed}
    hopeless: dict[int, str] = {}
    reasons: dict[str, str] = {}
    trials = 0
    while queue and trials < MAX_TRIALS:
        _, _, layers = heapq.heappop(queue)
        culprit = next((index for index in _bits(layers) if index in hopeless), None)
        if culprit is None:
            trials += 1
            progress(f"trying {layers.bit_count()} of {len(network.nodes)} layers")
            part = network.part(layers)
            assert part is not None
            refused = _places(network, layers, refusal(part.model, part.outputs))
            if not refused:
                return _parts(network, *_trimmed(network, layers, part, refusal), reasons)
            if trials == 1:
                # Of the whole model, so that no composition was cut apart.
                hopeless = refused
            culprit, reason = next(iter(refused.items()))
            reasons.setdefault(network.nodes[culprit].name, reason)
        else:
            reasons.setdefault(network.nodes[culprit].name, hopeless[culprit])
        for rest in (
            layers & ~(1 << culprit) & ~network.below[culprit],
            layers & ~(1 << culprit) & ~network.above[culprit],
        ):
            if rest not in seen and network.weigh(rest):
                seen.add(rest)
                heapq.heappush(queue, _entry(network, rest))
    last = next(iter(reasons.values()), "it has no layer with weights")
    raise UnsupportedError(
        f"no part with multiplications is carried, of {trials} that were tried; build the model of layers"
        f" that are (docs/operators.md). The last: {last}"
    )


def _trimmed(network: _Network, layers: Layers, part: Part, refusal: Refusal) -> tuple[Layers, Part]:
    """The part without what follows its last products, where fewer tensors leave it then."""
    working = [index for index in _bits(layers) if network.products[index]]
    kept = layers & _union(1 << index | network.above[index] for index in working)
    shorter = network.part(kept)
    if shorter is None or len(shorter.outputs) >= len(part.outputs) or refusal(shorter.model, shorter.outputs):
        return layers, part
    return kept, shorter


def _entry(network: _Network, layers: Layers) -> tuple[int, int, Layers]:
    return -network.weigh(layers), -layers.bit_count(), layers


def _parts(network: _Network, layers: Layers, hardware: Part, reasons: Mapping[str, str]) -> Parts:
    above = _union(network.above[index] for index in _bits(layers)) & ~layers
    rest = network.needed & ~layers & ~above
    before = network.part(above)
    return Parts(before, hardware, network.part(rest), network.inputs, network.outputs, dict(reasons))


def _places(network: _Network, layers: Layers, refused: Mapping[str, str]) -> dict[int, str]:
    """The refused layers by number, first ones first; a tensor stands for the layers that read it."""
    inside = list(_bits(layers))
    names = {network.nodes[index].name: index for index in inside}
    found: dict[int, str] = {}
    for place, reason in refused.items():
        if place in names:
            found[names[place]] = reason
            continue
        # Only the message tells: the longest name of a layer, or a tensor, in it.
        named = [name for name in names if name and (f"'{name}'" in reason or f"'{name}." in reason)]
        readers = [index for index in inside if any(f"'{name}'" in reason for name in network.reads[index])]
        writers = [index for index in inside if any(f"'{name}'" in reason for name in network.nodes[index].output)]
        if named:
            found[names[max(named, key=len)]] = reason
        else:
            found[(readers or writers or inside[-1:])[0]] = reason
    return dict(sorted(found.items()))


def _named(model: Any) -> Any:
    """The model with a name of its own for each node, as messages show them."""
    taken: set[str] = set()
    for index, node in enumerate(model.graph.node):
        base = name = node.name or f"{node.op_type}_{index}"
        while name in taken:
            name = f"{base}.{index}"
            base = name
        taken.add(name)
        node.name = name
    return model


def _sorted(graph: Any) -> list[Any]:
    """The nodes, each after those that it reads; a file may have them in another order."""
    have = {tensor.name for tensor in graph.initializer} | {value.name for value in graph.input}
    waiting, ordered = list(graph.node), []
    while waiting:
        later = []
        for node in waiting:
            if {name for name in node.input if name} <= have:
                ordered.append(node)
                have |= set(node.output)
            else:
                later.append(node)
        if len(later) == len(waiting):
            break
        waiting = later
    return ordered


def _products(node: Any, sizes: Mapping[str, tuple[int, ...]]) -> int:
    """Products of a frame in a node, from the shapes of its tensors with the batch in front."""
    first, second = (sizes.get(name, ()) for name in (*node.input, "", "")[:2])
    output = sizes.get(node.output[0], ())
    if node.op_type == "Conv":
        return math.prod(second) * math.prod(output[2:])
    if node.op_type == "ConvTranspose":
        return math.prod(second) * math.prod(first[2:])
    if node.op_type == "Gemm":
        return math.prod(second)
    if node.op_type == "MatMul" and first:
        return math.prod(output[1:]) * first[-1]
    if node.op_type in ("LSTM", "GRU", "RNN") and first:
        recurrent = sizes.get(node.input[2], ())
        return first[0] * (math.prod(second) + math.prod(recurrent))
    if node.op_type in ("LinearClassifier", "LinearRegressor"):
        return sum(len(attribute.floats) for attribute in node.attribute if attribute.name == "coefficients")
    return 0


def _bits(layers: Layers) -> Iterator[int]:
    while layers:
        low = layers & -layers
        yield low.bit_length() - 1
        layers ^= low


def _union(sets: Iterable[Layers]) -> Layers:
    result = 0
    for layers in sets:
        result |= layers
    return result


def _ordered(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))
