"""The Verilog of a network: cells as they are, a module for each layer, one top module, and what describes them."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence

from ..integer_file import digest
from ..integer_graph import (
    IntegerAffine,
    IntegerConvolution,
    IntegerGraph,
    IntegerMaxPooling,
    IntegerOperator,
    IntegerSumPooling,
)
from ..schedule.plans import PipePlan, Plan, WindowPlan
from ..schedule.structure import Engine, Schedule
from . import names
from .engine import Served, engine_facts
from .layers.adders import adder_facts
from .layers.pipe import arithmetic_facts, pipe_facts
from .layers.window import window_facts
from .render import render, static_text
from .roms import Rom
from .top import EngineInstance, LayerInstance, describe_interface, describe_streams, render_top, serializers

RTL = "rtl"

CELLS = (
    "fpgaq_ram",
    "fpgaq_fifo",
    "fpgaq_delay",
    "fpgaq_slice",
    "fpgaq_queue",
    "fpgaq_credit",
    "fpgaq_gather",
    "fpgaq_walker",
    "fpgaq_line_buffer",
    "fpgaq_spread",
    "fpgaq_mac",
    "fpgaq_max",
    "fpgaq_sum",
    "fpgaq_collect",
    "fpgaq_bias",
    "fpgaq_requantize",
    "fpgaq_divide",
    "fpgaq_source",
    "fpgaq_sink",
    "fpgaq_count3",
    "fpgaq_count5",
    "fpgaq_count3_2",
    "fpgaq_count1_3",
    "fpgaq_chain",
    "fpgaq_adder",
)
"""Every cell, in compile order; a network's folder holds those that it uses."""


def emit(graph: IntegerGraph, schedule: Schedule) -> dict[str, str | bytes]:
    """All files of the hardware by their path in the output folder: ``rtl/``, ``interface.json``, ``manifest.json``.

    The same graph and schedule give the same bytes.
    """
    rtl: dict[str, str] = {}
    layers: list[LayerInstance] = []
    served: dict[str, Served] = {}
    narrow = {(edge.reader, edge.slot): (number, edge) for number, edge in serializers(schedule)}
    for index, (op, plan) in enumerate(zip(graph.operators, schedule.plans, strict=True)):
        for slot in range(len(op.inputs)):
            if (index, slot) in narrow:
                number, edge = narrow[(index, slot)]
                module = f"serializer_{number:02d}"
                fmt = graph.tensors[edge.tensor].format
                assert edge.serializer is not None
                facts = {
                    "module": module,
                    "label": names.comment(edge.tensor),
                    "summary": f"beats of {edge.serializer.lanes_in} become beats of {edge.lanes}",
                    **pipe_facts([fmt], fmt, edge.serializer, None),
                }
                rtl[f"{module}.v"] = render("verilog/layers/pipe.v.j2", facts)
                layers.append(LayerInstance(module, module, index, ("s0",), edge))
        module = names.layer_module(index, op.name)
        rtl.update(_layer_files(graph, op, plan, index, module))
        if isinstance(op, IntegerConvolution | IntegerAffine) and isinstance(plan, WindowPlan):
            served[op.name] = Served(index, op, plan, module, f"layer_{index:02d}")
            continue
        ports = ("s",) if isinstance(plan, WindowPlan) else tuple(f"s{slot}" for slot in range(len(op.inputs)))
        layers.append(LayerInstance(module, f"layer_{index:02d}", index, ports))
    engines = []
    paths = {layer.operator: layer.instance for layer in layers if layer.edge is None}
    for number, engine in enumerate(schedule.engines):
        members = [served[name] for name in engine.layers]
        rtl.update(_engine_files(graph, engine, members, names.engine_module(number), schedule.factor_bits))
        instance = f"engine_{number:02d}"
        engines.append(EngineInstance(names.engine_module(number), instance, tuple(layer.index for layer in members)))
        paths.update({layer.index: f"{instance}.{layer.instance}" for layer in members})
    interface = describe_interface(graph, schedule.lanes)
    streams = describe_streams(graph, schedule.lanes)
    rtl[f"{interface['top']}.v"] = render_top(graph, schedule, interface, streams, layers, engines)
    texts = {f"{RTL}/{name}": text for name, text in {**cells_of(rtl), **rtl}.items()}
    manifest = _manifest(graph, schedule, interface, streams, paths, texts)
    return {**texts, "interface.json": as_json(interface), "manifest.json": as_json(manifest)}


