"""The top module: ports, streams, and how the layers are joined; the description of all that for hosts and benches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..integer_file import digest
from ..integer_graph import IntegerGraph
from ..schedule.structure import Edge, Schedule
from . import names
from .literals import index_width
from .render import render

Facts = dict[str, object]


@dataclass(frozen=True)
class LayerInstance:
    """One module in the top: the layer of an operator, or a serializer before one (`operator` is its index then).

    `ports` are the prefixes of its input ports.
    """

    module: str
    instance: str
    operator: int
    ports: tuple[str, ...]
    edge: Edge | None = None


@dataclass(frozen=True)
class EngineInstance:
    """An engine in the top and the indices of the operators that it serves, in the order of its ports."""

    module: str
    instance: str
    operators: tuple[int, ...]


def port_names(prefix: str, count: int) -> list[str]:
    """The names of the ports of one direction: numbered where there are several."""
    return [prefix] if count == 1 else [f"{prefix}_{index}" for index in range(count)]


def stream_names(graph: IntegerGraph) -> dict[str, str]:
    """The net prefix of each tensor's stream: inputs first, then operator outputs."""
    order = [*graph.inputs, *(op.output for op in graph.operators)]
    return {tensor: f"s{index}" for index, tensor in enumerate(order)}


def describe_streams(graph: IntegerGraph, lanes: Mapping[str, int]) -> list[Facts]:
    """The streams inside the top module: the inputs, then each operator's output; `lanes` are those of the tensors."""
    streams: list[Facts] = []
    nets = stream_names(graph)
    layers = {op.output: op.name for op in graph.operators}
    for tensor_name, name in nets.items():
        tensor = graph.tensors[tensor_name]
        streams.append(
            {
                "name": name,
                "layer": layers.get(tensor_name, "input"),
                "tensor": tensor_name,
                "data": f"{name}_data",
                "valid": f"{name}_valid",
                "ready": f"{name}_ready",
                "lanes": lanes[tensor_name],
                "width": tensor.format.width,
                "signed": tensor.format.signed,
                "shape": list(tensor.shape),
            }
        )
    return streams


def describe_interface(graph: IntegerGraph, lanes: Mapping[str, int]) -> Facts:
    """What a host or a neighbouring design must know of the top module."""
    inputs, outputs = [], []
    for name, port_name in zip(graph.inputs, port_names("s_axis", len(graph.inputs)), strict=True):
        port = _port(graph, name, port_name, lanes[name])
        transform = graph.transforms[name]
        port["transform"] = {
            "formula": "saturate(round((x * scale + offset) * 2**frac))",
            "scale": transform.scale,
            "offset": transform.offset,
            "rounding": transform.rounding,
            "model_shape": list(transform.model_shape),
            "image_shape": list(transform.image_shape),
        }
        inputs.append(port)
    for name, port_name in zip(graph.outputs, port_names("m_axis", len(graph.outputs)), strict=True):
        port = _port(graph, name, port_name, lanes[name])
        port["model_shape"] = list(graph.output_shapes[name])
        outputs.append(port)
    return {
        "top": f"network_{names.slug(graph.name)}",
        "clock": "clk",
        "reset": "rst",
        "reset_active": "high, synchronous",
        "frame_error": "frame_error",
        "inputs": inputs,
        "outputs": outputs,
        "classifier": graph.classifier,
    }


