"""A whole network in HLS C++: its streams, the ways between them, and its files."""

from __future__ import annotations

from dataclasses import dataclass

from ...integer_check.carried import check_carried
from ...integer_file import digest
from ...integer_graph import IntegerGraph
from .. import names
from ..render import render, static_text
from ..top import port_names, stream_names
from .layer import Layer
from .layers import layer_text
from .text import LayerText, StreamText, element_type
from .wiring import Way, Wiring

HEADERS = (
    "fpgaq_ap_int.h",
    "fpgaq_hls_stream.h",
    "fpgaq_types.h",
    "fpgaq_axis.h",
    "fpgaq_requantize.h",
    "fpgaq_window.h",
    "fpgaq_product.h",
    "fpgaq_pooling.h",
    "fpgaq_elements.h",
    "fpgaq_movement.h",
)
"""The static library, in the order in which its headers build on one another."""


@dataclass(frozen=True)
class Port:
    """A port of the top function: a tensor's elements, each in whole bytes."""

    variable: str
    kind: str
    element: str
    stream: StreamText


@dataclass(frozen=True)
class Network:
    """What the templates place."""

    top: str
    label: str
    digest: str
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    streams: tuple[StreamText, ...]
    calls: tuple[str, ...]
    layers: tuple[tuple[str, LayerText], ...]

    @property
    def ports(self) -> tuple[Port, ...]:
        """Inputs, then outputs."""
        return (*self.inputs, *self.outputs)


def describe(graph: IntegerGraph, wiring: Wiring, top: str | None = None) -> Network:
    """Everything that the text of a network is made of.

    Parameters
    ----------
    graph : IntegerGraph
    wiring : Wiring
        Lanes and ways.
    top : str, optional
        Name of the top function; by default made of the network's.
    """
    check_carried(graph)
    builder = _Builder(graph, wiring)
    inputs = [
        builder.port(name, variable, builder.tensor_stream(name))
        for name, variable in zip(graph.inputs, port_names("s_axis", len(graph.inputs)), strict=True)
    ]
    for name in graph.inputs:
        builder.lead(name)
    layers = []
    for index, op in enumerate(graph.operators):
        sources = tuple(builder.ends[(index, slot)].variable for slot in range(len(op.inputs)))
        sink = builder.tensor_stream(op.output)
        layer = Layer(index, names.comment(op.name), graph.tensors, wiring.folds[index], sources, sink.variable)
        text = layer_text(layer, op)
        builder.streams += text.streams
        builder.calls += text.calls
        layers.append((f"{layer.label}: {type(op).__name__.removeprefix('Integer').lower()}", text))
        builder.lead(op.output)
    outputs = [
        builder.port(name, variable, builder.ends[(None, slot)])
        for slot, (name, variable) in enumerate(
            zip(graph.outputs, port_names("m_axis", len(graph.outputs)), strict=True)
        )
    ]
    return Network(
        top=top or f"network_{names.slug(graph.name)}",
        label=names.comment(graph.name),
        digest=digest(graph),
        inputs=tuple(inputs),
        outputs=tuple(outputs),
        streams=tuple(builder.streams),
        calls=tuple(builder.calls),
        layers=tuple(layers),
    )


class _Builder:
    """Streams as they are declared, and where each reader finds its input."""

    def __init__(self, graph: IntegerGraph, wiring: Wiring) -> None:
        self.graph = graph
        self.wiring = wiring
        self.variables = stream_names(graph)
        self.producers = {op.output: op.name for op in graph.operators}
        self.streams: list[StreamText] = []
        self.calls: list[str] = []
        self.ends: dict[tuple[int | None, int], StreamText] = {}

    def tensor_stream(self, name: str) -> StreamText:
        """The stream that a tensor's producer writes."""
        stream = self._stream(name, self.variables[name], self.wiring.lanes[name], "")
        self.streams.append(stream)
        return stream

    def lead(self, name: str) -> None:
        """Lead a tensor to its readers: through a fork if there are several, through serializers where needed."""
        main = next(stream for stream in self.streams if stream.variable == self.variables[name])
        ways = [way for way in self.wiring.ways if way.tensor == name]
        copies = [main] if len(ways) == 1 else [self._copy(main, name, place) for place in range(len(ways))]
        if not ways:
            self.calls.append(f"fpgaq::drain({main.variable});")
        elif len(ways) > 1:
            self.calls.append(f"fpgaq::fork({', '.join(stream.variable for stream in (main, *copies))});")
        for way, stream in zip(ways, copies, strict=True):
            self.ends[(way.reader, way.slot)] = self._widened(self._narrowed(stream, way), way)

    def _copy(self, main: StreamText, name: str, place: int) -> StreamText:
        # A whole frame fits, so that no branch can hold up another for ever.
        beats = main.shape[0] * main.shape[1] * -(-main.shape[2] // main.lanes)
        copy = self._stream(name, f"{main.variable}_{place}", main.lanes, f", for reader {place}", max(beats, 2))
        self.streams.append(copy)
        return copy

    def _narrowed(self, stream: StreamText, way: Way) -> StreamText:
        if way.lanes == stream.lanes:
            return stream
        narrow = self._stream(way.tensor, f"{stream.variable}_narrow", way.lanes, ", in narrower beats")
        self.streams.append(narrow)
        self.calls.append(f"fpgaq::serialize({stream.variable}, {narrow.variable});")
        return narrow

    def _widened(self, stream: StreamText, way: Way) -> StreamText:
        lanes = way.lanes if way.reader is None else self.wiring.folds[way.reader].lanes_in
        if lanes <= way.lanes:
            return stream
        wide = self._stream(way.tensor, f"{stream.variable}_wide", lanes, ", in wider beats")
        self.streams.append(wide)
        self.calls.append(f"fpgaq::widen({stream.variable}, {wide.variable});")
        return wide

    def _stream(self, name: str, variable: str, lanes: int, remark: str, depth: int = 2) -> StreamText:
        tensor = self.graph.tensors[name]
        comment = f"{names.comment(self.producers.get(name, 'input'))}: {tensor.format.describe()}{remark}"
        return StreamText(variable, variable.upper(), element_type(tensor.format), tensor.shape, lanes, comment, depth)

    def port(self, name: str, variable: str, stream: StreamText) -> Port:
        """A port beside the stream that it feeds or drains."""
        fmt = self.graph.tensors[name].format
        slot = -(-fmt.width // 8) * 8
        element = f"ap_{'int' if fmt.signed else 'uint'}<{slot}>"
        return Port(variable, variable.title().replace("_", ""), element, stream)


def sources(network: Network) -> dict[str, str]:
    """The kernel: ``network.cpp``, ``network.h``, ``weights.h`` and the static headers."""
    facts = {"network": network}
    return {
        **{name: static_text(f"hls/{name}") for name in HEADERS},
        **{name: render(f"hls/{name}.j2", facts) for name in ("network.h", "weights.h", "network.cpp")},
    }
