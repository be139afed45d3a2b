"""The Verilog of a network: cells as they are, a module for each layer, one top module, and what describes them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from ..errors import UnsupportedError
from ..integer_file import digest
from ..integer_graph import (
    IntegerAffine,
    IntegerConvolution,
    IntegerGraph,
    IntegerMaxPooling,
    IntegerOperator,
    IntegerRelu,
)
from ..schedule.plans import Plan, ReluPlan, Schedule, WindowPlan
from . import names
from .layers.window import window_facts
from .literals import index_width
from .render import render, static_text
from .roms import Rom

RTL = "rtl"

CELLS = (
    "fpgaq_ram",
    "fpgaq_fifo",
    "fpgaq_delay",
    "fpgaq_gather",
    "fpgaq_walker",
    "fpgaq_line_buffer",
    "fpgaq_mac",
    "fpgaq_max",
    "fpgaq_collect",
    "fpgaq_bias",
    "fpgaq_requantize",
    "fpgaq_relu",
    "fpgaq_source",
    "fpgaq_sink",
)
"""Every cell, in compile order; a network's folder holds those that it uses."""

_CELLS_OF_MAC = {
    "fpgaq_ram",
    "fpgaq_fifo",
    "fpgaq_delay",
    "fpgaq_gather",
    "fpgaq_walker",
    "fpgaq_line_buffer",
    "fpgaq_mac",
    "fpgaq_collect",
    "fpgaq_bias",
}
_CELLS_OF_MAX = {
    "fpgaq_ram",
    "fpgaq_fifo",
    "fpgaq_delay",
    "fpgaq_gather",
    "fpgaq_walker",
    "fpgaq_line_buffer",
    "fpgaq_max",
}


def emit(graph: IntegerGraph, schedule: Schedule) -> dict[str, str | bytes]:
    """All files of the hardware by their path in the output folder: ``rtl/``, ``interface.json``, ``manifest.json``.

    The same graph and schedule give the same bytes.
    """
    rtl: dict[str, str] = {}
    cells = {"fpgaq_source", "fpgaq_sink"}
    layers = []
    for index, (op, plan) in enumerate(zip(graph.operators, schedule.plans, strict=True)):
        module = names.layer_module(index, op.name)
        files, used = _layer_files(graph, op, plan, index, module)
        rtl.update(files)
        cells |= used
        layers.append(
            {"module": module, "instance": f"layer_{index:02d}", "source": f"s{index}", "result": f"s{index + 1}"}
        )
    interface = _interface(graph, schedule)
    streams = _streams(graph, schedule)
    rtl[f"{interface['top']}.v"] = _top(graph, schedule, interface, streams, layers)
    cell_files = {f"{cell}.v": static_text(f"verilog/cells/{cell}.v") for cell in CELLS if cell in cells}
    texts = {f"{RTL}/{name}": text for name, text in {**cell_files, **rtl}.items()}
    manifest = _manifest(graph, schedule, interface, streams, layers, texts)
    return {**texts, "interface.json": _json(interface), "manifest.json": _json(manifest)}


def _layer_files(
    graph: IntegerGraph, op: IntegerOperator, plan: Plan, index: int, module: str
) -> tuple[dict[str, str], set[str]]:
    """The files of one layer, its ROMs first, and the cells that it uses."""
    common = {"module": module, "label": names.comment(op.name), "summary": _summary(op), "plan": plan}
    if isinstance(op, IntegerRelu) and isinstance(plan, ReluPlan):
        formats = {"source": graph.tensors[op.input].format, "result": graph.tensors[op.output].format}
        return {f"{module}.v": render("verilog/layers/relu.v.j2", {**common, **formats})}, {"fpgaq_relu"}
    if isinstance(op, IntegerMaxPooling) and isinstance(plan, WindowPlan):
        facts = window_facts(graph, op, plan, index)
        return {f"{module}.v": render("verilog/layers/max.v.j2", {**common, **facts})}, set(_CELLS_OF_MAX)
    if isinstance(op, IntegerConvolution | IntegerAffine) and isinstance(plan, WindowPlan):
        facts = window_facts(graph, op, plan, index)
        arithmetic = facts["arithmetic"]
        assert isinstance(arithmetic, Mapping)
        files: dict[str, str] = {}
        for rom in (arithmetic["weights"], arithmetic["biases"]):
            assert isinstance(rom, Rom)
            files.update(rom.files())
        files[f"{module}.v"] = render("verilog/layers/mac.v.j2", {**common, **facts})
        cells = _CELLS_OF_MAC | ({"fpgaq_requantize"} if arithmetic["requantized"] else set())
        return files, cells
    raise UnsupportedError(f"layer {op.name!r}: {type(op).__name__} has no Verilog")


