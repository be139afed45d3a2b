"""The top module: ports, streams, and how the layers are joined."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ...integer.graph import IntegerGraph
from ..lowering.wide import WideGraph, plain_form
from ..schedule.plans import PipePlan
from ..schedule.schedule import Edge, Schedule
from . import names
from .design import Instance, Module
from .literals import index_width
from .ports import Port, Stream


@dataclass(frozen=True)
class LayerInstance:
    """One module in the top: the layer of an operator, or a serializer before one (`operator` is its index then).

    `ports` are the prefixes of its input ports; `loaded` tells whether it has memories that are loaded.
    """

    module: str
    instance: str
    operator: int
    ports: tuple[str, ...]
    edge: Edge | None = None
    loaded: bool = False


@dataclass(frozen=True)
class EngineInstance:
    """An engine in the top and the indices of the operators that it serves, in the order of its ports."""

    module: str
    instance: str
    operators: tuple[int, ...]


@dataclass(frozen=True)
class Connection:
    """A port of an instance, by its prefix, and the stream that it is joined to."""

    port: str
    stream: str


@dataclass(frozen=True)
class JoinedPort:
    """A port of the top module, the format of its elements, the stream inside, and the cell between them."""

    port: Port
    format: str
    stream: str
    cell: Instance


@dataclass(frozen=True)
class Net:
    """A stream as the template declares it."""

    name: str
    bits: int
    comment: str


@dataclass(frozen=True)
class Queue:
    """One way of a fork: the stream `name` of `bits` a beat that the queue gives."""

    name: str
    bits: int
    cell: Instance


@dataclass(frozen=True)
class Fork:
    """A stream that several readers take, each from a queue of its own."""

    stream: str
    queues: tuple[Queue, ...]


@dataclass(frozen=True)
class Joined:
    """A layer or an engine with its streams; `bits` of a beat if its result is declared with it, else 0.

    Memories that are loaded wait for `turn`; `full` says that those of this instance are.
    """

    instance: Instance
    sources: tuple[Connection, ...]
    results: tuple[Connection, ...]
    bits: int
    turn: str = ""
    full: str = ""


@dataclass(frozen=True)
class TopFacts:
    """Everything that ``top.v.j2`` places."""

    label: str
    inputs: tuple[JoinedPort, ...]
    outputs: tuple[JoinedPort, ...]
    streams: tuple[Net, ...]
    forks: tuple[Fork, ...]
    layers: tuple[Joined, ...]
    multipliers: int
    interval: int | None
    latency: int
    loadable: bool = False
    all_full: str = ""


def port_names(prefix: str, count: int) -> list[str]:
    """The names of the ports of one direction: numbered where there are several."""
    return [prefix] if count == 1 else [f"{prefix}_{index}" for index in range(count)]


def stream_names(graph: IntegerGraph) -> dict[str, str]:
    """The net prefix of each tensor's stream: inputs first, then operator outputs."""
    order = [*graph.inputs, *(op.output for op in graph.operators)]
    return {tensor: f"s{index}" for index, tensor in enumerate(order)}


def top_name(graph: IntegerGraph) -> str:
    """The name of the top module."""
    return f"network_{names.slug(graph.name)}"


def streams_of(graph: IntegerGraph, lanes: Mapping[str, int]) -> tuple[Stream, ...]:
    """The streams inside the top module: the inputs, then each operator's output; `lanes` are those of the tensors."""
    layers = {op.output: op.name for op in graph.operators}
    return tuple(
        Stream(
            name=name,
            layer=layers.get(tensor, "input"),
            tensor=tensor,
            lanes=lanes[tensor],
            width=graph.tensors[tensor].format.width,
            signed=graph.tensors[tensor].format.signed,
            shape=graph.tensors[tensor].shape,
        )
        for tensor, name in stream_names(graph).items()
    )