def cells_of(rtl: Mapping[str, str]) -> dict[str, str]:
    """The cells that modules instantiate, and those that these instantiate, in compile order."""
    texts = {cell: static_text(f"verilog/cells/{cell}.v") for cell in CELLS}
    used: set[str] = set()
    waiting = list(rtl.values())
    while waiting:
        for cell in re.findall(r"^ *(fpgaq_\w+) #?\(?", waiting.pop(), re.MULTILINE):
            if cell in texts and cell not in used:
                used.add(cell)
                waiting.append(texts[cell])
    return {f"{cell}.v": texts[cell] for cell in CELLS if cell in used}


def _layer_files(graph: IntegerGraph, op: IntegerOperator, plan: Plan, index: int, module: str) -> dict[str, str]:
    """The files of one layer, its ROMs first."""
    common = {"module": module, "label": names.comment(op.name), "summary": summary(op)}
    facts: Mapping[str, object]
    if isinstance(plan, PipePlan):
        template = "pipe"
        formats = [graph.tensors[name].format for name in op.inputs]
        arithmetic = arithmetic_facts(graph, op, plan, index)
        facts = pipe_facts(formats, graph.tensors[op.output].format, plan, arithmetic)
    else:
        template = "front" if plan.multiplies else plan.kind
        facts = window_facts(graph, op, plan)
    files: dict[str, str] = {}
    computed = facts.get("arithmetic")
    if isinstance(computed, Mapping):
        for rom in (value for value in computed.values() if isinstance(value, Rom)):
            files.update(rom.files())
    files[f"{module}.v"] = render(f"verilog/layers/{template}.v.j2", {**common, **facts})
    return files


def _engine_files(
    graph: IntegerGraph, engine: Engine, layers: Sequence[Served], module: str, factor_bits: int
) -> dict[str, str]:
    """The files of an engine, its ROMs first."""
    facts = engine_facts(graph, engine, layers, factor_bits)
    files: dict[str, str] = {}
    for rom in (value for value in facts.values() if isinstance(value, Rom)):
        files.update(rom.files())
    adders = f"{module}_adders"
    if engine.adders:
        (layer,) = layers
        source, sum_width = graph.tensors[layer.op.input].format, facts["sum_width"]
        assert isinstance(sum_width, int)
        common = {"module": adders, "label": names.comment(layer.op.name), "summary": summary(layer.op)}
        sums = adder_facts(layer.op, layer.plan, source, sum_width)
        files[f"{adders}.v"] = render("verilog/layers/unrolled.v.j2", {**common, **sums})
    files[f"{module}.v"] = render("verilog/engine.v.j2", {"module": module, "adders": adders, **facts})
    return files


def summary(op: IntegerOperator) -> str:
    """What an operator does, in a few words for a comment."""
    if isinstance(op, IntegerConvolution):
        kernel = f"{op.weight.shape[1]}x{op.weight.shape[2]}"
        grouped = f", {op.groups} groups" if op.groups > 1 else ""
        return f"convolution {kernel}, stride {op.stride[0]}x{op.stride[1]}, padding {op.padding}{grouped}"
    if isinstance(op, IntegerAffine):
        return f"affine, {op.weight.shape[1]} to {op.weight.shape[0]}"
    if isinstance(op, IntegerMaxPooling | IntegerSumPooling):
        kind = "max" if isinstance(op, IntegerMaxPooling) else "sum"
        window = f"{op.kernel[0]}x{op.kernel[1]}, stride {op.stride[0]}x{op.stride[1]}, padding {op.padding}"
        return f"{kind} pooling {window}"
    return type(op).__name__.removeprefix("Integer").lower()


def _manifest(
    graph: IntegerGraph,
    schedule: Schedule,
    interface: Mapping[str, object],
    streams: list[dict[str, object]],
    paths: Mapping[int, str],
    texts: Mapping[str, str],
) -> dict[str, object]:
    memories = sorted(path for path in texts if path.endswith(".hex"))
    prediction = schedule.prediction
    return {
        "fpgaq": 1,
        "top": interface["top"],
        "files": [path for path in texts if path.endswith(".v")],
        "memory_files": memories,
        "memory_digests": {path: hashlib.sha256(texts[path].encode()).hexdigest() for path in memories},
        "rom_directory": RTL,
        "digest": digest(graph),
        "prediction": {
            "interval_cycles": prediction.interval,
            "latency_cycles": prediction.latency,
            "frames": prediction.frames,
        },
        "streams": streams,
        "layers": [
            {"layer": op.name, "module": names.layer_module(index, op.name), "instance": paths[index]}
            for index, op in enumerate(graph.operators)
        ],
        "engines": [
            {
                "module": names.engine_module(number),
                "instance": f"engine_{number:02d}",
                "multipliers": engine.multipliers,
                "layers": list(engine.layers),
            }
            for number, engine in enumerate(schedule.engines)
        ],
    }


def as_json(value: object) -> str:
    """The text of a JSON file."""
    return json.dumps(value, indent=2, sort_keys=False) + "\n"