def _summary(op: IntegerOperator) -> str:
    if isinstance(op, IntegerConvolution):
        kernel = f"{op.weight.shape[1]}x{op.weight.shape[2]}"
        grouped = f", {op.groups} groups" if op.groups > 1 else ""
        return f"convolution {kernel}, stride {op.stride[0]}x{op.stride[1]}, padding {op.padding}{grouped}"
    if isinstance(op, IntegerAffine):
        return f"affine, {op.weight.shape[1]} to {op.weight.shape[0]}"
    if isinstance(op, IntegerMaxPooling):
        return f"max pooling {op.kernel[0]}x{op.kernel[1]}, stride {op.stride[0]}x{op.stride[1]}, padding {op.padding}"
    return "max(x, 0)"


def _lanes_out(plan: Plan) -> int:
    return plan.lanes if isinstance(plan, ReluPlan) else plan.lanes_out


def _streams(graph: IntegerGraph, schedule: Schedule) -> list[dict[str, object]]:
    """The streams inside the top module: the input, then each operator's output."""
    streams = []
    entries = [("input", graph.inputs[0], schedule.input_lanes)]
    entries += [
        (op.name, op.output, _lanes_out(plan)) for op, plan in zip(graph.operators, schedule.plans, strict=True)
    ]
    for index, (layer, tensor_name, lanes) in enumerate(entries):
        tensor = graph.tensors[tensor_name]
        name = f"s{index}"
        streams.append(
            {
                "name": name,
                "layer": layer,
                "tensor": tensor_name,
                "data": f"{name}_data",
                "valid": f"{name}_valid",
                "ready": f"{name}_ready",
                "lanes": lanes,
                "width": tensor.format.width,
                "signed": tensor.format.signed,
                "shape": list(tensor.shape),
            }
        )
    return streams


def _port(graph: IntegerGraph, tensor_name: str, port: str, lanes: int) -> dict[str, object]:
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


def _interface(graph: IntegerGraph, schedule: Schedule) -> dict[str, object]:
    """What a host or a neighbouring design must know of the top module."""
    inputs, outputs = [], []
    for name in graph.inputs:
        port = _port(graph, name, "s_axis", schedule.input_lanes)
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
    for name in graph.outputs:
        port = _port(graph, name, "m_axis", _lanes_out(schedule.plans[-1]))
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


def _top(
    graph: IntegerGraph,
    schedule: Schedule,
    interface: Mapping[str, object],
    streams: list[dict[str, object]],
    layers: list[dict[str, str]],
) -> str:
    def with_count(port: Mapping[str, object]) -> dict[str, object]:
        beats = port["beats_per_frame"]
        assert isinstance(beats, int)
        return {**port, "count_width": index_width(beats)}

    inputs, outputs = interface["inputs"], interface["outputs"]
    assert isinstance(inputs, list) and isinstance(outputs, list)
    shown = [
        {
            "name": stream["name"],
            "bits": graph.tensors[str(stream["tensor"])].format.width * int(str(stream["lanes"])),
            "comment": names.comment(str(stream["layer"])),
        }
        for stream in streams
    ]
    facts = {
        "label": names.comment(graph.name),
        "top": interface["top"],
        "input": with_count(inputs[0]),
        "output": with_count(outputs[0]),
        "streams": shown,
        "layers": layers,
        "multipliers": schedule.multipliers,
        "interval": schedule.prediction.interval,
        "latency": schedule.prediction.latency,
        "digest": digest(graph),
    }
    return render("verilog/top.v.j2", facts)


def _manifest(
    graph: IntegerGraph,
    schedule: Schedule,
    interface: Mapping[str, object],
    streams: list[dict[str, object]],
    layers: list[dict[str, str]],
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
            {"layer": op.name, "module": layer["module"], "instance": layer["instance"]}
            for op, layer in zip(graph.operators, layers, strict=True)
        ],
    }


def _json(value: object) -> str:
    return json.dumps(value, indent=2, sort_keys=False) + "\n"