def ports_of(graph: IntegerGraph, lanes: Mapping[str, int]) -> tuple[tuple[Port, ...], tuple[Port, ...]]:
    """The ports of the top module: inputs, and outputs; each shows the shape of its frames, however wide its beats."""
    pixels = graph.pixels if isinstance(graph, WideGraph) else {}
    inputs, outputs = (
        tuple(replace(port, pixels=pixels.get(port.tensor, 1)) for port in side)
        for side in _all_ports(plain_form(graph), lanes)
    )
    return inputs, outputs


def _all_ports(graph: IntegerGraph, lanes: Mapping[str, int]) -> tuple[tuple[Port, ...], tuple[Port, ...]]:
    inputs = zip(graph.inputs, port_names("s_axis", len(graph.inputs)), strict=True)
    outputs = zip(graph.outputs, port_names("m_axis", len(graph.outputs)), strict=True)
    return (
        tuple(_port(graph, tensor, port, lanes[tensor], is_input=True) for tensor, port in inputs),
        tuple(_port(graph, tensor, port, lanes[tensor], is_input=False) for tensor, port in outputs),
    )


def _port(graph: IntegerGraph, name: str, port: str, lanes: int, *, is_input: bool) -> Port:
    tensor = graph.tensors[name]
    transform = graph.transforms[name] if is_input else None
    return Port(
        name=tensor.label or name,
        tensor=name,
        port=port,
        shape=tensor.shape,
        lanes=lanes,
        width=tensor.format.width,
        frac=tensor.format.frac,
        signed=tensor.format.signed,
        model_shape=transform.model_shape if transform else graph.output_shapes[name],
        transform=transform,
        channels_last=graph.channels_last and not is_input,
        host=None if is_input else graph.host_outputs.get(name),
        step=tensor.step,
        zero_point=tensor.zero_point,
        offset=tensor.offset,
    )


def _format(graph: IntegerGraph, port: Port) -> str:
    return graph.tensors[port.tensor].format.describe()


def source_cell(port: Port, name: str) -> Instance:
    """The cell that takes beats from an input port."""
    parameters = {
        "LANES": port.lanes,
        "ELEMENT_WIDTH": port.width,
        "SLOT_WIDTH": port.slot_bits,
        "FRAME_BEATS": port.beats_per_frame,
        "COUNT_WIDTH": index_width(port.beats_per_frame),
    }
    return Instance("fpgaq_source", name, parameters)


def sink_cell(port: Port, name: str) -> Instance:
    """The cell that gives beats to an output port."""
    parameters = {
        "LANES": port.lanes,
        "ELEMENT_WIDTH": port.width,
        "ELEMENT_SIGNED": int(port.signed),
        "SLOT_WIDTH": port.slot_bits,
        "FRAME_BEATS": port.beats_per_frame,
        "COUNT_WIDTH": index_width(port.beats_per_frame),
    }
    return Instance("fpgaq_sink", name, parameters)


def serializers(schedule: Schedule) -> list[tuple[int, Edge, PipePlan]]:
    """The edges with a serializer: a number for each, the edge, and the serializer's plan."""
    found = [(edge, edge.serializer) for edge in schedule.edges if edge.serializer is not None]
    return [(number, edge, plan) for number, (edge, plan) in enumerate(found)]


