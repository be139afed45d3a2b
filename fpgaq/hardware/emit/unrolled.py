"""An unrolled network: a module for each layer, and a top module that joins them to the streams."""

from __future__ import annotations

from dataclasses import dataclass

from ...integer.file import digest
from ...integer.graph import IntegerAffine, IntegerGraph
from ..schedule.cells import latency
from ..schedule.schedule import Prediction
from ..unrolled.plan import UnrolledPlan
from . import names
from .design import Design, Instance, Module, PlacedLayer, Register, used_cells
from .instances import delay
from .layers.unrolled import unrolled_module
from .ports import Port
from .printer import print_design
from .top import ports_of, sink_cell, source_cell, streams_of, top_name


@dataclass(frozen=True)
class ChainedLayer:
    """A layer between the streams `source` and `result`, the latter of `bits` a beat, and the delay of its valid."""

    instance: Instance
    label: str
    source: str
    result: str
    bits: int
    delay: Instance


@dataclass(frozen=True)
class UnrolledTopFacts:
    """Everything that ``unrolled_top.v.j2`` places."""

    label: str
    input: Port
    input_format: str
    output: Port
    output_format: str
    bits: int
    layers: tuple[ChainedLayer, ...]
    last: ChainedLayer
    plan: UnrolledPlan
    source: Instance
    credit: Instance
    delay_frame: Instance
    fifo: Instance
    sink: Instance


def emit_unrolled(graph: IntegerGraph, plan: UnrolledPlan) -> dict[str, str | bytes]:
    """All files of the hardware by their path in the output folder, as `emit` of `verilog` gives them."""
    return print_design(unrolled_design(graph, plan))


def unrolled_design(graph: IntegerGraph, plan: UnrolledPlan) -> Design:
    """The hardware of an unrolled network, before any text."""
    # A beat is a frame.
    lanes = {name: tensor.size for name, tensor in graph.tensors.items()}
    inputs, outputs = ports_of(graph, lanes)
    modules, layers = [], []
    for index, (op, layer) in enumerate(zip(graph.operators, plan.layers, strict=True)):
        assert isinstance(op, IntegerAffine), "the plan refuses other operators"
        source, result = graph.tensors[op.input].format, graph.tensors[op.output].format
        labels = (names.layer_module(index, op.name), names.comment(op.name), names.summary(op))
        modules.append(unrolled_module(op.requantize, layer, source, result, labels))
        layers.append(
            ChainedLayer(
                instance=Instance(labels[0], f"layer_{index:02d}"),
                label=names.comment(op.name),
                source=f"s{index}",
                result=f"s{index + 1}",
                bits=result.width * graph.tensors[op.output].size,
                delay=delay(f"delay_{index}", 1, layer.stages),
            )
        )
    modules.append(_top(graph, plan, layers, inputs[0], outputs[0]))
    return Design(
        top=top_name(graph),
        digest=digest(graph),
        inputs=inputs,
        outputs=outputs,
        streams=streams_of(graph, lanes),
        classifier=graph.classifier,
        estimate_only=graph.estimate_only,
        modules=tuple(modules),
        cells=used_cells(modules),
        layers=tuple(
            PlacedLayer(op.name, layer.instance.module, layer.instance.name, planned.stages)
            for op, layer, planned in zip(graph.operators, layers, plan.layers, strict=True)
        ),
        engines=(),
        prediction=Prediction(interval=1, mean_interval=1.0, latency=plan.latency, frames=2),
    )


def _top(graph: IntegerGraph, plan: UnrolledPlan, layers: list[ChainedLayer], source: Port, sink: Port) -> Module:
    first, last = graph.tensors[graph.inputs[0]], layers[-1]
    fifo = {"WIDTH": last.bits, "ADDRESS_WIDTH": plan.fifo_bits, "EAGER": 1}
    facts = UnrolledTopFacts(
        label=names.comment(graph.name),
        input=source,
        input_format=first.format.describe(),
        output=sink,
        output_format=graph.tensors[graph.outputs[0]].format.describe(),
        bits=first.size * first.format.width,
        layers=tuple(layers),
        last=last,
        plan=plan,
        source=source_cell(source, "source"),
        credit=Instance("fpgaq_credit", "credit", {"ADDRESS_WIDTH": plan.fifo_bits}),
        delay_frame=delay("delay_frame", 1, latency("register")),
        fifo=Instance("fpgaq_fifo", "fifo", fifo),
        sink=sink_cell(sink, "sink"),
    )
    instances = (
        *(facts.source, facts.credit, facts.delay_frame),
        *(part for layer in layers for part in (layer.instance, layer.delay)),
        *(facts.fifo, facts.sink),
    )
    return Module(
        top_name(graph),
        "verilog/unrolled_top.v.j2",
        facts,
        instances=instances,
        registers=(Register("frame", facts.bits),),
    )