def _port(graph: IntegerGraph, tensor_name: str, port: str, lanes: int) -> Facts:
    tensor = graph.tensors[tensor_name]
    height, width, channels = tensor.shape
    slot = -(-tensor.format.width // 8) * 8
    return {
        "name": tensor.label or tensor_name,
        "tensor": tensor_name,
        "port": port,
        "shape": list(tensor.shape),
        "order": "pixels in raster order, channels last, element 0 in the low bits",
        "lanes": lanes,
        "width": tensor.format.width,
        "frac": tensor.format.frac,
        "scale": 2.0**-tensor.format.frac,
        "signed": tensor.format.signed,
        "slot_bits": slot,
        "tdata_bits": slot * lanes,
        "beats_per_frame": height * width * -(-channels // lanes),
    }


def serializers(schedule: Schedule) -> list[tuple[int, Edge]]:
    """The edges with a serializer, with a number for each."""
    return list(enumerate(edge for edge in schedule.edges if edge.serializer is not None))


def render_top(
    graph: IntegerGraph,
    schedule: Schedule,
    interface: Mapping[str, object],
    streams: list[Facts],
    layers: list[LayerInstance],
    engines: list[EngineInstance],
) -> str:
    """The text of the top module; `layers` are in the order in which their inputs exist."""
    nets = stream_names(graph)
    ends, forks = _follow_edges(graph, schedule, nets)
    inputs, outputs = interface["inputs"], interface["outputs"]
    assert isinstance(inputs, list) and isinstance(outputs, list)
    facts = {
        "label": names.comment(graph.name),
        "top": interface["top"],
        "inputs": [_with_stream(port, nets[port["tensor"]]) for port in inputs],
        "outputs": [_with_stream(port, ends[(None, slot)]) for slot, port in enumerate(outputs)],
        "streams": [
            {
                "name": stream["name"],
                "bits": int(str(stream["width"])) * int(str(stream["lanes"])),
                "comment": names.comment(str(stream["layer"])),
            }
            for stream in streams
        ],
        "forks": forks,
        "layers": [
            *(_layer_facts(graph, layer, nets, ends) for layer in layers),
            *(_engine_facts(graph, engine, nets, ends) for engine in engines),
        ],
        "multipliers": schedule.multipliers,
        "interval": schedule.prediction.interval,
        "latency": schedule.prediction.latency,
        "digest": digest(graph),
    }
    return render("verilog/top.v.j2", facts)


def _with_stream(port: Mapping[str, object], stream: str) -> Facts:
    beats = port["beats_per_frame"]
    assert isinstance(beats, int)
    return {**port, "stream": stream, "count_width": index_width(beats)}


def _follow_edges(
    graph: IntegerGraph, schedule: Schedule, nets: Mapping[str, str]
) -> tuple[dict[tuple[int | None, int], str], list[Facts]]:
    """The stream that each reader's input takes, before its serializer, and the forks with their queues."""
    ends: dict[tuple[int | None, int], str] = {}
    forks: list[Facts] = []
    for tensor, stream in nets.items():
        edges = [edge for edge in schedule.edges if edge.tensor == tensor]
        queues: list[Facts] = []
        for index, edge in enumerate(edges):
            name = stream
            if edge.queue_bits is not None:
                name = f"{stream}_{index}"
                bits = graph.tensors[tensor].format.width * schedule.lanes[tensor]
                queues.append({"name": name, "bits": bits, "queue_bits": edge.queue_bits, "words": edge.queue_capacity})
            ends[(edge.reader, edge.slot)] = name
        if queues:
            forks.append({"stream": stream, "queues": queues})
    return ends, forks


def _layer_facts(
    graph: IntegerGraph,
    layer: LayerInstance,
    nets: Mapping[str, str],
    ends: dict[tuple[int | None, int], str],
) -> Facts:
    op = graph.operators[layer.operator]
    edge = layer.edge
    if edge is not None:
        source = ends[(edge.reader, edge.slot)]
        result = f"{source}_narrow_{layer.operator}_{edge.slot}"
        ends[(edge.reader, edge.slot)] = result
        bits = graph.tensors[edge.tensor].format.width * edge.lanes
        sources = [{"port": layer.ports[0], "stream": source}]
        return _instance(layer, sources, result, bits)
    streams = [ends[(layer.operator, slot)] for slot in range(len(op.inputs))]
    sources = [{"port": port, "stream": stream} for port, stream in zip(layer.ports, streams, strict=True)]
    return _instance(layer, sources, nets[op.output], None)


def _engine_facts(
    graph: IntegerGraph,
    engine: EngineInstance,
    nets: Mapping[str, str],
    ends: Mapping[tuple[int | None, int], str],
) -> Facts:
    sources, results = [], []
    for place, index in enumerate(engine.operators):
        sources.append({"port": f"s{place}", "stream": ends[(index, 0)]})
        results.append({"port": f"m{place}", "stream": nets[graph.operators[index].output]})
    return {"module": engine.module, "instance": engine.instance, "sources": sources, "results": results, "bits": 0}


def _instance(layer: LayerInstance, sources: list[dict[str, str]], result: str, bits: int | None) -> Facts:
    return {
        "module": layer.module,
        "instance": layer.instance,
        "sources": sources,
        "results": [{"port": "m", "stream": result}],
        "bits": bits or 0,
    }