def top_module(
    graph: IntegerGraph,
    schedule: Schedule,
    ports: tuple[tuple[Port, ...], tuple[Port, ...]],
    streams: Sequence[Stream],
    layers: Sequence[LayerInstance],
    engines: Sequence[EngineInstance],
) -> Module:
    """The top module; `layers` are in the order in which their inputs exist."""
    nets = stream_names(graph)
    ends, forks = _follow_edges(graph, schedule, nets)
    inputs, outputs = ports
    joined = _chained(
        [
            *(_join_layer(graph, layer, nets, ends) for layer in layers),
            *(_join_engine(graph, engine, nets, ends, schedule.loadable) for engine in engines),
        ]
    )
    facts = TopFacts(
        label=names.comment(graph.name),
        inputs=tuple(
            JoinedPort(port, _format(graph, port), nets[port.tensor], source_cell(port, f"source_{index}"))
            for index, port in enumerate(inputs)
        ),
        outputs=tuple(
            JoinedPort(port, _format(graph, port), ends[(None, slot)], sink_cell(port, f"sink_{slot}"))
            for slot, port in enumerate(outputs)
        ),
        streams=tuple(Net(stream.name, stream.width * stream.lanes, names.comment(stream.layer)) for stream in streams),
        forks=tuple(forks),
        layers=tuple(joined),
        multipliers=schedule.multipliers,
        interval=schedule.prediction.interval,
        latency=schedule.prediction.latency,
        loadable=schedule.loadable,
        all_full=next((layer.full for layer in reversed(joined) if layer.full), ""),
    )
    instances = (
        *(port.cell for port in facts.inputs),
        *(queue.cell for fork in facts.forks for queue in fork.queues),
        *(layer.instance for layer in facts.layers),
        *(port.cell for port in facts.outputs),
    )
    return Module(top_name(graph), "verilog/top.v.j2", facts, instances=instances)


def _follow_edges(
    graph: IntegerGraph, schedule: Schedule, nets: Mapping[str, str]
) -> tuple[dict[tuple[int | None, int], str], list[Fork]]:
    """The stream that each reader's input takes, before its serializer, and the forks with their queues."""
    ends: dict[tuple[int | None, int], str] = {}
    forks: list[Fork] = []
    for tensor, stream in nets.items():
        edges = [edge for edge in schedule.edges if edge.tensor == tensor]
        queues: list[Queue] = []
        for index, edge in enumerate(edges):
            name = stream
            if edge.queue_bits is not None:
                name = f"{stream}_{index}"
                bits = graph.tensors[tensor].format.width * schedule.lanes[tensor]
                parameters = {"WIDTH": bits, "ADDRESS_WIDTH": edge.queue_bits, "WORDS": edge.queue_capacity}
                queues.append(Queue(name, bits, Instance("fpgaq_queue", f"{name}_queue", parameters)))
            ends[(edge.reader, edge.slot)] = name
        if queues:
            forks.append(Fork(stream, tuple(queues)))
    return ends, forks


def _join_layer(
    graph: IntegerGraph,
    layer: LayerInstance,
    nets: Mapping[str, str],
    ends: dict[tuple[int | None, int], str],
) -> Joined:
    instance, op, edge = Instance(layer.module, layer.instance), graph.operators[layer.operator], layer.edge
    if edge is not None:
        source = ends[(edge.reader, edge.slot)]
        result = f"{source}_narrow_{layer.operator}_{edge.slot}"
        ends[(edge.reader, edge.slot)] = result
        bits = graph.tensors[edge.tensor].format.width * edge.lanes
        return Joined(instance, (Connection(layer.ports[0], source),), (Connection("m", result),), bits)
    streams = [ends[(layer.operator, slot)] for slot in range(len(op.inputs))]
    sources = tuple(Connection(port, stream) for port, stream in zip(layer.ports, streams, strict=True))
    full = f"{layer.instance}_full" if layer.loaded else ""
    return Joined(instance, sources, (Connection("m", nets[op.output]),), 0, full=full)


def _join_engine(
    graph: IntegerGraph,
    engine: EngineInstance,
    nets: Mapping[str, str],
    ends: Mapping[tuple[int | None, int], str],
    loadable: bool,
) -> Joined:
    sources = tuple(Connection(f"s{place}", ends[(index, 0)]) for place, index in enumerate(engine.operators))
    results = tuple(
        Connection(f"m{place}", nets[graph.operators[index].output]) for place, index in enumerate(engine.operators)
    )
    full = f"{engine.instance}_full" if loadable else ""
    return Joined(Instance(engine.module, engine.instance), sources, results, 0, full=full)


def _chained(joined: Sequence[Joined]) -> list[Joined]:
    """Instances whose memories are loaded one after another."""
    found, turn = [], "1'b1"
    for layer in joined:
        found.append(replace(layer, turn=turn) if layer.full else layer)
        turn = layer.full or turn
    return found
