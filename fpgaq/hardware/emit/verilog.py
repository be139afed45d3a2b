"""The Verilog of a network: cells as they are, a module for each layer, one top module, and what describes them."""

from __future__ import annotations

from dataclasses import dataclass, field

from ...integer.file import digest
from ...integer.graph import IntegerAffine, IntegerConvolution, IntegerGraph, IntegerOperator, IntegerScale
from ..lowering.wide import plain_form
from ..schedule.plans import PipePlan, Plan, WindowPlan
from ..schedule.schedule import Edge, Schedule
from ..schedule.widths import engine_widths
from . import names
from .cells import CELLS, RTL
from .design import Design, Module, PlacedEngine, PlacedLayer, used_cells
from .engine import engine_modules
from .engine_roms import Served
from .image import Layout
from .layers.arithmetic import scale_total_width
from .layers.pipe import pipe_modules, serializer_module
from .layers.window import window_module
from .memories import Link, Memory, engine_memories, pipe_memories
from .numbers import limits_of, starts_of, structure_of
from .printer import print_design
from .top import EngineInstance, LayerInstance, ports_of, serializers, streams_of, top_module

__all__ = ["CELLS", "RTL", "design_of", "emit"]


def emit(graph: IntegerGraph, schedule: Schedule) -> dict[str, str | bytes]:
    """All files of the hardware by their path in the output folder: ``rtl/``, ``interface.json``, ``manifest.json``.

    The same graph and schedule give the same bytes.
    """
    return print_design(design_of(graph, schedule))


def design_of(graph: IntegerGraph, schedule: Schedule) -> Design:
    """The hardware of a network as its schedule wants it, before any text."""
    parts = _Parts()
    narrow = {(edge.reader, edge.slot): (number, edge, plan) for number, edge, plan in serializers(schedule)}
    for index, (op, plan) in enumerate(zip(graph.operators, schedule.plans, strict=True)):
        for slot in range(len(op.inputs)):
            if (index, slot) in narrow:
                parts.add_serializer(graph, index, *narrow[(index, slot)])
        parts.add_layer(graph, op, plan, index, schedule.loadable)
    for number in range(len(schedule.engines)):
        parts.add_engine(graph, schedule, number)
    ports, streams = ports_of(graph, schedule.lanes), streams_of(graph, schedule.lanes)
    top = top_module(graph, schedule, ports, streams, parts.layers, parts.engines)
    modules = (*parts.modules, top)
    plain = plain_form(graph)
    return Design(
        top=top.name,
        digest=digest(plain),
        inputs=ports[0],
        outputs=ports[1],
        streams=tuple(stream for stream in streams if stream.tensor in plain.tensors),
        classifier=graph.classifier,
        estimate_only=graph.estimate_only,
        modules=modules,
        cells=used_cells(modules),
        layers=tuple(
            PlacedLayer(op.name, names.layer_module(index, op.name), parts.paths[index], _latency(plan))
            for index, (op, plan) in enumerate(zip(graph.operators, schedule.plans, strict=True))
        ),
        engines=tuple(
            PlacedEngine(placed.module, placed.instance, engine.multipliers, engine.layers)
            for placed, engine in zip(parts.engines, schedule.engines, strict=True)
        ),
        prediction=schedule.prediction,
        layout=Layout(tuple(parts.memories), limits_of(graph), structure_of(graph)) if schedule.loadable else None,
    )


def _latency(plan: Plan) -> int:
    return plan.result_latency if isinstance(plan, WindowPlan) else plan.latency


@dataclass
class _Parts:
    """The modules built so far, in compile order, and where each operator is."""

    modules: list[Module] = field(default_factory=list)
    layers: list[LayerInstance] = field(default_factory=list)
    engines: list[EngineInstance] = field(default_factory=list)
    served: dict[str, Served] = field(default_factory=dict)
    paths: dict[int, str] = field(default_factory=dict)
    memories: list[Memory] = field(default_factory=list)

    def add_serializer(self, graph: IntegerGraph, index: int, number: int, edge: Edge, plan: PipePlan) -> None:
        """Add what makes beats narrower before the operator `index`."""
        name, fmt = f"serializer_{number:02d}", graph.tensors[edge.tensor].format
        summary = f"beats of {plan.lanes_in} become beats of {edge.lanes}"
        self.modules.append(serializer_module(fmt, plan, (name, names.comment(edge.tensor), summary)))
        self.layers.append(LayerInstance(name, name, index, ("s0",), edge))

    def add_layer(self, graph: IntegerGraph, op: IntegerOperator, plan: Plan, index: int, loadable: bool) -> None:
        """Add an operator; those that multiply wait for their engine to instantiate them."""
        module, instance = names.layer_module(index, op.name), f"layer_{index:02d}"
        labels = (module, names.comment(op.name), names.summary(op))
        loaded: tuple[Memory, ...] = ()
        if isinstance(plan, PipePlan):
            self.modules.extend(pipe_modules(graph, op, plan, index, labels, loadable))
            offset = scale_total_width(op, graph.tensors[op.input].format) if isinstance(op, IntegerScale) else 0
            loaded = pipe_memories(graph, op, plan, offset, starts_of(graph)) if loadable else ()
            self._add_memories(loaded)
        else:
            self.modules.append(window_module(graph, op, plan, labels))
        if isinstance(op, IntegerConvolution | IntegerAffine) and isinstance(plan, WindowPlan):
            self.served[op.name] = Served(index, op, plan, module, instance)
            return
        ports = ("s",) if isinstance(plan, WindowPlan) else tuple(f"s{slot}" for slot in range(len(op.inputs)))
        self.layers.append(LayerInstance(module, instance, index, ports, loaded=bool(loaded)))
        self.paths[index] = instance

    def add_engine(self, graph: IntegerGraph, schedule: Schedule, number: int) -> None:
        """Add an engine of the schedule."""
        engine, name, instance = schedule.engines[number], names.engine_module(number), f"engine_{number:02d}"
        members = [self.served[layer] for layer in engine.layers]
        self.modules.extend(engine_modules(graph, engine, members, name, schedule.build))
        if schedule.loadable:
            plans = [layer.plan for layer in members]
            widths = engine_widths(graph, engine, [layer.op for layer in members], plans, loadable=True)
            self._add_memories(engine_memories(graph, engine, members, widths, starts_of(graph)))
        self.engines.append(EngineInstance(name, instance, tuple(layer.index for layer in members)))
        self.paths.update({layer.index: f"{instance}.{layer.instance}" for layer in members})

    def _add_memories(self, memories: tuple[Memory, ...]) -> None:
        """Add what is loaded into the newest module: its cells hold as many words of as many bits."""
        links: tuple[Link, ...] = getattr(self.modules[-1].facts, "loaded", ())
        cells = [(link.cell.parameters["WORDS"], link.cell.parameters["WIDTH"]) for link in links]
        assert cells == [(memory.words, memory.width) for memory in memories]
        self.memories.extend(memories)
