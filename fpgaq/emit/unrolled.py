"""The files of an unrolled network: a module for each layer, and a top module that joins them to the streams."""

from __future__ import annotations

from ..integer_file import digest
from ..integer_graph import IntegerAffine, IntegerGraph
from ..unrolled.plan import UnrolledPlan
from . import names
from .layers.unrolled import unrolled_facts
from .literals import index_width
from .render import render
from .top import describe_interface, describe_streams
from .verilog import RTL, as_json, cells_of, summary


def emit_unrolled(graph: IntegerGraph, plan: UnrolledPlan) -> dict[str, str | bytes]:
    """All files of the hardware by their path in the output folder, as `fpgaq.emit.verilog.emit` gives them."""
    # A beat is a frame.
    lanes = {name: tensor.size for name, tensor in graph.tensors.items()}
    interface = describe_interface(graph, lanes)
    streams = describe_streams(graph, lanes)
    rtl: dict[str, str] = {}
    layers = []
    for index, (op, layer) in enumerate(zip(graph.operators, plan.layers, strict=True)):
        assert isinstance(op, IntegerAffine)
        module = names.layer_module(index, op.name)
        source, result = graph.tensors[op.input].format, graph.tensors[op.output].format
        facts = unrolled_facts(op.requantize, layer, source, result)
        common = {"module": module, "label": names.comment(op.name), "summary": summary(op)}
        rtl[f"{module}.v"] = render("verilog/layers/unrolled.v.j2", {**common, **facts})
        layers.append(
            {
                "module": module,
                "instance": f"layer_{index:02d}",
                "label": names.comment(op.name),
                "source": f"s{index}",
                "result": f"s{index + 1}",
                "bits": result.width * graph.tensors[op.output].size,
                "stages": layer.stages,
            }
        )
    inputs, outputs = interface["inputs"], interface["outputs"]
    assert isinstance(inputs, list) and isinstance(outputs, list)
    first = graph.tensors[graph.inputs[0]]
    rtl[f"{interface['top']}.v"] = render(
        "verilog/unrolled_top.v.j2",
        {
            "label": names.comment(graph.name),
            "top": interface["top"],
            "input": inputs[0],
            "output": outputs[0],
            "count_width": index_width(1),
            "bits": first.size * first.format.width,
            "layers": layers,
            "plan": plan,
            "digest": digest(graph),
        },
    )
    texts = {f"{RTL}/{name}": text for name, text in {**cells_of(rtl), **rtl}.items()}
    manifest = {
        "fpgaq": 1,
        "top": interface["top"],
        "files": list(texts),
        "memory_files": [],
        "memory_digests": {},
        "rom_directory": RTL,
        "digest": digest(graph),
        "prediction": {"interval_cycles": 1, "latency_cycles": plan.latency, "frames": 2},
        "streams": streams,
        "layers": [
            {"layer": op.name, "module": layer["module"], "instance": layer["instance"]}
            for op, layer in zip(graph.operators, layers, strict=True)
        ],
    }
    return {**texts, "interface.json": as_json(interface), "manifest.json": as_json(manifest)}
